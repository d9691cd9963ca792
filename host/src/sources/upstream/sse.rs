//! The older HTTP with server-sent events (2024-11-05): everything that the server says comes on one stream, which
//! begins with the address that messages are posted to. When the stream ends, the connection has ended.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use gateway_core::{
    payload::Json,
    wire::{
        message::{self, Outgoing},
        peer::{Intake, RequestError, Skipped},
    },
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use hyper::body::Incoming;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tracing::debug;
use url::Url;

use super::{
    http::body::{BodyError, Events, Media, whole},
    remote::{Carry, Parts},
};

/// How much is read of an answer that is none, and for how long.
const REFUSAL: usize = 64 << 10;
const REFUSAL_TIME: Duration = Duration::from_secs(5);

/// How long the server may take until it says where messages are posted to.
const ENDPOINT_TIME: Duration = Duration::from_secs(30);

/// Carries messages to one server.
pub(super) struct SseCarrier {
    parts: Parts,
    intake: Intake,
    /// Where messages are posted to, once that is known.
    endpoint: watch::Sender<Option<Endpoint>>,
}

/// Where messages are posted to, or why that is not known.
type Endpoint = Result<Url, RequestError>;

impl SseCarrier {
    pub(super) fn new(parts: Parts, intake: Intake) -> Arc<Self> {
        let carrier = Arc::new(Self { parts, intake, endpoint: watch::Sender::new(None) });
        let reader = carrier.clone();
        carrier.parts.tasks.spawn(async move { reader.read().await });
        carrier
    }

    /// Reads the stream to its end.
    async fn read(self: Arc<Self>) {
        let peer = self.parts.peer.clone();
        let how = tokio::select! {
            how = self.stream() => how,
            () = peer.ended() => return,
        };
        let how = how.unwrap_or_else(|error| {
            let how = error.to_string();
            self.found(Err(error));
            how
        });
        self.found(Err(RequestError::NotSent));
        // Whoever waits for where to post has to hear of it before nobody hears of anything.
        self.parts.fate.seal(&peer, &how, false);
        self.intake.end();
    }

    /// How the stream ended, or why there is none.
    async fn stream(&self) -> Result<String, RequestError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
        let dialer = &self.parts.dialer;
        let response = dialer.send(Method::GET, dialer.url(), headers, Bytes::new()).await;
        let (head, body) = response.map_err(|error| self.parts.not_answered(error))?.into_parts();
        if !head.status.is_success() || Media::of(&head.headers) != Media::Events {
            return Err(self.refusal(head.status, body).await);
        }
        let mut events = Events::new(body, self.parts.limit);
        loop {
            match events.next().await {
                Ok(Some(event)) => match event.kind.as_deref() {
                    None => self.intake.take(&event.data),
                    Some("endpoint") => self.found(self.endpoint_at(&event.data)),
                    Some(_) => {}
                },
                Ok(None) => return Ok("the server ended the stream".to_owned()),
                Err(BodyError::Lost(cause)) => return Ok(cause),
                Err(BodyError::TooLong(limit)) => self.intake.skip(&Skipped::TooLong(limit)),
            }
        }
    }

    /// The address that the server names. Only its own is taken: what is posted there has the configured headers.
    fn endpoint_at(&self, named: &[u8]) -> Endpoint {
        let named = String::from_utf8_lossy(named);
        let broken = |what: &str| {
            let message =
                format!("the server wants messages at {:?}, which is {what}", self.parts.dialer.quote(&named));
            RequestError::Broken(message.into())
        };
        let url = self.parts.dialer.url().join(named.trim()).map_err(|_| broken("no address"))?;
        if url.origin() != self.parts.dialer.url().origin() { Err(broken("another server's")) } else { Ok(url) }
    }

    /// The first thing that is found out counts.
    fn found(&self, endpoint: Endpoint) {
        self.endpoint.send_if_modified(|known| {
            let first = known.is_none();
            if first {
                *known = Some(endpoint);
            }
            first
        });
    }

    async fn post(&self, message: &Outgoing) -> Result<(), RequestError> {
        let mut known = self.endpoint.subscribe();
        let named = timeout(ENDPOINT_TIME, known.wait_for(Option::is_some)).await;
        let url = match named.ok().and_then(Result::ok).and_then(|named| named.clone()) {
            Some(url) => url?,
            None => {
                let message = "the server did not say where messages are posted to";
                return Err(RequestError::Broken(message.into()));
            }
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        let mut text = Vec::with_capacity(message.size());
        message.write(&mut text);
        let response = self.parts.dialer.send(Method::POST, &url, headers, text.into()).await;
        let (head, body) = response.map_err(|error| self.parts.not_answered(error))?.into_parts();
        if !head.status.is_success() {
            return Err(self.refusal(head.status, body).await);
        }
        if Media::of(&head.headers) == Media::Json {
            // The answer belongs on the stream; some give it here.
            let body = whole(body, self.parts.limit).await;
            if let Some(body) = body.ok().filter(|body| message::read(body).is_ok()) {
                self.intake.take(&body);
            }
        }
        Ok(())
    }

    async fn refusal(&self, status: StatusCode, body: Incoming) -> RequestError {
        let body = timeout(REFUSAL_TIME, whole(body, REFUSAL)).await;
        let body = body.ok().and_then(Result::ok).unwrap_or_default();
        self.parts.dialer.status(status, &String::from_utf8_lossy(&body))
    }
}

impl Carry for SseCarrier {
    async fn send(self: &Arc<Self>, message: Outgoing) {
        let id = match &message {
            Outgoing::Request { id, .. } => Some(*id),
            _ => None,
        };
        let carrier = self.clone();
        let post = async move {
            match (carrier.post(&message).await, id) {
                (Ok(()), _) => {}
                (Err(error), Some(id)) => {
                    carrier.intake.fail(id, error);
                }
                (Err(error), None) => debug!(server = %carrier.parts.name, "did not take a message: {error}"),
            }
        };
        match id {
            Some(_) => {
                self.parts.tasks.spawn(post);
            }
            // What is asked next would overtake it.
            None => {
                let _ = timeout(REFUSAL_TIME, post).await;
            }
        }
    }

    fn is_busy(&self) -> bool {
        self.parts.peer.is_waiting()
    }

    fn check(&self) -> Option<(&'static str, Option<Json>)> {
        let known = self.endpoint.borrow();
        known.as_ref().is_some_and(Result::is_ok).then_some(("ping", None))
    }

    async fn leave(&self) {
        // The stream is all there is; a moment for what was posted last.
        sleep(Duration::ZERO).await;
    }
}
