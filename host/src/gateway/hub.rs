//! Who is told what servers say by themselves: log messages, updates of resources.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use gateway_core::source::{SessionId, Told};

/// Whoever wants to hear what servers say by themselves. It decides what of it concerns it: its role, the level of
/// messages that it wants, what it has subscribed to.
pub trait Listener: Send + Sync {
    /// A server says something. Never waits.
    fn hear(&self, told: &Told);
}

/// All who listen.
#[derive(Default)]
pub struct Hub(Mutex<HashMap<SessionId, Weak<dyn Listener>>>);

impl Hub {
    /// Listens from now on, under the session's name.
    pub fn join(&self, session: SessionId, listener: &Arc<dyn Listener>) {
        self.lock().insert(session, Arc::downgrade(listener));
    }

    /// Listens no more.
    pub fn leave(&self, session: SessionId) {
        self.lock().remove(&session);
    }

    /// Tells those whom it concerns: everybody, or the one session for which the server runs.
    pub(super) fn tell(&self, told: &Told) {
        let listeners: Vec<_> = {
            let listeners = self.lock();
            match told.session {
                Some(session) => listeners.get(&session).cloned().into_iter().collect(),
                None => listeners.values().cloned().collect(),
            }
        };
        for listener in listeners.iter().filter_map(Weak::upgrade) {
            listener.hear(told);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Weak<dyn Listener>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("listeners", &self.lock().len()).finish()
    }
}
