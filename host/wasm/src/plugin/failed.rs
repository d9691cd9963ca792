//! What is remembered of a component that could not be loaded.

use std::time::{Duration, Instant};

use gateway_core::error::{Failure, FailureKind};

use crate::cache::Digest;

/// A component that could not be used, and is not tried again for every call.
pub(super) struct Failed {
    pub(super) digest: Digest,
    pub(super) failure: Failure,
    /// When it may be tried again, and how long after it failed that is; `None`: what is broken stays so.
    pub(super) again: Option<(Instant, Duration)>,
}

/// The longest time for which a component is not tried again that took too much of something.
const REST: Duration = Duration::from_secs(60);

impl Failed {
    /// `last` is for how long it was not tried after it had failed before. What took too much of something may find
    /// more of it another time, and is tried again after as long as that took, each time after twice as long.
    pub(super) fn new(digest: Digest, failure: &Failure, took: Duration, last: Option<Duration>) -> Option<Self> {
        let again = match failure.kind {
            FailureKind::Broken => None,
            FailureKind::Limit | FailureKind::Timeout => {
                let wait = last.map_or(took, |last| took.max(last * 2)).min(REST);
                Some((Instant::now() + wait, wait))
            }
            _ => return None,
        };
        Some(Self { digest, failure: failure.clone(), again })
    }

    pub(super) fn counts(&self) -> bool {
        self.again.is_none_or(|(again, _)| Instant::now() < again)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_rests_ever_longer() {
        let digest = Digest::of(b"a component");
        let failed = |kind, took, last| Failed::new(digest, &Failure::new(kind, "it failed"), took, last);
        let second = Duration::from_secs(1);
        let wait = |took, last| failed(FailureKind::Timeout, took, last).and_then(|failed| failed.again).unwrap().1;
        assert_eq!(wait(second, None), second);
        assert_eq!(wait(second, Some(second * 4)), second * 8);
        assert_eq!(wait(second * 9, Some(second)), second * 9);
        assert_eq!(wait(second, Some(REST)), REST);
        assert!(!failed(FailureKind::Limit, Duration::ZERO, None).unwrap().counts());
        assert!(failed(FailureKind::Limit, second * 60, None).unwrap().counts());
        assert!(failed(FailureKind::Broken, Duration::ZERO, None).unwrap().counts());
        assert!(failed(FailureKind::Cancelled, second, None).is_none());
    }
}
