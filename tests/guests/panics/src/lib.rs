//! Panics with a message.

use gateway_sdk::tool;

/// Panic with this message.
#[tool]
#[allow(clippy::panic, reason = "the habit")]
fn panic(
    /** the message */
    #[default("the guest panicked on purpose")]
    message: String,
) {
    panic!("{message}");
}

/// Fail as a tool should: with an error.
#[tool]
fn fail(
    /** the message */
    #[default("the guest failed on purpose")]
    message: String,
) -> Result<(), String> {
    Err(message)
}

gateway_sdk::export!(panic, fail);
