//! `gateway roles …`: what roles there are, and why one of them sees a tool or does not.

mod explain;

use std::{fmt::Write as _, process::ExitCode};

use gateway_core::role::Pattern;
use serde::Serialize;

use super::{
    Global,
    open::{self, Logging},
    output,
};
use crate::config::{Config, RoleConfig};

/// List roles and explain what they see
#[derive(Debug, clap::Subcommand)]
pub enum RolesCommand {
    /// List the roles of the configuration
    List(ListCommand),
    /// Say which glob shows a tool to a role or hides it
    Explain(explain::ExplainCommand),
}

/// `roles list`.
#[derive(Debug, clap::Args)]
pub struct ListCommand {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Listing {
    default_role: Option<String>,
    roles: Vec<Listed>,
}

#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    /// `null`: everything.
    allow: Option<Vec<String>>,
    deny: Vec<String>,
}

impl RolesCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Wrong usage or configuration.
    pub async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(command) => command.run(global),
            Self::Explain(command) => command.run(global).await,
        }
    }
}

impl ListCommand {
    fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let (_, loaded) = open::load(global, Logging::Quiet)?;
        let listing = Listing::of(&loaded.config);
        match self.json {
            true => output::print_json(&listing)?,
            false => output::print(&listing.text())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Listing {
    fn of(config: &Config) -> Self {
        let roles = config.roles.iter().map(|(name, role)| Listed::of(name, role)).collect();
        Self { default_role: config.default_role.clone(), roles }
    }

    fn text(&self) -> String {
        if self.roles.is_empty() {
            return "No roles are configured: every tool is seen.\n".to_owned();
        }
        let width = self.roles.iter().map(|role| role.name.len()).max().unwrap_or_default();
        let mut text = String::new();
        for role in &self.roles {
            let default = if self.default_role.as_deref() == Some(&role.name) { " (default)" } else { "" };
            let _ = writeln!(text, "{:width$}  {}{default}", role.name, role.text());
        }
        text
    }
}

impl Listed {
    fn of(name: &str, role: &RoleConfig) -> Self {
        let texts = |globs: &[Pattern]| globs.iter().map(|glob| glob.as_str().to_owned()).collect();
        Self { name: name.to_owned(), allow: role.allow.as_deref().map(texts), deny: texts(&role.deny) }
    }

    fn text(&self) -> String {
        let allowed = match self.allow.as_deref() {
            None => "every tool".to_owned(),
            Some([]) => "no tool".to_owned(),
            Some(globs) => globs.join(", "),
        };
        match self.deny.as_slice() {
            [] => allowed,
            globs => format!("{allowed}, but not {}", globs.join(", ")),
        }
    }
}
