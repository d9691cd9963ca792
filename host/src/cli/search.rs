//! `gateway search`: tools by what they do.

use std::{fmt::Write as _, process::ExitCode, sync::Arc};

use super::{
    Global,
    list::gist,
    open::{Logging, everything, observer, open},
    output,
    progress::Progress,
};
use crate::{
    app::App,
    sources::native::search::{Found, LIMIT, ToolIndex, Wanted},
};

/// Find tools by what they do, best first
#[derive(Debug, clap::Args)]
pub struct SearchCommand {
    /// A few words
    #[arg(required = true)]
    query: Vec<String>,
    /// How many tools to show
    #[arg(long, value_name = "N", default_value_t = LIMIT)]
    limit: usize,
    /// The role to search as [default: `default_role`]
    #[arg(long, env = "MCP_GATEWAY_ROLE")]
    role: Option<String>,
    /// Print JSON, with the schemas
    #[arg(long)]
    json: bool,
}

impl SearchCommand {
    /// Runs the command: 0 found something, 1 nothing. Starts no server: what is not known yet is said to be so.
    ///
    /// # Errors
    /// Wrong usage or configuration.
    pub async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let progress = Arc::new(Progress::start("reading the plugins"));
        let app = open(global, self.role.as_deref(), Logging::Quiet, Some(&observer(&progress)))?;
        let found = self.found(&app).await;
        progress.finish();
        app.stop().await;
        let found = found?;
        match self.json {
            true => output::print_json(&found)?,
            false => output::print(&text(&found))?,
        }
        Ok(if found.matches.is_empty() { ExitCode::from(1) } else { ExitCode::SUCCESS })
    }

    async fn found(&self, app: &App) -> anyhow::Result<Found> {
        let snapshot = everything(app).await?;
        let wanted = Wanted { query: self.query.join(" "), limit: self.limit, schemas: self.json, server: None };
        Ok(ToolIndex::new(&snapshot).search(&snapshot, app.role(), &wanted))
    }
}

fn text(found: &Found) -> String {
    let mut text = String::new();
    let width = found.matches.iter().map(|tool| tool.public_name.len()).max().unwrap_or_default();
    for tool in &found.matches {
        let line = format!("{:width$}  {}", tool.public_name, gist(&tool.description));
        let _ = writeln!(text, "{}", line.trim_end());
    }
    match found.total.saturating_sub(found.matches.len()) {
        0 if found.total == 0 => text.push_str("no tool matches\n"),
        0 => {}
        more => drop(writeln!(text, "and {more} more: --limit shows them")),
    }
    if !found.unknown_servers.is_empty() {
        let names = found.unknown_servers.join(", ");
        let _ = writeln!(text, "not searched, since their tools are not known yet: {names}");
    }
    text
}
