//! Other programs' configurations, read as ours: those of the gateways that this one replaces, and those in which MCP
//! clients keep their servers.
//!
//! Nothing is started and nothing is written here. [`read`] makes of a text what `gateway.yaml` would have to say, and
//! a note of everything that does not mean the same here, or means nothing. The way of a file: [`parse`] makes values
//! of JSON, YAML or TOML, [`format`] finds out whose it is and where its servers stand, [`entry`] and [`settings`] take
//! what has a counterpart, [`variables`] writes references to the environment as ours, and [`names`] makes names legal.

mod entry;
mod format;
mod names;
mod parse;
mod secret;
mod settings;
mod variables;

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};

pub use self::{
    format::Format,
    names::is_our_own,
    parse::{options, parse},
};

/// What another program's configuration says, in the words of `gateway.yaml`. It has secrets in it, and is not printed.
pub struct Imported {
    /// Whose configuration it is.
    pub format: Format,
    /// What there is beside servers, by the path of its key.
    pub settings: Vec<Setting>,
    /// The servers, in the file's order.
    pub servers: Vec<Server>,
    /// What does not mean the same here, and what has no counterpart.
    pub notes: Vec<Note>,
    /// Values that look like secrets: whoever shows the outcome leaves them out.
    pub secrets: Vec<String>,
}

/// A setting of the gateway.
pub struct Setting {
    /// Where it stands, such as `["port"]` or `["roles", "admin"]`.
    pub path: Vec<String>,
    /// What it says.
    pub value: Value,
}

/// A server.
pub struct Server {
    /// Its name.
    pub name: String,
    /// What it is called in the other file.
    pub was: String,
    /// What stands in `servers` for it.
    pub entry: Map<String, Value>,
}

/// Something to know about what was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// What it is about, as it is called in the other file.
    pub at: String,
    /// What kind of thing.
    pub kind: NoteKind,
    /// What there is to know: lower case, no full stop.
    pub text: String,
}

/// What a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    /// It is written otherwise here.
    Changed,
    /// Nothing here is like it.
    NoCounterpart,
    /// What holds where nothing is written is not the same.
    Differs,
    /// It looks like a secret.
    Secret,
}

/// Why a file cannot be read as a configuration of another program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file cannot be read.
    #[error("{}: the file cannot be read", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is neither JSON, YAML nor TOML.
    #[error("{}: {cause}", file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// What is wrong, with the line.
        cause: String,
    },
    /// There are no servers in it.
    #[error("{}: there are no servers in it", file.display())]
    Unknown {
        /// The file.
        file: PathBuf,
    },
}

impl ImportError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unknown { .. } => Some(
                "servers are looked for in `mcpServers`, `servers`, `backends`, `context_servers` and `mcp_servers`",
            ),
            Self::Syntax { .. } => Some("mend the file, then import it again; nothing was changed"),
            Self::Read { .. } => None,
        }
    }
}

/// Reads `file`.
///
/// # Errors
/// See [`ImportError`].
pub fn read_file(file: &Path) -> Result<Imported, ImportError> {
    let text = std::fs::read_to_string(file).map_err(|source| ImportError::Read { file: file.to_owned(), source })?;
    read(&text, file)
}

/// Reads `text` as if it stood in `file`, whose name and folder tell what relative paths and `${workspaceFolder}` mean.
///
/// # Errors
/// See [`ImportError`].
pub fn read(text: &str, file: &Path) -> Result<Imported, ImportError> {
    let root = parse(text, file)?;
    let found = format::find(&root, file).ok_or_else(|| ImportError::Unknown { file: file.to_owned() })?;
    Ok(of(&root, &found, file))
}

/// Reads the servers that stand at `path` of a client's settings, which has more in it than servers. None where there
/// is nothing at that place.
///
/// # Errors
/// See [`ImportError`].
pub fn read_at(text: &str, file: &Path, path: &[&str], format: Format) -> Result<Option<Imported>, ImportError> {
    let root = parse(text, file)?;
    let servers = path.iter().try_fold(&root, |value, key| value.get(*key)).and_then(Value::as_object);
    let Some(servers) = servers else { return Ok(None) };
    let entries = servers.iter().map(|(name, entry)| (name.clone(), entry.clone())).collect();
    let found = format::Found { format, section: path.join("."), entries };
    Ok(Some(of(&root, &found, file)))
}

fn of(root: &Value, found: &format::Found, file: &Path) -> Imported {
    let mut imported = Imported {
        format: found.format,
        settings: Vec::new(),
        servers: Vec::new(),
        notes: Vec::new(),
        secrets: Vec::new(),
    };
    let places = Places::of(file);
    settings::take(root, found, &mut imported);
    for (was, value) in &found.entries {
        let at = format!("{}.{was}", found.section);
        if let Some(gateway) = names::gateway(value) {
            imported.note(&at, NoteKind::NoCounterpart, gateway);
            continue;
        }
        let taken = entry::Reading::new(found.format, &places, &at).read(value, &mut imported);
        let Some(mut entry) = taken else { continue };
        settings::complete(root, found.format, &mut entry);
        secret::find(&entry, &at, &mut imported);
        let name = names::legal(was, &at, &mut imported);
        imported.servers.push(Server { name, was: was.clone(), entry });
    }
    imported
}

impl Imported {
    fn note(&mut self, at: &str, kind: NoteKind, text: impl Into<String>) {
        self.notes.push(Note { at: at.to_owned(), kind, text: text.into() });
    }
}

/// What paths in the other file are seen from.
struct Places {
    /// The folder of the file.
    folder: PathBuf,
    /// The folder of the project: above `.vscode`, `.cursor` and the like.
    workspace: PathBuf,
}

impl Places {
    fn of(file: &Path) -> Self {
        let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let folder = file.parent().unwrap_or(Path::new("/")).to_owned();
        let hidden = folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let workspace = if hidden { folder.parent().unwrap_or(&folder).to_owned() } else { folder.clone() };
        Self { folder, workspace }
    }
}

#[cfg(test)]
mod tests;
