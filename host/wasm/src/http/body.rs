//! Bodies with a limit to their size.

use std::{
    error::Error as StdError,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, Sleep},
};
use wasmtime_wasi_http::{Error, WasiBody};

/// The largest body, either way.
const MAX_BODY: u64 = 64 * 1024 * 1024;

/// The body of a request.
pub(crate) struct Outbound {
    body: WasiBody,
    left: u64,
}

/// The body of a response.
pub(crate) struct Inbound {
    body: UnsyncBoxBody<Bytes, Box<dyn StdError + Send + Sync>>,
    left: u64,
    pause: Option<(Duration, Pin<Box<Sleep>>)>,
    /// The request's place among those in flight.
    permit: Option<OwnedSemaphorePermit>,
}

impl Outbound {
    pub(super) fn new(body: WasiBody) -> Self {
        Self { body, left: MAX_BODY }
    }
}

impl Inbound {
    /// `pause`: how long the server may be silent.
    pub(super) fn new<B>(body: B, pause: Option<Duration>) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: StdError + Send + Sync + 'static,
    {
        let body = body.map_err(|error| Box::new(error) as _).boxed_unsync();
        let pause = pause.map(|pause| (pause, Box::pin(tokio::time::sleep(pause))));
        Self { body, left: MAX_BODY, pause, permit: None }
    }

    /// Gives `permit` back when the body is read or dropped.
    pub(super) fn holding(self, permit: OwnedSemaphorePermit) -> Self {
        Self { permit: Some(permit), ..self }
    }
}

/// Takes the frame off `left`; false: too much.
fn take(left: &mut u64, frame: &Frame<Bytes>) -> bool {
    let length = frame.data_ref().map_or(0, |data| data.len() as u64);
    match left.checked_sub(length) {
        Some(rest) => {
            *left = rest;
            true
        }
        None => false,
    }
}

impl Body for Outbound {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        Pin::new(&mut this.body).poll_frame(cx).map(|frame| match frame {
            Some(Ok(frame)) if !take(&mut this.left, &frame) => Some(Err(Error::HttpRequestBodySize(Some(MAX_BODY)))),
            frame => frame,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Body for Inbound {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) else {
            let Some((_, sleep)) = &mut this.pause else { return Poll::Pending };
            return sleep.as_mut().poll(cx).map(|()| Some(Err(Error::ConnectionReadTimeout)));
        };
        if let Some((pause, sleep)) = &mut this.pause {
            sleep.as_mut().reset(Instant::now() + *pause);
        }
        Poll::Ready(match frame {
            Some(Ok(frame)) if !take(&mut this.left, &frame) => Some(Err(Error::HttpResponseBodySize(Some(MAX_BODY)))),
            Some(Ok(frame)) => Some(Ok(frame)),
            Some(Err(_)) => Some(Err(Error::HttpResponseIncomplete)),
            None => {
                this.permit = None;
                None
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::*;

    #[tokio::test]
    async fn bodies_have_a_limit() {
        let body = || Full::new(Bytes::from_static(b"twelve bytes")).map_err(|never| match never {}).boxed_unsync();
        assert_eq!(Outbound::new(body()).collect().await.unwrap().to_bytes().len(), 12);
        let too_much = Outbound { body: body(), left: 11 }.collect().await;
        assert!(matches!(too_much, Err(Error::HttpRequestBodySize(Some(MAX_BODY)))));
        let whole = Inbound::new(Full::new(Bytes::from_static(b"x")), Some(Duration::from_secs(60)));
        assert_eq!(whole.collect().await.unwrap().to_bytes().len(), 1);
        let too_much = Inbound { left: 0, ..Inbound::new(Full::new(Bytes::from_static(b"x")), None) };
        assert!(matches!(too_much.collect().await, Err(Error::HttpResponseBodySize(_))));
    }
}
