//! `gateway server login` and `gateway server logout`: tokens for remote servers that want some (OAuth 2.1).

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use gateway_core::name::SourceName;

use crate::{
    cli::{
        Global, Usage,
        open::{Logging, load},
        output,
    },
    config::nearest,
    folders::Folders,
    sources::upstream::{Endpoint, Remote, oauth},
};

/// Log in to a remote server
///
/// Shows an address, and opens it in the browser. What the server hands out is kept for this user alone, and renewed as
/// long as the server allows.
#[derive(Debug, clap::Args)]
pub struct LoginCommand {
    /// The server's name
    name: String,
    /// Show the address alone, and open no browser
    #[arg(long)]
    no_browser: bool,
}

/// Forget what a login to a remote server brought
#[derive(Debug, clap::Args)]
pub struct LogoutCommand {
    /// The server's name
    name: String,
}

impl LoginCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Wrong usage or configuration, and a login that fails.
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let Place { name, remote, folder } = Place::find(&self.name, global)?;
        let show = |address: &str| {
            // Where the answer cannot be shown, the browser is what is left.
            let _ = output::print(&format!("Log in at {address}\n"));
            if !self.no_browser {
                open_browser(address);
            }
        };
        oauth::log_in(&name, &remote, &folder, show).await?;
        Ok(output::print(&format!("Logged in to {name}.\n"))?)
    }
}

impl LogoutCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Wrong usage or configuration, and a file that cannot be removed.
    pub(super) fn run(self, global: &Global) -> anyhow::Result<()> {
        let Place { name, remote, folder } = Place::find(&self.name, global)?;
        let said = match oauth::log_out(&name, &remote.url, &folder)? {
            true => format!("Logged out of {name}.\n"),
            false => format!("Nobody was logged in to {name}.\n"),
        };
        Ok(output::print(&said)?)
    }
}

/// The server, and where its tokens are.
struct Place {
    name: SourceName,
    remote: Remote,
    folder: PathBuf,
}

impl Place {
    fn find(wanted: &str, global: &Global) -> anyhow::Result<Self> {
        let (file, loaded) = load(global, Logging::Quiet)?;
        let servers = &loaded.config.servers;
        let Some((name, server)) = servers.iter().find(|(name, _)| name.as_str() == wanted) else {
            let names: Vec<&str> = servers.iter().map(|(name, _)| name.as_str()).collect();
            let usage = Usage::new(format!("{}: there is no server {wanted:?} that can be used", file.display()));
            return Err(match nearest(wanted, &names) {
                Some(near) => usage.hint(format!("did you mean {near:?}?")).into(),
                None => usage.hint("`gateway server list` shows them").into(),
            });
        };
        match server.endpoint() {
            Ok(Endpoint::Remote(remote)) => {
                Ok(Self { name: name.clone(), remote, folder: Folders::discover()?.state(&file) })
            }
            _ => {
                let usage = Usage::new(format!("server {wanted:?} is a command, and needs no login"));
                Err(usage.hint(format!("what it needs to know goes into servers.{wanted}.env")).into())
            }
        }
    }
}

/// Tries to show an address in the browser; where there is none, the person has read it.
fn open_browser(address: &str) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let _ = Command::new(program).arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
}
