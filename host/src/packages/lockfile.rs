//! `gateway.lock`: what was agreed to for each plugin, beside the configuration and kept with it.
//!
//! * [`Entry`]: one plugin's.
//! * [`Lock`]: the file as a running gateway reads it, anew whenever it has changed.
//! * [`Edit`]: the file as a command changes it.
//! * [`Difference`]: what is not as it was agreed to.
//!
//! It is YAML in one order, with a line for each thing, so that two branches that lock different plugins can be merged.
//! What cannot be read stops the plugins that it could be about: those it names, or all.

mod diff;
mod entry;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};
use serde_yaml::Value;

pub use self::{
    diff::{Difference, sentence},
    entry::{Entry, Facts, granted},
};

/// How the file is written; another number is another format.
const FORMAT: u32 = 1;

/// Bytes of a file that is read: several times what a hundred plugins take.
const MAX_SIZE: u64 = 32 << 20;

const HEAD: &str = "\
# What was agreed to for each plugin: what it is, what it was granted, and which tools it has. Keep it with the
# configuration. `gateway lock` writes it, `gateway lock --check` holds everything against it.
";

/// The file's content, every entry as it stands there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    #[serde(default)]
    plugins: BTreeMap<String, Value>,
}

/// Why the file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// It cannot be read or written.
    #[error("{}: it cannot be {what}: {cause}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// `read` or `written`.
        what: &'static str,
        /// What the operating system says.
        cause: String,
    },
    /// It is damaged: no plugin can be held against it, so that none runs.
    #[error("{}: it is damaged: {cause}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// It was written by a gateway that knows more.
    #[error("{}: it has version {version}, and this gateway reads version {FORMAT}", file.display())]
    Version {
        /// The file.
        file: PathBuf,
        /// Its version.
        version: u32,
    },
    /// One plugin's entry is damaged.
    #[error("{}: plugins.{plugin} is damaged: {cause}", file.display())]
    Entry {
        /// The file.
        file: PathBuf,
        /// The plugin.
        plugin: String,
        /// What is wrong.
        cause: String,
    },
}

/// The file as a running gateway reads it. Copies share what was read.
#[derive(Debug, Clone)]
pub struct Lock {
    file: PathBuf,
    read: Arc<Mutex<Option<(Stamp, Reading)>>>,
}

type Reading = Result<Arc<Content>, LockError>;

/// What tells that a file has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
    #[cfg(unix)]
    file: u64,
}

/// The file as a command changes it: nobody else does at the same time.
#[derive(Debug)]
pub struct Edit {
    file: PathBuf,
    before: Option<String>,
    content: Content,
    /// Held up to the end.
    _turn: Option<File>,
}

/// The lock file of the configuration `file`: the same name with another end.
#[must_use]
pub fn beside(file: &Path) -> PathBuf {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    absolute.with_extension("lock")
}

impl LockError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Io { .. } => "make it a file that this user can read".to_owned(),
            Self::Damaged { file, .. } => {
                format!("take it back from where it is kept, or delete {} and run `gateway lock`", file.display())
            }
            Self::Version { .. } => "use the gateway that wrote it, or a newer one".to_owned(),
            Self::Entry { plugin, .. } => {
                format!(
                    "take the file back from where it is kept, or agree to what is there: `gateway approve {plugin}`"
                )
            }
        }
    }
}

// === impl Lock ===

impl Lock {
    /// The lock in `file`, which need not be there.
    #[must_use]
    pub fn new(file: PathBuf) -> Self {
        Self { file, read: Arc::default() }
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// What the file says of `plugin` now; `None` where it says nothing.
    ///
    /// # Errors
    /// Where it says something that cannot be understood.
    pub fn entry(&self, plugin: &str) -> Result<Option<Entry>, LockError> {
        match self.now()? {
            Some(content) => content.entry(plugin, &self.file),
            None => Ok(None),
        }
    }

    /// The plugins that it names.
    ///
    /// # Errors
    /// Where it cannot be read or is damaged.
    pub fn names(&self) -> Result<Vec<String>, LockError> {
        Ok(self.now()?.map(|content| content.plugins.keys().cloned().collect()).unwrap_or_default())
    }

    /// The content; read again only where the file is another one.
    fn now(&self) -> Result<Option<Arc<Content>>, LockError> {
        let failed =
            |error: &io::Error| LockError::Io { file: self.file.clone(), what: "read", cause: error.to_string() };
        let metadata = match fs::metadata(&self.file) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&error)),
        };
        let stamp = Stamp::of(&metadata);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, content)) = &*read
            && *known == stamp
        {
            return content.clone().map(Some);
        }
        let content = match metadata.len() {
            0..=MAX_SIZE => fs::read_to_string(&self.file)
                .map_err(|error| failed(&error))
                .and_then(|text| Content::parse(&text, &self.file))
                .map(Arc::new),
            _ => Err(LockError::Damaged { file: self.file.clone(), cause: "it is too large".to_owned() }),
        };
        *read = Some((stamp, content.clone()));
        content.map(Some)
    }
}

impl Stamp {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            modified: metadata.modified().ok(),
            size: metadata.len(),
            #[cfg(unix)]
            file: std::os::unix::fs::MetadataExt::ino(metadata),
        }
    }
}

// === impl Content ===

impl Content {
    fn parse(text: &str, file: &Path) -> Result<Self, LockError> {
        let damaged = |error: serde_yaml::Error| {
            let conflict = text.lines().any(|line| line.starts_with("<<<<<<<"));
            let cause = if conflict { "it has the marks of an unfinished merge".to_owned() } else { error.to_string() };
            LockError::Damaged { file: file.to_owned(), cause }
        };
        // By way of a value, since that refuses what stands there twice.
        let value: Value = serde_yaml::from_str(text).map_err(damaged)?;
        if let Some(version) = value.get("version").and_then(Value::as_u64)
            && version > u64::from(FORMAT)
        {
            let version = u32::try_from(version).unwrap_or(u32::MAX);
            return Err(LockError::Version { file: file.to_owned(), version });
        }
        serde_yaml::from_value(value).map_err(damaged)
    }

    fn entry(&self, plugin: &str, file: &Path) -> Result<Option<Entry>, LockError> {
        let Some(value) = self.plugins.get(plugin) else { return Ok(None) };
        let damaged = |cause: String| LockError::Entry { file: file.to_owned(), plugin: plugin.to_owned(), cause };
        let entry: Entry = serde_yaml::from_value(value.clone()).map_err(|error| damaged(error.to_string()))?;
        entry.check().map_err(damaged)?;
        Ok(Some(entry))
    }
}

// === impl Edit ===

impl Edit {
    /// Reads `file`, and waits for others who are changing it. Blocks.
    ///
    /// # Errors
    /// Where it cannot be read or is damaged.
    pub fn open(file: &Path) -> Result<Self, LockError> {
        let failed = |error: io::Error| LockError::Io { file: file.to_owned(), what: "read", cause: error.to_string() };
        // The folder stays the same one, while the file is replaced. Without a lock, the last one wins.
        let turn = file.parent().and_then(|folder| File::open(folder).ok()).filter(|folder| folder.lock().is_ok());
        let before = match fs::read_to_string(file) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        let content = match &before {
            Some(text) => Content::parse(text, file)?,
            None => Content { version: FORMAT, ..Content::default() },
        };
        Ok(Self { file: file.to_owned(), before, content, _turn: turn })
    }

    /// The names in it.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.content.plugins.keys().cloned().collect()
    }

    /// What it says of `plugin`.
    ///
    /// # Errors
    /// Where that is damaged.
    pub fn entry(&self, plugin: &str) -> Result<Option<Entry>, LockError> {
        self.content.entry(plugin, &self.file)
    }

    /// Puts `entry` in.
    ///
    /// # Errors
    /// Where it cannot be written as it is.
    pub fn set(&mut self, plugin: &str, entry: &Entry) -> Result<(), LockError> {
        let failed = |cause: String| LockError::Io { file: self.file.clone(), what: "written", cause };
        let value = serde_yaml::to_value(entry).map_err(|error| failed(error.to_string()))?;
        self.content.plugins.insert(plugin.to_owned(), value);
        Ok(())
    }

    /// Takes `plugin` out; false where it was not there.
    pub fn remove(&mut self, plugin: &str) -> bool {
        self.content.plugins.remove(plugin).is_some()
    }

    /// Writes the file at once or not at all, where it says something else now.
    ///
    /// # Errors
    /// Where it cannot be written: it is as it was.
    pub fn save(&self) -> Result<(), LockError> {
        let failed = |cause: String| LockError::Io { file: self.file.clone(), what: "written", cause };
        if self.before.is_none() && self.content.plugins.is_empty() {
            return Ok(());
        }
        let text = serde_yaml::to_string(&self.content).map_err(|error| failed(error.to_string()))?;
        let text = format!("{HEAD}{text}");
        // What is written has to be what is read.
        let again = Content::parse(&text, &self.file)?;
        if again != self.content {
            return Err(failed("what was written would be read as something else".to_owned()));
        }
        if self.before.as_deref() == Some(text.as_str()) {
            return Ok(());
        }
        self.write(&text).map_err(|error| failed(error.to_string()))
    }

    /// Puts the file back as it was.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn undo(&self) -> Result<(), LockError> {
        let undone = match &self.before {
            Some(text) => self.write(text),
            None => fs::remove_file(&self.file),
        };
        undone.map_err(|error| LockError::Io { file: self.file.clone(), what: "written", cause: error.to_string() })
    }

    fn write(&self, text: &str) -> io::Result<()> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        // A file like any other of the folder, as far as this user's mask lets it.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut written = builder.prefix(".gateway-lock").tempfile_in(folder)?;
        written.write_all(text.as_bytes())?;
        written.as_file().sync_all()?;
        written.persist(&self.file)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
