//! A value that one thread changes and another waits for.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long anything may take before a test gives up. It bounds a failure; no test passes or fails by how long it took.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A value to watch.
#[derive(Debug, Default)]
pub struct Watched<T> {
    value: Mutex<T>,
    changed: Condvar,
}

impl<T> Watched<T> {
    /// Watches `value`.
    pub fn new(value: T) -> Self {
        Self { value: Mutex::new(value), changed: Condvar::new() }
    }

    /// The value as it is.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        // A test that failed elsewhere must still be able to say what it saw.
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the value and wakes who waits.
    pub fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    /// Waits until `find` finds something; `None` where that took longer than [`PATIENCE`].
    pub fn until<R>(&self, mut find: impl FnMut(&mut T) -> Option<R>) -> Option<R> {
        let end = Instant::now() + PATIENCE;
        let mut value = self.lock();
        loop {
            if let Some(found) = find(&mut value) {
                return Some(found);
            }
            let left = end.checked_duration_since(Instant::now())?;
            value = self.changed.wait_timeout(value, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
