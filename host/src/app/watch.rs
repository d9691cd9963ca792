//! Watching plugins as files: one that changes is loaded anew while the gateway runs.
//!
//! The system tells of folders: those that hold a component, or where it is not there yet, the nearest above. What it tells
//! is a hint and no more, since files are written in pieces and replaced under way: the plugin reads its file once, as
//! a whole, and goes by what it read. One that was caught half-written is refused, and looked at again when it changes
//! again.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use futures_util::future::join_all;
use gateway_wasm::Plugin;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tracing::{debug, warn};

use super::App;

/// Changes are gathered for so long: a build or an editor writes more than once.
const SETTLE: Duration = Duration::from_millis(50);

/// A plugin, and the file or folder that it comes from where it is one of this machine.
#[derive(Clone)]
pub(super) struct Watched {
    pub(super) plugin: Arc<Plugin>,
    pub(super) local: Option<PathBuf>,
}

impl App {
    /// Has local plugins follow their files from now on, where the configuration wants that.
    pub(super) fn watch(&self) {
        if self.config.watch && !self.plugins.is_empty() {
            self.tasks.spawn(watch(self.plugins.clone(), self.lock.clone()));
        }
    }
}

/// Refreshes `plugins` as their files change; all of them when `lock` does. Never ends by itself.
async fn watch(plugins: Vec<Watched>, lock: PathBuf) {
    let (tell, mut told) = mpsc::unbounded_channel();
    // The receiver is gone when the gateway ends.
    let hear = move |event: notify::Result<Event>| drop(tell.send(event));
    let mut folders = match notify::recommended_watcher(hear) {
        Ok(watcher) => Folders { watcher, watched: BTreeSet::new() },
        Err(error) => return warn!("plugins are not loaded anew when they change: {error}"),
    };
    let paths: Vec<&Path> = plugins.iter().filter_map(|of| of.local.as_deref()).chain([lock.as_path()]).collect();
    folders.follow(&paths);
    while let Some(event) = told.recv().await {
        let mut changed = Changes::default();
        changed.note(event);
        tokio::time::sleep(SETTLE).await;
        while let Ok(event) = told.try_recv() {
            changed.note(event);
        }
        // Before anything is read: what changes from now on is told of.
        folders.forget(&changed.gone);
        folders.follow(&paths);
        let is_locked_anew = changed.concern(&lock);
        let concerned = |of: &&Watched| is_locked_anew || of.local.as_ref().is_some_and(|path| changed.concern(path));
        let refreshed: Vec<_> = plugins.iter().filter(concerned).map(|of| of.plugin.refresh()).collect();
        join_all(refreshed).await;
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
