//! `/api/tools`: all tools that a role may use, and calling them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

/// A tool.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ToolView {
    /// The name that clients use.
    pub public_name: String,
    /// Its own name at its source.
    pub name: String,
    /// The server, plugin or pipeline that offers it; `gateway` for the gateway's own.
    pub source: String,
    /// What that is.
    pub kind: SourceKind,
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// JSON Schema of its arguments.
    pub input_schema: Value,
    /// JSON Schema of its structured result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// What it says about its behaviour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Value>,
    /// Whether lists show it; with `meta_tools` most are reached through the meta-tools alone.
    pub listed: bool,
    /// Stands for the tools of a server that are not known yet: calling it finds them out.
    pub placeholder: bool,
}

/// What offers tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// An external server.
    Server,
    /// A plugin.
    Plugin,
    /// A pipeline.
    Pipeline,
    /// The gateway itself.
    Gateway,
}

/// All tools.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Tools {
    /// The role that sees them.
    pub role: String,
    /// The tools, in the order in which they are listed.
    pub tools: Vec<ToolView>,
}

/// As whom.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AsRole {
    /// Shows what this role sees of what the asking role sees. Needs a role that may register and remove.
    pub role: Option<String>,
}

/// A call.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallTool {
    /// The tool's arguments; missing: none.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub arguments: Option<Map<String, Value>>,
    /// Calls as this role, within what the asking role may use. Needs a role that may register and remove.
    #[serde(default)]
    pub role: Option<String>,
}

/// What a call gave.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Called {
    /// The call, as `/api/calls` knows it.
    pub id: String,
    /// Whether the tool did what it was asked.
    pub ok: bool,
    /// How long it took, in milliseconds.
    pub duration_ms: f64,
    /// The result as MCP has it (`CallToolResult`): `content`, `structuredContent`, `isError`.
    #[schema(value_type = Object)]
    pub result: Value,
}
