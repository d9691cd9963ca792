//! Where a guest runs.
//!
//! Handing a call of some microseconds to another runtime costs more than the call. So the guests of a plugin that has shown
//! itself to be quick begin on the worker of whoever asked. One that takes longer is moved to the plugins' own threads, and
//! one that takes long there to those for such, which share their time among themselves alone: guests that spin make each
//! other wait, and nobody else. A plugin begins where its last calls ended, and with its first where it is in nobody's way.

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
    control::{BRISK, Control, Ended, HERE},
    engine::{Machine, PluginEngine, Threads},
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
    /// On the plugins' own threads.
    Away(JoinHandle<Result<T, Stop>>),
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
    pace: Arc<Pace>,
}

/// A guest on the plugins' own threads, until it ends or has been there for too long.
struct Turns<T>(Option<Slices<T>>);

enum Turned<T> {
    Done(T),
    Long(Slices<T>),
}

/// How the calls of one plugin went lately.
#[derive(Debug)]
pub(crate) struct Pace {
    base: Instant,
    /// One more for every call that took long, one less for every other, within [`SCORES`].
    score: AtomicU32,
    /// Milliseconds from `base` to when a call last had too much of its caller's worker, or trapped, and one; 0: never.
    moved: AtomicU64,
    /// The same of brisk workers.
    slow: AtomicU64,
    /// Quick calls away since one of the two was set.
    quick: AtomicU32,
}

/// A call that takes longer may as well begin away. Below that the way there costs too much of it: the other processor has
/// nothing of the plugin at hand, so that one in JavaScript takes 130 µs there, and 65 with its caller.
const QUICK: Duration = Duration::from_micros(300);
/// How far single calls are remembered. A score and no average: on a busy machine a call in whose midst the system gave
/// the processor to somebody else takes a thousand times as long, and says nothing of the plugin.
const SCORES: std::ops::RangeInclusive<u32> = 0..=16;
/// Plugins with a higher score begin away.
const MOSTLY: u32 = 8;
/// How long a plugin is remembered for a call that had to be moved, unless it makes so many quick ones before.
const LATELY: Duration = Duration::from_secs(3);
const ENOUGH: u32 = 100;

// === impl Run ===

impl<T: Send + 'static> Run<T> {
    pub(crate) fn new(
        job: Job<T>,
        machine: Arc<Machine>,
        engine: Arc<PluginEngine>,
        control: Arc<Control>,
        pace: Arc<Pace>,
    ) -> Self {
        let slices = Slices { job, machine, control: control.clone(), pace: pace.clone() };
        Self { place: Place::Fresh(slices), engine, control, pace, watch: None }
    }

    /// Moves the guest to the plugins' own threads.
    fn send_away(&mut self, slices: Slices<T>, threads: Threads) -> Result<(), Stop> {
        self.place = Place::Away(send(&self.engine, slices, threads)?);
        Ok(())
    }

    fn poll_here(&mut self, mut slices: Slices<T>, cx: &mut Context<'_>) -> Poll<Result<T, Stop>> {
        if let Poll::Ready(done) = Pin::new(&mut slices).poll(cx) {
            return Poll::Ready(Ok(done));
        }
        if self.control.take_interrupted() {
            self.pace.note_worked(HERE);
            self.send_away(slices, Threads::Brisk)?;
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
            Ok(done) => done,
            Err(_) => Err(broken()),
        })
    }
}

impl<T: Send + 'static> Future for Run<T> {
    type Output = Result<T, Stop>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let done = match std::mem::replace(&mut self.place, Place::Over) {
            Place::Fresh(slices) => match self.pace.begins() {
                Some(threads) => {
                    self.send_away(slices, threads)?;
                    self.poll_away(cx)
                }
                None => self.poll_here(slices, cx),
            },
            Place::Here(slices) => self.poll_here(slices, cx),
            Place::Away(task) => {
                self.place = Place::Away(task);
                self.poll_away(cx)
            }
            Place::Over => Poll::Ready(Err(broken())),
        };
        if done.is_ready() {
            self.pace.note(&self.control);
        }
        done
    }
}

impl<T: Send + 'static> Drop for Run<T> {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.place, Place::Over) {
            Place::Fresh(_) | Place::Over => {}
            // The task ends by itself, at the latest when the guest's grace is over.
            Place::Away(_) => {
                self.pace.note_worked(self.control.worked());
                self.control.cancel();
            }
            Place::Here(slices) => {
                self.control.cancel();
                // Without those threads the guest is dropped at once.
                let _ = self.send_away(slices, Threads::Brisk);
            }
        }
    }
}

// No part of it is pinned in place: the guest is in a box of its own.
impl<T: Send + 'static> Unpin for Run<T> {}

/// Has a guest go on on those threads.
fn send<T: Send + 'static>(
    engine: &Arc<PluginEngine>,
    slices: Slices<T>,
    threads: Threads,
) -> Result<JoinHandle<Result<T, Stop>>, Stop> {
    let runtime = engine.runtime(threads).map_err(Stop::Failed)?;
    let (engine, control, pace) = (engine.clone(), slices.control.clone(), slices.pace.clone());
    control.send_to(threads);
    let guest = async move {
        let turned = tokio::select! {
            biased;
            turned = Turns(Some(slices)) => turned,
            ended = control.ended() => return Err(Stop::Ended(ended)),
        };
        match turned {
            Turned::Done(done) => Ok(done),
            Turned::Long(slices) => {
                pace.note_worked(BRISK);
                send(&engine, slices, Threads::Slow)?.await.map_err(|_| broken())?
            }
        }
    };
    // What it logs there is said of the same call.
    Ok(runtime.spawn(guest.in_current_span()))
}

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

// === impl Turns ===

impl<T> Future for Turns<T> {
    type Output = Turned<T>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Turned<T>> {
        let Some(mut slices) = self.0.take() else { return Poll::Pending };
        if let Poll::Ready(done) = Pin::new(&mut slices).poll(cx) {
            return Poll::Ready(Turned::Done(done));
        }
        if slices.control.take_interrupted() {
            return Poll::Ready(Turned::Long(slices));
        }
        self.0 = Some(slices);
        Poll::Pending
    }
}

// As of [`Run`].
impl<T> Unpin for Turns<T> {}

// === impl Pace ===

impl Pace {
    /// Of whom nothing is known: one quick call shows that it may begin with its caller.
    pub(crate) fn new() -> Self {
        let (moved, slow, quick) = Default::default();
        Self { base: Instant::now(), score: AtomicU32::new(MOSTLY + 1), moved, slow, quick }
    }

    /// Where the next call begins; `None`: with its caller.
    pub(crate) fn begins(&self) -> Option<Threads> {
        if self.was_lately(&self.slow) {
            return Some(Threads::Slow);
        }
        let is_away = self.score.load(Ordering::Relaxed) > MOSTLY || self.was_lately(&self.moved);
        is_away.then_some(Threads::Brisk)
    }

    /// A call trapped: its instance is of no use, and the next call has to make one, which takes a while.
    pub(crate) fn note_trap(&self) {
        self.set(&self.moved);
    }

    fn set(&self, mark: &AtomicU64) {
        mark.store(self.since_base(), Ordering::Relaxed);
        self.quick.store(0, Ordering::Relaxed);
    }

    fn was_lately(&self, mark: &AtomicU64) -> bool {
        let (mark, quick) = (mark.load(Ordering::Relaxed), self.quick.load(Ordering::Relaxed));
        mark > 0 && quick < ENOUGH && self.since_base().saturating_sub(mark) < LATELY.as_millis() as u64
    }

    /// A call is known to have had so much of a processor.
    fn note_worked(&self, worked: Duration) {
        for (bound, mark) in [(HERE, &self.moved), (BRISK, &self.slow)] {
            if worked >= bound {
                self.set(mark);
            }
        }
    }

    /// A call is over.
    fn note(&self, call: &Control) {
        match call.is_away() {
            true => self.note_exactly(call.worked()),
            false => self.note_roughly(call.busy()),
        }
    }

    /// Something was over after so long on a worker, which the system may have given to somebody else meanwhile.
    fn note_roughly(&self, busy: Duration) {
        // Two calls at once may lose one of the two: a score does not mind.
        let score = self.score.load(Ordering::Relaxed);
        let next = if busy > QUICK { score.saturating_add(1) } else { score.saturating_sub(1) };
        self.score.store(next.clamp(*SCORES.start(), *SCORES.end()), Ordering::Relaxed);
    }

    /// Something was over that had so much of a processor. That it was quick counts for more than that others seemed not
    /// to be.
    pub(crate) fn note_exactly(&self, worked: Duration) {
        match worked > QUICK {
            true => self.note_roughly(worked),
            false => {
                self.score.store(*SCORES.start(), Ordering::Relaxed);
                self.quick.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.note_worked(worked);
    }

    fn since_base(&self) -> u64 {
        u64::try_from(self.base.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_begin_where_their_calls_end() {
        let pace = Pace::new();
        let roughly = |times: u32, micros| (0..times).for_each(|_| pace.note_roughly(Duration::from_micros(micros)));
        assert_eq!(pace.begins(), Some(Threads::Brisk), "of a stranger's call nobody knows how long it takes");
        roughly(1, 40);
        assert_eq!(pace.begins(), None);
        roughly(100, 40);
        roughly(MOSTLY, 1_000_000);
        assert_eq!(pace.begins(), None);
        roughly(100, 400);
        assert_eq!(pace.begins(), Some(Threads::Brisk));
        roughly(MOSTLY, 10);
        assert_eq!(pace.begins(), None);
        roughly(100, 1_000_000);
        pace.note_exactly(QUICK);
        assert_eq!(pace.begins(), None, "it was the machine that was busy");
        pace.note_worked(HERE / 2);
        assert_eq!(pace.begins(), None);
        pace.note_worked(HERE);
        assert_eq!(pace.begins(), Some(Threads::Brisk));
        pace.note_exactly(BRISK);
        assert_eq!(pace.begins(), Some(Threads::Slow));
        (0..ENOUGH).for_each(|_| pace.note_exactly(QUICK));
        assert_eq!(pace.begins(), None, "one call of many is not held against it");
        let trapped = Pace::new();
        trapped.note_exactly(QUICK);
        trapped.note_trap();
        assert_eq!(trapped.begins(), Some(Threads::Brisk));
    }
}
