//! `gateway.yaml`: found, read, expanded and checked, with every mistake at once.
//!
//! The configuration is the sum of its parts' own: servers are described in [`sources`](crate::sources), plugins in
//! `gateway-wasm`. The doc comments of all these types are what `gateway schema` tells an editor. The way of a file:
//! [`document`] reads the YAML, [`expand`] puts in the environment's variables, [`read`] makes types of it,
//! [`checks`] looks at what types cannot say, and [`problem`] shows what was found.

mod beside;
mod checks;
mod document;
pub mod edit;
mod entries;
mod expand;
mod explain;
mod find;
mod hints;
mod loaded;
pub mod plugin;
pub mod problem;
mod read;
pub mod role;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use gateway_core::{
    name::{SEPARATOR, SourceName},
    role::{Pattern, RoleSet},
    snapshot::Surface,
    units::Seconds,
};
use gateway_wasm::config::LimitsConfig;
use schemars::JsonSchema;
use serde::Deserialize;

use self::document::Document;
pub use self::{
    beside::Beside,
    checks::pipelines::report as report_of_pipeline,
    entries::Entries,
    expand::Environment,
    explain::nearest,
    find::{NotFound, find, user_file},
    loaded::{Broken, Loaded},
    plugin::{FilterConfig, Plugin, SignerConfig},
    problem::{Problem, Report},
    role::RoleConfig,
};
use crate::{
    frontends::auth::AuthConfig,
    packages::Trust,
    sources::{pipeline::config::PipelineConfig, upstream::config::ServerConfig},
};

pub use crate::sources::pipeline::config::Step as PipelineStep;

/// Configuration of MCP Gateway.
///
/// `${VAR}` and `${VAR:-default}` expand in every string of `servers`, `plugins` and `auth`; `$${` stands for `${`.
/// Relative paths start at the folder of this file. Keys that begin with `x-` are left alone.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "MCP Gateway configuration", extend("patternProperties" = { "^x-": true }))]
pub struct Config {
    /// The name that the gateway gives itself towards clients. Default: mcp-gateway.
    pub name: String,
    /// The address that `gateway serve` listens on. Default: 127.0.0.1.
    pub host: String,
    /// The port that `gateway serve` listens on; 0: any that is free. Default: 39400.
    pub port: u16,
    /// What stands between a server's name and a tool's in public. Default: two underscores.
    pub separator: Separator,
    /// Lists only the gateway's own tools, by which the rest can be reached; `enable_meta_mcp` is another name of it.
    /// Default: false.
    #[serde(alias = "enable_meta_mcp")]
    pub meta_tools: bool,
    /// When the gateway learns which tools a server has. Default: lazy.
    pub discovery: Discovery,
    /// How long an unused server keeps running; 0: until the gateway ends. Default: 5 minutes.
    pub idle_timeout: Seconds,
    /// How long one request may take. Default: 60 seconds.
    pub request_timeout: Seconds,
    /// With `meta_tools`: globs of tools that are listed all the same.
    pub pin: Vec<Pattern>,
    /// Offers `gateway_register_server` and `gateway_remove_server` as tools. Default: false.
    pub management: bool,
    /// Commands that may be registered while the gateway runs: `npx` with any arguments, `npx -y @scope/*` with these,
    /// `npx -y @scope/* *` with these and any that follow. A wildcard within an argument stands for no `@`, `:`, `=` and
    /// no blank. Default: none.
    pub allow_commands: Vec<Pattern>,
    /// Addresses of this machine and its network that may be registered while the gateway runs, such as
    /// `http://127.0.0.1:*` or `https://*.corp.example/mcp`. Public ones need not be named. Default: none.
    pub allow_urls: Vec<Pattern>,
    /// Globs of the sources of plugins that may be registered while the gateway runs. Default: none.
    pub allow_plugins: Vec<Pattern>,
    /// Reads this file and local plugin files again when they change. Default: true.
    pub watch: bool,
    /// How much is logged on standard error. Default: info.
    pub log_level: LogLevel,
    /// Keeps the arguments of calls in the log that `gateway serve` shows, what looks secret masked, at most 2 KiB of
    /// each. Default: false.
    pub log_arguments: bool,
    /// Further names that `gateway serve` answers to, in `Host` and `Origin`.
    pub allowed_hosts: Vec<String>,
    /// How long a client's session over HTTP may be unused before it ends. Default: 30 minutes.
    pub session_timeout: Seconds,
    /// External MCP servers by name; `backends` is another name of this section.
    #[serde(alias = "backends")]
    pub servers: Entries<SourceName, ServerConfig>,
    /// WebAssembly plugins by name.
    pub plugins: Entries<SourceName, Plugin>,
    /// The most that any plugin may use, whatever its own `limits` say.
    pub plugin_limits: LimitsConfig,
    /// Plugins that see the calls of tools before they run and what they gave, in this order.
    pub filters: Vec<FilterConfig>,
    /// Public keys of those who sign plugins, by names that `signed_by` uses.
    pub signers: BTreeMap<String, SignerConfig>,
    /// Pipelines by name.
    pub pipelines: Entries<SourceName, PipelineConfig>,
    /// The role that holds where none is named. Default: none, so that one has to be named once there are roles.
    pub default_role: Option<String>,
    /// Roles by name: what each of them sees. Without any, everything is seen.
    pub roles: Entries<String, RoleConfig>,
    /// Who may use the gateway over HTTP.
    pub auth: Option<AuthConfig>,
}

/// What stands between a server's name and a tool's in public.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Separator {
    /// `server__tool`.
    #[default]
    #[serde(rename = "__")]
    Double,
    /// `server_tool`.
    #[serde(rename = "_")]
    Single,
}

/// When the gateway learns which tools a server has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Discovery {
    /// When something asks for them.
    #[default]
    Lazy,
    /// At start, in the background.
    Eager,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Errors only.
    #[serde(alias = "ERROR")]
    Error,
    /// Warnings too.
    #[serde(alias = "warning", alias = "WARN", alias = "WARNING")]
    Warn,
    /// What the gateway does.
    #[default]
    #[serde(alias = "INFO")]
    Info,
    /// How it does it.
    #[serde(alias = "DEBUG")]
    Debug,
    /// Everything.
    #[serde(alias = "TRACE")]
    Trace,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// There is no file.
    #[error(transparent)]
    NotFound(#[from] NotFound),
    /// The file cannot be read.
    #[error("{}: the configuration cannot be read", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file has mistakes: the text shows every one of them, over several lines.
    #[error("{0}")]
    Invalid(Box<Report>),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "mcp-gateway".to_owned(),
            host: "127.0.0.1".to_owned(),
            port: 39400,
            separator: Separator::default(),
            meta_tools: false,
            discovery: Discovery::default(),
            idle_timeout: Seconds::new(300),
            request_timeout: Seconds::new(60),
            pin: Vec::new(),
            management: false,
            allow_commands: Vec::new(),
            allow_urls: Vec::new(),
            allow_plugins: Vec::new(),
            watch: true,
            log_level: LogLevel::default(),
            log_arguments: false,
            allowed_hosts: Vec::new(),
            session_timeout: Seconds::new(1800),
            servers: Entries::default(),
            plugins: Entries::default(),
            plugin_limits: LimitsConfig::default(),
            filters: Vec::new(),
            signers: BTreeMap::new(),
            pipelines: Entries::default(),
            default_role: None,
            roles: Entries::default(),
            auth: None,
        }
    }
}

impl Config {
    /// Reads `file`, with the variables of this process's environment.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn load(file: &Path) -> Result<Loaded, LoadError> {
        let text = fs::read_to_string(file).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => LoadError::NotFound(NotFound { looked_at: vec![file.to_owned()] }),
            _ => LoadError::Read { file: file.to_owned(), source },
        })?;
        Self::read(&text, file)
    }

    /// Reads `text` as if it stood in `file`, with the variables of this process's environment.
    ///
    /// # Errors
    /// [`LoadError::Invalid`].
    pub fn read(text: &str, file: &Path) -> Result<Loaded, LoadError> {
        Self::parse(text, file, &find::variable)
    }

    /// Reads `text` as if it stood in `file`.
    ///
    /// # Errors
    /// [`LoadError::Invalid`].
    pub fn parse(text: &str, file: &Path, environment: Environment<'_>) -> Result<Loaded, LoadError> {
        let (config, report) = Self::examine(text, file, environment);
        match config {
            Some(config) if !report.is_fatal() => Ok(Loaded::new(config, report, text)),
            _ => Err(LoadError::Invalid(Box::new(report))),
        }
    }

    /// Everything that can be said about `text`; no configuration where it cannot even be read as YAML.
    fn examine(text: &str, file: &Path, environment: Environment<'_>) -> (Option<Self>, Report) {
        let mut report = Report { file: file.to_owned(), problems: Vec::new() };
        let mut document = match Document::parse(text) {
            Ok(document) => document,
            Err(mut problem) => {
                hints::ensure(&mut problem);
                report.problems.push(*problem);
                return (None, report);
            }
        };
        let problems = &mut report.problems;
        problems.extend(document.duplicates());
        expand::expand(&mut document.value, environment, problems);
        let base = find::folder_of(file);
        let config = read::config(&document.value, problems).map(|mut config| {
            checks::resolve_paths(&mut config, &base);
            checks::run(&config, file, &document.value, problems);
            config
        });
        checks::spare_others(problems);
        document.locate(problems);
        problems.iter_mut().for_each(hints::ensure);
        report.sort();
        (config, report)
    }

    /// The JSON Schema of the file.
    #[must_use]
    pub fn schema() -> schemars::Schema {
        let mut schema = schemars::schema_for!(Self);
        explain::add_aliases(&mut schema);
        schema
    }

    /// The roles; after a change of the configuration, `before` are those that there were.
    #[must_use]
    pub fn role_set(&self, before: Option<&RoleSet>) -> RoleSet {
        let roles = self.roles.iter().map(|(name, role)| role.role(name)).collect();
        match before {
            None => RoleSet::new(roles, self.default_role.as_deref()),
            Some(before) => before.renewed(roles, self.default_role.as_deref()),
        }
    }

    /// How much of what a role may use its list of tools shows.
    #[must_use]
    pub fn surface(&self) -> Surface {
        Surface::new(self.meta_tools, &self.pin)
    }

    /// Whether a server, a plugin or a pipeline has that name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.servers.get(name).is_some() || self.plugins.get(name).is_some() || self.pipelines.get(name).is_some()
    }

    /// Whether lists and filters are made from the same settings in `other`.
    #[must_use]
    pub fn shows_as(&self, other: &Self) -> bool {
        self.meta_tools == other.meta_tools && self.pin == other.pin && self.filters == other.filters
    }

    /// The settings that `next` has otherwise, and that cannot change while a gateway runs.
    #[must_use]
    pub fn fixed_since(&self, next: &Self) -> Vec<&'static str> {
        let changed = [
            ("name", self.name != next.name),
            ("host", self.host != next.host),
            ("port", self.port != next.port),
            ("allowed_hosts", self.allowed_hosts != next.allowed_hosts),
            ("session_timeout", self.session_timeout != next.session_timeout),
            ("auth", self.auth.is_some() != next.auth.is_some()),
        ];
        changed.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name).collect()
    }

    /// What its plugins are held against, where it stands in `file`.
    #[must_use]
    pub fn trust(&self, file: &Path) -> Trust {
        // Those that are no signers were told when the file was read.
        let signers = self.signers.iter().filter_map(|(name, signer)| signer.read(name).ok());
        Trust::new(file, signers.collect())
    }

    /// How long an unused server keeps running; `None`: until the gateway ends.
    #[must_use]
    pub fn idle_timeout_of(&self, server: &ServerConfig) -> Option<std::time::Duration> {
        let timeout = server.idle_timeout.unwrap_or(self.idle_timeout);
        (!timeout.is_zero()).then(|| timeout.duration())
    }

    /// How long one request to a server may take.
    #[must_use]
    pub fn request_timeout_of(&self, server: &ServerConfig) -> std::time::Duration {
        server.request_timeout.unwrap_or(self.request_timeout).duration()
    }
}

impl Separator {
    /// As text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Double => SEPARATOR,
            Self::Single => "_",
        }
    }
}

impl LogLevel {
    /// As text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}
