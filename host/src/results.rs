//! Results that the gateway writes itself (MCP `CallToolResult`).
//!
//! Written by hand and not through an SDK's model: those add members of their newest revision, which older clients
//! were never told of.

use std::sync::Arc;

use gateway_core::{
    error::Failure,
    payload::{Json, Reply},
};
use serde::Serialize;
use serde_json::{Value, json};

/// A result with the URIs of resources that the client knows, where the server calls them otherwise: in what was read,
/// and in what a tool or prompt shows or links to.
#[must_use]
pub fn renamed(reply: Reply, public: impl Fn(&str) -> Option<Arc<str>>) -> Reply {
    let Ok(mut body) = reply.body.to::<Value>() else { return reply };
    let mut changed = false;
    let mut rename = |holder: &mut Value| {
        let Some(Value::String(uri)) = holder.get_mut("uri") else { return };
        if let Some(public) = public(uri).filter(|public| **public != **uri) {
            *uri = public.to_string();
            changed = true;
        }
    };
    for content in body.get_mut("contents").and_then(Value::as_array_mut).into_iter().flatten() {
        rename(content);
    }
    let (content, messages) = (body.get("content").is_some(), body.get("messages").is_some());
    let shown: Vec<&mut Value> = match (content, messages) {
        (true, _) => body["content"].as_array_mut().into_iter().flatten().collect(),
        (_, true) => {
            let messages = body["messages"].as_array_mut().into_iter().flatten();
            messages.filter_map(|message| message.get_mut("content")).collect()
        }
        _ => Vec::new(),
    };
    for part in shown {
        match part["type"].as_str() {
            Some("resource_link") => rename(part),
            Some("resource") => part.get_mut("resource").into_iter().for_each(&mut rename),
            _ => {}
        }
    }
    if changed { Reply { body: Json::from_value(&body) } } else { reply }
}

/// A structured result, and the same as text for clients that read only that.
#[must_use]
pub fn structured(value: &Value) -> Json {
    Json::from_value(&json!({ "content": [{ "type": "text", "text": value.to_string() }], "structuredContent": value }))
}

/// A structured result, and the same as text that is laid out for reading. What is JSON within it stays as it is.
#[must_use]
pub fn shown<T: Serialize>(value: &T) -> Json {
    #[derive(Serialize)]
    struct Text {
        r#type: &'static str,
        text: String,
    }
    #[derive(Serialize)]
    struct Shown<'a, T> {
        content: [Text; 1],
        #[serde(rename = "structuredContent")]
        structured: &'a T,
    }
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    Json::from_value(&Shown { content: [Text { r#type: "text", text }], structured: value })
}

/// The result that tells a model what failed: one sentence, and a hint where there is one.
#[must_use]
pub fn failed(failure: &Failure) -> Json {
    let mut text = failure.message.to_string();
    if let Some(hint) = &failure.hint {
        text.push_str("\nhint: ");
        text.push_str(hint);
    }
    Json::from_value(&json!({ "content": [{ "type": "text", "text": text }], "isError": true }))
}
