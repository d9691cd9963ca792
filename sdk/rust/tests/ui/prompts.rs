use gateway_sdk::{completion, prompt};

#[prompt]
fn undocumented() -> String {
    String::new()
}

/// A number is no prompt.
#[prompt(title = "Number", description = "twice")]
fn number(#[default(1)] count: u32) -> String {
    count.to_string()
}

/// Gives a number.
#[prompt]
fn gives_number() -> u32 {
    1
}

/// Takes a list.
#[prompt]
fn takes_list(items: Vec<String>, all: &str) -> String {
    items.join(all)
}

#[completion(argument = "items")]
fn of_nobody(typed: &str) -> Vec<String> {
    vec![typed.to_owned()]
}

#[completion(prompt = "number", argument = "count")]
fn takes_nothing() -> Vec<String> {
    Vec::new()
}

#[completion(prompt = "number", argument = "count")]
fn gives_text(typed: &str) -> String {
    typed.to_owned()
}

gateway_sdk::export! {
    prompts: [undocumented, number, gives_number, takes_list],
    completions: [of_nobody, takes_nothing, gives_text],
}

fn main() {}
