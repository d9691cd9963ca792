//! What a guest writes to standard output and standard error: lines for the log, up to a limit.

use std::{
    borrow::Cow,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use gateway_core::name::SourceName;
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamResult},
};

use crate::limits::LOG_BYTES;

/// The longest line of the log; a longer one is shown in pieces.
const LINE: usize = 4096;
/// What is kept of the end of standard error, to explain a trap.
const TAIL: usize = 2048;
/// How much a guest may write at once.
const CHUNK: usize = 64 * 1024;

/// Both streams of one call.
#[derive(Debug)]
pub(crate) struct Output {
    plugin: SourceName,
    streams: [Mutex<Stream>; 2],
}

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Stdout,
    Stderr,
}

#[derive(Debug, Default)]
struct Stream {
    line: Vec<u8>,
    tail: Vec<u8>,
    written: usize,
    /// Something was left out, and the log says so.
    is_cut: bool,
}

/// A guest's handle on one of the streams. It never fails and never makes the guest wait: what is too much is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Writer(Arc<Output>, Which);

impl Output {
    pub(crate) fn new(plugin: SourceName) -> Arc<Self> {
        Arc::new(Self { plugin, streams: Default::default() })
    }

    pub(crate) fn writer(self: &Arc<Self>, which: Which) -> Writer {
        Writer(self.clone(), which)
    }

    /// The end of what was written to standard error.
    pub(crate) fn tail(&self) -> String {
        String::from_utf8_lossy(&self.stream(Which::Stderr).tail).into_owned()
    }

    /// Another call begins, which has the whole of its limit.
    pub(crate) fn begin(&self) {
        for which in [Which::Stdout, Which::Stderr] {
            let last = std::mem::take(&mut *self.stream(which));
            self.show(which, &last.line);
        }
    }

    fn stream(&self, which: Which) -> MutexGuard<'_, Stream> {
        // A panic while it was held would have left no more than half a line.
        self.streams[which as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, which: Which, bytes: &[u8]) {
        let mut stream = self.stream(which);
        if which == Which::Stderr {
            stream.keep_tail(bytes);
        }
        let room = LOG_BYTES.saturating_sub(stream.written);
        stream.written = stream.written.saturating_add(bytes.len());
        for piece in bytes[..bytes.len().min(room)].split_inclusive(|byte| *byte == b'\n') {
            stream.line.extend_from_slice(piece);
            while stream.line.ends_with(b"\n") || stream.line.len() >= LINE {
                let end = stream.line.len().min(LINE);
                let rest = stream.line.split_off(end);
                self.show(which, &stream.line);
                stream.line = rest;
            }
        }
        if bytes.len() > room && !std::mem::replace(&mut stream.is_cut, true) {
            let line = std::mem::take(&mut stream.line);
            self.show(which, &line);
            self.show(which, format!("(what follows is left out: a call may write {LOG_BYTES} bytes)").as_bytes());
        }
    }

    fn show(&self, which: Which, line: &[u8]) {
        let line = String::from_utf8_lossy(line.trim_ascii_end());
        let line = printable(&line);
        let plugin = self.plugin.as_str();
        match which {
            _ if line.is_empty() => {}
            Which::Stdout => tracing::debug!(target: "plugin", plugin, "{line}"),
            Which::Stderr => tracing::info!(target: "plugin", plugin, "{line}"),
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        for which in [Which::Stdout, Which::Stderr] {
            let line = std::mem::take(&mut self.stream(which).line);
            self.show(which, &line);
        }
    }
}

impl Stream {
    fn keep_tail(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL)..]);
        let excess = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..excess);
    }
}

impl IsTerminal for Writer {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Writer {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Writer {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.write(self.1, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK)
    }
}

#[async_trait::async_trait]
impl Pollable for Writer {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Writer {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.write(self.1, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// `text` with its control characters spelt out: a line of the log must not be able to look like two, nor to move the
/// cursor of whoever reads it.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\t' => plain.push(' '),
            c if c.is_control() => plain.extend(c.escape_default()),
            c => plain.push(c),
        }
    }
    Cow::Owned(plain)
}

/// The message of a panic, where the end of standard error holds one as Rust's standard library writes it: a line with
/// the place, then the message, then a note.
pub(crate) fn panic_message(stderr: &str) -> Option<String> {
    let after = stderr.rsplit_once("panicked at ")?.1;
    let (_place, message) = after.split_once('\n')?;
    let message = message.split_once("\nnote: ").map_or(message, |(message, _)| message);
    let message = message.trim();
    (!message.is_empty()).then(|| message.replace('\n', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output() -> Arc<Output> {
        Output::new(SourceName::new("test").unwrap())
    }

    #[test]
    fn lines_stay_lines() {
        assert!(matches!(printable("plain, ümläut"), Cow::Borrowed(_)));
        assert_eq!(printable("a\tb\nc\u{1b}[2J\u{9b}1m\r"), "a b\\nc\\u{1b}[2J\\u{9b}1m\\r");
    }

    #[test]
    fn writing_never_fails() {
        let output = output();
        let mut writer = output.writer(Which::Stderr);
        for _ in 0..100 {
            OutputStream::write(&mut writer, Bytes::from(vec![b'x'; 10_000])).unwrap();
        }
        assert_eq!(writer.check_write().unwrap(), CHUNK);
        assert!(output.stream(Which::Stderr).line.len() < LINE);
        assert_eq!(output.tail().len(), TAIL);
        assert_eq!(output.stream(Which::Stdout).written, 0);
    }

    #[test]
    fn panics_are_found() {
        let stderr = "\nthread 'main' (1) panicked at src/lib.rs:5:9:\nthe message\nof two lines\nnote: run with \
                      `RUST_BACKTRACE=1` environment variable to display a backtrace\n";
        assert_eq!(panic_message(stderr).as_deref(), Some("the message of two lines"));
        assert_eq!(panic_message("memory allocation of 5 bytes failed"), None);
        assert_eq!(panic_message(""), None);
    }
}
