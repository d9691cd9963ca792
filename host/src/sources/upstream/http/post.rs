//! One request, until it is answered.

use std::time::Duration;

use bytes::Bytes;
use gateway_core::{
    payload::Json,
    wire::{
        json::Members,
        message::{self, Frame, Message, Outgoing},
        peer::RequestError,
    },
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use hyper::body::Incoming;
use serde_json::value::RawValue;
use tokio::time::{sleep, timeout};

use super::{
    HttpCarrier, LAST_EVENT, Lesson, SESSION,
    body::{BodyError, Events, Media, whole},
    dial::DialError,
    text,
};

/// How much is read of an answer that is none, and for how long.
const REFUSAL: usize = 64 << 10;
const REFUSAL_TIME: Duration = Duration::from_secs(5);

/// How long a stream may go on after the answer, until it is cut off: one that ends leaves its connection to others.
const AFTER: Duration = Duration::from_secs(1);

/// How often in a row it is tried to go on with a stream that broke, and the first pause before; each is twice as long.
const RESUMED: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);

impl HttpCarrier {
    /// Asks, and hands on whatever comes, until the answer was among it.
    pub(super) async fn exchange(&self, id: u64, request: &Outgoing) -> Result<(), RequestError> {
        let Outgoing::Request { method, params, .. } = request else { return Err(RequestError::NotSent) };
        let lesson = Lesson::of(method, self.terms.load().modern);
        if lesson == Lesson::Discovery {
            self.terms.rcu(|terms| super::Terms { discovery: params.clone(), ..super::Terms::clone(terms) });
        }
        let (dialer, headers) = (&self.parts.dialer, self.headers(request));
        let sent = dialer.send(Method::POST, dialer.url(), headers, text(request)).await;
        let (head, body) = sent.map_err(|error| self.parts.not_answered(error))?.into_parts();
        if !head.status.is_success() {
            return Err(self.refusal(head.status, body).await);
        }
        if lesson == Lesson::Hello {
            let session = head.headers.get(SESSION).cloned();
            self.terms.rcu(|terms| super::Terms { session: session.clone(), ..super::Terms::clone(terms) });
        }
        match Media::of(&head.headers) {
            Media::Events => self.follow(id, Events::new(body, self.parts.limit), lesson).await,
            media => {
                let frame = whole(body, self.parts.limit).await.map_err(not_read)?;
                self.take_body(&frame, id, lesson, media, head.status)
            }
        }
    }

    /// Takes the messages of a body: one, a batch, or one a line.
    fn take_body(
        &self,
        frame: &Bytes,
        id: u64,
        lesson: Lesson,
        media: Media,
        status: StatusCode,
    ) -> Result<(), RequestError> {
        if media == Media::Json || frame.trim_ascii_start().starts_with(b"{") {
            match several(frame) {
                Some(frames) => frames.iter().for_each(|frame| self.deliver(frame, id, lesson)),
                None => self.deliver(frame, id, lesson),
            }
        }
        if !self.intake.awaits(id) {
            return Ok(());
        }
        let said = self.parts.dialer.quote(&String::from_utf8_lossy(&frame[..frame.len().min(REFUSAL)]));
        let message = match said.is_empty() {
            true => format!("the server answered HTTP {} without a message", status.as_u16()),
            false => format!("the server answered HTTP {} without the message that was due: {said}", status.as_u16()),
        };
        Err(RequestError::Broken(message.into()))
    }

    /// Hands on what comes on a stream until the answer was among it. A stream that breaks is gone on with where the
    /// server said how.
    async fn follow(&self, id: u64, mut events: Events, lesson: Lesson) -> Result<(), RequestError> {
        let (mut last, mut retry, mut resumed) = (None, None, 0);
        loop {
            let broke = loop {
                match events.next().await {
                    Ok(Some(event)) if event.kind.is_none() && !event.data.is_empty() => {
                        resumed = 0;
                        self.deliver(&event.data, id, lesson);
                        if !self.intake.awaits(id) {
                            let _ = timeout(AFTER, async { while let Ok(Some(_)) = events.next().await {} }).await;
                            return Ok(());
                        }
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => break "the server ended the stream before the answer".to_owned(),
                    Err(BodyError::Lost(cause)) => break cause,
                    Err(error) => return Err(not_read(error)),
                }
            };
            last = events.decoder().last_id().map(str::to_owned).or(last);
            retry = events.decoder().retry().or(retry);
            let Some(from) = &last else { return Err(RequestError::Lost(broke.into())) };
            events = loop {
                if resumed == RESUMED {
                    return Err(RequestError::Lost(broke.into()));
                }
                sleep(retry.unwrap_or(PAUSE * 2u32.pow(resumed))).await;
                resumed += 1;
                match self.resume(from).await {
                    Ok(Some(events)) => break events,
                    // Whatever is behind the address, it is not there now.
                    Err(DialError::Unreachable(_) | DialError::Lost(_)) => {}
                    Ok(None) | Err(_) => return Err(RequestError::Lost(broke.into())),
                }
            };
        }
    }

    /// The rest of a stream after the event `from`; `None` where the server does not have it.
    async fn resume(&self, from: &str) -> Result<Option<Events>, DialError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
        self.terms.load().add(&mut headers);
        match HeaderValue::from_str(from) {
            Ok(from) => headers.insert(LAST_EVENT, from),
            Err(_) => return Ok(None),
        };
        let response = self.parts.dialer.send(Method::GET, self.parts.dialer.url(), headers, Bytes::new()).await?;
        let good = response.status() == StatusCode::OK && Media::of(response.headers()) == Media::Events;
        Ok(good.then(|| Events::new(response.into_body(), self.parts.limit)))
    }

    /// What the server means by a status that is no success.
    pub(super) async fn refusal(&self, status: StatusCode, body: Incoming) -> RequestError {
        let body = timeout(REFUSAL_TIME, whole(body, REFUSAL)).await;
        let body = body.ok().and_then(Result::ok).unwrap_or_default();
        let answer = match message::read(&body) {
            Ok(Frame::One(Message::Response { id, outcome: Err(error) })) => Some((id, error)),
            _ => None,
        };
        if self.terms.load().session.is_some() && is_about_session(status, answer.as_ref()) {
            self.forgotten();
            return RequestError::NotSent;
        }
        match (status, answer) {
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, Some((_, error))) => {
                let members = Members::read(error.as_bytes()).unwrap_or_default();
                self.parts.dialer.status(status, &members.text("message").unwrap_or_default())
            }
            (_, Some((_, error))) => RequestError::Answer(error),
            (_, None) => self.parts.dialer.status(status, &String::from_utf8_lossy(&body)),
        }
    }
}

/// Whether the server says that it does not know the session: 404, and 400 from those that do not tell one wrong thing
/// from another.
fn is_about_session(status: StatusCode, answer: Option<&(Json, Json)>) -> bool {
    let names_it = |(id, error): &(Json, Json)| {
        id.as_bytes() == b"null" && error.as_str().to_ascii_lowercase().contains("session")
    };
    status == StatusCode::NOT_FOUND || (status == StatusCode::BAD_REQUEST && answer.is_some_and(names_it))
}

fn not_read(error: BodyError) -> RequestError {
    match error {
        BodyError::TooLong(limit) => RequestError::Broken(format!("the answer is longer than {limit} bytes").into()),
        BodyError::Lost(cause) => RequestError::Lost(cause.into()),
    }
}

/// The messages of a body that has one a line. One that is written over several lines is one.
fn several(frame: &Bytes) -> Option<Vec<Bytes>> {
    memchr::memchr(b'\n', frame.trim_ascii())?;
    let values = serde_json::Deserializer::from_slice(frame).into_iter::<&RawValue>();
    let parts: Vec<Bytes> =
        values.map(|raw| raw.map(|raw| frame.slice_ref(raw.get().as_bytes()))).collect::<Result<_, _>>().ok()?;
    (parts.len() > 1).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_from_line_breaks() {
        let parts = |text: &'static str| several(&Bytes::from_static(text.as_bytes())).map(|parts| parts.len());
        assert_eq!(parts("{\"a\":1}\n"), None);
        assert_eq!(parts("{\n\"a\":1\n}\n"), None);
        assert_eq!(parts("{\"a\":1}\n{\"b\":\n2}\n"), Some(2));
        assert_eq!(parts("{\"a\":1}\nnonsense"), None);
        assert_eq!(parts("[{\"a\":1},\n{\"b\":2}]"), None);
    }
}
