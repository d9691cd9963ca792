use gateway_sdk::tool;

/// Wait.
#[tool]
async fn wait() {}

gateway_sdk::export!(wait);

fn main() {}
