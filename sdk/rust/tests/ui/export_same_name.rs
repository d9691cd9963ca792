use gateway_sdk::tool;

/// The first.
#[tool]
fn add() {}

/// The second.
#[tool(name = "add")]
fn sum() {}

gateway_sdk::export!(add, sum);

fn main() {}
