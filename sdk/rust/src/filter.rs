//! A plugin that sees the calls of other tools: before they run, and what they gave.

use std::fmt::Display;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A function with `#[filter]` that is called `before`.
pub trait Before {
    /// Looks at a call.
    const RUN: fn(&ToolCall) -> Decision;
}

/// A function with `#[filter]` that is called `after`.
pub trait After {
    /// Looks at a result.
    const RUN: fn(&ToolCall, ToolResultJson) -> Verdict;
}

/// A call of another tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// The public name of the tool, such as `github__create_issue`.
    pub name: String,
    /// The role of the caller; `all` where there are no roles.
    pub role: String,
    /// The text of a JSON object; in `after` that which the tool was really called with.
    pub arguments: String,
}

/// What the tool gave: the JSON text of MCP's `CallToolResult`, nothing left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolResultJson(String);

/// What becomes of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It goes on as it is.
    Proceed,
    /// It goes on with these arguments, the text of a JSON object. [`Decision::rewrite`] makes one of a value.
    Rewrite(String),
    /// It ends here; the text is the reason, for the model to read.
    Refuse(String),
}

/// What becomes of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on as it is.
    Keep,
    /// This takes its place, the text of a JSON object (MCP's `CallToolResult`). [`Verdict::replace`] makes one of a
    /// value.
    Replace(String),
    /// The caller gets nothing of it; the text is the reason, for the model to read.
    Withhold(String),
}

/// What the function `before` may return: a [`Decision`], or a `Result` of one, whose error refuses the call.
#[diagnostic::on_unimplemented(
    message = "`before` cannot return `{Self}`",
    label = "does not say what becomes of the call",
    note = "return a `Decision` or a `Result<Decision, E>`"
)]
pub trait DecisionOutput {
    /// What becomes of the call.
    fn into_decision(self) -> Decision;
}

/// What the function `after` may return: a [`Verdict`], or a `Result` of one, whose error withholds the result.
#[diagnostic::on_unimplemented(
    message = "`after` cannot return `{Self}`",
    label = "does not say what becomes of the result",
    note = "return a `Verdict` or a `Result<Verdict, E>`"
)]
pub trait VerdictOutput {
    /// What becomes of the result.
    fn into_verdict(self) -> Verdict;
}

// === impl ToolCall ===

impl ToolCall {
    /// A call, for a unit test of a filter.
    ///
    /// # Errors
    ///
    /// The arguments have no JSON form.
    pub fn new<A: Serialize + ?Sized>(name: &str, role: &str, arguments: &A) -> Result<Self, serde_json::Error> {
        let arguments = serde_json::to_string(arguments)?;
        Ok(Self { name: name.to_owned(), role: role.to_owned(), arguments })
    }

    /// The arguments as a `T`.
    ///
    /// # Errors
    ///
    /// They are no `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.arguments)
    }
}

// === impl ToolResultJson ===

impl ToolResultJson {
    /// A result by its JSON text.
    pub fn new(json: impl Into<String>) -> Self {
        Self(json.into())
    }

    /// The JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The result as a `T`, such as [`serde_json::Value`]. Numbers that `T` cannot hold are not what they were: where all
    /// that is not looked at has to stay as it is, change the text.
    ///
    /// # Errors
    ///
    /// It is no `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }
}

// === impl Decision ===

impl Decision {
    /// The call goes on with these arguments, a value that makes a JSON object. One that has no JSON form refuses it.
    pub fn rewrite<T: Serialize + ?Sized>(arguments: &T) -> Self {
        match serde_json::to_string(arguments) {
            Ok(json) => Self::Rewrite(json),
            Err(error) => Self::Refuse(format!("the new arguments have no JSON form: {error}")),
        }
    }

    /// The call ends here, for this reason.
    pub fn refuse(reason: impl Into<String>) -> Self {
        Self::Refuse(reason.into())
    }
}

impl DecisionOutput for Decision {
    fn into_decision(self) -> Decision {
        self
    }
}

impl<E: Display> DecisionOutput for Result<Decision, E> {
    fn into_decision(self) -> Decision {
        self.unwrap_or_else(|error| Decision::Refuse(error.to_string()))
    }
}

// === impl Verdict ===

impl Verdict {
    /// This value, which makes a JSON object, takes the place of the result. One that has no JSON form withholds it.
    pub fn replace<T: Serialize + ?Sized>(result: &T) -> Self {
        match serde_json::to_string(result) {
            Ok(json) => Self::Replace(json),
            Err(error) => Self::Withhold(format!("the new result has no JSON form: {error}")),
        }
    }

    /// The caller gets nothing of the result, for this reason.
    pub fn withhold(reason: impl Into<String>) -> Self {
        Self::Withhold(reason.into())
    }
}

impl VerdictOutput for Verdict {
    fn into_verdict(self) -> Verdict {
        self
    }
}

impl<E: Display> VerdictOutput for Result<Verdict, E> {
    fn into_verdict(self) -> Verdict {
        self.unwrap_or_else(|error| Verdict::Withhold(error.to_string()))
    }
}
