//! Bodies whose bytes are counted.

use std::{
    error::Error as StdError,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};
use tokio::{
    runtime::Handle,
    sync::OwnedSemaphorePermit,
    time::{Instant, Sleep},
};
use wasmtime_wasi_http::{Error, WasiBody};

use super::traffic::Traffic;

/// The body of a request.
pub(crate) struct Outbound {
    /// Nothing once it has been read to its end.
    body: Option<WasiBody>,
    traffic: Arc<Traffic>,
    home: Handle,
}

/// The body of a response.
pub(crate) struct Inbound {
    body: UnsyncBoxBody<Bytes, Box<dyn StdError + Send + Sync>>,
    traffic: Arc<Traffic>,
    pause: Option<(Duration, Pin<Box<Sleep>>)>,
    /// The request's place among those in flight.
    permit: Option<OwnedSemaphorePermit>,
}

impl Outbound {
    /// What is written after nobody wants it any more is taken on `home`.
    pub(super) fn new(body: WasiBody, traffic: Arc<Traffic>, home: Handle) -> Self {
        Self { body: Some(body), traffic, home }
    }
}

impl Drop for Outbound {
    fn drop(&mut self) {
        // A request whose method has no body is sent without waiting for one, and a server may answer before it has all:
        // the guest, which runs on meanwhile, has made no mistake.
        if let Some(body) = self.body.take() {
            self.home.spawn(discard(body));
        }
    }
}

/// Takes what the guest writes and nobody wants. Were the body just dropped, the guest would hear of a broken connection
/// first, and not of the answer or the refusal.
pub(super) async fn discard(mut body: WasiBody) {
    const ENOUGH: usize = 1 << 20;
    let mut taken = 0;
    while taken < ENOUGH {
        let Some(Ok(frame)) = body.frame().await else { return };
        taken += frame.data_ref().map_or(1, |data| data.len());
    }
}

impl Inbound {
    /// `pause`: how long the server may be silent.
    pub(super) fn new<B>(body: B, traffic: Arc<Traffic>, pause: Option<Duration>) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: StdError + Send + Sync + 'static,
    {
        let body = body.map_err(|error| Box::new(error) as _).boxed_unsync();
        let pause = pause.map(|pause| (pause, Box::pin(tokio::time::sleep(pause))));
        Self { body, traffic, pause, permit: None }
    }

    /// Gives `permit` back when the body is read or dropped.
    pub(super) fn holding(self, permit: OwnedSemaphorePermit) -> Self {
        Self { permit: Some(permit), ..self }
    }
}

fn length(frame: &Frame<Bytes>) -> usize {
    frame.data_ref().map_or(0, Bytes::len)
}

impl Body for Outbound {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(cx));
        Poll::Ready(match frame {
            Some(Ok(frame)) => Some(this.traffic.send(length(&frame)).map(|()| frame)),
            end => {
                this.body = None;
                end
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
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
            Some(Ok(frame)) => Some(this.traffic.receive(length(&frame)).map(|()| frame)),
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
