//! Asks for more random bytes than there is memory, in one go and in many.

wit_bindgen::generate!({
    inline: "package test:dice;
world dice {
  import wasi:random/random@0.2.0;
  include gateway:plugin/plugin@0.1.0;
}",
    path: ["../../../wit", "wit"],
    world: "test:dice/dice",
    generate_all,
});

use exports::gateway::plugin::tool::Guest;
use gateway::plugin::types::{Content, TextContent, ToolDefinition, ToolError, ToolResult};

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
        vec![tool("all"), tool("often")]
    }

    fn call_tool(name: String, _: String) -> Result<ToolResult, ToolError> {
        let count = match name.as_str() {
            "all" => wasi::random::random::get_random_bytes(1 << 40).len(),
            _ => (0..1_000_000).map(|_| wasi::random::random::get_random_bytes(1 << 16).len()).sum(),
        };
        let text = TextContent { text: count.to_string(), annotations: None };
        Ok(ToolResult { content: vec![Content::Text(text)], structured: None, is_error: false })
    }
}

export!(Plugin);
