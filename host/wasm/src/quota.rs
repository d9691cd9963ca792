//! What a call has used of something that it may use so many bytes of.

use std::sync::atomic::{AtomicU64, Ordering};

use gateway_core::units::Size;

/// Bytes that may be used, and are.
#[derive(Debug)]
pub(crate) struct Quota {
    limit: Size,
    used: AtomicU64,
}

impl Quota {
    pub(crate) fn new(limit: Size) -> Self {
        Self { limit, used: AtomicU64::new(0) }
    }

    /// Uses `bytes`; false where fewer are left, and then none is used.
    pub(crate) fn take(&self, bytes: u64) -> bool {
        let within = |used: u64| used.checked_add(bytes).filter(|used| *used <= self.limit.get());
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within).is_ok()
    }

    /// How much may be used.
    pub(crate) fn limit(&self) -> Size {
        self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_not_used() {
        let quota = Quota::new(Size::bytes(10));
        assert!(quota.take(6) && !quota.take(5) && !quota.take(u64::MAX) && quota.take(4) && quota.take(0));
        assert!(!quota.take(1));
    }
}
