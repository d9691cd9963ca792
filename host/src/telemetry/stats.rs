//! How the calls of one source went: counted for ever, and how long the recent ones took.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::record::Outcome;

/// How many of the recent calls percentiles are made of.
const RECENT: usize = 128;

/// The upper bounds of the histogram, in seconds.
pub const BOUNDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

/// How a call ended, as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Well.
    Ok,
    /// The tool says that it failed.
    ToolError,
    /// It could not be run, or broke off.
    Failed,
    /// Whoever asked went away.
    Cancelled,
}

impl Ended {
    /// All of them, each with its name in metrics.
    pub const ALL: [(Self, &'static str); 4] =
        [(Self::Ok, "ok"), (Self::ToolError, "tool_error"), (Self::Failed, "failed"), (Self::Cancelled, "cancelled")];
}

/// The calls of one source.
#[derive(Debug, Default)]
pub struct Stats {
    ended: [AtomicU64; Ended::ALL.len()],
    /// How many took no longer than each bound and longer than the one before; the last: longer than all.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
    recent: Mutex<VecDeque<u32>>,
}

/// How long the recent calls took, in milliseconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recent {
    /// Each, oldest first.
    pub took: Vec<f64>,
    /// So many in a hundred took no longer: 50, 90, 99.
    pub percentiles: Option<[f64; 3]>,
}

impl Stats {
    pub(super) fn count(&self, outcome: &Outcome, took: Duration) {
        let ended = match outcome {
            Outcome::Ok => Ended::Ok,
            Outcome::ToolError => Ended::ToolError,
            Outcome::Failed(_) => Ended::Failed,
            Outcome::Cancelled => Ended::Cancelled,
        };
        let seconds = took.as_secs_f64();
        self.ended[ended as usize].fetch_add(1, Ordering::Relaxed);
        self.buckets[BOUNDS.partition_point(|bound| *bound < seconds)].fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        // How long somebody waited before going away says nothing about the source.
        if ended == Ended::Cancelled {
            return;
        }
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() == RECENT {
            recent.pop_front();
        }
        recent.push_back(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
    }

    /// How many ended so.
    #[must_use]
    pub fn counted(&self, ended: Ended) -> u64 {
        self.ended[ended as usize].load(Ordering::Relaxed)
    }

    /// How many took no longer than each of [`BOUNDS`], and at last how many there were; and how long all of them took
    /// together, in seconds.
    #[must_use]
    pub fn histogram(&self) -> ([u64; BOUNDS.len() + 1], f64) {
        let mut so_far = 0;
        let counts = std::array::from_fn(|at| {
            so_far += self.buckets[at].load(Ordering::Relaxed);
            so_far
        });
        #[allow(clippy::cast_precision_loss, reason = "microseconds of centuries fit")]
        let seconds = self.micros.load(Ordering::Relaxed) as f64 / 1e6;
        (counts, seconds)
    }

    /// How long the recent ones took.
    #[must_use]
    pub fn recent(&self) -> Recent {
        let recent: Vec<u32> = self.recent.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        let mut sorted = recent.clone();
        sorted.sort_unstable();
        let ms = |micros: u32| f64::from(micros) / 1000.0;
        // The nearest rank: one that really was.
        let rank = |percent: usize| ms(sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1]);
        let percentiles = (!sorted.is_empty()).then(|| [50, 90, 99].map(rank));
        Recent { took: recent.into_iter().map(ms).collect(), percentiles }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_recent_calls() {
        let stats = Stats::default();
        assert_eq!(stats.recent(), Recent::default());
        (1..=100).for_each(|ms| stats.count(&Outcome::Ok, Duration::from_millis(ms)));
        assert_eq!(stats.recent().percentiles, Some([50.0, 90.0, 99.0]));
        (0..RECENT).for_each(|_| stats.count(&Outcome::ToolError, Duration::from_millis(7)));
        stats.count(&Outcome::Cancelled, Duration::from_secs(5));
        assert_eq!(stats.recent().percentiles, Some([7.0, 7.0, 7.0]));
        assert_eq!(stats.recent().took.len(), RECENT);
        assert_eq!((stats.counted(Ended::Ok), stats.counted(Ended::ToolError)), (100, RECENT as u64));
    }

    #[test]
    fn the_histogram_adds_up() {
        let stats = Stats::default();
        for micros in [500, 1000, 1001, 200_000, 90_000_000] {
            stats.count(&Outcome::Ok, Duration::from_micros(micros));
        }
        let (counts, seconds) = stats.histogram();
        assert_eq!(counts[..3], [2, 3, 3]);
        assert_eq!(counts[BOUNDS.len() - 1..], [4, 5]);
        assert!((seconds - 90.202_501).abs() < 1e-9);
    }
}
