//! External servers: a command that speaks MCP on its standard streams, or a server behind an address; started or
//! reached when it is needed.
//!
//! * [`config`]: how `gateway.yaml` describes a server. [`guard`]: no child outlives the gateway.
//! * `child`: one process. `remote`, `http`, `sse`, [`oauth`]: one address. `link`: either of them, and the connection
//!   to it.
//! * `handshake`, `hello`, `lists`: the first words with it. `manners`, `asking`: what it is answered when it asks, and
//!   where what it tells goes.
//! * `instances`, `whose`: which of several a request uses. `lifecycle`, `start`, `running`: when one runs. `backoff`:
//!   how soon again. `tend`, `listen`: what goes on meanwhile. `common`, `remembered`: what all of them share, and what
//!   is offered while none runs.
//! * `seen`: when one was last seen to be there. `pins`: which of its tools are what was agreed to.
//! * `calls`: one request until it is answered. `params`: what it says. `rounds`: what the server asks before it
//!   answers. `subscribe`, `subscriptions`: who is told of updates. `early`: learning all servers at start.

use std::{
    fmt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use gateway_core::{
    call::Call,
    error::{CallError, Failure, FailureKind},
    name::{Naming, SourceName},
    payload::{Json, Op, Reply, Request},
    role::{Pattern, Role},
    source::{Abilities, Client, Events, Fut, LogLevel, Offer, SessionId, Source, SourceStatus, Vitals},
    wire::lines::MAX_LINE,
};
use tokio::time::timeout;

pub use self::{
    child::CommandLine,
    early::learn_early,
    link::Endpoint,
    pins::{Pins, Verdict},
    remote::Remote,
};
use self::{common::Common, config::PerSession, guard::Guard, instances::Instances, lifecycle::NoLease};

mod asking;
mod backoff;
mod calls;
mod child;
mod common;
pub mod config;
mod early;
pub mod guard;
mod handshake;
mod hello;
mod http;
mod instances;
mod lifecycle;
mod link;
mod listen;
mod lists;
mod manners;
pub mod oauth;
mod params;
mod pins;
mod remembered;
mod remote;
mod rounds;
mod running;
mod seen;
mod sse;
mod start;
mod subscribe;
mod subscriptions;
mod tend;
mod whose;

/// Told when a server starts. Must not wait.
pub type Observer = Arc<dyn Fn(&SourceName, Stage) + Send + Sync>;

/// What an [`Observer`] is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Its command is being run.
    Starting,
    /// It answers.
    Running,
    /// It could not be started; the call that wanted it says why.
    Failed,
}

/// How long a server may take to hear which log messages are wanted.
const TOLD: Duration = Duration::from_secs(2);

/// Everything that an external server is made from. [`Settings::new`] gives the defaults.
#[derive(Clone)]
pub struct Settings {
    /// Its name.
    pub name: SourceName,
    /// How its tools are named in public.
    pub naming: Naming,
    /// Where it is.
    pub endpoint: Endpoint,
    /// What it is for, as `gateway.yaml` says.
    pub description: Option<String>,
    /// How long it runs without being used; zero: for ever.
    pub idle_timeout: Duration,
    /// How long it may work on one call, the time in which it waits for an answer of the client excepted; zero: as
    /// long as it likes.
    pub request_timeout: Duration,
    /// How long it may take until it can be used, handshake included.
    pub start_timeout: Duration,
    /// Whether every session has an instance of its own.
    pub per_session: PerSession,
    /// Which of its tools are offered, by their own names; `None`: all.
    pub allow: Option<Vec<Pattern>>,
    /// Which of those are not offered all the same.
    pub deny: Vec<Pattern>,
    /// What was agreed to of its tools; `None`: it may have any.
    pub pins: Option<Arc<dyn Pins>>,
    /// The longest message that is taken from it, in bytes.
    pub max_message: usize,
    /// Where lists of tools are remembered, in a folder `tools`; `None`: nowhere.
    pub state_folder: Option<PathBuf>,
    /// Where it is told that what it offers has changed.
    pub events: Events,
    /// What sees to it that nothing of it outlives the gateway.
    pub guard: Arc<Guard>,
    /// Who is told that it starts.
    pub observer: Option<Observer>,
    /// The gateway has one client only: a server is greeted in the era of that one, and so says to it what it would say
    /// without a gateway.
    pub one_client: bool,
}

impl Settings {
    /// The server `name`, which is at `endpoint`; the rest as `gateway.yaml` has it where nothing is said.
    #[must_use]
    pub fn new(name: SourceName, endpoint: Endpoint, events: Events, guard: Arc<Guard>) -> Self {
        Self {
            naming: Naming::canonical(&name),
            name,
            endpoint,
            description: None,
            idle_timeout: Duration::from_secs(300),
            request_timeout: Duration::from_secs(60),
            start_timeout: Duration::from_secs(30),
            per_session: PerSession::default(),
            allow: None,
            deny: Vec::new(),
            pins: None,
            max_message: MAX_LINE,
            state_folder: None,
            events,
            guard,
            observer: None,
            one_client: false,
        }
    }

    /// Whether its tool `local` is offered.
    fn offers(&self, local: &str) -> bool {
        let any = |globs: &[Pattern]| globs.iter().any(|glob| glob.matches(local));
        self.allow.as_deref().is_none_or(any) && !any(&self.deny)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("name", &self.name).field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// An external server.
pub struct Upstream {
    instances: Arc<Instances>,
    calls: AtomicUsize,
}

// === impl Upstream ===

impl Upstream {
    /// The server, cold: nothing is started and no file is read before it is used. Uses need a Tokio runtime.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { instances: Instances::new(Common::new(settings)), calls: AtomicUsize::new(0) }
    }

    fn settings(&self) -> &Settings {
        &self.instances.common.settings
    }

    async fn run(&self, request: Request, call: Arc<Call>) -> Result<Reply, CallError> {
        if request.op == Op::CallTool && !self.settings().offers(&request.target) {
            return Err(CallError::UnknownTool((&*request.target).into()));
        }
        let _counted = Counted::one_more(&self.calls);
        let Some(deadline) = call.deadline else { return self.in_rounds(request, &call).await };
        tokio::select! {
            biased;
            done = self.in_rounds(request, &call) => done,
            () = call.clock().reaches(deadline) => {
                let message =
                    format!("server {:?} did not answer within the time that the caller had", self.settings().name);
                Err(Failure::new(FailureKind::Timeout, message).into())
            }
        }
    }

    /// A start counts as done when what is offered is known.
    async fn start_for(&self, client: &Arc<dyn Client>) -> Result<(), CallError> {
        loop {
            let held = self.instances.pick(client, &Op::CallTool)?;
            return match held.lifecycle().lease().await {
                Ok(_) => Ok(()),
                Err(NoLease::Moved) => continue,
                Err(NoLease::Failed(failure)) => Err(failure.into()),
            };
        }
    }
}

impl Source for Upstream {
    fn name(&self) -> &SourceName {
        &self.settings().name
    }

    fn naming(&self) -> &Naming {
        &self.settings().naming
    }

    fn description(&self) -> Option<&str> {
        self.settings().description.as_deref()
    }

    fn transport(&self) -> Option<&'static str> {
        Some(self.settings().endpoint.transport())
    }

    fn offer(&self, abilities: &Abilities) -> Arc<Offer> {
        self.instances.offer(abilities)
    }

    fn learn<'a>(&'a self, client: &'a Arc<dyn Client>) -> Fut<'a, Result<(), CallError>> {
        Box::pin(self.start_for(client))
    }

    fn call(&self, request: Request, call: Arc<Call>) -> Fut<'_, Result<Reply, CallError>> {
        Box::pin(self.run(request, call))
    }

    fn tell(&self, client: &Arc<dyn Client>, method: &str, params: Option<&Json>) {
        const ROOTS: &str = "notifications/roots/list_changed";
        let own = client.session().and_then(|session| self.instances.own_of(session));
        let running = own.as_ref().unwrap_or(self.instances.shared()).running();
        // Of roots a server is told that was told that there are any.
        if let Some(running) = running.filter(|running| method != ROOTS || running.manners.offers("roots")) {
            running.peer().notify(method, params.cloned());
        }
    }

    fn log_level(&self, client: &Arc<dyn Client>, level: LogLevel) -> Fut<'_, ()> {
        let Some(session) = client.session() else { return Box::pin(async {}) };
        self.instances.common.set_level(session, Some(level));
        let (own, shared) = (self.instances.own_of(session), self.instances.shared());
        Box::pin(async move {
            let own = async {
                if let Some(own) = own {
                    own.log_anew().await;
                }
            };
            // A server that does not answer must not hold up what is asked of others.
            let _ = timeout(TOLD, async { tokio::join!(own, shared.log_anew()) }).await;
        })
    }

    fn forget(&self, session: SessionId) {
        self.instances.forget(session);
    }

    fn status(&self) -> SourceStatus {
        let (state, error) = self.instances.doing();
        let common = &self.instances.common;
        let error = error.or_else(|| common.refused());
        let calls = self.calls.load(Ordering::Relaxed);
        SourceStatus { kind: "server", state, starts: common.starts(), calls, tools: common.tools(), error }
    }

    fn status_for(&self, role: &Role) -> SourceStatus {
        let mut status = self.status();
        if !role.sees_all() {
            status.error = self.instances.doing().1;
        }
        status
    }

    fn vitals(&self) -> Vitals {
        let seen = match &self.settings().endpoint {
            Endpoint::Remote(remote) => remote.seen.last(),
            Endpoint::Command(_) => None,
        };
        Vitals { processes: self.instances.processes(), seen }
    }

    fn stop(&self, grace: Duration) -> Fut<'_, ()> {
        Box::pin(self.instances.stop(grace))
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("settings", self.settings()).finish_non_exhaustive()
    }
}

/// A call in flight.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn one_more(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A duration as errors say it.
fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests;
