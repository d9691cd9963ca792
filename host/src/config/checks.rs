//! What types cannot say: keys that need or exclude each other, names that clash, files that are not there.

mod auth;
mod caps;
mod filters;
pub(super) mod pipelines;
mod plugins;
mod roles;
mod secrets;
mod servers;
mod signers;

use std::path::Path;

use gateway_core::{name::SourceName, units::Seconds};
use serde_yaml::Value;

use super::{
    Broken, Config, Problem, find,
    problem::{KeyPath, Severity},
    read::lookup,
};

/// The sections whose entries are sources. The first two names are those of one section.
const SECTIONS: [&str; 4] = ["servers", "backends", "plugins", "pipelines"];

/// Looks at everything. `root` is the file's own content, in which also the entries stand that could not be read.
pub(super) fn run(config: &Config, file: &Path, root: &Value, problems: &mut Vec<Problem>) {
    let mut checks = Checks { root, problems };
    checks.settings(config);
    servers::check(config, &mut checks);
    plugins::check(config, file, &mut checks);
    signers::check(config, &mut checks);
    filters::check(config, &mut checks);
    caps::check(config, &mut checks);
    pipelines::check(config, &mut checks);
    checks.one_namespace();
    roles::check(config, &mut checks);
    auth::check(config, &mut checks);
}

/// Makes relative paths start at `base`, the file's folder.
pub(super) fn resolve_paths(config: &mut Config, base: &Path) {
    for (_, server) in config.servers.iter_mut() {
        server.cwd = server.cwd.as_deref().map(|cwd| find::resolve(cwd, base));
        // A whole command line stays as it is until it is split; then its program is a path like any other.
        if let Ok((program, args)) = server.command_line()
            && program.contains('/')
        {
            server.command = Some(find::resolve(Path::new(&program), base).to_string_lossy().into_owned());
            server.args = Some(args);
        }
    }
    for (_, plugin) in config.plugins.iter_mut() {
        if plugins::is_local(&plugin.source) {
            plugin.0.source = find::resolve(Path::new(&plugin.source), base).to_string_lossy().into_owned();
        }
        for grant in &mut plugin.0.permissions.files {
            grant.path = find::resolve(&grant.path, base);
        }
    }
}

/// The servers, plugins and pipelines that the problems make unusable, each with the first reason.
pub(super) fn broken(config: &Config, problems: &[Problem]) -> Vec<Broken> {
    let mut broken: Vec<Broken> = Vec::new();
    for problem in problems.iter().filter(|problem| problem.severity == Severity::Entry) {
        let Some(name) = problem.path.name(1) else { continue };
        let section = match problem.path.name(0) {
            Some("plugins") => "plugins",
            Some("pipelines") => "pipelines",
            _ => "servers",
        };
        let names: Vec<&SourceName> = config.servers.names().chain(config.plugins.names()).collect();
        let found = match section {
            // One that could not be read at all is among no names.
            "pipelines" => SourceName::new(name).ok(),
            _ => names.into_iter().find(|known| known.as_str() == name).cloned(),
        };
        if let Some(name) = found.filter(|name| broken.iter().all(|entry| entry.name != *name)) {
            let (reason, hint) = (problem.summary(), problem.hint.clone());
            broken.push(Broken { name, section, reason, hint });
        }
    }
    broken
}

/// A mistake in a pipeline is one of that pipeline alone: nothing else depends on it.
pub(super) fn spare_others(problems: &mut [Problem]) {
    let of_pipelines = |problem: &&mut Problem| {
        let path = &problem.path;
        problem.severity == Severity::Error && path.name(0) == Some("pipelines") && path.name(1).is_some()
    };
    problems.iter_mut().filter(of_pipelines).for_each(|problem| problem.severity = Severity::Entry);
}

/// Takes out what cannot be used of those who may come in: what their variables' names say must open nothing.
pub(super) fn drop_tokens(config: &mut Config, problems: &[Problem]) {
    let Some(auth) = &mut config.auth else { return };
    let is_broken = |entry: &KeyPath| {
        problems.iter().any(|problem| problem.severity == Severity::Entry && problem.path.is_within(entry))
    };
    if is_broken(&KeyPath::of(["auth", "jwt"])) {
        auth.jwt = None;
    }
    let broken = |at: usize| is_broken(&KeyPath::of(["auth", "tokens"]).with(at));
    let mut at = 0;
    auth.tokens.retain(|_| {
        at += 1;
        !broken(at - 1)
    });
}

/// The problems so far, and the file's own content.
struct Checks<'a> {
    root: &'a Value,
    problems: &'a mut Vec<Problem>,
}

impl Checks<'_> {
    fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Whether the key at `path` is written in the file.
    fn has(&self, path: &KeyPath) -> bool {
        lookup(self.root, path).is_some_and(|value| !value.is_null())
    }

    /// Whether something at `path` or in it is wrong already, so that what is missing there may be a consequence.
    fn is_broken(&self, path: &KeyPath) -> bool {
        let fatal = |problem: &&Problem| problem.severity == Severity::Error;
        self.problems.iter().filter(fatal).any(|problem| problem.path.is_within(path))
    }

    /// The names in a section.
    fn names(&self, section: &str) -> Vec<&str> {
        let entries = self.root.get(section).and_then(Value::as_mapping);
        entries.into_iter().flat_map(|entries| entries.keys()).filter_map(Value::as_str).collect()
    }

    /// Whichever of two names of a key is written.
    fn written<'k>(&self, outer: &KeyPath, key: &'k str, alias: &'k str) -> KeyPath {
        let alias = outer.with(alias);
        if self.has(&alias) { alias } else { outer.with(key) }
    }

    /// A time of 0 that would let nothing through.
    fn not_zero(&mut self, path: KeyPath, time: Option<Seconds>, example: u64) {
        if time.is_some_and(Seconds::is_zero) {
            let key = path.keys().last().map(|key| KeyPath::from(vec![key.clone()]).to_string()).unwrap_or_default();
            self.push(
                Problem::error(path, "0 seconds would let no request through")
                    .hint(format!("write `{key}: {example}`, or leave it out for the default"))
                    .at_value(),
            );
        }
    }

    fn settings(&mut self, config: &Config) {
        self.not_zero(KeyPath::of(["request_timeout"]), Some(config.request_timeout), 60);
        if config.session_timeout.is_zero() {
            let problem = Problem::error(KeyPath::of(["session_timeout"]), "a session would end before it is used");
            self.push(problem.hint("write `session_timeout: 30m`, or leave it out for the default").at_value());
        }
        for key in ["name", "host"] {
            let text = if key == "name" { &config.name } else { &config.host };
            if text.trim().is_empty() {
                self.push(Problem::error(KeyPath::of([key]), "it is empty").hint("leave it out for the default"));
            }
        }
    }

    /// Servers, plugins and pipelines share their names.
    fn one_namespace(&mut self) {
        let mut seen: Vec<(&str, String)> = Vec::new();
        let mut clashes = Vec::new();
        for section in SECTIONS {
            for name in self.names(section) {
                match seen.iter().find(|(_, known)| known == name) {
                    Some((other, _)) if *other != section => clashes.push((section, *other, name.to_owned())),
                    _ => seen.push((section, name.to_owned())),
                }
            }
        }
        for (section, other, name) in clashes {
            let path = KeyPath::of([section, &name]);
            self.push(
                Problem::error(path, format!("the name is taken by {other}.{name}"))
                    .hint("servers, plugins and pipelines share one namespace: give one of the two another name"),
            );
        }
    }
}
