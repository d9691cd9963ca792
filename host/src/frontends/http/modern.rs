//! Revision 2026-07-28: every request stands for itself. It says who asks and what it can be asked (`_meta`), runs in a
//! session of its own, and is cancelled when the client goes away.

use std::{borrow::Cow, future::poll_fn, sync::Arc};

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use gateway_core::{
    payload::Json,
    source::{Abilities, Kind},
    wire::{
        json::Members,
        message::{Frame, INVALID_PARAMS, METHOD_NOT_FOUND, Message},
    },
};
use tokio::{task::AbortHandle, time::timeout};

use super::{
    super::{
        headers::{
            accept::prefers_events,
            standard::{self, HEADER_MISMATCH},
        },
        serve,
        session::Session,
    },
    Events, Front, RequestWay, Visit,
    post::{SILENCE, known, room},
    reply::{self, Refused},
    stream::{First, Stream},
};

/// The first revision without sessions.
const FIRST: &str = "2026-07-28";

/// Members of `_meta` by which a request says who asks.
const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// Error codes that say that the request itself is wrong: the status says it too.
const UNSUPPORTED_VERSION: i32 = -32022;
const MISSING_CAPABILITY: i32 = -32021;

/// Whether this is a revision without sessions. They are dates.
pub(super) fn is_modern_version(version: &str) -> bool {
    version >= FIRST
}

/// Whether the message is of a revision without sessions, as it says itself or as its header says.
pub(super) fn is_modern(version: Option<&str>, frame: &Frame) -> bool {
    if version.is_some_and(is_modern_version) {
        return true;
    }
    match frame {
        Frame::One(Message::Request { method, .. }) if **method == *"server/discover" => true,
        Frame::One(Message::Request { params, .. }) => says_so(params.as_ref()),
        _ => false,
    }
}

/// Whether `_meta` names a revision.
pub(super) fn says_so(params: Option<&Json>) -> bool {
    meta(params).is_some_and(|meta| meta.version.is_some())
}

/// What `_meta` says of who asks.
struct Meta {
    version: Option<String>,
    capabilities: Option<Json>,
}

fn meta(params: Option<&Json>) -> Option<Meta> {
    let params = params?;
    // Hardly any message of older revisions has it: the search is cheaper than reading.
    if !params.as_str().contains("io.modelcontextprotocol") {
        return None;
    }
    let meta = Members::read(params.as_bytes()).ok()?.part(params.bytes(), "_meta")?;
    let members = Members::read(meta.as_bytes()).ok()?;
    let capabilities = members.part(meta.bytes(), META_CAPABILITIES);
    Some(Meta { version: members.text(META_VERSION).map(Cow::into_owned), capabilities })
}

/// Serves a message on its own.
pub(super) async fn serve(
    visit: Visit,
    version: Option<&str>,
    headers: &HeaderMap,
    frame: Frame,
) -> Result<Response, Refused> {
    let (id, method, params) = match &frame {
        Frame::One(Message::Request { id, method, params }) => (Some(id), method, params.as_ref()),
        Frame::One(Message::Notification { method, params }) => (None, method, params.as_ref()),
        Frame::One(Message::Response { .. }) => return Err(Refused::bad("there is no session that could have asked")),
        Frame::Batch(_) => return Err(Refused::bad("this revision has no batches")),
    };
    let mismatch = |why: &str| Refused::new(StatusCode::BAD_REQUEST, id.cloned(), HEADER_MISMATCH, why);
    let said = id.map(|id| introduced(id, version, params)).transpose()?;
    if said.is_none() {
        known(version.filter(|version| !is_modern_version(version)))?;
    }
    if version.is_some_and(is_modern_version) {
        standard::check(headers, method, params).map_err(|why| mismatch(&why))?;
    }
    let Some(said) = said else {
        // What a notification could be about, a request that is running, ends with its connection.
        return Ok(reply::bare(StatusCode::ACCEPTED));
    };
    if **method == *"tools/call" {
        check_arguments(&visit, &said, headers, params).map_err(|why| mismatch(&why))?;
    }
    let lasts = **method == *"subscriptions/listen";
    run(&visit, frame, lasts, prefers_events(headers)).await
}

/// What the request says of who asks. It has to say it, and its header has to say the same.
fn introduced(id: &Json, version: Option<&str>, params: Option<&Json>) -> Result<Meta, Refused> {
    let refuse = |code, why: &str| Refused::new(StatusCode::BAD_REQUEST, Some(id.clone()), code, why);
    let said = meta(params).unwrap_or(Meta { version: None, capabilities: None });
    let missing: Vec<_> = [(META_VERSION, said.version.is_none()), (META_CAPABILITIES, said.capabilities.is_none())]
        .into_iter()
        .filter_map(|(name, missing)| missing.then_some(name))
        .collect();
    let Some(in_message) = &said.version else {
        return Err(refuse(INVALID_PARAMS, &format!("`_meta` has to have {}", missing.join(" and "))));
    };
    match version {
        None => return Err(refuse(HEADER_MISMATCH, "the header MCP-Protocol-Version is missing")),
        Some(version) if version != in_message => {
            let why = format!("the header MCP-Protocol-Version says {version:?}, the message {in_message:?}");
            return Err(refuse(HEADER_MISMATCH, &why));
        }
        Some(_) => {}
    }
    // Of a revision that is not known, it is not known either what a request has to say.
    if is_modern_version(in_message) && !missing.is_empty() {
        return Err(refuse(INVALID_PARAMS, &format!("`_meta` has to have {}", missing.join(" and "))));
    }
    Ok(said)
}

/// Holds the headers that repeat arguments against them, where the tool is known.
fn check_arguments(visit: &Visit, said: &Meta, headers: &HeaderMap, params: Option<&Json>) -> Result<(), String> {
    let Some(params) = params else { return Ok(()) };
    let Ok(members) = Members::read(params.as_bytes()) else { return Ok(()) };
    let abilities = Abilities::of(said.capabilities.as_ref());
    let gateway = &visit.front.gateway;
    let face = match &visit.scope {
        None => Some(gateway.face(&abilities)),
        Some(server) => gateway.face_of(server, &abilities),
    };
    let (Some(face), Some(name)) = (face, members.text("name")) else { return Ok(()) };
    let snapshot = face.snapshot();
    let Some((entry, _)) = snapshot.find(visit.principal.caller.role, Kind::Tool, &name) else { return Ok(()) };
    standard::check_arguments(headers, entry.definition(), members.part(params.bytes(), "arguments").as_ref())
}

/// Ends the session, and with it the call, when the client is gone or has its answer.
struct Alone {
    session: Arc<Session>,
    watch: Option<AbortHandle>,
}

impl Drop for Alone {
    fn drop(&mut self) {
        self.session.end();
        if let Some(watch) = self.watch.take() {
            watch.abort();
        }
    }
}

async fn run(visit: &Visit, frame: Frame, lasts: bool, as_event: bool) -> Result<Response, Refused> {
    let front = &visit.front;
    let mut alone = Alone { session: front.session_for_one(&visit.principal, visit.scope.as_deref())?, watch: None };
    // What lasts until the client goes away keeps neither a place from others nor the gateway from ending.
    let place = match lasts {
        true => {
            alone.watch = Some(close_in_time(front, &alone.session));
            None
        }
        false => Some((room(&front.room, 1).await?, front.running.token())),
    };
    let stream = Stream::of_request(None);
    let way = RequestWay::of(stream.clone(), place);
    serve::take(&alone.session, Ok(frame), &way);
    drop(way);
    let first = timeout(SILENCE, poll_fn(|context| stream.poll_first(context))).await.unwrap_or(First::Event);
    let answer = match first {
        First::Answer(answer) => Some(answer),
        First::Event => stream.begin(false),
        First::End => None,
    };
    match answer {
        Some(answer) => Ok(match status(answer.error) {
            StatusCode::OK if as_event => reply::event(&answer.body),
            status => reply::json(status, answer.body),
        }),
        None => Ok(reply::events(Events::new(stream, None, front.leaving_of(&visit.principal), alone))),
    }
}

/// Lets the session end what lasts, with an answer, when the gateway ends.
fn close_in_time(front: &Front, session: &Arc<Session>) -> AbortHandle {
    let (leaving, session) = (front.leaving.clone(), Arc::downgrade(session));
    front.tasks.spawn(async move {
        leaving.cancelled().await;
        if let Some(session) = session.upgrade() {
            session.close();
        }
    })
}

/// The status of an answer that came alone.
fn status(error: Option<i32>) -> StatusCode {
    match error {
        Some(UNSUPPORTED_VERSION | MISSING_CAPABILITY | HEADER_MISMATCH) => StatusCode::BAD_REQUEST,
        Some(METHOD_NOT_FOUND) => StatusCode::NOT_FOUND,
        _ => StatusCode::OK,
    }
}
