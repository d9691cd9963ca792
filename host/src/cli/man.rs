//! `gateway man`: the manual pages.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use super::{Cli, Global, output};

/// The day of this version: a page has to have one, and that of the build would make each build another.
const RELEASED: &str = "2026-11-21";

/// Print the manual page, or write those of all commands into a folder
///
/// `gateway man | man -l -` shows it; `gateway man ~/.local/share/man/man1` installs them for `man gateway-plugin-add`.
#[derive(Debug, clap::Args)]
pub struct ManCommand {
    /// The folder; it is made where it is missing
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl ManCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Where standard output or the folder cannot be written.
    pub fn run(self, _: &Global) -> anyhow::Result<ExitCode> {
        let mut gateway = Cli::command().disable_help_subcommand(true);
        // Flags that all commands take are told to them here.
        gateway.build();
        let Some(folder) = self.folder else {
            output::print(&page(gateway)?)?;
            return Ok(ExitCode::SUCCESS);
        };
        fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let mut commands = vec![gateway];
        while let Some(command) = commands.pop() {
            commands.extend(command.get_subcommands().filter(|command| !command.is_hide_set()).cloned());
            let file = folder.join(format!("{}.1", command.get_display_name().unwrap_or(command.get_name())));
            let text = page(command)?;
            fs::write(&file, text).with_context(|| format!("{} cannot be written", file.display()))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn page(command: Command) -> anyhow::Result<String> {
    let mut text = Vec::new();
    let source = concat!("gateway ", env!("CARGO_PKG_VERSION"));
    Man::new(command).manual("MCP Gateway").source(source).date(RELEASED).render(&mut text)?;
    // A break beside an empty line is one too many, and readers of pages say so.
    Ok(String::from_utf8(text)?.replace("\n.br\n\n.br\n", "\n.sp\n"))
}
