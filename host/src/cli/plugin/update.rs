//! `gateway plugin update`: what the sources give now, shown, agreed to, and then written.

use std::{
    fmt::Write as _,
    io::{IsTerminal as _, Write as _, stderr, stdin},
    process::ExitCode,
};

use gateway_core::name::SourceName;
use gateway_wasm::PluginConfig;

use super::{
    cannot_lock,
    grants::Grants,
    looked::{Looker, locked},
    place::{Place, configured},
    text,
};
use crate::{
    cli::{Global, Usage, error, output},
    packages::{
        Digest, Trust,
        lockfile::{Edit, Entry},
    },
};

/// Take what the plugins' sources give now, after showing what changes
///
/// Folders are built again where their sources are newer, addresses are downloaded, tags are looked up. What a plugin
/// newly asks for is shown, and not granted.
#[derive(Debug, clap::Args)]
pub struct UpdateCommand {
    /// The plugin [default: all of them]
    name: Option<String>,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do it without a question
    #[arg(short, long)]
    yes: bool,
}

/// A plugin that has changed.
struct Change {
    name: SourceName,
    entry: Entry,
    digest: Option<Digest>,
}

impl UpdateCommand {
    /// Runs the command. A plugin that fails stays what it is, and keeps no other from being updated.
    ///
    /// # Errors
    /// Where there is no such plugin, nobody agrees, or the files cannot be written: they are as they were.
    pub async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let place = Place::open(global)?;
        let trust = place.trust().clone();
        let looker = Looker::new(global)?;
        let (mut shown, mut changes, mut failed) = (String::new(), Vec::new(), false);
        for (name, config) in self.plugins(&place)? {
            match self.look(&trust, &name, &config, &looker, &mut shown).await {
                Ok(change) => changes.extend(change),
                Err(error) => {
                    failed = true;
                    looker.finish();
                    stderr().write_all(error::render(&error).as_bytes())?;
                }
            }
        }
        looker.finish();
        let code = if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        if self.dry_run || changes.is_empty() {
            output::print(&shown)?;
            return Ok(code);
        }
        if !self.yes {
            if !agreed(&shown)? {
                anyhow::bail!("nothing was updated");
            }
            shown.clear();
        }
        write(place, &trust, &changes)?;
        for change in &changes {
            let _ = writeln!(shown, "updated {}", change.name);
        }
        output::print(&shown)?;
        Ok(code)
    }

    fn plugins(&self, place: &Place) -> Result<Vec<(SourceName, PluginConfig)>, Usage> {
        let Some(name) = &self.name else {
            let enabled = place.config.plugins.iter().filter(|(_, plugin)| plugin.enabled);
            return Ok(enabled.map(|(name, plugin)| (name.clone(), plugin.0.clone())).collect());
        };
        let found = SourceName::new(name).ok().and_then(|name| Some((name.clone(), configured(&place.config, &name)?)));
        match found {
            Some((name, config)) => Ok(vec![(name, config.clone())]),
            None => {
                Err(Usage::new(format!("{}: there is no plugin {name:?} that could be used", place.file.display()))
                    .hint("`gateway plugin list` shows those that there are"))
            }
        }
    }

    /// What changes of one plugin, if anything does.
    async fn look(
        &self,
        trust: &Trust,
        name: &SourceName,
        config: &PluginConfig,
        looker: &Looker,
        shown: &mut String,
    ) -> anyhow::Result<Option<Change>> {
        if !self.dry_run {
            looker.build(config, trust).await?;
        }
        let old = locked(trust, name)?;
        let now = looker.look(trust, name, config, None).await?;
        let entry = now.entry_after(old.as_ref());
        let digest = now.entry.sha256;
        let is_pinned = config.sha256.is_some() && config.sha256.as_deref().map(str::parse) != digest.map(Ok);
        let differences = old.as_ref().map(|old| old.differences(&entry));
        match &differences {
            Some(differences) if differences.is_empty() && !is_pinned => {
                let _ = writeln!(shown, "{name}: nothing new");
                return Ok(None);
            }
            Some(differences) => {
                let _ = writeln!(shown, "{name} changes:");
                crate::cli::lock::list(shown, differences);
            }
            None => crate::cli::lock::tell(shown, name, None, &entry),
        }
        if is_pinned
            && let (Some(was), Some(is)) = (&config.sha256, digest)
            && differences.is_none_or(|differences| differences.iter().all(|difference| difference.place != "sha256"))
        {
            let _ = writeln!(shown, "  sha256 was {} and is {is}", text::plain(was));
        }
        let lacking = Grants::asked(&now.manifest).without(&Grants::granted(config)).lines();
        let heading = format!("  not granted, though {name} asks to");
        shown.push_str(&text::section(&heading, &lacking));
        Ok(Some(Change { name: name.clone(), entry, digest }))
    }
}

/// Asks the person at the terminal.
fn agreed(shown: &str) -> anyhow::Result<bool> {
    if !(stdin().is_terminal() && stderr().is_terminal()) {
        stderr().write_all(shown.as_bytes())?;
        let usage = Usage::new("there is no terminal to agree on what changes");
        return Err(usage.hint("--yes agrees to all of it, --dry-run only shows it").into());
    }
    stderr().write_all(format!("{shown}Update? [y/N] ").as_bytes())?;
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Writes both files, or neither.
fn write(place: Place, trust: &Trust, changes: &[Change]) -> anyhow::Result<()> {
    let mut edit = Edit::open(trust.lock().file()).map_err(cannot_lock)?;
    for change in changes {
        edit.set(change.name.as_str(), &change.entry).map_err(cannot_lock)?;
    }
    edit.save().map_err(cannot_lock)?;
    let digests: Vec<(SourceName, Digest)> =
        changes.iter().filter_map(|change| Some((change.name.clone(), change.digest?))).collect();
    place.set_digests(&digests).inspect_err(|_| {
        // The error is what is told.
        let _ = edit.undo();
    })
}
