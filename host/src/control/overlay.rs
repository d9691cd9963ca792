//! What was changed while the gateway ran: a file beside what else is kept of a configuration, which is never rewritten
//! by hand and never takes the place of `gateway.yaml`.
//!
//! Several gateways run on one configuration: each changes the file under a lock, as a whole and by renaming, and hears
//! of the changes of the others as of any other file's. A crash leaves the one or the other version, never half of one.
//! What stands in it is believed no more than when it was asked for: see [`super::allowed`].

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use gateway_core::{manage::NewServer, name::SourceName};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::folders;

/// The one version there is so far of what the file looks like.
const VERSION: u32 = 1;

/// What a file is called that is being written, before it has the overlay's name.
const UNFINISHED: &str = ".overlay-";

/// What stands in the name of a file that was put aside.
const CORRUPT: &str = "overlay.json.corrupt-";

/// What was changed.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    version: u32,
    /// Servers that were registered.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub servers: BTreeMap<SourceName, NewServer>,
    /// Plugins that were registered, as they would stand in the configuration.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub plugins: BTreeMap<SourceName, Value>,
    /// Those of them that the program asked for that the gateway is part of: it may run what it likes.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub owned: BTreeSet<SourceName>,
    /// What was removed of the configuration.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub removed: BTreeSet<SourceName>,
    /// What was switched off of the configuration.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub disabled: BTreeSet<SourceName>,
}

impl Overlay {
    /// Whether a server or plugin of that name was registered.
    #[must_use]
    pub fn has(&self, name: &SourceName) -> bool {
        self.servers.contains_key(name) || self.plugins.contains_key(name)
    }

    /// Forgets what was registered under that name; false where nothing was.
    pub(super) fn forget(&mut self, name: &SourceName) -> bool {
        self.owned.remove(name);
        let server = self.servers.remove(name).is_some();
        self.plugins.remove(name).is_some() || server
    }
}

impl std::fmt::Debug for Overlay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without values that may be secrets.
        f.debug_struct("Overlay").field("servers", &self.servers.keys()).field("removed", &self.removed).finish()
    }
}

/// Only the version, whatever else there is.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// The file.
#[derive(Debug, Clone)]
pub struct OverlayFile {
    path: PathBuf,
}

/// What was read, and what was wrong with it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Read {
    /// What was changed; what was known before where the file could not be read.
    pub overlay: Overlay,
    /// One sentence for whoever runs the gateway.
    pub problem: Option<String>,
}

/// What is in the file.
enum Found {
    Good(Overlay),
    /// Of a newer gateway.
    Newer(u32),
    Corrupt(serde_json::Error),
}

impl OverlayFile {
    /// The file in that folder.
    #[must_use]
    pub fn within(state: &Path) -> Self {
        Self { path: state.join("overlay.json") }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it says. A file that makes no sense is put aside under another name, so that nothing overwrites it; a
    /// gateway that still knows what stood in it, `known`, writes that again.
    #[must_use]
    pub fn read(&self, known: Option<&Overlay>) -> Read {
        let last = || known.cloned().unwrap_or_default();
        match self.look() {
            Ok(Found::Good(overlay)) => Read { overlay, problem: self.kept_aside() },
            // A newer gateway's own: that one still needs it where it is.
            Ok(Found::Newer(version)) => Read {
                overlay: last(),
                problem: Some(format!(
                    "{}: what was registered is written as version {version}, which this gateway does not know",
                    self.path.display()
                )),
            },
            Ok(Found::Corrupt(_)) => match self.lock() {
                Ok(_lock) => self.mend(known),
                Err(error) => Read { overlay: last(), problem: Some(self.unreadable(&error)) },
            },
            Err(error) => Read { overlay: last(), problem: Some(self.unreadable(&error)) },
        }
    }

    fn unreadable(&self, error: &dyn std::fmt::Display) -> String {
        format!("{}: what was registered while a gateway ran cannot be read: {error}", self.path.display())
    }

    fn look(&self) -> io::Result<Found> {
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Good(Overlay::default())),
            Err(error) => return Err(error),
        };
        // A newer one may have keys that are not known here.
        if let Ok(Version { version }) = serde_json::from_slice(&text)
            && version > VERSION
        {
            return Ok(Found::Newer(version));
        }
        Ok(serde_json::from_slice::<Overlay>(&text).map_or_else(Found::Corrupt, Found::Good))
    }

    /// Puts a file aside that makes no sense. Under the lock.
    fn mend(&self, known: Option<&Overlay>) -> Read {
        let last = known.cloned().unwrap_or_default();
        match self.look() {
            Ok(Found::Corrupt(error)) => match self.set_aside(known) {
                Ok(()) => Read { overlay: last, problem: self.kept_aside() },
                Err(other) => {
                    let problem = format!("{}, nor put aside: {other}", self.unreadable(&error));
                    Read { overlay: last, problem: Some(problem) }
                }
            },
            // Somebody else was here in the meantime.
            Ok(Found::Good(overlay)) => Read { overlay, problem: self.kept_aside() },
            Ok(Found::Newer(_)) => Read { overlay: last, problem: None },
            Err(error) => Read { overlay: last, problem: Some(self.unreadable(&error)) },
        }
    }

    fn set_aside(&self, known: Option<&Overlay>) -> io::Result<()> {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let aside = self.folder().join(format!("{CORRUPT}{}", since.as_nanos()));
        match known {
            // At no moment there is no file: others would take that for nothing registered.
            Some(known) => {
                fs::hard_link(&self.path, &aside)?;
                self.write(known.clone())
            }
            None => fs::rename(&self.path, &aside),
        }
    }

    /// What to say for as long as there is a file that was put aside.
    fn kept_aside(&self) -> Option<String> {
        let entries = fs::read_dir(self.folder()).ok()?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let kept = names.filter(|name| name.starts_with(CORRUPT)).min()?;
        let kept = self.folder().join(kept);
        Some(format!(
            "what was registered while a gateway ran could not be read, and is kept as {}: register again what is \
             missing, and remove that file",
            kept.display()
        ))
    }

    /// Changes it as `change` does, and gives what it says then. Nothing is written where `change` refuses, or changes
    /// nothing. `known` is what was read last.
    ///
    /// # Errors
    /// What `change` says, or why it could not be written.
    pub fn change<E: From<io::Error>>(
        &self,
        known: &Overlay,
        change: impl FnOnce(&mut Overlay) -> Result<(), E>,
    ) -> Result<Read, E> {
        let _lock = self.lock()?;
        let mut overlay = match self.look()? {
            Found::Good(overlay) => overlay,
            Found::Newer(version) => {
                let problem = format!("{} is of version {version}, a newer gateway's", self.path.display());
                return Err(io::Error::other(problem).into());
            }
            Found::Corrupt(_) => {
                let mended = self.mend(Some(known));
                if let Found::Corrupt(error) = self.look()? {
                    return Err(io::Error::other(self.unreadable(&error)).into());
                }
                mended.overlay
            }
        };
        let before = overlay.clone();
        change(&mut overlay)?;
        if overlay != before {
            overlay.version = VERSION;
            self.write(overlay.clone())?;
        }
        Ok(Read { overlay, problem: self.kept_aside() })
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// Held against the other gateways on this configuration. The lock ends with the file's handle.
    fn lock(&self) -> io::Result<File> {
        folders::private(self.folder())?;
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600);
        let file = options.open(self.path.with_extension("lock"))?;
        file.lock()?;
        Ok(file)
    }

    /// Under the lock.
    fn write(&self, mut overlay: Overlay) -> io::Result<()> {
        overlay.version = VERSION;
        let folder = self.folder();
        // Of somebody who was killed meanwhile: whoever has the lock is the only one who writes.
        for entry in fs::read_dir(folder)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                let _ = fs::remove_file(entry.path());
            }
        }
        // For this user alone: there are values of variables and headers in it.
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
        serde_json::to_writer_pretty(&mut file, &overlay)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        // So that the new name survives a loss of power too.
        File::open(folder)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> SourceName {
        SourceName::new(name).unwrap()
    }

    fn add(file: &OverlayFile, new: &str) -> Read {
        let known = Overlay::default();
        let add = |overlay: &mut Overlay| {
            overlay.servers.insert(name(new), NewServer::default());
            Ok::<_, io::Error>(())
        };
        file.change(&known, add).unwrap()
    }

    #[test]
    fn what_was_changed_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = OverlayFile::within(&folder.path().join("state"));
        assert_eq!(file.read(None), Read::default());
        add(&file, "a");
        let read = add(&file, "b");
        assert_eq!(file.read(None).overlay.servers, read.overlay.servers);
        assert_eq!(read.overlay.servers.len(), 2);
        let refused = file.change(&Overlay::default(), |overlay| {
            overlay.servers.clear();
            Err(io::Error::other("no"))
        });
        assert!(refused.is_err());
        assert_eq!(file.read(None).overlay.servers.len(), 2);
    }

    #[test]
    fn a_file_that_makes_no_sense_is_kept_aside() {
        let folder = tempfile::tempdir().unwrap();
        let file = OverlayFile::within(folder.path());
        fs::write(file.path(), "{ \"version\": 1, \"serv").unwrap();
        let read = file.read(None);
        assert_eq!(read.overlay, Overlay::default());
        let problem = read.problem.unwrap();
        add(&file, "a");
        // It is told for as long as it is there.
        assert_eq!(file.read(None).problem.as_ref(), Some(&problem));
        let kept = fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.path());
        let kept: Vec<_> = kept.filter(|path| path.to_string_lossy().contains("corrupt")).collect();
        assert!(problem.contains(kept[0].to_str().unwrap()), "{problem}");
        assert_eq!(fs::read_to_string(&kept[0]).unwrap(), "{ \"version\": 1, \"serv");
        fs::remove_file(&kept[0]).unwrap();
        assert_eq!(file.read(None).problem, None);
    }

    #[test]
    fn whoever_knows_what_stood_in_it_writes_it_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = OverlayFile::within(folder.path());
        let known = add(&file, "a").overlay;
        fs::write(file.path(), "").unwrap();
        let read = file.read(Some(&known));
        assert!(read.overlay.has(&name("a")) && read.problem.is_some());
        assert!(file.read(None).overlay.has(&name("a")));
    }

    #[test]
    fn what_a_newer_gateway_wrote_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = OverlayFile::within(folder.path());
        let newer = r#"{"version": 2, "servers": [], "more": true}"#;
        fs::write(file.path(), newer).unwrap();
        assert!(file.read(None).problem.unwrap().contains("version 2"));
        assert!(file.change(&Overlay::default(), |_| Ok::<_, io::Error>(())).is_err());
        assert_eq!(fs::read_to_string(file.path()).unwrap(), newer);
    }

    #[test]
    fn what_was_not_finished_is_cleared_away() {
        let folder = tempfile::tempdir().unwrap();
        let file = OverlayFile::within(folder.path());
        fs::write(folder.path().join(".overlay-dead"), "{").unwrap();
        add(&file, "a");
        assert!(!folder.path().join(".overlay-dead").exists());
    }
}
