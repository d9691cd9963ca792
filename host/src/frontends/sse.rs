//! HTTP+SSE of revision 2024-11-05: one stream for all that goes out (`/sse`), one place for all that comes in
//! (`/messages`). The end of the stream is the end of the session.

use std::sync::Arc;

use axum::{
    Extension,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use gateway_core::wire::message::read;

use super::{
    auth::Principal,
    exchange::Way,
    http::{
        Events, Front, RequestWay, Visit,
        post::{message_of, requests, room},
        reply::{self, Refused},
        sessions::Held,
        stream::Stream,
    },
    serve,
};

/// Opens a session with all of the gateway.
pub(super) async fn open_all(State(front): State<Arc<Front>>, Extension(principal): Extension<Principal>) -> Response {
    open(front, principal, None).unwrap_or_else(Into::into)
}

/// Opens a session with one server.
pub(super) async fn open_one(
    State(front): State<Arc<Front>>,
    Extension(principal): Extension<Principal>,
    Path(server): Path<String>,
) -> Response {
    open(front, principal, Some(server)).unwrap_or_else(Into::into)
}

fn open(front: Arc<Front>, principal: Principal, scope: Option<String>) -> Result<Response, Refused> {
    let Visit { front, principal, scope } = Visit::new(front, principal, scope)?;
    if front.takes_no_more() {
        return Err(Refused::leaving());
    }
    front.legacy.has_room(&principal, front.is_guarded()).map_err(|why| Refused::no_session(&why))?;
    let stream = Stream::lasting(None);
    let session = front.session(&principal, scope.as_deref(), stream.clone())?;
    let held = Held::new(principal, session, stream.clone()).map_err(|why| Refused::no_session(&why))?;
    stream.announce("endpoint", &format!("/messages?sessionId={}", held.id));
    front.legacy.insert(&held);
    let open = Open { front: front.clone(), held };
    Ok(reply::events(Events::new(stream, None, front.leaving_of(&principal), open)))
}

/// Ends the session with its stream.
struct Open {
    front: Arc<Front>,
    held: Arc<Held<Stream>>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.front.legacy.remove(&self.held.id);
    }
}

/// A message comes in. What it leads to goes out by the stream.
pub(super) async fn message(
    State(front): State<Arc<Front>>,
    Extension(principal): Extension<Principal>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    take(&front, &principal, &uri, &headers, body).await.unwrap_or_else(Into::into)
}

async fn take(
    front: &Front,
    principal: &Principal,
    uri: &Uri,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let id = uri.query().and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("sessionId=")));
    let id = id.ok_or_else(|| Refused::bad("`sessionId` is missing: the stream at /sse tells it"))?;
    let (held, _) = front.legacy.find(id, principal).ok_or_else(Refused::no_such_session)?;
    let frame = message_of(headers, body).await?;
    let frame = read(&frame).map_err(|malformed| Refused::from(&malformed))?;
    let stream = held.streams.clone();
    let way: Arc<dyn Way> = match requests(&frame) {
        0 => stream,
        _ if front.takes_no_more() => return Err(Refused::leaving()),
        // A client that asks for more than runs at once has to wait here.
        many => RequestWay::of(stream, (room(&held.room, many).await?, front.running().token())),
    };
    serve::take(&held.session, Ok(frame), &way);
    Ok(reply::bare(StatusCode::ACCEPTED))
}
