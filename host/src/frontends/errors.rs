//! The one table that turns errors into MCP.

use gateway_core::{
    error::CallError,
    payload::{Json, Reply},
    wire::message::{INVALID_PARAMS, METHOD_NOT_FOUND, Outgoing, RESOURCE_NOT_FOUND, error_object},
};

use crate::results;

/// The answer to a call.
///
/// | what happened | what the client gets |
/// |---|---|
/// | a result | the result, as it is |
/// | unknown or hidden tool | JSON-RPC error -32602 (MCP, "Tools", error handling) |
/// | unknown or hidden prompt | JSON-RPC error -32602 (MCP, "Prompts", error handling) |
/// | unknown or hidden resource | JSON-RPC error -32002 (MCP, "Resources", error handling) |
/// | unknown method | JSON-RPC error -32601 |
/// | malformed request | JSON-RPC error -32602 |
/// | the backend's own JSON-RPC error | the same, as it is |
/// | the tool could not be run, or broke | a result with `isError`, for the model to read |
#[must_use]
pub fn answer(id: Json, result: Result<Reply, CallError>) -> Outgoing {
    match result {
        Ok(reply) => Outgoing::Result { id, result: reply.body },
        Err(CallError::UnknownTool(name)) => {
            Outgoing::error(Some(id), INVALID_PARAMS, &format!("Unknown tool: {name}"))
        }
        Err(CallError::UnknownPrompt(name)) => {
            Outgoing::error(Some(id), INVALID_PARAMS, &format!("Unknown prompt: {name}"))
        }
        Err(CallError::UnknownResource(uri)) => {
            Outgoing::error(Some(id), RESOURCE_NOT_FOUND, &format!("Resource not found: {uri}"))
        }
        Err(CallError::UnknownMethod(method)) => {
            Outgoing::error(Some(id), METHOD_NOT_FOUND, &format!("Method not found: {method}"))
        }
        Err(CallError::InvalidParams(message)) => Outgoing::error(Some(id), INVALID_PARAMS, &message),
        Err(CallError::Backend(error)) => Outgoing::Error { id: Some(id), error },
        Err(CallError::Failed(failure)) => Outgoing::Result { id, result: results::failed(&failure) },
        Err(other) => Outgoing::Error { id: Some(id), error: internal(&other) },
    }
}

fn internal(error: &CallError) -> Json {
    error_object(gateway_core::wire::message::INTERNAL_ERROR, &error.to_string())
}
