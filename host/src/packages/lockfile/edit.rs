//! The lock file as a command changes it.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_yaml::Value;

use super::{Content, Entry, FORMAT, HEAD, LockError, ServerEntry};

/// The file as a command changes it: nobody else does at the same time.
#[derive(Debug)]
pub struct Edit {
    file: PathBuf,
    before: Option<String>,
    content: Content,
    /// Held up to the end.
    _turn: Option<File>,
}

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

    /// The plugins in it.
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
        let value = self.value(entry)?;
        self.content.plugins.insert(plugin.to_owned(), value);
        Ok(())
    }

    fn value(&self, entry: &impl Serialize) -> Result<Value, LockError> {
        let failed = |cause: String| LockError::Io { file: self.file.clone(), what: "written", cause };
        serde_yaml::to_value(entry).map_err(|error| failed(error.to_string()))
    }

    /// The servers in it.
    #[must_use]
    pub fn servers(&self) -> Vec<String> {
        self.content.servers.keys().cloned().collect()
    }

    /// Puts in what was agreed to of the server `name`.
    ///
    /// # Errors
    /// Where it cannot be written as it is.
    pub fn set_server(&mut self, name: &str, entry: &ServerEntry) -> Result<(), LockError> {
        let value = self.value(entry)?;
        self.content.servers.insert(name.to_owned(), value);
        Ok(())
    }

    /// Takes the server `name` out; false where it was not there.
    pub fn remove_server(&mut self, name: &str) -> bool {
        self.content.servers.remove(name).is_some()
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
        if self.before.is_none() && self.content.plugins.is_empty() && self.content.servers.is_empty() {
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
