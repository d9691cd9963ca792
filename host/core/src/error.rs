//! Why a call gave no result.

use crate::payload::Json;

/// Why a call gave no result. `frontends/errors.rs` holds the one table that turns these into MCP.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// No such tool, or one that the role may not see: the two are told apart nowhere.
    #[error("unknown tool: {0}")]
    UnknownTool(Box<str>),
    /// No such prompt, or one that the role may not see.
    #[error("unknown prompt: {0}")]
    UnknownPrompt(Box<str>),
    /// No such resource, or one that the role may not read.
    #[error("resource not found: {0}")]
    UnknownResource(Box<str>),
    /// Nothing here knows the method.
    #[error("method not found: {0}")]
    UnknownMethod(Box<str>),
    /// The request itself is malformed; a JSON-RPC error, since no tool ran.
    #[error("{0}")]
    InvalidParams(Box<str>),
    /// The backend answered with a JSON-RPC error, which passes through unchanged.
    #[error("the backend answered with an error: {0}")]
    Backend(Json),
    /// The tool could not be run or broke off. The model is told, as a result with `isError`.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// What went wrong on this side of a tool, said so that the reader can mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What kind of thing it was; decides nothing on the wire.
    pub kind: FailureKind,
    /// One sentence: the thing, then the cause; lower case, no full stop.
    pub message: Box<str>,
    /// What to do about it, with the key of `gateway.yaml` where there is one.
    pub hint: Option<Box<str>>,
}

/// The kinds of [`Failure`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureKind {
    /// The arguments do not fit the tool's schema.
    Arguments,
    /// Something was not granted.
    Denied,
    /// A limit was reached: memory, output, depth, concurrency.
    Limit,
    /// The time ran out.
    Timeout,
    /// The caller cancelled.
    Cancelled,
    /// The backend could not be started or reached, or ended in the middle of the call.
    Unavailable,
    /// The tool itself broke: a trap, an answer that is no MCP.
    Broken,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(kind: FailureKind, message: impl Into<Box<str>>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Box<str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
