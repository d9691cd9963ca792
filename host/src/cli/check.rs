//! `gateway check`: what is wrong with the configuration, without starting anything.

use std::{
    io::{Write as _, stderr},
    process::ExitCode,
};

use serde::Serialize;

use super::{Global, output};
use crate::config::{
    Config, LoadError, Problem, Report, find,
    problem::{Place, Severity},
};

/// Check the configuration without starting anything
///
/// Shows every mistake at once, with its place and what to write instead. Exits with 2 where there are any.
#[derive(Debug, clap::Args)]
pub struct CheckCommand {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Checked<'a> {
    file: String,
    ok: bool,
    problems: Vec<Shown<'a>>,
}

#[derive(Debug, Serialize)]
pub(super) struct Shown<'a> {
    severity: &'static str,
    /// Whether the rest of the configuration can be used all the same.
    usable: bool,
    path: String,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
}

impl CheckCommand {
    /// Runs the command: 0 where nothing is wrong, 2 otherwise; warnings are not wrong.
    ///
    /// # Errors
    /// Where there is no configuration, or it cannot be read.
    pub fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let file = find(global.config.as_deref())?;
        let (config, report) = match Config::load(&file) {
            Ok(loaded) => (Some(loaded.config), loaded.report),
            Err(LoadError::Invalid(report)) => (None, *report),
            Err(error) => return Err(error.into()),
        };
        let summary = summary(&report, config.as_ref());
        if self.json {
            output::print_json(&Checked::of(&report))?;
        } else {
            let gap = if report.problems.is_empty() { "" } else { "\n" };
            stderr().write_all(format!("{report}{gap}").as_bytes())?;
            output::print(&summary)?;
        }
        Ok(if report.has_errors() { ExitCode::from(2) } else { ExitCode::SUCCESS })
    }
}

/// One line: what is wrong, or what there is.
pub(super) fn summary(report: &Report, config: Option<&Config>) -> String {
    let errors = report.count(Severity::Error) + report.count(Severity::Entry);
    let mut found: Vec<String> = Vec::new();
    if errors > 0 {
        found.push(counted(errors, "error"));
    }
    if report.count(Severity::Warning) > 0 {
        found.push(counted(report.count(Severity::Warning), "warning"));
    }
    if let Some(config) = config.filter(|_| errors == 0) {
        let ok = format!(
            "ok, with {}, {} and {}",
            counted(config.servers.len(), "server"),
            counted(config.plugins.len(), "plugin"),
            counted(config.roles.len(), "role")
        );
        found.insert(0, ok);
    }
    format!("{}: {}\n", report.file.display(), found.join(", "))
}

pub(super) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

impl<'a> Checked<'a> {
    fn of(report: &'a Report) -> Self {
        Self {
            file: report.file.display().to_string(),
            ok: !report.has_errors(),
            problems: report.problems.iter().map(Shown::of).collect(),
        }
    }
}

impl<'a> Shown<'a> {
    pub(super) fn of(problem: &'a Problem) -> Self {
        let place = |part: fn(&Place) -> usize| problem.place.as_ref().map(part);
        Self {
            severity: if problem.severity == Severity::Warning { "warning" } else { "error" },
            usable: problem.severity != Severity::Error,
            path: problem.path.to_string(),
            message: &problem.message,
            hint: problem.hint.as_deref(),
            line: place(|place| place.line),
            column: place(|place| place.column),
        }
    }
}
