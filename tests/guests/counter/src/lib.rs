//! Counts its calls, which is one for ever where every call has an instance of its own.

use std::sync::atomic::{AtomicU32, Ordering};

use gateway_sdk::tool;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// The number of this call.
#[tool]
fn count() -> u32 {
    COUNT.fetch_add(1, Ordering::Relaxed) + 1
}

gateway_sdk::export!(count);
