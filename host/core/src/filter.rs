//! What stands between a caller and a tool: it sees the call before the tool does, and the result before the caller does.

use std::sync::Arc;

use crate::{call::Call, error::CallError, name::SourceName, payload::Json, source::Fut};

/// Sees the calls of tools.
///
/// It may hold up a call for as long as its own limits allow; an error of it ends the call, so that nothing passes a
/// filter that could not look.
pub trait Filter: Send + Sync {
    /// Whose filter it is, for messages.
    fn name(&self) -> &SourceName;

    /// Before the tool is called.
    ///
    /// # Errors
    /// Why it could not look.
    fn before<'a>(&'a self, seen: Seen, call: &'a Arc<Call>) -> Fut<'a, Result<Decision, CallError>>;

    /// With what the tool gave: MCP's `CallToolResult`.
    ///
    /// # Errors
    /// Why it could not look.
    fn after<'a>(&'a self, seen: Seen, result: Json, call: &'a Arc<Call>) -> Fut<'a, Result<Verdict, CallError>>;
}

/// A call as a filter sees it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The canonical public name of the tool.
    pub tool: Arc<str>,
    /// Its arguments, a JSON object.
    pub arguments: Json,
    /// The caller's role; `all` where there are no roles.
    pub role: Arc<str>,
}

/// What becomes of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It goes on.
    Proceed,
    /// It goes on with these arguments, a JSON object.
    Rewrite(Json),
    /// It ends here, for this reason.
    Refuse(String),
}

/// What becomes of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Keep,
    /// This takes its place, a JSON object.
    Replace(Json),
    /// Nothing of it reaches the caller, for this reason.
    Withhold(String),
}
