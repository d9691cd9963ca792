//! The body of an answer that is a stream of events.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use gateway_core::wire::sse::ALIVE;
use http_body::{Body, Frame};
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::stream::Stream;

/// A comment is sent after so long a silence, so that those in between see that the connection is alive, and this side
/// sees where it is not.
const SILENCE: Duration = Duration::from_secs(15);

/// Reads a stream for one connection. What it holds, it lets go of when the client is gone or the stream has ended.
pub(in super::super) struct Events<G> {
    stream: Arc<Stream>,
    reader: u64,
    alive: Pin<Box<Sleep>>,
    /// The gateway ends.
    closing: Pin<Box<WaitForCancellationFutureOwned>>,
    _held: G,
}

impl<G: Send + Unpin + 'static> Events<G> {
    /// Takes over `stream`, after the event of number `after` or where the last reader stopped.
    pub(in super::super) fn new(stream: Arc<Stream>, after: Option<u64>, closing: CancellationToken, held: G) -> Self {
        let reader = stream.attach(after);
        let (alive, closing) = (Box::pin(sleep(SILENCE)), Box::pin(closing.cancelled_owned()));
        Self { stream, reader, alive, closing, _held: held }
    }
}

impl<G: Send + Unpin + 'static> Body for Events<G> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.stream.poll_event(self.reader, context);
        if let Poll::Ready(next) = next {
            if next.is_some() {
                self.alive.as_mut().reset(Instant::now() + SILENCE);
            }
            return Poll::Ready(next.map(|text| Ok(Frame::data(text))));
        }
        if self.closing.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        if self.alive.as_mut().poll(context).is_ready() {
            self.alive.as_mut().reset(Instant::now() + SILENCE);
            // Polled once more, so that the timer wakes.
            let _ = self.alive.as_mut().poll(context);
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(ALIVE)))));
        }
        Poll::Pending
    }
}

impl<G> Drop for Events<G> {
    fn drop(&mut self) {
        self.stream.detach(self.reader);
    }
}
