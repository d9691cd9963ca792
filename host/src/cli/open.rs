//! The configuration that a command works on, and the gateway made from it.

use std::{
    io::{Write as _, stderr},
    path::{Path, PathBuf, absolute},
    sync::Arc,
};

use gateway_core::{
    role::RoleError,
    snapshot::Snapshot,
    source::{Client, Nobody},
};

use super::{Global, Usage, import::not_imported, progress::Progress};
use crate::{
    app::{App, BuildError, Observer},
    config::{Beside, Config, Loaded, find},
    control::{Adjust, Setting},
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
    start_logging(global, logging, &loaded);
    Ok((file, loaded))
}

fn start_logging(global: &Global, logging: Logging, loaded: &Loaded) {
    match (global.level(), logging) {
        (Some(level), _) => telemetry::start(level),
        (None, Logging::Configured) => telemetry::follow(loaded.config.log_level.as_str()),
        (None, Logging::Quiet) => telemetry::start("warn"),
    }
    if !loaded.report.problems.is_empty() && !global.quiet {
        // A log line would break the caret off its line.
        let _ = stderr().write_all(loaded.report.to_string().as_bytes());
    }
}

/// The gateway of the configuration, for one client of `role`; `observer` is told of slow steps. Starts nothing.
///
/// # Errors
/// Wrong usage or configuration, above all a role that is not configured.
pub fn open(global: &Global, role: Option<&str>, logging: Logging, observer: Option<&Observer>) -> anyhow::Result<App> {
    let (file, loaded) = load(global, logging)?;
    build(&file, loaded, role, observer)
}

/// A gateway that is to serve.
pub struct Begin {
    file: PathBuf,
    optional: bool,
    /// The configuration, without what [`Begin::adjust`] makes of it.
    pub loaded: Loaded,
    adjust: Vec<Adjust>,
}

impl Begin {
    /// Reads the configuration and, beside it, the servers of another program's file. With these a configuration need
    /// not be there.
    ///
    /// # Errors
    /// Where there is none, or it cannot be used; where there are no servers in that file.
    pub fn load(global: &Global, auto_register: Option<&Path>) -> anyhow::Result<Self> {
        let Some(beside) = auto_register else {
            let (file, loaded) = load(global, Logging::Configured)?;
            return Ok(Self { file, optional: false, loaded, adjust: Vec::new() });
        };
        let (file, optional) = match find(global.config.as_deref()) {
            Ok(file) => (file, false),
            Err(_) => (absolute("gateway.yaml")?, true),
        };
        let loaded = if optional { Config::load_or_empty(&file)? } else { Config::load(&file)? };
        start_logging(global, Logging::Configured, &loaded);
        let beside = Beside::open(beside).map_err(not_imported)?;
        let mut begin = Self { file, optional, loaded, adjust: Vec::new() };
        begin.adjust(move |loaded| beside.add_to(loaded));
        Ok(begin)
    }

    /// Has this done to the configuration whenever it is read.
    pub fn adjust(&mut self, adjust: impl Fn(&mut Loaded) + Send + Sync + 'static) {
        self.adjust.push(Arc::new(adjust));
    }

    /// The gateway, for one client or many.
    ///
    /// # Errors
    /// A role that is not configured.
    pub fn build(self, role: Option<&str>, one_client: bool) -> anyhow::Result<App> {
        let Self { file, optional, loaded, adjust: all } = self;
        let adjust: Adjust = Arc::new(move |loaded| all.iter().for_each(|adjust| adjust(loaded)));
        let folders = Folders::discover()?;
        let setting = Setting { optional, adjust: Some(adjust), one_client, ..setting(&file, loaded, &folders, None) };
        App::build(setting, role).map_err(|BuildError::Role(error)| no_role(&error).into())
    }
}

/// The gateway of a configuration that was read, as [`open`] gives it.
///
/// # Errors
/// A role that is not configured.
pub fn build(file: &Path, loaded: Loaded, role: Option<&str>, observer: Option<&Observer>) -> anyhow::Result<App> {
    let folders = Folders::discover()?;
    App::build(setting(file, loaded, &folders, observer), role)
        .map_err(|BuildError::Role(error)| no_role(&error).into())
}

/// The same, where servers offer what they have, whatever was agreed to.
///
/// # Errors
/// A role that is not configured.
pub fn build_unpinned(file: &Path, loaded: Loaded, role: Option<&str>, observer: &Observer) -> anyhow::Result<App> {
    let folders = Folders::discover()?;
    let setting = Setting { pins: false, ..setting(file, loaded, &folders, Some(observer)) };
    App::build(setting, role).map_err(|BuildError::Role(error)| no_role(&error).into())
}

fn setting<'a>(file: &'a Path, loaded: Loaded, folders: &'a Folders, observer: Option<&'a Observer>) -> Setting<'a> {
    Setting {
        file,
        in_memory: false,
        optional: false,
        loaded,
        folders,
        observer,
        one_client: true,
        pins: true,
        adjust: None,
        further: Vec::new(),
    }
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
pub(super) fn no_role(error: &RoleError) -> Usage {
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
