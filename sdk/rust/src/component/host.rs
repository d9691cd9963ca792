//! The gateway's side of `gateway:plugin`, as the SDK's functions call it.

use super::bindings::tool::gateway::plugin::host;
use super::types;
use crate::{CallError, Elicited, Level, Root, ToolResult};

pub(crate) fn log(level: Level, message: &str) {
    host::log(level.into(), message);
}

pub(crate) fn progress(progress: f64, total: Option<f64>, message: Option<&str>) {
    host::progress(progress, total, message);
}

pub(crate) fn cancelled() -> bool {
    host::cancelled()
}

pub(crate) fn config() -> String {
    host::config()
}

pub(crate) fn call_tool(name: &str, arguments: &str) -> Result<ToolResult, CallError> {
    host::call_tool(name, arguments).map(Into::into).map_err(Into::into)
}

pub(crate) fn elicit(message: &str, schema: &str) -> Result<Elicited<String>, CallError> {
    Ok(match host::elicit(message, schema)? {
        types::Elicitation::Accept(answer) => Elicited::Accepted(answer),
        types::Elicitation::Decline => Elicited::Declined,
        types::Elicitation::Cancel => Elicited::Cancelled,
    })
}

pub(crate) fn sample(request: &str) -> Result<String, CallError> {
    Ok(host::sample(request)?)
}

pub(crate) fn roots() -> Result<Vec<Root>, CallError> {
    let roots = host::list_roots()?;
    Ok(roots.into_iter().map(|types::Root { uri, name }| Root { uri, name }).collect())
}

impl From<Level> for types::LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Notice => Self::Notice,
            Level::Warning => Self::Warning,
            Level::Error => Self::Error,
            Level::Critical => Self::Critical,
            Level::Alert => Self::Alert,
            Level::Emergency => Self::Emergency,
        }
    }
}

impl From<types::CallError> for CallError {
    fn from(error: types::CallError) -> Self {
        match error {
            types::CallError::UnknownTool(name) => Self::UnknownTool(name),
            types::CallError::Denied(why) => Self::Denied(why),
            types::CallError::Unsupported(why) => Self::Unsupported(why),
            types::CallError::Cancelled => Self::Cancelled,
            types::CallError::Limit(why) => Self::Limit(why),
            types::CallError::Failed(why) => Self::Failed(why),
        }
    }
}
