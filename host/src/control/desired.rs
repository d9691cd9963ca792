//! What is wanted of the gateway: the configuration, with what was changed since laid over it.

use std::collections::BTreeSet;

use gateway_core::{manage::Refused, name::SourceName};
use tracing::warn;

use super::{
    allowed::{self, Reach},
    asked,
    overlay::{Overlay, Read},
    registering,
};
use crate::config::{Broken, Config, LoadError, Loaded, problem::Severity};

/// What is wanted of the gateway.
#[derive(Debug, Clone)]
pub struct Desired {
    /// The configuration, without what cannot be used.
    pub config: Config,
    /// What cannot be used, with the reasons.
    pub broken: Vec<Broken>,
    /// Why the configuration's file does not count as it is now: every mistake in it, over several lines and without
    /// excerpts, since values there may be secrets.
    pub file_problem: Option<String>,
    /// What else whoever runs the gateway has to know, each in a sentence.
    pub problems: Vec<String>,
    /// Servers and plugins that were registered while a gateway ran.
    pub registered: BTreeSet<SourceName>,
    /// Those of them that may lead to public addresses alone.
    public: BTreeSet<SourceName>,
}

impl Desired {
    /// `loaded`, with `overlay` over it. `file_problem`: why that is not what stands in the file now.
    pub(super) fn of(loaded: &Loaded, overlay: &Read, file_problem: Option<String>) -> Self {
        let Read { overlay, problem } = overlay;
        let Overlay { servers, plugins, removed, disabled, .. } = overlay;
        let mut config = loaded.config.clone();
        config.servers.retain(|name, _| !removed.contains(name));
        config.plugins.retain(|name, _| !removed.contains(name));
        // What the file switches off nobody else switches on: nobody has looked at what stands there.
        for (name, server) in config.servers.iter_mut() {
            server.enabled &= !disabled.contains(name);
        }
        for (name, plugin) in config.plugins.iter_mut() {
            plugin.0.enabled &= !disabled.contains(name);
        }
        let broken = loaded.broken.iter().filter(|entry| !removed.contains(&entry.name)).cloned().collect();
        let mut desired = Self {
            config,
            broken,
            file_problem,
            problems: problem.iter().cloned().collect(),
            registered: BTreeSet::new(),
            public: BTreeSet::new(),
        };
        for name in servers.keys().chain(plugins.keys()) {
            if let Some(problem) = registering::in_the_way(loaded, name) {
                desired.problems.push(format!("what was registered as {name:?} does not count: {}", problem.message));
            } else if let Err(refused) = desired.add(name, overlay) {
                desired.leave_out_registered(name, overlay, refused);
            }
        }
        desired
    }

    /// Adds what was registered under that name, as far as it is still allowed.
    fn add(&mut self, name: &SourceName, overlay: &Overlay) -> Result<(), Refused> {
        let owned = overlay.owned.contains(name);
        self.registered.insert(name.clone());
        if let Some(new) = overlay.servers.get(name) {
            let new = asked::checked(new.clone())?;
            let reach = if owned { Reach::Anywhere } else { allowed::server(&self.config, &new)? };
            if reach == Reach::Public {
                self.public.insert(name.clone());
            }
            self.config.servers.push(name.clone(), registering::server(&new));
        } else if let Some(new) = overlay.plugins.get(name) {
            let plugin = registering::plugin(new)?;
            if !owned {
                allowed::plugin(&self.config, &plugin)?;
            }
            self.config.plugins.push(name.clone(), plugin);
        }
        Ok(())
    }

    fn leave_out_registered(&mut self, name: &SourceName, overlay: &Overlay, refused: Refused) {
        let section = if overlay.servers.contains_key(name) { "servers" } else { "plugins" };
        let reason = format!("it was registered while a gateway ran: {}", refused.message);
        self.broken.push(Broken { name: name.clone(), section, reason, hint: refused.hint });
    }

    /// Whether something does not count as it was written.
    #[must_use]
    pub fn is_degraded(&self) -> bool {
        !self.broken.is_empty() || self.file_problem.is_some() || !self.problems.is_empty()
    }

    /// What does not count as it was written, each with the reason.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let broken =
            self.broken.iter().map(|entry| format!("{} {:?} is left out: {}", entry.section, entry.name, entry.reason));
        self.file_problem.iter().cloned().chain(broken).chain(self.problems.iter().cloned()).collect()
    }

    /// Whether the server or plugin of that name was registered while a gateway ran.
    #[must_use]
    pub fn is_registered(&self, name: &SourceName) -> bool {
        self.registered.contains(name)
    }

    /// Whether the server of that name may lead to public addresses alone.
    #[must_use]
    pub fn is_public_only(&self, name: &SourceName) -> bool {
        self.public.contains(name)
    }

    /// One server or plugin that cannot be used.
    pub(super) fn leave_out(&mut self, name: &SourceName, reason: &str) {
        if self.broken.iter().all(|entry| entry.name != *name) {
            let section = if self.config.plugins.get(name.as_str()).is_some() { "plugins" } else { "servers" };
            self.broken.push(Broken { name: name.clone(), section, reason: reason.to_owned(), hint: None });
        }
    }

    /// Logs what whoever runs the gateway has to know, and what `before` has not told already.
    pub(super) fn tell(&self, before: Option<&Self>) {
        let told = before.map(Self::complaints).unwrap_or_default();
        self.complaints()
            .iter()
            .filter(|complaint| !told.contains(complaint))
            .for_each(|complaint| warn!("{complaint}"));
    }
}

/// Why the file does not count, without excerpts of it.
pub(super) fn file_problem(error: &LoadError) -> String {
    const WHY: &str = "the configuration stays as it was";
    let LoadError::Invalid(report) = error else {
        let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
        return causes.fold(format!("{WHY}: {error}"), |text, cause| format!("{text}: {cause}"));
    };
    let file = report.file.display();
    let fatal = report.problems.iter().filter(|problem| problem.severity == Severity::Error);
    let lines = fatal.map(|problem| match &problem.place {
        Some(place) => format!("\n{file}:{}:{}: {}", place.line, place.column, problem.summary()),
        None => format!("\n{file}: {}", problem.summary()),
    });
    format!("{WHY}, since the file has mistakes:{}", lines.collect::<String>())
}
