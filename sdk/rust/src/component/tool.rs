//! The export `tool`.

use serde_json::Value;

use super::bindings::tool::exports::gateway::plugin::tool::Guest;
use super::{Component, types};
use crate::plugin::Plugin;
use crate::tools::{self, CallFailure, Entry, Hints};

impl<P: Plugin> Guest for Component<P> {
    fn list_tools() -> Vec<types::ToolDefinition> {
        P::TOOLS.iter().map(Into::into).collect()
    }

    fn call_tool(name: String, arguments: String) -> Result<types::ToolResult, types::ToolError> {
        match tools::call(P::TOOLS, &name, &arguments) {
            Ok(result) => Ok(result.into()),
            Err(CallFailure::UnknownTool) => Err(types::ToolError::UnknownTool(name)),
            Err(CallFailure::InvalidArguments(why)) => Err(types::ToolError::InvalidArguments(why)),
        }
    }
}

impl From<&Entry> for types::ToolDefinition {
    fn from(tool: &Entry) -> Self {
        let hints = tool.hints;
        Self {
            name: tool.name.to_owned(),
            title: tool.title.map(str::to_owned),
            description: Some(tool.description.to_owned()),
            input_schema: text(&tool.input_schema()),
            output_schema: (tool.output_schema)().as_ref().map(text),
            annotations: (hints != Hints::default()).then_some(types::ToolAnnotations {
                read_only: hints.read_only,
                destructive: hints.destructive,
                idempotent: hints.idempotent,
                open_world: hints.open_world,
            }),
        }
    }
}

/// `Value`'s own `to_string` would bring a second copy of the code that writes JSON.
fn text(json: &Value) -> String {
    // A `Value` has texts as keys, so nothing in it lacks a JSON form.
    serde_json::to_string(json).unwrap_or_default()
}
