//! How soon a server that failed is started again.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use gateway_core::error::Failure;
use tokio::time::Instant;

use super::seconds;

/// Pauses up to this are waited for; a longer one is answered at once, with the time that is left.
const SHORT: Duration = Duration::from_secs(2);

/// The longest pause between two attempts.
const LONGEST: Duration = Duration::from_secs(30);

/// The failures since something last worked.
#[derive(Default)]
pub(super) struct Backoff {
    count: u32,
    not_before: Option<Instant>,
    error: Option<Failure>,
}

/// What comes before the next attempt.
pub(super) enum Wait {
    /// Nothing.
    No,
    /// A pause that is short enough to be waited for.
    Short(Duration),
    /// The last failure again, with the time that is left.
    Long(Failure),
}

impl Backoff {
    /// What comes before the next attempt.
    pub(super) fn wait(&self, now: Instant) -> Wait {
        let left = self.not_before.map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        match &self.error {
            Some(error) if left > SHORT => {
                let left = seconds(Duration::from_secs(left.as_secs() + 1));
                let mut failure = error.clone();
                failure.message = format!("{}; it is tried again in {left} at the earliest", error.message).into();
                Wait::Long(failure)
            }
            _ if left.is_zero() => Wait::No,
            _ => Wait::Short(left),
        }
    }

    /// An attempt failed, or what it started ended by itself.
    pub(super) fn failed(&mut self, failure: Failure, now: Instant) {
        self.count = self.count.saturating_add(1);
        let jitter = (RandomState::new().hash_one(self.count) % 1000) as f64 / 1000.0;
        self.not_before = Some(now + pause(self.count, jitter));
        self.error = Some(failure);
    }

    /// It runs; whether it works is still to be seen.
    pub(super) fn started(&mut self) {
        self.error = None;
    }

    /// It works: a failure after this is the first one.
    pub(super) fn worked(&mut self) {
        *self = Self::default();
    }

    /// The last failure, where nothing has been started since.
    pub(super) fn error(&self) -> Option<&Failure> {
        self.error.as_ref()
    }
}

/// A server that is down behind something that still answers, such as a proxy: after some such answers in a row it is
/// not asked for a while.
#[derive(Default)]
pub(super) struct Trouble {
    /// For those who ask after every call.
    is_there: AtomicBool,
    backoff: Mutex<Backoff>,
}

impl Trouble {
    /// It was down once more.
    pub(super) fn again(&self, failure: &Failure) {
        self.backoff().failed(failure.clone(), Instant::now());
        self.is_there.store(true, Ordering::Relaxed);
    }

    /// It has answered.
    pub(super) fn is_over(&self) {
        if self.is_there.load(Ordering::Relaxed) {
            self.is_there.store(false, Ordering::Relaxed);
            self.backoff().worked();
        }
    }

    /// Why it is not worth asking now.
    pub(super) fn why(&self) -> Option<Failure> {
        if !self.is_there.load(Ordering::Relaxed) {
            return None;
        }
        match self.backoff().wait(Instant::now()) {
            Wait::Long(failure) => Some(failure),
            Wait::No | Wait::Short(_) => None,
        }
    }

    fn backoff(&self) -> MutexGuard<'_, Backoff> {
        self.backoff.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long to wait after so many failures in a row: not at all after the first, then half a second, twice as long each
/// time, up to [`LONGEST`]; up to a tenth less by `jitter` (0 to 1), so that servers that failed together do not all
/// come back together.
fn pause(failures: u32, jitter: f64) -> Duration {
    let Some(doublings) = failures.checked_sub(2) else { return Duration::ZERO };
    let full = Duration::from_millis(500).saturating_mul(1 << doublings.min(10)).min(LONGEST);
    full.mul_f64(1.0 - jitter / 10.0)
}

#[cfg(test)]
mod tests {
    use gateway_core::error::FailureKind;

    use super::*;

    #[test]
    fn pauses_grow_up_to_a_bound() {
        let ms = |failures| pause(failures, 0.0).as_millis();
        assert_eq!([0, 1, 2, 3, 4, 5].map(ms), [0, 0, 500, 1000, 2000, 4000]);
        assert_eq!([8, 9, 100, u32::MAX].map(ms), [30_000; 4]);
        assert_eq!(pause(3, 1.0).as_millis(), 900);
    }

    #[test]
    fn short_pauses_are_waited_for_and_long_ones_told() {
        let (now, mut backoff) = (Instant::now(), Backoff::default());
        let failure = Failure::new(FailureKind::Unavailable, "it broke");
        assert!(matches!(backoff.wait(now), Wait::No));
        backoff.failed(failure.clone(), now);
        assert!(matches!(backoff.wait(now), Wait::No));
        backoff.failed(failure.clone(), now);
        assert!(matches!(backoff.wait(now), Wait::Short(_)));
        (0..8).for_each(|_| backoff.failed(failure.clone(), now));
        let Wait::Long(told) = backoff.wait(now) else { panic!() };
        assert!(told.message.starts_with("it broke; it is tried again in "), "{told}");
        assert!(matches!(backoff.wait(now + LONGEST), Wait::No));
        backoff.worked();
        assert!(matches!(backoff.wait(now), Wait::No));
        assert!(backoff.error().is_none());
    }

    #[test]
    fn a_server_that_is_down_behind_another_is_left_in_peace() {
        let (trouble, failure) = (Trouble::default(), Failure::new(FailureKind::Unavailable, "HTTP 503"));
        (0..4).for_each(|_| trouble.again(&failure));
        assert!(trouble.why().is_none(), "that happens");
        (0..4).for_each(|_| trouble.again(&failure));
        let told = trouble.why().unwrap();
        assert!(told.message.starts_with("HTTP 503; it is tried again in "), "{told}");
        trouble.is_over();
        assert!(trouble.why().is_none());
    }
}
