//! `gateway stdio`: one MCP client on standard input and output.

use std::process::ExitCode;

use super::{
    Global,
    open::{Logging, open},
};

/// Serve one MCP client on standard input and output
#[derive(Debug, clap::Args)]
pub struct StdioCommand {
    /// The role that filters what the client sees [default: `default_role`]
    #[arg(long, env = "MCP_GATEWAY_ROLE")]
    role: Option<String>,
}

impl StdioCommand {
    /// Runs the command until the client closes its side or a signal comes.
    ///
    /// # Errors
    /// Wrong usage or configuration; standard input that cannot be read.
    pub async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        open(global, self.role.as_deref(), Logging::Configured, None)?.serve_stdio().await?;
        Ok(ExitCode::SUCCESS)
    }
}
