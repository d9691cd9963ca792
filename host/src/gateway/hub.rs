//! Who is told what servers say by themselves: log messages, updates of resources.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, Weak},
};

use gateway_core::source::{SessionId, Told};

use super::{lock, world::Seat};

/// Whoever wants to hear what servers say by themselves. It decides what of it concerns it: its role, the level of
/// messages that it wants, what it has subscribed to.
pub trait Listener: Send + Sync {
    /// A server says something. Never waits.
    fn hear(&self, told: &Told);
}

/// All who listen.
#[derive(Default)]
pub struct Hub {
    listeners: Mutex<HashMap<SessionId, Weak<dyn Listener>>>,
}

/// The notification by which a server logs.
const LOG_MESSAGE: &str = "notifications/message";

impl Hub {
    /// Listens from now on, under the session's name.
    pub fn join(&self, session: SessionId, listener: &Arc<dyn Listener>) {
        lock(&self.listeners).insert(session, Arc::downgrade(listener));
    }

    /// Listens no more.
    pub fn leave(&self, session: SessionId) {
        lock(&self.listeners).remove(&session);
    }

    /// Tells those whom it concerns: everybody, or the one session for which the server runs. What a server logs is for
    /// those who wait for it: it belongs to a call of theirs, as far as anybody can know. Where nobody waits, it is for
    /// all whom it could concern.
    pub(super) fn tell(&self, told: &Told, source: Option<&Arc<Seat>>) {
        if *told.method == *LOG_MESSAGE {
            let mut waiting = source.map(|seat| seat.waiting()).unwrap_or_default();
            waiting.retain(|client| told.session.is_none() || client.session() == told.session);
            if !waiting.is_empty() {
                return waiting.iter().for_each(|client| client.tell(&told.method, told.params.as_ref()));
            }
        }
        let listeners: Vec<_> = {
            let listeners = lock(&self.listeners);
            match told.session {
                Some(session) => listeners.get(&session).cloned().into_iter().collect(),
                None => listeners.values().cloned().collect(),
            }
        };
        for listener in listeners.iter().filter_map(Weak::upgrade) {
            listener.hear(told);
        }
    }
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("listeners", &lock(&self.listeners).len()).finish_non_exhaustive()
    }
}
