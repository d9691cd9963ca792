//! What a call carries, as the bytes that brought it.
//!
//! The gateway reads the envelope and what a decision needs. Arguments and results stay slices of the frame that they
//! came in, so that nothing is copied, reordered, rounded or dropped on the way.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

/// A JSON text that was checked: a counted slice of its frame.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Json(Bytes);

impl Json {
    /// Checks that `text` is one JSON value.
    ///
    /// # Errors
    /// Where and why it is not.
    pub fn parse(text: impl Into<Bytes>) -> Result<Self, serde_json::Error> {
        let bytes: Bytes = text.into();
        let value = serde_json::from_slice::<&RawValue>(&bytes)?.get();
        let trimmed = bytes.slice_ref(value.as_bytes());
        Ok(Self(trimmed))
    }

    /// The part of `frame` that `raw` was read from, without a copy.
    #[must_use]
    pub fn part(frame: &Bytes, raw: &RawValue) -> Self {
        Self(frame.slice_ref(raw.get().as_bytes()))
    }

    /// Writes `value` as JSON. A value whose maps have other keys than strings has no JSON and gives `null`.
    #[must_use]
    pub fn from_value<T: Serialize + ?Sized>(value: &T) -> Self {
        Self(serde_json::to_vec(value).map_or_else(|_| Bytes::from_static(b"null"), Bytes::from))
    }

    /// `text` has to be valid JSON; for text that this program composed from such.
    pub(crate) fn trusted(text: impl Into<Bytes>) -> Self {
        let bytes: Bytes = text.into();
        debug_assert!(serde_json::from_slice::<&RawValue>(&bytes).is_ok(), "{bytes:?}");
        Self(bytes)
    }

    /// `{}`.
    #[must_use]
    pub const fn empty_object() -> Self {
        Self(Bytes::from_static(b"{}"))
    }

    /// The text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Checked when it was made: JSON is UTF-8 (RFC 8259, section 8.1).
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The text, still counted.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// Whether it is an object.
    #[must_use]
    pub fn is_object(&self) -> bool {
        self.0.first() == Some(&b'{')
    }

    /// Reads it as `T`.
    ///
    /// # Errors
    /// Where it is not a `T`.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.0)
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is asked of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Op {
    /// `tools/call`; the target is a tool's name.
    CallTool,
    /// `prompts/get`; the target is a prompt's name.
    GetPrompt,
    /// `resources/read`; the target is a URI.
    ReadResource,
    /// `resources/subscribe`; the target is a URI.
    Subscribe,
    /// `resources/unsubscribe`; the target is a URI.
    Unsubscribe,
    /// `completion/complete` for an argument of a prompt; the target is the prompt's name.
    CompletePrompt,
    /// `completion/complete` for a variable of a resource template; the target is the template.
    CompleteResource,
    /// Any other method, its `params` as they are; the target is empty.
    Other(Box<str>),
}

impl Op {
    /// The method on the wire.
    #[must_use]
    pub fn method(&self) -> &str {
        match self {
            Self::CallTool => "tools/call",
            Self::GetPrompt => "prompts/get",
            Self::ReadResource => "resources/read",
            Self::Subscribe => "resources/subscribe",
            Self::Unsubscribe => "resources/unsubscribe",
            Self::CompletePrompt | Self::CompleteResource => "completion/complete",
            Self::Other(method) => method,
        }
    }
}

/// A request as a source gets it.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is asked.
    pub op: Op,
    /// What it is asked of: the source's own name or URI.
    pub target: Arc<str>,
    /// `arguments` of a tool or prompt, untouched.
    pub arguments: Option<Json>,
    /// The request's `_meta`, without what belongs to one hop alone: the progress token, and the members by which
    /// revision 2026-07-28 says who asks.
    pub meta: Option<Json>,
    /// Further members of `params`, such as `task` or `argument`.
    pub rest: Vec<(Box<str>, Json)>,
}

impl Request {
    /// A tool call with nothing but arguments.
    #[must_use]
    pub fn new(tool: Arc<str>, arguments: Option<Json>) -> Self {
        Self { op: Op::CallTool, target: tool, arguments, meta: None, rest: Vec::new() }
    }
}

/// What a request gave: the JSON-RPC `result`.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The result as the source wrote it.
    pub body: Json,
}

/// What kind of result it is (`resultType`, revision 2026-07-28; older ones know `Complete` alone).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplyKind {
    /// The result itself.
    Complete,
    /// Questions that have to be answered first; the request is then sent again with the answers.
    InputRequired,
    /// A task that goes on, or another kind that is not known here.
    Other,
}

impl Reply {
    /// Whether the tool says that it failed (`isError: true`). Parses the result only where that word stands in it.
    #[must_use]
    pub fn is_error(&self) -> bool {
        #[derive(serde::Deserialize)]
        struct Head {
            #[serde(rename = "isError", default)]
            is_error: bool,
        }
        memchr::memmem::find(self.body.as_bytes(), b"\"isError\"").is_some()
            && serde_json::from_slice::<Head>(self.body.as_bytes()).is_ok_and(|head| head.is_error)
    }

    /// What kind of result it is. Parses it only where `resultType` stands in it.
    #[must_use]
    pub fn kind(&self) -> ReplyKind {
        #[derive(serde::Deserialize)]
        struct Head<'a> {
            #[serde(rename = "resultType", borrow, default)]
            kind: Option<std::borrow::Cow<'a, str>>,
        }
        if memchr::memmem::find(self.body.as_bytes(), b"\"resultType\"").is_none() {
            return ReplyKind::Complete;
        }
        match serde_json::from_slice::<Head<'_>>(self.body.as_bytes()).ok().and_then(|head| head.kind).as_deref() {
            None | Some("complete") => ReplyKind::Complete,
            Some("input_required") => ReplyKind::InputRequired,
            Some(_) => ReplyKind::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_a_slice_of_its_frame() {
        let json = Json::parse(" {\"a\": 12345678901234567890123} \n").unwrap();
        assert_eq!(json.as_str(), "{\"a\": 12345678901234567890123}");
        assert!(Json::parse("{").is_err());
        assert!(Json::parse("1 2").is_err());
    }

    #[test]
    fn is_error_is_read_from_the_top_level_alone() {
        let reply = |text: &'static str| Reply { body: Json::parse(text).unwrap() };
        assert!(reply(r#"{"content":[],"isError":true}"#).is_error());
        assert!(!reply(r#"{"content":[],"isError":false}"#).is_error());
        assert!(!reply(r#"{"content":[{"isError":true}]}"#).is_error());
    }

    #[test]
    fn the_kind_is_read_from_the_top_level_alone() {
        let kind = |text: &'static str| Reply { body: Json::parse(text).unwrap() }.kind();
        assert_eq!(kind(r#"{"content":[]}"#), ReplyKind::Complete);
        assert_eq!(kind(r#"{"resultType":"complete"}"#), ReplyKind::Complete);
        assert_eq!(kind(r#"{"x":{"resultType":"input_required"}}"#), ReplyKind::Complete);
        assert_eq!(kind(r#"{"resultType":"input_required","inputRequests":{}}"#), ReplyKind::InputRequired);
        assert_eq!(kind(r#"{"resultType":"task"}"#), ReplyKind::Other);
    }
}
