//! Admission in lanes, one for each depth of nesting.
//!
//! With one queue for all, plugins that call each other's tools could wait for each other for ever: each holds a place
//! that the other needs. A nested call waits in the lane of its own depth, so that whoever holds a place waits for
//! greater depths alone, and there is no cycle.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Instant,
};

use gateway_core::call::MAX_DEPTH;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Depths of calls: 0 to [`MAX_DEPTH`].
const DEPTHS: usize = MAX_DEPTH as usize + 1;

/// Places for calls, for each depth its own.
#[derive(Debug)]
pub(crate) struct Lanes([Lane; DEPTHS]);

#[derive(Debug)]
struct Lane {
    places: Arc<Semaphore>,
    size: u32,
    waiting: AtomicU32,
    /// How many may wait.
    queue: u32,
}

/// Why a call got no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Too many wait already.
    Queue,
    /// None became free in time.
    Late,
}

impl Lanes {
    /// So many places at every depth, and so many calls that wait for them.
    pub(crate) fn each(places: u32, queue: u32) -> Self {
        Self(std::array::from_fn(|_| Lane::new(places, queue)))
    }

    /// So many places in all: half of them for what clients call, the rest for what is nested.
    pub(crate) fn room(total: u32) -> Self {
        let nested = (total / 2) / u32::from(MAX_DEPTH);
        let root = total - nested * u32::from(MAX_DEPTH);
        let size = |depth| if depth == 0 { root } else { nested.max(1) };
        // Who waits here has a place of its plugin, and is counted there.
        Self(std::array::from_fn(|depth| Lane::new(size(depth), u32::MAX)))
    }

    /// Waits for `weight` places at `depth`, until `deadline`. What is too heavy for a lane takes all of it.
    pub(crate) async fn enter(
        &self,
        depth: u8,
        weight: u32,
        deadline: Instant,
    ) -> Result<OwnedSemaphorePermit, Refused> {
        let lane = &self.0[usize::from(depth).min(DEPTHS - 1)];
        let weight = weight.min(lane.size);
        // Without a timer where there is nothing to wait for.
        if let Ok(permit) = lane.places.clone().try_acquire_many_owned(weight) {
            return Ok(permit);
        }
        let _waiting = Waiting::new(lane).ok_or(Refused::Queue)?;
        let wait = lane.places.clone().acquire_many_owned(weight);
        let waited = tokio::time::timeout_at(deadline.into(), wait).await;
        // The inner error would mean that the semaphore was closed, which nobody does.
        waited.ok().and_then(Result::ok).ok_or(Refused::Late)
    }
}

impl Lane {
    fn new(size: u32, queue: u32) -> Self {
        Self { places: Arc::new(Semaphore::new(size as usize)), size, waiting: AtomicU32::new(0), queue }
    }
}

/// A place in a lane's queue, until it is dropped.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn new(lane: &'a Lane) -> Option<Self> {
        let take = |waiting: u32| (waiting < lane.queue).then_some(waiting + 1);
        lane.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).ok()?;
        Some(Self(&lane.waiting))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at_once() -> Instant {
        Instant::now()
    }

    #[tokio::test]
    async fn depths_do_not_wait_for_each_other() {
        let lanes = Lanes::each(1, 8);
        let _root = lanes.enter(0, 1, at_once()).await.unwrap();
        assert!(lanes.enter(0, 1, at_once()).await.is_err());
        assert!(lanes.enter(1, 1, at_once()).await.is_ok());
    }

    #[tokio::test]
    async fn a_place_that_is_given_back_is_taken() {
        let lanes = Lanes::each(1, 8);
        let first = lanes.enter(0, 1, at_once()).await.unwrap();
        let later = Instant::now() + Duration::from_secs(60);
        let (second, ()) = tokio::join!(lanes.enter(0, 1, later), async { drop(first) });
        assert!(second.is_ok());
    }

    #[tokio::test]
    async fn the_queue_has_an_end() {
        let lanes = Lanes::each(1, 1);
        let first = lanes.enter(0, 1, at_once()).await.unwrap();
        let later = Instant::now() + Duration::from_secs(60);
        let (second, third, ()) = tokio::join!(
            biased;
            lanes.enter(0, 1, later),
            lanes.enter(0, 1, later),
            async { drop(first) }
        );
        assert_eq!(third.unwrap_err(), Refused::Queue);
        // Who gave up waiting, or got its place, is no longer in the queue.
        assert_eq!(lanes.enter(0, 1, at_once()).await.unwrap_err(), Refused::Late);
        assert_eq!(lanes.enter(0, 1, at_once()).await.unwrap_err(), Refused::Late);
        drop(second);
        assert_eq!(Lanes::each(1, 0).enter(0, 1, at_once()).await.map(drop), Ok(()));
    }

    #[tokio::test]
    async fn the_heavy_take_all_there_is() {
        let lanes = Lanes::room(16);
        let heavy = lanes.enter(0, 100, at_once()).await.unwrap();
        assert_eq!(heavy.num_permits(), 8);
        assert_eq!(lanes.enter(4, 100, at_once()).await.unwrap().num_permits(), 2);
    }
}
