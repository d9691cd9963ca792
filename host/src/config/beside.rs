//! Servers from a file of another program, beside the configuration: they are read with it, and written nowhere.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use gateway_core::name::SourceName;
use serde_json::json;
use tracing::{error, info, warn};

use super::{Broken, Config, LoadError, Loaded, find};
use crate::{
    import::{self, ImportError, NoteKind},
    sources::upstream::config::ServerConfig,
};

/// Such a file. Whatever gateways and clients keep servers in will do, see [`import`].
#[derive(Debug)]
pub struct Beside {
    file: PathBuf,
    /// As it was when it could be read last.
    last: Mutex<Servers>,
}

/// The servers in it.
#[derive(Debug, Clone, Default)]
struct Servers {
    usable: Vec<(SourceName, ServerConfig)>,
    broken: Vec<Broken>,
}

impl Config {
    /// Reads a file that need not be there, as [`Config::load`] does.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn load_or_empty(file: &Path) -> Result<Loaded, LoadError> {
        match Self::load(file) {
            Err(LoadError::NotFound(_)) => Self::parse("", file, &find::variable),
            read => read,
        }
    }
}

impl Beside {
    /// Reads `file`.
    ///
    /// # Errors
    /// Where it cannot be read, or there are no servers in it.
    pub fn open(file: &Path) -> Result<Self, ImportError> {
        Ok(Self { last: Mutex::new(Servers::read(file)?), file: file.to_owned() })
    }

    /// Adds its servers to a configuration that was read, those aside whose names are taken there. The file is read
    /// again; one with mistakes counts as it was before.
    pub fn add_to(&self, loaded: &mut Loaded) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match Servers::read(&self.file) {
            Ok(servers) => *last = servers,
            Err(problem) => error!("its servers stay as they were: {problem}"),
        }
        let Servers { usable, broken } = last.clone();
        for (name, server) in usable {
            if loaded.has_source(&name) {
                warn!("{}: server {name:?} stands in the configuration as well, which counts", self.file.display());
            } else {
                loaded.config.servers.push(name, server);
            }
        }
        let new = |entry: &Broken| !loaded.has_source(&entry.name);
        let broken: Vec<Broken> = broken.into_iter().filter(new).collect();
        loaded.broken.extend(broken);
    }
}

impl Servers {
    fn read(file: &Path) -> Result<Self, ImportError> {
        let imported = import::read_file(file)?;
        for note in &imported.notes {
            let (file, at, text) = (file.display(), &note.at, &note.text);
            match note.kind {
                NoteKind::NoCounterpart => warn!("{file}: {at}: {text}"),
                NoteKind::Changed => info!("{file}: {at}: {text}"),
                // Of interest to whoever writes a configuration of it.
                NoteKind::Differs | NoteKind::Secret => {}
            }
        }
        let mut servers = Self::default();
        for server in imported.servers {
            servers.add(&server, file);
        }
        Ok(servers)
    }

    /// Takes one server as if it stood in a configuration in place of the file, with all that is checked there.
    fn add(&mut self, server: &import::Server, file: &Path) {
        let text = json!({ "servers": { &*server.name: server.entry } }).to_string();
        let (usable, mut broken) = match Config::parse(&text, file, &find::variable) {
            Ok(Loaded { config, broken, .. }) => (config.servers, broken),
            Err(LoadError::Invalid(report)) => {
                let Ok(name) = SourceName::new(&server.name) else { return };
                let problem = report.problems.first();
                let reason = problem.map(super::Problem::summary).unwrap_or_default();
                let hint = problem.and_then(|problem| problem.hint.clone());
                (super::Entries::default(), vec![Broken { name, section: "servers", reason, hint }])
            }
            Err(_) => return,
        };
        self.usable.extend(usable);
        for entry in &mut broken {
            entry.reason = format!("{}: {}", file.display(), entry.reason);
        }
        self.broken.append(&mut broken);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_come_beside_those_of_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("auto.json");
        let write = |text: &str| std::fs::write(&file, text).unwrap();
        write(
            r#"[{"name": "a", "command": "x", "args": "1 2"}, {"name": "taken", "command": "y"}, {"name": "no", "url": "ftp://x"}]"#,
        );
        let load =
            || Config::parse("servers: { taken: { command: z } }", Path::new("gateway.yaml"), &|_| None).unwrap();
        let beside = Beside::open(&file).unwrap();
        let mut loaded = load();
        beside.add_to(&mut loaded);
        assert_eq!(
            loaded.config.servers.get("a").unwrap().args.as_deref(),
            Some(&["1".to_owned(), "2".to_owned()][..])
        );
        assert_eq!(loaded.config.servers.get("taken").unwrap().command.as_deref(), Some("z"));
        assert!(loaded.broken[0].reason.contains("auto.json") && loaded.broken[0].reason.contains("ftp"));

        write(r#"[{"name": "b", "command": "x"}]"#);
        let mut loaded = load();
        beside.add_to(&mut loaded);
        assert!(loaded.config.servers.get("a").is_none() && loaded.config.servers.get("b").is_some());
        write("[{");
        let mut loaded = load();
        beside.add_to(&mut loaded);
        assert!(loaded.config.servers.get("b").is_some(), "a broken file counts as it was before");
        assert!(Beside::open(&file).is_err());
    }
}
