//! How many bytes a call may send and receive: heads and bodies of all its requests together.

use std::sync::Arc;

use http::{HeaderMap, Uri};
use wasmtime_wasi_http::Error;

use crate::{control::Control, guest::Context, limits::spoken_size, permissions::Denial, quota::Quota};

/// What is left of both, and who is told when nothing is.
pub(super) struct Traffic {
    sent: Quota,
    received: Quota,
    context: Arc<Context>,
    control: Arc<Control>,
}

impl Traffic {
    pub(super) fn new(context: Arc<Context>, control: Arc<Control>) -> Self {
        let limit = context.limits.network;
        Self { sent: Quota::new(limit), received: Quota::new(limit), context, control }
    }

    /// Counts the head of a request.
    pub(super) fn send_head(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Error> {
        let target = uri.path_and_query().map_or(0, |target| target.as_str().len());
        match self.sent.take((target + size(headers)) as u64) {
            true => Ok(()),
            false => {
                self.tell("sent");
                Err(Error::HttpRequestHeaderSectionSize(None))
            }
        }
    }

    /// Counts a part of a request's body.
    pub(super) fn send(&self, bytes: usize) -> Result<(), Error> {
        match self.sent.take(bytes as u64) {
            true => Ok(()),
            false => {
                self.tell("sent");
                Err(Error::HttpRequestBodySize(Some(self.sent.limit().get())))
            }
        }
    }

    /// Counts the head of a response.
    pub(super) fn receive_head(&self, headers: &HeaderMap) -> Result<(), Error> {
        self.receive(size(headers))
    }

    /// Counts a part of a response's body.
    pub(super) fn receive(&self, bytes: usize) -> Result<(), Error> {
        match self.received.take(bytes as u64) {
            true => Ok(()),
            false => {
                self.tell("received");
                Err(Error::HttpResponseBodySize(Some(self.received.limit().get())))
            }
        }
    }

    fn tell(&self, what: &str) {
        let (name, limit) = (&self.context.name, spoken_size(self.context.limits.network));
        self.control.note_denial(Denial {
            message: format!("plugin {name:?}: network limit of {limit} reached, {what} in one call"),
            hint: format!("raise plugins.{name}.limits.network"),
        });
    }
}

/// Bytes of headers, with what separates them.
fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum()
}
