//! `gateway completions`: what a shell needs to complete commands and flags.

use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Cli, Global, output};

/// Print the completions of a shell
///
/// For bash: `source <(gateway completions bash)` in ~/.bashrc; for zsh: `gateway completions zsh` into a file `_gateway`
/// in a folder of $fpath; for fish: into ~/.config/fish/completions/gateway.fish.
#[derive(Debug, clap::Args)]
pub struct CompletionsCommand {
    /// The shell
    shell: Shell,
}

impl CompletionsCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Where standard output cannot be written.
    pub fn run(self, _: &Global) -> anyhow::Result<ExitCode> {
        // Made in memory: on standard output itself the library would panic where the reader has gone away.
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "gateway", &mut text);
        output::print(&String::from_utf8(text)?)?;
        Ok(ExitCode::SUCCESS)
    }
}
