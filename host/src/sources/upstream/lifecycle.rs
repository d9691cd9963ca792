//! When a server runs: started by its first use, once for all who wait, ended when nobody has used it for a while,
//! started again after it has failed, with growing pauses.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use gateway_core::{
    error::{Failure, FailureKind},
    source::{Abilities, Client, Item, Offer, State as Doing},
    tasks::Tasks,
    wire::peer::RequestError,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    Settings, Stage,
    backoff::{Backoff, Wait},
    handshake::{self, HandshakeError},
    link::{Alive, End, Lease, Link},
    manners::Mirror,
    remembered::{self, Known},
    seconds, tend,
};

/// How long a server that did not start has to end.
const FAILED_GRACE: Duration = Duration::from_secs(1);

/// How long a server that is idle has to end.
pub(super) const IDLE_GRACE: Duration = Duration::from_secs(4);

/// The life of one server.
pub(super) struct Lifecycle {
    pub(super) settings: Settings,
    known: Known,
    mirror: Mutex<Mirror>,
    state: Mutex<State>,
    starts: AtomicU64,
    alive: watch::Sender<usize>,
    tasks: Tasks,
}

struct State {
    phase: Phase,
    backoff: Backoff,
}

enum Phase {
    Idle,
    Starting(Start),
    Running(Arc<Link>),
}

/// A start that several may wait for.
struct Start {
    outcome: watch::Receiver<Option<Result<(), Failure>>>,
    cancel: CancellationToken,
}

/// What whoever wants to use the server has to do next.
enum Step {
    Use(Lease),
    WaitForStart(watch::Receiver<Option<Result<(), Failure>>>),
    WaitForEnd(Arc<Link>),
    Pause(Duration),
    GiveUp(Failure),
}

// === impl Lifecycle ===

impl Lifecycle {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            known: Known::default(),
            mirror: Mutex::default(),
            state: Mutex::new(State { phase: Phase::Idle, backoff: Backoff::default() }),
            starts: AtomicU64::new(0),
            alive: watch::Sender::new(0),
            tasks: Tasks::new(),
        }
    }

    /// The server, running. Starts it where it does not run; whoever goes away while it starts leaves the start to the
    /// others.
    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease, Failure> {
        loop {
            match self.step() {
                Step::Use(lease) => return Ok(lease),
                Step::WaitForStart(mut outcome) => {
                    if let Ok(Some(Err(failure))) = outcome.wait_for(Option::is_some).await.as_deref() {
                        return Err(failure.clone());
                    }
                }
                Step::WaitForEnd(link) => {
                    let end = link.ended().await;
                    self.note_end(&link, &end);
                }
                Step::Pause(pause) => sleep(pause).await,
                Step::GiveUp(failure) => return Err(failure),
            }
        }
    }

    fn step(self: &Arc<Self>) -> Step {
        let mut state = self.lock();
        match &state.phase {
            Phase::Running(link) if link.is_open() => return Step::Use(Lease::take(link)),
            Phase::Running(link) => return Step::WaitForEnd(link.clone()),
            Phase::Starting(start) => return Step::WaitForStart(start.outcome.clone()),
            Phase::Idle => {}
        }
        match state.backoff.wait(Instant::now()) {
            Wait::No => {}
            Wait::Short(pause) => return Step::Pause(pause),
            Wait::Long(failure) => return Step::GiveUp(failure),
        }
        let (result, outcome) = watch::channel(None);
        let cancel = CancellationToken::new();
        state.phase = Phase::Starting(Start { outcome: outcome.clone(), cancel: cancel.clone() });
        drop(state);
        let this = self.clone();
        self.tasks.spawn(async move {
            let started = this.start(&cancel).await;
            result.send_replace(Some(this.note_start(started, &cancel)));
        });
        Step::WaitForStart(outcome)
    }

    async fn start(&self, cancel: &CancellationToken) -> Result<Arc<Link>, Failure> {
        let name = &self.settings.name;
        self.observe(Stage::Starting);
        let began = Instant::now();
        let mirror = self.mirror().clone();
        let abilities = mirror.abilities.clone();
        let link = Link::open(&self.settings, mirror, &self.tasks, Alive::one_more(&self.alive))?;
        self.starts.fetch_add(1, Ordering::Relaxed);
        let introduced = tokio::select! {
            introduced = timeout(self.settings.start_timeout, introduce(&link, &abilities)) => introduced,
            () = cancel.cancelled() => {
                link.stop(FAILED_GRACE).await;
                return Err(self.cancelled());
            }
        };
        let failure = match introduced {
            Ok(Ok(tools)) => {
                info!(server = %name, tools = tools.len(), ms = began.elapsed().as_millis(), "started");
                self.learn(tools).await;
                return Ok(link);
            }
            Ok(Err(error)) => self.not_introduced(&link, error).await,
            Err(_) => {
                let limit = seconds(self.settings.start_timeout);
                let message = format!("server {name:?} did not finish its start within {limit}{}", link.quote());
                Failure::new(FailureKind::Timeout, message).hint(format!("raise servers.{name}.start_timeout"))
            }
        };
        link.stop(FAILED_GRACE).await;
        Err(failure)
    }

    /// What is said where the handshake failed.
    async fn not_introduced(&self, link: &Arc<Link>, error: HandshakeError) -> Failure {
        let name = &self.settings.name;
        let hint = format!("check servers.{name}.command and servers.{name}.args; the log has all that it wrote");
        let message = match error {
            HandshakeError::Request { cause: RequestError::Ended | RequestError::NotSent, .. } => {
                let End { how, .. } = link.ended().await;
                format!("server {name:?} ended during its start ({how}){}", link.quote())
            }
            HandshakeError::Request { method, cause: RequestError::Answer(error) } => {
                format!("server {name:?} refused `{method}`: {error}")
            }
            error => format!("server {name:?} cannot be used: {error}"),
        };
        Failure::new(FailureKind::Unavailable, message).hint(hint)
    }

    /// A start is over.
    fn note_start(
        self: &Arc<Self>,
        started: Result<Arc<Link>, Failure>,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        let mut state = self.lock();
        let outcome = match started {
            // Cancelled under this lock, at the last moment.
            Ok(link) if cancel.is_cancelled() => {
                state.phase = Phase::Idle;
                link.want_end(FAILED_GRACE);
                Err(self.cancelled())
            }
            Ok(link) => {
                state.phase = Phase::Running(link.clone());
                state.backoff.started();
                self.tasks.spawn(tend::tend(Arc::downgrade(self), link, self.settings.idle_timeout));
                Ok(())
            }
            Err(failure) => {
                state.phase = Phase::Idle;
                if failure.kind != FailureKind::Cancelled {
                    warn!(hint = failure.hint.as_deref(), "{failure}");
                    state.backoff.failed(failure.clone(), Instant::now());
                }
                Err(failure)
            }
        };
        drop(state);
        self.observe(match &outcome {
            Ok(()) => Stage::Running,
            Err(_) => Stage::Failed,
        });
        outcome
    }

    /// A server has ended. Whoever sees it first says so; for the others nothing is left to do.
    pub(super) fn note_end(&self, link: &Arc<Link>, end: &End) {
        let mut state = self.lock();
        if !matches!(&state.phase, Phase::Running(running) if Arc::ptr_eq(running, link)) {
            return;
        }
        state.phase = Phase::Idle;
        if end.wanted {
            return;
        }
        let message = format!("server {:?} ended ({}){}", self.settings.name, end.how, link.quote());
        warn!("{message}");
        state.backoff.failed(Failure::new(FailureKind::Unavailable, message), Instant::now());
    }

    fn cancelled(&self) -> Failure {
        let message = format!("server {:?} was stopped while it was starting", self.settings.name);
        Failure::new(FailureKind::Cancelled, message)
    }

    /// Remembers the tools that may be offered, and says so where they are others than before.
    pub(super) async fn learn(&self, tools: Vec<Item>) {
        let offered: Box<[Item]> = tools.into_iter().filter(|tool| self.settings.offers(&tool.name)).collect();
        let file = remembered::file(&self.settings, &self.mirror().abilities);
        // What was remembered is what news is measured by.
        self.known.offer(|| file.clone());
        if !self.known.learn(offered.clone()) {
            return;
        }
        self.settings.events.changed();
        let Some(file) = file else { return };
        let path = file.clone();
        let written = tokio::task::spawn_blocking(move || remembered::write(&path, &offered)).await;
        if let Ok(Err(error)) = written {
            warn!("{} cannot be written, so its tools are not remembered: {error}", file.display());
        }
    }

    /// Gives the link up if nobody has used it for so long; else says when to look again.
    pub(super) fn give_up_idle(&self, link: &Arc<Link>, idle: Duration) -> Result<(), Instant> {
        let now = Instant::now();
        // Under this lock leases are taken: nobody can take one between the look and the end.
        let mut state = self.lock();
        match link.idle_since() {
            Some(since) if since + idle <= now => {
                if matches!(&state.phase, Phase::Running(running) if Arc::ptr_eq(running, link)) {
                    state.phase = Phase::Idle;
                }
                Ok(())
            }
            // Whoever uses it now says when they are done; until then the earliest end is that far away.
            since => Err(since.unwrap_or(now) + idle),
        }
    }

    pub(super) fn offer(&self) -> Arc<Offer> {
        self.known.offer(|| remembered::file(&self.settings, &self.mirror().abilities))
    }

    pub(super) fn mirror_client(&self, client: &Arc<dyn Client>) {
        let mut mirror = self.mirror();
        if mirror.abilities != *client.abilities() {
            self.known.forget();
            mirror.abilities = client.abilities().clone();
        }
        mirror.client = client.lasting();
    }

    /// The server, if it runs.
    pub(super) fn running(&self) -> Option<Arc<Link>> {
        match &self.lock().phase {
            Phase::Running(link) => Some(link.clone()),
            _ => None,
        }
    }

    /// What it does, how often it was started, what went wrong last.
    pub(super) fn doing(&self) -> (Doing, u64, Option<String>) {
        let state = self.lock();
        let doing = match &state.phase {
            Phase::Idle if state.backoff.error().is_some() => Doing::Failed,
            Phase::Idle => Doing::Idle,
            Phase::Starting(_) => Doing::Starting,
            Phase::Running(_) => Doing::Running,
        };
        (doing, self.starts.load(Ordering::Relaxed), state.backoff.error().map(ToString::to_string))
    }

    /// The server has answered a call, so it is worth starting again at once should it end.
    pub(super) fn prove(&self, link: &Link) {
        // Asked first: this is said after every call.
        if !link.proved.load(Ordering::Relaxed) && !link.proved.swap(true, Ordering::Relaxed) {
            self.lock().backoff.worked();
        }
    }

    pub(super) async fn stop(&self, grace: Duration) {
        let running = {
            let mut state = self.lock();
            state.backoff.worked();
            match &state.phase {
                Phase::Starting(start) => start.cancel.cancel(),
                Phase::Running(_) | Phase::Idle => {}
            }
            match std::mem::replace(&mut state.phase, Phase::Idle) {
                Phase::Running(link) => Some(link),
                // It becomes idle when it has been cancelled.
                other => {
                    state.phase = other;
                    None
                }
            }
        };
        if let Some(link) = running {
            link.stop(grace).await;
        }
        // Also what was ending already, and what the server itself had started.
        let _ = self.alive.subscribe().wait_for(|alive| *alive == 0).await;
    }

    fn observe(&self, stage: Stage) {
        if let Some(observer) = &self.settings.observer {
            observer(&self.settings.name, stage);
        }
    }

    fn mirror(&self) -> MutexGuard<'_, Mirror> {
        self.mirror.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lifecycle {
    fn drop(&mut self) {
        if let Some(link) = self.running() {
            link.want_end(IDLE_GRACE);
        }
    }
}

async fn introduce(link: &Arc<Link>, abilities: &Abilities) -> Result<Vec<Item>, HandshakeError> {
    let claims = handshake::introduce(link.peer(), &abilities.capabilities()).await?;
    link.claims_tools.store(claims, Ordering::Relaxed);
    handshake::tools(link.peer(), claims).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::upstream::tests::settings;

    #[tokio::test]
    async fn failing_again_and_again_is_answered_without_trying() {
        let lifecycle = Arc::new(Lifecycle::new(settings("a", "no-such-command")));
        let tries = |lifecycle: Arc<Lifecycle>| async move { lifecycle.lease().await.err().unwrap().message };
        assert!(tries(lifecycle.clone()).await.ends_with("command \"no-such-command\" was not found"));
        let failure = Failure::new(FailureKind::Unavailable, "it broke");
        (0..5).for_each(|_| lifecycle.lock().backoff.failed(failure.clone(), Instant::now()));
        let message = tries(lifecycle.clone()).await;
        assert!(message.starts_with("it broke; it is started again in "), "{message}");
        lifecycle.stop(Duration::ZERO).await;
        assert!(tries(lifecycle.clone()).await.ends_with("was not found"), "stopping forgets");
    }
}
