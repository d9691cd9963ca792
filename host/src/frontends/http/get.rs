//! What belongs to no request goes out, and what was missed; a session ends.

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::{
    super::headers::accept::{EVENTS, takes},
    Events, Visit, modern,
    post::{known, session, version},
    reply::{self, Refused},
    stream::Stream,
};

/// Where the client was when its connection broke.
const LAST: &str = "last-event-id";

/// Listens to a session, or goes on with an answer (`Last-Event-ID`).
pub(super) fn listen(visit: &Visit, headers: &HeaderMap) -> Result<Response, Refused> {
    if !takes(headers, EVENTS) {
        let message = "the client has to accept text/event-stream (`Accept`)";
        return Err(Refused::invalid(StatusCode::NOT_ACCEPTABLE, message));
    }
    old(headers)?;
    let (held, busy) = session(visit, headers)?;
    let (stream, after) = match headers.get(LAST) {
        None => (held.streams.lasting().clone(), None),
        Some(last) => {
            let place = last.to_str().ok().and_then(place);
            let (name, after) = place.ok_or_else(|| Refused::bad("the `Last-Event-ID` is none of this session's"))?;
            // What is no longer there has no more events: an error would make clients ask again for ever.
            (held.streams.find(name).unwrap_or_else(over), Some(after))
        }
    };
    Ok(reply::events(Events::new(stream, after, visit.front.leaving_of(&visit.principal), busy)))
}

/// Ends a session.
pub(super) fn end(visit: &Visit, headers: &HeaderMap) -> Result<Response, Refused> {
    old(headers)?;
    let (held, _busy) = session(visit, headers)?;
    visit.front.sessions.remove(&held.id);
    Ok(reply::bare(StatusCode::NO_CONTENT))
}

/// Refuses a client that knows no sessions.
fn old(headers: &HeaderMap) -> Result<(), Refused> {
    let version = version(headers)?;
    if version.is_some_and(modern::is_modern_version) {
        return Err(Refused::method("POST"));
    }
    known(version)
}

fn place(id: &str) -> Option<(u64, u64)> {
    let (name, number) = id.split_once('-')?;
    Some((name.parse().ok()?, number.parse().ok()?))
}

fn over() -> std::sync::Arc<Stream> {
    let stream = Stream::of_request(None);
    stream.end();
    stream
}
