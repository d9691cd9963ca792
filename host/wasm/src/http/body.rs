//! Bodies whose bytes are counted.

use std::{
    error::Error as StdError,
    pin::Pin,
    sync::Arc,
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

use super::traffic::Traffic;

/// The body of a request.
pub(crate) struct Outbound {
    body: WasiBody,
    traffic: Arc<Traffic>,
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
    pub(super) fn new(body: WasiBody, traffic: Arc<Traffic>) -> Self {
        Self { body, traffic }
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
        Pin::new(&mut this.body).poll_frame(cx).map(|frame| match frame {
            Some(Ok(frame)) => Some(this.traffic.send(length(&frame)).map(|()| frame)),
            other => other,
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
