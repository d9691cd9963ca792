//! One message a line, over any byte stream (MCP's stdio transport).

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    sync::mpsc,
};

use crate::wire::message::Outgoing;

/// The longest line that is taken unless told otherwise: 64 MiB.
pub const MAX_LINE: usize = 64 << 20;

/// How much is read and written at once.
const CHUNK: usize = 64 << 10;

/// How much is kept of each end of a line that is thrown away.
const KEPT: usize = 128;

/// Reads lines; each is a counted slice of the buffer it was read into.
#[derive(Debug)]
pub struct Lines<R> {
    source: R,
    buffer: BytesMut,
    /// How much of `buffer` is known to hold no line break.
    searched: usize,
    limit: usize,
    /// The rest of a line over the limit is being thrown away.
    skipping: bool,
    /// How that line begins.
    head: Vec<u8>,
    /// How it ends, as far as it was read.
    tail: Vec<u8>,
}

/// What [`Lines::next`] gives.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// A line, without its end and never blank.
    Whole(Bytes),
    /// A line over the limit, which was thrown away.
    TooLong,
    /// The other side closed in the middle of a line.
    Torn(Bytes),
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Lines of at most `limit` bytes.
    pub fn new(source: R, limit: usize) -> Self {
        Self {
            source,
            buffer: BytesMut::new(),
            searched: 0,
            limit,
            skipping: false,
            head: Vec::new(),
            tail: Vec::new(),
        }
    }

    /// The next line; `None` at the end. Cancel safe: nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// Where the stream cannot be read.
    pub async fn next(&mut self) -> std::io::Result<Option<Line>> {
        loop {
            while let Some(at) = memchr::memchr(b'\n', &self.buffer[self.searched..]) {
                let mut line = self.buffer.split_to(self.searched + at + 1);
                self.searched = 0;
                line.truncate(line.len() - 1);
                if self.skipping || line.len() > self.limit {
                    self.cut_off(&line);
                    self.skipping = false;
                    return Ok(Some(Line::TooLong));
                }
                if !line.trim_ascii().is_empty() {
                    return Ok(Some(Line::Whole(line.freeze())));
                }
            }
            if self.buffer.len() > self.limit || self.skipping {
                let part = self.buffer.split();
                self.cut_off(&part);
            }
            self.searched = self.buffer.len();
            // Small lines share a chunk; one that is still in use is not allocated anew for each of them.
            if self.buffer.capacity() - self.buffer.len() < CHUNK / 4 {
                self.buffer.reserve(CHUNK);
            }
            if self.source.read_buf(&mut self.buffer).await? == 0 {
                return Ok(self.rest());
            }
        }
    }

    /// The beginning and the end of the line that was last [`Line::TooLong`].
    #[must_use]
    pub fn cut(&self) -> (&[u8], &[u8]) {
        (&self.head, &self.tail)
    }

    /// Throws away a part of a line that is too long, but for its ends.
    fn cut_off(&mut self, part: &[u8]) {
        if !std::mem::replace(&mut self.skipping, true) {
            self.head = part[..part.len().min(KEPT)].to_vec();
            self.tail.clear();
        }
        self.tail.extend_from_slice(&part[part.len().saturating_sub(KEPT)..]);
        let surplus = self.tail.len().saturating_sub(KEPT);
        self.tail.drain(..surplus);
    }

    /// What is left at the end of the stream, once.
    fn rest(&mut self) -> Option<Line> {
        self.searched = 0;
        let rest = self.buffer.split();
        if self.skipping || rest.len() > self.limit {
            self.cut_off(&rest);
            self.skipping = false;
            return Some(Line::TooLong);
        }
        (!rest.trim_ascii().is_empty()).then(|| Line::Torn(rest.freeze()))
    }
}

/// Messages that are written at once, as lines.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The lines.
    pub(crate) text: Vec<u8>,
    /// Where the requests among them end.
    requests: Vec<usize>,
}

impl Default for Batch {
    fn default() -> Self {
        Self { text: Vec::with_capacity(CHUNK), requests: Vec::new() }
    }
}

impl Batch {
    /// Takes `first` and what has gathered behind it.
    pub(crate) fn fill(&mut self, first: Outgoing, messages: &mut mpsc::UnboundedReceiver<Outgoing>) {
        let mut next = Some(first);
        while let Some(message) = next {
            message.write(&mut self.text);
            if matches!(message, Outgoing::Request { .. }) {
                self.requests.push(self.text.len());
            }
            self.text.push(b'\n');
            next = if self.text.len() < CHUNK { messages.try_recv().ok() } else { None };
        }
    }

    /// How many requests stand in whole within the first `length` bytes, their line breaks aside: some readers take a
    /// last line without.
    pub(crate) fn requests_within(&self, length: usize) -> u64 {
        self.requests.partition_point(|end| *end <= length) as u64
    }

    /// Everything is written.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.requests.clear();
        // One huge message must not be kept for good.
        self.text.shrink_to(4 * CHUNK);
    }
}

/// Writes messages as lines until the channel closes or the stream breaks. What has gathered is written at once.
///
/// # Errors
/// Where the stream cannot be written.
pub async fn write_all<W: AsyncWrite + Unpin>(
    mut sink: W,
    messages: &mut mpsc::UnboundedReceiver<Outgoing>,
) -> std::io::Result<()> {
    let mut batch = Batch::default();
    while let Some(message) = messages.recv().await {
        batch.fill(message, messages);
        sink.write_all(&batch.text).await?;
        sink.flush().await?;
        batch.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(text: &[u8], limit: usize) -> Vec<Line> {
        let mut lines = Lines::new(text, limit);
        let mut all = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            all.push(line);
        }
        all
    }

    #[tokio::test]
    async fn splits_lines() {
        let whole = |text: &'static str| Line::Whole(Bytes::from_static(text.as_bytes()));
        assert_eq!(lines(b"a\n\n \r\nbc\r\n", 100).await, [whole("a"), whole("bc\r")]);
        assert_eq!(lines(b"a\nhalf", 100).await, [whole("a"), Line::Torn(Bytes::from_static(b"half"))]);
        assert_eq!(lines(b"", 100).await, []);
    }

    #[tokio::test]
    async fn throws_away_what_is_too_long_and_goes_on() {
        let (mut write, read) = tokio::io::duplex(16);
        let task = tokio::spawn(async move {
            let mut lines = Lines::new(read, 10);
            let mut all = Vec::new();
            while let Some(line) = lines.next().await.unwrap() {
                all.push(line);
            }
            assert_eq!(lines.cut(), (&b"0123456789012345"[..], &b"0123456789".repeat(4)[..]));
            all
        });
        write.write_all(b"0123456789012345678901234567890123456789\nok\n").await.unwrap();
        drop(write);
        assert_eq!(task.await.unwrap(), [Line::TooLong, Line::Whole(Bytes::from_static(b"ok"))]);
    }

    #[tokio::test]
    async fn writes_what_has_gathered() {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        for _ in 0..3 {
            sender.send(Outgoing::Notification { method: "m".into(), params: None }).unwrap();
        }
        drop(sender);
        let mut out = Vec::new();
        write_all(&mut out, &mut receiver).await.unwrap();
        assert_eq!(out, b"{\"jsonrpc\":\"2.0\",\"method\":\"m\"}\n".repeat(3));
    }
}
