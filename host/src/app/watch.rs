//! Watching files: the configuration is read again when it changes, what was registered by another gateway counts here
//! too, and a plugin that changes is loaded anew.
//!
//! The system tells of folders: those that hold a file, or where it is not there yet, the nearest above. What it tells
//! is a hint and no more, since files are written in pieces and replaced under way: each is read once, as a whole, and
//! what was read counts. One that was caught half-written is refused, and looked at again when it changes again.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use gateway_core::source::Source;
use gateway_wasm::Plugin;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};
use tracing::{debug, warn};

use super::App;
use crate::{
    config::Config,
    control::Control,
    packages::{Reference, lockfile},
    telemetry,
};

/// Changes are gathered for so long: a build or an editor writes more than once.
const SETTLE: Duration = Duration::from_millis(50);

/// A plugin, and the file or folder that it comes from where it is one of this machine.
struct Watched {
    plugin: Arc<Plugin>,
    local: Option<PathBuf>,
}

/// What is watched.
struct Paths {
    config: PathBuf,
    overlay: PathBuf,
    lock: PathBuf,
    plugins: Vec<Watched>,
}

impl App {
    /// Has the gateway follow its files from now on, as far as the configuration wants that.
    pub fn follow_files(&self) {
        if !self.follows.swap(true, Ordering::Relaxed) {
            self.tasks.spawn(watch(self.control.clone()));
        }
    }

    /// Has what is not the gateway's own be as the configuration wants it.
    fn follow_settings(&self, one_session: bool) {
        let (control, named, role) = (self.control.clone(), self.named.clone(), self.role);
        let mut changes = control.changes();
        self.tasks.spawn(async move {
            let mut default = Some(role);
            while changes.changed().await.is_ok() {
                let config = &control.desired().config;
                telemetry::change(config.log_level.as_str());
                let now = control.gateway().roles().resolve(named.as_deref()).ok();
                if one_session && std::mem::replace(&mut default, now) != now {
                    warn!(
                        "`default_role` has changed: it counts from the next session on, and this one stays as it is"
                    );
                }
            }
        });
    }

    /// The same, and the signal SIGHUP. `one_session`: there is one that lasts as long as the gateway.
    ///
    /// # Errors
    /// Where no signal handler can be set.
    pub(super) fn watch(&self, one_session: bool) -> std::io::Result<()> {
        self.follow_files();
        self.follow_settings(one_session);
        let (control, mut hangup) = (self.control.clone(), signal(SignalKind::hangup())?);
        self.tasks.spawn(async move {
            while hangup.recv().await.is_some() {
                control.reload().await;
            }
        });
        Ok(())
    }
}

impl Paths {
    /// What there is to be watched now. What the configuration does not want to be followed is left out.
    async fn of(control: &Control) -> Self {
        let (config, overlay) = control.files();
        let (desired, lock) = (control.desired(), lockfile::beside(config));
        let plugins = match desired.config.watch {
            true => control.plugins().await,
            false => Vec::new(),
        };
        let watched = plugins.into_iter().map(|plugin| Watched { local: local(&desired.config, &plugin), plugin });
        Self { config: config.to_owned(), overlay: overlay.to_owned(), lock, plugins: watched.collect() }
    }

    fn all(&self) -> Vec<&Path> {
        let fixed = [&self.config, &self.overlay, &self.lock].map(PathBuf::as_path);
        fixed.into_iter().chain(self.plugins.iter().filter_map(|of| of.local.as_deref())).collect()
    }
}

/// The file or folder of this machine that a plugin comes from.
fn local(config: &Config, plugin: &Plugin) -> Option<PathBuf> {
    let source = &config.plugins.get(Source::name(plugin).as_str())?.source;
    match Reference::parse(source, Path::new("")) {
        Ok(Reference::Local(path)) => Some(path),
        _ => None,
    }
}

/// Follows the files that `control` goes by. Never ends by itself.
async fn watch(control: Arc<Control>) {
    let (tell, mut told) = mpsc::unbounded_channel();
    // The receiver is gone when the gateway ends.
    let hear = move |event: notify::Result<Event>| drop(tell.send(event));
    let mut folders = match notify::recommended_watcher(hear) {
        Ok(watcher) => Folders { watcher, watched: BTreeSet::new() },
        Err(error) => return warn!("files are not read again when they change: {error}"),
    };
    let mut paths = Paths::of(&control).await;
    folders.follow(&paths.all());
    if control.desired().config.watch {
        control.catch_up().await;
    }
    while let Some(event) = told.recv().await {
        let mut changed = Changes::default();
        changed.note(event);
        tokio::time::sleep(SETTLE).await;
        while let Ok(event) = told.try_recv() {
            changed.note(event);
        }
        // Before anything is read: what changes from now on is told of.
        folders.forget(&changed.gone);
        folders.follow(&paths.all());
        if control.desired().config.watch && changed.concern(&paths.config) {
            control.reload().await;
        } else if changed.concern(&paths.overlay) {
            control.refresh().await;
        }
        let is_locked_anew = changed.concern(&paths.lock);
        let concerned = |of: &&Watched| is_locked_anew || of.local.as_ref().is_some_and(|path| changed.concern(path));
        join_all(paths.plugins.iter().filter(concerned).map(|of| of.plugin.refresh())).await;
        if is_locked_anew {
            control.locked_anew();
        }
        paths = Paths::of(&control).await;
        folders.follow(&paths.all());
    }
}

/// What was told in one go.
#[derive(Debug, Default)]
struct Changes {
    paths: BTreeSet<PathBuf>,
    gone: BTreeSet<PathBuf>,
    /// Something was not told: everything may have changed.
    all: bool,
}

impl Changes {
    fn note(&mut self, event: notify::Result<Event>) {
        match event {
            // Reading is no change, and would be told of without end.
            Ok(Event { kind: EventKind::Access(_), .. }) => {}
            Ok(event) => {
                self.all |= event.need_rescan();
                if let EventKind::Remove(_) | EventKind::Modify(notify::event::ModifyKind::Name(_)) = event.kind {
                    self.gone.extend(event.paths.iter().cloned());
                }
                self.paths.extend(event.paths);
            }
            Err(error) => {
                debug!("watching plugins: {error}");
                self.all = true;
            }
        }
    }

    /// Whether they are about `path`: itself, a file in it, or a folder on the way to it.
    fn concern(&self, path: &Path) -> bool {
        let real = path.canonicalize().ok();
        let about = |changed: &PathBuf| {
            let one = |path: &Path| path.starts_with(changed) || changed.parent() == Some(path);
            one(path) || real.as_deref().is_some_and(one)
        };
        self.all || self.paths.iter().any(about)
    }
}

/// The folders that the system tells of.
struct Folders {
    watcher: RecommendedWatcher,
    watched: BTreeSet<PathBuf>,
}

impl Folders {
    /// Has the system tell of whatever happens to `paths`, which need not exist.
    fn follow(&mut self, paths: &[&Path]) {
        for folder in paths.iter().flat_map(|path| around(path)) {
            if self.watched.contains(&folder) {
                continue;
            }
            match self.watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => drop(self.watched.insert(folder)),
                Err(error) => warn!("{}: changes in there are not seen: {error}", folder.display()),
            }
        }
    }

    /// These are there no more, and what has their name now is another folder.
    fn forget(&mut self, gone: &BTreeSet<PathBuf>) {
        for folder in gone.iter().filter(|folder| self.watched.remove(*folder)) {
            // It may be forgotten already.
            let _ = self.watcher.unwatch(folder);
        }
    }
}

/// The folders whose entries decide what `path` is: itself where it is a folder, the nearest one above it, and the same
/// for what it is a link to.
fn around(path: &Path) -> BTreeSet<PathBuf> {
    let mut folders = BTreeSet::new();
    for path in [Some(path.to_owned()), path.canonicalize().ok()].into_iter().flatten() {
        if path.is_dir() {
            folders.insert(path.clone());
        }
        folders.extend(path.ancestors().skip(1).find(|folder| folder.is_dir()).map(Path::to_owned));
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_decide_what_a_path_is() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        let file = root.join("plugin/a.wasm");
        assert_eq!(around(&file), BTreeSet::from([root.clone()]));
        std::fs::create_dir(root.join("plugin")).unwrap();
        assert_eq!(around(&file), BTreeSet::from([root.join("plugin")]));
        assert_eq!(around(&root.join("plugin")), BTreeSet::from([root.clone(), root.join("plugin")]));
        std::fs::write(root.join("real.wasm"), "").unwrap();
        std::os::unix::fs::symlink(root.join("real.wasm"), &file).unwrap();
        assert_eq!(around(&file), BTreeSet::from([root.clone(), root.join("plugin")]));
    }

    #[test]
    fn changes_concern_those_that_they_are_about() {
        let told = |path: &str| {
            let mut changes = Changes::default();
            changes.note(Ok(Event::new(EventKind::Any).add_path(path.into())));
            changes
        };
        for about in ["/plugins/a.wasm", "/plugins", "/plugins/a.wasm/in-it"] {
            assert!(told(about).concern(Path::new("/plugins/a.wasm")), "{about}");
        }
        for other in ["/plugins/b.wasm", "/plugins/a.wasm/in/it"] {
            assert!(!told(other).concern(Path::new("/plugins/a.wasm")), "{other}");
        }
        let mut read = Changes::default();
        let access = EventKind::Access(notify::event::AccessKind::Read);
        read.note(Ok(Event::new(access).add_path("/plugins/a.wasm".into())));
        assert!(!read.concern(Path::new("/plugins/a.wasm")));
    }
}
