//! `gateway import`: servers and settings of another gateway, or of an MCP client, go into the configuration.

pub(super) mod apply;
mod shown;

use std::{
    fs,
    io::{Write as _, stderr},
    path::{Path, PathBuf},
    process::ExitCode,
};

use self::{apply::Applied, shown::Shown};
use super::{Global, Hint, Usage, output};
use crate::{
    config::{
        LoadError,
        edit::{Edit, EditError},
        find,
    },
    import::{self, ImportError, Imported},
};

/// What `--help` ends with.
const EXAMPLES: &str = "\
Reads the configurations of MCP Gateway for Python, mcp-unify, mcp-gw and MCP Multi-Server Gateway, and whatever has
`mcpServers`: Claude Desktop and Code, Cursor, Windsurf, Gemini CLI; also those of VS Code, Zed and Codex.

Examples:
  gateway import servers.yaml --dry-run
  gateway import ~/.claude.json
  gateway import old/gateway.yaml --config gateway.yaml";

/// Add the servers of another gateway or client to the configuration
///
/// Nothing that is there already is changed. What has no counterpart is reported, each with the reason.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ImportCommand {
    /// The other program's configuration: JSON, YAML or TOML
    file: PathBuf,
    /// Show what would change, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl ImportCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Wrong usage or configuration, which is then as it was.
    pub fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let target = target(global);
        refuse_itself(&self.file, &target)?;
        let imported = import::read_file(&self.file).map_err(not_imported)?;
        run(&target, vec![(self.file, imported)], Manner { dry_run: self.dry_run, json: self.json })
    }
}

/// How the outcome is given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub(super) dry_run: bool,
    pub(super) json: bool,
}

/// The configuration that things go into; where there is none, one is begun in the working folder.
pub(super) fn target(global: &Global) -> PathBuf {
    find(global.config.as_deref()).unwrap_or_else(|_| "gateway.yaml".into())
}

/// Puts what was read into the configuration, and says what came of it.
pub(super) fn run(target: &Path, all: Vec<(PathBuf, Imported)>, manner: Manner) -> anyhow::Result<ExitCode> {
    let mut edit = Edit::open(target).map_err(not_edited)?;
    let secrets: Vec<String> = all.iter().flat_map(|(_, imported)| imported.secrets.clone()).collect();
    let applied: Vec<(PathBuf, Applied)> =
        all.into_iter().map(|(file, imported)| (file, Applied::apply(imported, &mut edit))).collect();
    let report = edit.review().map_err(not_edited)?;
    let new = |problem: &&crate::config::Problem| applied.iter().any(|(_, applied)| applied.is_about(&problem.path));
    let problems: Vec<_> = report.problems.iter().filter(new).cloned().collect();
    let changed = edit.text() != edit.before() && applied.iter().any(|(_, applied)| applied.changes());
    let diff = diff(target, edit.before(), edit.text(), &secrets);
    let shown = Shown { target, applied: &applied, problems: &problems, changed, dry_run: manner.dry_run, diff: &diff };
    if changed && !manner.dry_run {
        edit.save().map_err(not_edited)?;
    }
    if manner.json {
        output::print_json(&shown.json())?;
    } else if manner.dry_run {
        // The answer is what would be written; what there is to say about it goes beside.
        stderr().write_all(shown.text().as_bytes())?;
        output::print(if changed { &diff } else { "" })?;
    } else {
        output::print(&shown.text())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What would change, without what looks like a secret.
pub(super) fn diff(file: &Path, before: &str, after: &str, secrets: &[String]) -> String {
    let name = file.display().to_string();
    let old = if before.is_empty() { "/dev/null" } else { &name };
    let diff = similar::TextDiff::from_lines(before, after);
    let mut text = diff.unified_diff().context_radius(3).header(old, &name).to_string();
    for secret in secrets {
        let quoted = serde_json::to_string(secret).unwrap_or_default();
        for form in [quoted.trim_matches('"'), secret] {
            text = text.replace(form, "********");
        }
    }
    text
}

/// A configuration that is to be read must not be the one that is written.
fn refuse_itself(file: &Path, target: &Path) -> Result<(), Usage> {
    let same =
        fs::canonicalize(file).ok().is_some_and(|file| fs::canonicalize(target).is_ok_and(|target| target == file));
    if !same {
        return Ok(());
    }
    let message = format!("{}: this is the configuration that would be written", file.display());
    Err(Usage::new(message)
        .hint(format!("name another one for this gateway: `gateway import {} --config new.yaml`", file.display())))
}

/// What cannot be read is wrong usage.
#[allow(clippy::needless_pass_by_value, reason = "handed to `map_err`")]
pub(super) fn not_imported(error: ImportError) -> anyhow::Error {
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    let usage = Usage::new(format!("{error}{cause}"));
    match error.hint() {
        Some(hint) => usage.hint(hint).into(),
        None => usage.into(),
    }
}

fn not_edited(error: EditError) -> anyhow::Error {
    match (error.hint(), error) {
        (_, EditError::Invalid(report)) => LoadError::Invalid(report).into(),
        (Some(hint), error @ EditError::Unsupported { .. }) => Usage::new(error.to_string()).hint(hint).into(),
        (Some(hint), error) => anyhow::Error::from(error).context(Hint(hint)),
        (None, error) => error.into(),
    }
}
