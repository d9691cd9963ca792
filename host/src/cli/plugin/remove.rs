//! `gateway plugin remove`.

use std::process::ExitCode;

use super::place::Place;
use crate::cli::{Global, output};

/// Remove a plugin from the configuration
#[derive(Debug, clap::Args)]
pub struct RemoveCommand {
    /// The plugin's name
    name: String,
}

impl RemoveCommand {
    /// Runs the command. The plugin's files stay where they are.
    ///
    /// # Errors
    /// Where there is no such plugin, or the configuration cannot be changed.
    pub fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let place = Place::open(global)?;
        let file = place.file.clone();
        place.remove(&self.name)?;
        output::print(&format!("removed {} from {}\n", self.name, file.display()))?;
        Ok(ExitCode::SUCCESS)
    }
}
