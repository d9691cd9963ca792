//! The tools: which call is answered where.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use rmcp::{ErrorData, model::*};

use crate::{
    asks,
    call::{Call, Outcome, text},
    changes::Change,
    contents,
    fixture::Shared,
    matrix, rounds, tasks,
};

/// The tools as they are offered now.
pub(crate) fn offered(shared: &Shared) -> Vec<Tool> {
    let mut tools = contents::TOOLS.clone();
    if shared.changes.one_tool_more.load(Relaxed) {
        let schema = Arc::clone(&tools[0].input_schema);
        tools.push(Tool::new("one_more", "Was not there before", schema));
    }
    tools
}

/// Runs a call.
pub(crate) async fn answer(call: &Call<'_>) -> Outcome {
    let name = call.request.name.as_ref();
    if let Some(answer) = contents::find(&format!("/answers/{name}")) {
        let content = serde_json::from_value(answer.clone()).expect("contents.json holds content");
        let failed = name == "test_error_handling";
        return Ok(if failed { CallToolResult::error(content) } else { CallToolResult::success(content) }.into());
    }
    let change = async |change| {
        call.fixture.shared.changes.make(change).await;
        text("changed, and told to all who want to know")
    };
    let result = match name {
        "test_tool_with_logging" => {
            for step in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
                call.log(LoggingLevel::Info, step).await;
            }
            text("logged three times")
        }
        "test_logging_tool" => {
            if let Some(level) = call.context.meta.log_level() {
                call.log(level, "the request asked for this level").await;
            }
            text("logged where it was asked for")
        }
        "test_tool_with_progress" => {
            for (done, message) in [(0, "started"), (50, "half"), (100, "done")] {
                call.progress(done, 100, message).await;
            }
            text("notified three times")
        }
        "json_schema_2020_12_tool" => text(format!("hello, {}", call.optional("name")?.unwrap_or("nobody".to_owned()))),
        "test_custom_header" => text(call.argument::<String>("value")?),
        "test_missing_capability" if call.capabilities().sampling.is_none() => {
            let needed = ClientCapabilities::builder().enable_sampling().build();
            return Err(ErrorData::missing_required_client_capability(needed).into());
        }
        "test_missing_capability" => text("nothing is missing"),
        "change_tools" | "test_trigger_tool_change" => change(Change::Tools).await,
        "change_prompts" | "test_trigger_prompt_change" => change(Change::Prompts).await,
        "change_resources" => change(Change::Resources).await,
        "touch" => change(Change::Resource(call.argument("uri")?)).await,
        "one_more" => text("was not there before"),
        name if asks::TOOLS.contains(&name) => return asks::answer(call).await,
        name if tasks::TOOLS.contains(&name) => return tasks::answer(call).await,
        name => match name.strip_prefix("test_input_required_result_") {
            Some(kind) => return rounds::answer(call, kind).await,
            None => return matrix::answer(call).await,
        },
    };
    Ok(result.into())
}

/// The error that says that there is no such tool.
pub(crate) fn unknown(name: &str) -> ErrorData {
    ErrorData::invalid_params(format!("Unknown tool: {name}"), None)
}
