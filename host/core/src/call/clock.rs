//! How long a call may take, not counting the time that people think.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

/// The clock of a call and of all others that it causes. It stands still while the client is asked something: what a
/// person needs for an answer is the time of none of them.
///
/// Deadlines are points of this clock: a point that is an hour away comes later where the clock stood meanwhile.
#[derive(Debug, Default)]
pub struct Clock {
    state: Mutex<State>,
    /// It goes on.
    went_on: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// How many hold it.
    holders: usize,
    since: Option<Instant>,
    before: Duration,
}

/// As long as this lives, the clock stands.
#[derive(Debug)]
#[must_use]
pub struct Held<'a>(&'a Clock);

impl Clock {
    /// What it shows.
    #[must_use]
    pub fn now(&self) -> Instant {
        let now = Instant::now();
        now.checked_sub(self.state().stood(now)).unwrap_or(now)
    }

    /// When `point` comes for everybody else, if the clock does not stand again before.
    #[must_use]
    pub fn outside(&self, point: Instant) -> Instant {
        point + self.state().stood(Instant::now())
    }

    /// Stops it.
    pub fn hold(&self) -> Held<'_> {
        let mut state = self.state();
        state.holders += 1;
        state.since.get_or_insert_with(Instant::now);
        Held(self)
    }

    /// Waits until it shows `point`.
    pub async fn reaches(&self, point: Instant) {
        loop {
            let mut went_on = std::pin::pin!(self.went_on.notified());
            // Registered before the state is read, so that nothing in between is missed.
            went_on.as_mut().enable();
            let next = {
                let state = self.state();
                (state.holders == 0).then(|| point + state.before)
            };
            match next {
                None => went_on.await,
                Some(next) if next <= Instant::now() => return,
                // It may stand meanwhile; then this comes too early, and waits again.
                Some(next) => tokio::time::sleep_until(next.into()).await,
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn stood(&self, now: Instant) -> Duration {
        self.before + self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.holders -= 1;
        if state.holders == 0 {
            state.before = state.stood(Instant::now());
            state.since = None;
            drop(state);
            self.0.went_on.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_as_long_as_somebody_holds_it() {
        let clock = Clock::default();
        let first = clock.hold();
        let shown = clock.now();
        let second = clock.hold();
        drop(first);
        assert_eq!(clock.now().saturating_duration_since(shown), Duration::ZERO);
        drop(second);
        assert!(clock.outside(shown) >= shown);
        assert!(clock.now() >= shown);
    }

    #[tokio::test]
    async fn a_point_comes_later_where_it_stood() {
        let clock = Clock::default();
        let past = clock.now();
        clock.reaches(past).await;
        let held = clock.hold();
        tokio::select! {
            biased;
            () = clock.reaches(past) => panic!("it stands"),
            () = tokio::task::yield_now() => {}
        }
        tokio::join!(clock.reaches(past), async { drop(held) });
    }
}
