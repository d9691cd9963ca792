//! `gateway plugin …`: plugins are begun, built, added, looked at and removed.

mod add;
mod bench;
mod build;
mod examine;
mod found;
mod grants;
mod inspect;
mod list;
pub(super) mod looked;
mod new;
pub(super) mod place;
mod remove;
mod running;
mod test;
mod text;
mod update;

use std::process::ExitCode;

use gateway_core::error::Failure;

use super::{Global, Hint, Usage};
use crate::packages::{PackageError, build::BuildError, lockfile::LockError, manifest::ManifestError};

/// Begin, build, test, add, update, inspect and remove plugins
#[derive(Debug, clap::Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one in the whole program, and it is read once")]
pub enum PluginCommand {
    /// Begin a plugin
    New(new::NewCommand),
    /// Build the plugin in a folder
    Build(build::BuildCommand),
    /// Add a plugin to the configuration
    Add(add::AddCommand),
    /// List the plugins of the configuration
    List(list::ListCommand),
    /// Show what a plugin offers, asks for and may do
    Inspect(inspect::InspectCommand),
    /// Test a plugin with the cases of its plugin.test.yaml
    Test(test::TestCommand),
    /// Measure what loading and calling a plugin costs
    Bench(bench::BenchCommand),
    /// Take what the plugins' sources give now, after showing what changes
    Update(update::UpdateCommand),
    /// Remove a plugin from the configuration
    Remove(remove::RemoveCommand),
}

impl PluginCommand {
    /// Runs the command: 0 done, 1 the plugin failed, 2 wrong usage or configuration.
    ///
    /// # Errors
    /// What went wrong, with what to do about it.
    pub async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        match self {
            Self::New(command) => command.run(),
            Self::Build(command) => command.run(global).await,
            Self::Add(command) => command.run(global).await,
            Self::List(command) => command.run(global).await,
            Self::Test(command) => command.run(global).await,
            Self::Bench(command) => command.run(global).await,
            Self::Inspect(command) => command.run(global).await,
            Self::Update(command) => command.run(global).await,
            Self::Remove(command) => command.run(global).await,
        }
    }
}

/// A plugin that cannot be had: wrong usage, unless it is the file or its server that is not as it should be.
fn unavailable(error: PackageError) -> anyhow::Error {
    let hint = error.hint();
    match error {
        PackageError::Download(_)
        | PackageError::Oci(_)
        | PackageError::Changed { .. }
        | PackageError::Differs { .. }
        | PackageError::Signature(_) => with_hint(error.into(), hint),
        _ => usage(&error.into(), hint),
    }
}

/// A lock file that cannot be used.
pub(super) fn cannot_lock(error: LockError) -> anyhow::Error {
    unavailable(error.into())
}

/// `1 tool`, `2 tools`.
pub(super) fn tools(count: usize) -> String {
    text::tools(count)
}

/// A plugin that cannot be built: wrong usage, unless it is the build that failed.
fn not_built(error: BuildError) -> anyhow::Error {
    let hint = error.hint();
    match error {
        BuildError::Language { .. } | BuildError::Workspace { .. } => usage(&error.into(), hint),
        _ => with_hint(error.into(), hint),
    }
}

/// A `plugin.yaml` that cannot be used.
fn bad_manifest(error: ManifestError) -> anyhow::Error {
    usage(&error.into(), None)
}

/// A plugin that does not run.
fn broken(failure: &Failure) -> anyhow::Error {
    with_hint(anyhow::anyhow!("{}", failure.message), failure.hint.as_deref().map(str::to_owned))
}

fn with_hint(error: anyhow::Error, hint: Option<String>) -> anyhow::Error {
    match hint {
        Some(hint) => error.context(Hint(hint)),
        None => error,
    }
}

fn usage(error: &anyhow::Error, hint: Option<String>) -> anyhow::Error {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    let usage = Usage::new(causes.join(": "));
    match hint {
        Some(hint) => usage.hint(hint).into(),
        None => usage.into(),
    }
}
