//! Takes its time to list its tools: as long as `config.milliseconds` says, else five seconds.

wit_bindgen::generate!({ path: "../../../wit", world: "plugin" });

use exports::gateway::plugin::tool::Guest;
use gateway::plugin::types::{Content, TextContent, ToolDefinition, ToolError, ToolResult};

struct Plugin;

impl Guest for Plugin {
    fn list_tools() -> Vec<ToolDefinition> {
        let digits: String = gateway::plugin::host::config().chars().filter(char::is_ascii_digit).collect();
        std::thread::sleep(std::time::Duration::from_millis(digits.parse().unwrap_or(5000)));
        vec![ToolDefinition {
            name: "run".to_owned(),
            title: None,
            description: Some("Say that it was worth the wait".to_owned()),
            input_schema: r#"{"type":"object"}"#.to_owned(),
            output_schema: None,
            annotations: None,
        }]
    }

    fn call_tool(_: String, _: String) -> Result<ToolResult, ToolError> {
        let text = TextContent { text: "worth the wait".to_owned(), annotations: None };
        Ok(ToolResult { content: vec![Content::Text(text)], structured: None, is_error: false })
    }
}

export!(Plugin);
