//! `gateway lock`: agrees to what the plugins are now, and holds them against what was agreed to.

use std::{fmt::Write as _, process::ExitCode};

use gateway_core::name::SourceName;
use gateway_wasm::PluginConfig;

use super::{
    Global,
    open::{self, Logging},
    output,
    plugin::{
        cannot_lock,
        looked::{Looker, locked, pin},
    },
};
use crate::{
    config::Loaded,
    packages::{
        Trust,
        lockfile::{Difference, Edit, Entry},
    },
};

/// Pin what the plugins are, what they were granted and which tools they have, in gateway.lock
///
/// Plugins from the web that were pinned before stay what they were: `gateway plugin update` looks for newer ones. A
/// plugin that is not what was agreed to does not run.
#[derive(Debug, clap::Args)]
pub struct LockCommand {
    /// Change nothing, show what is not as it was agreed to, and exit with 2 where something is not
    #[arg(long)]
    check: bool,
}

impl LockCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Where a plugin cannot be looked at, or the file not be written: it is as it was.
    pub async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let (file, loaded) = open::load(global, Logging::Quiet)?;
        let trust = loaded.config.trust(&file);
        let looker = Looker::new(global)?;
        match self.check {
            true => check(&trust, &loaded, &looker).await,
            false => lock(&trust, &loaded, &looker).await,
        }
    }
}

fn plugins(loaded: &Loaded) -> impl Iterator<Item = (&SourceName, &PluginConfig)> {
    loaded.config.plugins.iter().filter(|(_, plugin)| plugin.enabled).map(|(name, plugin)| (name, &plugin.0))
}

async fn lock(trust: &Trust, loaded: &Loaded, looker: &Looker) -> anyhow::Result<ExitCode> {
    let mut seen = Vec::new();
    for (name, config) in plugins(loaded) {
        let old = locked(trust, name)?;
        let pin = pin(trust, name, config, old.as_ref())?;
        let now = looker.look(trust, name, config, pin.as_ref()).await?;
        seen.push((name, old, now.entry));
    }
    looker.finish();
    let mut edit = Edit::open(trust.lock().file()).map_err(cannot_lock)?;
    let mut shown = String::new();
    for (name, old, now) in &seen {
        edit.set(name.as_str(), now).map_err(cannot_lock)?;
        tell(&mut shown, name, old.as_ref(), now);
    }
    for name in edit.names() {
        if !is_there(loaded, &name) {
            edit.remove(&name);
            let _ = writeln!(shown, "{name}: no longer in the configuration");
        }
    }
    edit.save().map_err(cannot_lock)?;
    let _ = writeln!(shown, "{}: {} pinned", trust.lock().file().display(), counted(seen.len()));
    output::print(&shown)?;
    Ok(ExitCode::SUCCESS)
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

/// A line for each.
pub(super) fn list(shown: &mut String, differences: &[Difference]) {
    for difference in differences {
        let _ = writeln!(shown, "  {difference}");
    }
}

async fn check(trust: &Trust, loaded: &Loaded, looker: &Looker) -> anyhow::Result<ExitCode> {
    let (mut shown, mut wrong, mut count) = (String::new(), 0, 0);
    let mut say = |name: &dyn std::fmt::Display, what: &str, differences: &[Difference]| {
        wrong += 1;
        let _ = writeln!(shown, "{name}: {what}");
        list(&mut shown, differences);
    };
    for (name, config) in plugins(loaded) {
        count += 1;
        let old = match trust.lock().entry(name.as_str()) {
            Ok(Some(old)) => old,
            Ok(None) => {
                say(name, "not locked", &[]);
                continue;
            }
            Err(error) => {
                say(name, &error.to_string(), &[]);
                continue;
            }
        };
        let pin = pin(trust, name, config, Some(&old))?;
        match looker.look(trust, name, config, pin.as_ref()).await {
            Ok(now) => match old.differences(&settled(&old, now.entry)) {
                differences if differences.is_empty() => {}
                differences => say(name, "not as it was agreed to", &differences),
            },
            Err(error) => say(name, super::error::render(&error).trim_end(), &[]),
        }
    }
    for entry in loaded.broken.iter().filter(|entry| entry.section == "plugins") {
        say(&entry.name, &entry.reason, &[]);
    }
    for name in trust.lock().names().map_err(cannot_lock)? {
        if !is_there(loaded, &name) {
            say(&name, "locked, and no longer in the configuration", &[]);
        }
    }
    looker.finish();
    let file = trust.lock().file().display().to_string();
    if wrong == 0 {
        output::print(&format!("{file}: {} as agreed to\n", counted(count)))?;
        return Ok(ExitCode::SUCCESS);
    }
    let _ = writeln!(shown, "{file}: `gateway lock` agrees to what is there, `gateway approve NAME` to one plugin");
    output::print(&shown)?;
    Ok(ExitCode::from(2))
}

/// What is built again and again is not held against what it was.
fn settled(old: &Entry, now: Entry) -> Entry {
    match old.sha256 {
        Some(_) => now,
        None => Entry { sha256: None, size: old.size, imports: old.imports.clone(), asks: old.asks.clone(), ..now },
    }
}

fn counted(count: usize) -> String {
    if count == 1 { "1 plugin is".to_owned() } else { format!("{count} plugins are") }
}
