//! Who is told what servers say by themselves: log messages, updates of resources.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use gateway_core::source::{Client, SessionId, Told};
use slab::Slab;

/// Whoever wants to hear what servers say by themselves. It decides what of it concerns it: its role, the level of
/// messages that it wants, what it has subscribed to.
pub trait Listener: Send + Sync {
    /// A server says something. Never waits.
    fn hear(&self, told: &Told);
}

/// All who listen, and all whose calls are in flight.
pub struct Hub {
    listeners: Mutex<HashMap<SessionId, Weak<dyn Listener>>>,
    /// Whose calls are in flight, by the source's place.
    callers: Box<[Callers]>,
}

/// Whose calls are in flight at one source. Each has a place, so that it is found again however many there are.
type Callers = Mutex<Slab<Arc<dyn Client>>>;

/// The notification by which a server logs.
const LOG_MESSAGE: &str = "notifications/message";

impl Hub {
    pub(super) fn new(sources: usize) -> Self {
        Self { listeners: Mutex::default(), callers: std::iter::repeat_with(Mutex::default).take(sources).collect() }
    }

    /// Listens from now on, under the session's name.
    pub fn join(&self, session: SessionId, listener: &Arc<dyn Listener>) {
        lock(&self.listeners).insert(session, Arc::downgrade(listener));
    }

    /// Listens no more.
    pub fn leave(&self, session: SessionId) {
        lock(&self.listeners).remove(&session);
    }

    /// A call of `client` is in flight at the source of that place, for as long as the guard lives.
    pub(super) fn during(&self, source: usize, client: &Arc<dyn Client>) -> During<'_> {
        let callers = self.callers.get(source);
        During { place: callers.map(|callers| (callers, lock(callers).insert(client.clone()))) }
    }

    /// Tells those whom it concerns: everybody, or the one session for which the server runs. What a server logs is for
    /// those who wait for it: it belongs to a call of theirs, as far as anybody can know. Where nobody waits, it is for
    /// all whom it could concern.
    pub(super) fn tell(&self, told: &Told, source: Option<usize>) {
        if *told.method == *LOG_MESSAGE {
            let mut waiting = source.map(|source| self.waiting(source)).unwrap_or_default();
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

    /// Who waits for the source: one request of each session, the one that wants most.
    fn waiting(&self, source: usize) -> Vec<Arc<dyn Client>> {
        let Some(callers) = self.callers.get(source) else { return Vec::new() };
        let mut waiting: Vec<Arc<dyn Client>> = Vec::new();
        for (_, client) in lock(callers).iter() {
            let same = |known: &&mut Arc<dyn Client>| match (known.session(), client.session()) {
                (Some(known), Some(session)) => known == session,
                _ => Arc::ptr_eq(known, client),
            };
            let wants = |client: &Arc<dyn Client>| client.log_level().map_or((1, None), |level| (0, Some(level)));
            match waiting.iter_mut().find(same) {
                None => waiting.push(client.clone()),
                Some(known) if wants(client) < wants(known) => *known = client.clone(),
                Some(_) => {}
            }
        }
        waiting
    }
}

/// Shows that a call is in flight.
pub(super) struct During<'a> {
    place: Option<(&'a Callers, usize)>,
}

impl Drop for During<'_> {
    fn drop(&mut self) {
        if let Some((callers, place)) = self.place {
            // Outside of the lock: the last one to hold a client may end its session.
            let client = lock(callers).try_remove(place);
            drop(client);
        }
    }
}

/// What is behind these locks is never left half-changed, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("listeners", &lock(&self.listeners).len()).finish_non_exhaustive()
    }
}
