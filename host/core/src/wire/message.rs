//! JSON-RPC envelopes: read with one pass over the frame, written in one piece.

use bytes::Bytes;

use crate::{
    payload::Json,
    wire::json::{Members, write_string},
};

/// The frame is not valid JSON.
pub const PARSE_ERROR: i32 = -32700;
/// The frame is JSON and no JSON-RPC message.
pub const INVALID_REQUEST: i32 = -32600;
/// There is no such method.
pub const METHOD_NOT_FOUND: i32 = -32601;
/// The method's parameters are wrong.
pub const INVALID_PARAMS: i32 = -32602;
/// There is no such resource (MCP up to 2025-11-25).
pub const RESOURCE_NOT_FOUND: i32 = -32002;
/// This side broke.
pub const INTERNAL_ERROR: i32 = -32603;

/// A message that came in. Payloads are slices of its frame.
#[derive(Debug)]
pub enum Message {
    /// Wants an answer.
    Request {
        /// As the other side wrote it: a string or a number.
        id: Json,
        /// The method.
        method: Box<str>,
        /// Its parameters.
        params: Option<Json>,
    },
    /// Wants none.
    Notification {
        /// The method.
        method: Box<str>,
        /// Its parameters.
        params: Option<Json>,
    },
    /// Answers a request of this side.
    Response {
        /// The request's id.
        id: Json,
        /// `result`, or the `error` object.
        outcome: Result<Json, Json>,
    },
}

/// What one frame holds.
#[derive(Debug)]
pub enum Frame {
    /// A message.
    One(Message),
    /// A batch (JSON-RPC 2.0, section 6; in MCP only in revision 2025-03-26). Never empty.
    Batch(Vec<Result<Message, Malformed>>),
}

/// A frame that is no message, with what to answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Malformed {
    /// The id to answer to, where one could be read.
    pub id: Option<Json>,
    /// [`PARSE_ERROR`] or [`INVALID_REQUEST`].
    pub code: i32,
    /// What is wrong.
    pub message: String,
}

impl Malformed {
    /// The answer that JSON-RPC wants for it.
    #[must_use]
    pub fn answer(&self) -> Outgoing {
        Outgoing::error(self.id.clone(), self.code, &self.message)
    }
}

/// Reads a frame.
///
/// # Errors
/// [`Malformed`] where it holds no message; single messages of a batch have their own errors.
pub fn read(frame: &Bytes) -> Result<Frame, Malformed> {
    let start = frame.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(frame.len());
    if frame.get(start) != Some(&b'[') {
        return read_one(frame, frame).map(Frame::One);
    }
    let parts: Vec<&serde_json::value::RawValue> = serde_json::from_slice(frame).map_err(|error| no_json(&error))?;
    if parts.is_empty() {
        return Err(Malformed { id: None, code: INVALID_REQUEST, message: "the batch is empty".to_owned() });
    }
    Ok(Frame::Batch(parts.iter().map(|part| read_one(frame, part.get().as_bytes())).collect()))
}

/// Reads the message `text`, a part of `frame`.
fn read_one(frame: &Bytes, text: &[u8]) -> Result<Message, Malformed> {
    let members = Members::read(text).map_err(|error| match error.is_data() {
        true => Malformed { id: None, code: INVALID_REQUEST, message: "a message has to be an object".to_owned() },
        false => no_json(&error),
    })?;
    let id = members.part(frame, "id");
    let invalid =
        |message: &str| Malformed { id: id.clone().filter(is_id), code: INVALID_REQUEST, message: message.to_owned() };
    members
        .unambiguous(&["jsonrpc", "id", "method", "params", "result", "error"])
        .map_err(|error| invalid(&error.to_string()))?;
    if members.text("jsonrpc").as_deref() != Some("2.0") {
        return Err(invalid("`jsonrpc` has to be \"2.0\""));
    }
    if let Some(method) = members.get("method") {
        let method =
            members.text("method").ok_or_else(|| invalid(&format!("`method` has to be a text, not {method}")))?;
        let params = members.part(frame, "params");
        return match id {
            None => Ok(Message::Notification { method: method.into(), params }),
            Some(id) if is_id(&id) => Ok(Message::Request { id, method: method.into(), params }),
            Some(_) => Err(invalid("`id` has to be a text or a number")),
        };
    }
    let outcome = match (members.part(frame, "result"), members.part(frame, "error")) {
        (Some(result), None) => Ok(result),
        (None, Some(error)) => Err(error),
        // Some libraries write both, the one that does not hold as null.
        (Some(result), Some(error)) if error.as_bytes() == b"null" => Ok(result),
        (Some(result), Some(error)) if result.as_bytes() == b"null" => Err(error),
        _ => return Err(invalid("neither a request (`method`) nor an answer (`result` or `error`)")),
    };
    // An answer to something that could not be read has the id null (JSON-RPC 2.0, section 5).
    Ok(Message::Response { id: id.unwrap_or_else(|| Json::trusted("null")), outcome })
}

/// MCP allows texts and integers; other numbers and null are refused where they stand in a request.
fn is_id(id: &Json) -> bool {
    matches!(id.as_bytes().first(), Some(b'"' | b'-' | b'0'..=b'9'))
}

fn no_json(error: &serde_json::Error) -> Malformed {
    Malformed { id: None, code: PARSE_ERROR, message: format!("the message is not valid JSON: {error}") }
}

/// A message that goes out. Its payloads are copied once, into the buffer that is written.
#[derive(Debug, Clone)]
pub enum Outgoing {
    /// Asks the other side.
    Request {
        /// This side's id.
        id: u64,
        /// The method.
        method: Box<str>,
        /// Its parameters.
        params: Option<Json>,
    },
    /// Tells the other side.
    Notification {
        /// The method.
        method: Box<str>,
        /// Its parameters.
        params: Option<Json>,
    },
    /// Answers the other side.
    Result {
        /// The request's id.
        id: Json,
        /// The result.
        result: Json,
    },
    /// Answers the other side with an error.
    Error {
        /// The request's id; `None` where it could not be read.
        id: Option<Json>,
        /// The `error` object.
        error: Json,
    },
    /// The answers to a batch.
    Batch(Vec<Outgoing>),
}

impl Outgoing {
    /// An error answer.
    #[must_use]
    pub fn error(id: Option<Json>, code: i32, message: &str) -> Self {
        Self::Error { id, error: error_object(code, message) }
    }

    /// Adds the message to `out`, without a line break, neither after it nor in it: payloads may be written over
    /// several lines, and a line break can stand between tokens alone.
    pub fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        self.append(out);
        let written = &mut out[start..];
        if memchr::memchr2(b'\n', b'\r', written).is_some() {
            written.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
        }
    }

    /// About how many bytes [`Outgoing::write`] adds.
    #[must_use]
    pub fn size(&self) -> usize {
        const ENVELOPE: usize = 64;
        let payload = |json: &Option<Json>| json.as_ref().map_or(0, |json| json.as_bytes().len());
        match self {
            Self::Request { method, params, .. } | Self::Notification { method, params } => {
                ENVELOPE + method.len() + payload(params)
            }
            Self::Result { id, result } => ENVELOPE + id.as_bytes().len() + result.as_bytes().len(),
            Self::Error { id, error } => ENVELOPE + payload(id) + error.as_bytes().len(),
            Self::Batch(messages) => messages.iter().map(Self::size).sum(),
        }
    }

    fn append(&self, out: &mut Vec<u8>) {
        if let Self::Batch(messages) = self {
            out.push(b'[');
            for (at, message) in messages.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                message.append(out);
            }
            out.push(b']');
            return;
        }
        out.extend_from_slice(b"{\"jsonrpc\":\"2.0\"");
        match self {
            Self::Request { id, method, params } => {
                out.extend_from_slice(b",\"id\":");
                out.extend_from_slice(id.to_string().as_bytes());
                append_method(out, method, params.as_ref());
            }
            Self::Notification { method, params } => append_method(out, method, params.as_ref()),
            Self::Result { id, result } => {
                append_member(out, b",\"id\":", id);
                append_member(out, b",\"result\":", result);
            }
            Self::Error { id, error } => {
                match id {
                    Some(id) => append_member(out, b",\"id\":", id),
                    None => out.extend_from_slice(b",\"id\":null"),
                }
                append_member(out, b",\"error\":", error);
            }
            Self::Batch(_) => {}
        }
        out.push(b'}');
    }
}

fn append_method(out: &mut Vec<u8>, method: &str, params: Option<&Json>) {
    out.extend_from_slice(b",\"method\":");
    write_string(out, method);
    if let Some(params) = params {
        append_member(out, b",\"params\":", params);
    }
}

fn append_member(out: &mut Vec<u8>, name: &[u8], value: &Json) {
    out.extend_from_slice(name);
    out.extend_from_slice(value.as_bytes());
}

/// A JSON-RPC `error` object.
#[must_use]
pub fn error_object(code: i32, message: &str) -> Json {
    #[derive(serde::Serialize)]
    struct Error<'a> {
        code: i32,
        message: &'a str,
    }
    Json::from_value(&Error { code, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &'static str) -> Result<Message, Malformed> {
        match read(&Bytes::from_static(text.as_bytes()))? {
            Frame::One(message) => Ok(message),
            Frame::Batch(_) => panic!("{text} is a batch"),
        }
    }

    fn written(message: &Outgoing) -> String {
        let mut out = Vec::new();
        message.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn reads_all_kinds() {
        let Ok(Message::Request { id, method, params }) =
            one(r#"{"jsonrpc":"2.0","id":"a","method":"m","params":{"x":1}}"#)
        else {
            panic!()
        };
        assert_eq!((id.as_str(), &*method, params.unwrap().as_str()), ("\"a\"", "m", r#"{"x":1}"#));
        assert!(matches!(one(r#"{"jsonrpc":"2.0","method":"m"}"#), Ok(Message::Notification { .. })));
        assert!(matches!(one(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#), Ok(Message::Response { outcome: Ok(_), .. })));
        assert!(matches!(one(r#"{"jsonrpc":"2.0","id":1,"error":{}}"#), Ok(Message::Response { outcome: Err(_), .. })));
        let both = one(r#"{"jsonrpc":"2.0","id":1,"result":{},"error":null}"#);
        assert!(matches!(both, Ok(Message::Response { outcome: Ok(_), .. })));
    }

    #[test]
    fn refuses_what_is_no_message() {
        for (text, code) in [
            ("", PARSE_ERROR),
            ("{", PARSE_ERROR),
            ("nonsense", PARSE_ERROR),
            ("1", INVALID_REQUEST),
            ("[]", INVALID_REQUEST),
            (r#"{"jsonrpc":"1.0","id":1,"method":"m"}"#, INVALID_REQUEST),
            (r#"{"id":1,"method":"m"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":null,"method":"m"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":"a","Method":"b"}"#, INVALID_REQUEST),
        ] {
            match one(text) {
                Err(error) => assert_eq!(error.code, code, "{text}"),
                Ok(message) => panic!("{text} was read as {message:?}"),
            }
        }
    }

    #[test]
    fn reads_batches() {
        let frame = Bytes::from_static(br#" [{"jsonrpc":"2.0","id":1,"method":"a"}, 7]"#);
        let Ok(Frame::Batch(parts)) = read(&frame) else { panic!() };
        assert!(matches!(parts[..], [Ok(Message::Request { .. }), Err(_)]));
    }

    #[test]
    fn writes_on_one_line() {
        let result = Json::parse("{\n  \"a\": \"b\\n\"\r\n}").unwrap();
        let message = Outgoing::Result { id: Json::parse("7").unwrap(), result };
        assert_eq!(written(&message), "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{   \"a\": \"b\\n\"  }}");
        let request = Outgoing::Request { id: 3, method: "x/y".into(), params: None };
        assert_eq!(written(&request), r#"{"jsonrpc":"2.0","id":3,"method":"x/y"}"#);
        let error = Outgoing::error(None, PARSE_ERROR, "no \"JSON\"");
        assert_eq!(written(&error), r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no \"JSON\""}}"#);
    }
}
