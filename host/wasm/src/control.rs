//! The strings that are attached to a guest while it runs: its deadline, its cancellation, where it runs.

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use gateway_core::{
    call::Clock,
    error::{Failure, FailureKind},
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use wasmtime::UpdateDeadline;

use crate::permissions::Denial;

/// How long a guest whose call was cancelled may go on, so that it can end by itself: it sees `host.cancelled`.
pub(crate) const GRACE: Duration = Duration::from_millis(500);

/// One running guest, as its host functions, its epochs and whoever waits for it see it.
#[derive(Debug)]
pub(crate) struct Control {
    /// When it has to be over, by its clock.
    pub(crate) deadline: Instant,
    /// When the call came in, by its clock.
    pub(crate) started: Instant,
    /// Stands still while the client is asked something, here or in a call that this one caused.
    clock: Arc<Clock>,
    /// Nanoseconds from `started` to when the guest was last given a worker.
    slice: AtomicU64,
    /// Ticks of the clock since then.
    ticks: AtomicU32,
    /// Nanoseconds on a worker so far.
    busy: AtomicU64,
    /// On the plugins' own runtime.
    away: AtomicBool,
    /// Interrupted on its caller's worker, to be sent away.
    interrupted: AtomicBool,
    cancelled: AtomicBool,
    changed: Notify,
    life: Life,
    denial: Mutex<Option<Denial>>,
    spent: OnceLock<Spent>,
}

/// What a guest took until its work was done or broke off.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    /// WebAssembly operations, where they are counted.
    pub(crate) fuel: Option<u64>,
    /// Bytes of memories and tables.
    pub(crate) memory: u64,
    /// The making of its instance.
    pub(crate) made: Duration,
}

/// What ends all guests of one plugin.
#[derive(Debug, Clone, Default)]
pub(crate) struct Life {
    /// They are asked to end.
    pub(crate) stopping: CancellationToken,
    /// They are ended.
    pub(crate) stopped: CancellationToken,
}

/// Why a guest was ended from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The deadline.
    Late,
    /// Its caller is gone.
    Cancelled,
    /// The plugin was stopped.
    Stopped,
}

impl Control {
    pub(crate) fn new(started: Instant, deadline: Instant, clock: Arc<Clock>, life: Life) -> Self {
        Self {
            deadline,
            started,
            clock,
            slice: AtomicU64::new(0),
            ticks: AtomicU32::new(0),
            busy: AtomicU64::new(0),
            away: AtomicBool::new(false),
            interrupted: AtomicBool::new(false),
            cancelled: AtomicBool::new(false),
            changed: Notify::new(),
            life,
            denial: Mutex::new(None),
            spent: OnceLock::new(),
        }
    }

    /// The guest gets a worker.
    pub(crate) fn begin_slice(&self) {
        self.slice.store(self.since_start(), Ordering::Relaxed);
        self.ticks.store(0, Ordering::Relaxed);
    }

    /// The guest gives the worker back.
    pub(crate) fn end_slice(&self) {
        let spent = self.since_start().saturating_sub(self.slice.load(Ordering::Relaxed));
        self.busy.fetch_add(spent, Ordering::Relaxed);
    }

    /// How long the guest had a worker in all.
    pub(crate) fn busy(&self) -> Duration {
        Duration::from_nanos(self.busy.load(Ordering::Relaxed))
    }

    fn since_start(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// What a guest that still runs after a tick of the clock has to do. The deadline is held against the clock on the
    /// wall: ticks come late where the machine is busy.
    pub(crate) fn tick(&self) -> UpdateDeadline {
        if self.clock.now() >= self.deadline {
            return UpdateDeadline::Interrupt;
        }
        if self.away.load(Ordering::Relaxed) {
            return UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now()));
        }
        // The first tick may come early in its turn, while it waits for the host, or while the system gives the
        // processor to somebody else: it says nothing of the guest.
        if self.ticks.fetch_add(1, Ordering::Relaxed) == 0 {
            return UpdateDeadline::Continue(1);
        }
        self.interrupted.store(true, Ordering::Relaxed);
        // Wakes nobody: whoever polls the guest sees the mark and moves it.
        UpdateDeadline::YieldCustom(1, Box::pin(PendOnce(false)))
    }

    /// Whether the guest was interrupted on its caller's worker since this was last asked.
    pub(crate) fn take_interrupted(&self) -> bool {
        self.interrupted.swap(false, Ordering::Relaxed)
    }

    /// From now on the guest runs on the plugins' own runtime.
    pub(crate) fn send_away(&self) {
        self.away.store(true, Ordering::Relaxed);
    }

    /// Whether it runs there.
    pub(crate) fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    /// The caller is gone.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.changed.notify_waiters();
    }

    /// Whether the guest should stop.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire) || self.life.stopping.is_cancelled()
    }

    /// Waits until the guest should stop.
    pub(crate) async fn cancelled(&self) {
        let mut changed = std::pin::pin!(self.changed.notified());
        // Registered before the flag is read, so that a cancellation in between is not missed.
        changed.as_mut().enable();
        if self.is_cancelled() {
            return;
        }
        tokio::select! {
            () = changed => {}
            () = self.life.stopping.cancelled() => {}
        }
    }

    /// Waits until the deadline has come.
    pub(crate) async fn late(&self) {
        self.clock.reaches(self.deadline).await;
    }

    /// Waits until the guest has to be dropped.
    pub(crate) async fn ended(&self) -> Ended {
        let cancelled = async {
            self.cancelled().await;
            if !self.cancelled.load(Ordering::Acquire) {
                // Stopped with its plugin, which has a grace of its own.
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            () = self.late() => Ended::Late,
            () = self.life.stopped.cancelled() => Ended::Stopped,
            () = cancelled => Ended::Cancelled,
        }
    }

    /// Takes note of what it took.
    pub(crate) fn note_spent(&self, spent: Spent) {
        let _ = self.spent.set(spent);
    }

    /// What it took, as far as that is known: nothing of one that was ended from outside.
    pub(crate) fn spent(&self) -> Spent {
        self.spent.get().copied().unwrap_or_default()
    }

    /// Takes note of something that was denied, so that the result of the call can say so.
    pub(crate) fn note_denial(&self, denial: Denial) {
        tracing::warn!(target: "plugin", hint = %denial.hint, "{}", denial.message);
        *self.denial.lock().unwrap_or_else(PoisonError::into_inner) = Some(denial);
    }

    /// What was denied last.
    pub(crate) fn denial(&self) -> Option<Denial> {
        self.denial.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Ended {
    /// As a failure of `plugin`, other than [`Ended::Late`], whose limit its caller knows.
    pub(crate) fn failure(self, plugin: &str) -> Failure {
        let (kind, what) = match self {
            Self::Late => (FailureKind::Timeout, "the call ran out of time"),
            Self::Cancelled => (FailureKind::Cancelled, "the call was cancelled"),
            Self::Stopped => (FailureKind::Cancelled, "the plugin was stopped during the call"),
        };
        Failure::new(kind, format!("plugin {plugin:?}: {what}"))
    }
}

/// Gives way once.
struct PendOnce(bool);

impl Future for PendOnce {
    type Output = ();
    fn poll(mut self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<()> {
        match std::mem::replace(&mut self.0, true) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(time: Duration) -> Control {
        Control::new(Instant::now(), Instant::now() + time, Arc::default(), Life::default())
    }

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn the_deadline_interrupts() {
        assert!(matches!(control(Duration::ZERO).tick(), UpdateDeadline::Interrupt));
    }

    #[test]
    fn a_guest_that_holds_its_callers_worker_is_marked() {
        let control = control(LONG);
        for _ in 0..2 {
            control.begin_slice();
            assert!(matches!(control.tick(), UpdateDeadline::Continue(1)));
            assert!(!control.take_interrupted());
        }
        assert!(matches!(control.tick(), UpdateDeadline::YieldCustom(1, _)));
        assert!(control.take_interrupted());
        assert!(!control.take_interrupted());
        control.send_away();
        assert!(matches!(control.tick(), UpdateDeadline::YieldCustom(1, _)));
        assert!(!control.take_interrupted());
    }

    #[tokio::test]
    async fn cancelling_reaches_who_waits_and_who_comes_later() {
        let control = control(LONG);
        assert!(!control.is_cancelled());
        tokio::join!(control.cancelled(), async { control.cancel() });
        control.cancelled().await;
        assert!(control.is_cancelled());
    }

    #[tokio::test]
    async fn a_question_to_the_client_holds_the_deadline() {
        let control = control(Duration::ZERO);
        let held = control.clock.hold();
        let late = control.late();
        tokio::pin!(late);
        tokio::select! {
            biased;
            () = &mut late => panic!("the clock stands"),
            () = tokio::task::yield_now() => {}
        }
        drop(held);
        late.await;
        assert!(matches!(control.tick(), UpdateDeadline::Interrupt));
    }

    #[tokio::test]
    async fn the_end_has_a_reason() {
        assert_eq!(control(Duration::ZERO).ended().await, Ended::Late);
        let stopped = control(LONG);
        stopped.life.stopping.cancel();
        assert!(stopped.is_cancelled());
        stopped.life.stopped.cancel();
        assert_eq!(stopped.ended().await, Ended::Stopped);
    }
}
