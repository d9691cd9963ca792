//! Says which version it is, in the definition of its tool and in every answer, and has the one promise the other. The
//! version stands in the component as a text that a test can write over: two of them are two versions of one plugin.

wit_bindgen::generate!({ path: "../../../wit", world: "plugin" });

use exports::gateway::plugin::tool::Guest;
use gateway::plugin::types::{ToolDefinition, ToolError, ToolResult};

static VERSION: [u8; 16] = *b"the version 0001";

struct Plugin;

impl Guest for Plugin {
    fn list_tools() -> Vec<ToolDefinition> {
        let version = version();
        let promise =
            format!(r#"{{"type":"object","properties":{{"version":{{"const":"{version}"}}}},"required":["version"]}}"#);
        vec![ToolDefinition {
            name: "version".to_owned(),
            title: None,
            description: Some(version),
            input_schema: r#"{"type":"object"}"#.to_owned(),
            output_schema: Some(promise),
            annotations: None,
        }]
    }

    fn call_tool(name: String, _: String) -> Result<ToolResult, ToolError> {
        if name != "version" {
            return Err(ToolError::UnknownTool(name));
        }
        let structured = format!(r#"{{"version":"{}"}}"#, version());
        Ok(ToolResult { content: Vec::new(), structured: Some(structured), is_error: false })
    }
}

fn version() -> String {
    // SAFETY: it is a static. Read as it stands in memory, which is what a test writes over.
    let version = unsafe { std::ptr::read_volatile(&raw const VERSION) };
    String::from_utf8_lossy(&version).into_owned()
}

export!(Plugin);
