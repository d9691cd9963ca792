//! Requests of clients that are asked by answers: the first of a call, and those that go on with it.

use std::sync::Arc;

use gateway_core::{call::Call, error::CallError, payload::Reply, source::Client};

use super::{super::exchange::Exchange, params::Asked};
use crate::gateway::parked::{Owner, Purpose, Rounds};

/// Runs what was asked, or goes on with it.
pub(super) async fn run(exchange: Arc<Exchange>, asked: Asked) -> Result<Reply, CallError> {
    let client: Arc<dyn Client> = exchange.clone();
    let parked = exchange.session().gateway().parked();
    let scope = exchange.face().scope().map(|source| source.name().clone());
    let owner = Owner { role: exchange.caller().role, scope };
    let Asked { op, target, params, progress_token } = asked;
    let purpose = Purpose { method: op.method().into(), target: target.clone(), arguments: params.arguments.clone() };
    let further = |name: &str| params.rest.iter().find(|(key, _)| **key == *name).map(|(_, value)| value);
    if let Some(state) = further("requestState").and_then(|state| state.to::<Box<str>>().ok())
        && let Some((rounds, work)) = parked.resume(&state, &owner, &purpose)?
    {
        rounds.go_on(client, progress_token, further("inputResponses"));
        return parked.drive(owner, purpose, rounds, work).await;
    }
    let face = exchange.face().clone();
    if !exchange.abilities().can_be_asked() {
        let call = Call::root(exchange.caller(), progress_token, client, exchange.view().back().clone());
        return face.run(op, &target, params, Arc::new(call)).await;
    }
    let rounds = Rounds::new(client, progress_token.clone());
    exchange.session().takes_part(&rounds);
    let call = Call::root(exchange.caller(), progress_token, rounds.clone(), exchange.view().back().clone());
    let work = Box::pin(async move { face.run(op, &target, params, Arc::new(call)).await });
    parked.drive(owner, purpose, rounds, work).await
}
