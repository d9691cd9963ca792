//! What a client is asked by itself, between its requests and during them.

use std::sync::{Arc, Weak, atomic::Ordering};

use gateway_core::{
    payload::Json,
    source::{Abilities, Client, Fut, LogLevel, SessionId},
    wire::{
        json::Object,
        message::{INTERNAL_ERROR, METHOD_NOT_FOUND, Outgoing, error_object},
    },
};
use tokio::sync::oneshot;

use super::{
    super::exchange::{Way, progress},
    Session, lock,
};
use crate::gateway::parked::Rounds;

impl Session {
    /// Asks the client, and waits for its answer.
    pub(in super::super) fn ask_by<'a>(
        &'a self,
        way: &Arc<dyn Way>,
        method: Box<str>,
        params: Option<Json>,
    ) -> Fut<'a, Result<Json, Json>> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        lock(&self.asked).insert(id, sender);
        way.send(Outgoing::Request { id, method, params });
        let question = Question { session: self, way: way.clone(), id };
        Box::pin(async move {
            let answer = answer.await;
            drop(question);
            answer.unwrap_or_else(|_| Err(error_object(INTERNAL_ERROR, "the client is gone")))
        })
    }

    /// The client answers what it was asked. An answer to nothing is dropped: the question was withdrawn meanwhile.
    pub(in super::super) fn answered(&self, id: &Json, outcome: Result<Json, Json>) {
        let waiting = id.to::<u64>().ok().and_then(|id| lock(&self.asked).remove(&id));
        if let Some(waiting) = waiting {
            let _ = waiting.send(outcome);
        }
    }

    /// A call of this client begins that is asked by answers.
    pub(in super::super) fn takes_part(&self, rounds: &Arc<Rounds>) {
        let mut all = lock(&self.rounds);
        all.retain(|known| known.strong_count() > 0);
        all.push(Arc::downgrade(rounds));
    }

    /// Asks the client for a server that does not say on which call's behalf.
    pub(super) fn ask_anyhow(&self, method: Box<str>, params: Option<Json>) -> Fut<'_, Result<Json, Json>> {
        if self.is_introduced() {
            let way = self.way.clone();
            return self.ask_by(&way, method, params);
        }
        // A client without a handshake is asked by an answer alone; the latest call is the likeliest reason to ask.
        let latest = lock(&self.rounds).iter().rev().find_map(Weak::upgrade);
        Box::pin(async move {
            match latest {
                Some(rounds) => rounds.ask(method, params).await,
                None => Err(error_object(METHOD_NOT_FOUND, "the client waits for nothing, and can be asked nothing")),
            }
        })
    }
}

/// The session as a client: for what belongs to no request of it.
impl Client for Session {
    fn abilities(&self) -> &Abilities {
        // Whoever holds a session as a client was told by the exchange that brought it what it can be asked.
        const { &Abilities::NONE }
    }

    fn session(&self) -> Option<SessionId> {
        Some(self.id)
    }

    fn lasting(&self) -> Option<Weak<dyn Client>> {
        None
    }

    fn log_level(&self) -> Option<LogLevel> {
        self.wanted_level()
    }

    fn progress(&self, token: &Json, params: &Json) {
        self.send(progress(token, params));
    }

    fn tell(&self, method: &str, params: Option<&Json>) {
        if self.wants(method, params) {
            self.send(Outgoing::Notification { method: method.into(), params: params.cloned() });
        }
    }

    fn ask(&self, method: Box<str>, params: Option<Json>) -> Fut<'_, Result<Json, Json>> {
        self.ask_anyhow(method, params)
    }
}

/// A question that waits for its answer. Dropped before that, it is withdrawn.
struct Question<'a> {
    session: &'a Session,
    way: Arc<dyn Way>,
    id: u64,
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        if lock(&self.session.asked).remove(&self.id).is_some() {
            let mut params = Object::with_capacity(32);
            params.raw("requestId", self.id.to_string().as_bytes());
            let params = Some(params.finish());
            self.way.send(Outgoing::Notification { method: "notifications/cancelled".into(), params });
        }
    }
}
