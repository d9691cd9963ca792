//! For whom an instance of a server runs.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use gateway_core::source::{Abilities, Client, SessionId};

/// For whom an instance of a server runs, and what it is told of them.
#[derive(Default)]
pub(super) struct Whose {
    /// What the server is told that it can ask.
    pub(super) abilities: Abilities,
    /// The session; `None`: it runs for all, or for one call after the other.
    pub(super) session: Option<SessionId>,
    /// Who is asked what belongs to no request.
    client: Mutex<Option<Weak<dyn Client>>>,
    /// It runs for one call at a time.
    pub(super) by_turns: bool,
}

impl Whose {
    /// Nobody's in particular.
    pub(super) fn everybodys() -> Self {
        Self::default()
    }

    /// A session's.
    pub(super) fn of_session(session: SessionId, abilities: Abilities) -> Self {
        Self { abilities, session: Some(session), ..Self::default() }
    }

    /// One client's of these abilities after the other's.
    pub(super) fn by_turns(abilities: Abilities) -> Self {
        Self { abilities, by_turns: true, ..Self::default() }
    }

    /// Whether it runs for all.
    pub(super) fn is_everybodys(&self) -> bool {
        self.session.is_none() && !self.by_turns
    }

    /// From now on this one is asked.
    pub(super) fn belongs_to(&self, client: Option<Weak<dyn Client>>) {
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = client;
    }

    pub(super) fn client(&self) -> Option<Arc<dyn Client>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(Weak::upgrade)
    }
}
