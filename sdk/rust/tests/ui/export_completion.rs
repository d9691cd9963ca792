use gateway_sdk::{completion, prompt};

/// Review.
#[prompt]
fn review(diff: String) -> String {
    diff
}

#[completion(prompt = "review", argument = "language")]
fn languages(_typed: &str) -> Vec<String> {
    Vec::new()
}

gateway_sdk::export! { prompts: [review], completions: [languages] }

fn main() {}
