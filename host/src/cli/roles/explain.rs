//! `gateway roles explain`: which glob decides, and why.

use std::{process::ExitCode, sync::Arc};

use gateway_core::{
    name::{Naming, SEPARATOR, SourceName, placeholder},
    role::{Role, Verdict},
    source::{Abilities, Source},
};
use serde::Serialize;

use crate::{
    cli::{
        Global,
        open::{self, Logging},
        output,
    },
    config::Config,
};

/// Say which glob shows a tool to a role or hides it
#[derive(Debug, clap::Args)]
#[command(after_help = "Exits with 0 where the role sees the tool, with 1 where it does not. Starts nothing: a tool \
                        that is not known yet is decided by its name.")]
pub struct ExplainCommand {
    /// The role
    role: String,
    /// The tool, as `server__tool` or `server_tool`
    tool: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Explained<'a> {
    role: &'a str,
    tool: &'a str,
    visible: bool,
    /// `unfiltered`, `allowed`, `denied`, `unmatched`, or `filtered` by the server's own `tools`.
    reason: &'static str,
    /// The glob that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    glob: Option<&'a str>,
    /// The key that decided.
    key: String,
    /// The server or plugin that the name leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    /// `known`, `unknown` (its source has told of no tool yet), `missing` (its source has no such tool), `disabled` (its
    /// source is), or `nowhere` (no source has such a name). All but the first are decided by the name.
    state: &'static str,
}

/// The tool that a name leads to.
struct Found {
    source: SourceName,
    naming: Naming,
    /// The source's own name for it; `None`: the placeholder of a server whose tools are not known yet.
    local: Option<String>,
    state: &'static str,
}

impl ExplainCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Wrong usage or configuration, above all a role that is not configured.
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let app = open::open(global, Some(&self.role), Logging::Quiet, None)?;
        // Learns what plugins offer, as `list` does: starts no server.
        let snapshot = open::everything(&app).await?;
        let desired = app.desired();
        let config = &desired.config;
        let found = find(snapshot.sources(), config, &self.tool);
        let explained = self.explain(snapshot.roles().get(app.role()), config, found.as_ref());
        match self.json {
            true => output::print_json(&explained)?,
            false => output::print(&explained.text())?,
        }
        let visible = explained.visible;
        app.stop().await;
        Ok(ExitCode::from(u8::from(!visible)))
    }

    fn explain<'a>(&'a self, role: &'a Role, config: &Config, found: Option<&Found>) -> Explained<'a> {
        let verdict = match found {
            Some(Found { source, naming, local: Some(local), .. }) => role.decide(source, naming, local),
            Some(Found { source, naming, local: None, .. }) => role.decide_placeholder(source, naming),
            None => decide(role, &self.tool),
        };
        let (reason, glob) = match verdict {
            Verdict::Unfiltered => ("unfiltered", None),
            Verdict::Allowed(glob) => ("allowed", Some(glob.as_str())),
            Verdict::Denied(glob) => ("denied", Some(glob.as_str())),
            Verdict::Unmatched => ("unmatched", None),
        };
        let mut explained = Explained {
            role: &self.role,
            tool: &self.tool,
            visible: verdict.visible(),
            reason,
            glob,
            key: key(&self.role, config, reason),
            source: found.map(|found| found.source.to_string()),
            state: found.map_or("nowhere", |found| found.state),
        };
        if let Some((source, local)) = found.and_then(|found| Some((&found.source, found.local.as_deref()?)))
            && config.servers.get(source.as_str()).is_some_and(|server| !server.tools.admits(local))
        {
            (explained.visible, explained.reason, explained.glob) = (false, "filtered", None);
            explained.key = format!("servers.{source}.tools");
        }
        explained
    }
}

/// The key that decided.
fn key(role: &str, config: &Config, reason: &str) -> String {
    let long = config.roles.get(role).is_some_and(|role| !role.deny.is_empty());
    match reason {
        "denied" => format!("roles.{role}.deny"),
        "allowed" | "unmatched" if long => format!("roles.{role}.allow"),
        _ => format!("roles.{role}"),
    }
}

/// Decides on a name that leads to nothing that is configured.
fn decide<'r>(role: &'r Role, name: &str) -> Verdict<'r> {
    if let Some(glob) = role.deny.iter().find(|glob| glob.matches(name)) {
        return Verdict::Denied(glob);
    }
    match &role.allow {
        None => Verdict::Unfiltered,
        Some(globs) => globs.iter().find(|glob| glob.matches(name)).map_or(Verdict::Unmatched, Verdict::Allowed),
    }
}

/// The tool that `name` means: one that is known under it, else the one that a source would have whose name it begins
/// with.
fn find(sources: &[Arc<dyn Source>], config: &Config, name: &str) -> Option<Found> {
    known(sources, |naming, source, local| *naming.public(local) == *name || *naming.distinct(source, local) == *name)
        .or_else(|| {
            known(sources, |_, source, local| {
                name == format!("{source}{SEPARATOR}{local}") || name == format!("{source}_{local}")
            })
        })
        .or_else(|| by_name(&configured(sources, config), name))
}

fn known(sources: &[Arc<dyn Source>], is_meant: impl Fn(&Naming, &SourceName, &str) -> bool) -> Option<Found> {
    sources.iter().find_map(|source| {
        let (name, naming, offer) = (source.name(), source.naming(), source.offer(&Abilities::NONE));
        let tool = offer.tools.iter().flat_map(|tools| tools.iter()).find(|tool| is_meant(naming, name, &tool.name))?;
        Some(Found { source: name.clone(), naming: naming.clone(), local: Some(tool.name.to_string()), state: "known" })
    })
}

/// All that there is, and what is known of the tools that it was not found among.
fn configured(sources: &[Arc<dyn Source>], config: &Config) -> Vec<(SourceName, Naming, &'static str)> {
    let state =
        |source: &Arc<dyn Source>| if source.offer(&Abilities::NONE).tools.is_some() { "missing" } else { "unknown" };
    let there = sources.iter().map(|source| (source.name().clone(), source.naming().clone(), state(source)));
    let separator = config.separator.as_str();
    let servers = config.servers.iter().filter(|(_, server)| !server.enabled);
    let servers = servers.map(|(name, server)| (name.clone(), server.naming(name, separator), "disabled"));
    let plugins = config.plugins.iter().filter(|(_, plugin)| !plugin.enabled);
    let plugins = plugins.map(|(name, _)| (name.clone(), Naming::canonical(name), "disabled"));
    there.chain(servers).chain(plugins).collect()
}

fn by_name(configured: &[(SourceName, Naming, &'static str)], name: &str) -> Option<Found> {
    let found = |(source, naming, state): &(SourceName, Naming, &'static str), local| Found {
        source: source.clone(),
        naming: naming.clone(),
        local,
        state,
    };
    if let Some(of) = configured.iter().find(|(source, ..)| *placeholder(source) == *name) {
        return Some(found(of, None));
    }
    let candidates = configured.iter().flat_map(|of| {
        let starts = [Some(of.0.as_str()), of.1.prefix.as_deref()].into_iter().flatten();
        let starts = starts.flat_map(|start| [format!("{start}{SEPARATOR}"), format!("{start}_")]);
        starts.filter_map(|start| Some((start.len(), of, name.strip_prefix(&start)?.to_owned()))).collect::<Vec<_>>()
    });
    // Of `a` and `a_b`, the second is meant by `a_b__c`.
    let (_, of, local) = candidates.max_by_key(|(length, ..)| *length)?;
    Some(found(of, Some(local)))
}

impl Explained<'_> {
    fn text(&self) -> String {
        let seen = if self.visible { "sees" } else { "does not see" };
        let why = match (self.reason, self.glob) {
            ("filtered", _) => format!("{} hides it from every role", self.key),
            ("unfiltered", _) => "the role sees every tool".to_owned(),
            (_, Some(glob)) => format!("the glob {glob:?} in {} matches it", self.key),
            (_, None) => format!("no glob in {} matches it", self.key),
        };
        let source = self.source.as_deref().unwrap_or_default();
        let state = match self.state {
            "unknown" => format!("{source} has told of no tools yet, so this goes by the name\n"),
            "missing" => format!("{source} has no such tool, so this goes by the name\n"),
            "disabled" => format!("{source} is disabled, so nobody sees it until it is enabled\n"),
            "nowhere" => "no server or plugin has such a name, so this goes by the name alone\n".to_owned(),
            _ => String::new(),
        };
        format!("{} {seen} {}: {why}\n{state}", self.role, self.tool)
    }
}
