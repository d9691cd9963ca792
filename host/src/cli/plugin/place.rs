//! The configuration that plugins are added to and removed from.

use std::{
    fs,
    path::{Path, PathBuf},
};

use gateway_core::name::{Naming, SourceName};
use gateway_wasm::PluginConfig;
use serde_yaml::{Mapping, Value};

use super::{grants::Grants, usage, with_hint};
use crate::{
    cli::{
        Global, Usage,
        open::{self, Logging},
    },
    config::{
        Config, LoadError, Report,
        edit::{Edit, EditError},
        find,
    },
    packages::{Digest, Trust, lockfile},
    telemetry,
};

/// The file that is begun where there is none.
const NEW: &str = "gateway.yaml";

/// The configuration, as it is and as it shall be.
pub(in crate::cli) struct Place {
    /// The file, as it was named.
    pub file: PathBuf,
    /// What it says, without what cannot be used.
    pub config: Config,
    trust: Trust,
    /// All names in it, and in which section they are.
    taken: Vec<(SourceName, &'static str)>,
    edit: Edit,
}

impl Place {
    /// Finds and reads the configuration; where there is none, one is begun in the working folder.
    ///
    /// # Errors
    /// Where it cannot be used as it is.
    pub(in crate::cli) fn open(global: &Global) -> anyhow::Result<Self> {
        let file = find(global.config.as_deref()).unwrap_or_else(|_| NEW.into());
        let (config, broken) = match file.exists() {
            true => open::load(global, Logging::Quiet).map(|(_, loaded)| (loaded.config, loaded.broken))?,
            false => {
                telemetry::start(global.level().unwrap_or("warn"));
                (Config::default(), Vec::new())
            }
        };
        let edit = Edit::open(&file).map_err(not_edited)?;
        let servers = config.servers.names().map(|name| (name.clone(), "servers"));
        let plugins = config.plugins.names().map(|name| (name.clone(), "plugins"));
        let pipelines = config.pipelines.names().map(|name| (name.clone(), "pipelines"));
        let broken = broken.into_iter().map(|entry| (entry.name, entry.section));
        let taken = servers.chain(plugins).chain(pipelines).chain(broken).collect();
        let trust = config.trust(&file);
        Ok(Self { file, config, trust, taken, edit })
    }

    /// The folder that relative paths in the file start at.
    #[must_use]
    pub(super) fn folder(&self) -> PathBuf {
        let absolute = std::path::absolute(&self.file).unwrap_or_else(|_| self.file.clone());
        absolute.parent().map_or_else(|| PathBuf::from("."), Path::to_owned)
    }

    /// What its plugins are held against.
    #[must_use]
    pub(in crate::cli) fn trust(&self) -> &Trust {
        &self.trust
    }

    /// How the tools of `plugin` are named in public.
    #[must_use]
    pub(super) fn naming(&self, plugin: &SourceName) -> Naming {
        Naming { separator: self.config.separator.as_str().into(), ..Naming::canonical(plugin) }
    }

    /// Fails where `name` stands for something else, or for a plugin that is not to be replaced.
    ///
    /// # Errors
    /// Names the section.
    pub(super) fn check_free(&self, name: &SourceName, force: bool) -> Result<(), Usage> {
        match self.taken.iter().find(|(taken, _)| taken == name) {
            None => Ok(()),
            Some((_, "plugins")) if force => Ok(()),
            Some((_, "plugins")) => {
                let message = format!("{}: there is a plugin {name:?} already", self.file.display());
                Err(Usage::new(message).hint("replace it with --force, or choose another name with --name"))
            }
            Some((_, section)) => {
                let message = format!("{}: the name {name:?} is taken by {section}.{name}", self.file.display());
                Err(Usage::new(message).hint("choose another name with --name"))
            }
        }
    }

    /// Writes the plugin's entry; of one that is replaced, what it is told and how it runs stays.
    ///
    /// # Errors
    /// Where the file cannot be changed: it is as it was.
    pub(super) fn add(mut self, name: &SourceName, plugin: &Entry) -> anyhow::Result<Report> {
        let entry = plugin.value(self.edit.entry("plugins", name.as_str()))?;
        self.edit.set_entry("plugins", name.as_str(), &entry).map_err(not_edited)?;
        let mut report = self.edit.save().map_err(not_edited)?;
        let is_ours = |key: Option<&str>| key == Some(name.as_str());
        report.problems.retain(|problem| problem.path.name(0) == Some("plugins") && is_ours(problem.path.name(1)));
        Ok(report)
    }

    /// Takes the plugin's entry out.
    ///
    /// # Errors
    /// Where there is none, or the file cannot be changed.
    pub(super) fn remove(mut self, name: &str) -> anyhow::Result<()> {
        if !self.edit.remove_entry("plugins", name).map_err(not_edited)? {
            let usage = Usage::new(format!("{}: there is no plugin {name:?}", self.file.display()));
            return Err(usage.hint("`gateway plugin list` shows those that there are").into());
        }
        self.edit.save().map_err(not_edited)?;
        // What nobody uses any more needs no agreement; that it could not be taken out harms nobody.
        let lock = lockfile::Edit::open(self.trust.lock().file());
        let taken = lock.and_then(|mut lock| if lock.remove(name) { lock.save() } else { Ok(()) });
        if let Err(error) = taken {
            tracing::warn!("{error}");
        }
        Ok(())
    }

    /// Sets the `sha256` of those plugins that have one.
    ///
    /// # Errors
    /// Where the file cannot be changed: it is as it was.
    pub(in crate::cli) fn set_digests(mut self, digests: &[(SourceName, Digest)]) -> anyhow::Result<()> {
        let mut changed = false;
        for (name, digest) in digests {
            let entry = self.edit.entry("plugins", name.as_str());
            let before = entry.as_ref().and_then(|entry| entry.get("sha256")).and_then(Value::as_str);
            if before.is_some_and(|before| before.parse() != Ok(*digest)) {
                let value = Value::from(digest.to_string());
                self.edit.set_scalar(&["plugins", name.as_str(), "sha256"], &value).map_err(not_edited)?;
                changed = true;
            }
        }
        if changed {
            self.edit.save().map_err(not_edited)?;
        }
        Ok(())
    }
}

/// What is written for a plugin.
#[derive(Debug)]
pub(super) struct Entry {
    /// Where it comes from.
    pub source: String,
    /// What it has to be.
    pub sha256: Option<Digest>,
    /// What it is granted.
    pub grants: Grants,
    /// Who has to have signed it; none: as before.
    pub signed_by: Vec<String>,
}

impl Entry {
    /// The entry: in its short form where there is nothing but the source.
    fn value(&self, before: Option<Value>) -> Result<Value, serde_yaml::Error> {
        let mut entry = Mapping::new();
        entry.insert("source".into(), self.source.clone().into());
        if let Some(digest) = self.sha256 {
            entry.insert("sha256".into(), digest.to_string().into());
        }
        if !self.signed_by.is_empty() {
            entry.insert("signed_by".into(), self.signed_by.clone().into());
        }
        if !self.grants.permissions.is_empty() {
            entry.insert("permissions".into(), serde_yaml::to_value(&self.grants.permissions)?);
        }
        if !self.grants.limits.is_empty() {
            entry.insert("limits".into(), serde_yaml::to_value(&self.grants.limits)?);
        }
        if let Some(Value::Mapping(before)) = before {
            for (key, value) in before {
                match (key.as_str(), entry.get_mut("limits")) {
                    (Some("source" | "sha256" | "permissions"), _) => {}
                    (Some("signed_by"), _) if !self.signed_by.is_empty() => {}
                    // What a person has set holds against what the plugin would like.
                    (Some("limits"), Some(Value::Mapping(limits))) => {
                        limits.extend(value.as_mapping().cloned().unwrap_or_default());
                    }
                    _ => drop(entry.insert(key, value)),
                }
            }
        }
        Ok(match entry.len() {
            1 => self.source.clone().into(),
            _ => Value::Mapping(entry),
        })
    }
}

/// The plugin of that name.
#[must_use]
pub(in crate::cli) fn configured<'a>(config: &'a Config, name: &SourceName) -> Option<&'a PluginConfig> {
    config.plugins.iter().find(|(known, _)| *known == name).map(|(_, plugin)| &plugin.0)
}

/// `path` as it is written in a file of `folder`: relative where it lies below, so that both can move together.
#[must_use]
pub(super) fn seen_from(path: &Path, folder: &Path) -> PathBuf {
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match path.strip_prefix(&folder) {
        Ok(below) if below.as_os_str().is_empty() => PathBuf::from("."),
        Ok(below) => Path::new(".").join(below),
        Err(_) => path,
    }
}

fn not_edited(error: EditError) -> anyhow::Error {
    let hint = error.hint();
    match error {
        // Shown as a configuration that cannot be loaded is.
        EditError::Invalid(report) => LoadError::Invalid(report).into(),
        EditError::Unsupported { .. } => usage(&error.into(), hint),
        error => with_hint(error.into(), hint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(grants: serde_json::Value, before: Option<&str>) -> String {
        let grants = Grants::asked(&serde_json::from_value(grants).unwrap());
        let entry = Entry { source: "./a".to_owned(), sha256: None, grants, signed_by: Vec::new() };
        let before = before.map(|text| serde_yaml::from_str(text).unwrap());
        serde_yaml::to_string(&entry.value(before).unwrap()).unwrap()
    }

    #[test]
    fn the_short_form_says_all_there_is() {
        assert_eq!(entry(serde_json::json!({}), None), "./a\n");
        assert_eq!(entry(serde_json::json!({}), Some("./b")), "./a\n");
        let net = serde_json::json!({ "permissions": { "net": ["example.com"] } });
        assert_eq!(entry(net, None), "source: ./a\npermissions:\n  net:\n  - example.com\n");
    }

    #[test]
    fn what_a_person_wrote_stays() {
        let before =
            "{ source: ./b, sha256: x, permissions: { net: [\"*\"] }, limits: { time: 5s }, config: { a: 1 } }";
        let same = entry(serde_json::json!({}), Some(before));
        assert_eq!(same, "source: ./a\nlimits:\n  time: 5s\nconfig:\n  a: 1\n");
        let limits = serde_json::json!({ "limits": { "time": "30s", "memory": "128MiB" } });
        let more = entry(limits, Some(before));
        assert!(more.contains("time: 5s") && more.contains("memory:") && !more.contains("30"), "{more}");
    }

    #[test]
    fn paths_below_the_file_are_relative() {
        let temp = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(temp.path()).unwrap();
        fs::create_dir_all(root.join("a/b")).unwrap();
        assert_eq!(seen_from(&root.join("a/b"), &root.join("a")), Path::new("./b"));
        assert_eq!(seen_from(&root.join("a/../a"), &root.join("a")), Path::new("."));
        assert_eq!(seen_from(&root, &root.join("a")), root);
    }
}
