//! `GET /api/sessions`: the clients that are connected.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    access::{Asker, Need},
    answer::Answer,
    failures::Reading,
    logs::written,
};
use crate::frontends::http::Present;

/// A client that is connected.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    /// Its place in the order in which sessions began; it opens nothing.
    pub id: usize,
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

impl SessionView {
    fn of(present: &Present, transport: SessionTransport, asker: &Asker) -> Self {
        let session = &present.session;
        let access = session.access();
        let client = session.client_name();
        let revision = session.is_introduced().then(|| session.view().revision.as_str().to_owned());
        Self {
            id: 0,
            transport,
            role: asker.snapshot.roles().get(access.role).name.to_string(),
            scope: access.scope.as_deref().map(str::to_owned),
            client: client.map(|client| ClientName { name: client.name.clone(), version: client.version.clone() }),
            protocol_version: revision,
            started_at: written(present.began),
            idle_ms: u64::try_from(present.idle.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// The clients that are connected
///
/// Those of the asking role; of all roles for one that may see everything. Clients of revision 2026-07-28 have no
/// sessions: what they ask is in `/api/calls`.
#[utoipa::path(
    get, path = "/api/sessions", tag = "sessions", responses((status = OK, body = Vec<SessionView>), Reading)
)]
pub(super) async fn sessions(asker: Asker) -> Answer<Vec<SessionView>> {
    asker.needs(Need::Status)?;
    let (all, (http, sse)) = (asker.sees_all(), asker.api.front.present());
    let http = http.into_iter().map(|present| (present, SessionTransport::Http));
    let mut sessions: Vec<_> = http.chain(sse.into_iter().map(|present| (present, SessionTransport::Sse))).collect();
    sessions.sort_by_key(|(present, _)| present.session.id());
    let seen = |present: &Present| all || present.session.access().role == asker.role;
    let numbered = sessions.iter().enumerate().filter(|(_, (present, _))| seen(present));
    let view = |(at, (present, transport)): (usize, &(Present, SessionTransport))| SessionView {
        id: at + 1,
        ..SessionView::of(present, *transport, &asker)
    };
    Ok(Json(numbered.map(view).collect()))
}
