//! Where a guest runs.
//!
//! Handing a call of some microseconds to another runtime costs more than the call. So a guest begins on the worker of
//! whoever asked, and only one that still runs after two ticks of the clock is moved to the plugins' own runtime, where it
//! shares its time with other guests like it. A plugin that did so lately, or whose calls mostly take long, begins there.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use gateway_core::error::{Failure, FailureKind};
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use crate::{
    control::{Control, Ended},
    engine::{Machine, PluginEngine},
};

/// What a guest does, from the making of its instance to its result.
pub(crate) type Job<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A guest with its strings. Dropping it cancels the call: the guest is told, and has a little time to end.
pub(crate) struct Run<T: Send + 'static> {
    place: Place<T>,
    engine: Arc<PluginEngine>,
    control: Arc<Control>,
    pace: Arc<Pace>,
    /// Ends a guest that waits for the host. Made when it first does.
    watch: Option<Pin<Box<dyn Future<Output = Ended> + Send>>>,
}

enum Place<T> {
    /// Not begun.
    Fresh(Slices<T>),
    /// With the caller.
    Here(Slices<T>),
    /// On the plugins' own runtime.
    Away(JoinHandle<Result<T, Ended>>),
    /// Nowhere any more.
    Over,
}

/// Why a run gave no result: its end, or that it could not be carried out.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Ended from outside.
    Ended(Ended),
    /// Could not go on.
    Failed(Failure),
}

/// A guest whose turns on a worker are measured, and during which the clock ticks.
struct Slices<T> {
    job: Job<T>,
    machine: Arc<Machine>,
    control: Arc<Control>,
}

/// How the calls of one plugin went lately.
#[derive(Debug)]
pub(crate) struct Pace {
    base: Instant,
    /// One more for every call that took long, one less for every other, within [`SCORES`].
    score: AtomicU32,
    /// Milliseconds from `base` to when a call was last moved, and one; 0: never.
    moved: AtomicU64,
}

/// A call that takes longer may as well begin away: the way there costs up to this.
const QUICK: Duration = Duration::from_micros(50);
/// How far single calls are remembered. A score and no average: on a busy machine a call in whose midst the system gave
/// the processor to somebody else takes a thousand times as long, and says nothing of the plugin.
const SCORES: std::ops::RangeInclusive<u32> = 0..=16;
/// Plugins with a higher score begin away.
const MOSTLY: u32 = 8;
/// How long a plugin is remembered for a call that had to be moved.
const LATELY: Duration = Duration::from_secs(3);

// === impl Run ===

impl<T: Send + 'static> Run<T> {
    pub(crate) fn new(
        job: Job<T>,
        machine: Arc<Machine>,
        engine: Arc<PluginEngine>,
        control: Arc<Control>,
        pace: Arc<Pace>,
    ) -> Self {
        let slices = Slices { job, machine, control: control.clone() };
        Self { place: Place::Fresh(slices), engine, control, pace, watch: None }
    }

    /// Moves the guest to the plugins' own runtime.
    fn send_away(&mut self, slices: Slices<T>) -> Result<(), Stop> {
        let runtime = self.engine.runtime().map_err(Stop::Failed)?;
        self.control.send_away();
        let control = self.control.clone();
        let guest = async move {
            tokio::select! {
                biased;
                done = slices => Ok(done),
                ended = control.ended() => Err(ended),
            }
        };
        // What it logs there is said of the same call.
        let task = runtime.spawn(guest.in_current_span());
        self.place = Place::Away(task);
        Ok(())
    }

    fn poll_here(&mut self, mut slices: Slices<T>, cx: &mut Context<'_>) -> Poll<Result<T, Stop>> {
        if let Poll::Ready(done) = Pin::new(&mut slices).poll(cx) {
            return Poll::Ready(Ok(done));
        }
        if self.control.take_interrupted() {
            self.pace.note_moved();
            self.send_away(slices)?;
            return self.poll_away(cx);
        }
        // It waits for the host. From now on a timer is needed, since no epoch interrupts it.
        self.place = Place::Here(slices);
        let control = &self.control;
        let watch = self.watch.get_or_insert_with(|| {
            let control = control.clone();
            Box::pin(async move { control.ended().await })
        });
        let ended = ready!(watch.as_mut().poll(cx));
        self.place = Place::Over;
        Poll::Ready(Err(Stop::Ended(ended)))
    }

    fn poll_away(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Stop>> {
        let Place::Away(task) = &mut self.place else { return Poll::Ready(Err(broken())) };
        let done = ready!(Pin::new(task).poll(cx));
        self.place = Place::Over;
        Poll::Ready(match done {
            Ok(done) => done.map_err(Stop::Ended),
            Err(_) => Err(broken()),
        })
    }
}

impl<T: Send + 'static> Future for Run<T> {
    type Output = Result<T, Stop>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let done = match std::mem::replace(&mut self.place, Place::Over) {
            Place::Fresh(slices) if self.pace.begins_away() => {
                self.send_away(slices)?;
                self.poll_away(cx)
            }
            Place::Fresh(slices) | Place::Here(slices) => self.poll_here(slices, cx),
            Place::Away(task) => {
                self.place = Place::Away(task);
                self.poll_away(cx)
            }
            Place::Over => Poll::Ready(Err(broken())),
        };
        if done.is_ready() {
            self.pace.note(self.control.busy());
        }
        done
    }
}

impl<T: Send + 'static> Drop for Run<T> {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.place, Place::Over) {
            Place::Fresh(_) | Place::Over => {}
            // The task ends by itself, at the latest when the guest's grace is over.
            Place::Away(_) => self.control.cancel(),
            Place::Here(slices) => {
                self.control.cancel();
                // Without that runtime the guest is dropped at once.
                let _ = self.send_away(slices);
            }
        }
    }
}

// No part of it is pinned in place: the guest is in a box of its own.
impl<T: Send + 'static> Unpin for Run<T> {}

/// A panic in the host, or a poll after the end: nothing that a plugin could cause.
fn broken() -> Stop {
    Stop::Failed(Failure::new(FailureKind::Broken, "the gateway failed while it ran the plugin"))
}

// === impl Slices ===

impl<T> Future for Slices<T> {
    type Output = T;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = &mut *self;
        let _running = this.machine.ticker.enter();
        this.control.begin_slice();
        let done = this.job.as_mut().poll(cx);
        this.control.end_slice();
        done
    }
}

// === impl Pace ===

impl Pace {
    pub(crate) fn new() -> Self {
        Self { base: Instant::now(), score: AtomicU32::new(0), moved: AtomicU64::new(0) }
    }

    fn begins_away(&self) -> bool {
        self.score.load(Ordering::Relaxed) > MOSTLY || self.moved_lately()
    }

    fn moved_lately(&self) -> bool {
        let moved = self.moved.load(Ordering::Relaxed);
        moved > 0 && self.since_base().saturating_sub(moved) < LATELY.as_millis() as u64
    }

    fn note_moved(&self) {
        self.moved.store(self.since_base(), Ordering::Relaxed);
    }

    /// A call was over after so long on a worker.
    fn note(&self, busy: Duration) {
        // Two calls at once may lose one of the two: a score does not mind.
        let score = self.score.load(Ordering::Relaxed);
        let next = if busy > QUICK { score.saturating_add(1) } else { score.saturating_sub(1) };
        self.score.store(next.clamp(*SCORES.start(), *SCORES.end()), Ordering::Relaxed);
    }

    fn since_base(&self) -> u64 {
        u64::try_from(self.base.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_that_take_long_begin_away() {
        let pace = Pace::new();
        assert!(!pace.begins_away());
        let note = |times: u32, micros| (0..times).for_each(|_| pace.note(Duration::from_micros(micros)));
        note(100, 40);
        note(MOSTLY, 1_000_000);
        assert!(!pace.begins_away());
        note(100, 60);
        assert!(pace.begins_away());
        note(MOSTLY, 10);
        assert!(!pace.begins_away());
        pace.note_moved();
        assert!(pace.begins_away());
    }
}
