//! Promises a number as `count`, and returns other things; each tool is named after what it does. Its tool `fail` returns
//! every kind of `tool-error`.

wit_bindgen::generate!({ path: "../../../wit", world: "plugin" });

use exports::gateway::plugin::tool::Guest;
use gateway::plugin::types::{Content, TextContent, ToolDefinition, ToolError, ToolResult};

const PROMISE: &str =
    r#"{"type":"object","properties":{"count":{"type":"integer"}},"required":["count"],"additionalProperties":false}"#;

struct Plugin;

impl Guest for Plugin {
    fn list_tools() -> Vec<ToolDefinition> {
        let tool = |name: &str, output: Option<&str>| ToolDefinition {
            name: name.to_owned(),
            title: None,
            description: None,
            input_schema: r#"{"type":"object"}"#.to_owned(),
            output_schema: output.map(str::to_owned),
            annotations: None,
        };
        vec![
            tool("keep", Some(PROMISE)),
            tool("break-json", Some(PROMISE)),
            tool("return-a-list", Some(PROMISE)),
            tool("return-another-type", Some(PROMISE)),
            tool("return-nothing", Some(PROMISE)),
            tool("fail", None),
        ]
    }

    fn call_tool(name: String, arguments: String) -> Result<ToolResult, ToolError> {
        let structured = match name.as_str() {
            "keep" => Some(r#"{"count":1}"#),
            "break-json" => Some(r#"{"count":1"#),
            "return-a-list" => Some("[1]"),
            "return-another-type" => Some(r#"{"count":"one"}"#),
            "return-nothing" => None,
            "fail" => return Err(failure(&arguments)),
            _ => return Err(ToolError::UnknownTool(name)),
        };
        let text = TextContent { text: "trust me".to_owned(), annotations: None };
        Ok(ToolResult {
            content: vec![Content::Text(text)],
            structured: structured.map(str::to_owned),
            is_error: false,
        })
    }
}

/// The kind that stands anywhere in the arguments.
fn failure(arguments: &str) -> ToolError {
    if arguments.contains("unknown-tool") {
        ToolError::UnknownTool("fail".to_owned())
    } else if arguments.contains("invalid-arguments") {
        ToolError::InvalidArguments("`kind`: there is a better one".to_owned())
    } else if arguments.contains("cancelled") {
        ToolError::Cancelled
    } else {
        ToolError::Failed("the guest gave up".to_owned())
    }
}

export!(Plugin);
