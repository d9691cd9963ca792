//! One message of JSON-RPC, as text and as a value.

use std::collections::HashMap;

use serde_json::{Value, value::RawValue};

/// A line that a server wrote.
#[derive(Debug, Clone)]
pub struct Message {
    /// The line, byte for byte.
    pub raw: String,
    /// The same, parsed.
    pub value: Value,
    /// How many lines came before it.
    pub at: usize,
}

impl Message {
    /// The method of a request or notification.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        self.value["method"].as_str()
    }

    /// The id of a request or an answer.
    #[must_use]
    pub fn id(&self) -> &Value {
        &self.value["id"]
    }

    /// The parameters of a request or notification.
    #[must_use]
    pub fn params(&self) -> &Value {
        &self.value["params"]
    }

    /// The result.
    ///
    /// # Panics
    /// Where it is an error.
    #[track_caller]
    pub fn result(&self) -> &Value {
        self.value.get("result").unwrap_or_else(|| panic!("expected a result, got {}", self.raw))
    }

    /// The error.
    ///
    /// # Panics
    /// Where it is a result.
    #[track_caller]
    pub fn error(&self) -> &Value {
        self.value.get("error").unwrap_or_else(|| panic!("expected an error, got {}", self.raw))
    }

    /// The text of a member of the line, such as `result`, byte for byte.
    ///
    /// # Panics
    /// Where there is none.
    #[track_caller]
    pub fn member(&self, name: &str) -> &str {
        member(&self.raw, name).unwrap_or_else(|| panic!("no `{name}` in {}", self.raw))
    }

    /// Whether the result of a call says that it failed.
    #[track_caller]
    pub fn is_error(&self) -> bool {
        self.result()["isError"] == true
    }

    /// All text of a call's result, joined, where the call went well.
    ///
    /// # Panics
    /// Where it did not.
    #[track_caller]
    pub fn text(&self) -> String {
        assert!(!self.is_error(), "expected success, got {}", self.raw);
        self.any_text()
    }

    /// All text of a call's result, joined, where the result says that the call failed.
    ///
    /// # Panics
    /// Where it did not.
    #[track_caller]
    pub fn failure(&self) -> String {
        assert!(self.is_error(), "expected isError, got {}", self.raw);
        self.any_text()
    }

    #[track_caller]
    fn any_text(&self) -> String {
        let content = self.result()["content"].as_array().unwrap_or_else(|| panic!("no content in {}", self.raw));
        content.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n")
    }

    /// The names of the tools in an answer to `tools/list`.
    #[track_caller]
    pub fn tool_names(&self) -> Vec<String> {
        let tools = self.result()["tools"].as_array().unwrap_or_else(|| panic!("no tools in {}", self.raw));
        tools.iter().map(|tool| tool["name"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The definitions in an answer to `tools/list`, byte for byte, each with its name.
    #[track_caller]
    pub fn definitions(&self) -> Vec<(String, String)> {
        let tools = member(self.member("result"), "tools").unwrap_or_else(|| panic!("no tools in {}", self.raw));
        let tools: Vec<&RawValue> = serde_json::from_str(tools).unwrap();
        self.tool_names().into_iter().zip(tools).map(|(name, tool)| (name, tool.get().to_owned())).collect()
    }
}

/// The text of a member of an object, byte for byte.
#[must_use]
pub fn member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let members: HashMap<String, &RawValue> = serde_json::from_str(object).ok()?;
    members.get(name).map(|value| value.get())
}
