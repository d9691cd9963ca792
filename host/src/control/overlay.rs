//! What was changed while the gateway ran: a file beside what else is kept of a configuration, which is never rewritten
//! by hand and never takes the place of `gateway.yaml`.
//!
//! Several gateways run on one configuration: each changes the file under a lock, as a whole and by renaming, and hears
//! of the changes of the others as of any other file's. A crash leaves the one or the other version, never half of one.

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

use crate::folders;

/// The one version there is so far of what the file looks like.
const VERSION: u32 = 1;

/// What was changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    version: u32,
    /// Servers that were registered.
    #[serde(default)]
    pub servers: BTreeMap<SourceName, NewServer>,
    /// What was removed of the configuration.
    #[serde(default)]
    pub removed: BTreeSet<SourceName>,
    /// What was switched on or off, against what the configuration says.
    #[serde(default)]
    pub enabled: BTreeMap<SourceName, bool>,
}

/// The file.
#[derive(Debug, Clone)]
pub struct OverlayFile {
    path: PathBuf,
}

/// What was read, and what was wrong with it.
#[derive(Debug, Default)]
pub struct Read {
    /// What was changed; nothing where the file could not be read.
    pub overlay: Overlay,
    /// One sentence for whoever runs the gateway.
    pub problem: Option<String>,
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

    /// What it says. A file that makes no sense is put aside under another name, so that nothing overwrites it.
    #[must_use]
    pub fn read(&self) -> Read {
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Read::default(),
            Err(error) => {
                let problem = format!("{}: what was registered cannot be read: {error}", self.path.display());
                return Read { problem: Some(problem), ..Read::default() };
            }
        };
        match serde_json::from_slice::<Overlay>(&text) {
            Ok(overlay) if overlay.version == VERSION => Read { overlay, problem: None },
            // A newer gateway's own: that one still needs it where it is.
            Ok(Overlay { version, .. }) => {
                let problem =
                    format!("{}: it is of version {version}, which this gateway does not know", self.path.display());
                Read { problem: Some(problem), ..Read::default() }
            }
            Err(error) => Read { problem: Some(self.set_aside(&error)), ..Read::default() },
        }
    }

    fn set_aside(&self, error: &serde_json::Error) -> String {
        let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let aside = self.path.with_extension(format!("json.corrupt-{seconds}"));
        let what = format!("{}: what was registered while a gateway ran cannot be read ({error})", self.path.display());
        match fs::rename(&self.path, &aside) {
            Ok(()) => format!("{what}; the file is kept as {}", aside.display()),
            Err(error) => format!("{what}, nor put aside: {error}"),
        }
    }

    /// Changes it as `change` does, and gives what it says then. Nothing is written where `change` refuses.
    ///
    /// # Errors
    /// What `change` says, or why it could not be written.
    pub fn change<E: From<io::Error>>(&self, change: impl FnOnce(&mut Overlay) -> Result<(), E>) -> Result<Read, E> {
        let _lock = self.lock()?;
        let mut read = self.read();
        if self.path.exists() && read.problem.is_some() {
            return Err(io::Error::other(read.problem.unwrap_or_default()).into());
        }
        change(&mut read.overlay)?;
        read.overlay.version = VERSION;
        self.write(&read.overlay)?;
        Ok(read)
    }

    /// Held against the other gateways on this configuration. The lock ends with the file's handle.
    fn lock(&self) -> io::Result<File> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        folders::private(folder)?;
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600);
        let file = options.open(self.path.with_extension("lock"))?;
        file.lock()?;
        Ok(file)
    }

    fn write(&self, overlay: &Overlay) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        // For this user alone: there are values of variables and headers in it.
        let mut file = tempfile::Builder::new().prefix(".overlay-").tempfile_in(folder)?;
        serde_json::to_writer_pretty(&mut file, overlay)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        // So that the new name survives a loss of power too.
        File::open(folder)?.sync_all()
    }
}
