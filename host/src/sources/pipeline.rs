//! Pipelines: several tools, one after the other or side by side, as one tool.
//!
//! * [`config`]: pipelines as they are written.
//! * [`template`] and [`condition`]: references in arguments, and what decides whether a step runs.
//! * [`plan`]: a pipeline made ready, or what is wrong with it ([`flaw`]).
//! * [`run`] and [`outcome`]: running it, each step under the caller's role, and what comes of it.
//! * [`check`]: a pipeline held against the tools that it names, without running it.

pub mod check;
mod condition;
pub mod config;
pub mod flaw;
mod outcome;
pub mod plan;
mod run;
mod schema;
mod template;

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use gateway_core::{
    call::Call,
    error::{CallError, Failure, FailureKind},
    name::{Naming, SourceName},
    payload::{Json, Op, Reply, Request},
    source::{Abilities, Client, Fut, Item, Offer, RunSteps, Shown, Source, SourceStatus, State},
};
use serde_json::{Value, json};

use self::{config::PipelineConfig, flaw::Flaw, plan::Plan};
use crate::arguments;

/// The source `pipeline`: each pipeline is a tool.
pub struct Pipelines {
    name: SourceName,
    naming: Naming,
    offer: Arc<Offer>,
    pipelines: HashMap<Arc<str>, Pipeline>,
}

/// A pipeline that can be run.
struct Pipeline {
    plan: Plan,
    input: Value,
    definition: Json,
}

/// Runs steps that come with a call.
#[derive(Debug, Clone, Copy)]
pub struct AdHoc;

impl Pipelines {
    /// The pipelines that can be run; `separator` stands between `pipeline` and a pipeline's name.
    #[must_use]
    pub fn new<'a>(pipelines: impl Iterator<Item = (&'a SourceName, &'a PipelineConfig)>, separator: &str) -> Self {
        let (mut items, mut made) = (Vec::new(), HashMap::new());
        for (name, config) in pipelines {
            let (plan, flaws) = look(config);
            let Some(input) =
                schema::of_objects(config.input.as_ref()).ok().filter(|_| !flaws.iter().any(|flaw| flaw.fatal))
            else {
                continue;
            };
            let name: Arc<str> = name.as_str().into();
            let definition = definition(&name, config, &plan, &input);
            items.push(Item { name: name.clone(), definition: definition.clone() });
            made.insert(name, Pipeline { plan, input, definition });
        }
        Self {
            name: SourceName::pipelines(),
            naming: Naming { prefix: Some("pipeline".into()), separator: separator.into() },
            offer: Arc::new(Offer { tools: Some(items.into()), ..Offer::default() }),
            pipelines: made,
        }
    }
}

/// Makes a pipeline ready, and says all that is wrong with it.
#[must_use]
pub fn look(config: &PipelineConfig) -> (Plan, Vec<Flaw>) {
    let (plan, mut flaws) = Plan::of(config);
    if let Err(message) = schema::of_objects(config.input.as_ref()) {
        let hint = "write it like `input: { type: object, properties: { name: { type: string } }, required: [name] }`";
        flaws.push(Flaw { at: vec!["input".into()], message, hint: hint.to_owned(), fatal: true });
    }
    (plan, flaws)
}

fn definition(name: &str, config: &PipelineConfig, plan: &Plan, input: &Value) -> Json {
    let description = config.description.clone().unwrap_or_else(|| {
        let tools: Vec<&str> = plan.calls().map(|(_, tool)| tool).collect();
        format!("Runs {}.", tools.join(", "))
    });
    Json::from_value(&json!({ "name": name, "description": description, "inputSchema": input }))
}

impl Pipeline {
    async fn run(&self, name: &str, input: Option<Json>, call: &Call) -> Result<Reply, CallError> {
        let input = schema::with_defaults(&self.input, input.unwrap_or(Json::empty_object()));
        arguments::check(name, &self.definition, Some(&input))?;
        Ok(run::run(&self.plan, input, call).await)
    }
}

impl Source for Pipelines {
    fn name(&self) -> &SourceName {
        &self.name
    }

    fn naming(&self) -> &Naming {
        &self.naming
    }

    fn offer(&self, _: &Abilities) -> Arc<Offer> {
        self.offer.clone()
    }

    fn learn<'a>(&'a self, _: &'a Arc<dyn Client>) -> Fut<'a, Result<(), CallError>> {
        Box::pin(async { Ok(()) })
    }

    fn shown(&self, _: &str) -> Shown {
        Shown::Always
    }

    fn call(&self, request: Request, call: Arc<Call>) -> Fut<'_, Result<Reply, CallError>> {
        Box::pin(async move {
            match (&request.op, self.pipelines.get(&request.target)) {
                (Op::CallTool, Some(pipeline)) => {
                    pipeline.run(&self.naming.public(&request.target), request.arguments, &call).await
                }
                (Op::CallTool, None) => Err(CallError::UnknownTool((&*request.target).into())),
                (other, _) => Err(CallError::UnknownMethod(other.method().into())),
            }
        })
    }

    fn status(&self) -> SourceStatus {
        let tools = Some(self.pipelines.len());
        SourceStatus { kind: "pipeline", state: State::Running, starts: 1, calls: 0, tools, error: None }
    }

    fn stop(&self, _grace: Duration) -> Fut<'_, ()> {
        Box::pin(async {})
    }
}

impl RunSteps for AdHoc {
    fn run<'a>(&'a self, steps: &'a Json, input: Option<Json>, call: &'a Call) -> Fut<'a, Result<Reply, CallError>> {
        Box::pin(async move {
            let refused = |message: String| Failure::new(FailureKind::Arguments, message);
            let mut reader = serde_json::Deserializer::from_slice(steps.as_bytes());
            let steps = serde_path_to_error::deserialize(&mut reader)
                .map_err(|error| refused(format!("steps{}: {}", at(error.path()), error.inner())).hint(STEPS))?;
            let (plan, flaws) = Plan::of(&PipelineConfig { steps, ..PipelineConfig::default() });
            if let Some(first) = flaws.iter().find(|flaw| flaw.fatal) {
                let said = flaws.iter().map(|flaw| format!("{}: {}", flaw.place(), flaw.message)).collect::<Vec<_>>();
                return Err(refused(said.join("; ")).hint(first.hint.as_str()).into());
            }
            Ok(run::run(&plan, input.unwrap_or(Json::empty_object()), call).await)
        })
    }
}

const STEPS: &str = "steps are a list like [{\"id\": \"first\", \"tool\": \"server__tool\", \"arguments\": {}}]";

fn at(path: &serde_path_to_error::Path) -> String {
    let path = path.to_string();
    match path.as_str() {
        "." => String::new(),
        path if path.starts_with('[') => path.to_owned(),
        path => format!(".{path}"),
    }
}

impl fmt::Debug for Pipelines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipelines").field("names", &self.pipelines.keys()).finish_non_exhaustive()
    }
}
