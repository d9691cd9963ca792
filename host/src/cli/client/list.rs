//! `gateway client list`.

use std::{fmt::Write as _, path::PathBuf, process::ExitCode};

use serde::Serialize;

use super::{
    below_home,
    document::Document,
    entry::Entry,
    known::{Known, Machine, Scope},
    place::read,
};
use crate::cli::output;

/// List the clients of this machine, and where the gateway is installed
#[derive(Debug, clap::Args)]
pub struct ListCommand {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A client.
#[derive(Debug, Serialize)]
struct Listed {
    client: &'static str,
    title: &'static str,
    /// Whether there are signs of it on this machine.
    present: bool,
    settings: Vec<Settings>,
}

/// One of its files.
#[derive(Debug, Serialize)]
struct Settings {
    scope: &'static str,
    file: PathBuf,
    exists: bool,
    /// The gateway's entries in it.
    installed: Vec<Installed>,
    /// How many other servers there are in it.
    servers: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Installed {
    name: String,
    #[serde(flatten)]
    entry: Entry,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<String>,
}

impl ListCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Where it cannot be told whose settings they are.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let machine = Machine::here()?;
        let listed: Vec<Listed> = Known::ALL.iter().map(|client| Listed::of(*client, &machine)).collect();
        if self.json {
            output::print_json(&listed)?;
        } else {
            output::print(&text(&listed, &machine))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Listed {
    fn of(client: Known, machine: &Machine) -> Self {
        let settings = |(scope, name)| Some(Settings::of(client, name, client.file(scope, machine)?));
        Self {
            client: client.id(),
            title: client.title(),
            present: client.is_there(machine),
            settings: [(Scope::User, "user"), (Scope::Project, "project")].into_iter().filter_map(settings).collect(),
        }
    }
}

impl Settings {
    fn of(client: Known, scope: &'static str, file: PathBuf) -> Self {
        let entries = read(&file).and_then(|text| {
            let Some(text) = text else { return Ok(None) };
            Ok(Some(Document::parse(&text, &file)?.entries(client.section(), &file)?))
        });
        let (exists, entries, error) = match entries {
            Ok(entries) => (entries.is_some(), entries.unwrap_or_default(), None),
            Err(error) => (true, serde_json::Map::new(), Some(format!("{error:#}"))),
        };
        let own = |(name, entry): (&String, &serde_json::Value)| {
            let entry = Entry::of(entry)?;
            Some(Installed { name: name.clone(), config: entry.config().map(str::to_owned), entry })
        };
        let installed: Vec<_> = entries.iter().filter_map(own).collect();
        Self { scope, exists, servers: entries.len() - installed.len(), installed, error, file }
    }

    fn state(&self) -> String {
        if let Some(error) = &self.error {
            return error.clone();
        }
        let others = match self.servers {
            0 => String::new(),
            1 => ", 1 other server".to_owned(),
            servers => format!(", {servers} other servers"),
        };
        if self.installed.is_empty() {
            return format!("not installed{others}");
        }
        let entry = |installed: &Installed| {
            let role = installed.entry.role.as_ref().map(|role| format!(" in the role {role}")).unwrap_or_default();
            let config = installed.config.as_ref().map(|config| format!(" on {config}")).unwrap_or_default();
            format!("installed as {}{role}{config}", installed.name)
        };
        format!("{}{others}", self.installed.iter().map(entry).collect::<Vec<_>>().join("; "))
    }
}

fn text(listed: &[Listed], machine: &Machine) -> String {
    let mut text = String::new();
    for client in listed {
        let here = if client.present { "" } else { ": no sign of it on this machine" };
        let _ = writeln!(text, "{} ({}){here}", client.title, client.client);
        // Of a project's settings only those that there are.
        for settings in
            client.settings.iter().filter(|settings| settings.exists || (client.present && settings.scope == "user"))
        {
            let _ = writeln!(text, "  {}: {}", below_home(&settings.file, machine), settings.state());
        }
    }
    text
}
