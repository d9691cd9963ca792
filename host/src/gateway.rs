//! Holds the sources, publishes the catalogue, runs calls through the guards.
//!
//! * [`face`]: the gateway as one kind of client sees it; every call goes through [`Face::run`].
//! * [`filters`]: plugins that see the calls of tools.
//! * [`world`]: the sources and the roles, which can change while the gateway runs.
//! * [`hub`]: who is told what servers say by themselves.
//! * [`parked`]: calls that wait until their client comes back with answers.
//! * [`errands`]: tasks that servers have made.
//! * `recording`: calls are kept for whoever looks.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use futures_util::future::join_all;
use gateway_core::{
    error::CallError,
    name::SourceName,
    payload::Request,
    role::{Role, RoleSet},
    source::{Abilities, Client, Event, LogLevel, SessionId, Source, Told},
    tasks::Tasks,
};
use tokio::sync::mpsc;
use tracing::warn;

pub use self::face::{Face, Params};
pub use self::world::World;
use self::{
    errands::Errands,
    face::Picture,
    filters::Watched,
    hub::Hub,
    parked::Parked,
    world::{Current, During, Seat},
};
use crate::telemetry::record::Recorder;

pub mod errands;
pub mod face;
pub mod filters;
pub mod hub;
pub mod parked;
mod recording;
pub mod world;

/// How long the first list waits for plugins that are not known yet; `list_changed` brings the rest.
const LEARN_WAIT: Duration = Duration::from_secs(5);

/// Changes are gathered for so long before they are published: a server that adds ten tools causes one message.
pub const SETTLE: Duration = Duration::from_millis(20);

/// How long a source that is there no more may take to end by itself.
const STOP: Duration = Duration::from_secs(2);

/// How many kinds of clients have a picture kept for them while none of them is there.
const KEPT_PICTURES: usize = 32;

/// The heart of the program: the sources, and what is known of them.
pub struct Gateway {
    current: ArcSwap<Current>,
    /// Sources that are there no more, and still have calls in flight.
    leaving: Mutex<Vec<Arc<Seat>>>,
    pictures: Mutex<HashMap<Pictured, Arc<Picture>>>,
    hub: Hub,
    parked: Parked,
    errands: Errands,
    learnt: AtomicBool,
    /// Where calls are kept, if they are.
    recorder: OnceLock<Arc<Recorder>>,
    tasks: Tasks,
}

/// What a picture depends on: what its clients can be asked, and the one source that they see, if it is one.
type Pictured = (Abilities, Option<SourceName>);

impl Gateway {
    /// A gateway over `world`. Starts nothing.
    #[must_use]
    pub fn new(world: World) -> Self {
        let tasks = Tasks::new();
        Self {
            current: ArcSwap::from_pointee(Current::new(world, None)),
            leaving: Mutex::default(),
            hub: Hub::default(),
            pictures: Mutex::default(),
            parked: Parked::new(tasks.clone()),
            errands: Errands::default(),
            learnt: AtomicBool::new(false),
            recorder: OnceLock::new(),
            tasks,
        }
    }

    /// Has `world` in the place of the one there was, for all sessions at once. Calls in flight go on; sources that are
    /// not in it are stopped once theirs are done. Whoever changes it sees to it that nobody else does meanwhile.
    pub fn change(self: &Arc<Self>, world: World) {
        let before = self.current.load_full();
        let next = Arc::new(Current::new(world, Some(&before)));
        self.current.store(next.clone());
        self.pictures().retain(|_, picture| Arc::strong_count(picture) > 1);
        self.publish();
        for seat in before.gone(&next) {
            seat.close();
            lock(&self.leaving).push(seat.clone());
            let gateway = self.clone();
            self.tasks.spawn(async move {
                seat.emptied().await;
                seat.source.stop(STOP).await;
                lock(&gateway.leaving).retain(|other| !Arc::ptr_eq(other, &seat));
            });
        }
    }

    /// The roles.
    #[must_use]
    pub fn roles(&self) -> Arc<RoleSet> {
        self.current.load().world.roles.clone()
    }

    /// The sources, in the order in which they are listed.
    #[must_use]
    pub fn sources(&self) -> Vec<Arc<dyn Source>> {
        self.current.load().world.sources.clone()
    }

    /// The source of that name.
    #[must_use]
    pub fn source(&self, name: &str) -> Option<Arc<dyn Source>> {
        self.current.load().world.source(name).cloned()
    }

    /// Who is told what servers say by themselves.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Calls that wait until their client comes back with answers.
    #[must_use]
    pub fn parked(&self) -> &Parked {
        &self.parked
    }

    /// Tasks that servers have made.
    #[must_use]
    pub fn errands(&self) -> &Errands {
        &self.errands
    }

    /// From now on calls are kept by what this gives: the same for all who ask.
    pub fn record(&self) -> &Arc<Recorder> {
        self.recorder.get_or_init(Recorder::new)
    }

    /// A call of `client` is in flight at the source for as long as the guard lives. `None`: it is there no more.
    fn enter(&self, source: &Arc<dyn Source>, client: &Arc<dyn Client>) -> Option<During> {
        self.current.load().seat(source)?.enter(client)
    }

    /// The filters that see this call; `None` where there are none.
    fn filters_of(&self, source: &dyn Source, request: &Request, role: &Role) -> Option<Watched> {
        self.current.load().world.filters.of(source, request, role)
    }

    /// Finds out what the source offers, unless it is there no more.
    async fn learn(&self, source: &Arc<dyn Source>, client: &Arc<dyn Client>) -> Result<(), CallError> {
        let Some(_during) = self.enter(source, client) else { return Ok(()) };
        source.learn(client).await
    }

    /// What goes on in the background, until the gateway ends.
    #[must_use]
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// The gateway as clients of these abilities see it: all of it.
    #[must_use]
    pub fn face(self: &Arc<Self>, abilities: &Abilities) -> Face {
        self.pictured(abilities, None)
    }

    /// One source alone, under its own names. `None`: there is no such source.
    #[must_use]
    pub fn face_of(self: &Arc<Self>, source: &str, abilities: &Abilities) -> Option<Face> {
        let source = self.source(source)?;
        Some(self.pictured(abilities, Some(source.name())))
    }

    fn pictured(self: &Arc<Self>, abilities: &Abilities, scope: Option<&SourceName>) -> Face {
        let key = (abilities.clone(), scope.cloned());
        let mut pictures = self.pictures();
        if let Some(picture) = pictures.get(&key) {
            return Face::new(self.clone(), picture.clone());
        }
        if pictures.len() >= KEPT_PICTURES {
            // Those that somebody looks at stay, however many they are.
            pictures.retain(|_, picture| Arc::strong_count(picture) > 1);
        }
        let picture = Arc::new(Picture::new(abilities.clone(), scope.cloned()));
        pictures.insert(key, picture.clone());
        Face::new(self.clone(), picture)
    }

    fn pictures(&self) -> MutexGuard<'_, HashMap<Pictured, Arc<Picture>>> {
        lock(&self.pictures)
    }

    /// All that clients see is as it is now.
    fn publish(&self) {
        let pictures: Vec<_> = self.pictures().values().cloned().collect();
        pictures.iter().for_each(|picture| picture.news(self));
    }

    /// Publishes what the sources tell, for as long as there are any.
    pub async fn follow(&self, mut events: mpsc::UnboundedReceiver<Event>) {
        while let Some(event) = events.recv().await {
            let mut changed = self.heard(event);
            if changed {
                tokio::time::sleep(SETTLE).await;
                while let Ok(event) = events.try_recv() {
                    changed |= self.heard(event);
                }
                self.publish();
            }
        }
    }

    /// Whether it changes the catalogue.
    fn heard(&self, event: Event) -> bool {
        match event {
            Event::Told(told) => {
                self.hear(&told);
                false
            }
            _ => true,
        }
    }

    /// A server says something by itself. Never waits.
    pub fn hear(&self, told: &Told) {
        self.hub.tell(told, self.current.load().seat_of(&told.source));
    }

    /// A session wants log messages of this level and above.
    pub async fn log_level(&self, client: &Arc<dyn Client>, level: LogLevel) {
        let sources = self.sources();
        join_all(sources.iter().map(|source| source.log_level(client, level))).await;
    }

    /// A session has ended.
    pub fn forget(&self, session: SessionId) {
        self.hub.leave(session);
        self.sources().iter().for_each(|source| source.forget(session));
        lock(&self.leaving).iter().for_each(|seat| seat.source.forget(session));
    }

    /// The first time, plugins that are not known yet are given a few seconds.
    async fn learn_at_once(self: &Arc<Self>, client: &Arc<dyn Client>) {
        if self.learnt.swap(true, Ordering::Relaxed) {
            return;
        }
        let unknown =
            |source: &Arc<dyn Source>| source.learns_at_once() && source.offer(client.abilities()).tools.is_none();
        let learning = self.sources().into_iter().filter(unknown).map(|source| {
            let (gateway, client, done) = (self.clone(), client.clone(), tokio::sync::oneshot::channel::<()>());
            self.tasks.spawn(async move {
                if let Err(error) = gateway.learn(&source, &client).await {
                    warn!(source = %source.name(), "{error}");
                }
                drop(done.0);
            });
            done.1
        });
        // What takes longer goes on, and tells of itself when it is done.
        let _ = tokio::time::timeout(LEARN_WAIT, join_all(learning)).await;
    }

    /// Ends everything: what still learns, then the sources, all within `grace`.
    pub async fn stop(&self, grace: Duration) {
        self.parked.clear();
        self.tasks.drain(Duration::ZERO).await;
        let leaving = lock(&self.leaving).iter().map(|seat| seat.source.clone()).collect::<Vec<_>>();
        join_all(self.sources().iter().chain(&leaving).map(|source| source.stop(grace))).await;
    }
}

/// What is behind these locks is never left half-changed, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
