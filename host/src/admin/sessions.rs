//! `GET /api/sessions`: the clients that are connected.

use serde::Serialize;
use utoipa::ToSchema;

/// A client that is connected.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    /// A number for people; it opens nothing.
    pub id: u64,
    /// How it is connected.
    pub transport: SessionTransport,
    /// Its role.
    pub role: String,
    /// The one server that it sees; missing: all.
    pub scope: Option<String>,
    /// What the client calls itself.
    pub client: Option<ClientName>,
    /// The revision of MCP that it speaks. Missing: it has not introduced itself yet.
    pub protocol_version: Option<String>,
    /// When it began (RFC 3339).
    pub started_at: String,
    /// How long it has not been used, in milliseconds; 0 while it is.
    pub idle_ms: u64,
}

/// How a client is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SessionTransport {
    /// Streamable HTTP.
    Http,
    /// The older HTTP with server-sent events.
    Sse,
}

/// What a client calls itself.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ClientName {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
}
