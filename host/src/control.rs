//! The one door to what a running gateway offers: the configuration and what was changed meanwhile go in, and the
//! gateway is brought to it.
//!
//! * [`overlay`]: what was changed while the gateway ran, on disk.
//! * [`allowed`]: what may be registered by whom the operator has not let at the configuration.
//! * [`desired`]: the configuration with that laid over it.
//! * [`reconcile`]: what has to be made anew, and what stays; pure.
//! * [`mod@build`]: making sources.
//! * `pins`: servers' tools, held against the lock file.
//! * [`mod@reading`]: the files are read again.
//! * [`registering`]: changes that somebody asks for while the gateway runs; `asked`: whether they make sense.
//!
//! Every change has the same way: the configuration is read, the overlay is laid over it, and the difference to what
//! there is becomes a new [`World`] for all sessions at once. Making a source starts nothing, so that bringing the
//! gateway there cannot fail half-way, and what was acknowledged is on disk before it counts.

pub mod allowed;
mod asked;
pub mod build;
pub mod desired;
pub mod overlay;
mod pins;
mod reading;
pub mod reconcile;
mod registering;
mod telling;

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
    sync::{Mutex, mpsc, watch},
    time::timeout,
};
use tracing::{debug, warn};

use self::{
    build::{Builder, Made, Observer},
    desired::Desired,
    overlay::{OverlayFile, Read},
    reconcile::{Step, Wanted, reconcile, wanted},
};
use crate::{
    config::{Config, Discovery, Loaded},
    folders::Folders,
    gateway::{Gateway, World},
    packages::lockfile::{Lock, beside},
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
    /// There may be no file.
    optional: bool,
    adjust: Option<Adjust>,
    /// Those of the program that the gateway is part of.
    further: Vec<Arc<dyn Source>>,
    overlay: OverlayFile,
    /// One change at a time.
    held: Mutex<Held>,
    desired: ArcSwap<Desired>,
    changes: watch::Sender<()>,
    /// With `discovery: eager`: for whom things are learnt.
    early: std::sync::Mutex<Early>,
}

/// With `discovery: eager`: whether things are learnt before anybody asks, and for whom.
#[derive(Default)]
struct Early {
    wanted: bool,
    client: Option<Arc<dyn Client>>,
}

/// Changes what was read of the configuration, as the command line says.
pub type Adjust = Arc<dyn Fn(&mut Loaded) + Send + Sync>;

/// What there is.
struct Held {
    loaded: Loaded,
    /// Why that is not what stands in the file now.
    file_problem: Option<String>,
    overlay: Read,
    entries: Vec<Arc<Entry>>,
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
    /// There may be no such file, as long as nobody writes one: then nothing stands in it.
    pub optional: bool,
    /// What stands in it.
    pub loaded: Loaded,
    /// Where things are kept.
    pub folders: &'a Folders,
    /// Who is told of slow steps.
    pub observer: Option<&'a Observer>,
    /// There will be one client, so that servers are greeted in its era.
    pub one_client: bool,
    /// Tools of servers that are not what the lock file says are not offered.
    pub pins: bool,
    /// What the command line has otherwise than the configuration, which also holds for what is read of it later.
    pub adjust: Option<Adjust>,
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
        let Setting { file, in_memory, optional, mut loaded, folders, observer, one_client, pins, adjust, further } =
            setting;
        if let Some(adjust) = &adjust {
            adjust(&mut loaded);
        }
        let file_of_overlay = OverlayFile::within(&folders.state(file));
        let overlay = file_of_overlay.read(None);
        let desired = Desired::of(&loaded, &overlay, None);
        let roles = Arc::new(desired.config.role_set(None));
        let role = roles.resolve(role)?;
        let (events, told) = Events::channel();
        let control = Arc::new_cyclic(|control: &Weak<Self>| {
            let lock = pins.then(|| Lock::new(beside(file)));
            let builder = Builder::new(file, folders, control.clone(), events.clone(), observer, one_client, lock);
            let (entries, desired) = assemble(&builder, &[], desired, &further);
            let gateway = Arc::new(Gateway::new(World { roles, ..world(&entries, &further, &desired.config) }));
            desired.tell(None);
            Self {
                file: file.to_owned(),
                gateway,
                builder,
                in_memory,
                optional,
                adjust,
                further,
                overlay: file_of_overlay,
                held: Mutex::new(Held { loaded, file_problem: None, overlay, entries }),
                desired: ArcSwap::from_pointee(desired),
                changes: watch::Sender::new(()),
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

    /// Tells whenever that has changed.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
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

    /// The lock file may say something else of servers now.
    pub fn locked_anew(&self) {
        self.builder.events().changed();
    }

    /// Brings the gateway to what is wanted now. Until the last moment all is as it was, so that whoever waits for it
    /// may stop waiting at any time.
    async fn bring(&self, held: &mut Held) {
        let before = self.desired();
        let wanted = Desired::of(&held.loaded, &held.overlay, held.file_problem.clone());
        let (entries, desired) = assemble(&self.builder, &held.entries, wanted, &self.further);
        let is_new = |entry: &&Arc<Entry>| held.entries.iter().all(|old| !Arc::ptr_eq(old, entry));
        let new: Vec<_> = entries.iter().filter(is_new).map(|entry| entry.made.source.clone()).collect();
        prepare(&new).await;
        // What ran goes on running as what it is now.
        let ran = |source: &Arc<dyn Source>| {
            let old = held.entries.iter().find(|old| old.name == *source.name());
            old.is_some_and(|old| old.made.source.status().state == State::Running)
        };
        let early = self.is_eager(&desired);
        let learnt = new.iter().filter(|source| !source.learns_at_once() && (early || ran(source))).cloned();
        let learnt: Vec<_> = learnt.collect();
        self.show(held, &entries, &before, &desired);
        desired.tell(Some(&before));
        self.desired.store(Arc::new(desired));
        self.changes.send_replace(());
        held.entries = entries;
        self.learn(learnt.into_iter());
    }

    /// Has all sessions see these sources, where there is a difference to what they see.
    fn show(&self, held: &Held, entries: &[Arc<Entry>], before: &Desired, desired: &Desired) {
        let known = self.gateway.roles();
        let roles = desired.config.role_set(Some(&known));
        let same_roles = known.iter().eq(roles.iter()) && known.resolve(None).ok() == roles.resolve(None).ok();
        let same_entries = held.entries.len() == entries.len()
            && held.entries.iter().zip(entries).all(|(old, new)| Arc::ptr_eq(old, new));
        if same_roles && same_entries && before.config.shows_as(&desired.config) {
            return;
        }
        let roles = if same_roles { known } else { Arc::new(roles) };
        self.gateway.change(World { roles, ..world(entries, &self.further, &desired.config) });
        let names = |these: &[Arc<Entry>], others: &[Arc<Entry>]| {
            let only = these.iter().filter(|entry| others.iter().all(|other| !Arc::ptr_eq(other, entry)));
            only.map(|entry| entry.name.as_str()).collect::<Vec<_>>().join(", ")
        };
        debug!(new = names(entries, &held.entries), old = names(&held.entries, entries), "what is offered has changed");
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

/// Gives those a moment that are known before anybody asks: a tool that stays is not missed meanwhile.
async fn prepare(new: &[Arc<dyn Source>]) {
    let nobody: Arc<dyn Client> = Arc::new(Nobody);
    let prepared = new.iter().filter(|source| source.learns_at_once()).map(|source| async {
        if let Err(error) = source.learn(&nobody).await {
            warn!(source = %source.name(), "{error}");
        }
    });
    let _ = timeout(PREPARE, join_all(prepared)).await;
}

/// The sources that are wanted: those of `before` that are the same, and new ones. None has the name of one of `further`.
fn assemble(
    builder: &Builder,
    before: &[Arc<Entry>],
    mut desired: Desired,
    further: &[Arc<dyn Source>],
) -> (Vec<Arc<Entry>>, Desired) {
    let mut wanted = wanted(&desired.config, |name| desired.is_public_only(name));
    let is_taken = |name: &SourceName| further.iter().any(|source| source.name() == name);
    for (name, _) in wanted.extract_if(.., |(name, _)| is_taken(name)) {
        desired.leave_out(&name, "the program that the gateway is part of has tools under that name");
    }
    let steps = reconcile(before.iter().map(|entry| (&entry.name, &entry.wanted)), &wanted);
    let mut entries = Vec::with_capacity(wanted.len());
    for ((name, wanted), step) in wanted.into_iter().zip(steps) {
        match step {
            Step::Keep(at) => entries.extend(before.get(at).cloned()),
            Step::Make(_) => match builder.make(&name, &wanted, &desired.config) {
                Ok(made) => entries.push(Arc::new(Entry { name, wanted, made })),
                // What stands in the file was checked when it was read; the rest may be of a newer gateway.
                Err(error) => desired.leave_out(&name, &error.to_string()),
            },
        }
    }
    (entries, desired)
}

/// The world of these sources, without its roles.
fn world(entries: &[Arc<Entry>], further: &[Arc<dyn Source>], config: &Config) -> World {
    let sources = entries.iter().map(|entry| &entry.made.source).chain(further).cloned().collect();
    let plugins: Vec<_> = entries.iter().filter_map(|entry| entry.made.plugin.as_ref()).collect();
    let filters = build::filters(config, &plugins);
    World {
        sources,
        filters,
        surface: Arc::new(config.surface()),
        log_arguments: config.log_arguments,
        ..World::default()
    }
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").field("file", &self.file).finish_non_exhaustive()
    }
}
