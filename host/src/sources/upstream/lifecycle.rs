//! When an instance of a server runs: started by its first use, once for all who wait, ended when nobody has used it
//! for a while, started again after it has failed, with growing pauses.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use gateway_core::{
    error::{Failure, FailureKind},
    source::{SessionId, State as Doing},
};
use tokio::{
    sync::watch,
    task::AbortHandle,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    Stage,
    backoff::{Backoff, Trouble, Wait},
    common::Common,
    link::End,
    listen,
    running::{Lease, Running},
    start::FAILED_GRACE,
    subscriptions::Subscriptions,
    tend,
    whose::Whose,
};

/// How long a server that is idle has to end.
pub(super) const IDLE_GRACE: Duration = Duration::from_secs(4);

/// The pauses after which a server is started again in the background: the first, and the longest.
const REVIVAL: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

/// The life of one instance of a server.
pub(super) struct Lifecycle {
    pub(super) common: Arc<Common>,
    pub(super) whose: Arc<Whose>,
    pub(super) subscriptions: Subscriptions,
    /// How soon it is asked again while it is down behind something that still answers.
    pub(super) trouble: Trouble,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    backoff: Backoff,
    revival: Option<AbortHandle>,
}

enum Phase {
    Idle,
    Starting(Start),
    Running(Arc<Running>),
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
    WaitForHalt(watch::Receiver<Option<Result<(), Failure>>>),
    WaitForEnd(Arc<Running>),
    Pause(Duration),
    GiveUp(Failure),
}

/// Why there is no lease.
#[derive(Debug)]
pub(super) enum NoLease {
    /// It could not be started.
    Failed(Failure),
    /// It keeps no sessions: the instance that runs for all is to be used.
    Moved,
}

// === impl Lifecycle ===

impl Lifecycle {
    pub(super) fn new(common: Arc<Common>, whose: Whose) -> Arc<Self> {
        let state = State { phase: Phase::Idle, backoff: Backoff::default(), revival: None };
        let (whose, state) = (Arc::new(whose), Mutex::new(state));
        let (subscriptions, trouble) = (Subscriptions::default(), Trouble::default());
        Arc::new(Self { common, whose, subscriptions, trouble, state })
    }

    /// The server, running. Starts it where it does not run; whoever goes away while it starts leaves the start to the
    /// others.
    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease, NoLease> {
        loop {
            if self.has_moved() {
                return Err(NoLease::Moved);
            }
            match self.step() {
                Step::Use(lease) => return Ok(lease),
                Step::WaitForStart(mut outcome) => {
                    if let Ok(Some(Err(failure))) = outcome.wait_for(Option::is_some).await.as_deref() {
                        return Err(NoLease::Failed(failure.clone()));
                    }
                }
                Step::WaitForHalt(mut outcome) => drop(outcome.wait_for(Option::is_some).await),
                Step::WaitForEnd(running) => {
                    let end = running.link.ended().await;
                    self.note_end(&running, &end);
                }
                Step::Pause(pause) => sleep(pause).await,
                Step::GiveUp(failure) => return Err(NoLease::Failed(failure)),
            }
        }
    }

    /// Whether there is no need of it any more: a server without sessions has one instance.
    pub(super) fn has_moved(&self) -> bool {
        !self.whose.is_everybodys() && self.common.is_modern(&self.whose.abilities)
    }

    fn step(self: &Arc<Self>) -> Step {
        let mut state = self.lock();
        match &state.phase {
            Phase::Running(running) if running.link.is_open() => return Step::Use(Lease::take(running)),
            Phase::Running(running) => return Step::WaitForEnd(running.clone()),
            // One that was cut short is not for those who come afterwards.
            Phase::Starting(start) if start.cancel.is_cancelled() => {
                return Step::WaitForHalt(start.outcome.clone());
            }
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
        self.common.tasks.spawn(async move {
            let started = this.start(&cancel).await;
            result.send_replace(Some(this.note_start(started, &cancel)));
        });
        Step::WaitForStart(outcome)
    }

    /// A start is over.
    fn note_start(
        self: &Arc<Self>,
        started: Result<Arc<Running>, Failure>,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        let mut state = self.lock();
        let mut moved = None;
        let outcome = match started {
            // Cancelled under this lock, at the last moment.
            Ok(running) if cancel.is_cancelled() => {
                state.phase = Phase::Idle;
                running.link.want_end(FAILED_GRACE);
                Err(self.cancelled())
            }
            Ok(running) if running.is_modern() && !self.whose.is_everybodys() => {
                state.phase = Phase::Idle;
                moved = Some(running);
                Ok(())
            }
            Ok(running) => {
                self.begin(&mut state, running);
                Ok(())
            }
            Err(failure) => {
                state.phase = Phase::Idle;
                if failure.kind != FailureKind::Cancelled {
                    warn!(server = %self.common.settings.name, hint = failure.hint.as_deref(), "{failure}");
                    state.backoff.failed(failure.clone(), Instant::now());
                }
                Err(failure)
            }
        };
        drop(state);
        if let Some(running) = moved {
            match self.common.shared() {
                Some(shared) => shared.adopt(running),
                None => running.link.want_end(IDLE_GRACE),
            }
        }
        if outcome.is_ok() {
            self.common.tell(&format!("connected - {} tools", self.common.tools().unwrap_or_default()));
        }
        self.common.observe(if outcome.is_ok() { Stage::Running } else { Stage::Failed });
        outcome
    }

    fn begin(self: &Arc<Self>, state: &mut State, running: Arc<Running>) {
        let idle = self.common.settings.idle_timeout;
        state.phase = Phase::Running(running.clone());
        state.backoff.started();
        if running.is_modern() {
            self.common.tasks.spawn(listen::listen(Arc::downgrade(self), running.clone()));
        }
        self.common.tasks.spawn(tend::tend(Arc::downgrade(self), running, idle));
    }

    /// Takes over what was started for a session before it was known that the server keeps none.
    fn adopt(self: &Arc<Self>, running: Arc<Running>) {
        let mut state = self.lock();
        match &state.phase {
            Phase::Idle => self.begin(&mut state, running),
            Phase::Starting(_) | Phase::Running(_) => running.link.want_end(IDLE_GRACE),
        }
    }

    /// A server has ended. Whoever sees it first says so; for the others nothing is left to do.
    pub(super) fn note_end(self: &Arc<Self>, ended: &Arc<Running>, end: &End) {
        let mut state = self.lock();
        if !matches!(&state.phase, Phase::Running(running) if Arc::ptr_eq(running, ended)) {
            return;
        }
        state.phase = Phase::Idle;
        if !end.wanted {
            let message = format!("server {:?} ended ({}){}", self.common.settings.name, end.how, ended.link.quote());
            warn!(server = %self.common.settings.name, "{message}");
            state.backoff.failed(Failure::new(FailureKind::Unavailable, message), Instant::now());
        }
        if !self.subscriptions.is_empty() {
            self.revive(&mut state);
        }
    }

    /// Starts it in the background, again and again, for as long as somebody waits for news of it.
    fn revive(self: &Arc<Self>, state: &mut State) {
        let weak = Arc::downgrade(self);
        let revival = self.common.tasks.spawn(async move {
            let mut pause = REVIVAL.0;
            loop {
                let Some(this) = weak.upgrade().filter(|this| !this.subscriptions.is_empty()) else { return };
                if !matches!(this.lease().await, Err(NoLease::Failed(_))) {
                    return;
                }
                drop(this);
                sleep(pause).await;
                pause = (pause * 2).min(REVIVAL.1);
            }
        });
        if let Some(before) = state.revival.replace(revival) {
            before.abort();
        }
    }

    /// What is said to those who wait for a start that is cut short.
    pub(super) fn cancelled(&self) -> Failure {
        let message = format!("server {:?} was stopped while it was starting", self.common.settings.name);
        Failure::new(FailureKind::Cancelled, message)
    }

    /// Gives a server up if nobody has used it for so long, and nobody waits for news of it; else says when to look
    /// again.
    pub(super) fn give_up_idle(&self, idling: &Arc<Running>, idle: Duration) -> Result<(), Instant> {
        let now = Instant::now();
        // Under this lock leases are taken: nobody can take one between the look and the end.
        let mut state = self.lock();
        let awaited = !self.subscriptions.is_empty() || self.whose.by_turns && !self.common.passing.is_empty();
        match idling.idle_since().filter(|_| !awaited) {
            Some(since) if since + idle <= now => {
                if matches!(&state.phase, Phase::Running(running) if Arc::ptr_eq(running, idling)) {
                    state.phase = Phase::Idle;
                }
                Ok(())
            }
            // Whoever uses it now says when they are done; until then the earliest end is that far away.
            since => Err(since.unwrap_or(now) + idle),
        }
    }

    /// The server, if it runs.
    pub(super) fn running(&self) -> Option<Arc<Running>> {
        match &self.lock().phase {
            Phase::Running(running) => Some(running.clone()),
            _ => None,
        }
    }

    /// What it does, and what went wrong last.
    pub(super) fn doing(&self) -> (Doing, Option<String>) {
        let state = self.lock();
        let doing = match &state.phase {
            Phase::Idle if state.backoff.error().is_some() => Doing::Failed,
            Phase::Idle => Doing::Idle,
            Phase::Starting(_) => Doing::Starting,
            Phase::Running(_) => Doing::Running,
        };
        (doing, state.backoff.error().map(ToString::to_string))
    }

    /// Whether there is a process, or a connection, or soon will be.
    pub(super) fn is_up(&self) -> bool {
        !matches!(self.lock().phase, Phase::Idle)
    }

    /// The server has answered a call, so it is worth starting again at once should it end.
    pub(super) fn prove(&self, running: &Running) {
        self.trouble.is_over();
        if running.proves_itself() {
            self.lock().backoff.worked();
        }
    }

    /// Which log messages are wanted may have changed.
    pub(super) async fn log_anew(&self) {
        if let Some(running) = self.running() {
            running.log_from(self.common.level(&self.whose)).await;
        }
    }

    /// A session has ended: the server hears of what nobody wants to know any more.
    pub(super) fn forget(self: &Arc<Self>, session: SessionId) {
        let unwanted = self.subscriptions.forget(session);
        // Where everything ends, nobody needs to be told.
        if unwanted.is_empty() || tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let this = self.clone();
        self.common.tasks.spawn(async move { this.unsubscribe(unwanted).await });
    }

    /// Nobody needs it any more.
    pub(super) fn retire(&self) {
        if let Some(running) = self.halt() {
            running.link.want_end(IDLE_GRACE);
        }
    }

    /// Ends it, politely for as long as `grace`, then by force.
    pub(super) async fn stop(&self, grace: Duration) {
        if let Some(running) = self.halt() {
            running.link.stop(grace).await;
        }
    }

    /// Nothing is started any more; what runs is given to be ended.
    fn halt(&self) -> Option<Arc<Running>> {
        self.trouble.is_over();
        let mut state = self.lock();
        state.backoff.worked();
        if let Some(revival) = state.revival.take() {
            revival.abort();
        }
        match std::mem::replace(&mut state.phase, Phase::Idle) {
            Phase::Running(running) => Some(running),
            // It becomes idle when it has been cancelled.
            Phase::Starting(start) => {
                start.cancel.cancel();
                state.phase = Phase::Starting(start);
                None
            }
            Phase::Idle => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lifecycle {
    fn drop(&mut self) {
        self.retire();
    }
}

#[cfg(test)]
mod tests;
