//! One request of a client: who asks, what it can be asked, and where what belongs to the request goes.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use gateway_core::{
    call::Caller,
    payload::Json,
    source::{Abilities, Client, Fut, LogLevel, SessionId},
    wire::{
        json::{Members, Object},
        message::Outgoing,
        revision::Revision,
    },
};
use tokio::sync::mpsc;

use super::session::Session;
use crate::gateway::Face;

/// A way to the client: standard output, an event stream, the body of one HTTP answer.
pub trait Way: Send + Sync {
    /// Sends something. Never waits; what is sent to a client that is gone goes nowhere.
    fn send(&self, message: Outgoing);
}

impl Way for mpsc::UnboundedSender<Outgoing> {
    fn send(&self, message: Outgoing) {
        let _ = Self::send(self, message);
    }
}

/// What the gateway is to a client: settled by `initialize`, or told with each request (revision 2026-07-28).
#[derive(Debug, Clone)]
pub struct View {
    /// What it sees.
    pub face: Face,
    /// What it can be asked.
    pub abilities: Abilities,
    /// The revision that it speaks.
    pub revision: Revision,
    /// The log messages that it wants.
    pub log_level: Option<LogLevel>,
}

/// One request of a client.
pub struct Exchange {
    session: Arc<Session>,
    view: Arc<View>,
    way: Arc<dyn Way>,
}

// === impl Exchange ===

impl Exchange {
    /// A request of `session`, seen by `view`. What belongs to it goes `way`.
    #[must_use]
    pub fn new(session: Arc<Session>, view: Arc<View>, way: Arc<dyn Way>) -> Self {
        Self { session, view, way }
    }

    /// The session that it belongs to.
    #[must_use]
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// What the gateway is to this client.
    #[must_use]
    pub fn view(&self) -> &View {
        &self.view
    }

    /// What this client sees.
    #[must_use]
    pub fn face(&self) -> &Face {
        &self.view.face
    }

    /// Who asks.
    #[must_use]
    pub fn caller(&self) -> Caller {
        self.session.caller()
    }

    /// Where what belongs to it goes.
    #[must_use]
    pub fn way(&self) -> &Arc<dyn Way> {
        &self.way
    }

    /// Sends something that belongs to it.
    pub fn send(&self, message: Outgoing) {
        self.way.send(message);
    }
}

impl Client for Exchange {
    fn abilities(&self) -> &Abilities {
        &self.view.abilities
    }

    fn session(&self) -> Option<SessionId> {
        Some(self.session.id())
    }

    fn lasting(&self) -> Option<Weak<dyn Client>> {
        let session: Arc<dyn Client> = self.session.clone();
        Some(Arc::downgrade(&session))
    }

    fn log_level(&self) -> Option<LogLevel> {
        self.session.wanted_level()
    }

    fn progress(&self, token: &Json, params: &Json) {
        self.send(progress(token, params));
    }

    fn tell(&self, method: &str, params: Option<&Json>) {
        if self.session.wants(method, params) {
            self.send(Outgoing::Notification { method: method.into(), params: params.cloned() });
        }
    }

    fn ask(&self, method: Box<str>, params: Option<Json>) -> Fut<'_, Result<Json, Json>> {
        self.session.ask_by(&self.way, method, params)
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("session", &self.session).field("view", &self.view).finish_non_exhaustive()
    }
}

/// `notifications/progress` under the client's own token.
pub(super) fn progress(token: &Json, params: &Json) -> Outgoing {
    let mut object = Object::with_capacity(params.as_bytes().len() + token.as_bytes().len() + 32);
    object.raw("progressToken", token.as_bytes());
    for (name, value) in Members::read(params.as_bytes()).unwrap_or_default().iter() {
        object.raw(name, value.get().as_bytes());
    }
    Outgoing::Notification { method: "notifications/progress".into(), params: Some(object.finish()) }
}
