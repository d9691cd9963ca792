//! `gateway schema`: what an editor needs to complete and check `gateway.yaml`.

use std::process::ExitCode;

use super::{Global, output};
use crate::config::Config;

/// Print the JSON Schema of gateway.yaml
///
/// With `# yaml-language-server: $schema=FILE` as the first line of gateway.yaml, editors complete and check it.
#[derive(Debug, clap::Args)]
pub struct SchemaCommand {}

impl SchemaCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Where standard output cannot be written.
    pub fn run(self, _: &Global) -> anyhow::Result<ExitCode> {
        output::print_json(&Config::schema())?;
        Ok(ExitCode::SUCCESS)
    }
}
