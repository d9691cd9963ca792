//! `gateway stdio`: one MCP client on standard input and output.

use std::{path::PathBuf, process::ExitCode};

use super::{Global, open::Begin};

/// Serve one MCP client on standard input and output
#[derive(Debug, clap::Args)]
pub struct StdioCommand {
    /// The role that filters what the client sees [default: `default_role`]
    #[arg(long, env = "MCP_GATEWAY_ROLE")]
    role: Option<String>,
    /// Servers from a JSON file beside the configuration: such as MCP Multi-Server Gateway has them, or `mcpServers`
    #[arg(long, value_name = "FILE")]
    auto_register: Option<PathBuf>,
}

impl StdioCommand {
    /// Runs the command until the client closes its side or a signal comes.
    ///
    /// # Errors
    /// Wrong usage or configuration; standard input that cannot be read.
    pub async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let begin = Begin::load(global, self.auto_register.as_deref())?;
        begin.build(self.role.as_deref(), true)?.serve_stdio().await?;
        Ok(ExitCode::SUCCESS)
    }
}
