//! One message a line: the carrier of a connection over a pipe or a socket.

use std::{
    pin::pin,
    sync::{Arc, atomic::Ordering},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    sync::mpsc,
};

use super::{Intake, RequestError, Shared, Skipped};
use crate::wire::{
    lines::{Batch, Line, Lines},
    message::Outgoing,
};

/// Reads until the stream ends.
pub(super) async fn read(intake: Intake, source: impl AsyncRead + Unpin, limit: usize) {
    let mut lines = Lines::new(source, limit);
    loop {
        match lines.next().await {
            Ok(Some(Line::Whole(frame) | Line::Torn(frame))) => intake.take(&frame),
            Ok(Some(Line::TooLong)) => {
                let (head, tail) = lines.cut();
                let broken = || RequestError::Broken(format!("the answer is longer than {limit} bytes").into());
                if !id_of_cut(head, tail).is_some_and(|id| intake.fail(id, broken())) {
                    intake.skip(&Skipped::TooLong(limit));
                }
            }
            Ok(None) => return,
            Err(error) => return intake.skip(&Skipped::Broken(&error)),
        }
    }
}

/// Knows which requests were written. However it ends, those that were not can be sent again.
pub(super) struct Writer {
    shared: Arc<Shared>,
    /// How many requests were written in whole.
    written: u64,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        shared.lock().writing = true;
        shared.written.store(0, Ordering::Release);
        Self { shared, written: 0 }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // What was sent before may still be answered; what comes now cannot even be asked.
        self.shared.written_in_all(self.written);
    }
}

/// Writes until nothing more is to be sent, the stream breaks, or the connection has ended.
pub(super) async fn write(
    mut writer: Writer,
    mut sink: impl AsyncWrite + Unpin,
    mut messages: mpsc::UnboundedReceiver<Outgoing>,
) {
    let shared = writer.shared.clone();
    let mut ended = pin!(shared.ended.cancelled());
    let mut batch = Batch::default();
    while let Some(message) = messages.recv().await {
        if shared.over.load(Ordering::Acquire) {
            return;
        }
        batch.fill(message, &mut messages);
        let mut at = 0;
        while at < batch.text.len() {
            let wrote = tokio::select! {
                biased;
                wrote = sink.write(&batch.text[at..]) => wrote,
                // Nobody reads what a full pipe holds.
                () = &mut ended => Ok(0),
            };
            match wrote {
                Ok(0) | Err(_) => {
                    writer.written += batch.requests_within(at);
                    return;
                }
                Ok(wrote) => at += wrote,
            }
        }
        writer.written += batch.requests_within(at);
        shared.written.store(writer.written, Ordering::Release);
        if sink.flush().await.is_err() {
            return;
        }
        batch.clear();
    }
}

/// The id of an answer of which only the beginning and the end were kept. It stands before the result or after it,
/// beside nothing but `jsonrpc`: anywhere else it might be part of the result.
fn id_of_cut(head: &[u8], tail: &[u8]) -> Option<u64> {
    const VERSION: &str = "\"jsonrpc\":\"2.0\"";
    let compact = |text: &[u8]| {
        let kept: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        String::from_utf8_lossy(&kept).into_owned()
    };
    let number = |text: &str| text.trim_matches('"').parse().ok();
    let head = compact(head);
    let first = head.strip_prefix('{')?;
    let first = first.strip_prefix(VERSION).and_then(|rest| rest.strip_prefix(',')).unwrap_or(first);
    if let Some(id) = first.strip_prefix("\"id\":") {
        return number(id.split(',').next()?);
    }
    let tail = compact(tail);
    let last = tail.strip_suffix('}')?;
    let last = last.strip_suffix(VERSION).and_then(|rest| rest.strip_suffix(',')).unwrap_or(last);
    number(last.rsplit_once(",\"id\":")?.1)
}
