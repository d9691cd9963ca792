//! What the server says by itself: a GET whose answer is a stream without end.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tokio::time::sleep;
use tracing::debug;

use super::{
    HttpCarrier, LAST_EVENT,
    body::{BodyError, Events, Media},
    dial::DialError,
};

/// The first pause before the stream is asked for again, and the longest.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// How the stream ended.
enum Ended {
    /// It is to be asked for again.
    Again,
    /// The server has none.
    Never,
}

/// How to go on.
#[derive(Default)]
struct Place {
    last: Option<String>,
    retry: Option<Duration>,
    failures: u32,
}

impl HttpCarrier {
    /// Listens for as long as the connection lives.
    pub(super) async fn listen(self: Arc<Self>) {
        let peer = self.parts.peer.clone();
        let listening = async {
            let mut place = Place::default();
            while let Ended::Again = self.listen_once(&mut place).await {
                let pause = PAUSE * 2u32.pow(place.failures.min(6));
                sleep(place.retry.unwrap_or(pause).min(LONGEST)).await;
            }
        };
        tokio::select! {
            () = listening => debug!(server = %self.parts.name, "does not speak by itself"),
            () = peer.ended() => {}
        }
    }

    async fn listen_once(&self, place: &mut Place) -> Ended {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
        let terms = self.terms.load_full();
        terms.add(&mut headers);
        if let Some(from) = place.last.as_ref().and_then(|from| HeaderValue::from_str(from).ok()) {
            headers.insert(LAST_EVENT, from);
        }
        let response = match self.parts.dialer.send(Method::GET, self.parts.dialer.url(), headers, Bytes::new()).await {
            Ok(response) => response,
            Err(error @ DialError::Unreachable(_)) => {
                self.parts.not_answered(error);
                return Ended::Never;
            }
            Err(_) => {
                place.failures += 1;
                return Ended::Again;
            }
        };
        match response.status() {
            StatusCode::OK if Media::of(response.headers()) == Media::Events => {}
            StatusCode::NOT_FOUND if terms.session.is_some() => {
                self.forgotten();
                return Ended::Never;
            }
            status if status.is_server_error() => {
                place.failures += 1;
                return Ended::Again;
            }
            _ => return Ended::Never,
        }
        place.failures = 0;
        self.take_events(Events::new(response.into_body(), self.parts.limit), place).await;
        Ended::Again
    }

    async fn take_events(&self, mut events: Events, place: &mut Place) {
        loop {
            match events.next().await {
                Ok(Some(event)) if event.kind.is_none() && !event.data.is_empty() => self.intake.take(&event.data),
                Ok(Some(_)) => {}
                Err(BodyError::TooLong(limit)) => {
                    self.intake.skip(&gateway_core::wire::peer::Skipped::TooLong(limit));
                }
                Ok(None) | Err(BodyError::Lost(_)) => break,
            }
        }
        let decoder = events.decoder();
        place.last = decoder.last_id().map(str::to_owned).or_else(|| place.last.take());
        place.retry = decoder.retry().or(place.retry);
    }
}
