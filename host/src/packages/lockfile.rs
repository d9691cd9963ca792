//! `gateway.lock`: what was agreed to for each plugin, and for external servers that are pinned, beside the
//! configuration and kept with it.
//!
//! * [`Entry`]: one plugin's. [`ServerEntry`]: one server's.
//! * [`Lock`]: the file as a running gateway reads it, anew whenever it has changed.
//! * [`Edit`]: the file as a command changes it.
//! * [`Difference`]: what is not as it was agreed to.
//!
//! It is YAML in one order, with a line for each thing, so that two branches that lock different plugins can be merged.
//! What cannot be read stops the plugins and the servers' tools that it could be about: those it names, or all.

mod diff;
mod edit;
mod entry;
mod server;

use std::{
    collections::BTreeMap,
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_yaml::Value;

pub use self::{
    diff::{Difference, sentence},
    edit::Edit,
    entry::{Entry, Facts, granted},
    server::ServerEntry,
};

/// How the file is written; another number is another format.
const FORMAT: u32 = 1;

/// Bytes of a file that is read: several times what a hundred plugins take.
const MAX_SIZE: u64 = 32 << 20;

const HEAD: &str = "\
# What was agreed to for each plugin: what it is, what it was granted, and which tools it has; and for pinned servers.
# Keep it with the configuration. `gateway lock` writes it, `gateway lock --check` holds everything against it.
";

/// The file's content, every entry as it stands there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    #[serde(default)]
    plugins: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    servers: BTreeMap<String, Value>,
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
    /// It is damaged: nothing can be held against it, so that no plugin runs and no server's tools are offered.
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
    /// One entry is damaged.
    #[error("{}: {section}.{name} is damaged: {cause}", file.display())]
    Entry {
        /// The file.
        file: PathBuf,
        /// `plugins` or `servers`.
        section: &'static str,
        /// The plugin or server.
        name: String,
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
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
    #[cfg(unix)]
    file: u64,
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
            Self::Entry { name, .. } => {
                format!("take the file back from where it is kept, or agree to what is there: `gateway approve {name}`")
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

    /// What the file says of the tools of the server `name` now; `None` where it says nothing.
    ///
    /// # Errors
    /// Where it says something that cannot be understood.
    pub fn server(&self, name: &str) -> Result<Option<ServerEntry>, LockError> {
        match self.now()? {
            Some(content) => content.server(name, &self.file),
            None => Ok(None),
        }
    }

    /// The servers that it names.
    ///
    /// # Errors
    /// Where it cannot be read or is damaged.
    pub fn servers(&self) -> Result<Vec<String>, LockError> {
        Ok(self.now()?.map(|content| content.servers.keys().cloned().collect()).unwrap_or_default())
    }

    /// Stands for what the file is now: another number, another file.
    #[must_use]
    pub fn version(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        fs::metadata(&self.file).map(|metadata| Stamp::of(&metadata)).ok().hash(&mut hasher);
        hasher.finish()
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
        understood(self.plugins.get(plugin), Entry::check, |cause| entry_error(file, "plugins", plugin, cause))
    }

    fn server(&self, name: &str, file: &Path) -> Result<Option<ServerEntry>, LockError> {
        understood(self.servers.get(name), ServerEntry::check, |cause| entry_error(file, "servers", name, cause))
    }
}

/// One entry, where there is one that holds together.
fn understood<T: DeserializeOwned>(
    value: Option<&Value>,
    check: impl Fn(&T) -> Result<(), String>,
    damaged: impl Fn(String) -> LockError,
) -> Result<Option<T>, LockError> {
    let Some(value) = value else { return Ok(None) };
    let entry: T = serde_yaml::from_value(value.clone()).map_err(|error| damaged(error.to_string()))?;
    check(&entry).map_err(damaged)?;
    Ok(Some(entry))
}

fn entry_error(file: &Path, section: &'static str, name: &str, cause: String) -> LockError {
    LockError::Entry { file: file.to_owned(), section, name: name.to_owned(), cause }
}

#[cfg(test)]
mod tests;
