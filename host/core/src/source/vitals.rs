//! How a source is doing in more detail than everybody is told.

use std::time::{Duration, SystemTime};

/// How a source is doing in more detail than everybody is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vitals {
    /// The process groups that run for it on this machine, each by the process that leads it.
    pub processes: Vec<u32>,
    /// When it was last seen to be there, and how long it took to say so.
    pub seen: Option<(SystemTime, Duration)>,
}
