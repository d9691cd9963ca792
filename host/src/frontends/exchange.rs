//! One request of a client: who asks, what it can be asked, and where what belongs to the request goes.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use gateway_core::{
    call::Caller,
    payload::Json,
    source::{Abilities, Client, Dispatch, Fut, LogLevel, SessionId},
    wire::{
        json::{Members, Object},
        message::{METHOD_NOT_FOUND, Outgoing, error_object},
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
pub struct View {
    /// What it sees.
    pub face: Face,
    /// What it can be asked.
    pub abilities: Abilities,
    /// The revision that it speaks.
    pub revision: Revision,
    /// The log messages that it wants, where it says so with each request.
    pub log_level: Option<LogLevel>,
    /// The way back into the gateway for tools that call tools.
    back: Arc<dyn Dispatch>,
}

/// One request of a client.
pub struct Exchange {
    session: Arc<Session>,
    view: Arc<View>,
    way: Arc<dyn Way>,
}

// === impl View ===

impl View {
    /// What `face` is to a client of these abilities and this revision.
    #[must_use]
    pub fn new(face: Face, abilities: Abilities, revision: Revision, log_level: Option<LogLevel>) -> Self {
        let back: Arc<dyn Dispatch> = match face.scope() {
            None => Arc::new(face.clone()),
            // A tool that calls tools knows them by their public names.
            Some(_) => Arc::new(face.gateway().face(&abilities)),
        };
        Self { face, abilities, revision, log_level, back }
    }

    /// Whether the client says with each request who it is, and is never asked but by the answer to one.
    #[must_use]
    pub fn is_modern(&self) -> bool {
        self.revision >= Revision::V2026_07_28
    }

    /// The way back into the gateway for tools that call tools.
    #[must_use]
    pub fn back(&self) -> &Arc<dyn Dispatch> {
        &self.back
    }
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
    pub fn view(&self) -> &Arc<View> {
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
        self.session.is_lasting().then(|| self.session.id())
    }

    fn lasting(&self) -> Option<Weak<dyn Client>> {
        let session: Arc<dyn Client> = self.session.clone();
        self.session.is_lasting().then(|| Arc::downgrade(&session))
    }

    fn log_level(&self) -> Option<LogLevel> {
        match self.view.is_modern() {
            true => self.view.log_level,
            false => self.session.wanted_level(),
        }
    }

    fn takes_rounds(&self) -> bool {
        self.view.is_modern()
    }

    fn progress(&self, token: &Json, params: &Json) {
        self.send(progress(token, params));
    }

    fn tell(&self, method: &str, params: Option<&Json>) {
        let wanted = match (self.view.is_modern(), self.view.log_level) {
            (false, _) => self.session.wants(method, params),
            // Who did not say which messages it wants with this request gets none (MCP 2026-07-28, "Logging").
            (true, None) => method != LOG_MESSAGE,
            (true, Some(level)) => loud_enough(level, method, params),
        };
        if wanted {
            self.send(Outgoing::Notification { method: method.into(), params: params.cloned() });
        }
    }

    fn ask(&self, method: Box<str>, params: Option<Json>) -> Fut<'_, Result<Json, Json>> {
        if self.view.is_modern() {
            // What can be asked during a request is asked by its answer, and never comes here.
            let error = error_object(METHOD_NOT_FOUND, &format!("the client cannot be asked for {method} here"));
            return Box::pin(async { Err(error) });
        }
        self.session.ask_by(&self.way, method, params)
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("face", &self.face).field("revision", &self.revision).finish_non_exhaustive()
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("session", &self.session).field("view", &self.view).finish_non_exhaustive()
    }
}

/// The notification by which a server logs.
pub(super) const LOG_MESSAGE: &str = "notifications/message";

/// Whether it is no log message, or one of this level or above.
pub(super) fn loud_enough(wanted: LogLevel, method: &str, params: Option<&Json>) -> bool {
    method != LOG_MESSAGE || level_of(params).is_none_or(|level| level >= wanted)
}

fn level_of(params: Option<&Json>) -> Option<LogLevel> {
    Members::read(params?.as_bytes()).ok()?.get("level").and_then(|raw| serde_json::from_str(raw.get()).ok())
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
