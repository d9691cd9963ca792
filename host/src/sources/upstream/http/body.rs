//! Bodies of answers: as a whole, or event by event.

use bytes::{Bytes, BytesMut};
use gateway_core::wire::sse::{Decoder, Event, TooLong};
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use super::dial::deepest;

/// What kind of body an answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sources::upstream) enum Media {
    Json,
    Events,
    Other,
}

impl Media {
    pub(in crate::sources::upstream) fn of(headers: &HeaderMap) -> Self {
        let named = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let named = named.split(';').next().unwrap_or_default().trim();
        match named {
            _ if named.eq_ignore_ascii_case("text/event-stream") => Self::Events,
            _ if named.eq_ignore_ascii_case("application/json") => Self::Json,
            _ => Self::Other,
        }
    }
}

/// Why a body cannot be read to its end.
#[derive(Debug)]
pub(in crate::sources::upstream) enum BodyError {
    TooLong(usize),
    Lost(String),
}

/// A body of at most `limit` bytes. One that comes in one piece is not copied.
///
/// # Errors
/// See [`BodyError`].
pub(in crate::sources::upstream) async fn whole(mut body: Incoming, limit: usize) -> Result<Bytes, BodyError> {
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if expected > limit {
        return Err(BodyError::TooLong(limit));
    }
    let first = chunk(&mut body).await?.unwrap_or_default();
    let Some(second) = chunk(&mut body).await? else { return Ok(first) };
    let mut all = BytesMut::with_capacity(expected.max(first.len() + second.len()));
    all.extend_from_slice(&first);
    all.extend_from_slice(&second);
    while let Some(more) = chunk(&mut body).await? {
        if all.len() + more.len() > limit {
            return Err(BodyError::TooLong(limit));
        }
        all.extend_from_slice(&more);
    }
    Ok(all.freeze())
}

async fn chunk(body: &mut Incoming) -> Result<Option<Bytes>, BodyError> {
    loop {
        match body.frame().await {
            None => return Ok(None),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => return Ok(Some(data)),
                // Trailers say nothing here.
                Err(_) => continue,
            },
            Some(Err(error)) => return Err(BodyError::Lost(deepest(&error))),
        }
    }
}

/// Events as they come.
pub(in crate::sources::upstream) struct Events {
    body: Incoming,
    decoder: Decoder,
}

impl Events {
    /// Events of at most `limit` bytes.
    pub(in crate::sources::upstream) fn new(body: Incoming, limit: usize) -> Self {
        Self { body, decoder: Decoder::new(limit) }
    }

    /// The next event; `None` at the end.
    ///
    /// # Errors
    /// See [`BodyError`]. After one that is too long, the next one can be had.
    pub(in crate::sources::upstream) async fn next(&mut self) -> Result<Option<Event>, BodyError> {
        loop {
            match self.decoder.next_event() {
                Ok(Some(event)) => return Ok(Some(event)),
                Ok(None) => {}
                Err(TooLong(limit)) => return Err(BodyError::TooLong(limit)),
            }
            match chunk(&mut self.body).await? {
                Some(chunk) => self.decoder.push(&chunk),
                None => return Ok(None),
            }
        }
    }

    /// How far it was read, and how it is to go on.
    pub(in crate::sources::upstream) fn decoder(&self) -> &Decoder {
        &self.decoder
    }
}
