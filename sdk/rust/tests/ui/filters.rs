use gateway_sdk::{Decision, ToolCall, ToolResultJson, Verdict, filter};

#[filter(tools = "*")]
fn before(call: &ToolCall) -> Decision {
    Decision::Proceed
}

#[filter]
fn meanwhile(call: &ToolCall) -> Decision {
    Decision::Proceed
}

mod other {
    use super::*;

    #[filter]
    pub fn before() -> Decision {
        Decision::Proceed
    }

    #[filter]
    pub fn after(call: &ToolCall, result: ToolResultJson) -> bool {
        true
    }
}

mod third {
    use super::*;

    #[filter]
    pub fn after(call: &ToolCall, result: String) -> Verdict {
        Verdict::Keep
    }
}

gateway_sdk::export! { filter: [before, other::after] }

fn main() {}
