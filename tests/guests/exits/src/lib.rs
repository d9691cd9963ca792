//! Ends its process, as a command would.

use gateway_sdk::tool;

/// Exit with this code.
#[tool]
#[allow(clippy::disallowed_methods, reason = "the habit")]
fn exit(
    /** the code */
    #[default(3)]
    code: i32,
) {
    std::process::exit(code);
}

gateway_sdk::export!(exit);
