//! `GET /api/calls`: what was called of late, and what those calls called in turn.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The recent calls.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Calls {
    /// What clients asked for, newest first, each with what it caused.
    pub calls: Vec<CallView>,
}

/// A call.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallView {
    /// Its number: `17` for what a client asked, `17.2` for the second call that this one caused.
    pub id: String,
    /// The call that caused it.
    pub parent: Option<String>,
    /// 0 for what a client asked, one more for each tool that called a tool.
    pub depth: u8,
    /// The method: `tools/call`, `prompts/get`, `resources/read` and so on.
    pub method: String,
    /// The public name of the tool or prompt, or the URI.
    pub tool: String,
    /// The server, plugin or pipeline that ran it.
    pub server: String,
    /// The role under which it ran.
    pub role: String,
    /// When it began (RFC 3339).
    pub started_at: String,
    /// How long it took, in milliseconds. Missing: it is running.
    pub duration_ms: Option<f64>,
    /// How it went.
    pub status: CallStatus,
    /// What went wrong.
    pub error: Option<String>,
    /// The arguments, where `log_arguments` is set, secrets masked and cut after 2 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
    /// The calls that it caused, in their order.
    #[schema(no_recursion)]
    pub nested: Vec<CallView>,
}

/// How a call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CallStatus {
    /// It is running.
    Running,
    /// Well.
    Ok,
    /// It failed, or the tool said so.
    Error,
    /// Whoever asked went away.
    Cancelled,
}

/// Which calls.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CallFilter {
    /// How many at most, with 100 where nothing is said.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u16>,
    /// Only those of this server, plugin or pipeline, or with such a call nested in them.
    pub backend: Option<String>,
    /// Only those that went so.
    #[param(inline)]
    pub status: Option<CallStatus>,
}
