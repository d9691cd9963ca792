//! Calls other tools without end, itself among them.

use gateway_sdk::{serde_json::json, tool};

/// Call a tool so many times, and say how often that went well and what the last failure was.
#[tool]
fn storm(
    /// its public name
    tool: String,
    /// how many times
    #[default(100_000)]
    times: u32,
) -> String {
    let (mut done, mut last) = (0, String::new());
    for _ in 0..times {
        match gateway_sdk::call_tool(&tool, &json!({ "a": 1, "b": 1 })) {
            Ok(_) => done += 1,
            Err(error) => last = error.to_string(),
        }
    }
    format!("{done} went well; {last}")
}

/// Call this very tool, twice, and so on.
#[tool]
fn fork(
    /// its public name
    tool: String,
) -> String {
    for _ in 0..2 {
        // What becomes of them is no concern of a fork bomb.
        let _ = gateway_sdk::call_tool(&tool, &json!({ "tool": tool }));
    }
    "forked".to_owned()
}

gateway_sdk::export!(storm, fork);
