//! How a server is told of which resources updates are wanted.

use std::{sync::Arc, time::Duration};

use gateway_core::{
    call::Call,
    payload::{Json, Op, Request},
    wire::{
        json::Object,
        message::{INVALID_PARAMS, error_object},
        peer::RequestError,
    },
};
use tracing::debug;

use super::{Upstream, calls::within, instances::Held, lifecycle::Lifecycle, running::Running};

impl Upstream {
    /// Runs `resources/subscribe` or `resources/unsubscribe`: the server hears of the first one who wants to know, and
    /// of the last one. `None`: it took too long.
    pub(super) async fn subscribe(
        &self,
        held: &Held,
        running: &Arc<Running>,
        request: &Request,
        call: &Arc<Call>,
    ) -> Option<Result<Json, RequestError>> {
        let (subscriptions, who) = (&held.lifecycle().subscriptions, call.client().session());
        let (uri, wants) = (&request.target, request.op == Op::Subscribe);
        if running.is_modern() {
            return match wants {
                true => self.listens(held.lifecycle(), running, uri, call).await,
                false => {
                    subscriptions.remove(uri, who);
                    Some(Ok(Json::empty_object()))
                }
            };
        }
        let _turn = subscriptions.turn.lock().await;
        let others_do = match wants {
            true => subscriptions.has(uri),
            false => subscriptions.has(uri) && !subscriptions.remove(uri, who),
        };
        let answer = match others_do {
            true => Some(Ok(Json::empty_object())),
            false => self.ask(held, running, request, call).await,
        };
        if wants && matches!(answer, Some(Ok(_))) {
            subscriptions.add(uri, who);
        }
        answer
    }

    /// A server without sessions tells of what it listens for: this waits until it says whether it does.
    async fn listens(
        &self,
        lifecycle: &Lifecycle,
        running: &Arc<Running>,
        uri: &Arc<str>,
        call: &Call,
    ) -> Option<Result<Json, RequestError>> {
        let who = call.client().session();
        lifecycle.subscriptions.add(uri, who);
        let mut listening = running.listening.subscribe();
        let accepted = async {
            tokio::select! {
                listening = listening.wait_for(|listening| listening.asked.contains(uri)) => {
                    Ok(listening.is_ok_and(|listening| listening.accepted.contains(uri)))
                }
                _ = running.link.ended() => Err(RequestError::Ended),
            }
        };
        let outcome = within(self.settings().request_timeout, running, accepted).await;
        if !matches!(outcome, Some(Ok(true))) {
            lifecycle.subscriptions.remove(uri, who);
        }
        outcome.map(|accepted| match accepted? {
            true => Ok(Json::empty_object()),
            false => {
                let message = "the server does not tell of updates of this resource";
                Err(RequestError::Answer(error_object(INVALID_PARAMS, message)))
            }
        })
    }
}

impl Lifecycle {
    /// Tells the server of what nobody wants to know any more.
    pub(super) async fn unsubscribe(&self, unwanted: Vec<Arc<str>>) {
        const PATIENCE: Duration = Duration::from_secs(60);
        let _turn = self.subscriptions.turn.lock().await;
        let Some(running) = self.running().filter(|running| !running.is_modern()) else { return };
        for uri in unwanted.iter().filter(|uri| !self.subscriptions.has(uri)) {
            let mut params = Object::with_capacity(uri.len() + 16);
            params.text("uri", uri);
            let told = running.peer().request("resources/unsubscribe", |_| Some(params.finish()), None);
            if let Some(Err(error)) = within(PATIENCE, &running, told).await {
                debug!("resources/unsubscribe: {error}");
            }
        }
    }
}
