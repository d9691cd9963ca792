//! `gateway pipeline check`: a pipeline held against the tools that it names.

use std::{
    collections::{BTreeMap, HashMap},
    io::{Write as _, stderr},
    process::ExitCode,
    sync::Arc,
};

use gateway_core::{
    snapshot::{Snapshot, Target},
    source::{Client, Kind, Nobody},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::{
    Global, Usage,
    open::{self, Logging},
    output,
    progress::Progress,
};
use crate::{
    app::App,
    config::{Config, nearest, report_of_pipeline},
    sources::pipeline::{
        check::{Tool, check},
        flaw::Flaw,
        look,
        plan::Plan,
    },
};

/// Hold a pipeline against the tools that it names, without running it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Starts the servers whose tools are not known yet. Exits with 0 where nothing is wrong, with 1 where \
                        a server cannot be asked, with 2 where the pipeline has a mistake."
)]
pub struct CheckCommand {
    /// The pipeline
    name: String,
    /// The role that would call it [default: `default_role`]
    #[arg(long, env = "MCP_GATEWAY_ROLE")]
    role: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Checked<'a> {
    pipeline: &'a str,
    ok: bool,
    problems: Vec<Shown<'a>>,
    /// Servers that could not be asked, each with the reason.
    unknown: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
struct Shown<'a> {
    path: String,
    message: &'a str,
    hint: &'a str,
}

impl CheckCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Wrong usage or configuration.
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let (file, loaded) = open::load(global, Logging::Quiet)?;
        let Some(pipeline) = loaded.config.pipelines.get(&self.name).cloned() else {
            let broken =
                loaded.broken.iter().find(|entry| entry.section == "pipelines" && entry.name.as_str() == self.name);
            return Err(match broken {
                Some(broken) => with_hint(Usage::new(broken.reason.clone()), broken.hint.as_deref()).into(),
                None => unknown(&self.name, &loaded.config).into(),
            });
        };
        let progress = Arc::new(Progress::start("asking the servers"));
        let observer = open::observer(&progress);
        let app = open::build(&file, loaded, self.role.as_deref(), Some(&observer))?;
        let (plan, warnings) = look(&pipeline);
        let learnt = learn(&app, &plan).await;
        progress.finish();
        let tools = learnt.as_ref().map(|(snapshot, _)| tools(&app, snapshot)).unwrap_or_default();
        app.stop().await;
        let (_, failed) = learnt?;
        let mut flaws = check(&pipeline, &plan, &tools);
        // Of a server that cannot be asked, nothing is known.
        flaws.retain(|flaw| !failed.iter().any(|(_, stem, _)| is_about(flaw, stem, &plan)));
        flaws.extend(warnings);
        self.show(&file, &flaws, &failed)
    }

    fn show(&self, file: &std::path::Path, flaws: &[Flaw], failed: &[Failed]) -> anyhow::Result<ExitCode> {
        let is_wrong = flaws.iter().any(|flaw| flaw.fatal);
        let code = if is_wrong { 2 } else { u8::from(!failed.is_empty()) };
        if self.json {
            let shown = flaws.iter().map(|flaw| Shown { path: flaw.place(), message: &flaw.message, hint: &flaw.hint });
            let unknown = failed.iter().map(|(server, _, reason)| (server.clone(), reason.clone())).collect();
            output::print_json(&Checked { pipeline: &self.name, ok: code == 0, problems: shown.collect(), unknown })?;
            return Ok(ExitCode::from(code));
        }
        let report = report_of_pipeline(file, &self.name, flaws);
        let mut text = report.to_string();
        for (server, _, reason) in failed {
            text.push_str(&format!("error: server {server:?} cannot be asked: {reason}\n"));
        }
        stderr().write_all(text.as_bytes())?;
        if code == 0 {
            output::print(&format!("{}: ok\n", self.name))?;
        }
        Ok(ExitCode::from(code))
    }
}

/// A server that could not be asked, what its tools' names begin with, and why.
type Failed = (String, String, String);

/// Finds out what the servers offer whose tools the plan names.
async fn learn(app: &App, plan: &Plan) -> anyhow::Result<(Arc<Snapshot>, Vec<Failed>)> {
    let nobody: Arc<dyn Client> = Arc::new(Nobody);
    let snapshot = open::everything(app).await?;
    let mut failed = Vec::new();
    for source in snapshot.sources() {
        let stem = source.naming().stem().unwrap_or_default();
        let is_named = plan
            .calls()
            .any(|(_, tool)| tool.starts_with(&stem) && snapshot.find(app.role(), Kind::Tool, tool).is_none());
        if is_named
            && source.offer(nobody.abilities()).tools.is_none()
            && let Err(error) = source.learn(&nobody).await
        {
            failed.push((source.name().to_string(), stem, error.to_string()));
        }
    }
    Ok((open::everything(app).await?, failed))
}

/// All that the role may call.
fn tools(app: &App, snapshot: &Snapshot) -> HashMap<String, Tool> {
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "camelCase", default)]
    struct Definition {
        input_schema: Value,
        output_schema: Option<Value>,
    }
    let known = snapshot.visible(app.role(), Kind::Tool).filter(|(entry, _)| matches!(entry.target, Target::Local(_)));
    let tool = |entry: &gateway_core::snapshot::Entry| {
        let Definition { input_schema, output_schema } = entry.definition().to().unwrap_or_default();
        (entry.public.to_string(), Tool { input: input_schema, output: output_schema })
    };
    known.map(|(entry, _)| tool(entry)).collect()
}

/// Whether it says that there is no tool of a name that begins so.
fn is_about(flaw: &Flaw, stem: &str, plan: &Plan) -> bool {
    plan.calls().any(|(_, tool)| tool.starts_with(stem) && flaw.message == format!("there is no tool `{tool}`"))
}

fn unknown(name: &str, config: &Config) -> Usage {
    let names: Vec<&str> = config.pipelines.names().map(|name| name.as_str()).collect();
    let hint = match (nearest(name, &names), names.is_empty()) {
        (Some(near), _) => format!("did you mean {near:?}?"),
        (None, true) => "the configuration has no `pipelines`".to_owned(),
        (None, false) => format!("the pipelines are {}", names.join(", ")),
    };
    Usage::new(format!("there is no pipeline {name:?}")).hint(hint)
}

fn with_hint(usage: Usage, hint: Option<&str>) -> Usage {
    match hint {
        Some(hint) => usage.hint(hint),
        None => usage,
    }
}
