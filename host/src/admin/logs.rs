//! `/api/logs`: what happened of late, and as it happens.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// The newest entries.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Logs {
    /// At most 200, oldest first.
    pub entries: Vec<LogEntry>,
}

/// An entry of the log.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogEntry {
    /// Its number; later ones are higher.
    pub id: u64,
    /// When it happened (RFC 3339).
    pub ts: String,
    /// How serious it is.
    pub level: LogLevel,
    /// What kind of entry it is.
    #[serde(rename = "type")]
    pub kind: LogType,
    /// The server, plugin or pipeline that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    /// Its own name of the tool that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// How long the call took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<f64>,
    /// How the call went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<LogStatus>,
    /// What happened, in one line.
    pub message: String,
    /// More about it: of a call its `id`, `parent`, `depth`, `role`, the `publicName`, and where `log_arguments` is set
    /// its `arguments`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub data: Option<Value>,
}

/// How serious an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Of interest to who looks for something.
    Debug,
    /// What goes on.
    Info,
    /// What may need a look.
    Warn,
    /// What failed.
    Error,
}

/// What kind of entry it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogType {
    /// A call begins.
    ToolCall,
    /// A call has ended.
    ToolResult,
    /// A server or plugin starts, answers, fails or ends.
    BackendEvent,
    /// The gateway itself.
    System,
}

/// How a call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogStatus {
    /// Well.
    Ok,
    /// Not.
    Error,
}

/// Which entries.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogFilter {
    /// Only this level and above.
    #[param(inline)]
    pub level: Option<LogLevel>,
    /// Only this kind.
    #[serde(rename = "type")]
    #[param(inline)]
    pub kind: Option<LogType>,
    /// Only those about this server, plugin or pipeline.
    pub backend: Option<String>,
    /// How many at most, with 200 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u8>,
}
