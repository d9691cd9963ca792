//! Instances that are used again: as they are, for plugins with `instances: warm`, or set back to what they were.
//!
//! One that remembers something belongs to a role: callers of another role never see it. It rests only after a call that
//! went well in every respect, and not for long; anything else that could be left of a call is a reason to drop it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use gateway_core::role::RoleId;
use tokio::{sync::OwnedSemaphorePermit, task::AbortHandle};

use crate::{
    guest::{Kept, Live},
    load::Code,
};

/// How long an instance rests before it is dropped: one that took long to warm up, and one that is as good as new.
const WARM_REST: Duration = Duration::from_secs(60);
const REST: Duration = Duration::from_secs(10);

/// The instances of one plugin that rest.
pub(super) struct Pool {
    resting: Mutex<Vec<Resting>>,
    /// The most that rest at the same time.
    size: usize,
    /// Whether they are what they were after their last call, or were set back.
    is_warm: bool,
    /// Drops those that have rested for too long.
    sweeper: Mutex<Option<AbortHandle>>,
}

/// An instance, and its part of the room that all such have.
pub(super) struct Used {
    pub(super) live: Live,
    pub(super) room: OwnedSemaphorePermit,
}

struct Resting {
    /// The role of those who have used it.
    role: RoleId,
    used: Used,
    since: Instant,
}

impl Pool {
    pub(super) fn new(size: usize, is_warm: bool) -> Arc<Self> {
        Arc::new(Self { resting: Mutex::default(), size, is_warm, sweeper: Mutex::default() })
    }

    pub(super) fn is_warm(&self) -> bool {
        self.is_warm
    }

    /// An instance of `code`: one that callers of `role` have used, or any one that was set back. The last one first, as
    /// its memory is still at hand. With it comes its room.
    pub(super) fn take(&self, role: RoleId, code: &Arc<Code>) -> Option<(Kept, OwnedSemaphorePermit)> {
        let mut resting = self.resting();
        let fits = |of: &Resting| (!self.is_warm || of.role == role) && Arc::ptr_eq(&of.used.live.code, code);
        let at = resting.iter().rposition(fits)?;
        let Used { live, room } = resting.remove(at).used;
        Some((if self.is_warm { Kept::Warm(live) } else { Kept::SetBack(live) }, room))
    }

    /// Lays an instance to rest, in place of the one that has rested longest where there are too many. Needs a runtime.
    pub(super) fn put(self: &Arc<Self>, role: RoleId, used: Used) {
        let mut resting = self.resting();
        if used.live.code.is_retired() {
            return;
        }
        if resting.len() >= self.size {
            resting.remove(0);
        }
        resting.push(Resting { role, used, since: Instant::now() });
        drop(resting);
        self.sweep_later();
    }

    /// Drops all that rest.
    pub(super) fn clear(&self) {
        let resting = std::mem::take(&mut *self.resting());
        drop(resting);
    }

    fn sweep_later(self: &Arc<Self>) {
        let mut sweeper = self.sweeper.lock().unwrap_or_else(PoisonError::into_inner);
        if sweeper.as_ref().is_none_or(AbortHandle::is_finished) {
            let sweep = sweep(Arc::downgrade(self));
            *sweeper = Some(tokio::runtime::Handle::current().spawn(sweep).abort_handle());
        }
    }

    /// Drops those that have rested for too long, and says when to look again; `None`: nothing rests.
    fn sweep(&self, now: Instant) -> Option<Instant> {
        let mut resting = self.resting();
        // In the order in which they were laid to rest.
        let rest = self.rest();
        let over = resting.partition_point(|of| of.since + rest <= now);
        let dropped: Vec<_> = resting.drain(..over).collect();
        let next = resting.first().map(|of| of.since + rest);
        drop(resting);
        drop(dropped);
        next
    }

    fn rest(&self) -> Duration {
        if self.is_warm { WARM_REST } else { REST }
    }

    fn resting(&self) -> MutexGuard<'_, Vec<Resting>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if let Some(sweeper) = &*self.sweeper.lock().unwrap_or_else(PoisonError::into_inner) {
            sweeper.abort();
        }
    }
}

async fn sweep(pool: Weak<Pool>) {
    while let Some((next, rest)) = pool.upgrade().map(|pool| (pool.sweep(Instant::now()), pool.rest())) {
        // With nothing there it looks once more later, which is cheaper than to begin anew after every call.
        let next = next.unwrap_or_else(|| Instant::now() + rest);
        tokio::time::sleep_until(next.into()).await;
    }
}
