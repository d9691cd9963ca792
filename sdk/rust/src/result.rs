//! The result of a call, of this plugin's tool or of another's.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Content;

/// What a call gave.
///
/// A tool returns one where the simpler types that implement [`ToolOutput`](crate::ToolOutput) do not do; and
/// [`call_tool`](crate::call_tool) gives one.
///
/// ```
/// use gateway_sdk::{Content, ToolResult};
///
/// let result = ToolResult::new().with("a red dot").with(Content::image(b"...", "image/png"));
/// assert_eq!(result.text(), "a red dot");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct ToolResult {
    /// For the model to read.
    pub content: Vec<Content>,
    /// The tool ran and failed; `content` says why.
    pub is_error: bool,
    /// A JSON object, as text.
    pub(crate) structured: Option<String>,
}

impl ToolResult {
    /// A result with nothing in it yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The tool failed; the model reads why, so say what it could do better.
    pub fn error(why: impl Into<String>) -> Self {
        Self { content: vec![Content::text(why)], is_error: true, structured: None }
    }

    /// The same with one more piece of content.
    pub fn with(mut self, content: impl Into<Content>) -> Self {
        self.content.push(content.into());
        self
    }

    /// The same with structured content, for programs to read. MCP wants an object there: anything else stands as
    /// `result` in one. A value that has no JSON makes an error of the result.
    pub fn with_structured<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        match object_text(value) {
            Ok(text) => {
                self.structured = Some(text);
                self
            }
            Err(error) => Self::error(format!("the tool's result has no JSON form: {error}")),
        }
    }

    /// All texts of the content, one per line.
    #[must_use]
    pub fn text(&self) -> String {
        let texts: Vec<&str> = self.content.iter().filter_map(Content::as_text).collect();
        texts.join("\n")
    }

    /// The structured content as a `T`; `None` where the result has none.
    ///
    /// # Errors
    ///
    /// The structured content is not a `T`.
    pub fn structured<T: DeserializeOwned>(&self) -> Option<Result<T, serde_json::Error>> {
        self.structured.as_deref().map(serde_json::from_str)
    }
}

/// A value as the text of a JSON object: its own where it is one, else an object with the value as `result`.
pub(crate) fn object_text<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string(value)?;
    Ok(if text.starts_with('{') { text } else { format!(r#"{{"result":{text}}}"#) })
}
