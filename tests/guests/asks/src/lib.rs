//! Asks the client whatever it is told to, and tells what came of it. Asks while it lists its tools, too.

wit_bindgen::generate!({ path: "../../../wit", world: "plugin" });

use exports::gateway::plugin::tool::Guest;
use gateway::plugin::{
    host,
    types::{CallError, Content, Elicitation, TextContent, ToolDefinition, ToolError, ToolResult},
};

struct Plugin;

/// Each tool makes of the text what it wants.
const SCHEMA: &str = r#"{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}"#;

const QUESTION: &str = r#"{"type":"object","properties":{"n":{"type":"integer","maximum":9}},"required":["n"]}"#;

impl Guest for Plugin {
    fn list_tools() -> Vec<ToolDefinition> {
        let asked = [
            told(host::elicit("May I list?", QUESTION).map(elicited)),
            told(host::sample("{}")),
            told(host::list_roots().map(|roots| roots.len().to_string())),
            told(host::call_tool("calculator__add", "{}").map(|_| "called".to_owned())),
        ];
        ["elicit", "question", "huge", "sample", "roots", "many", "wait"]
            .map(|name| tool(name, &asked.join("; ")))
            .into()
    }

    fn call_tool(name: String, arguments: String) -> Result<ToolResult, ToolError> {
        let text = text(&arguments);
        let said = match name.as_str() {
            "elicit" => told(host::elicit(&text, QUESTION).map(elicited)),
            "question" => told(host::elicit("?", &text).map(elicited)),
            "huge" => told(host::elicit(&"x".repeat(text.parse().unwrap_or(0)), QUESTION).map(elicited)),
            "sample" => told(host::sample(&text)),
            "roots" => told(host::list_roots().map(|roots| {
                let roots = roots.into_iter().map(|root| format!("{}={}", root.uri, root.name.unwrap_or_default()));
                roots.collect::<Vec<_>>().join(" ")
            })),
            "many" => {
                let times = text.parse().unwrap_or(0);
                let mut last = String::new();
                for asked in 1..=times {
                    host::progress(f64::from(asked), Some(f64::from(times)), None);
                    last = told(host::elicit(&format!("question {asked}"), QUESTION).map(elicited));
                }
                last
            }
            "wait" => {
                let first = told(host::elicit(&text, QUESTION).map(elicited));
                format!("{first}, cancelled: {}", host::cancelled())
            }
            _ => return Err(ToolError::UnknownTool(name)),
        };
        let content = Content::Text(TextContent { text: said, annotations: None });
        Ok(ToolResult { content: vec![content], structured: None, is_error: false })
    }
}

fn tool(name: &str, description: &str) -> ToolDefinition {
    ToolDefinition {
        name: name.to_owned(),
        title: None,
        description: Some(description.to_owned()),
        input_schema: SCHEMA.to_owned(),
        output_schema: None,
        annotations: None,
    }
}

fn elicited(answer: Elicitation) -> String {
    match answer {
        Elicitation::Accept(json) => format!("accept {json}"),
        Elicitation::Decline => "decline".to_owned(),
        Elicitation::Cancel => "cancel".to_owned(),
    }
}

fn told(outcome: Result<String, CallError>) -> String {
    match outcome {
        Ok(text) => text,
        Err(CallError::UnknownTool(text)) => format!("unknown-tool: {text}"),
        Err(CallError::Denied(text)) => format!("denied: {text}"),
        Err(CallError::Unsupported(text)) => format!("unsupported: {text}"),
        Err(CallError::Cancelled) => {
            host::log(gateway::plugin::types::LogLevel::Warning, "the question was withdrawn");
            "cancelled".to_owned()
        }
        Err(CallError::Limit(text)) => format!("limit: {text}"),
        Err(CallError::Failed(text)) => format!("failed: {text}"),
    }
}

/// The value of `text` in the arguments, without a JSON library: the tests write no other escapes than these.
fn text(arguments: &str) -> String {
    let value = arguments.split_once(r#""text":"#).map_or("", |(_, rest)| rest.trim_start());
    let mut text = String::new();
    let mut chars = value.strip_prefix('"').unwrap_or_default().chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => text.extend(chars.next()),
            other => text.push(other),
        }
    }
    text
}

export!(Plugin);
