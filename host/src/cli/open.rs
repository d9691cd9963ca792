//! The configuration that a command works on, and the gateway made from it.

use std::{
    io::{Write as _, stderr},
    path::{Path, PathBuf},
    sync::Arc,
};

use gateway_core::{
    role::RoleError,
    snapshot::Snapshot,
    source::{Client, Nobody},
};

use super::{Global, Usage, progress::Progress};
use crate::{
    app::{App, BuildError, Observer},
    config::{Config, Loaded, find},
    control::Setting,
    folders::Folders,
    telemetry,
};

/// How much is logged where no flag says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logging {
    /// As the configuration says: for what runs and is watched.
    Configured,
    /// Warnings: for what a person waits for.
    Quiet,
}

/// Finds and reads the configuration, starts logging, and shows what it warns of.
///
/// # Errors
/// Where there is none, or it cannot be used.
pub fn load(global: &Global, logging: Logging) -> anyhow::Result<(PathBuf, Loaded)> {
    let file = find(global.config.as_deref())?;
    let loaded = Config::load(&file)?;
    let level = match logging {
        Logging::Configured => loaded.config.log_level.as_str(),
        Logging::Quiet => "warn",
    };
    telemetry::start(global.level().unwrap_or(level));
    if !loaded.report.problems.is_empty() && !global.quiet {
        // A log line would break the caret off its line.
        let _ = stderr().write_all(loaded.report.to_string().as_bytes());
    }
    Ok((file, loaded))
}

/// The gateway of the configuration, for one client of `role`; `observer` is told of slow steps. Starts nothing.
///
/// # Errors
/// Wrong usage or configuration, above all a role that is not configured.
pub fn open(global: &Global, role: Option<&str>, logging: Logging, observer: Option<&Observer>) -> anyhow::Result<App> {
    let (file, loaded) = load(global, logging)?;
    build(&file, loaded, role, observer, true)
}

/// The gateway of a configuration that was read, as [`open`] gives it, for one client or many.
///
/// # Errors
/// A role that is not configured.
pub fn build(
    file: &Path,
    loaded: Loaded,
    role: Option<&str>,
    observer: Option<&Observer>,
    one_client: bool,
) -> anyhow::Result<App> {
    let folders = Folders::discover()?;
    let further = Vec::new();
    let setting = Setting { file, in_memory: false, loaded, folders: &folders, observer, one_client, further };
    App::build(setting, role).map_err(|BuildError::Role(error)| no_role(&error).into())
}

/// All that is known without starting a server.
///
/// # Errors
/// None that a list of all sources could have.
pub async fn everything(app: &App) -> anyhow::Result<Arc<Snapshot>> {
    let nobody: Arc<dyn Client> = Arc::new(Nobody);
    Ok(app.gateway().face(nobody.abilities()).list(&nobody).await?)
}

/// Shows slow steps on `progress`.
#[must_use]
pub fn observer(progress: &Arc<Progress>) -> Observer {
    let progress = progress.clone();
    Arc::new(move |message: &str| progress.say(message))
}

/// What to write where there is no role to go by.
fn no_role(error: &RoleError) -> Usage {
    let (known, hint) = match error {
        RoleError::Unknown { name, known } => (known, nearest(name, known)),
        RoleError::Missing { known } => (known, None),
        _ => return Usage::new(error.to_string()),
    };
    let name_one = "name one with --role or MCP_GATEWAY_ROLE, or set `default_role` in the configuration";
    let hint = match (hint, known.is_empty()) {
        (Some(hint), _) => hint,
        (None, true) => "the configuration has no `roles`: leave the role out".to_owned(),
        (None, false) => format!("{name_one}; the configured roles are {}", known.join(", ")),
    };
    Usage::new(error.to_string()).hint(hint)
}

fn nearest(name: &str, known: &[String]) -> Option<String> {
    let near = known.iter().map(|role| (strsim::damerau_levenshtein(name, role), role)).min()?;
    let is_near = near.0 <= name.len().max(3) / 3;
    is_near.then(|| format!("did you mean {:?}? the configured roles are {}", near.1, known.join(", ")))
}
