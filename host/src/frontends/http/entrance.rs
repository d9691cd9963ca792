//! The door while the gateway runs: it may become another, and whoever that one does not know is shown out.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use arc_swap::ArcSwap;
use axum::http::HeaderMap;
use tokio_util::sync::CancellationToken;

use crate::frontends::auth::{Door, Principal, Refusal};

/// The way in, and who came in by it.
pub(super) struct Entrance {
    door: ArcSwap<Door>,
    inside: Mutex<HashMap<Principal, CancellationToken>>,
    /// What is open is closed for everybody.
    closing: CancellationToken,
}

impl Entrance {
    pub(super) fn new(door: Door, closing: CancellationToken) -> Self {
        Self { door: ArcSwap::from_pointee(door), inside: Mutex::default(), closing }
    }

    /// Whether one has to show something to come in.
    pub(super) fn is_guarded(&self) -> bool {
        self.door.load().is_guarded()
    }

    /// Who brings these headers.
    pub(super) async fn admit(&self, headers: &HeaderMap) -> Result<Principal, Refusal> {
        self.door.load_full().admit(headers).await
    }

    /// Cancelled once `principal` has to leave.
    pub(super) fn leaving(&self, principal: &Principal) -> CancellationToken {
        let mut inside = self.inside();
        if !self.door.load().knows(principal) {
            let over = CancellationToken::new();
            over.cancel();
            return over;
        }
        inside.entry(*principal).or_insert_with(|| self.closing.child_token()).clone()
    }

    /// Has another door from now on. Whether somebody stays is told by what comes back.
    pub(super) fn change(&self, door: Door) -> impl Fn(&Principal) -> bool {
        self.door.store(door.into());
        let door = self.door.load_full();
        self.inside().retain(|principal, leaving| {
            let stays = door.knows(principal);
            if !stays {
                leaving.cancel();
            }
            stays
        });
        move |principal| door.knows(principal)
    }

    /// What is behind this lock is never left half-changed, so a panic elsewhere does not spoil it.
    fn inside(&self) -> MutexGuard<'_, HashMap<Principal, CancellationToken>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
