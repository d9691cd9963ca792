//! Running a pipeline. It spawns nothing: dropping the future ends whatever a step does at the moment.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, future::join_all, stream};
use gateway_core::{
    call::{Call, MAX_NESTED_CALLS, earliest},
    error::{CallError, Failure, FailureKind},
    payload::{Json, Reply},
    source::Fut,
};
use serde_json::json;

use super::{
    config::OnError,
    outcome::{Outcome, Status, refusal, report},
    plan::{Each, Plan, Planned, ToolStep, Work},
    template::{Root, Scope, Template, Unfilled, items},
};

/// Runs `plan` on `input` as `call`.
pub(super) async fn run(plan: &Plan, input: Json, call: &Call) -> Reply {
    let run = Run { call, input, total: plan.tools().len(), done: AtomicUsize::new(0) };
    let mut outcomes = Vec::with_capacity(run.total);
    let mut failed = false;
    for step in &plan.steps {
        if failed {
            outcomes.extend(step.tools().into_iter().map(|(_, tool)| Outcome::skipped(&tool.id)));
            continue;
        }
        let ran = run.step(step, &outcomes, None).await;
        failed = ran.stops;
        outcomes.extend(ran.outcomes);
    }
    report(plan, &outcomes, failed)
}

/// A pipeline that runs.
struct Run<'a> {
    call: &'a Call,
    input: Json,
    total: usize,
    done: AtomicUsize,
}

/// What a step gave, or those in a group.
struct Ran {
    outcomes: Vec<Outcome>,
    /// The pipeline ends here.
    stops: bool,
}

/// What references mean at a step.
struct Known<'a> {
    input: &'a Json,
    outcomes: &'a [Outcome],
    item: Option<(Json, usize)>,
}

impl Run<'_> {
    fn step<'a>(&'a self, step: &'a Planned, before: &'a [Outcome], limit: Option<Instant>) -> Fut<'a, Ran> {
        Box::pin(async move {
            let known = Known { input: &self.input, outcomes: before, item: None };
            match step.condition.as_ref().map_or(Ok(true), |condition| condition.holds(&known)) {
                Ok(true) => {}
                Ok(false) => return self.told(skipped(step)),
                Err(unfilled) => return self.told(refused(step, &unfilled)),
            }
            let limit = earliest(limit, step.timeout.map(|timeout| self.call.clock().now() + timeout));
            match &step.work {
                Work::Tool(tool) => {
                    let outcome = self.tool(step, tool, &known, limit).await;
                    let stops = outcome.status == Status::Error && step.on_error == OnError::Stop;
                    self.told(Ran { outcomes: vec![outcome], stops })
                }
                Work::Parallel(steps) => {
                    // What has begun is finished, so that it can be told what was done.
                    let ran = join_all(steps.iter().map(|step| self.step(step, before, limit))).await;
                    let stops = step.on_error == OnError::Stop && ran.iter().any(|ran| ran.stops);
                    Ran { outcomes: ran.into_iter().flat_map(|ran| ran.outcomes).collect(), stops }
                }
            }
        })
    }

    async fn tool(&self, step: &Planned, tool: &ToolStep, known: &Known<'_>, limit: Option<Instant>) -> Outcome {
        let Some(each) = &tool.each else {
            return Outcome::of(&tool.id, self.once(step, tool, known, limit).await);
        };
        let items = match list(each, known) {
            Ok(items) => items,
            Err(failure) => return Outcome::of(&tool.id, refusal(&failure.into())),
        };
        let broken = AtomicBool::new(false);
        let calls = items.into_iter().enumerate().map(|(index, item)| {
            let known = Known { item: Some((item, index)), ..*known };
            let broken = &broken;
            async move {
                if broken.load(Ordering::Relaxed) {
                    return None;
                }
                let reply = self.once(step, tool, &known, limit).await;
                if reply.is_error() && step.on_error == OnError::Stop {
                    broken.store(true, Ordering::Relaxed);
                }
                Some(reply)
            }
        });
        Outcome::of_each(&tool.id, stream::iter(calls).buffered(each.concurrency.get()).collect().await)
    }

    /// One call of the step's tool.
    async fn once(&self, step: &Planned, tool: &ToolStep, known: &Known<'_>, limit: Option<Instant>) -> Reply {
        let arguments = match arguments(&tool.arguments, known) {
            Ok(arguments) => arguments,
            Err(failure) => return refusal(&failure.into()),
        };
        let call = self.call.invoke(&tool.tool, Some(arguments), limit);
        let result = match limit {
            None => call.await,
            Some(limit) => tokio::select! {
                biased;
                result = call => result,
                () = self.call.clock().reaches(limit) => Err(late(step).into()),
            },
        };
        result.unwrap_or_else(|error: CallError| refusal(&error))
    }

    /// Tells the client that steps are over.
    fn told(&self, ran: Ran) -> Ran {
        for outcome in &ran.outcomes {
            let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
            let how = match outcome.status {
                Status::Ok => "done",
                Status::Error => "failed",
                Status::Skipped => "skipped",
            };
            let message = format!("step {}: {how}", outcome.id);
            self.call
                .progress(&Json::from_value(&json!({ "progress": done, "total": self.total, "message": message })));
        }
        ran
    }
}

fn skipped(step: &Planned) -> Ran {
    let outcomes = step.tools().into_iter().map(|(_, tool)| Outcome::skipped(&tool.id)).collect();
    Ran { outcomes, stops: false }
}

/// The condition itself cannot be told; what it is about does not run.
fn refused(step: &Planned, unfilled: &Unfilled) -> Ran {
    let reply = || refusal(&Failure::new(FailureKind::Limit, format!("its `if` cannot be decided: {unfilled}")).into());
    let outcomes = step.tools().into_iter().map(|(_, tool)| Outcome::of(&tool.id, reply())).collect();
    Ran { outcomes, stops: step.on_error == OnError::Stop }
}

fn late(step: &Planned) -> Failure {
    let took = step.timeout.map_or_else(|| "its group".to_owned(), shown);
    Failure::new(FailureKind::Timeout, format!("it did not finish within the time of {took} that it has"))
        .hint("raise `timeout` of the step, or of the group that it is in")
}

fn shown(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

fn arguments(template: &Template, known: &Known<'_>) -> Result<Json, Failure> {
    let arguments = template.fill(known).map_err(|unfilled| unfillable(&unfilled))?;
    match arguments.is_object() {
        true => Ok(arguments),
        false => Err(Failure::new(FailureKind::Arguments, "its arguments are no object")
            .hint("a reference that stands for all `arguments` has to be one to an object")),
    }
}

fn list(each: &Each, known: &Known<'_>) -> Result<Vec<Json>, Failure> {
    let list = each.list.fill(known).map_err(|unfilled| unfillable(&unfilled))?;
    let items = items(&list).ok_or_else(|| {
        let message = format!("`for_each` stands for {}, which is no list", kind(&list));
        Failure::new(FailureKind::Arguments, message)
    })?;
    match items.len() > MAX_NESTED_CALLS as usize {
        true => {
            let message =
                format!("`for_each` has {} items, and one call may cause {MAX_NESTED_CALLS} others", items.len());
            Err(Failure::new(FailureKind::Limit, message))
        }
        false => Ok(items),
    }
}

fn unfillable(unfilled: &Unfilled) -> Failure {
    let failure = Failure::new(FailureKind::Arguments, unfilled.to_string());
    match unfilled {
        Unfilled::Missing(reference) => {
            failure.hint(format!("write `${{{}:-…}}` with what to take in its place", reference.written))
        }
        Unfilled::Huge => failure,
    }
}

fn kind(json: &Json) -> &'static str {
    match json.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'"') => "a text",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        Some(b'[') => "a list",
        _ => "a number",
    }
}

impl Scope for Known<'_> {
    fn root(&self, root: &Root) -> Option<Json> {
        match root {
            Root::Input => Some(self.input.clone()),
            Root::Item => self.item.as_ref().map(|(item, _)| item.clone()),
            Root::Index => self.item.as_ref().map(|(_, index)| Json::from_value(index)),
            Root::Step(id, field) => self.outcomes.iter().find(|outcome| outcome.id == *id)?.field(*field),
        }
    }
}
