//! A file of somebody else: read, changed as a whole or not at all, and kept as it was beside.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{document::Document, entry::Entry, known::Known};
use crate::{
    cli::{Hint, Usage, import::diff, output},
    config::edit::replace,
};
use anyhow::Context as _;

/// A client's settings.
pub(super) struct Place {
    /// The file as it is named.
    pub(super) named: PathBuf,
    /// The file itself, where that was a link.
    file: PathBuf,
    /// As it was read; `None`: there is none.
    pub(super) before: Option<String>,
}

/// The text of a file; `None` where there is none.
pub(super) fn read(file: &Path) -> anyhow::Result<Option<String>> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{}: the file cannot be read", file.display())),
    }
}

impl Place {
    pub(super) fn open(named: &Path) -> anyhow::Result<Self> {
        let file = fs::canonicalize(named).unwrap_or_else(|_| named.to_owned());
        Ok(Self { named: named.to_owned(), before: read(&file)?, file })
    }

    pub(super) fn document(&self) -> anyhow::Result<Document> {
        Ok(Document::parse(self.before.as_deref().unwrap_or_default(), &self.named)?)
    }

    /// Shows what would change; nothing: the file would be gone.
    pub(super) fn show(&self, text: Option<&str>) -> io::Result<()> {
        output::print(&diff(&self.named, self.before.as_deref().unwrap_or_default(), text.unwrap_or_default(), &[]))
    }

    /// Writes the file, and gives where it is kept as it was.
    pub(super) fn write(&self, text: &str) -> anyhow::Result<Option<PathBuf>> {
        self.is_unchanged()?;
        let backup = self.keep()?;
        replace(&self.file, text).with_context(|| format!("{}: the file cannot be written", self.named.display()))?;
        Ok(backup)
    }

    /// Removes a file that there was none of before.
    pub(super) fn delete(&self) -> anyhow::Result<()> {
        self.is_unchanged()?;
        fs::remove_file(&self.file).with_context(|| format!("{}: the file cannot be removed", self.named.display()))
    }

    fn is_unchanged(&self) -> anyhow::Result<()> {
        if read(&self.file)? == self.before {
            return Ok(());
        }
        let error = anyhow::anyhow!("{}: the file was changed by somebody else in the meantime", self.named.display());
        Err(error.context(Hint("run the command again".to_owned())))
    }

    /// Copies the file as it is to one beside it, with its permissions.
    fn keep(&self) -> anyhow::Result<Option<PathBuf>> {
        if self.before.is_none() {
            return Ok(None);
        }
        let time = humantime::format_rfc3339_seconds(SystemTime::now()).to_string().replace(':', "-");
        let name = |count: usize| {
            let more = if count == 0 { String::new() } else { format!("-{count}") };
            let file = self.file.file_name().unwrap_or_default().to_string_lossy();
            self.file.with_file_name(format!("{file}.{time}{more}.bak"))
        };
        let backup = (0..).map(name).find(|backup| !backup.exists()).unwrap_or_else(|| name(0));
        fs::copy(&self.file, &backup).with_context(|| format!("{}: the copy cannot be written", backup.display()))?;
        Ok(Some(backup))
    }

    /// The copies, the newest first.
    fn kept(&self) -> Vec<String> {
        let begins = format!("{}.", self.file.file_name().unwrap_or_default().to_string_lossy());
        let folder = self.file.parent().and_then(|folder| fs::read_dir(folder).ok());
        let mut names: Vec<PathBuf> = folder.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        names.retain(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(&begins) && name.ends_with(".bak")
        });
        names.sort();
        names.iter().rev().filter_map(|path| fs::read_to_string(path).ok()).collect()
    }

    /// The text after `entry` was taken out of it. Where the file is just what writing the entry made of one that was
    /// kept, it is that one, down to the last space; where it is what is made of nothing, there was no file (`None`).
    pub(super) fn as_it_was(
        &self,
        client: Known,
        name: &str,
        entry: &Entry,
        without: &Document,
    ) -> anyhow::Result<Option<String>> {
        let makes_this = |text: &str| {
            let mut document = Document::parse(text, &self.named)?;
            // One that was kept when only the entry changed has it already.
            let is_before = !document.entries(client.section(), &self.named)?.contains_key(name);
            document.set(client, name, entry, &self.named)?;
            Ok::<_, Usage>(is_before && self.before.as_deref() == Some(document.text().as_str()))
        };
        if let Some(kept) = self.kept().into_iter().find(|kept| makes_this(kept).unwrap_or(false)) {
            return Ok(Some(kept));
        }
        Ok((!makes_this("")?).then(|| without.text()))
    }
}
