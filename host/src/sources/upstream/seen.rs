//! When a server was last seen to be there.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

/// When a server was last seen to be there, and how long it took to say so.
#[derive(Debug, Default)]
pub struct Seen(Mutex<Option<(SystemTime, Duration)>>);

impl Seen {
    /// It has just answered, after this time.
    pub(super) fn note(&self, took: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((SystemTime::now(), took));
    }

    /// The last time.
    pub(super) fn last(&self) -> Option<(SystemTime, Duration)> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
