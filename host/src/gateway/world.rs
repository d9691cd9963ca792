//! What of a gateway can change while it runs, as one value that is replaced as a whole.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use gateway_core::{
    name::SourceName,
    role::RoleSet,
    snapshot::{Snapshot, Surface},
    source::{Client, Source},
};
use slab::Slab;
use tokio::sync::Notify;

use super::filters::Filters;

/// The sources, and who may see what of them.
#[derive(Default)]
pub struct World {
    /// The roles.
    pub roles: Arc<RoleSet>,
    /// The sources, in the order in which they are listed.
    pub sources: Vec<Arc<dyn Source>>,
    /// Plugins on the way of calls.
    pub filters: Filters,
    /// How much of it lists show.
    pub surface: Arc<Surface>,
    /// Whether arguments of calls are kept where calls are.
    pub log_arguments: bool,
}

/// The world as the gateway has it, with whose calls are in flight.
pub(super) struct Current {
    pub(super) world: World,
    /// By the address of the source.
    seats: HashMap<usize, Arc<Seat>>,
}

/// A source in the gateway, and whose calls are in flight there.
pub(super) struct Seat {
    pub(super) source: Arc<dyn Source>,
    present: Mutex<Present>,
    /// Somebody has left.
    left: Notify,
}

/// Each has a place, so that it is found again however many there are.
#[derive(Default)]
struct Present {
    callers: Slab<Arc<dyn Client>>,
    /// Nobody comes in any more.
    closed: bool,
}

/// Shows that a call is in flight.
pub(super) struct During {
    seat: Arc<Seat>,
    place: usize,
}

impl World {
    /// Only these sources, all of which everybody of `roles` is shown that may see them.
    #[must_use]
    pub fn new(roles: Arc<RoleSet>, sources: Vec<Arc<dyn Source>>) -> Self {
        Self { roles, sources, ..Self::default() }
    }

    /// The source of that name.
    #[must_use]
    pub fn source(&self, name: &str) -> Option<&Arc<dyn Source>> {
        self.sources.iter().find(|source| source.name().as_str() == name)
    }
}

impl Current {
    /// `world`, in which sources that were there before keep their seats.
    pub(super) fn new(world: World, before: Option<&Self>) -> Self {
        let seat = |source: &Arc<dyn Source>| {
            let known = before.and_then(|before| before.seat(source)).cloned();
            (address(source), known.unwrap_or_else(|| Arc::new(Seat::new(source.clone()))))
        };
        let seats = world.sources.iter().map(seat).collect();
        Self { world, seats }
    }

    pub(super) fn seat(&self, source: &Arc<dyn Source>) -> Option<&Arc<Seat>> {
        self.seats.get(&address(source))
    }

    pub(super) fn seat_of(&self, name: &SourceName) -> Option<&Arc<Seat>> {
        self.seat(self.world.source(name.as_str())?)
    }

    /// The seats that are not in `next`.
    pub(super) fn gone(&self, next: &Self) -> Vec<Arc<Seat>> {
        self.seats.iter().filter(|(at, _)| !next.seats.contains_key(at)).map(|(_, seat)| seat.clone()).collect()
    }

    /// Whether `snapshot` is a picture of this world, whatever its sources offer now.
    pub(super) fn is_in(&self, snapshot: &Snapshot, scope: Option<&SourceName>) -> bool {
        let same = |a: &[Arc<dyn Source>], b: &[Arc<dyn Source>]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| Arc::ptr_eq(a, b))
        };
        let world = &self.world;
        let sources = match scope {
            None => &world.sources[..],
            Some(name) => world.source(name.as_str()).map(std::slice::from_ref).unwrap_or_default(),
        };
        Arc::ptr_eq(snapshot.roles(), &world.roles)
            && (scope.is_some() || Arc::ptr_eq(snapshot.surface(), &world.surface))
            && same(snapshot.sources(), sources)
    }
}

fn address(source: &Arc<dyn Source>) -> usize {
    Arc::as_ptr(source).cast::<()>().addr()
}

impl Seat {
    fn new(source: Arc<dyn Source>) -> Self {
        Self { source, present: Mutex::default(), left: Notify::new() }
    }

    /// A call of `client` is in flight here for as long as the guard lives. `None`: the source is on its way out.
    pub(super) fn enter(self: &Arc<Self>, client: &Arc<dyn Client>) -> Option<During> {
        let mut present = self.present();
        let place = (!present.closed).then(|| present.callers.insert(client.clone()))?;
        Some(During { seat: self.clone(), place })
    }

    /// Nobody comes in any more.
    pub(super) fn close(&self) {
        self.present().closed = true;
    }

    /// Done when nobody is here. Only of use once it is closed.
    pub(super) async fn emptied(&self) {
        loop {
            let left = self.left.notified();
            if self.present().callers.is_empty() {
                return;
            }
            left.await;
        }
    }

    /// Who waits for the source: one request of each session, the one that wants most log messages.
    pub(super) fn waiting(&self) -> Vec<Arc<dyn Client>> {
        let mut waiting: Vec<Arc<dyn Client>> = Vec::new();
        for (_, client) in &self.present().callers {
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

    /// What is behind this lock is never left half-changed, so a panic elsewhere does not spoil it.
    fn present(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for During {
    fn drop(&mut self) {
        // Outside of the lock: the last one to hold a client may end its session.
        let client = {
            let mut present = self.seat.present();
            let client = present.callers.try_remove(self.place);
            if present.closed && present.callers.is_empty() {
                self.seat.left.notify_waiters();
            }
            client
        };
        drop(client);
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources: Vec<_> = self.sources.iter().map(|source| source.name()).collect();
        f.debug_struct("World").field("sources", &sources).finish_non_exhaustive()
    }
}
