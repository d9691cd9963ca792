//! The strings that are attached to a guest while it runs: its deadline, its cancellation, where it runs.

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
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

use crate::{engine::Threads, permissions::Denial};

/// How long a guest whose call was cancelled may go on, so that it can end by itself: it sees `host.cancelled`.
pub(crate) const GRACE: Duration = Duration::from_millis(500);

/// How long a guest may have its caller's worker, in processor time from when the clock first finds it there.
pub(crate) const HERE: Duration = Duration::from_millis(1);
/// How long it may have a brisk worker in all.
pub(crate) const BRISK: Duration = Duration::from_millis(10);

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
    /// Nanoseconds on a worker so far.
    busy: AtomicU64,
    /// Nanoseconds that its thread had had of a processor when the guest was last given it, or when the clock first found
    /// it with its caller; 0: not looked at, which takes a system call.
    mark: AtomicU64,
    /// Nanoseconds of a processor that it is known to have had.
    worked: AtomicU64,
    /// Where it runs: 0 with its caller, else on threads of the plugins' own.
    place: AtomicU8,
    /// Interrupted where it has been for too long, to be sent on.
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
    /// Whether it was made, and not used before.
    pub(crate) is_new: bool,
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
            busy: AtomicU64::new(0),
            mark: AtomicU64::new(0),
            worked: AtomicU64::new(0),
            place: AtomicU8::new(0),
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
        let mark = if self.is_away() { nanoseconds(thread_time()) } else { 0 };
        self.mark.store(mark, Ordering::Relaxed);
    }

    /// The guest gives the worker back.
    pub(crate) fn end_slice(&self) {
        let spent = self.since_start().saturating_sub(self.slice.load(Ordering::Relaxed));
        self.busy.fetch_add(spent, Ordering::Relaxed);
        self.worked.fetch_add(nanoseconds(self.worked_now()), Ordering::Relaxed);
    }

    /// How long the guest had a worker in all.
    pub(crate) fn busy(&self) -> Duration {
        Duration::from_nanos(self.busy.load(Ordering::Relaxed))
    }

    /// How long it is known to have had a processor. Less than [`Self::busy`], which counts what the system gave to others
    /// meanwhile, and little where it has not been found by the clock.
    pub(crate) fn worked(&self) -> Duration {
        Duration::from_nanos(self.worked.load(Ordering::Relaxed))
    }

    /// The same, since its turn began. Only on the thread where it runs.
    fn worked_now(&self) -> Duration {
        match self.mark.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            mark => thread_time().saturating_sub(Duration::from_nanos(mark)),
        }
    }

    fn since_start(&self) -> u64 {
        nanoseconds(self.started.elapsed())
    }

    /// What a guest that still runs after a tick of the clock has to do. The deadline is held against the clock on the
    /// wall: ticks come late where the machine is busy.
    pub(crate) fn tick(&self) -> UpdateDeadline {
        if self.clock.now() >= self.deadline {
            return UpdateDeadline::Interrupt;
        }
        // That it still runs says nothing of the guest: the tick may come early in its turn, while it waits for the host,
        // or while the system gives the processor to somebody else. What it had of the processor does.
        let is_over = match self.place() {
            None if self.mark.load(Ordering::Relaxed) == 0 => {
                self.mark.store(nanoseconds(thread_time()), Ordering::Relaxed);
                false
            }
            None => self.worked_now() >= HERE,
            Some(Threads::Brisk) => self.worked() + self.worked_now() >= BRISK,
            Some(Threads::Slow) => false,
        };
        if is_over {
            self.interrupted.store(true, Ordering::Relaxed);
            // Wakes nobody: whoever polls the guest sees the mark and moves it.
            return UpdateDeadline::YieldCustom(1, Box::pin(PendOnce(false)));
        }
        match self.is_away() {
            true => UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())),
            false => UpdateDeadline::Continue(1),
        }
    }

    /// Whether the guest was interrupted, to be sent on, since this was last asked.
    pub(crate) fn take_interrupted(&self) -> bool {
        self.interrupted.swap(false, Ordering::Relaxed)
    }

    /// From now on the guest runs on those threads.
    pub(crate) fn send_to(&self, threads: Threads) {
        let place = match threads {
            Threads::Brisk => 1,
            Threads::Slow => 2,
        };
        self.place.store(place, Ordering::Relaxed);
    }

    /// Where it runs; `None`: with its caller.
    fn place(&self) -> Option<Threads> {
        match self.place.load(Ordering::Relaxed) {
            0 => None,
            1 => Some(Threads::Brisk),
            _ => Some(Threads::Slow),
        }
    }

    /// Whether it runs on threads of the plugins' own.
    pub(crate) fn is_away(&self) -> bool {
        self.place().is_some()
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
        let late = async {
            self.late().await;
            if self.spent.get().is_some() {
                // It has given its result in time, and is being set back.
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = late => Ended::Late,
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

/// What this thread has had of a processor.
#[cfg(unix)]
pub(crate) fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// The time of the wall, where that of a thread is not to be had so simply.
#[cfg(not(unix))]
pub(crate) fn thread_time() -> Duration {
    static BASE: OnceLock<Instant> = OnceLock::new();
    BASE.get_or_init(Instant::now).elapsed()
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
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
mod tests;
