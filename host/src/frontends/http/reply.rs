//! Answers of the HTTP side itself.

use std::convert::Infallible;

use axum::{
    body::{Body, Bytes},
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER},
    },
    response::Response,
};
use gateway_core::{
    payload::Json,
    wire::{
        message::{INTERNAL_ERROR, INVALID_REQUEST, Malformed, Outgoing},
        sse::Head,
    },
};

use super::{
    super::headers::accept::{EVENTS, JSON},
    sessions::NoSession,
};

/// The id of a session.
pub(in super::super) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// A request that is not done, with a JSON-RPC error to say why.
#[derive(Debug)]
pub(in super::super) struct Refused(Box<Reason>);

#[derive(Debug)]
struct Reason {
    status: StatusCode,
    body: Outgoing,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Refused {
    pub(in super::super) fn new(status: StatusCode, id: Option<Json>, code: i32, message: &str) -> Self {
        Self(Box::new(Reason { status, body: Outgoing::error(id, code, message), header: None }))
    }

    /// A request that HTTP itself does not allow.
    pub(in super::super) fn invalid(status: StatusCode, message: &str) -> Self {
        Self::new(status, None, INVALID_REQUEST, message)
    }

    pub(in super::super) fn bad(message: &str) -> Self {
        Self::invalid(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn method(allowed: &'static str) -> Self {
        Self::invalid(StatusCode::METHOD_NOT_ALLOWED, &format!("only {allowed} mean something here"))
            .with(ALLOW, allowed)
    }

    /// One answer for a server that is not there and for one that the role does not see.
    pub(super) fn no_such_server(name: &str) -> Self {
        Self::invalid(StatusCode::NOT_FOUND, &format!("there is no server {name:?}"))
    }

    /// One answer for a session that is over, one that never was, and one of somebody else.
    pub(in super::super) fn no_such_session() -> Self {
        Self::invalid(StatusCode::NOT_FOUND, "there is no such session: begin a new one with `initialize`")
    }

    pub(in super::super) fn no_session(why: &NoSession) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, None, INTERNAL_ERROR, &why.to_string()).with(RETRY_AFTER, "5")
    }

    /// The gateway ends.
    pub(in super::super) fn leaving() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, None, INTERNAL_ERROR, "the gateway is ending, and takes no more")
            .with(RETRY_AFTER, "1")
    }

    pub(super) fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.0.header = Some((name, HeaderValue::from_static(value)));
        self
    }
}

impl From<&Malformed> for Refused {
    fn from(malformed: &Malformed) -> Self {
        Self(Box::new(Reason { status: StatusCode::BAD_REQUEST, body: malformed.answer(), header: None }))
    }
}

impl From<Refused> for Response {
    fn from(refused: Refused) -> Self {
        let Reason { status, body, header } = *refused.0;
        let mut text = Vec::with_capacity(body.size());
        body.write(&mut text);
        let mut response = json(status, text.into());
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// A JSON body.
pub(in super::super) fn json(status: StatusCode, text: Bytes) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
}

/// Nothing but a status.
pub(in super::super) fn bare(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// A stream of events.
pub(in super::super) fn events(
    body: impl http_body::Body<Data = Bytes, Error = Infallible> + Send + 'static,
) -> Response {
    stream(Body::new(body))
}

/// A stream of one event.
pub(super) fn event(message: &[u8]) -> Response {
    let mut text = Vec::with_capacity(message.len() + 16);
    Head::default().write(&mut text, message);
    stream(Body::from(text))
}

fn stream(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(EVENTS));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // What stands in between must not gather them.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}
