//! `gateway plugin test`: what a plugin does, held against what its `plugin.test.yaml` expects.

mod outcome;
mod script;
mod stage;

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use bytes::Bytes;
use gateway_core::{
    filter::{Filter, Seen},
    name::{Naming, SourceName},
    payload::{Json, Op, Request},
    source::Events,
};
use gateway_wasm::{Plugin, PluginConfig, PluginEngine, PluginSettings, config::Manifest, observe::Measured};
use serde::Serialize;

use self::{
    outcome::Outcome,
    script::{Case, FILE, FilterCase, ScriptError},
};
pub(super) use self::{script::Script, stage::call};
use super::{bad_manifest, broken, build, examine, unavailable, with_hint};
use crate::{
    cli::{Global, Usage, output, progress::Progress},
    folders::Folders,
    packages::{self, PackageError, file},
};

/// Test a plugin with the cases of its plugin.test.yaml
#[derive(Debug, clap::Args)]
pub struct TestCommand {
    /// The plugin's folder
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// Run only the cases whose names contain this
    #[arg(long, value_name = "TEXT")]
    case: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What came of all cases.
#[derive(Debug, Serialize)]
struct Report {
    plugin: String,
    passed: usize,
    failed: usize,
    cases: Vec<Tested>,
}

/// What came of one.
#[derive(Debug, Serialize)]
struct Tested {
    name: String,
    passed: bool,
    /// From the call to its result.
    milliseconds: f64,
    /// The most that its memories and tables held together.
    memory_bytes: u64,
    /// WebAssembly operations; the same at every run.
    #[serde(skip_serializing_if = "Option::is_none")]
    fuel: Option<u64>,
    /// What was not as expected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    wrong: Vec<String>,
}

impl TestCommand {
    /// Runs the command: 0 where every case is as expected, 1 where one is not.
    ///
    /// # Errors
    /// Why nothing could be tested.
    pub async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        if !self.folder.is_dir() {
            return Err(Usage::new(format!("{}: there is no such folder", self.folder.display())).into());
        }
        let script = Script::in_folder(&self.folder).map_err(|error| no_script(&error))?;
        let (folders, progress) = (Folders::discover()?, Arc::new(Progress::idle()));
        let engine = examine::engine(&folders, &progress);
        let (name, bytes, manifest) = built(&self.folder, &folders, &engine, &progress, global.quiet).await?;
        let place = tempfile::tempdir()?;
        let settings = settings(&manifest, &script, &self.folder, &place)?;
        let (events, _told) = Events::channel();
        let naming = Naming::canonical(&name);
        let plugin = Plugin::new(name.clone(), naming, Arc::new(bytes), settings, engine, events);
        if let Err(error) = plugin.load().await {
            return Err(match error {
                gateway_core::error::CallError::Failed(failure) => broken(&failure),
                other => other.into(),
            });
        }
        progress.finish();
        let report = self.report(&name, &plugin, &script).await?;
        match self.json {
            true => output::print_json(&report)?,
            false => output::print(&report.text())?,
        }
        Ok(if report.failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }

    async fn report(&self, name: &SourceName, plugin: &Plugin, script: &Script) -> anyhow::Result<Report> {
        let wanted = |case: &&Case| self.case.as_ref().is_none_or(|part| case.name.contains(part));
        let mut cases = Vec::new();
        for case in script.cases.iter().filter(wanted) {
            let (outcome, measured) = run(plugin, script, case).await?;
            let wrong = outcome.mismatches(&case.expect, &measured);
            cases.push(Tested {
                name: case.name.clone(),
                passed: wrong.is_empty(),
                milliseconds: measured.time.as_secs_f64() * 1000.0,
                memory_bytes: measured.memory,
                fuel: measured.fuel,
                wrong,
            });
        }
        if cases.is_empty() {
            let which = self.case.as_ref().map(|part| format!(" whose name contains {part:?}")).unwrap_or_default();
            return Err(Usage::new(format!("{}: there is no case{which}", self.folder.join(FILE).display())).into());
        }
        let passed = cases.iter().filter(|case| case.passed).count();
        Ok(Report { plugin: name.to_string(), passed, failed: cases.len() - passed, cases })
    }
}

/// The plugin in `folder`, built where that is needed: its name, its component, and what it says about itself.
pub(super) async fn built(
    folder: &Path,
    folders: &Folders,
    engine: &Arc<PluginEngine>,
    progress: &Progress,
    quiet: bool,
) -> anyhow::Result<(SourceName, Bytes, Manifest)> {
    if packages::build::is_stale(folder).map_err(|error| unavailable(error.into()))? {
        build::run(folder, folders, engine, progress, quiet).await?;
    }
    let file = file::component(folder).map_err(|error| unavailable(error.into()))?;
    let bytes = file::read(&file).await.map_err(|error| unavailable(PackageError::File(error)))?;
    let what = file.display().to_string();
    let manifest = match examine::manifest(&examine::component(&bytes, &what)?, &what)? {
        Some(manifest) => manifest,
        None => packages::manifest::in_folder(folder).map_err(bad_manifest)?.unwrap_or_default(),
    };
    Ok((name(&manifest, &file)?, bytes.into(), manifest))
}

/// Runs one case.
async fn run(plugin: &Plugin, script: &Script, case: &Case) -> anyhow::Result<(Outcome, Measured)> {
    let call = call(script)?;
    if let Some(filter) = &case.filter {
        let seen = seen(filter);
        let outcome = match &filter.result {
            Some(result) => Outcome::judged(plugin.after(seen, Json::from_value(result), &call).await),
            None => Outcome::decided(plugin.before(seen, &call).await),
        };
        return Ok((outcome, Measured::default()));
    }
    let (op, target) = match (&case.tool, &case.prompt, &case.resource) {
        (Some(tool), ..) => (Op::CallTool, tool),
        (_, Some(prompt), _) => (Op::GetPrompt, prompt),
        (.., Some(uri)) => (Op::ReadResource, uri),
        // Seen when the file was read.
        _ => anyhow::bail!("case {:?} asks for nothing", case.name),
    };
    let arguments = case.arguments.as_ref().map(Json::from_value);
    let request = Request { op, target: target.as_str().into(), arguments, meta: None, rest: Vec::new() };
    let (reply, measured) = plugin.measure(request, call).await;
    Ok((Outcome::of(reply), measured))
}

fn seen(filter: &FilterCase) -> Seen {
    Seen {
        tool: filter.tool.as_str().into(),
        arguments: filter.arguments.as_ref().map_or_else(Json::empty_object, Json::from_value),
        role: filter.role.as_deref().unwrap_or("all").into(),
    }
}

/// The plugin as it asks to be run.
fn settings(
    manifest: &Manifest,
    script: &Script,
    folder: &Path,
    place: &tempfile::TempDir,
) -> anyhow::Result<PluginSettings> {
    let config = PluginConfig {
        permissions: stage::permissions(&manifest.permissions, script, folder, place)?,
        limits: manifest.limits.clone(),
        config: script.config.clone(),
        ..PluginConfig::from_source("")
    };
    Ok(PluginSettings {
        counts_fuel: true,
        rehearsal: Some(Arc::new(script.rehearsal())),
        ..PluginSettings::new(&config, Path::new(""))
    })
}

fn name(manifest: &Manifest, file: &Path) -> anyhow::Result<SourceName> {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let name = manifest.name.as_deref().unwrap_or(stem);
    SourceName::new(name).or_else(|_| SourceName::new("plugin")).map_err(Into::into)
}

fn no_script(error: &ScriptError) -> anyhow::Error {
    let hint = match error {
        ScriptError::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            "write one: `cases: [{ name: adds, tool: add, arguments: { a: 1, b: 2 }, expect: { text: \"3\" } }]`"
        }
        _ => "the README says what may stand in it",
    };
    with_hint(Usage::new(error.to_string()).into(), Some(hint.to_owned()))
}

impl Report {
    fn text(&self) -> String {
        let width = self.cases.iter().map(|case| case.name.chars().count()).max().unwrap_or_default();
        let mut text = String::new();
        let _ = writeln!(text, "{}", self.plugin);
        for case in &self.cases {
            let mark = if case.passed { "ok  " } else { "FAIL" };
            let name = super::text::plain(&case.name);
            let fuel = case.fuel.map(|fuel| format!("  {fuel:>12} fuel")).unwrap_or_default();
            let kib = case.memory_bytes.div_ceil(1024);
            let _ = writeln!(text, "  {mark}  {name:width$}  {:>9.3} ms  {kib:>7} KiB{fuel}", case.milliseconds);
            for wrong in &case.wrong {
                let _ = writeln!(text, "        {}", super::text::plain(wrong));
            }
        }
        let _ = writeln!(text, "{} passed, {} failed", self.passed, self.failed);
        text
    }
}
