//! `gateway roles explain`: which glob decides, and why.

use std::{process::ExitCode, sync::Arc};

use gateway_core::{
    name::{Naming, SEPARATOR, SourceName, placeholder},
    role::{Role, Verdict},
    source::Source,
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
///
/// Exits with 0 where the role sees the tool, with 1 where it does not. Starts nothing: a tool that is not known yet is
/// decided by its name.
#[derive(Debug, clap::Args)]
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
    /// Whether the tool is known, or was decided by its name.
    known: bool,
}

/// The tool that a name leads to.
struct Found {
    source: SourceName,
    naming: Naming,
    /// The source's own name for it; `None`: the placeholder of a server whose tools are not known yet.
    local: Option<String>,
    known: bool,
}

impl ExplainCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Wrong usage or configuration, above all a role that is not configured.
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let app = open::open(global, Some(&self.role), Logging::Quiet, None)?;
        let snapshot = app.gateway().snapshot();
        let found = find(snapshot.sources(), &self.tool);
        let explained = self.explain(snapshot.roles().get(app.role()), app.config(), found.as_ref());
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
            known: found.is_some_and(|found| found.known),
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
fn find(sources: &[Arc<dyn Source>], name: &str) -> Option<Found> {
    known(sources, |naming, source, local| *naming.public(local) == *name || *naming.distinct(source, local) == *name)
        .or_else(|| {
            known(sources, |_, source, local| {
                name == format!("{source}{SEPARATOR}{local}") || name == format!("{source}_{local}")
            })
        })
        .or_else(|| by_name(sources, name))
}

fn known(sources: &[Arc<dyn Source>], is_meant: impl Fn(&Naming, &SourceName, &str) -> bool) -> Option<Found> {
    sources.iter().find_map(|source| {
        let (name, naming, offer) = (source.name(), source.naming(), source.offer());
        let tool = offer.tools.iter().flat_map(|tools| tools.iter()).find(|tool| is_meant(naming, name, &tool.name))?;
        Some(Found { source: name.clone(), naming: naming.clone(), local: Some(tool.name.to_string()), known: true })
    })
}

fn by_name(sources: &[Arc<dyn Source>], name: &str) -> Option<Found> {
    let found = |source: &Arc<dyn Source>, local| Found {
        source: source.name().clone(),
        naming: source.naming().clone(),
        local,
        known: false,
    };
    if let Some(source) = sources.iter().find(|source| *placeholder(source.name()) == *name) {
        return Some(found(source, None));
    }
    let candidates = sources.iter().flat_map(|source| {
        let prefix = source.naming().prefix.as_deref();
        let starts = [Some(source.name().as_str()), prefix].into_iter().flatten();
        let starts = starts.flat_map(|start| [format!("{start}{SEPARATOR}"), format!("{start}_")]);
        starts
            .filter_map(|start| Some((start.len(), name.strip_prefix(&start)?.to_owned())))
            .map(move |(length, local)| (length, source, local))
    });
    // Of `a` and `a_b`, the second is meant by `a_b__c`.
    let (_, source, local) = candidates.max_by_key(|(length, ..)| *length)?;
    Some(found(source, Some(local)))
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
        let by_name = match (&self.source, self.known) {
            (Some(_), true) => String::new(),
            (Some(source), false) => format!("{source} has told of no such tool yet: decided by its name\n"),
            (None, _) => "no server or plugin has such a name: decided by the name alone\n".to_owned(),
        };
        format!("{} {seen} {}: {why}\n{by_name}", self.role, self.tool)
    }
}
