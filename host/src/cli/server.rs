//! `gateway server …`: external servers are added to the configuration, removed, switched on and off, and logged
//! in to.

mod add;
mod list;
mod login;
mod running;

use std::{
    io::{Write as _, stderr},
    path::PathBuf,
    process::ExitCode,
};

use serde_yaml::Value;

use super::{Global, Hint, Usage, output, running::Running};
use crate::config::{
    LoadError, Report,
    edit::{Edit, EditError},
    find, nearest,
};

/// Add, list and remove external servers
#[derive(Debug, clap::Subcommand)]
pub enum ServerCommand {
    /// Add a server to the configuration
    Add(add::AddCommand),
    /// Remove a server from the configuration
    Remove(NameArgument),
    /// List the servers of the configuration
    List(list::ListCommand),
    /// Log in to a remote server
    Login(login::LoginCommand),
    /// Forget what a login to a remote server brought
    Logout(login::LogoutCommand),
    /// Switch a server on
    Enable(NameArgument),
    /// Switch a server off, and keep what is written about it
    Disable(NameArgument),
}

/// Which server.
#[derive(Debug, clap::Args)]
pub struct NameArgument {
    /// The server's name
    name: String,
    #[command(flatten)]
    running: Running,
}

impl ServerCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Wrong usage or configuration, which is then as it was; a login that fails.
    pub async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        match self {
            Self::Add(command) => command.run(global).await?,
            Self::Remove(argument) => match argument.running.api(global)? {
                Some(api) => running::remove(&api, &argument.name).await?,
                None => remove(&argument.name, global)?,
            },
            Self::List(command) => command.run(global).await?,
            Self::Login(command) => command.run(global).await?,
            Self::Logout(command) => command.run(global)?,
            Self::Enable(argument) => argument.switch(true, global).await?,
            Self::Disable(argument) => argument.switch(false, global).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl NameArgument {
    async fn switch(&self, on: bool, global: &Global) -> anyhow::Result<()> {
        match self.running.api(global)? {
            Some(api) => running::switch(&api, &self.name, on).await,
            None => switch(&self.name, on, global),
        }
    }
}

/// The configuration that is changed.
struct Place {
    file: PathBuf,
    edit: Edit,
}

impl Place {
    /// The configuration; where there is none, one is begun in the working folder.
    fn open(global: &Global) -> anyhow::Result<Self> {
        let file = find(global.config.as_deref()).unwrap_or_else(|_| "gateway.yaml".into());
        let edit = Edit::open(&file).map_err(not_edited)?;
        Ok(Self { file, edit })
    }

    /// Fails where there is no server of that name.
    fn has(&self, name: &str) -> Result<(), Usage> {
        if self.edit.entry("servers", name).is_some() {
            return Ok(());
        }
        let usage = Usage::new(format!("{}: there is no server {name:?}", self.file.display()));
        if self.edit.entry("plugins", name).is_some() {
            return Err(usage.hint(format!("it is a plugin: `gateway plugin remove {name}` removes it")));
        }
        let names = self.edit.names("servers");
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Err(match (nearest(name, &names), names.is_empty()) {
            (Some(near), _) => usage.hint(format!("did you mean {near:?}?")),
            (None, false) => usage.hint(format!("the servers are {}", names.join(", "))),
            (None, true) => usage.hint("`gateway server add` adds one"),
        })
    }

    /// Writes the file, and says what was done and what is still to be done about the server.
    fn save(self, name: &str, done: &str) -> anyhow::Result<()> {
        let mut report = match self.edit.save() {
            Ok(report) => report,
            Err(EditError::Invalid(report)) => {
                show(&report)?;
                let message =
                    format!("{}: the file would have these mistakes, so it is as it was", self.file.display());
                return Err(Usage::new(message).into());
            }
            Err(error) => return Err(not_edited(error)),
        };
        report.problems.retain(|problem| is_about(problem.path.name(0), problem.path.name(1), name));
        show(&report)?;
        output::print(&format!("{}: {done}\n", self.file.display()))?;
        Ok(())
    }
}

fn is_about(section: Option<&str>, entry: Option<&str>, name: &str) -> bool {
    matches!(section, Some("servers" | "backends")) && entry == Some(name)
}

fn show(report: &Report) -> anyhow::Result<()> {
    stderr().write_all(report.to_string().as_bytes())?;
    Ok(())
}

fn remove(name: &str, global: &Global) -> anyhow::Result<()> {
    let mut place = Place::open(global)?;
    place.has(name)?;
    place.edit.remove_entry("servers", name).map_err(not_edited)?;
    place.save(name, &format!("removed the server {name}"))
}

fn switch(name: &str, on: bool, global: &Global) -> anyhow::Result<()> {
    let mut place = Place::open(global)?;
    place.has(name)?;
    let state = if on { "enabled" } else { "disabled" };
    let entry = place.edit.entry("servers", name).unwrap_or_default();
    // What is not written is on.
    let is_on = entry.get("enabled").is_none_or(|enabled| *enabled == Value::Bool(true));
    if is_on == on {
        return Ok(output::print(&format!("{}: the server {name} is {state} already\n", place.file.display()))?);
    }
    place.edit.set_scalar(&["servers", name, "enabled"], &Value::Bool(on)).map_err(not_edited)?;
    place.save(name, &format!("{state} the server {name}"))
}

fn not_edited(error: EditError) -> anyhow::Error {
    match (error.hint(), error) {
        // Shown as a configuration that cannot be loaded is.
        (_, EditError::Invalid(report)) => LoadError::Invalid(report).into(),
        (Some(hint), error @ EditError::Unsupported { .. }) => Usage::new(error.to_string()).hint(hint).into(),
        (Some(hint), error) => anyhow::Error::from(error).context(Hint(hint)),
        (None, error) => error.into(),
    }
}
