//! `gateway approve`: agrees to what one plugin is now or which tools one server has, or to one tool of it.

use std::{fmt::Write as _, process::ExitCode};

use gateway_core::name::SourceName;
use gateway_wasm::PluginConfig;

use super::{
    Global, Usage,
    lock::{list, tell, tell_server},
    output,
    pinned::{self, Servers},
    plugin::{
        cannot_lock,
        looked::{Looker, locked, pin},
        place::{Place, configured},
    },
};
use crate::packages::lockfile::{Edit, ServerEntry};

/// Agree to what a plugin is now or which tools a server has, or to one of its tools
///
/// Shows what has changed and writes gateway.lock, and `sha256` where gateway.yaml has one. A server is started for it.
#[derive(Debug, clap::Args)]
pub struct ApproveCommand {
    /// The plugin or server, or one of its tools by its own name
    #[arg(value_name = "NAME[/TOOL]")]
    target: String,
}

impl ApproveCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Where there is no such plugin, server or tool, or it cannot be looked at: nothing has changed.
    pub async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let (source, tool) = match self.target.split_once('/') {
            Some((source, tool)) => (source, Some(tool)),
            None => (self.target.as_str(), None),
        };
        let place = Place::open(global)?;
        match plugin_of(&place, source) {
            Some((name, config)) => plugin(place, name, &config, tool, global).await,
            None => server(&place, source, tool).await,
        }
    }
}

/// Agrees to what the plugin is now, or to one of its tools.
async fn plugin(
    place: Place,
    name: SourceName,
    config: &PluginConfig,
    tool: Option<&str>,
    global: &Global,
) -> anyhow::Result<ExitCode> {
    let trust = place.trust().clone();
    let old = locked(&trust, &name)?;
    // A file may have become another one, which is what is agreed to; what comes from elsewhere stays what it was.
    let is_remote = config.source.contains("://");
    let pin = if is_remote { pin(&trust, &name, config, old.as_ref())? } else { None };
    let looker = Looker::new(global)?;
    let now = looker.look(&trust, &name, config, pin.as_ref()).await?;
    looker.finish();
    let mut shown = String::new();
    let entry = match (tool, old) {
        (None, old) => {
            let entry = now.entry_after(old.as_ref());
            tell(&mut shown, &name, old.as_ref(), &entry);
            entry
        }
        (Some(tool), Some(mut old)) => {
            if !old.accept_tool(&now.entry, tool) {
                let usage = Usage::new(format!("plugin {:?} has no tool {tool:?}", name.as_str()));
                return Err(usage.hint(format!("`gateway plugin inspect {name}` shows its tools")).into());
            }
            let _ = writeln!(shown, "{name}/{tool}: agreed to");
            let rest = old.differences(&now.entry_after(Some(&old)));
            if !rest.is_empty() {
                let _ = writeln!(shown, "{name}: this is still not as it was agreed to:");
                list(&mut shown, &rest);
            }
            old
        }
        (Some(_), None) => {
            let usage = Usage::new(format!("plugin {:?} is not locked", name.as_str()));
            return Err(usage.hint(format!("agree to all of it: `gateway approve {name}`")).into());
        }
    };
    let mut edit = Edit::open(trust.lock().file()).map_err(cannot_lock)?;
    edit.set(name.as_str(), &entry).and_then(|()| edit.save()).map_err(cannot_lock)?;
    if let (None, Some(digest)) = (tool, now.entry.sha256) {
        place.set_digests(&[(name, digest)]).inspect_err(|_| {
            // The error is what is told.
            let _ = edit.undo();
        })?;
    }
    output::print(&shown)?;
    Ok(ExitCode::SUCCESS)
}

/// Agrees to the tools that the server has now, or to one of them.
async fn server(place: &Place, server: &str, tool: Option<&str>) -> anyhow::Result<ExitCode> {
    let none = || {
        Usage::new(format!("{}: there is no plugin or server {server:?} that could be used", place.file.display()))
            .hint("`gateway list` shows those that there are")
    };
    if !place.file.exists() {
        return Err(none().into());
    }
    let servers = Servers::open(&place.file)?;
    let Some(name) = servers.names().into_iter().find(|name| name.as_str() == server) else {
        servers.stop().await;
        return Err(none().into());
    };
    let mut looked = servers.look(std::slice::from_ref(&name)).await;
    servers.stop().await;
    let Some((_, now)) = looked.pop() else { return Err(none().into()) };
    let (now, lock) = (now?, place.trust().lock());
    let old = pinned::locked(lock, &name)?;
    let mut shown = String::new();
    let entry = match (tool, old) {
        (None, old) => {
            tell_server(&mut shown, &name, old.as_ref(), &now);
            now
        }
        (Some(tool), Some(old)) => accept(&mut shown, &name, tool, &old, &now)?,
        (Some(_), None) => {
            let usage = Usage::new(format!("server {server:?} is not locked"));
            return Err(usage.hint(format!("agree to all of it: `gateway approve {name}`")).into());
        }
    };
    let mut edit = Edit::open(lock.file()).map_err(cannot_lock)?;
    edit.set_server(name.as_str(), &entry).and_then(|()| edit.save()).map_err(cannot_lock)?;
    output::print(&shown)?;
    Ok(ExitCode::SUCCESS)
}

/// `before` with one tool as it is now.
fn accept(
    shown: &mut String,
    name: &SourceName,
    tool: &str,
    before: &ServerEntry,
    now: &ServerEntry,
) -> Result<ServerEntry, Usage> {
    let mut entry = before.clone();
    if !entry.accept_tool(now, tool) {
        let usage = Usage::new(format!("server {:?} has no tool {tool:?}", name.as_str()));
        return Err(usage.hint(format!("`gateway approve {name}` agrees to those that it has")));
    }
    let _ = writeln!(shown, "{name}/{tool}: agreed to");
    list(shown, &before.differences(&entry));
    let rest = entry.differences(now);
    if !rest.is_empty() {
        let _ = writeln!(shown, "{name}: this is still not as it was agreed to:");
        list(shown, &rest);
    }
    Ok(entry)
}

/// The plugin of that name in the configuration; `None` where there is none.
fn plugin_of(place: &Place, plugin: &str) -> Option<(SourceName, PluginConfig)> {
    let name = SourceName::new(plugin).ok()?;
    let config = configured(&place.config, &name)?.clone();
    Some((name, config))
}
