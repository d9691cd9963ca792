//! External servers: a command that speaks MCP on its standard streams, started when it is needed.
//!
//! * [`config`]: how `gateway.yaml` describes a server. [`guard`]: no child outlives the gateway.
//! * `child`: one process. `link`: a process and the connection to it. `handshake`: the first words with it. `manners`:
//!   what it is answered when it asks.
//! * `lifecycle`: when it runs. `backoff`: how soon again. `tend`: what goes on meanwhile. `remembered`: what it offers
//!   while it does not run.

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
    payload::{Json, Reply, Request},
    role::Pattern,
    source::{Abilities, Client, Events, Fut, Offer, Source, SourceStatus},
    wire::{
        json::{Members, Object},
        lines::MAX_LINE,
        peer::RequestError,
    },
};
use tokio::time::{Instant, timeout, timeout_at};

use self::{guard::Guard, lifecycle::Lifecycle, link::Link};

mod backoff;
mod child;
pub mod config;
pub mod guard;
mod handshake;
mod lifecycle;
mod link;
mod manners;
mod remembered;
mod tend;

/// How often a call is tried with servers that end before they were asked anything.
const ATTEMPTS: usize = 3;

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

/// Everything that an external server is made from. [`Settings::new`] gives the defaults.
#[derive(Clone)]
pub struct Settings {
    /// Its name.
    pub name: SourceName,
    /// How its tools are named in public.
    pub naming: Naming,
    /// The program: a path, or a name that is looked for in `PATH`.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables beside those of the gateway, fully expanded. The values are shown nowhere.
    pub env: Vec<(String, String)>,
    /// The folder to run it in; `None`: the gateway's own.
    pub cwd: Option<PathBuf>,
    /// What it is for, as `gateway.yaml` says.
    pub description: Option<String>,
    /// How long it runs without being used; zero: for ever.
    pub idle_timeout: Duration,
    /// How long it may work on one call, the time in which it waits for an answer of the client excepted; zero: as
    /// long as it likes.
    pub request_timeout: Duration,
    /// How long it may take until it can be used, handshake included.
    pub start_timeout: Duration,
    /// Which of its tools are offered, by their own names; `None`: all.
    pub allow: Option<Vec<Pattern>>,
    /// Which of those are not offered all the same.
    pub deny: Vec<Pattern>,
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
}

impl Settings {
    /// The server `name`, which is run by `command`; the rest as `gateway.yaml` has it where nothing is said.
    #[must_use]
    pub fn new(name: SourceName, command: impl Into<String>, events: Events, guard: Arc<Guard>) -> Self {
        Self {
            naming: Naming::canonical(&name),
            name,
            command: command.into(),
            args: Vec::new(),
            env: Vec::new(),
            cwd: None,
            description: None,
            idle_timeout: Duration::from_secs(300),
            request_timeout: Duration::from_secs(60),
            start_timeout: Duration::from_secs(30),
            allow: None,
            deny: Vec::new(),
            max_message: MAX_LINE,
            state_folder: None,
            events,
            guard,
            observer: None,
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
        f.debug_struct("Settings").field("name", &self.name).field("command", &self.command).finish_non_exhaustive()
    }
}

/// An external server.
pub struct Upstream {
    lifecycle: Arc<Lifecycle>,
    calls: AtomicUsize,
}

// === impl Upstream ===

impl Upstream {
    /// The server, cold: nothing is started and no file is read before it is used. Uses need a Tokio runtime.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { lifecycle: Arc::new(Lifecycle::new(settings)), calls: AtomicUsize::new(0) }
    }

    fn settings(&self) -> &Settings {
        &self.lifecycle.settings
    }

    async fn run(&self, request: Request, call: Arc<Call>) -> Result<Reply, CallError> {
        if !self.settings().offers(&request.target) {
            return Err(CallError::UnknownTool((&*request.target).into()));
        }
        let _counted = Counted::one_more(&self.calls);
        let Some(deadline) = call.deadline else { return self.attempt(&request, &call).await };
        let in_time = timeout_at(Instant::from_std(deadline), self.attempt(&request, &call)).await;
        in_time.unwrap_or_else(|_| {
            let message =
                format!("server {:?} did not answer within the time that the caller had", self.settings().name);
            Err(Failure::new(FailureKind::Timeout, message).into())
        })
    }

    /// Once for each call: a server that ends before it was asked anything can be started again without harm, any other
    /// call may have had its effect.
    async fn attempt(&self, request: &Request, call: &Arc<Call>) -> Result<Reply, CallError> {
        for _ in 0..ATTEMPTS {
            let lease = self.lifecycle.lease().await?;
            let link = lease.link();
            let asked = link.peer().request("tools/call", |id| Some(params(request, call, id)), Some(call));
            let Some(outcome) = within(self.settings().request_timeout, link, asked).await else {
                return Err(self.too_slow().into());
            };
            match outcome {
                Ok(body) => {
                    self.lifecycle.prove(link);
                    return Ok(Reply { body });
                }
                Err(RequestError::Answer(error)) => {
                    self.lifecycle.prove(link);
                    return Err(CallError::Backend(error));
                }
                // It takes nothing more; its end brings the next one.
                Err(RequestError::NotSent) => link.peer().end(),
                Err(RequestError::Ended) => return Err(self.ended(link).await.into()),
                Err(error) => {
                    let message = format!("server {:?} cannot be understood: {error}", self.settings().name);
                    return Err(Failure::new(FailureKind::Broken, message).into());
                }
            }
        }
        let message = format!("server {:?} ends as soon as it has started", self.settings().name);
        Err(Failure::new(FailureKind::Unavailable, message).into())
    }

    fn too_slow(&self) -> Failure {
        let Settings { name, request_timeout, .. } = self.settings();
        let message = format!("server {name:?} did not answer within {}", seconds(*request_timeout));
        Failure::new(FailureKind::Timeout, message).hint(format!("raise servers.{name}.request_timeout"))
    }

    async fn ended(&self, link: &Link) -> Failure {
        let (name, end) = (&self.settings().name, link.ended().await);
        if end.wanted {
            let message = format!("server {name:?} was stopped while the call was running");
            return Failure::new(FailureKind::Cancelled, message);
        }
        let message = format!("server {name:?} ended while the call was running ({}){}", end.how, link.quote());
        Failure::new(FailureKind::Unavailable, message)
            .hint("the call may have had its effect, so it was not sent again; the next call starts the server anew")
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

    fn offer(&self, _: &Abilities) -> Arc<Offer> {
        self.lifecycle.offer()
    }

    fn learn<'a>(&'a self, client: &'a Arc<dyn Client>) -> Fut<'a, Result<(), CallError>> {
        Box::pin(async {
            self.lifecycle.mirror_client(client);
            // The start counts as done when the tools are known.
            self.lifecycle.lease().await?;
            Ok(())
        })
    }

    fn call(&self, request: Request, call: Arc<Call>) -> Fut<'_, Result<Reply, CallError>> {
        self.lifecycle.mirror_client(call.client());
        Box::pin(self.run(request, call))
    }

    fn tell(&self, _: &Arc<dyn Client>, method: &str, _: Option<&Json>) {
        if let Some(link) = self.lifecycle.running().filter(|_| method == "notifications/roots/list_changed") {
            link.roots_changed();
        }
    }

    fn status(&self) -> SourceStatus {
        let (state, starts, error) = self.lifecycle.doing();
        let tools = self.lifecycle.offer().tools.as_ref().map(|tools| tools.len());
        SourceStatus { kind: "server", state, starts, calls: self.calls.load(Ordering::Relaxed), tools, error }
    }

    fn stop(&self, grace: Duration) -> Fut<'_, ()> {
        Box::pin(self.lifecycle.stop(grace))
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

/// The `params` of a `tools/call`, composed anew: nothing gets through that was not looked at. The request's own id is
/// the progress token, and is given only where the caller wants progress.
fn params(request: &Request, call: &Call, id: u64) -> Json {
    let size = |json: &Option<Json>| json.as_ref().map_or(0, |json| json.as_bytes().len());
    let mut params = Object::with_capacity(64 + request.target.len() + size(&request.arguments) + size(&request.meta));
    params.text("name", &request.target);
    if let Some(arguments) = &request.arguments {
        params.raw("arguments", arguments.as_bytes());
    }
    if call.progress_token.is_some() {
        let mut meta = Object::with_capacity(32 + size(&request.meta));
        meta.raw("progressToken", id.to_string().as_bytes());
        let theirs = request.meta.as_ref().and_then(|meta| Members::read(meta.as_bytes()).ok()).unwrap_or_default();
        for (name, value) in theirs.iter() {
            meta.raw(name, value.get().as_bytes());
        }
        params.raw("_meta", meta.finish().as_bytes());
    } else if let Some(meta) = &request.meta {
        params.raw("_meta", meta.as_bytes());
    }
    for (name, value) in &request.rest {
        params.raw(name, value.as_bytes());
    }
    params.finish()
}

/// What `work` gives within `limit`, the time not counted in which the server waits for an answer of the client.
async fn within<T>(limit: Duration, link: &Link, work: impl Future<Output = T>) -> Option<T> {
    /// The shortest time until it is looked again, while a question is open.
    const AGAIN: Duration = Duration::from_millis(100);
    if limit.is_zero() {
        return Some(work.await);
    }
    let mut work = std::pin::pin!(work);
    let (began, asked_before) = (Instant::now(), link.asked_for());
    let mut left = limit;
    loop {
        if let Ok(done) = timeout(left, &mut work).await {
            return Some(done);
        }
        let worked = began.elapsed().saturating_sub(link.asked_for().saturating_sub(asked_before));
        left = limit.saturating_sub(worked);
        if left.is_zero() {
            return None;
        }
        left = left.max(AGAIN);
    }
}

/// A duration as errors say it.
fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests;
