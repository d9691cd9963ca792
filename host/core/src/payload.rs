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

/// A tool call as a source gets it.
#[derive(Debug, Clone)]
pub struct Request {
    /// The source's own name for the tool.
    pub tool: Arc<str>,
    /// The arguments, untouched.
    pub arguments: Option<Json>,
    /// The request's `_meta`, without `progressToken`.
    pub meta: Option<Json>,
    /// Further members of `params`, such as `task`.
    pub rest: Vec<(Box<str>, Json)>,
}

impl Request {
    /// A call with nothing but arguments.
    #[must_use]
    pub fn new(tool: Arc<str>, arguments: Option<Json>) -> Self {
        Self { tool, arguments, meta: None, rest: Vec::new() }
    }
}

/// What a call gave: the JSON-RPC `result`, an MCP `CallToolResult`.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The result as the source wrote it.
    pub body: Json,
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
}
