//! The composition root: it alone names every part, and it ends them in order.
//!
//! [`serve`] is what it does then, and [`mod@watch`] how it follows the files of plugins meanwhile.

mod serve;
mod watch;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use gateway_core::{
    filter::Filter,
    name::{Naming, SourceName},
    role::{Role, RoleError, RoleId},
    source::{Event, Events, Source},
    tasks::Tasks,
};
use gateway_wasm::{EngineOptions, Plugin, PluginEngine, PluginSettings};
use tokio::sync::mpsc;
use tracing::{debug, warn};

use self::watch::Watched;
use crate::{
    config::{Broken, Config, Loaded, plugin::FilterConfig},
    folders::Folders,
    gateway::{
        Gateway,
        filters::{Filtered, Filters, Missing},
    },
    packages::{Configured, Downloads, Reference, lockfile},
    sources::{
        native::Native,
        upstream::{Endpoint, Settings, Stage, Upstream, config::ServerConfig, guard::Guard, oauth::Login},
    },
};

/// How long servers may take to end by themselves when the gateway ends.
const STOP: Duration = Duration::from_secs(2);

/// Told in a few words what takes long at the moment. Must not wait.
pub type Observer = Arc<dyn Fn(&str) + Send + Sync>;

/// A gateway that is put together. Nothing has been started.
pub struct App {
    gateway: Arc<Gateway>,
    config: Config,
    broken: Vec<Broken>,
    role: RoleId,
    plugins: Vec<Watched>,
    /// The lock file.
    lock: PathBuf,
    tasks: Tasks,
}

/// Why no gateway could be put together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// There is no role to go by.
    #[error(transparent)]
    Role(#[from] RoleError),
}

impl App {
    /// Puts the gateway of `file` together, for callers of `role`; `observer` is told of slow steps. `one_client`: there
    /// will be one client, so that servers are greeted in its era. Needs a Tokio runtime; starts nothing.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub fn build(
        file: &Path,
        loaded: Loaded,
        folders: &Folders,
        role: Option<&str>,
        observer: Option<&Observer>,
        one_client: bool,
    ) -> Result<Self, BuildError> {
        let Loaded { config, broken, .. } = loaded;
        for entry in &broken {
            warn!("{} {:?} is left out: {}", entry.section, entry.name, entry.reason);
        }
        let roles = Arc::new(config.role_set());
        let role = roles.resolve(role)?;
        let (events, told) = Events::channel();
        let mut sources: Vec<Arc<dyn Source>> = vec![Arc::new(Native::new())];
        sources.extend(servers(&config, &Kept::of(folders, file), &events, observer, one_client));
        let plugins = plugins(&config, file, folders, &events, observer);
        let filters = filters(&config, &plugins);
        let watched = plugins.iter().map(|plugin| Watched { plugin: plugin.clone(), local: local(&config, plugin) });
        let (watched, lock) = (watched.collect(), lockfile::beside(file));
        sources.extend(plugins.into_iter().map(|plugin| plugin as _));
        let gateway = Arc::new(Gateway::new(roles, sources).filtered(filters));
        let hearing = Arc::downgrade(&gateway);
        events.hear(move |told| {
            if let Some(gateway) = hearing.upgrade() {
                gateway.hear(told);
            }
        });
        let app = Self { gateway, config, broken, role, plugins: watched, lock, tasks: Tasks::new() };
        app.follow(told);
        Ok(app)
    }

    /// The gateway.
    #[must_use]
    pub fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    /// The configuration, without what cannot be used.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What cannot be used, with the reasons.
    #[must_use]
    pub fn broken(&self) -> &[Broken] {
        &self.broken
    }

    /// The role that it was put together for.
    #[must_use]
    pub fn role(&self) -> RoleId {
        self.role
    }

    fn follow(&self, told: mpsc::UnboundedReceiver<Event>) {
        let gateway = self.gateway.clone();
        self.tasks.spawn(async move { gateway.follow(told).await });
    }
}

/// Where things of one configuration are kept.
struct Kept {
    learnt: PathBuf,
    state: PathBuf,
}

impl Kept {
    fn of(folders: &Folders, file: &Path) -> Self {
        Self { learnt: folders.learnt(file), state: folders.state(file) }
    }
}

/// The external servers, in the configuration's order. All of them cold.
fn servers(
    config: &Config,
    kept: &Kept,
    events: &Events,
    observer: Option<&Observer>,
    one_client: bool,
) -> Vec<Arc<dyn Source>> {
    let guard = Arc::new(Guard::new(this_program()));
    let mut servers: Vec<Arc<dyn Source>> = Vec::new();
    for (name, server) in config.servers.iter().filter(|(_, server)| server.enabled) {
        match server.endpoint() {
            Ok(mut endpoint) => {
                if let Endpoint::Remote(remote) = &mut endpoint {
                    remote.login = Some(Arc::new(Login::new(name.clone(), remote, &kept.state)));
                }
                let mut settings = server_settings(name, server, endpoint, config, events, &guard);
                settings.state_folder = Some(kept.learnt.clone());
                settings.one_client = one_client;
                settings.observer = observer.cloned().map(|observer| {
                    let tell = move |name: &SourceName, stage| {
                        if stage == Stage::Starting {
                            observer(&format!("starting server {name}"));
                        }
                    };
                    Arc::new(tell) as _
                });
                servers.push(Arc::new(Upstream::new(settings)));
            }
            // Loading the configuration has said so already, with the place.
            Err(error) => debug!(server = %name, "left out: {error}"),
        }
    }
    servers
}

/// This program's file, for the guard to be started from.
fn this_program() -> PathBuf {
    // On Linux by the way that stays right when the file is replaced by a newer one.
    let lasting = cfg!(target_os = "linux").then(|| PathBuf::from("/proc/self/exe"));
    lasting.or_else(|| std::env::current_exe().ok()).unwrap_or_default()
}

/// The plugins, in the configuration's order. Not even the engine that runs them exists before one is used.
fn plugins(
    config: &Config,
    file: &Path,
    folders: &Folders,
    events: &Events,
    observer: Option<&Observer>,
) -> Vec<Arc<Plugin>> {
    let observer = observer.map(|observer| Arc::new(Compiling(observer.clone())) as _);
    let options = EngineOptions { cache_dir: Some(folders.compiled.clone()), observer, ..EngineOptions::default() };
    let engine = Arc::new(PluginEngine::new(options));
    let downloads = Downloads::new(folders.packages.clone());
    let trust = config.trust(file);
    let enabled = config.plugins.iter().filter(|(_, plugin)| plugin.enabled);
    let plugin = |(name, plugin): (&SourceName, &crate::config::Plugin)| {
        let naming = Naming { prefix: Some(name.as_str().into()), separator: config.separator.as_str().into() };
        // Paths in the configuration were made absolute when it was loaded.
        let folder = PathBuf::new();
        let mut settings = PluginSettings::new(plugin, &folder).capped(&config.plugin_limits);
        settings.storage = Some(folders.storage(file));
        let package = Configured {
            plugin: name.clone(),
            config: plugin.0.clone(),
            folder,
            downloads: downloads.clone(),
            trust: trust.clone(),
        };
        Arc::new(Plugin::new(name.clone(), naming, Arc::new(package), settings, engine.clone(), events.clone()))
    };
    enabled.map(plugin).collect()
}

/// The file or folder of this machine that a plugin comes from.
fn local(config: &Config, plugin: &Plugin) -> Option<PathBuf> {
    let source = &config.plugins.get(Source::name(plugin).as_str())?.source;
    match Reference::parse(source, Path::new("")) {
        Ok(Reference::Local(path)) => Some(path),
        _ => None,
    }
}

/// The filters, in the configuration's order. One whose plugin is left out lets nothing through.
fn filters(config: &Config, plugins: &[Arc<Plugin>]) -> Filters {
    let filter = |filter: &FilterConfig| {
        let plugin = plugins.iter().find(|plugin| Source::name(&***plugin) == &filter.plugin);
        let sees: Arc<dyn Filter> = match plugin {
            Some(plugin) => plugin.clone(),
            None => Arc::new(Missing::new(filter.plugin.clone())),
        };
        let tools = Role { allow: Some(filter.tools.clone().into()), ..Role::unfiltered(filter.plugin.as_str()) };
        Filtered::new(tools, sees)
    };
    config.filters.iter().map(filter).collect()
}

/// Shows that a component is being compiled, which takes about a second per MB.
struct Compiling(Observer);

impl gateway_wasm::Observer for Compiling {
    fn compiling(&self, plugin: &SourceName, bytes: usize) {
        (self.0)(&format!("compiling plugin {plugin} ({} KiB)", bytes.div_ceil(1024)));
    }

    fn compiled(&self, _plugin: &SourceName, _took: Duration) {}
}

fn server_settings(
    name: &SourceName,
    server: &ServerConfig,
    endpoint: Endpoint,
    config: &Config,
    events: &Events,
    guard: &Arc<Guard>,
) -> Settings {
    Settings {
        naming: server.naming(name, config.separator.as_str()),
        description: server.description.clone(),
        idle_timeout: config.idle_timeout_of(server).unwrap_or_default(),
        request_timeout: config.request_timeout_of(server),
        start_timeout: server.start_timeout.duration(),
        per_session: server.per_session,
        allow: server.tools.allow.clone(),
        deny: server.tools.deny.clone(),
        ..Settings::new(name.clone(), endpoint, events.clone(), guard.clone())
    }
}
