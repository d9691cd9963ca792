//! Making the sources that a configuration asks for. All of them cold.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use gateway_core::{
    filter::Filter,
    manage::Manage,
    name::{Naming, SourceName},
    role::Role,
    source::{Events, Source},
};
use gateway_wasm::{EngineOptions, Plugin, PluginEngine, PluginSettings};

use super::{pins::Locked, reconcile::Wanted};
use crate::{
    config::{Config, FilterConfig},
    folders::Folders,
    gateway::filters::{Filtered, Filters, Missing},
    packages::{Configured, Downloads, lockfile::Lock},
    sources::{
        native::Native,
        pipeline::{AdHoc, Pipelines},
        upstream::{
            Endpoint, Settings, Stage, Upstream,
            config::{EndpointError, ServerConfig},
            guard::Guard,
            oauth::Login,
        },
    },
};

/// Told in a few words what takes long at the moment. Must not wait.
pub type Observer = Arc<dyn Fn(&str) + Send + Sync>;

/// Makes sources, and holds what they share for as long as the gateway runs.
pub(super) struct Builder {
    file: PathBuf,
    folders: Folders,
    events: Events,
    observer: Option<Observer>,
    /// There will be one client, so that servers are greeted in its era.
    one_client: bool,
    /// What tools of servers are held against.
    lock: Option<Lock>,
    guard: Arc<Guard>,
    engine: Arc<PluginEngine>,
    downloads: Downloads,
    /// What the gateway's own tools change it by.
    manage: Weak<dyn Manage>,
    started: Instant,
}

/// A source, and the plugin where it is one.
pub(super) struct Made {
    pub(super) source: Arc<dyn Source>,
    pub(super) plugin: Option<Arc<Plugin>>,
}

impl Builder {
    pub(super) fn new(
        file: &Path,
        folders: &Folders,
        manage: Weak<dyn Manage>,
        events: Events,
        observer: Option<&Observer>,
        one_client: bool,
        lock: Option<Lock>,
    ) -> Self {
        let compiling = observer.map(|observer| Arc::new(Compiling(observer.clone())) as _);
        let options = EngineOptions {
            cache_dir: Some(folders.compiled.clone()),
            observer: compiling,
            ..EngineOptions::default()
        };
        Self {
            file: file.to_owned(),
            folders: folders.clone(),
            events,
            observer: observer.cloned(),
            one_client,
            lock,
            guard: Arc::new(Guard::of_this_program()),
            // Not even the engine exists before a plugin is used.
            engine: Arc::new(PluginEngine::new(options)),
            downloads: Downloads::new(folders.packages.clone()),
            manage,
            started: Instant::now(),
        }
    }

    /// Where it is told that what is offered has changed.
    pub(super) fn events(&self) -> &Events {
        &self.events
    }

    /// Where downloads are kept.
    pub(super) fn downloads(&self) -> &Downloads {
        &self.downloads
    }

    /// The source that is wanted.
    ///
    /// # Errors
    /// Where it cannot be said where a server is.
    pub(super) fn make(&self, name: &SourceName, wanted: &Wanted, config: &Config) -> Result<Made, EndpointError> {
        match wanted {
            Wanted::Own { management } => {
                let native = Native::new(self.started, self.manage.clone(), *management, Arc::new(AdHoc));
                Ok(Made { source: Arc::new(native), plugin: None })
            }
            Wanted::Server { config: server, only_public, .. } => {
                Ok(Made { source: Arc::new(self.server(name, server, config, *only_public)?), plugin: None })
            }
            Wanted::Pipelines { pipelines, separator } => {
                let pipelines = pipelines.iter().map(|(name, pipeline)| (name, pipeline));
                Ok(Made { source: Arc::new(Pipelines::new(pipelines, separator.as_str())), plugin: None })
            }
            Wanted::Plugin { config: plugin, .. } => {
                let plugin = Arc::new(self.plugin(name, plugin, config));
                Ok(Made { source: plugin.clone(), plugin: Some(plugin) })
            }
        }
    }

    fn server(
        &self,
        name: &SourceName,
        server: &ServerConfig,
        config: &Config,
        only_public: bool,
    ) -> Result<Upstream, EndpointError> {
        let mut endpoint = server.endpoint()?;
        if let Endpoint::Remote(remote) = &mut endpoint {
            remote.only_public = only_public;
            remote.login = Some(Arc::new(Login::new(name.clone(), remote, &self.folders.state(&self.file))));
        }
        let observer = self.observer.clone().map(|observer| {
            let tell = move |name: &SourceName, stage| {
                if stage == Stage::Starting {
                    observer(&format!("starting server {name}"));
                }
            };
            Arc::new(tell) as _
        });
        let pins = self.lock.clone().map(|lock| Arc::new(Locked { lock, server: name.clone() }) as _);
        Ok(Upstream::new(Settings {
            naming: server.naming(name, config.separator.as_str()),
            description: server.description.clone(),
            idle_timeout: config.idle_timeout_of(server).unwrap_or_default(),
            request_timeout: config.request_timeout_of(server),
            start_timeout: server.start_timeout.duration(),
            per_session: server.per_session,
            allow: server.tools.allow.clone(),
            deny: server.tools.deny.clone(),
            pins,
            state_folder: Some(self.folders.learnt(&self.file)),
            one_client: self.one_client,
            observer,
            ..Settings::new(name.clone(), endpoint, self.events.clone(), self.guard.clone())
        }))
    }

    fn plugin(&self, name: &SourceName, plugin: &crate::config::Plugin, config: &Config) -> Plugin {
        let naming = Naming { prefix: Some(name.as_str().into()), separator: config.separator.as_str().into() };
        // Paths in the configuration were made absolute when it was loaded.
        let folder = PathBuf::new();
        let mut settings = PluginSettings::new(plugin, &folder).capped(&config.plugin_limits);
        settings.storage = Some(self.folders.storage(&self.file));
        let package = Configured {
            plugin: name.clone(),
            config: plugin.0.clone(),
            folder,
            downloads: self.downloads.clone(),
            trust: config.trust(&self.file),
        };
        Plugin::new(name.clone(), naming, Arc::new(package), settings, self.engine.clone(), self.events.clone())
    }
}

/// The filters, in the configuration's order. One whose plugin is left out lets nothing through.
pub(super) fn filters(config: &Config, plugins: &[&Arc<Plugin>]) -> Filters {
    let filter = |filter: &FilterConfig| {
        let plugin = plugins.iter().find(|plugin| Source::name(&****plugin) == &filter.plugin);
        let sees: Arc<dyn Filter> = match plugin {
            Some(plugin) => Arc::clone(plugin) as _,
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
