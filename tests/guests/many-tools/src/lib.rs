//! Lists a hundred thousand tools, or as many as `config` says.

wit_bindgen::generate!({ path: "../../../wit", world: "plugin" });

use exports::gateway::plugin::tool::Guest;
use gateway::plugin::types::{ToolDefinition, ToolError, ToolResult};

struct Plugin;

impl Guest for Plugin {
    fn list_tools() -> Vec<ToolDefinition> {
        let count = gateway::plugin::host::config().parse().unwrap_or(100_000);
        let tool = |number: usize| ToolDefinition {
            name: format!("tool-{number}"),
            title: None,
            description: Some("One of many.".to_owned()),
            input_schema: r#"{"type":"object"}"#.to_owned(),
            output_schema: None,
            annotations: None,
        };
        (0..count).map(tool).collect()
    }

    fn call_tool(name: String, _: String) -> Result<ToolResult, ToolError> {
        Err(ToolError::UnknownTool(name))
    }
}

export!(Plugin);
