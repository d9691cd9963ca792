//! Tells the caller and the log about every step of nothing.

use gateway_sdk::{Level, tool};

/// Report so many steps, with a message of so many KiB each, and log as much.
#[tool]
fn chatter(
    /// how many steps
    #[default(100_000)]
    steps: u32,
    /// the length of a message
    #[default(64)]
    kib: usize,
) -> String {
    let message = "x".repeat(kib * 1024);
    for step in 1..=steps {
        gateway_sdk::progress(f64::from(step), None, Some(&message));
        gateway_sdk::log(Level::Info, &message);
    }
    "told".to_owned()
}

gateway_sdk::export!(chatter);
