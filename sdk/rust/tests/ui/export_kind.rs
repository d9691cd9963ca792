use gateway_sdk::{prompt, tool};

/// Add.
#[tool]
fn add(a: f64, b: f64) -> f64 {
    a + b
}

/// Review.
#[prompt]
fn review() -> String {
    String::new()
}

gateway_sdk::export! { tools: [review], prompts: [add] }

fn main() {}
