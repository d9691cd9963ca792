//! A client of HTTP that sees every byte, and of MCP over it.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Read, Write as _},
    net::{Shutdown, TcpStream},
};

use serde_json::Value;

pub use self::session::{HttpSession, hello};
use crate::{Message, wait::PATIENCE};

mod session;

/// Requests to one place. Each has a connection of its own.
#[derive(Debug, Clone)]
pub struct Http {
    address: String,
    path: String,
    headers: Vec<(String, String)>,
}

/// An answer, whose body is read when it is asked for. Dropping it closes the connection.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    headers: Vec<(String, String)>,
    body: Body,
    request: String,
}

/// An event of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: Option<String>,
    /// Its kind.
    pub kind: Option<String>,
    /// Its data.
    pub data: String,
}

#[derive(Debug)]
struct Body {
    stream: BufReader<TcpStream>,
    chunked: bool,
    /// What is left of the body, or of the chunk.
    left: usize,
    ended: bool,
}

impl Http {
    /// Requests to `path` of the server at `address`, of a client that accepts what an MCP client has to accept.
    #[must_use]
    pub fn new(address: &str, path: &str) -> Self {
        let headers = [("Accept", "application/json, text/event-stream"), ("Content-Type", "application/json")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Self { address: address.to_owned(), path: path.to_owned(), headers }.with("Host", address)
    }

    /// The same with a header, in place of the one that it had of that name.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut same = self.without(name);
        same.headers.push((name.to_owned(), value.to_owned()));
        same
    }

    /// The same without a header.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        let mut same = self.clone();
        same.headers.retain(|(of, _)| !of.eq_ignore_ascii_case(name));
        same
    }

    /// The same elsewhere on the server.
    #[must_use]
    pub fn at(&self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self.clone() }
    }

    /// Sends a request, and reads the head of the answer.
    ///
    /// # Panics
    /// Where none comes.
    #[track_caller]
    #[must_use]
    pub fn send(&self, method: &str, body: impl AsRef<[u8]>) -> Answer {
        let stream = self.begin(method, body);
        Answer::read(stream, format!("{method} {}", self.path))
    }

    /// Sends a request, and leaves the answer where it is.
    ///
    /// # Panics
    /// Where it cannot be sent.
    #[track_caller]
    #[must_use]
    pub fn begin(&self, method: &str, body: impl AsRef<[u8]>) -> TcpStream {
        let body = body.as_ref();
        let stream = TcpStream::connect(&self.address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut head = format!("{method} {} HTTP/1.1\r\n", self.path);
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        write!(head, "Content-Length: {}\r\n\r\n", body.len()).unwrap();
        let sent = (&stream).write_all(head.as_bytes()).and_then(|()| (&stream).write_all(body));
        // A server may answer and close before it has read everything.
        drop(sent);
        stream
    }

    /// Posts a message.
    #[track_caller]
    #[must_use]
    pub fn post(&self, message: &Value) -> Answer {
        self.send("POST", message.to_string())
    }

    /// Gets something.
    #[track_caller]
    #[must_use]
    pub fn get(&self) -> Answer {
        self.without("Content-Type").send("GET", "")
    }
}

impl Answer {
    /// Reads the head of an answer.
    ///
    /// # Panics
    /// Where none comes.
    #[track_caller]
    #[must_use]
    pub fn read(stream: TcpStream, request: String) -> Self {
        let mut stream = BufReader::new(stream);
        let mut line = || {
            let mut line = String::new();
            stream.read_line(&mut line).unwrap_or_else(|error| panic!("no answer to {request}: {error}"));
            line.trim_end().to_owned()
        };
        let first = line();
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no answer to {request} but {first:?}"));
        let mut headers = Vec::new();
        loop {
            let line = line();
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let find = |name: &str| headers.iter().find(|(of, _)| of == name).map(|(_, value)| value.clone());
        let chunked = find("transfer-encoding").is_some_and(|value| value == "chunked");
        let left = find("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let body = Body { stream, chunked, left, ended: !chunked && left == 0 };
        Self { status, headers, body, request }
    }

    /// Reads the next answer of a connection that has several on their way, all of them with a length.
    #[track_caller]
    #[must_use]
    pub fn read_next(connection: &mut BufReader<TcpStream>, request: &str) -> (u16, String) {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let at = head.len();
            let read = connection.read_line(&mut head);
            assert!(read.is_ok_and(|read| read > 0), "no answer to {request} after {head:?}");
            let line = head[at..].trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        connection.read_exact(&mut body).unwrap();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.unwrap_or_default(), String::from_utf8_lossy(&body).into_owned())
    }

    /// A header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(of, _)| of.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether the body is a stream of events.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        self.header("content-type") == Some("text/event-stream")
    }

    /// The body.
    ///
    /// # Panics
    /// Where it does not end.
    #[track_caller]
    pub fn text(&mut self) -> String {
        let mut text = String::new();
        let read = BufReader::new(&mut self.body).read_to_string(&mut text);
        assert!(read.is_ok(), "the answer to {} does not end: {read:?} after {text}", self.request);
        text
    }

    /// The body as a message.
    #[track_caller]
    pub fn message(&mut self) -> Message {
        let text = self.text();
        assert_eq!(self.header("content-type"), Some("application/json"), "{}: {} {text}", self.request, self.status);
        message(&text)
    }

    /// The body as a message that tells of an error, where this is the status.
    ///
    /// # Panics
    /// Where it is another.
    #[track_caller]
    pub fn refused(mut self, status: u16) -> Value {
        let text = self.text();
        assert_eq!(self.status, status, "{}: {text}", self.request);
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert!(value["error"]["message"].is_string(), "{text}");
        value["error"].clone()
    }

    /// The next event; `None`: the stream has ended.
    ///
    /// # Panics
    /// Where nothing comes, or the connection breaks.
    #[track_caller]
    pub fn event(&mut self) -> Option<Event> {
        let mut event: Option<Event> = None;
        loop {
            let line = self.body.line().unwrap_or_else(|error| panic!("{}: no event: {error}", self.request))?;
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                if event.is_some() {
                    return event;
                }
                continue;
            }
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match name {
                "id" => event.get_or_insert_default().id = Some(value.to_owned()),
                "event" => event.get_or_insert_default().kind = Some(value.to_owned()),
                "data" => event.get_or_insert_default().data.push_str(value),
                _ => {}
            }
        }
    }

    /// The next event with a message in it.
    ///
    /// # Panics
    /// Where the stream ends before.
    #[track_caller]
    pub fn next_message(&mut self) -> (Event, Message) {
        loop {
            let event = self.event();
            let event = event.unwrap_or_else(|| panic!("the stream of {} ended without a message", self.request));
            if !event.data.is_empty() && event.kind.is_none() {
                let message = message(&event.data);
                return (event, message);
            }
        }
    }

    /// The answer, be it the body or the last event of a stream.
    #[track_caller]
    pub fn result(&mut self) -> Message {
        if !self.is_stream() {
            return self.message();
        }
        loop {
            let (_, message) = self.next_message();
            if message.method().is_none() {
                return message;
            }
        }
    }

    /// Goes away in the middle.
    pub fn vanish(self) {
        let _ = self.body.stream.get_ref().shutdown(Shutdown::Both);
    }
}

impl Body {
    /// A line of the body; `None` at its end.
    fn line(&mut self) -> std::io::Result<Option<String>> {
        let mut line = Vec::new();
        let mut byte = [0];
        while self.read(&mut byte)? == 1 {
            line.push(byte[0]);
            if byte[0] == b'\n' {
                break;
            }
        }
        Ok((!line.is_empty()).then(|| String::from_utf8_lossy(&line).into_owned()))
    }

    fn chunk(&mut self) -> std::io::Result<()> {
        let mut line = String::new();
        while line.trim().is_empty() {
            line.clear();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        self.left = usize::from_str_radix(line.trim(), 16).map_err(std::io::Error::other)?;
        self.ended = self.left == 0;
        Ok(())
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 && !self.ended {
            match self.chunked {
                true => self.chunk()?,
                false => self.ended = true,
            }
        }
        if self.ended {
            return Ok(0);
        }
        let most = buffer.len().min(self.left);
        let read = self.stream.read(&mut buffer[..most])?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read;
        Ok(read)
    }
}

fn message(text: &str) -> Message {
    let value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    Message { raw: text.to_owned(), value, at: 0 }
}
