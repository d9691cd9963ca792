//! One request at a server, until it is answered: which instance gets it, what is tried again, what is said where it
//! fails.

use std::{sync::Arc, time::Duration};

use gateway_core::{
    call::Call,
    error::{CallError, Failure, FailureKind},
    payload::{Json, Op, Reply, ReplyKind, Request},
    source::Client,
    wire::{json::Members, peer::RequestError},
};
use tokio::time::{Instant, timeout};

use super::{
    Settings, Upstream,
    handshake::is_worth_another_try,
    instances::Held,
    lifecycle::NoLease,
    params,
    rounds::{self, Round},
    running::{Lease, Louder, Running},
    seconds,
    start::refused,
};

/// How often a request is tried with servers that end before they were asked anything.
const ATTEMPTS: usize = 3;

/// How often a server may ask in rounds before it answers.
const ROUNDS: usize = 10;

impl Upstream {
    /// Runs a request, and asks the client what the server wants to know first.
    pub(super) async fn in_rounds(&self, mut request: Request, call: &Arc<Call>) -> Result<Reply, CallError> {
        for _ in 0..ROUNDS {
            let (reply, lease) = self.once(&request, call).await?;
            let passes_on = call.depth == 0 && call.client().takes_rounds();
            if passes_on || !lease.running().is_modern() || reply.kind() != ReplyKind::InputRequired {
                return Ok(reply);
            }
            let name = &self.settings().name;
            let Some(round) = Round::read(&reply.body) else {
                let message =
                    format!("server {name:?} asks for something that cannot be understood: {:.200}", reply.body);
                return Err(Failure::new(FailureKind::Broken, message).into());
            };
            // Nobody has to wait for the server meanwhile, and it for nobody.
            drop(lease);
            let held = call.clock().hold();
            let answers = Box::pin(rounds::ask(&round, &**call.client())).await;
            drop(held);
            let answers = answers.map_err(|refusal| {
                let message = format!("server {name:?} needs an answer of the client to go on: {refusal}");
                Failure::new(FailureKind::Unavailable, message)
            })?;
            request.rest.retain(|(member, _)| !params::ROUND.contains(&&**member));
            request.rest.extend(answers);
        }
        let message = format!(
            "server {:?} has asked the client {ROUNDS} times and still wants to know more",
            self.settings().name
        );
        Err(Failure::new(FailureKind::Limit, message).into())
    }

    /// A server that ends before it was asked anything can be started again without harm, any other request may have
    /// had its effect.
    async fn once(&self, request: &Request, call: &Arc<Call>) -> Result<(Reply, Lease), CallError> {
        let (mut attempts, mut repeated) = (0, false);
        while attempts < ATTEMPTS {
            let held = self.instances.pick(call.client(), &request.op)?;
            let lease = match held.lifecycle().lease().await {
                Ok(lease) => lease,
                Err(NoLease::Moved) => continue,
                Err(NoLease::Failed(failure)) => return Err(failure.into()),
            };
            attempts += 1;
            // What it has was looked at when it was started, maybe just now.
            if request.op == Op::CallTool && !self.instances.lets(&request.target, call.client().abilities()) {
                return Err(CallError::UnknownTool((&*request.target).into()));
            }
            if let Some(failure) = held.lifecycle().trouble.why() {
                return Err(failure.into());
            }
            let outcome = match request.op {
                Op::Subscribe | Op::Unsubscribe => {
                    Box::pin(self.subscribe(&held, lease.running(), request, call)).await
                }
                _ => self.ask(&held, lease.running(), request, call).await,
            };
            let Some(outcome) = outcome else { return Err(self.too_slow().into()) };
            let running = lease.running();
            match outcome {
                Ok(body) => {
                    held.lifecycle().prove(running);
                    return Ok((Reply { body }, lease));
                }
                Err(RequestError::Answer(error))
                    if !repeated && running.is_modern() && is_worth_another_try(&error) =>
                {
                    repeated = true;
                }
                Err(RequestError::Answer(error)) => {
                    held.lifecycle().prove(running);
                    return Err(CallError::Backend(error));
                }
                // It takes nothing more; its end brings the next one.
                Err(RequestError::NotSent) => running.link.retire(),
                Err(RequestError::Ended | RequestError::Lost(_)) if !repeated && self.is_repeatable(request, call) => {
                    repeated = true;
                }
                Err(error) => {
                    let down = matches!(error, RequestError::Status { status: 502..=504, .. });
                    let failure = Box::pin(self.failed(running, error)).await;
                    if down {
                        held.lifecycle().trouble.again(&failure);
                    }
                    return Err(failure.into());
                }
            }
        }
        let message = format!("server {:?} ends as soon as it has started", self.settings().name);
        Err(Failure::new(FailureKind::Unavailable, message).into())
    }

    /// Asks the server; `None`: it took too long.
    pub(super) async fn ask(
        &self,
        held: &Held,
        running: &Arc<Running>,
        request: &Request,
        call: &Arc<Call>,
    ) -> Option<Result<Json, RequestError>> {
        let (client, limit) = (call.client(), self.settings().request_timeout);
        // In a box, since most servers have nothing to be told first.
        let _louder = match held.is_exclusive() || client.takes_rounds() {
            true => Box::pin(within(limit, running, self.prepare(held, running, &**client))).await?,
            false => None,
        };
        let logs = running.hello.logs && params::level(&**client).is_some();
        let _logging = (logs && !held.is_exclusive()).then(|| running.manners.logs_for(call));
        let compose = |id| params::compose(request, call, id, &running.hello);
        let asked = running.peer().request(request.op.method(), compose, Some(call));
        within(limit, running, asked).await
    }

    /// Tells a server with sessions what it has to know of a client that has none, or says anew with each request what
    /// it wants.
    async fn prepare(&self, held: &Held, running: &Arc<Running>, client: &dyn Client) -> Option<Louder> {
        let common = &self.instances.common;
        if held.is_exclusive() {
            running.log_from(client.log_level()).await;
            running.hold(&common.passing).await;
            return None;
        }
        let level = client.log_level().filter(|_| client.takes_rounds())?;
        running.log_meanwhile(level, &common.tasks).await
    }

    /// Whether a request that may have reached a server can be sent again.
    fn is_repeatable(&self, request: &Request, call: &Call) -> bool {
        match request.op {
            Op::ReadResource
            | Op::GetPrompt
            | Op::CompletePrompt
            | Op::CompleteResource
            | Op::Subscribe
            | Op::Unsubscribe => true,
            Op::CallTool => {
                let offer = self.instances.offer(call.client().abilities());
                let tools = offer.tools.as_deref().unwrap_or_default();
                tools.iter().find(|tool| tool.name == request.target).is_some_and(|tool| is_harmless(&tool.definition))
            }
            _ => false,
        }
    }

    fn too_slow(&self) -> Failure {
        let Settings { name, request_timeout, .. } = self.settings();
        let message = format!("server {name:?} did not answer within {}", seconds(*request_timeout));
        Failure::new(FailureKind::Timeout, message).hint(format!("raise servers.{name}.request_timeout"))
    }

    async fn failed(&self, running: &Running, error: RequestError) -> Failure {
        const HINT: &str =
            "the call may have had its effect, so it was not sent again; the next call starts the server anew";
        let name = &self.settings().name;
        let unavailable = |message: String| Failure::new(FailureKind::Unavailable, message);
        match error {
            RequestError::Ended => {
                let end = running.link.ended().await;
                if end.wanted {
                    let message = format!("server {name:?} was stopped while the call was running");
                    return Failure::new(FailureKind::Cancelled, message);
                }
                let quote = running.link.quote();
                unavailable(format!("server {name:?} ended while the call was running ({}){quote}", end.how)).hint(HINT)
            }
            RequestError::Lost(cause) => {
                unavailable(format!("server {name:?}: the connection broke while the call was running: {cause}"))
                    .hint("the call may have had its effect, so it was not sent again")
            }
            RequestError::Status { status, said } => refused(name, status, &said),
            error => Failure::new(FailureKind::Broken, format!("server {name:?} cannot be understood: {error}")),
        }
    }
}

/// Whether a tool's definition says that a second call has no effect that the first one had not.
fn is_harmless(definition: &Json) -> bool {
    let members = Members::read(definition.as_bytes()).unwrap_or_default();
    let annotations = members.get("annotations").and_then(|raw| Members::read(raw.get().as_bytes()).ok());
    let says = |name| annotations.as_ref().and_then(|hints| hints.get(name)).is_some_and(|hint| hint.get() == "true");
    says("readOnlyHint") || says("idempotentHint")
}

/// What `work` gives within `limit`, the time not counted in which the server waits for an answer of the client.
pub(super) async fn within<T>(limit: Duration, running: &Running, work: impl Future<Output = T>) -> Option<T> {
    /// The shortest time until it is looked again, while a question is open.
    const AGAIN: Duration = Duration::from_millis(100);
    if limit.is_zero() {
        return Some(work.await);
    }
    let mut work = std::pin::pin!(work);
    let (began, asked_before) = (Instant::now(), running.asked_for());
    let mut left = limit;
    loop {
        if let Ok(done) = timeout(left, &mut work).await {
            return Some(done);
        }
        let worked = began.elapsed().saturating_sub(running.asked_for().saturating_sub(asked_before));
        left = limit.saturating_sub(worked);
        if left.is_zero() {
            return None;
        }
        left = left.max(AGAIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_tool_that_says_so_is_called_twice() {
        let harmless = |text: &'static str| is_harmless(&Json::parse(text).unwrap());
        assert!(harmless(r#"{"name":"a","annotations":{"readOnlyHint":true}}"#));
        assert!(harmless(r#"{"name":"a","annotations":{"destructiveHint":true,"idempotentHint": true}}"#));
        assert!(!harmless(r#"{"name":"a","annotations":{"readOnlyHint":false}}"#));
        assert!(!harmless(r#"{"name":"a","readOnlyHint":true}"#));
        assert!(!harmless(r#"{"name":"a","annotations":"readOnlyHint"}"#));
        assert!(!harmless(r#"{"name":"a"}"#));
    }
}
