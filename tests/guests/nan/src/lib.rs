//! Puts into its results numbers, times and media types that are none.

wit_bindgen::generate!({ path: "../../../wit", world: "plugin" });

use exports::gateway::plugin::tool::Guest;
use gateway::plugin::types::{Annotations, Content, MediaContent, TextContent, ToolDefinition, ToolError, ToolResult};

struct Plugin;

impl Guest for Plugin {
    fn list_tools() -> Vec<ToolDefinition> {
        vec![ToolDefinition {
            name: "run".to_owned(),
            title: None,
            description: None,
            input_schema: r#"{"type":"object"}"#.to_owned(),
            output_schema: None,
            annotations: None,
        }]
    }

    fn call_tool(_: String, _: String) -> Result<ToolResult, ToolError> {
        let odd = |priority| {
            Some(Annotations {
                audience: vec![],
                priority: Some(priority),
                last_modified: Some("yesterday\n".to_owned()),
            })
        };
        let content = [f64::NAN, f64::INFINITY, -1.0, 1e300]
            .map(|priority| Content::Text(TextContent { text: "text".to_owned(), annotations: odd(priority) }));
        let image =
            MediaContent { data: vec![0xff], mime_type: "not a type\r\n".to_owned(), annotations: odd(f64::NAN) };
        let content = content.into_iter().chain([Content::Image(image)]).collect();
        Ok(ToolResult { content, structured: None, is_error: false })
    }
}

export!(Plugin);
