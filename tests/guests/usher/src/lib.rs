//! Honest: a filter that leaves its mark on calls and results, and refuses or withholds what asks for it.

use gateway_sdk::serde_json::{Value, json};
use gateway_sdk::{Decision, ToolCall, ToolResultJson, Verdict, filter};

fn mark() -> Result<String, String> {
    let config: Value = gateway_sdk::config().map_err(|error| error.to_string())?;
    Ok(config["mark"].as_str().unwrap_or("?").to_owned())
}

/// Adds the mark and who calls to the argument `text`.
#[filter]
fn before(call: &ToolCall) -> Result<Decision, String> {
    let mut arguments: Value = call.parse().map_err(|error| error.to_string())?;
    let Some(text) = arguments["text"].as_str().map(str::to_owned) else { return Ok(Decision::Proceed) };
    if text.contains("refuse me") {
        return Ok(Decision::refuse(format!("{} asked for it", call.name)));
    }
    arguments["text"] = format!("{text} >{}({})", mark()?, call.role).into();
    Ok(Decision::rewrite(&arguments))
}

/// Adds the mark and the arguments to the result.
#[filter]
fn after(call: &ToolCall, result: ToolResultJson) -> Result<Verdict, String> {
    if result.as_str().contains("withhold me") {
        return Ok(Verdict::withhold("it asked for it"));
    }
    let mut other: Value = result.parse().map_err(|error| error.to_string())?;
    let Some(content) = other["content"].as_array_mut() else { return Ok(Verdict::Keep) };
    content.push(json!({ "type": "text", "text": format!("<{} saw {}", mark()?, call.arguments) }));
    Ok(Verdict::replace(&other))
}

gateway_sdk::export! { filter: [before, after] }
