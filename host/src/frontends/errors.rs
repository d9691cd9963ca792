//! The one table that turns errors into MCP.

use gateway_core::{
    error::CallError,
    payload::{Json, Reply},
    wire::message::{INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND, Outgoing, RESOURCE_NOT_FOUND, error_object},
};
use serde_json::json;

use crate::results;

/// What of a request decides on how its errors are said.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asking {
    /// The client speaks revision 2026-07-28.
    pub modern: bool,
    /// It calls a tool.
    pub tool: bool,
}

/// The answer to a request.
///
/// | what happened | what the client gets |
/// |---|---|
/// | a result | the result, as it is |
/// | unknown or hidden tool | JSON-RPC error -32602 (MCP, "Tools", error handling) |
/// | unknown or hidden prompt | JSON-RPC error -32602 (MCP, "Prompts", error handling) |
/// | unknown or hidden resource | JSON-RPC error -32002; -32602 since 2026-07-28 (MCP, "Resources", error handling) |
/// | unknown method | JSON-RPC error -32601 |
/// | malformed request | JSON-RPC error -32602 |
/// | the backend's own JSON-RPC error | the same, as it is |
/// | the tool could not be run, or broke | a result with `isError`, for the model to read |
/// | anything else could not be done | JSON-RPC error -32603 |
#[must_use]
pub fn answer(id: Json, result: Result<Reply, CallError>, asking: Asking) -> Outgoing {
    let refused = |code: i32, message: &str| Outgoing::error(Some(id.clone()), code, message);
    match result {
        Ok(reply) => Outgoing::Result { id, result: reply.body },
        Err(CallError::UnknownTool(name)) => refused(INVALID_PARAMS, &format!("Unknown tool: {name}")),
        Err(CallError::UnknownPrompt(name)) => refused(INVALID_PARAMS, &format!("Unknown prompt: {name}")),
        Err(CallError::UnknownResource(uri)) => {
            Outgoing::Error { id: Some(id), error: no_resource(&uri, asking.modern) }
        }
        Err(CallError::UnknownMethod(method)) => refused(METHOD_NOT_FOUND, &format!("Method not found: {method}")),
        Err(CallError::InvalidParams(message)) => refused(INVALID_PARAMS, &message),
        Err(CallError::Backend(error)) => Outgoing::Error { id: Some(id), error },
        Err(CallError::Failed(failure)) if asking.tool => Outgoing::Result { id, result: results::failed(&failure) },
        Err(CallError::Failed(failure)) => {
            let message = match &failure.hint {
                Some(hint) => format!("{}; {hint}", failure.message),
                None => failure.message.to_string(),
            };
            Outgoing::Error { id: Some(id), error: error_object(INTERNAL_ERROR, &message) }
        }
        Err(other) => Outgoing::Error { id: Some(id), error: error_object(INTERNAL_ERROR, &other.to_string()) },
    }
}

fn no_resource(uri: &str, modern: bool) -> Json {
    let code = if modern { INVALID_PARAMS } else { RESOURCE_NOT_FOUND };
    let message = format!("Resource not found: {uri}");
    Json::from_value(&json!({ "code": code, "message": message, "data": { "uri": uri } }))
}
