//! MCP over HTTP: Streamable HTTP at `/mcp`, of every revision, and at `/mcp/{server}` for one server alone; HTTP+SSE of
//! 2024-11-05 is in [`super::sse`].
//!
//! * [`listen`]: connections come in.
//! * [`guard`]: who may come in at all; in front of everything that is served over HTTP.
//! * [`post`]: a message comes in: to a session, or (`modern`, revision 2026-07-28) to none.
//! * [`get`]: what belongs to no request goes out, and what was missed; a session ends.
//! * [`sessions`], [`streams`], [`stream`], [`body`]: what lasts between two requests.

mod body;
mod entrance;
mod get;
pub mod guard;
pub mod listen;
mod modern;
pub(super) mod post;
pub(super) mod reply;
pub(super) mod sessions;
pub(super) mod stream;
mod streams;
mod way;

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, Method},
    response::Response,
    routing::{any, get as on_get, post as on_post},
};
use gateway_core::{source::Abilities, tasks::Tasks};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::sessions::Present;
pub(super) use self::{body::Events, way::RequestWay};
use self::{entrance::Entrance, reply::Refused, sessions::Sessions, stream::Stream, streams::Streams, way::Nowhere};
use super::{
    auth::{Door, Principal},
    exchange::Way,
    headers::hosts::Hosts,
    session::{Access, Identity, Session},
    sse,
};
use crate::gateway::Gateway;

/// How many requests without a session run at once; further ones wait.
const RUNNING: usize = 8192;

/// The HTTP side of a gateway.
pub struct Front {
    gateway: Arc<Gateway>,
    identity: Identity,
    entrance: Entrance,
    hosts: Hosts,
    sessions: Sessions<Streams>,
    /// Sessions of HTTP+SSE.
    pub(super) legacy: Sessions<Stream>,
    room: Arc<Semaphore>,
    /// Requests that are running.
    running: TaskTracker,
    /// No more is taken.
    leaving: CancellationToken,
    /// What is open is closed.
    closing: CancellationToken,
    tasks: Tasks,
}

/// What the HTTP side is to be like.
#[derive(Debug)]
pub struct Settings {
    /// How the gateway introduces itself.
    pub identity: Identity,
    /// Who may come in.
    pub door: Door,
    /// The names that it answers to.
    pub hosts: Hosts,
    /// How long a session may be unused.
    pub session_timeout: Duration,
}

/// Who asks for what: what every request to `/mcp` begins with.
#[derive(Clone)]
pub(super) struct Visit {
    pub(super) front: Arc<Front>,
    pub(super) principal: Principal,
    /// The one server that is meant; `None`: all.
    pub(super) scope: Option<Box<str>>,
}

impl Front {
    /// The HTTP side of `gateway`. Nothing is listened to yet. Needs a Tokio runtime.
    #[must_use]
    pub fn new(gateway: Arc<Gateway>, settings: Settings) -> Arc<Self> {
        let Settings { identity, door, hosts, session_timeout } = settings;
        let closing = CancellationToken::new();
        let front = Arc::new(Self {
            gateway,
            identity,
            entrance: Entrance::new(door, closing.clone()),
            hosts,
            sessions: Sessions::new(session_timeout),
            // They live as long as their streams.
            legacy: Sessions::new(Duration::MAX),
            room: Arc::new(Semaphore::new(RUNNING)),
            running: TaskTracker::new(),
            leaving: CancellationToken::new(),
            closing,
            tasks: Tasks::new(),
        });
        let swept = front.clone();
        front.tasks.spawn(async move { swept.sessions.sweep().await });
        front
    }

    /// A session for whoever came in. Refuses where there is no such server.
    pub(super) fn session(
        &self,
        principal: &Principal,
        scope: Option<&str>,
        way: Arc<dyn Way>,
    ) -> Result<Arc<Session>, Refused> {
        let access = Access { role: principal.caller.role, scope: scope.map(Into::into) };
        let session = Session::new(self.gateway.clone(), access, self.identity.clone(), way);
        session.ok_or_else(|| Refused::no_such_server(scope.unwrap_or_default()))
    }

    /// A session for one request of whoever came in.
    fn session_for_one(&self, principal: &Principal, scope: Option<&str>) -> Result<Arc<Session>, Refused> {
        let access = Access { role: principal.caller.role, scope: scope.map(Into::into) };
        let (gateway, identity) = (self.gateway.clone(), self.identity.clone());
        let session = Session::for_one_request(gateway, access, identity, Arc::new(Nowhere));
        session.ok_or_else(|| Refused::no_such_server(scope.unwrap_or_default()))
    }

    /// Whether one has to show something to come in.
    #[must_use]
    pub fn is_guarded(&self) -> bool {
        self.entrance.is_guarded()
    }

    /// Lets nobody in from now on but by `door`, and ends the sessions of those that it does not know.
    pub fn change_door(&self, door: Door) {
        let stays = self.entrance.change(door);
        self.sessions.retain(&stays);
        self.legacy.retain(&stays);
    }

    /// Cancelled once all is answered that will be, or `principal` may not stay: what is open for it is closed.
    #[must_use]
    pub fn leaving_of(&self, principal: &Principal) -> CancellationToken {
        self.entrance.leaving(principal)
    }

    /// The sessions that are open, and those of HTTP+SSE.
    #[must_use]
    pub fn present(&self) -> (Vec<Present>, Vec<Present>) {
        (self.sessions.present(), self.legacy.present())
    }

    /// Requests that are running, for the gateway to wait for when it ends.
    pub(super) fn running(&self) -> &TaskTracker {
        &self.running
    }

    /// Whether no more is taken. What belongs to a request that is running still is: an answer to its question, its
    /// cancellation, a client that comes back for it.
    pub(super) fn takes_no_more(&self) -> bool {
        self.leaving.is_cancelled()
    }

    /// Cancelled once all is answered that will be: what is open is closed.
    #[must_use]
    pub fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Cancelled once no more is taken.
    #[must_use]
    pub fn leaving(&self) -> &CancellationToken {
        &self.leaving
    }

    /// Gives what runs `grace` to be answered, then ends what is open.
    pub async fn drain(&self, grace: Duration) {
        self.leaving.cancel();
        self.running.close();
        let _ = tokio::time::timeout(grace, self.running.wait()).await;
        self.closing.cancel();
        self.sessions.clear();
        self.legacy.clear();
        self.tasks.drain(Duration::ZERO).await;
    }

    /// The routes of MCP. They need [`guard::guarded`] around them.
    pub fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/mcp", any(all))
            .route("/mcp/{server}", any(one))
            .route("/sse", on_get(sse::open_all))
            .route("/sse/{server}", on_get(sse::open_one))
            .route("/messages", on_post(sse::message))
            .with_state(self.clone())
    }
}

impl Visit {
    /// Refuses where there is no such server, or none that the role knows of.
    pub(super) fn new(front: Arc<Front>, principal: Principal, scope: Option<String>) -> Result<Self, Refused> {
        if let Some(server) = &scope {
            let known = front.gateway.face_of(server, &Abilities::NONE).is_some_and(|face| {
                let snapshot = face.snapshot();
                face.scope().is_some_and(|source| snapshot.sees_source(principal.caller.role, &source))
            });
            if !known {
                return Err(Refused::no_such_server(server));
            }
        }
        Ok(Self { front, principal, scope: scope.map(String::into_boxed_str) })
    }
}

async fn all(
    State(front): State<Arc<Front>>,
    Extension(principal): Extension<Principal>,
    method: Method,
    headers: HeaderMap,
    body: Body,
) -> Response {
    serve(front, principal, None, method, headers, body).await
}

async fn one(
    State(front): State<Arc<Front>>,
    Extension(principal): Extension<Principal>,
    Path(server): Path<String>,
    method: Method,
    headers: HeaderMap,
    body: Body,
) -> Response {
    serve(front, principal, Some(server), method, headers, body).await
}

async fn serve(
    front: Arc<Front>,
    principal: Principal,
    scope: Option<String>,
    method: Method,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let visit = match Visit::new(front, principal, scope) {
        Ok(visit) => visit,
        Err(refused) => return refused.into(),
    };
    let answered = match method {
        Method::POST => post::post(visit, headers, body).await,
        Method::GET => get::listen(&visit, &headers),
        Method::DELETE => get::end(&visit, &headers),
        _ => Err(Refused::method("GET, POST, DELETE")),
    };
    answered.unwrap_or_else(Into::into)
}
