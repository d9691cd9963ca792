//! Returns bytes that are no UTF-8 where text belongs.

wit_bindgen::generate!({ path: "../../../wit", world: "plugin" });

use exports::gateway::plugin::tool::Guest;
use gateway::plugin::{
    host,
    types::{Content, LogLevel, TextContent, ToolDefinition, ToolError, ToolResult},
};

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
        vec![tool("answer"), tool("log")]
    }

    fn call_tool(name: String, _: String) -> Result<ToolResult, ToolError> {
        // SAFETY: none: it is no UTF-8, which the gateway has to notice. Nothing here reads it as text.
        let text = unsafe { String::from_utf8_unchecked(vec![b'a', 0xff, 0xfe, 0xc0, 0x80]) };
        if name == "log" {
            host::log(LogLevel::Info, &text);
        }
        let text = TextContent { text, annotations: None };
        Ok(ToolResult { content: vec![Content::Text(text)], structured: None, is_error: false })
    }
}

export!(Plugin);
