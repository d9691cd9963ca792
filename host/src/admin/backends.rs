//! `/api/backends`: external servers.

mod change;
mod read;
mod view;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{
    ToSchema,
    openapi::{
        RefOr,
        schema::{Array, ArrayBuilder, Object, ObjectBuilder, Schema, Type},
    },
};

pub(super) use self::{change::*, read::source_name, view::*};

/// An external server.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Backend {
    /// Its name.
    pub name: String,
    /// Where it is, without credentials and without the values of a query. Missing: it is started by a command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The program that is started, without its arguments, which may hold secrets. Missing: it is reached by a URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// How it is spoken to. Missing: it cannot be used.
    pub transport: Option<BackendTransport>,
    /// Whether it is used.
    pub enabled: bool,
    /// Its tools, as far as they are known and the role may use them.
    pub tools: Vec<BackendTool>,
    /// What it does at the moment.
    pub status: BackendStatus,
    /// How long it took to answer the last check, in milliseconds; servers by command are not checked.
    pub latency_ms: Option<f64>,
    /// When it answered a check last (RFC 3339).
    pub last_ping_at: Option<String>,
    /// What went wrong last.
    pub error: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Whether it was registered while the gateway ran; else it stands in `gateway.yaml`.
    pub registered: bool,
    /// How often it was started or connected to.
    pub starts: u64,
    /// How many calls are in flight.
    pub calls: usize,
    /// The memory of its processes, in bytes. Missing: it has none here, or the system does not tell.
    pub memory_bytes: Option<u64>,
    /// Its process; the first one, where sessions have processes of their own.
    pub pid: Option<u32>,
    /// How long calls took of late.
    pub latency: Latency,
}

/// How a server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BackendTransport {
    /// A program's standard input and output.
    Stdio,
    /// Streamable HTTP.
    Http,
    /// The older HTTP with server-sent events.
    Sse,
}

/// What a server or plugin does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BackendStatus {
    /// It is being started.
    Connecting,
    /// It answers.
    Connected,
    /// Nothing runs; where it is enabled, the next call starts it.
    Disconnected,
    /// The last start failed, or it cannot be used at all: `error` says why. The next call tries again.
    Error,
}

/// A tool of a server or plugin.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackendTool {
    /// Its own name.
    pub name: String,
    /// The name that clients of the gateway use.
    pub public_name: String,
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// How long calls took of late, in milliseconds.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// How many calls have ended since the gateway was started.
    pub count: u64,
    /// How many of those failed.
    pub failed: u64,
    /// Half of the recent ones took no longer.
    pub p50_ms: Option<f64>,
    /// Nine in ten of the recent ones took no longer.
    pub p90_ms: Option<f64>,
    /// All but one in a hundred of the recent ones took no longer.
    pub p99_ms: Option<f64>,
    /// The recent ones, oldest first.
    pub recent_ms: Vec<f64>,
}

/// A server to be registered: one behind a URL, or one that is started by a command.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum NewBackend {
    /// One behind a URL.
    Remote(NewRemote),
    /// One that is started by a command.
    Command(NewCommand),
}

/// A server behind a URL.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRemote {
    /// Its name: lower-case letters, digits, `-` and `_`, a letter or digit first.
    #[schema(pattern = "^[a-z0-9][a-z0-9_-]*$", max_length = 40, example = "docs")]
    pub name: String,
    /// Where it is. A private or loopback address has to be one that `allow_urls` names.
    #[schema(format = "uri", example = "https://mcp.example.com/mcp")]
    pub url: String,
    /// How it is spoken to.
    pub transport: RemoteTransport,
    /// Headers of each request to it.
    #[serde(default)]
    #[schema(schema_with = headers)]
    pub headers: BTreeMap<String, String>,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether it is used; missing: yes.
    #[serde(default)]
    pub enabled: Option<bool>,
}

/// How a server behind a URL is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RemoteTransport {
    /// Streamable HTTP.
    Http,
    /// The older HTTP with server-sent events.
    Sse,
}

/// A server that is started by a command, which has to be one that `allow_commands` names.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCommand {
    /// Its name: lower-case letters, digits, `-` and `_`, a letter or digit first.
    #[schema(pattern = "^[a-z0-9][a-z0-9_-]*$", max_length = 40, example = "files")]
    pub name: String,
    /// The program.
    #[schema(pattern = r#"^[^\s\x00'"\\]+$"#, example = "npx")]
    pub command: String,
    /// How it is spoken to.
    #[serde(default)]
    pub transport: Option<CommandTransport>,
    /// Its arguments.
    #[serde(default)]
    #[schema(schema_with = arguments)]
    pub args: Vec<String>,
    /// Variables of its environment.
    #[serde(default)]
    #[schema(schema_with = variables)]
    pub env: BTreeMap<String, String>,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether it is used; missing: yes.
    #[serde(default)]
    pub enabled: Option<bool>,
}

fn text(pattern: &str) -> Object {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).build()
}

fn map(names: &str, values: &str, description: &str) -> Object {
    let map = ObjectBuilder::new().schema_type(Type::Object).description(Some(description));
    map.property_names(Some(text(names))).additional_properties(Some(RefOr::T(Schema::Object(text(values))))).build()
}

fn headers() -> Object {
    map("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", "^[^\\x00-\\x08\\x0a-\\x1f\\x7f]*$", "Headers of each request to it.")
}

fn variables() -> Object {
    map("^[^=\\x00]+$", "^[^\\x00]*$", "Variables of its environment.")
}

fn arguments() -> Array {
    ArrayBuilder::new().items(text("^[^\\x00]*$")).description(Some("Its arguments.")).build()
}

/// How a server that is started by a command is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CommandTransport {
    /// A program's standard input and output.
    Stdio,
}

/// Whether a server or plugin is used from now on.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Enable {
    /// Whether it is used.
    pub enabled: bool,
}

/// A server as it is after the change. Where connecting failed, it is registered all the same, and `backend` says why.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Changed {
    /// The change was made.
    pub ok: bool,
    /// How the server is now.
    pub backend: Backend,
}

/// The change was made.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Done {
    /// The change was made.
    pub ok: bool,
}
