//! The one door to what a running gateway offers: the configuration and what was changed meanwhile go in, and the
//! gateway is brought to it.
//!
//! * [`overlay`]: what was changed while the gateway ran, on disk.
//! * [`desired`]: the configuration with that laid over it.
//! * [`reconcile`]: what has to be made anew, and what stays; pure.
//! * [`mod@build`]: making sources.
//! * [`registering`]: changes that somebody asks for while the gateway runs.
//!
//! Every change has the same way: the configuration is read, the overlay is laid over it, and the difference to what
//! there is becomes a new [`World`] for all sessions at once. Making a source starts nothing, so that bringing the
//! gateway there cannot fail half-way, and what was acknowledged is on disk before it counts.

pub mod build;
pub mod desired;
pub mod overlay;
pub mod reconcile;
mod registering;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use arc_swap::ArcSwap;
use futures_util::future::join_all;
use gateway_core::{
    name::SourceName,
    role::{RoleError, RoleId},
    source::{Client, Event, Events, Nobody, Source, State},
};
use gateway_wasm::Plugin;
use tokio::{
    sync::{Mutex, mpsc},
    time::timeout,
};
use tracing::{debug, error, info, warn};

use self::{
    build::{Builder, Made, Observer},
    desired::Desired,
    overlay::OverlayFile,
    reconcile::{Step, Wanted, reconcile, wanted},
};
use crate::{
    config::{Config, Discovery, Loaded},
    folders::Folders,
    gateway::{Gateway, World},
    sources::upstream::learn_early,
};

/// How long plugins that are new may take to be known before they are shown: a tool that stays is not missed meanwhile.
const PREPARE: Duration = Duration::from_secs(5);

/// Brings a gateway to what is wanted of it, whenever that changes.
pub struct Control {
    file: PathBuf,
    gateway: Arc<Gateway>,
    builder: Builder,
    /// The configuration is given, and never read again.
    in_memory: bool,
    /// Those of the program that the gateway is part of.
    further: Vec<Arc<dyn Source>>,
    overlay: OverlayFile,
    /// One change at a time.
    held: Mutex<Held>,
    desired: ArcSwap<Desired>,
    /// With `discovery: eager`: for whom things are learnt.
    early: std::sync::Mutex<Early>,
}

/// With `discovery: eager`: whether things are learnt before anybody asks, and for whom.
#[derive(Default)]
struct Early {
    wanted: bool,
    client: Option<Arc<dyn Client>>,
}

/// What there is.
struct Held {
    loaded: Loaded,
    entries: Vec<Entry>,
}

/// A source that there is.
struct Entry {
    name: SourceName,
    wanted: Wanted,
    made: Made,
}

/// What a gateway is put together from.
pub struct Setting<'a> {
    /// The configuration's file.
    pub file: &'a Path,
    /// There is no such file: what stands in it is given once and for all.
    pub in_memory: bool,
    /// What stands in it.
    pub loaded: Loaded,
    /// Where things are kept.
    pub folders: &'a Folders,
    /// Who is told of slow steps.
    pub observer: Option<&'a Observer>,
    /// There will be one client, so that servers are greeted in its era.
    pub one_client: bool,
    /// Sources of the program that the gateway is part of. They stay whatever the configuration says, and no server or
    /// plugin can have their names.
    pub further: Vec<Arc<dyn Source>>,
}

impl Control {
    /// Puts a gateway together, for callers of `role`. Needs a Tokio runtime; starts nothing. What comes out of the
    /// channel is for [`Gateway::follow`].
    ///
    /// # Errors
    /// Where there is no role to go by.
    pub fn build(
        setting: Setting<'_>,
        role: Option<&str>,
    ) -> Result<(Arc<Self>, RoleId, mpsc::UnboundedReceiver<Event>), RoleError> {
        let Setting { file, in_memory, loaded, folders, observer, one_client, further } = setting;
        let overlay = OverlayFile::within(&folders.state(file));
        let desired = Desired::of(&loaded, overlay.read());
        let roles = Arc::new(desired.config.role_set(None));
        let role = roles.resolve(role)?;
        let (events, told) = Events::channel();
        let control = Arc::new_cyclic(|control: &Weak<Self>| {
            let builder = Builder::new(file, folders, control.clone(), events.clone(), observer, one_client);
            let (entries, desired) = assemble(&builder, Vec::new(), desired, &further);
            let gateway = Arc::new(Gateway::new(World { roles, ..world(&entries, &further, &desired.config) }));
            desired.tell();
            Self {
                file: file.to_owned(),
                gateway,
                builder,
                in_memory,
                further,
                overlay,
                held: Mutex::new(Held { loaded, entries }),
                desired: ArcSwap::from_pointee(desired),
                early: std::sync::Mutex::default(),
            }
        });
        let hearing = Arc::downgrade(&control.gateway);
        events.hear(move |told| {
            if let Some(gateway) = hearing.upgrade() {
                gateway.hear(told);
            }
        });
        Ok((control, role, told))
    }

    /// The gateway.
    #[must_use]
    pub fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    /// What is wanted of it at the moment.
    #[must_use]
    pub fn desired(&self) -> Arc<Desired> {
        self.desired.load_full()
    }

    /// The configuration's file, and that of what was changed since: whoever watches them calls [`Control::reload`] and
    /// [`Control::refresh`].
    #[must_use]
    pub fn files(&self) -> (&Path, &Path) {
        (&self.file, self.overlay.path())
    }

    /// The plugins that there are.
    pub async fn plugins(&self) -> Vec<Arc<Plugin>> {
        self.held.lock().await.entries.iter().filter_map(|entry| entry.made.plugin.clone()).collect()
    }

    /// Reads the configuration again and brings the gateway to it. One with mistakes changes nothing.
    pub async fn reload(&self) {
        let mut held = self.held.lock().await;
        if self.in_memory {
            return self.bring(&mut held).await;
        }
        let file = self.file.clone();
        let Ok(loaded) = tokio::task::spawn_blocking(move || Config::load(&file)).await else { return };
        match loaded {
            Ok(loaded) => {
                for setting in held.loaded.config.fixed_since(&loaded.config) {
                    warn!("`{setting}` has changed in {}: it counts from the next start on", self.file.display());
                }
                held.loaded = loaded;
                self.bring(&mut held).await;
            }
            Err(problem) => {
                error!("the configuration stays as it was: {problem}");
                let mut desired = Desired::clone(&self.desired.load());
                desired.file_problem = Some(problem.to_string());
                self.desired.store(Arc::new(desired));
            }
        }
    }

    /// Brings the gateway to what the overlay says now.
    pub async fn refresh(&self) {
        self.bring(&mut *self.held.lock().await).await;
    }

    /// Brings the gateway to what is wanted now.
    async fn bring(&self, held: &mut Held) {
        let overlay = self.overlay.clone();
        let Ok(read) = tokio::task::spawn_blocking(move || overlay.read()).await else { return };
        let before = std::mem::take(&mut held.entries);
        let known: Vec<_> =
            before.iter().map(|entry| (entry.made.source.clone(), entry.made.source.status().state)).collect();
        let (entries, desired) = assemble(&self.builder, before, Desired::of(&held.loaded, read), &self.further);
        let is_new = |entry: &&Entry| known.iter().all(|(source, _)| !Arc::ptr_eq(source, &entry.made.source));
        let new: Vec<_> = entries.iter().filter(is_new).map(|entry| entry.made.source.clone()).collect();
        let nobody: Arc<dyn Client> = Arc::new(Nobody);
        let prepared = new.iter().filter(|source| source.learns_at_once()).map(|source| async {
            if let Err(error) = source.learn(&nobody).await {
                warn!(source = %source.name(), "{error}");
            }
        });
        let _ = timeout(PREPARE, join_all(prepared)).await;
        let roles = Arc::new(desired.config.role_set(Some(&self.gateway.roles())));
        self.gateway.change(World { roles, ..world(&entries, &self.further, &desired.config) });
        desired.tell();
        let names: Vec<_> = new.iter().map(|source| source.name().as_str()).collect();
        info!(new = names.join(", "), sources = entries.len(), "the configuration counts as it is now");
        // What ran goes on running as what it is now.
        let ran = |source: &Arc<dyn Source>| {
            let same =
                |(old, state): &&(Arc<dyn Source>, State)| old.name() == source.name() && *state == State::Running;
            known.iter().any(|old| same(&old))
        };
        self.learn(
            new.into_iter().filter(|source| !source.learns_at_once() && (ran(source) || self.is_eager(&desired))),
        );
        self.desired.store(Arc::new(desired));
        held.entries = entries;
    }

    /// With `discovery: eager`, learns from now on what servers offer to `client`, or to nobody in particular.
    pub fn learn_early(&self, client: Option<Arc<dyn Client>>) {
        *self.early() = Early { wanted: true, client };
        if self.is_eager(&self.desired.load()) {
            self.learn(self.gateway.sources().into_iter());
        }
    }

    /// Learns nothing more early, and lets go of whom it was for: a session ends only when nobody holds on to it.
    pub fn end(&self) {
        *self.early() = Early::default();
    }

    /// What is behind this lock is never left half-changed, so a panic elsewhere does not spoil it.
    fn early(&self) -> MutexGuard<'_, Early> {
        self.early.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_eager(&self, desired: &Desired) -> bool {
        desired.config.discovery == Discovery::Eager && self.early().wanted
    }

    /// Learns what `sources` offer, in the background, for as long as they are there.
    fn learn(&self, sources: impl Iterator<Item = Arc<dyn Source>>) {
        let (sources, gateway): (Vec<_>, _) = (sources.collect(), self.gateway.clone());
        if sources.is_empty() {
            return;
        }
        debug!(sources = sources.len(), "learning what they offer");
        let client = self.early().client.clone();
        self.gateway.tasks().spawn(async move {
            let is_there = |source: &Arc<dyn Source>| {
                gateway.source(source.name().as_str()).is_some_and(|there| Arc::ptr_eq(&there, source))
            };
            learn_early(&sources, client, &is_there).await;
        });
    }
}

/// The sources that are wanted: those of `before` that are the same, and new ones. None has the name of one of `further`.
fn assemble(
    builder: &Builder,
    before: Vec<Entry>,
    mut desired: Desired,
    further: &[Arc<dyn Source>],
) -> (Vec<Entry>, Desired) {
    let mut wanted = wanted(&desired.config, |name| desired.is_registered(name));
    let is_taken = |name: &SourceName| further.iter().any(|source| source.name() == name);
    for (name, _) in wanted.extract_if(.., |(name, _)| is_taken(name)) {
        desired.leave_out(&name, "the program that the gateway is part of has tools under that name");
    }
    let steps = reconcile(before.iter().map(|entry| (&entry.name, &entry.wanted)), &wanted);
    let mut before: Vec<Option<Entry>> = before.into_iter().map(Some).collect();
    let mut entries = Vec::with_capacity(wanted.len());
    for ((name, wanted), step) in wanted.into_iter().zip(steps) {
        match step {
            Step::Keep(at) => entries.extend(before.get_mut(at).and_then(Option::take)),
            Step::Make(_) => match builder.make(&name, &wanted, &desired.config) {
                Ok(made) => entries.push(Entry { name, wanted, made }),
                // What stands in the file was checked when it was read; the rest may be of a newer gateway.
                Err(error) => desired.leave_out(&name, &error.to_string()),
            },
        }
    }
    (entries, desired)
}

/// The world of these sources, without its roles.
fn world(entries: &[Entry], further: &[Arc<dyn Source>], config: &Config) -> World {
    let sources = entries.iter().map(|entry| &entry.made.source).chain(further).cloned().collect();
    let filters = build::filters(config, entries.iter().filter_map(|entry| entry.made.plugin.as_ref()));
    World { sources, filters, surface: Arc::new(config.surface()), ..World::default() }
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").field("file", &self.file).finish_non_exhaustive()
    }
}
