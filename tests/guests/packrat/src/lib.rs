//! Keeps everything in its key-value store, until nothing fits any more.

wit_bindgen::generate!({ path: "../../../wit", world: "keeper", inline: "package test:keeper; world keeper { include gateway:plugin/plugin@0.1.0; include gateway:plugin/storage@0.1.0; }", generate_all });

use exports::gateway::plugin::tool::Guest;
use gateway::plugin::types::{Content, TextContent, ToolDefinition, ToolError, ToolResult};
use wasi::keyvalue::store;

struct Plugin;

/// Writes until the store refuses, and gives the number of keys and the reason.
fn hoard(mib: usize) -> Result<(), String> {
    let bucket = store::open("").map_err(|error| format!("open: {error:?}"))?;
    let value = vec![1; mib << 20];
    for key in 0..100_000 {
        bucket.set(&format!("key-{key}"), &value).map_err(|error| format!("{error:?}"))?;
    }
    Ok(())
}

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
        vec![tool("hoard"), tool("long-key"), tool("buckets")]
    }

    fn call_tool(name: String, _: String) -> Result<ToolResult, ToolError> {
        let done = match name.as_str() {
            "hoard" => hoard(1),
            "long-key" => store::open("")
                .and_then(|bucket| bucket.set(&"k".repeat(8 << 20), b"v"))
                .map_err(|error| format!("{error:?}")),
            // Never closed.
            _ => (0..1_000_000)
                .try_for_each(|_| store::open("").map(std::mem::forget).map_err(|error| format!("{error:?}"))),
        };
        let text = TextContent { text: "kept".to_owned(), annotations: None };
        done.map_err(ToolError::Failed)?;
        Ok(ToolResult { content: vec![Content::Text(text)], structured: None, is_error: false })
    }
}

export!(Plugin);
