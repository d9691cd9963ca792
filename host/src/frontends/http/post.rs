//! A message comes in.

use std::{future::poll_fn, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, StatusCode},
    response::Response,
};
use gateway_core::wire::{
    json::Members,
    message::{Frame, INVALID_REQUEST, Message, read},
    revision::Revision,
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::{sync::Semaphore, time::timeout};

use super::{
    super::{
        exchange::Way,
        headers::accept::{EVENTS, JSON, is_json, prefers_events, takes},
        serve,
    },
    Events, RequestWay, Visit, modern,
    reply::{self, Refused, SESSION},
    sessions::{Busy, Held, RUNNING},
    stream::{First, Stream},
    streams::Streams,
};

/// The longest message.
pub(in super::super) const LONGEST: usize = 64 << 20;

/// After so long a silence an answer begins as a stream: whoever waits for headers need not wait for the answer.
pub(super) const SILENCE: Duration = Duration::from_secs(2);

/// The revision that a client speaks.
pub(super) const VERSION: &str = "mcp-protocol-version";

/// Takes a POST.
pub(super) async fn post(visit: Visit, headers: HeaderMap, body: Body) -> Result<Response, Refused> {
    if !takes(&headers, JSON) || !takes(&headers, EVENTS) {
        let message = "the client has to accept both application/json and text/event-stream (`Accept`)";
        return Err(Refused::invalid(StatusCode::NOT_ACCEPTABLE, message));
    }
    let frame = message_of(&headers, body).await?;
    let frame = read(&frame).map_err(|malformed| Refused::from(&malformed))?;
    if visit.front.takes_no_more() && requests(&frame) > 0 {
        return Err(Refused::leaving());
    }
    let version = version(&headers)?;
    if let Frame::One(Message::Request { id, method, params }) = &frame
        && **method == *"initialize"
        && !modern::says_so(params.as_ref())
    {
        let asked = params.as_ref().and_then(|params| Members::read(params.as_bytes()).ok()?.text("protocolVersion"));
        if let (Some(said), Some(asked)) = (version, asked)
            && *said != *asked
        {
            let message = format!("the header MCP-Protocol-Version says {said:?}, the message {asked:?}");
            return Err(Refused::new(StatusCode::BAD_REQUEST, Some(id.clone()), INVALID_REQUEST, &message));
        }
        return initialize(&visit, frame).await;
    }
    if modern::is_modern(version, &frame) {
        return modern::serve(visit, version, &headers, frame).await;
    }
    known(version)?;
    let (held, busy) = session(&visit, &headers)?;
    in_session(&visit, held, busy, frame, prefers_events(&headers)).await
}

/// The body, where it is one that can be a message.
pub(in super::super) async fn message_of(headers: &HeaderMap, body: Body) -> Result<Bytes, Refused> {
    if !is_json(headers) {
        let message = "the body has to be application/json (`Content-Type`)";
        return Err(Refused::invalid(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    match Limited::new(body, LONGEST).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            let message = format!("the message is longer than {LONGEST} bytes");
            Err(Refused::invalid(StatusCode::PAYLOAD_TOO_LARGE, &message))
        }
        Err(error) => Err(Refused::bad(&format!("the body could not be read: {error}"))),
    }
}

/// What the client says that it speaks.
pub(super) fn version(headers: &HeaderMap) -> Result<Option<&str>, Refused> {
    let said = headers.get(VERSION).map(HeaderValue::to_str).transpose();
    said.map_err(|_| Refused::bad("the header MCP-Protocol-Version is no plain text"))
}

/// Refuses a revision that is not known here.
pub(super) fn known(version: Option<&str>) -> Result<(), Refused> {
    match version.filter(|version| Revision::named(version).is_none()) {
        None => Ok(()),
        Some(unknown) => Err(Refused::bad(&format!("the MCP-Protocol-Version {unknown:?} is not supported"))),
    }
}

/// The session that the request belongs to.
pub(super) fn session(visit: &Visit, headers: &HeaderMap) -> Result<(Arc<Held<Streams>>, Busy), Refused> {
    let missing = || Refused::bad("the header Mcp-Session-Id is missing: `initialize` gives one");
    let id = headers.get(SESSION).ok_or_else(missing)?;
    let id = id.to_str().map_err(|_| Refused::no_such_session())?;
    let found = visit.front.sessions.find(id, &visit.principal);
    // It is nowhere but where it was opened.
    let found = found.filter(|(held, _)| held.session.access().scope == visit.scope);
    found.ok_or_else(Refused::no_such_session)
}

/// A session begins.
async fn initialize(visit: &Visit, frame: Frame) -> Result<Response, Refused> {
    let front = &visit.front;
    front.sessions.has_room(&visit.principal, front.is_guarded()).map_err(|why| Refused::no_session(&why))?;
    let streams = Streams::new();
    let session = front.session(&visit.principal, visit.scope.as_deref(), streams.clone())?;
    let held = Held::new(visit.principal, session, streams).map_err(|why| Refused::no_session(&why))?;
    let (name, stream) = held.streams.open();
    serve::take(&held.session, Ok(frame), &RequestWay::of(stream.clone(), (held.busy(), front.running.token())));
    // Whoever cannot wait for the answer gets no session.
    let first = poll_fn(|context| stream.poll_first(context)).await;
    let mut response = match first {
        First::Answer(answer) => {
            held.streams.forget(name);
            let is_error = answer.error.is_some();
            let response = reply::json(StatusCode::OK, answer.body);
            if is_error {
                return Ok(response);
            }
            response
        }
        First::Event => {
            stream.begin(false);
            stream_of(visit, &held, stream)
        }
        First::End => return Err(Refused::no_such_session()),
    };
    if let Ok(id) = HeaderValue::from_str(&held.id) {
        response.headers_mut().insert(SESSION, id);
    }
    front.sessions.insert(&held);
    Ok(response)
}

/// A message of a session that is there.
async fn in_session(
    visit: &Visit,
    held: Arc<Held<Streams>>,
    busy: Busy,
    frame: Frame,
    at_once: bool,
) -> Result<Response, Refused> {
    let revision = held.session.view().revision;
    let requests = requests(&frame);
    if matches!(frame, Frame::Batch(_)) && revision > Revision::V2025_03_26 {
        return Err(Refused::bad(&format!("revision {} has no batches", revision.as_str())));
    }
    if requests == 0 {
        let way: Arc<dyn Way> = held.streams.clone();
        serve::take(&held.session, Ok(frame), &way);
        return Ok(reply::bare(StatusCode::ACCEPTED));
    }
    let room = room(&held.room, requests).await?;
    let (name, stream) = held.streams.open();
    let unread = Unread { streams: held.streams.clone(), name: Some(name) };
    let primed = revision >= Revision::V2025_11_25;
    if at_once {
        stream.begin(primed);
    }
    let way = RequestWay::of(stream.clone(), (busy, room, visit.front.running.token()));
    serve::take(&held.session, Ok(frame), &way);
    drop(way);
    let first = timeout(SILENCE, poll_fn(|context| stream.poll_first(context))).await.unwrap_or(First::Event);
    match first {
        First::Answer(answer) => Ok(reply::json(StatusCode::OK, answer.body)),
        First::End => Ok(stream_of(visit, &held, stream)),
        First::Event => {
            if !at_once && let Some(answer) = stream.begin(primed) {
                return Ok(reply::json(StatusCode::OK, answer.body));
            }
            unread.keep();
            Ok(stream_of(visit, &held, stream))
        }
    }
}

/// An answer that nobody can come back for, since nobody was told its name.
struct Unread {
    streams: Arc<Streams>,
    name: Option<u64>,
}

impl Unread {
    fn keep(mut self) {
        self.name = None;
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        if let Some(name) = self.name {
            self.streams.forget(name);
        }
    }
}

fn stream_of(visit: &Visit, held: &Held<Streams>, stream: Arc<Stream>) -> Response {
    reply::events(Events::new(stream, None, visit.front.leaving_of(&visit.principal), held.busy()))
}

/// How many messages of a frame want an answer.
pub(in super::super) fn requests(frame: &Frame) -> usize {
    match frame {
        Frame::One(Message::Request { .. }) => 1,
        Frame::One(_) => 0,
        Frame::Batch(parts) => parts.iter().filter(|part| matches!(part, Err(_) | Ok(Message::Request { .. }))).count(),
    }
}

/// Waits until so many further requests may run.
pub(in super::super) async fn room(
    room: &Arc<Semaphore>,
    requests: usize,
) -> Result<tokio::sync::OwnedSemaphorePermit, Refused> {
    let many = u32::try_from(requests).ok().filter(|_| requests <= RUNNING);
    let many =
        many.ok_or_else(|| Refused::bad(&format!("a batch may hold {RUNNING} requests, and this one has more")))?;
    room.clone().acquire_many_owned(many).await.map_err(|_| Refused::no_such_session())
}
