use gateway_sdk::{Decision, ToolCall, filter};

#[filter]
fn before(_: &ToolCall) -> Decision {
    Decision::Proceed
}

fn meanwhile() {}

gateway_sdk::export! { filter: [before, before, meanwhile] }

fn main() {}
