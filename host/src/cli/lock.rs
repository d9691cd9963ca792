//! `gateway lock`: agrees to what plugins and servers' tools are now, and holds them against what was agreed to.

use std::{
    fmt::{Display, Write as _},
    process::ExitCode,
};

use gateway_core::name::SourceName;
use gateway_wasm::PluginConfig;

use super::{
    Global, Usage,
    open::{self, Logging},
    output,
    pinned::{self, Servers},
    plugin::{
        cannot_lock,
        looked::{Looker, locked, pin},
    },
};
use crate::{
    config::Loaded,
    packages::{
        Trust,
        lockfile::{Difference, Edit, Entry, ServerEntry},
    },
};

/// Pin what plugins are, and which tools servers have, in gateway.lock
///
/// Without arguments, what the plugins are, what they were granted and which tools they have. With `--servers` or the
/// names of servers, also the definitions of the tools of external servers, which are started for it.
///
/// Plugins from the web that were pinned before stay what they were: `gateway plugin update` looks for newer ones. A
/// plugin that is not what was agreed to does not run, and a tool of a pinned server that is not what it was is not
/// offered.
#[derive(Debug, clap::Args)]
pub struct LockCommand {
    /// Pin only these plugins and servers
    #[arg(value_name = "NAME", conflicts_with = "check")]
    names: Vec<String>,
    /// Start every server that is enabled, and pin the tools that it has
    #[arg(long, conflicts_with_all = ["names", "check"])]
    servers: bool,
    /// Change nothing, start the servers that are pinned, show what is not as it was agreed to, and exit with 2 where a
    /// plugin is not, with 1 where only tools of servers are not
    #[arg(long)]
    check: bool,
}

type Plugins<'a> = Vec<(&'a SourceName, &'a PluginConfig)>;

/// What is looked at.
struct All<'a> {
    trust: Trust,
    loaded: &'a Loaded,
    looker: Looker,
    servers: Servers,
}

impl LockCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Where a plugin or server cannot be looked at, or the file not be written: it is as it was.
    pub async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let (file, loaded) = open::load(global, Logging::Quiet)?;
        let trust = loaded.config.trust(&file);
        let all = All { trust, loaded: &loaded, looker: Looker::new(global)?, servers: Servers::open(&file)? };
        let done = match self.check {
            true => check(&all).await,
            false => self.lock(&all).await,
        };
        all.servers.stop().await;
        done
    }

    async fn lock(&self, all: &All<'_>) -> anyhow::Result<ExitCode> {
        let All { trust, loaded, looker, servers } = all;
        let (chosen, started) = self.chosen(all)?;
        let mut seen = Vec::new();
        for (name, config) in chosen {
            let old = locked(trust, name)?;
            let pin = pin(trust, name, config, old.as_ref())?;
            let now = looker.look(trust, name, config, pin.as_ref()).await?;
            seen.push((name, old, now.entry));
        }
        looker.finish();
        let mut learnt = Vec::new();
        for (name, now) in servers.look(&started).await {
            learnt.push((pinned::locked(trust.lock(), &name)?, now?, name));
        }
        let mut edit = Edit::open(trust.lock().file()).map_err(cannot_lock)?;
        let mut shown = String::new();
        for (name, old, now) in &seen {
            edit.set(name.as_str(), now).map_err(cannot_lock)?;
            tell(&mut shown, name, old.as_ref(), now);
        }
        for (old, now, name) in &learnt {
            edit.set_server(name.as_str(), now).map_err(cannot_lock)?;
            tell_server(&mut shown, name, old.as_ref(), now);
        }
        if self.names.is_empty() {
            for name in remove_stale(&mut edit, loaded, servers) {
                let _ = writeln!(shown, "{name}: no longer in the configuration");
            }
        }
        edit.save().map_err(cannot_lock)?;
        let counted = counted(seen.len(), learnt.len());
        let _ = writeln!(shown, "{}: {counted} pinned", trust.lock().file().display());
        output::print(&shown)?;
        Ok(ExitCode::SUCCESS)
    }

    /// The plugins and the servers that are to be pinned.
    fn chosen<'a>(&self, all: &All<'a>) -> Result<(Plugins<'a>, Vec<SourceName>), Usage> {
        let (mut chosen, mut started): (Vec<_>, _) = (plugins(all.loaded).collect(), all.servers.names());
        let is_known = |name: &&String| {
            chosen.iter().any(|(known, _)| known.as_str() == **name)
                || started.iter().any(|known| known.as_str() == **name)
        };
        if let Some(unknown) = self.names.iter().find(|name| !is_known(name)) {
            let usage = Usage::new(format!("there is no plugin or server {unknown:?} that could be used"));
            return Err(usage.hint("`gateway list` shows those that there are"));
        }
        let is_named = |name: &SourceName| self.names.iter().any(|named| named == name.as_str());
        chosen.retain(|(name, _)| self.names.is_empty() || is_named(name));
        started.retain(|name| self.servers || is_named(name));
        Ok((chosen, started))
    }
}

fn plugins(loaded: &Loaded) -> impl Iterator<Item = (&SourceName, &PluginConfig)> {
    loaded.config.plugins.iter().filter(|(_, plugin)| plugin.enabled).map(|(name, plugin)| (name, &plugin.0))
}

/// Takes out what is no longer in the configuration, and says what that was.
fn remove_stale(edit: &mut Edit, loaded: &Loaded, servers: &Servers) -> Vec<String> {
    let mut stale: Vec<String> = edit.names().into_iter().filter(|name| !is_there(loaded, name)).collect();
    for name in &stale {
        edit.remove(name);
    }
    let gone: Vec<String> = edit.servers().into_iter().filter(|name| !servers.is_there(name)).collect();
    for name in &gone {
        edit.remove_server(name);
    }
    stale.extend(gone);
    stale
}

/// Whether the configuration has a plugin of that name, be it disabled or broken.
fn is_there(loaded: &Loaded, name: &str) -> bool {
    loaded.config.plugins.names().any(|known| known.as_str() == name)
        || loaded.broken.iter().any(|entry| entry.section == "plugins" && entry.name.as_str() == name)
}

/// What becomes of one plugin's entry.
pub(super) fn tell(shown: &mut String, name: &SourceName, old: Option<&Entry>, now: &Entry) {
    let Some(old) = old else {
        let _ = writeln!(shown, "{name}: agreed to as it is, with {}", super::plugin::tools(now.tools.len()));
        return;
    };
    let differences = old.differences(now);
    let state = if differences.is_empty() { "as it was" } else { "changed" };
    let _ = writeln!(shown, "{name}: {state}");
    list(shown, &differences);
}

/// What becomes of one server's entry.
pub(super) fn tell_server(shown: &mut String, name: &SourceName, old: Option<&ServerEntry>, now: &ServerEntry) {
    let Some(old) = old else {
        let _ = writeln!(shown, "{name}: agreed to as it is, with {}", super::plugin::tools(now.count()));
        return;
    };
    let differences = old.differences(now);
    let state = if differences.is_empty() { "as it was" } else { "changed" };
    let _ = writeln!(shown, "{name}: {state}");
    list(shown, &differences);
}

/// A line for each.
pub(super) fn list(shown: &mut String, differences: &[Difference]) {
    for difference in differences {
        let _ = writeln!(shown, "  {difference}");
    }
}

/// What is not as it was agreed to.
#[derive(Default)]
struct Findings {
    shown: String,
    wrong: usize,
    count: usize,
}

impl Findings {
    fn say(&mut self, name: impl Display, what: &str, differences: &[Difference]) {
        self.wrong += 1;
        let _ = writeln!(self.shown, "{name}: {what}");
        list(&mut self.shown, differences);
    }
}

async fn check(all: &All<'_>) -> anyhow::Result<ExitCode> {
    let plugins = check_plugins(all).await?;
    all.looker.finish();
    let servers = check_servers(all).await?;
    let file = all.trust.lock().file().display();
    if plugins.wrong + servers.wrong == 0 {
        output::print(&format!("{file}: {} as agreed to\n", counted(plugins.count, servers.count)))?;
        return Ok(ExitCode::SUCCESS);
    }
    let hint = match (plugins.wrong, servers.wrong) {
        (_, 0) => "`gateway lock` agrees to what is there, `gateway approve NAME` to one plugin",
        _ => {
            "`gateway approve NAME` agrees to what one plugin or server is now, `gateway approve NAME/TOOL` to one tool"
        }
    };
    output::print(&format!("{}{}{file}: {hint}\n", plugins.shown, servers.shown))?;
    Ok(ExitCode::from(if plugins.wrong == 0 { 1 } else { 2 }))
}

async fn check_plugins(all: &All<'_>) -> anyhow::Result<Findings> {
    let All { trust, loaded, looker, .. } = all;
    let mut found = Findings::default();
    for (name, config) in plugins(loaded) {
        found.count += 1;
        let old = match trust.lock().entry(name.as_str()) {
            Ok(Some(old)) => old,
            Ok(None) => {
                found.say(name, "not locked", &[]);
                continue;
            }
            Err(error) => {
                found.say(name, &error.to_string(), &[]);
                continue;
            }
        };
        let pin = pin(trust, name, config, Some(&old))?;
        match looker.look(trust, name, config, pin.as_ref()).await {
            Ok(now) => match old.differences(&settled(&old, now.entry)) {
                differences if differences.is_empty() => {}
                differences => found.say(name, "not as it was agreed to", &differences),
            },
            Err(error) => found.say(name, super::error::render(&error).trim_end(), &[]),
        }
    }
    for entry in loaded.broken.iter().filter(|entry| entry.section == "plugins") {
        found.say(&entry.name, &entry.reason, &[]);
    }
    for name in trust.lock().names().map_err(cannot_lock)? {
        if !is_there(loaded, &name) {
            found.say(&name, "locked, and no longer in the configuration", &[]);
        }
    }
    Ok(found)
}

/// Starts the servers that are pinned.
async fn check_servers(all: &All<'_>) -> anyhow::Result<Findings> {
    let (lock, servers) = (all.trust.lock(), &all.servers);
    let (mut found, locked) = (Findings::default(), lock.servers().map_err(cannot_lock)?);
    let mut started = servers.names();
    started.retain(|name| locked.iter().any(|locked| locked == name.as_str()));
    found.count = started.len();
    for (name, now) in servers.look(&started).await {
        let now = match now {
            Ok(now) => now,
            Err(error) => {
                found.say(name, super::error::render(&error).trim_end(), &[]);
                continue;
            }
        };
        match lock.server(name.as_str()) {
            Ok(old) => match old.unwrap_or_default().differences(&now) {
                differences if differences.is_empty() => {}
                differences => found.say(name, "not as it was agreed to", &differences),
            },
            Err(error) => found.say(name, &error.to_string(), &[]),
        }
    }
    for name in locked.iter().filter(|name| !servers.is_there(name)) {
        found.say(name, "locked, and no longer in the configuration", &[]);
    }
    Ok(found)
}

/// What is built again and again is not held against what it was.
fn settled(old: &Entry, now: Entry) -> Entry {
    match old.sha256 {
        Some(_) => now,
        None => Entry { sha256: None, size: old.size, imports: old.imports.clone(), asks: old.asks.clone(), ..now },
    }
}

/// `1 plugin is`, `2 plugins are`, `1 plugin and 2 servers are`.
fn counted(plugins: usize, servers: usize) -> String {
    let some = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let verb = if plugins + servers == 1 { "is" } else { "are" };
    match (plugins, servers) {
        (_, 0) => format!("{} {verb}", some(plugins, "plugin")),
        (0, _) => format!("{} {verb}", some(servers, "server")),
        _ => format!("{} and {} {verb}", some(plugins, "plugin"), some(servers, "server")),
    }
}
