//! Takes secrets and e-mail addresses out of the results of other tools.

mod assigned;
mod config;
mod json;
mod redactor;
mod shapes;

use gateway_sdk::{ToolCall, ToolResultJson, Verdict, filter, tool};

use crate::config::Config;
use crate::redactor::Redactor;

/// Redact a text: show what would be left of it in the result of another tool.
#[tool(read_only, idempotent, open_world = false)]
fn redact(
    /// the text
    text: String,
) -> Result<String, String> {
    let redactor = redactor()?;
    Ok(redactor.redact(&text).unwrap_or(text))
}

#[filter]
fn after(_: &ToolCall, result: ToolResultJson) -> Result<Verdict, String> {
    let redactor = redactor()?;
    let other = json::rewrite(result.as_str(), |string| redactor.redact_string(string))?;
    Ok(other.map_or(Verdict::Keep, Verdict::Replace))
}

fn redactor() -> Result<Redactor, String> {
    let config: Config = gateway_sdk::config().map_err(|error| error.to_string())?;
    Redactor::new(&config)
}

gateway_sdk::export! { tools: [redact], filter: [after] }
