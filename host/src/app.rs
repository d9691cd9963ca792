//! The composition root: it alone names every part, and it ends them in order.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use gateway_core::{
    name::SourceName,
    role::{RoleError, RoleId},
    source::{Event, Events, Source},
    tasks::Tasks,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};
use tracing::{debug, info, warn};

use crate::{
    config::{Config, Loaded},
    folders::Folders,
    frontends::{
        session::{Identity, Session},
        stdio,
    },
    gateway::Gateway,
    sources::{
        native::Native,
        upstream::{
            Settings, Upstream,
            config::ServerConfig,
            guard::Guard,
        },
    },
};

/// How long calls in flight may take to end when the gateway ends.
const DRAIN: Duration = Duration::from_secs(10);

/// How long servers may take to end by themselves after that.
const STOP: Duration = Duration::from_secs(2);

/// A gateway that is put together. Nothing has been started.
pub struct App {
    gateway: Arc<Gateway>,
    config: Config,
    role: RoleId,
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
    /// Puts the gateway of `file` together, for callers of `role`. Needs a Tokio runtime; starts nothing.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub fn build(file: &Path, loaded: Loaded, folders: &Folders, role: Option<&str>) -> Result<Self, BuildError> {
        let Loaded { config, broken, .. } = loaded;
        for entry in &broken {
            warn!("{} {:?} is left out: {}", entry.section, entry.name, entry.reason);
        }
        let roles = Arc::new(config.role_set());
        let role = roles.resolve(role)?;
        let (events, told) = Events::channel();
        let gateway = Arc::new(Gateway::new(roles, sources(file, &config, folders, &events)));
        let app = Self { gateway, config, role, tasks: Tasks::new() };
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

    /// The role that it was put together for.
    #[must_use]
    pub fn role(&self) -> RoleId {
        self.role
    }

    /// Serves one client on standard input and output, until it closes its side or a signal comes; then ends
    /// everything.
    ///
    /// # Errors
    /// Where standard input cannot be read, or no signal handler can be set.
    pub async fn serve_stdio(self) -> std::io::Result<()> {
        let identity = Identity { name: self.config.name.clone(), version: env!("CARGO_PKG_VERSION") };
        let (session, outgoing) = Session::new(self.gateway.clone(), self.role, identity);
        self.tasks.spawn(session.clone().follow());
        let writer = tokio::spawn(stdio::write(outgoing));
        let mut signals = Signals::new()?;
        let read = tokio::select! {
            read = stdio::read(&session) => read,
            () = signals.next() => Ok(()),
        };
        debug!("no more is taken; what runs is given {} s", DRAIN.as_secs());
        let quit = async {
            session.tasks().drain(DRAIN).await;
            self.stop().await;
            // The last one to hold the way out: what was sent before is written before it closes.
            drop(session);
            match writer.await {
                Ok(Err(error)) => debug!("standard output: {error}"),
                _ => debug!("everything was sent"),
            }
        };
        tokio::select! {
            () = quit => {}
            () = signals.next() => info!("a second signal: not waiting any longer"),
        }
        read
    }

    /// Ends everything: what was started is stopped.
    pub async fn stop(&self) {
        self.tasks.drain(Duration::ZERO).await;
        self.gateway.stop(STOP).await;
    }

    fn follow(&self, told: mpsc::UnboundedReceiver<Event>) {
        let gateway = self.gateway.clone();
        self.tasks.spawn(async move { gateway.follow(told).await });
    }
}

/// The signals that end the program politely.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Every source of the configuration, in its order, the gateway's own tools first. All of them cold.
fn sources(file: &Path, config: &Config, folders: &Folders, events: &Events) -> Vec<Arc<dyn Source>> {
    let mut sources: Vec<Arc<dyn Source>> = vec![Arc::new(Native::new())];
    let guard = Arc::new(Guard::new(PathBuf::from("/proc/self/exe")));
    let learnt = folders.learnt(file);
    for (name, server) in config.servers.iter().filter(|(_, server)| server.enabled) {
        match server.command_line() {
            Ok(command_line) => {
                let settings = Settings {
                    state_folder: Some(learnt.clone()),
                    ..server_settings(name, server, command_line, config, events, &guard)
                };
                sources.push(Arc::new(Upstream::new(settings)));
            }
            // Loading the configuration has said so already, with the place.
            Err(error) => debug!(server = %name, "left out: {error}"),
        }
    }
    sources
}

fn server_settings(
    name: &SourceName,
    server: &ServerConfig,
    (command, args): (String, Vec<String>),
    config: &Config,
    events: &Events,
    guard: &Arc<Guard>,
) -> Settings {
    Settings {
        naming: server.naming(name, config.separator.as_str()),
        args,
        env: server.env.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        cwd: server.cwd.clone(),
        description: server.description.clone(),
        idle_timeout: config.idle_timeout_of(server).unwrap_or_default(),
        request_timeout: config.request_timeout_of(server),
        start_timeout: server.start_timeout.duration(),
        allow: server.tools.allow.clone(),
        deny: server.tools.deny.clone(),
        ..Settings::new(name.clone(), command, events.clone(), guard.clone())
    }
}
