//! Results that the gateway writes itself (MCP `CallToolResult`).
//!
//! Written by hand and not through an SDK's model: those add members of their newest revision, which older clients
//! were never told of.

use gateway_core::{
    error::Failure,
    payload::{Json, Reply},
};
use serde_json::{Value, json};

/// A read resource under the URI that the client asked for, where the server calls it otherwise.
#[must_use]
pub fn renamed(reply: Reply, local: &str, public: &str) -> Reply {
    let Ok(mut body) = reply.body.to::<Value>() else { return reply };
    for content in body.get_mut("contents").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(uri) = content.get_mut("uri").filter(|uri| uri.as_str() == Some(local)) {
            *uri = public.into();
        }
    }
    Reply { body: Json::from_value(&body) }
}

/// A structured result, and the same as text for clients that read only that.
#[must_use]
pub fn structured(value: &Value) -> Json {
    Json::from_value(&json!({ "content": [{ "type": "text", "text": value.to_string() }], "structuredContent": value }))
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
