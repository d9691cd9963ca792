//! A configuration that was read, without what cannot be used of it.

use std::fmt;

use gateway_core::name::SourceName;

use super::{Config, Report, checks};

/// A configuration that can be used.
pub struct Loaded {
    /// What it says. Servers, plugins and pipelines that cannot be used are not in there.
    pub config: Config,
    /// Those, each with the reason.
    pub broken: Vec<Broken>,
    /// What was found on the way: warnings, and the reasons again, with their places.
    pub report: Report,
    /// What stood in the file.
    pub text: Box<str>,
}

/// A server, plugin or pipeline that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Its name.
    pub name: SourceName,
    /// `servers`, `plugins` or `pipelines`.
    pub section: &'static str,
    /// Why, in one line.
    pub reason: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the text, in which secrets may stand.
        let Self { config, broken, report, .. } = self;
        f.debug_struct("Loaded").field("config", config).field("broken", broken).field("report", report).finish()
    }
}

impl Loaded {
    /// Whether a server or plugin of that name stands in the file, used or not.
    #[must_use]
    pub fn has_source(&self, name: &SourceName) -> bool {
        let config = &self.config;
        config.servers.get(name.as_str()).is_some()
            || config.plugins.get(name.as_str()).is_some()
            || self.broken.iter().any(|entry| entry.section != "pipelines" && entry.name == *name)
    }

    /// Whether the file says that the server or plugin of that name is not used.
    #[must_use]
    pub fn switches_off(&self, name: &SourceName) -> bool {
        let server = self.config.servers.get(name.as_str()).map(|server| server.enabled);
        server.or_else(|| Some(self.config.plugins.get(name.as_str())?.enabled)) == Some(false)
    }

    /// Takes the entries out that cannot be used: what is not there cannot be started by mistake.
    pub(super) fn new(mut config: Config, report: Report, text: &str) -> Self {
        let broken = checks::broken(&config, &report.problems);
        let usable = |name: &SourceName| broken.iter().all(|entry| entry.name != *name);
        config.servers.retain(|name, _| usable(name));
        config.plugins.retain(|name, _| usable(name));
        config.pipelines.retain(|name, _| usable(name));
        checks::drop_tokens(&mut config, &report.problems);
        Self { config, broken, report, text: text.into() }
    }
}
