//! `gateway plugin remove`.

use std::process::ExitCode;

use gateway_core::name::SourceName;
use gateway_wasm::storage;

use super::{place::Place, running};
use crate::{
    cli::{Global, Usage, output, running::Running},
    folders::Folders,
};

/// Remove a plugin from the configuration
#[derive(Debug, clap::Args)]
pub struct RemoveCommand {
    /// The plugin's name
    name: String,
    /// Also remove what it keeps from call to call; without this, a plugin of the same name finds it again
    #[arg(long)]
    purge: bool,
    #[command(flatten)]
    running: Running,
}

impl RemoveCommand {
    /// Runs the command. The plugin's files stay where they are.
    ///
    /// # Errors
    /// Where there is no such plugin, or the configuration cannot be changed.
    pub async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        if let Some(api) = self.running.api(global)? {
            if self.purge {
                return Err(Usage::new("--purge is for a plugin of the configuration's file").into());
            }
            running::remove(&api, &self.name).await?;
            return Ok(ExitCode::SUCCESS);
        }
        let place = Place::open(global)?;
        let file = place.file.clone();
        place.remove(&self.name)?;
        let purged = match self.purge {
            true => storage::purge(&Folders::discover()?.storage(&file), &SourceName::new(&self.name)?)?,
            false => false,
        };
        let kept = if purged { ", with what it kept" } else { "" };
        output::print(&format!("removed {} from {}{kept}\n", self.name, file.display()))?;
        Ok(ExitCode::SUCCESS)
    }
}
