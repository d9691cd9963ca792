//! Gives two tools one name, and a third a name that no client takes.

wit_bindgen::generate!({ path: "../../../wit", world: "plugin" });

use exports::gateway::plugin::tool::Guest;
use gateway::plugin::types::{ToolDefinition, ToolError, ToolResult};

struct Plugin;

impl Guest for Plugin {
    fn list_tools() -> Vec<ToolDefinition> {
        let tool = |name: &str| ToolDefinition {
            name: name.to_owned(),
            title: None,
            description: None,
            input_schema: r#"{"type":"object"}"#.to_owned(),
            output_schema: None,
            annotations: None,
        };
        vec![tool("run"), tool("run"), tool("run fast!")]
    }

    fn call_tool(name: String, _: String) -> Result<ToolResult, ToolError> {
        Err(ToolError::UnknownTool(name))
    }
}

export!(Plugin);
