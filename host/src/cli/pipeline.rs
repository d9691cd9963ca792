//! `gateway pipeline …`: what pipelines there are, and whether one of them could run.

mod check;

use std::{fmt::Write as _, process::ExitCode};

use gateway_core::name::{Naming, SourceName};
use serde::Serialize;

use super::{
    Global,
    open::{self, Logging},
    output,
};
use crate::{
    config::{Broken, Config, Loaded},
    sources::pipeline::{config::PipelineConfig, look},
};

/// List pipelines and check them
#[derive(Debug, clap::Subcommand)]
pub enum PipelineCommand {
    /// List the pipelines of the configuration
    List(ListCommand),
    /// Hold a pipeline against the tools that it names, without running it
    Check(check::CheckCommand),
}

/// `pipeline list`.
#[derive(Debug, clap::Args)]
pub struct ListCommand {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Listing {
    pipelines: Vec<Listed>,
}

#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    /// The tool that it is.
    tool: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    steps: Vec<Step>,
    /// Why it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Step {
    id: String,
    tool: String,
}

impl PipelineCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Wrong usage or configuration.
    pub async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(command) => command.run(global),
            Self::Check(command) => command.run(global).await,
        }
    }
}

impl ListCommand {
    fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let (_, loaded) = open::load(global, Logging::Quiet)?;
        let listing = Listing::of(&loaded);
        match self.json {
            true => output::print_json(&listing)?,
            false => output::print(&listing.text())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The public name of a pipeline.
fn tool(name: &SourceName, config: &Config) -> String {
    let separator = config.separator.as_str().into();
    Naming { prefix: Some("pipeline".into()), separator }.public(name.as_str()).to_string()
}

impl Listing {
    fn of(loaded: &Loaded) -> Self {
        let config = &loaded.config;
        let usable = config.pipelines.iter().map(|(name, pipeline)| Listed::of(name, pipeline, config));
        let broken = loaded.broken.iter().filter(|broken| broken.section == "pipelines");
        Self { pipelines: usable.chain(broken.map(|broken| Listed::broken(broken, config))).collect() }
    }

    fn text(&self) -> String {
        if self.pipelines.is_empty() {
            return "No pipelines are configured.\n".to_owned();
        }
        let mut text = String::new();
        for pipeline in &self.pipelines {
            let what = match (&pipeline.error, &pipeline.description) {
                (Some(error), _) => format!("cannot be used: {error}"),
                (None, Some(description)) => description.clone(),
                (None, None) => String::new(),
            };
            let _ = writeln!(text, "{}", format!("{}  {what}", pipeline.tool).trim_end());
            for step in &pipeline.steps {
                let _ = writeln!(text, "  {}: {}", step.id, step.tool);
            }
        }
        text
    }
}

impl Listed {
    fn of(name: &SourceName, pipeline: &PipelineConfig, config: &Config) -> Self {
        let (plan, _) = look(pipeline);
        let steps = plan.calls().map(|(id, tool)| Step { id: id.to_owned(), tool: tool.to_owned() }).collect();
        let description = pipeline.description.clone();
        Self { name: name.to_string(), tool: tool(name, config), description, steps, error: None }
    }

    fn broken(broken: &Broken, config: &Config) -> Self {
        let (name, error) = (&broken.name, Some(broken.reason.clone()));
        Self { name: name.to_string(), tool: tool(name, config), description: None, steps: Vec::new(), error }
    }
}
