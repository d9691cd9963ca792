//! Holds the sources, publishes the catalogue, runs calls through the guards.
//!
//! * [`face`]: the gateway as one kind of client sees it; every call goes through [`Face::run`].
//! * [`filters`]: plugins that see the calls of tools.
//! * [`hub`]: who is told what servers say by themselves.
//! * [`parked`]: calls that wait until their client comes back with answers.
//! * [`errands`]: tasks that servers have made.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use gateway_core::{
    name::SourceName,
    role::RoleSet,
    source::{Abilities, Client, Event, LogLevel, SessionId, Source, Told},
    tasks::Tasks,
};
use tokio::sync::mpsc;
use tracing::warn;

pub use self::face::{Face, Params};
use self::{errands::Errands, face::Picture, filters::Filters, hub::Hub, parked::Parked};

pub mod errands;
pub mod face;
pub mod filters;
pub mod hub;
pub mod parked;

/// How long the first list waits for plugins that are not known yet; `list_changed` brings the rest.
const LEARN_WAIT: Duration = Duration::from_secs(5);

/// Changes are gathered for so long before they are published: a server that adds ten tools causes one message.
pub const SETTLE: Duration = Duration::from_millis(20);

/// How many kinds of clients have a picture kept for them while none of them is there.
const KEPT_PICTURES: usize = 32;

/// The heart of the program: the sources, and what is known of them.
pub struct Gateway {
    roles: Arc<RoleSet>,
    sources: Box<[Arc<dyn Source>]>,
    filters: Filters,
    pictures: Mutex<HashMap<Pictured, Arc<Picture>>>,
    hub: Hub,
    parked: Parked,
    errands: Errands,
    learnt: AtomicBool,
    tasks: Tasks,
}

/// What a picture depends on: what its clients can be asked, and the one source that they see, if it is one.
type Pictured = (Abilities, Option<SourceName>);

impl Gateway {
    /// A gateway over `sources`, in the order in which they are listed. Starts none of them.
    #[must_use]
    pub fn new(roles: Arc<RoleSet>, sources: Vec<Arc<dyn Source>>) -> Self {
        let tasks = Tasks::new();
        Self {
            roles,
            hub: Hub::new(sources.len()),
            sources: sources.into(),
            filters: Filters::default(),
            pictures: Mutex::default(),
            parked: Parked::new(tasks.clone()),
            errands: Errands::default(),
            learnt: AtomicBool::new(false),
            tasks,
        }
    }

    /// The same, with `filters` on the way of its calls.
    #[must_use]
    pub fn filtered(self, filters: Filters) -> Self {
        Self { filters, ..self }
    }

    /// The roles.
    #[must_use]
    pub fn roles(&self) -> &Arc<RoleSet> {
        &self.roles
    }

    /// The sources, in the configuration's order.
    #[must_use]
    pub fn sources(&self) -> &[Arc<dyn Source>] {
        &self.sources
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

    /// The source of that name, with its place.
    pub(crate) fn source(&self, name: &SourceName) -> Option<(usize, &Arc<dyn Source>)> {
        self.sources.iter().enumerate().find(|(_, source)| source.name() == name)
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
        let source = self.sources.iter().find(|of| of.name().as_str() == source)?;
        Some(self.pictured(abilities, Some(source)))
    }

    fn pictured(self: &Arc<Self>, abilities: &Abilities, scope: Option<&Arc<dyn Source>>) -> Face {
        let key = (abilities.clone(), scope.map(|source| source.name().clone()));
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
        self.pictures.lock().unwrap_or_else(PoisonError::into_inner)
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
                let pictures: Vec<_> = self.pictures().values().cloned().collect();
                pictures.iter().for_each(|picture| picture.news(self));
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
        self.hub.tell(told, self.source(&told.source).map(|(at, _)| at));
    }

    /// A session wants log messages of this level and above.
    pub async fn log_level(&self, client: &Arc<dyn Client>, level: LogLevel) {
        join_all(self.sources.iter().map(|source| source.log_level(client, level))).await;
    }

    /// A session has ended.
    pub fn forget(&self, session: SessionId) {
        self.hub.leave(session);
        self.sources.iter().for_each(|source| source.forget(session));
    }

    /// The first time, plugins that are not known yet are given a few seconds.
    async fn learn_at_once(&self, client: &Arc<dyn Client>) {
        if self.learnt.swap(true, Ordering::Relaxed) {
            return;
        }
        let unknown =
            |source: &&Arc<dyn Source>| source.learns_at_once() && source.offer(client.abilities()).tools.is_none();
        let learning = self.sources.iter().filter(unknown).map(|source| {
            let (source, client, done) = (source.clone(), client.clone(), tokio::sync::oneshot::channel::<()>());
            self.tasks.spawn(async move {
                if let Err(error) = source.learn(&client).await {
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
        join_all(self.sources.iter().map(|source| source.stop(grace))).await;
    }
}

#[cfg(test)]
mod tests;
