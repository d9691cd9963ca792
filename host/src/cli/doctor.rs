//! `gateway doctor`: what `check` does, and then every server and plugin is really started.

mod globs;
mod source;

use std::{
    fmt::Write as _,
    io::{Write as _, stderr},
    path::Path,
    process::ExitCode,
    sync::Arc,
};

use futures_util::{StreamExt as _, stream};
use gateway_core::source::Source;
use serde::Serialize;

use self::{globs::Unmatched, source::Examined};
use super::{
    Global,
    check::{self, counted, summary},
    open::{build, observer},
    output,
    progress::Progress,
};
use crate::{
    app::App,
    config::{Config, LoadError, Loaded, Report, find},
    telemetry,
};

/// How many are started at the same time: each may be a program that is only being installed.
const AT_ONCE: usize = 8;

/// Check the configuration, and start every server and plugin to see whether it works
///
/// Exits with 2 where the configuration has mistakes, else with 1 where something does not work.
#[derive(Debug, clap::Args)]
pub struct DoctorCommand {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Everything that was found.
#[derive(Serialize)]
struct Findings<'a> {
    file: String,
    ok: bool,
    problems: Vec<check::Shown<'a>>,
    sources: &'a [Examined],
    globs: &'a [Unmatched],
}

impl DoctorCommand {
    /// Runs the command: 0 where everything works, 1 where something does not, 2 where the configuration is wrong.
    ///
    /// # Errors
    /// Where there is no configuration, or it cannot be read.
    pub async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let file = find(global.config.as_deref())?;
        let (loaded, report) = match Config::load(&file) {
            Ok(loaded) => {
                let report = loaded.report.clone();
                (Some(loaded), report)
            }
            Err(LoadError::Invalid(report)) => (None, *report),
            Err(error) => return Err(error.into()),
        };
        // What goes wrong is told here in order, and not as it comes.
        telemetry::start(global.level().unwrap_or("error"));
        let line = summary(&report, loaded.as_ref().map(|loaded| &loaded.config));
        let (sources, globs) = match loaded {
            Some(loaded) => examine(&file, loaded, &report).await?,
            None => (Vec::new(), Vec::new()),
        };
        let failed = sources.iter().filter(|source| source.has_failed()).count();
        if self.json {
            let ok = !report.has_errors() && failed == 0;
            let problems = report.problems.iter().map(check::Shown::of).collect();
            let file = file.display().to_string();
            output::print_json(&Findings { file, ok, problems, sources: &sources, globs: &globs })?;
        } else {
            let gap = if report.problems.is_empty() { "" } else { "\n" };
            stderr().write_all(format!("{report}{gap}").as_bytes())?;
            output::print(&format!("{line}{}", text(&sources, &globs)))?;
        }
        Ok(match (report.has_errors(), failed) {
            (true, _) => ExitCode::from(2),
            (false, 0) => ExitCode::SUCCESS,
            (false, _) => ExitCode::FAILURE,
        })
    }
}

/// Starts everything that there is, and looks at what it offers.
async fn examine(file: &Path, loaded: Loaded, report: &Report) -> anyhow::Result<(Vec<Examined>, Vec<Unmatched>)> {
    // Which role it is makes no difference: nothing is asked in its name.
    let role = loaded.config.roles.names().next().cloned();
    let progress = Arc::new(Progress::start("starting servers and plugins"));
    let app = build(file, loaded, role.as_deref(), Some(&observer(&progress)))?;
    let all: Vec<Arc<dyn Source>> = app.gateway().sources();
    let mut sources: Vec<Examined> = stream::iter(&all)
        .filter(|source| {
            let is_own = source.status().kind == "gateway";
            async move { !is_own }
        })
        .map(Examined::of)
        .buffered(AT_ONCE)
        .collect()
        .await;
    progress.finish();
    sources.extend(not_started(&app));
    let globs = globs::unmatched(&app.desired().config, &all, report);
    app.stop().await;
    Ok((sources, globs))
}

/// What stands in the configuration and is not there.
fn not_started(app: &App) -> Vec<Examined> {
    let desired = app.desired();
    let servers = desired.config.servers.iter().filter(|(_, server)| !server.enabled).map(|(name, _)| (name, "server"));
    let plugins = desired.config.plugins.iter().filter(|(_, plugin)| !plugin.enabled).map(|(name, _)| (name, "plugin"));
    let disabled = servers.chain(plugins).map(|(name, kind)| Examined::disabled(name.as_str(), kind));
    disabled.chain(desired.broken.iter().map(Examined::broken)).collect()
}

fn text(sources: &[Examined], globs: &[Unmatched]) -> String {
    let mut text = String::new();
    for source in sources {
        source.write(&mut text);
    }
    for glob in globs {
        let _ = writeln!(text, "warning: {}: {}", glob.path, glob.message);
        if let Some(hint) = &glob.hint {
            let _ = writeln!(text, "  hint: {hint}");
        }
    }
    let started: Vec<_> = sources.iter().filter(|source| source.is_enabled()).collect();
    let failed = started.iter().filter(|source| source.has_failed()).count();
    let _ = match (started.len(), failed) {
        (0, _) => writeln!(text, "there is nothing to start"),
        (all, 0) => writeln!(text, "all that there is works: {}", counted(all, "source")),
        (all, failed) => writeln!(text, "{failed} of {} failed", counted(all, "source")),
    };
    text
}
