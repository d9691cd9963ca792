//! `gateway client …`: the entry of this gateway in the settings of MCP clients is written and taken out, and the servers
//! that stand there are taken over.

mod document;
mod entry;
mod known;
mod list;
mod place;

use std::{
    path::{Path, PathBuf, absolute},
    process::ExitCode,
};

use self::{
    document::Document,
    entry::Entry,
    known::{Known, Machine, Scope},
    place::Place,
};
use super::{Global, Usage, import as taking, open::no_role, output};
use crate::{
    config::{Config, find},
    import,
};

/// Install the gateway in MCP clients, and take over their servers
#[derive(Debug, clap::Subcommand)]
pub enum ClientCommand {
    /// List the clients of this machine, and where the gateway is installed
    List(list::ListCommand),
    /// Write the gateway's entry into a client's settings
    Install(InstallCommand),
    /// Take the gateway's entry out of a client's settings
    #[command(visible_alias = "remove")]
    Uninstall(UninstallCommand),
    /// Add the servers of clients to the configuration
    Import(TakeCommand),
}

/// Write the gateway's entry into a client's settings
///
/// The entry starts `gateway stdio` on the configuration that is in use. Everything else in the file stays as it is, and
/// a copy of the file as it was is kept beside it. Where the entry is there already, nothing is changed.
#[derive(Debug, clap::Args)]
pub struct InstallCommand {
    #[command(flatten)]
    which: Which,
    /// The role that the client gets [default: `default_role` of the configuration]
    #[arg(long, env = "MCP_GATEWAY_ROLE")]
    role: Option<String>,
}

/// Take the gateway's entry out of a client's settings
///
/// The file is then as it was before the entry was written.
#[derive(Debug, clap::Args)]
pub struct UninstallCommand {
    #[command(flatten)]
    which: Which,
}

/// Which entry of which client.
#[derive(Debug, clap::Args)]
struct Which {
    /// The client
    client: Known,
    /// The settings of the user, or of the project in the working folder
    #[arg(long, value_enum, default_value_t)]
    scope: Scope,
    /// What the gateway is called there
    #[arg(long, default_value = "gateway")]
    name: String,
    /// Show what would change, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Add the servers of clients to the configuration
#[derive(Debug, clap::Args)]
pub struct TakeCommand {
    /// The client [default: all that there are]
    client: Option<Known>,
    /// Show what would change, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl ClientCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Wrong usage or configuration; settings that cannot be read or written. They are then as they were.
    pub fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(command) => command.run(),
            Self::Install(command) => command.run(global),
            Self::Uninstall(command) => command.run(),
            Self::Import(command) => command.run(global),
        }
    }
}

impl Which {
    fn place(&self) -> anyhow::Result<Place> {
        let machine = Machine::here()?;
        let file = self.client.file(self.scope, &machine).ok_or_else(|| {
            let message = format!("{} has no settings of a project", self.client.title());
            Usage::new(message).hint("leave --scope out")
        })?;
        Place::open(&file)
    }

    /// The entry of that name; fails where it is somebody else's.
    fn ours(&self, place: &Place, document: &Document) -> Result<Option<Entry>, Usage> {
        let section = self.client.section();
        let Some(there) = document.entries(section, &place.named)?.shift_remove(&self.name) else { return Ok(None) };
        Entry::of(&there).map(Some).ok_or_else(|| {
            let file = place.named.display();
            Usage::new(format!("{file}: {section}.{} is not this gateway", self.name))
                .hint("name another one with --name")
        })
    }

    fn say(&self, place: &Place, done: &str) -> anyhow::Result<ExitCode> {
        output::print(&format!("{}: {}: {done}\n", self.client.title(), place.named.display()))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl InstallCommand {
    fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let config = self.config(global)?;
        let (which, place) = (&self.which, self.which.place()?);
        let mut document = place.document()?;
        let there = which.ours(&place, &document)?;
        let program = std::env::current_exe()?;
        let entry = Entry::new(&program, &config, self.role.as_deref());
        document.set(which.client, &which.name, &entry, &place.named)?;
        let text = document.text();
        let file_is_there = place.before.is_some();
        match (there, place.before.as_deref() == Some(&text)) {
            (Some(_), true) => return which.say(&place, "the gateway is installed already"),
            _ if which.dry_run => return Ok(place.show(Some(&text)).map(|()| ExitCode::SUCCESS)?),
            _ => {}
        }
        let backup = place.write(&text)?;
        let kept = backup.map(|backup| format!("; as it was: {}", backup.display())).unwrap_or_default();
        let role = self.role.as_ref().map(|role| format!(" in the role {role}")).unwrap_or_default();
        let restart = if file_is_there { "restart it to use it" } else { "a new file; restart it to use it" };
        which.say(&place, &format!("installed the gateway{role}{kept}; {restart}"))
    }

    /// The configuration's file, by its whole path. A client that could not start the gateway would only say that it
    /// failed: what is wrong is said here.
    fn config(&self, global: &Global) -> anyhow::Result<PathBuf> {
        let file = find(global.config.as_deref())?;
        let loaded = Config::load(&file)?;
        loaded.config.role_set(None).resolve(self.role.as_deref()).map_err(|error| no_role(&error))?;
        Ok(absolute(&file)?.components().collect())
    }
}

impl UninstallCommand {
    fn run(self) -> anyhow::Result<ExitCode> {
        let (which, place) = (&self.which, self.which.place()?);
        let mut document = place.document()?;
        let Some(there) = which.ours(&place, &document)? else {
            return which.say(&place, "the gateway is not installed there");
        };
        document.remove(which.client.section(), &which.name);
        let text = place.as_it_was(which.client, &which.name, &there, &document)?;
        if which.dry_run {
            return Ok(place.show(text.as_deref()).map(|()| ExitCode::SUCCESS)?);
        }
        match text {
            Some(text) => drop(place.write(&text)?),
            None => place.delete()?,
        }
        which.say(&place, "took the gateway out")
    }
}

impl TakeCommand {
    fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let machine = Machine::here()?;
        let mut all = Vec::new();
        for client in Known::ALL.into_iter().filter(|client| self.client.is_none_or(|named| named == *client)) {
            for (file, path) in client.servers(&machine) {
                let Some(text) = place::read(&file)? else { continue };
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                let imported = import::read_at(&text, &file, &path, client.format()).map_err(taking::not_imported)?;
                all.extend(imported.map(|imported| (file, imported)));
            }
        }
        if all.is_empty() {
            let whose = self.client.map_or("no client of this machine", Known::title);
            let looked = self.client.map(|client| client.servers(&machine)).unwrap_or_default();
            let looked: Vec<String> = looked.iter().map(|(file, _)| file.display().to_string()).collect();
            let message = match looked.is_empty() {
                true => format!("{whose} has servers"),
                false => format!("{whose} has no servers in {}", looked.join(", ")),
            };
            return Err(Usage::new(message).hint("`gateway client list` shows where clients keep them").into());
        }
        let manner = taking::Manner { dry_run: self.dry_run, json: self.json };
        taking::run(&taking::target(global), all, manner)
    }
}

/// The part of a path that a person reads.
fn below_home(file: &Path, machine: &Machine) -> String {
    match file.strip_prefix(&machine.home) {
        Ok(rest) => format!("~/{}", rest.display()),
        Err(_) => file.display().to_string(),
    }
}
