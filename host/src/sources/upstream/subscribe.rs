//! How a server is told of which resources updates are wanted.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use gateway_core::{
    call::Call,
    payload::{Json, Op, Request},
    source::Kind,
    wire::{
        json::Object,
        message::{INVALID_PARAMS, error_object},
        peer::RequestError,
    },
};
use tracing::debug;

use super::{
    Upstream,
    calls::within,
    instances::{Held, Instances},
    lifecycle::Lifecycle,
    running::Running,
    subscriptions::Subscriptions,
};

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
        let is_passing = call.client().lasting().is_none();
        let turn = subscriptions.turn.lock().await;
        let others_do = match wants {
            true => subscriptions.has(uri),
            false => subscriptions.has(uri) && !subscriptions.remove(uri, who),
        };
        let answer = match others_do {
            true => Some(Ok(Json::empty_object())),
            false => self.ask(held, running, request, call).await,
        };
        let passing = &self.instances.common.passing;
        if wants && matches!(answer, Some(Ok(_))) {
            subscriptions.add(uri, who);
            drop(turn);
            if is_passing && passing.add(uri, who) {
                // Which of them the news will come from is not known: before the answer says that they will come.
                within(self.settings().request_timeout, running, self.instances.hold()).await?;
            }
        } else if !wants && is_passing && passing.remove(uri, who) {
            self.instances.hold_aside();
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

impl Instances {
    /// What clients without a session subscribed to holds on all that run for such.
    async fn hold(&self) {
        let running = self.by_turns();
        join_all(running.iter().map(|running| running.hold(&self.common.passing))).await;
    }

    /// The same, without waiting for it.
    pub(super) fn hold_aside(&self) {
        // Where everything ends, nobody needs to be told.
        if tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        for running in self.by_turns() {
            let common = self.common.clone();
            self.common.tasks.spawn(async move { running.hold(&common.passing).await });
        }
    }
}

impl Running {
    /// Subscribes to what is wanted, and to nothing else.
    pub(super) async fn hold(&self, wanted: &Subscriptions) {
        if self.is_modern() || !self.hello.declares(Kind::Resource.capability()) {
            return;
        }
        let mut held = self.held.lock().await;
        let wanted = wanted.uris();
        let changes = wanted.difference(&held).map(|uri| ("resources/subscribe", uri));
        let changes = changes.chain(held.difference(&wanted).map(|uri| ("resources/unsubscribe", uri)));
        join_all(changes.map(|(method, uri)| async move {
            let mut params = Object::with_capacity(uri.len() + 16);
            params.text("uri", uri);
            if let Err(error) = self.peer().request(method, |_| Some(params.finish()), None).await {
                debug!("{method}: {error}");
            }
        }))
        .await;
        // Also what it refused: it would refuse it again.
        *held = wanted;
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
