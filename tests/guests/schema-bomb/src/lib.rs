//! Describes its arguments by schemas that take for ever to check, or refer to themselves.

wit_bindgen::generate!({ path: "../../../wit", world: "plugin" });

use exports::gateway::plugin::tool::Guest;
use gateway::plugin::types::{Content, TextContent, ToolDefinition, ToolError, ToolResult};

struct Plugin;

/// A pattern that tries every way to split a text.
const PATTERN: &str = r#"{"type":"object","properties":{"text":{"type":"string","pattern":"^(([a-z]+)+)+(?=!)$"}}}"#;
/// A tree of which every node is that tree.
const LOOP: &str = r##"{"type":"object","properties":{"text":{"$ref":"#/$defs/a"}},"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/b"},{"$ref":"#/$defs/b"}]},"b":{"anyOf":[{"$ref":"#/$defs/a"},{"type":"integer"}]}}}"##;

impl Guest for Plugin {
    fn list_tools() -> Vec<ToolDefinition> {
        let tool = |name: &str, schema: &str| ToolDefinition {
            name: name.to_owned(),
            title: None,
            description: None,
            input_schema: schema.to_owned(),
            output_schema: None,
            annotations: None,
        };
        let bomb = gateway::plugin::host::config();
        match bomb.trim_matches('"') {
            "loop" => vec![tool("run", LOOP)],
            _ => vec![tool("run", PATTERN)],
        }
    }

    fn call_tool(_: String, _: String) -> Result<ToolResult, ToolError> {
        let text = TextContent { text: "it fits".to_owned(), annotations: None };
        Ok(ToolResult { content: vec![Content::Text(text)], structured: None, is_error: false })
    }
}

export!(Plugin);
