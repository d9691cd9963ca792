//! Sleeps, and so waits inside of a host call, where no clock of the engine ticks.

use std::time::Duration;

use gateway_sdk::tool;

/// Sleep, and say so afterwards.
#[tool]
fn sleep(
    /** for how many milliseconds */
    #[default(1000)]
    milliseconds: u64,
) -> String {
    std::thread::sleep(Duration::from_millis(milliseconds));
    format!("slept {milliseconds} ms")
}

gateway_sdk::export!(sleep);
