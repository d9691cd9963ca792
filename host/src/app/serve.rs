//! Serving: one client on standard input and output, or all that come over HTTP; and ending in order.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use gateway_core::{role::RoleError, tasks::Tasks};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
};
use tracing::{debug, info, warn};

use super::{App, STOP};
use crate::{
    admin::{api::Api, dashboard, health::Health},
    frontends::{
        auth::Door,
        exchange::{Exchange, Way},
        headers::hosts::Hosts,
        http::{Front, Settings, guard::guarded, listen::listen},
        session::{Access, Identity, Session},
        stdio,
    },
    telemetry,
};

/// How long calls in flight may take to end when the gateway ends.
pub const DRAIN: Duration = Duration::from_secs(10);

/// How long connections may take to be closed once all answers are on their way.
const CLOSE: Duration = Duration::from_secs(1);

/// File descriptors that are wanted, and how many of them are not for connections.
const DESCRIPTORS: u64 = 65_536;
const OTHERS: u64 = 512;

impl App {
    /// Serves one client on standard input and output, until it closes its side or a signal comes; then ends
    /// everything.
    ///
    /// # Errors
    /// Where standard input cannot be read, or no signal handler can be set.
    pub async fn serve_stdio(&self) -> std::io::Result<()> {
        let (way, outgoing) = mpsc::unbounded_channel();
        let way: Arc<dyn Way> = Arc::new(way);
        let access = Access { role: self.role, scope: None };
        let session = Session::new(self.gateway().clone(), access, self.identity(), way.clone());
        let session = session.ok_or_else(|| std::io::Error::other("there is nothing to serve"))?;
        let writer = tokio::spawn(stdio::write(outgoing));
        self.watch(true)?;
        let (early, back) = (session.clone(), way.clone());
        let control = self.control.clone();
        self.tasks.spawn(async move {
            // Nothing comes before the answer that every client waits for.
            early.ready().await;
            let view = early.view();
            control.learn_early(Some(Arc::new(Exchange::new(early, view, back))));
        });
        // A task of its own: on the way in, waking the future that the runtime was entered with costs a system call.
        let client = session.clone();
        let mut reader = tokio::spawn(async move { stdio::read(&client, &way).await });
        let mut signals = Signals::new()?;
        let read = tokio::select! {
            read = &mut reader => read.unwrap_or(Ok(())),
            () = signals.next() => Ok(()),
        };
        reader.abort();
        debug!("no more is taken; what runs is given {} s", DRAIN.as_secs());
        session.close();
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
        signals.hurry(quit).await;
        read
    }

    /// Serves whoever comes to `listener` and is let in by `door`, until a signal comes; then ends everything. `host` is
    /// what the listener was made from.
    ///
    /// # Errors
    /// Where the listener has no address, or no signal handler can be set.
    pub async fn serve_http(&self, listener: TcpListener, host: &str, door: Door) -> std::io::Result<()> {
        let mut signals = Signals::new()?;
        let bound = listener.local_addr()?;
        let (front, router) = self.routes(host, bound, door);
        let connections = Tasks::new();
        let (room, tasks) = (room_for_connections(), connections.clone());
        let closing = front.closing().clone();
        self.tasks.spawn(async move { listen(listener, router, room, &closing, &tasks).await });
        self.watch(false)?;
        announce(bound);
        self.control.learn_early(None);
        signals.next().await;
        info!("ending: what runs is given {} s", DRAIN.as_secs());
        let quit = async {
            front.drain(DRAIN).await;
            connections.drain(CLOSE).await;
            self.stop().await;
        };
        signals.hurry(quit).await;
        Ok(())
    }

    /// Who is let in over HTTP: everybody, as the role that it was put together for, or those whom `auth` knows.
    ///
    /// # Errors
    /// Where a token's role is not configured.
    pub fn door(&self) -> Result<Door, RoleError> {
        match &self.desired().config.auth {
            None => Ok(Door::Open(self.role)),
            Some(auth) => self.doors.door(auth, &self.gateway().roles()),
        }
    }

    /// All that is served over HTTP, to whoever is let in by `door`, and what ends it.
    pub fn routes(&self, host: &str, bound: SocketAddr, door: Door) -> (Arc<Front>, Router) {
        let front = self.front(host, bound, door);
        let health = Health::new(self.control.clone(), front.leaving().clone());
        let api = Api::new(self.control.clone(), front.clone());
        let served = front.router().merge(health.router()).merge(api.router()).merge(dashboard::router());
        let router = guarded(served, &front);
        (front, router)
    }

    /// MCP alone over HTTP, likewise.
    pub fn mcp_routes(&self, host: &str, bound: SocketAddr, door: Door) -> (Arc<Front>, Router) {
        let front = self.front(host, bound, door);
        let router = guarded(front.router(), &front);
        (front, router)
    }

    fn front(&self, host: &str, bound: SocketAddr, door: Door) -> Arc<Front> {
        let desired = self.desired();
        let hosts = Hosts::new(host, bound, &desired.config.allowed_hosts);
        let session_timeout = desired.config.session_timeout.duration();
        let settings = Settings { identity: self.identity(), door, hosts, session_timeout };
        let front = Front::new(self.gateway().clone(), settings);
        self.follow_door(&front);
        front
    }

    /// Lets those in from now on whom the configuration lets in as it is then. Whether anybody has to show something
    /// stays as it was when the gateway started.
    fn follow_door(&self, front: &Arc<Front>) {
        let (control, named, doors) = (self.control.clone(), self.named.clone(), self.doors.clone());
        let (mut changes, guarded) = (control.changes(), front.is_guarded());
        let front = Arc::downgrade(front);
        self.tasks.spawn(async move {
            while changes.changed().await.is_ok() {
                let Some(front) = front.upgrade() else { return };
                let (desired, roles) = (control.desired(), control.gateway().roles());
                let door = match (&desired.config.auth, guarded) {
                    (Some(auth), true) => doors.door(auth, &roles),
                    (None, false) => roles.resolve(named.as_deref()).map(Door::Open),
                    _ => continue,
                };
                front.change_door(door.unwrap_or_else(|error| {
                    warn!("nobody comes in over HTTP any more: {error}");
                    Door::closed()
                }));
            }
        });
    }

    fn identity(&self) -> Identity {
        Identity { name: self.desired().config.name.clone(), version: env!("CARGO_PKG_VERSION") }
    }

    /// Ends everything: what was started is stopped.
    pub async fn stop(&self) {
        self.tasks.drain(Duration::ZERO).await;
        self.control.end();
        self.gateway().stop(STOP).await;
    }
}

/// What people and programs wait for.
fn announce(bound: SocketAddr) {
    telemetry::announce(&format!("listening on http://{bound}/mcp"));
}

/// How many connections there may be. Each takes a file descriptor, and usually only 1024 are given unasked.
fn room_for_connections() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.unwrap_or(DESCRIPTORS).min(DESCRIPTORS);
    let raised = current.is_none_or(|current| current >= wanted)
        || setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }).is_ok();
    let given = if raised { current.unwrap_or(wanted).max(wanted) } else { current.unwrap_or(wanted) };
    usize::try_from(given.saturating_sub(OTHERS).max(given / 2)).unwrap_or(usize::MAX >> 3)
}

/// The signals that end the program politely.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
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

    /// Ends with `quit`, or with one more signal.
    async fn hurry(&mut self, quit: impl Future<Output = ()>) {
        tokio::select! {
            () = quit => {}
            () = self.next() => info!("a second signal: not waiting any longer"),
        }
    }
}
