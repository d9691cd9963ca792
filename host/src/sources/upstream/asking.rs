//! How long a server waits for the client.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// For how long questions are open: a call does not run out of time while a person thinks.
#[derive(Default)]
pub(super) struct Asking(Mutex<Clock>);

#[derive(Default)]
struct Clock {
    open: usize,
    since: Option<Instant>,
    before: Duration,
}

impl Clock {
    fn start(&mut self, now: Instant) {
        self.open += 1;
        self.since.get_or_insert(now);
    }

    fn stop(&mut self, now: Instant) {
        self.open -= 1;
        if self.open == 0 {
            self.before = self.so_far(now);
            self.since = None;
        }
    }

    fn so_far(&self, now: Instant) -> Duration {
        self.before + self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }
}

impl Asking {
    /// So far.
    pub(super) fn so_far(&self) -> Duration {
        self.clock().so_far(Instant::now())
    }

    fn clock(&self) -> MutexGuard<'_, Clock> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question that is open.
pub(super) struct Question(Arc<Asking>);

impl Question {
    pub(super) fn open(asking: &Arc<Asking>) -> Self {
        asking.clock().start(Instant::now());
        Self(asking.clone())
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.0.clock().stop(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_that_overlap_count_once() {
        let (begin, mut clock) = (Instant::now(), Clock::default());
        let at = |seconds| begin + Duration::from_secs(seconds);
        clock.start(at(0));
        clock.start(at(1));
        clock.stop(at(2));
        assert_eq!(clock.so_far(at(3)), Duration::from_secs(3));
        clock.stop(at(4));
        assert_eq!(clock.so_far(at(9)), Duration::from_secs(4));
        clock.start(at(10));
        assert_eq!(clock.so_far(at(11)), Duration::from_secs(5));
    }
}
