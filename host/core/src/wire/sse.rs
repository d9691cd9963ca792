//! Server-sent events, as the WHATWG HTML standard has them ("9.2 Server-sent events").

use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};

/// An event that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its type; `None`: a message.
    pub kind: Option<Box<str>>,
    /// Its data, several lines of it joined by line feeds. A single line is a slice of what was read.
    pub data: Bytes,
}

/// An event, or a line of one, is longer than the limit. It is thrown away; the next one is read as usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is longer than {0} bytes")]
pub struct TooLong(pub usize);

/// Reads events from a stream that comes in pieces.
#[derive(Debug)]
pub struct Decoder {
    buffer: BytesMut,
    /// How much of `buffer` is known to hold no end of a line.
    searched: usize,
    limit: usize,
    /// The last line ended with a CR: an LF that follows belongs to it.
    after_cr: bool,
    /// Nothing was read yet: a byte order mark may come.
    at_start: bool,
    /// The rest of the event is thrown away, which begins inside a line if the inner value is true.
    skipping: Option<bool>,
    data: Data,
    kind: Option<Box<str>>,
    /// The id that holds from the end of the event on.
    next_id: Option<Box<str>>,
    last_id: Option<Box<str>>,
    retry: Option<Duration>,
}

/// The data of the event that is being read.
#[derive(Debug, Default)]
enum Data {
    #[default]
    None,
    One(Bytes),
    Many(Vec<u8>),
}

impl Decoder {
    /// Events of at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            searched: 0,
            limit,
            after_cr: false,
            at_start: true,
            skipping: None,
            data: Data::None,
            kind: None,
            next_id: None,
            last_id: None,
            retry: None,
        }
    }

    /// Takes what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next event, as far as one has come in whole.
    ///
    /// # Errors
    /// [`TooLong`], once for each such event.
    pub fn next_event(&mut self) -> Result<Option<Event>, TooLong> {
        while let Some(line) = self.line()? {
            if line.is_empty() {
                if let Some(event) = self.dispatch() {
                    return Ok(Some(event));
                }
            } else if self.skipping.is_none() {
                self.field(&line)?;
            }
        }
        Ok(None)
    }

    /// The id of the last event that came in whole and had one: where to go on after the connection was lost.
    #[must_use]
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// How long the other side wants to be left alone before the connection is made anew, where it said so.
    #[must_use]
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// The next line that is whole, without its end.
    fn line(&mut self) -> Result<Option<Bytes>, TooLong> {
        loop {
            self.skip_start();
            let found = memchr::memchr2(b'\n', b'\r', &self.buffer[self.searched..]);
            let Some(at) = found.map(|at| self.searched + at) else {
                self.searched = self.buffer.len();
                if self.buffer.len() > self.limit || self.skipping == Some(true) {
                    let first = self.skipping.is_none();
                    self.skipping = Some(true);
                    self.buffer.clear();
                    self.searched = 0;
                    self.forget();
                    return if first { Err(TooLong(self.limit)) } else { Ok(None) };
                }
                return Ok(None);
            };
            self.after_cr = self.buffer[at] == b'\r';
            let mut line = self.buffer.split_to(at + 1);
            self.searched = 0;
            line.truncate(at);
            if self.skipping == Some(true) {
                // Its beginning is gone already.
                self.skipping = Some(false);
                continue;
            }
            return Ok(Some(line.freeze()));
        }
    }

    /// Skips a byte order mark, and an LF that belongs to a CR.
    fn skip_start(&mut self) {
        const MARK: &[u8] = "\u{feff}".as_bytes();
        if self.at_start && (self.buffer.len() >= MARK.len() || !MARK.starts_with(&self.buffer)) {
            self.at_start = false;
            if self.buffer.starts_with(MARK) {
                self.buffer.advance(MARK.len());
                self.searched = 0;
            }
        }
        if self.after_cr && !self.buffer.is_empty() {
            self.after_cr = false;
            if self.buffer[0] == b'\n' {
                self.buffer.advance(1);
                self.searched = 0;
            }
        }
    }

    fn field(&mut self, line: &Bytes) -> Result<(), TooLong> {
        let colon = memchr::memchr(b':', line);
        let name = &line[..colon.unwrap_or(line.len())];
        let mut value = line.slice(colon.map_or(line.len(), |colon| colon + 1)..);
        if value.first() == Some(&b' ') {
            value.advance(1);
        }
        let text = || String::from_utf8_lossy(&value).into_owned().into_boxed_str();
        match name {
            b"data" => {
                self.data.add(value);
                if self.data.len() > self.limit {
                    self.skipping = Some(false);
                    self.forget();
                    return Err(TooLong(self.limit));
                }
            }
            b"event" => self.kind = Some(text()).filter(|kind| !kind.is_empty()),
            b"id" if !value.contains(&0) => self.next_id = Some(text()),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                self.retry = text().parse().ok().map(Duration::from_millis).or(self.retry);
            }
            // Comments, and what is not known.
            _ => {}
        }
        Ok(())
    }

    /// The event is complete. One without data is none, but its id counts.
    fn dispatch(&mut self) -> Option<Event> {
        if self.skipping.take().is_some() {
            self.forget();
            return None;
        }
        if let Some(id) = self.next_id.take() {
            self.last_id = Some(id).filter(|id| !id.is_empty());
        }
        let kind = self.kind.take().filter(|kind| &**kind != "message");
        match std::mem::take(&mut self.data) {
            Data::None => None,
            Data::One(data) => Some(Event { kind, data }),
            Data::Many(data) => Some(Event { kind, data: data.into() }),
        }
    }

    fn forget(&mut self) {
        self.data = Data::None;
        self.kind = None;
        self.next_id = None;
    }
}

impl Data {
    fn add(&mut self, line: Bytes) {
        let mut text = match std::mem::take(self) {
            Self::None => return *self = Self::One(line),
            Self::One(first) => first.to_vec(),
            Self::Many(text) => text,
        };
        text.push(b'\n');
        text.extend_from_slice(&line);
        *self = Self::Many(text);
    }

    fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(data) => data.len(),
            Self::Many(data) => data.len(),
        }
    }
}

/// What is written of an event beside its data.
#[derive(Debug, Clone, Copy, Default)]
pub struct Head<'a> {
    /// The type; `None`: a message.
    pub kind: Option<&'a str>,
    /// The id. Without line breaks and NUL.
    pub id: Option<&'a str>,
    /// How long to wait before the connection is made anew.
    pub retry: Option<Duration>,
}

impl Head<'_> {
    /// Adds an event to `out`. Data of several lines becomes several fields.
    pub fn write(&self, out: &mut Vec<u8>, data: &[u8]) {
        let mut field = |name: &str, value: &str| {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(value.as_bytes());
            out.push(b'\n');
        };
        if let Some(kind) = self.kind {
            field("event: ", kind);
        }
        if let Some(id) = self.id {
            field("id: ", id);
        }
        if let Some(retry) = self.retry {
            field("retry: ", &retry.as_millis().to_string());
        }
        let mut rest = data;
        loop {
            out.extend_from_slice(b"data: ");
            let end = memchr::memchr2(b'\n', b'\r', rest);
            out.extend_from_slice(&rest[..end.unwrap_or(rest.len())]);
            out.push(b'\n');
            let Some(end) = end else { break };
            let both = rest[end..].starts_with(b"\r\n");
            rest = &rest[end + 1 + usize::from(both)..];
        }
        out.push(b'\n');
    }
}

/// A comment: shows that the connection lives, and means nothing.
pub const ALIVE: &[u8] = b": \n\n";

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read from `text` when it comes in pieces of `size`, and the last id.
    fn read(text: &[u8], size: usize, limit: usize) -> (Vec<String>, Option<String>, Option<u128>) {
        let mut decoder = Decoder::new(limit);
        let mut all = Vec::new();
        for piece in text.chunks(size) {
            decoder.push(piece);
            loop {
                match decoder.next_event() {
                    Ok(Some(Event { kind, data })) => {
                        let kind = kind.map_or(String::new(), |kind| format!("{kind}|"));
                        all.push(format!("{kind}{}", String::from_utf8_lossy(&data)));
                    }
                    Ok(None) => break,
                    Err(TooLong(_)) => all.push("TOO LONG".to_owned()),
                }
            }
        }
        (all, decoder.last_id().map(str::to_owned), decoder.retry().map(|retry| retry.as_millis()))
    }

    #[test]
    fn reads_events_however_they_are_cut() {
        let table: [(&str, &[&str], Option<&str>); 20] = [
            ("data: a\n\n", &["a"], None),
            ("data:a\n\ndata:  b\n\n", &["a", " b"], None),
            ("data: a\r\n\r\ndata: b\r\rdata: c\n\n", &["a", "b", "c"], None),
            ("data: a\ndata: b\ndata\ndata:\n\n", &["a\nb\n\n"], None),
            ("\u{feff}data: a\n\n", &["a"], None),
            ("data: \u{feff}a\n\n", &["\u{feff}a"], None),
            (": comment\n\ndata: a\n: within\n\n", &["a"], None),
            ("event: endpoint\ndata: /x?y=1\n\n", &["endpoint|/x?y=1"], None),
            ("event: message\ndata: a\n\n", &["a"], None),
            ("event: x\n\ndata: a\n\n", &["a"], None),
            ("id: 1\ndata: a\n\ndata: b\n\n", &["a", "b"], Some("1")),
            ("id: 1\n\n", &[], Some("1")),
            ("id: 1\ndata:\n\n", &[""], Some("1")),
            ("id: 1\ndata: a\n\nid\ndata: b\n\n", &["a", "b"], None),
            ("id: 1\ndata: a\n\nid: 2\ndata: unfinished\n", &["a"], Some("1")),
            ("id: a\0b\ndata: a\n\n", &["a"], None),
            ("data: a", &[], None),
            ("data: a\n", &[], None),
            ("nonsense\nDATA: x\n data: y\n\n", &[], None),
            ("data: {\"a\": \"b:c\"}\n\n\n\n", &["{\"a\": \"b:c\"}"], None),
        ];
        for (text, events, id) in table {
            for size in [1, 2, 3, 1000] {
                let (read, last, _) = read(text.as_bytes(), size, 1000);
                assert_eq!((read, last.as_deref()), (events.iter().map(|&e| e.to_owned()).collect(), id), "{text:?}");
            }
        }
    }

    #[test]
    fn the_pause_is_a_number() {
        for (text, retry) in [
            ("retry: 10\n\n", Some(10)),
            ("retry: 10\n", Some(10)),
            ("retry: -1\n\n", None),
            ("retry:\n\n", None),
            ("retry: 5\nretry: x\nretry: 99999999999999999999999\n\n", Some(5)),
        ] {
            assert_eq!(read(text.as_bytes(), 2, 1000).2, retry, "{text:?}");
        }
    }

    #[test]
    fn what_is_too_long_is_thrown_away_alone() {
        let long = "x".repeat(50);
        let texts = [
            (format!("data: {long}\nid: 7\n\ndata: a\n\n"), vec!["TOO LONG", "a"]),
            (
                "data: 0123456789\ndata: 0123456789\ndata: 0123456789\ndata: 1\n\ndata: a\n\n".to_owned(),
                vec!["TOO LONG", "a"],
            ),
            (format!(": {long}\ndata: b\n\ndata: a\n\n"), vec!["TOO LONG", "a"]),
        ];
        for (text, expected) in texts {
            // In one piece a long line is seen with its end, and is no longer than its data.
            let (events, id, _) = read(text.as_bytes(), 7, 25);
            assert_eq!((events, id), (expected.into_iter().map(str::to_owned).collect(), None), "{text}");
        }
        assert_eq!(read(format!("data: {long}\n\ndata: a\n\n").as_bytes(), 1000, 25).0, ["TOO LONG", "a"]);
    }

    #[test]
    fn what_is_written_is_read() {
        let mut out = Vec::new();
        Head::default().write(&mut out, b"{}");
        assert_eq!(out, b"data: {}\n\n");
        out.clear();
        let head = Head { kind: Some("endpoint"), id: Some("s/1"), retry: Some(Duration::from_secs(3)) };
        head.write(&mut out, b"a\nb\r\nc\rd\n");
        out.extend_from_slice(ALIVE);
        Head::default().write(&mut out, b"");
        let (events, id, retry) = read(&out, 5, 1000);
        assert_eq!(
            (events, id.as_deref(), retry),
            (vec!["endpoint|a\nb\nc\nd\n".to_owned(), String::new()], Some("s/1"), Some(3000))
        );
    }
}
