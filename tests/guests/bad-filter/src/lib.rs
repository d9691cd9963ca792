//! A filter that does not do what a filter does: which habit it has stands in its configuration.

use gateway_sdk::serde_json::Value;
use gateway_sdk::{Decision, ToolCall, ToolResultJson, Verdict, filter};

fn habit() -> String {
    let config: Value = gateway_sdk::config().unwrap_or_default();
    config["habit"].as_str().unwrap_or_default().to_owned()
}

#[filter]
fn before(_: &ToolCall) -> Decision {
    match habit().as_str() {
        "panics" => panic!("no look at the call"),
        "spins" => loop {
            std::hint::spin_loop();
        },
        "writes what is no JSON" => Decision::Rewrite("{".to_owned()),
        "writes a list" => Decision::Rewrite("[]".to_owned()),
        _ => Decision::Proceed,
    }
}

#[filter]
fn after(_: &ToolCall, _: ToolResultJson) -> Verdict {
    match habit().as_str() {
        "panics afterwards" => panic!("no look at the result"),
        "gives what is no JSON" => Verdict::Replace("content".to_owned()),
        "gives a text" => Verdict::Replace("\"content\"".to_owned()),
        _ => Verdict::Keep,
    }
}

gateway_sdk::export! { filter: [before, after] }
