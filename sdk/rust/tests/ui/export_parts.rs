fn add() {}

gateway_sdk::export! { tool: [add] }

fn main() {}
