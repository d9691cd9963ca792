//! Describes its tool with what is no JSON.

wit_bindgen::generate!({ path: "../../../wit", world: "plugin" });

use exports::gateway::plugin::tool::Guest;
use gateway::plugin::types::{ToolDefinition, ToolError, ToolResult};

struct Plugin;

impl Guest for Plugin {
    fn list_tools() -> Vec<ToolDefinition> {
        vec![ToolDefinition {
            name: "run".to_owned(),
            title: None,
            description: Some("Cannot be called, since nobody knows with what".to_owned()),
            input_schema: "{ type: object".to_owned(),
            output_schema: None,
            annotations: None,
        }]
    }

    fn call_tool(name: String, _: String) -> Result<ToolResult, ToolError> {
        Err(ToolError::UnknownTool(name))
    }
}

export!(Plugin);
