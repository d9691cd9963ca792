//! `gateway approve`: agrees to what one plugin is now, or to one tool of it.

use std::{fmt::Write as _, process::ExitCode};

use gateway_core::name::SourceName;
use gateway_wasm::PluginConfig;

use super::{
    Global, Usage,
    lock::{list, tell},
    output,
    plugin::{
        cannot_lock,
        looked::{Looker, locked, pin},
        place::{Place, configured},
    },
};
use crate::packages::lockfile::Edit;

/// Agree to what a plugin is now, or to one of its tools
///
/// Writes gateway.lock, and `sha256` where gateway.yaml has one.
#[derive(Debug, clap::Args)]
pub struct ApproveCommand {
    /// The plugin, or one of its tools by its own name
    #[arg(value_name = "PLUGIN[/TOOL]")]
    target: String,
}

impl ApproveCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Where there is no such plugin or tool, or it cannot be looked at: nothing has changed.
    pub async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let (plugin, tool) = match self.target.split_once('/') {
            Some((plugin, tool)) => (plugin, Some(tool)),
            None => (self.target.as_str(), None),
        };
        let place = Place::open(global)?;
        let (name, config) = plugin_of(&place, plugin)?;
        let trust = place.trust().clone();
        let old = locked(&trust, &name)?;
        // A file may have become another one, which is what is agreed to; what comes from elsewhere stays what it was.
        let is_remote = config.source.contains("://");
        let pin = if is_remote { pin(&trust, &name, &config, old.as_ref())? } else { None };
        let looker = Looker::new(global)?;
        let now = looker.look(&trust, &name, &config, pin.as_ref()).await?;
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
}

/// The plugin of that name in the configuration.
///
/// # Errors
/// Where there is none.
fn plugin_of(place: &Place, plugin: &str) -> Result<(SourceName, PluginConfig), Usage> {
    let name = SourceName::new(plugin).ok();
    let found = name.and_then(|name| Some((name.clone(), configured(&place.config, &name)?.clone())));
    found.ok_or_else(|| {
        Usage::new(format!("{}: there is no plugin {plugin:?} that could be used", place.file.display()))
            .hint("`gateway plugin list` shows those that there are")
    })
}
