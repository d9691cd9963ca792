//! Sees that its call was cancelled, and goes on.

use std::time::Duration;

use gateway_sdk::{Level, tool};

/// Wait for the cancellation, and then go on for ever: `by` waiting or working.
#[tool]
fn go_on(
    /// `waiting` or `working`
    #[default("waiting")]
    by: String,
) -> String {
    gateway_sdk::log(Level::Notice, format!("I go on by {by}"));
    while !gateway_sdk::cancelled() {
        std::thread::sleep(Duration::from_millis(5));
    }
    gateway_sdk::log(Level::Notice, "I was told to stop, and go on");
    loop {
        if by == "waiting" {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::hint::black_box(());
    }
}

gateway_sdk::export!(go_on);
