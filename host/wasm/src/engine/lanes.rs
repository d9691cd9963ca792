//! Admission in lanes, one for each depth of nesting.
//!
//! With one queue for all, plugins that call each other's tools could wait for each other for ever: each holds a place
//! that the other needs. A nested call waits in the lane of its own depth, so that whoever holds a place waits for
//! greater depths alone, and there is no cycle.

use std::{sync::Arc, time::Instant};

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
}

/// Places that a call holds while it runs: in its plugin's lane, and for its memories.
#[derive(Debug)]
pub(crate) struct Permits {
    /// Held, and given back by being dropped.
    _held: [OwnedSemaphorePermit; 2],
}

impl Permits {
    pub(crate) fn new(plugin: OwnedSemaphorePermit, room: OwnedSemaphorePermit) -> Self {
        Self { _held: [plugin, room] }
    }
}

impl Lanes {
    /// So many places at every depth.
    pub(crate) fn each(places: u32) -> Self {
        Self(std::array::from_fn(|_| Lane::new(places)))
    }

    /// So many places in all: half of them for what clients call, the rest for what is nested.
    pub(crate) fn room(total: u32) -> Self {
        let nested = (total / 2) / u32::from(MAX_DEPTH);
        let root = total - nested * u32::from(MAX_DEPTH);
        Self(std::array::from_fn(|depth| Lane::new(if depth == 0 { root } else { nested.max(1) })))
    }

    /// Waits for `weight` places at `depth`, until `deadline`: then `None`. What is too heavy for a lane takes all of
    /// it.
    pub(crate) async fn enter(&self, depth: u8, weight: u32, deadline: Instant) -> Option<OwnedSemaphorePermit> {
        let lane = &self.0[usize::from(depth).min(DEPTHS - 1)];
        let weight = weight.min(lane.size);
        // Without a timer where there is nothing to wait for.
        if let Ok(permit) = lane.places.clone().try_acquire_many_owned(weight) {
            return Some(permit);
        }
        let wait = lane.places.clone().acquire_many_owned(weight);
        // An error would mean that the semaphore was closed, which nobody does.
        tokio::time::timeout_at(deadline.into(), wait).await.ok()?.ok()
    }
}

impl Lane {
    fn new(size: u32) -> Self {
        Self { places: Arc::new(Semaphore::new(size as usize)), size }
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
        let lanes = Lanes::each(1);
        let _root = lanes.enter(0, 1, at_once()).await.unwrap();
        assert!(lanes.enter(0, 1, at_once()).await.is_none());
        assert!(lanes.enter(1, 1, at_once()).await.is_some());
    }

    #[tokio::test]
    async fn a_place_that_is_given_back_is_taken() {
        let lanes = Lanes::each(1);
        let first = lanes.enter(0, 1, at_once()).await.unwrap();
        let later = Instant::now() + Duration::from_secs(60);
        let (second, ()) = tokio::join!(lanes.enter(0, 1, later), async { drop(first) });
        assert!(second.is_some());
    }

    #[tokio::test]
    async fn the_heavy_take_all_there_is() {
        let lanes = Lanes::room(16);
        let heavy = lanes.enter(0, 100, at_once()).await.unwrap();
        assert_eq!(heavy.num_permits(), 8);
        assert_eq!(lanes.enter(4, 100, at_once()).await.unwrap().num_permits(), 2);
    }
}
