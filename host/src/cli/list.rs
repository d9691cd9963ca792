//! `gateway list`: what there is, and what a role sees of it.

use std::{collections::BTreeMap, fmt::Write as _, process::ExitCode, sync::Arc};

use gateway_core::{
    snapshot::{Entry, Target},
    source::{Kind, Source},
};
use serde::{Deserialize, Serialize};

use super::{
    Global,
    open::{Logging, everything, observer, open},
    output,
    progress::Progress,
};
use crate::app::App;

/// List servers, plugins, pipelines and the tools that a role sees
#[derive(Debug, clap::Args)]
pub struct ListCommand {
    /// The role [default: `default_role`]
    #[arg(long, env = "MCP_GATEWAY_ROLE")]
    role: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Listing {
    role: String,
    servers: BTreeMap<String, Listed>,
    plugins: BTreeMap<String, Listed>,
    pipelines: BTreeMap<String, Listed>,
    tools: Vec<ListedTool>,
}

#[derive(Debug, Serialize)]
struct Listed {
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Missing: not known yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct ListedTool {
    name: String,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

impl ListCommand {
    /// Runs the command. Starts no server: what is not known yet is said to be so.
    ///
    /// # Errors
    /// Wrong usage or configuration.
    pub async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let progress = Arc::new(Progress::start("reading the plugins"));
        let app = open(global, self.role.as_deref(), Logging::Quiet, Some(&observer(&progress)))?;
        let listing = Self::listing(&app).await;
        progress.finish();
        app.stop().await;
        let listing = listing?;
        match self.json {
            true => output::print_json(&listing)?,
            false => output::print(&listing.text())?,
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn listing(app: &App) -> anyhow::Result<Listing> {
        let snapshot = everything(app).await?;
        let mut listing = Listing {
            role: snapshot.roles().get(app.role()).name.to_string(),
            servers: BTreeMap::new(),
            plugins: BTreeMap::new(),
            pipelines: BTreeMap::new(),
            tools: snapshot
                .visible(app.role(), Kind::Tool)
                .map(|(entry, source)| ListedTool::of(entry, source))
                .collect(),
        };
        let desired = app.desired();
        let config = &desired.config;
        for (name, server) in config.servers.iter() {
            let description = server.description.clone().or_else(|| server.command.clone());
            listing.servers.insert(name.to_string(), Listed::new(server.enabled, description));
        }
        for (name, plugin) in config.plugins.iter() {
            listing.plugins.insert(name.to_string(), Listed::new(plugin.enabled, None));
        }
        for (name, pipeline) in config.pipelines.iter() {
            let listed = Listed { tools: Some(1), ..Listed::new(true, pipeline.description.clone()) };
            listing.pipelines.insert(name.to_string(), listed);
        }
        for broken in &desired.broken {
            let listed = Listed { error: Some(broken.reason.clone()), ..Listed::new(true, None) };
            listing.section(broken.section).insert(broken.name.to_string(), listed);
        }
        for source in snapshot.sources() {
            let status = source.status();
            if let Some(listed) = listing
                .section(if status.kind == "plugin" { "plugins" } else { "servers" })
                .get_mut(source.name().as_str())
            {
                (listed.tools, listed.error) = (status.tools, status.error);
            }
        }
        Ok(listing)
    }
}

impl ListedTool {
    fn of(entry: &Entry, source: &Arc<dyn Source>) -> Self {
        #[derive(Deserialize)]
        struct Head {
            title: Option<String>,
            description: Option<String>,
        }
        let head = entry.definition().to::<Head>().ok();
        let described = head.and_then(|head| head.description.or(head.title));
        let description = match &entry.target {
            Target::Local(_) => described,
            Target::Placeholder => Some("tools not known yet; call it, or any of them, to start the server".to_owned()),
        };
        Self { name: entry.public.to_string(), source: source.name().to_string(), description }
    }
}

impl Listing {
    fn section(&mut self, name: &str) -> &mut BTreeMap<String, Listed> {
        match name {
            "plugins" => &mut self.plugins,
            "pipelines" => &mut self.pipelines,
            _ => &mut self.servers,
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let sections = [("Servers", &self.servers), ("Plugins", &self.plugins), ("Pipelines", &self.pipelines)];
        // Most have no pipelines, and need not hear of them.
        for (heading, sources) in sections.into_iter().filter(|(name, of)| *name != "Pipelines" || !of.is_empty()) {
            let _ = writeln!(text, "{heading} ({}):", sources.len());
            for (name, source) in sources {
                let _ = writeln!(text, "  {name}: {}", source.text());
            }
            text.push('\n');
        }
        let _ = writeln!(text, "Tools that the role {} sees ({}):", self.role, self.tools.len());
        let width = self.tools.iter().map(|tool| tool.name.len()).max().unwrap_or_default();
        for tool in &self.tools {
            let description = tool.description.as_deref().map(gist).unwrap_or_default();
            let _ = writeln!(text, "{}", format!("  {:width$}  {description}", tool.name).trim_end());
        }
        text
    }
}

impl Listed {
    fn new(enabled: bool, description: Option<String>) -> Self {
        Self { enabled, description, tools: None, error: None }
    }

    fn text(&self) -> String {
        let state = match (self.enabled, &self.error, self.tools) {
            (false, ..) => "disabled".to_owned(),
            (true, Some(error), _) => error.clone(),
            (true, None, Some(1)) => "1 tool".to_owned(),
            (true, None, Some(tools)) => format!("{tools} tools"),
            (true, None, None) => "tools not known yet".to_owned(),
        };
        match &self.description {
            Some(description) => format!("{description} [{state}]"),
            None => format!("[{state}]"),
        }
    }
}

/// What a person needs of a description that was written for models: its first sentence, cut where it is long.
pub(super) fn gist(description: &str) -> String {
    const WIDTH: usize = 80;
    let line = description.lines().next().unwrap_or_default();
    let sentence = line.split_inclusive(". ").next().unwrap_or_default().trim_end();
    match sentence.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", sentence[..end].trim_end()),
        None => sentence.to_owned(),
    }
}
