//! The way of one request, with what it holds while it runs.

use std::sync::Arc;

use gateway_core::wire::message::Outgoing;

use super::{super::exchange::Way, stream::Stream};

/// Ends the stream when nobody can send anything by it any more: the request was answered, or cancelled and has no
/// answer. `held` is let go of then.
pub(in super::super) struct RequestWay<G> {
    stream: Arc<Stream>,
    _held: G,
}

impl<G: Send + Sync + 'static> RequestWay<G> {
    pub(in super::super) fn of(stream: Arc<Stream>, held: G) -> Arc<dyn Way> {
        Arc::new(Self { stream, _held: held })
    }
}

impl<G: Send + Sync> Way for RequestWay<G> {
    fn send(&self, message: Outgoing) {
        self.stream.send(message);
    }
}

impl<G> Drop for RequestWay<G> {
    fn drop(&mut self) {
        self.stream.request_over();
    }
}

/// For a client that hears what belongs to its request alone.
pub(super) struct Nowhere;

impl Way for Nowhere {
    fn send(&self, _: Outgoing) {}
}
