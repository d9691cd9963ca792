//! Breaks off while it lists its tools.

wit_bindgen::generate!({ path: "../../../wit", world: "plugin" });

use exports::gateway::plugin::tool::Guest;
use gateway::plugin::types::{ToolDefinition, ToolError, ToolResult};

struct Plugin;

impl Guest for Plugin {
    fn list_tools() -> Vec<ToolDefinition> {
        panic!("the guest does not like to be listed")
    }

    fn call_tool(name: String, _: String) -> Result<ToolResult, ToolError> {
        Err(ToolError::UnknownTool(name))
    }
}

export!(Plugin);
