//! What is wanted of the gateway: the configuration, with what was changed since laid over it.

use std::collections::BTreeSet;

use gateway_core::name::SourceName;
use tracing::warn;

use super::{
    overlay::{Overlay, Read},
    registering::server,
};
use crate::config::{Broken, Config, Loaded};

/// What is wanted of the gateway.
#[derive(Debug, Clone)]
pub struct Desired {
    /// The configuration, without what cannot be used.
    pub config: Config,
    /// What cannot be used, with the reasons.
    pub broken: Vec<Broken>,
    /// Why the configuration's file does not count as it is now: every mistake in it, over several lines.
    pub file_problem: Option<String>,
    /// What else whoever runs the gateway has to know, each in a sentence.
    pub problems: Vec<String>,
    /// Servers that were registered while a gateway ran.
    pub registered: BTreeSet<SourceName>,
}

impl Desired {
    /// `loaded`, with `overlay` over it.
    pub(super) fn of(loaded: &Loaded, overlay: Read) -> Self {
        let Read { overlay, problem } = overlay;
        let Overlay { servers, removed, enabled, .. } = overlay;
        let mut config = loaded.config.clone();
        let mut problems: Vec<String> = problem.into_iter().collect();
        config.servers.retain(|name, _| !removed.contains(name));
        config.plugins.retain(|name, _| !removed.contains(name));
        let mut registered = BTreeSet::new();
        for (name, new) in servers {
            if config.has(name.as_str()) {
                problems.push(format!("server {name:?} was registered while a gateway ran, and stands in the configuration by now, which counts"));
                continue;
            }
            config.servers.push(name.clone(), server(&new));
            registered.insert(name);
        }
        for (name, server) in config.servers.iter_mut() {
            server.enabled = enabled.get(name).copied().unwrap_or(server.enabled);
        }
        for (name, plugin) in config.plugins.iter_mut() {
            plugin.0.enabled = enabled.get(name).copied().unwrap_or(plugin.0.enabled);
        }
        let broken = loaded.broken.iter().filter(|entry| !removed.contains(&entry.name)).cloned().collect();
        Self { config, broken, file_problem: None, problems, registered }
    }

    /// Whether something does not count as it was written.
    #[must_use]
    pub fn is_degraded(&self) -> bool {
        !self.broken.is_empty() || self.file_problem.is_some() || !self.problems.is_empty()
    }

    /// What does not count as it was written, without excerpts of the file: values there may be secrets.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let file = self.file_problem.as_ref().map(|_| {
            "the configuration has mistakes as it is now, so that what it was before counts; `gateway check` shows them"
                .to_owned()
        });
        let broken =
            self.broken.iter().map(|entry| format!("{} {:?} is left out: {}", entry.section, entry.name, entry.reason));
        file.into_iter().chain(broken).chain(self.problems.iter().cloned()).collect()
    }

    /// Whether the server of that name was registered while a gateway ran.
    #[must_use]
    pub fn is_registered(&self, name: &SourceName) -> bool {
        self.registered.contains(name)
    }

    /// One server or plugin that cannot be used.
    pub(super) fn leave_out(&mut self, name: &SourceName, reason: &str) {
        if self.broken.iter().all(|entry| entry.name != *name) {
            let section = if self.config.plugins.get(name.as_str()).is_some() { "plugins" } else { "servers" };
            self.broken.push(Broken { name: name.clone(), section, reason: reason.to_owned(), hint: None });
        }
    }

    /// Logs what whoever runs the gateway has to know.
    pub(super) fn tell(&self) {
        for entry in &self.broken {
            warn!("{} {:?} is left out: {}", entry.section, entry.name, entry.reason);
        }
        self.problems.iter().for_each(|problem| warn!("{problem}"));
    }
}
