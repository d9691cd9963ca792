//! Who asks, where each request says so (revision 2026-07-28): the `io.modelcontextprotocol/` members of its `_meta`.

use std::sync::Arc;

use gateway_core::{
    payload::Json,
    source::{Abilities, LogLevel},
    wire::{
        json::Members,
        message::{INVALID_PARAMS, error_object},
        revision::{REVISIONS, Revision},
    },
};
use serde_json::json;

use super::super::{exchange::View, session::Session};

pub(super) const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
pub(super) const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
pub(super) const CLIENT: &str = "io.modelcontextprotocol/clientInfo";
pub(super) const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
pub(super) const SERVER: &str = "io.modelcontextprotocol/serverInfo";
pub(super) const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// The extension by which tools make tasks.
pub(super) const TASKS: &str = "io.modelcontextprotocol/tasks";

/// What belongs to the way between a client and whom it speaks to, and goes no further.
pub(super) const OF_THIS_HOP: [&str; 5] = [VERSION, CAPABILITIES, CLIENT, LOG_LEVEL, SUBSCRIPTION];

/// The server speaks other revisions (MCP 2026-07-28, "Error Codes").
const UNSUPPORTED_VERSION: i32 = -32022;
/// The client has not declared what the request needs.
const MISSING_CAPABILITY: i32 = -32021;

/// What the gateway is to whoever sends these `params`: what it was told by `initialize`, or what the request says.
///
/// # Errors
/// The error object to answer.
pub(super) fn view(session: &Arc<Session>, params: Option<&Json>) -> Result<Arc<View>, Json> {
    // Most clients have said who they are. Without its slash, which JSON may write in two ways.
    const MARK: &[u8] = b"protocolVersion";
    let marked = params.filter(|params| memchr::memmem::find(params.as_bytes(), MARK).is_some());
    let Some(params) = marked else { return before(session) };
    let members = Members::read(params.as_bytes()).unwrap_or_default();
    let Some(meta) = members.part(params.bytes(), "_meta") else { return before(session) };
    let fields = Members::read(meta.as_bytes()).unwrap_or_default();
    if fields.get(VERSION).is_none() {
        return before(session);
    }
    let known = [VERSION, CAPABILITIES, LOG_LEVEL];
    fields.unambiguous(&known).map_err(|error| invalid(&error.to_string()))?;
    let asked = fields.text(VERSION).ok_or_else(|| incomplete(&[VERSION]))?;
    let revision = Revision::named(&asked).ok_or_else(|| unsupported(&asked))?;
    if revision.has_initialize() {
        return match session.is_lasting() {
            true => Ok(session.view()),
            false => Err(invalid(&format!("revision {asked} begins with `initialize`"))),
        };
    }
    let capabilities = fields.part(meta.bytes(), CAPABILITIES).filter(Json::is_object);
    let capabilities = capabilities.ok_or_else(|| incomplete(&[CAPABILITIES]))?;
    let level = match fields.get(LOG_LEVEL) {
        None => None,
        Some(level) => {
            let read: Result<LogLevel, _> = serde_json::from_str(level.get());
            Some(read.map_err(|error| invalid(&format!("`{LOG_LEVEL}` is none: {error}")))?)
        }
    };
    let view = session.view_of(Abilities::of(Some(&capabilities)), revision, level);
    view.map(Arc::new).ok_or_else(|| invalid("there is no such server"))
}

/// What holds for a request that does not say who sends it.
fn before(session: &Arc<Session>) -> Result<Arc<View>, Json> {
    match session.is_lasting() {
        true => Ok(session.view()),
        false => Err(incomplete(&[VERSION, CAPABILITIES])),
    }
}

/// A request has to say who sends it, and does not.
pub(super) fn incomplete(missing: &[&str]) -> Json {
    invalid(&format!("`_meta` of the request lacks or misstates {}", missing.join(", ")))
}

/// A client of this request needs to have declared the tasks extension.
pub(super) fn needs_tasks() -> Json {
    let required = json!({ "extensions": { TASKS: {} } });
    Json::from_value(&json!({
        "code": MISSING_CAPABILITY,
        "message": "Missing required client capability",
        "data": { "requiredCapabilities": required },
    }))
}

/// Whether the client understands the tasks extension.
pub(super) fn knows_tasks(view: &View) -> bool {
    let declared: Result<serde_json::Value, _> = view.abilities.capabilities().to();
    declared.is_ok_and(|declared| declared["extensions"].get(TASKS).is_some())
}

/// The revisions, newest first.
pub(super) fn supported() -> Vec<&'static str> {
    REVISIONS.iter().rev().map(|revision| revision.as_str()).collect()
}

fn unsupported(asked: &str) -> Json {
    Json::from_value(&json!({
        "code": UNSUPPORTED_VERSION,
        "message": "Unsupported protocol version",
        "data": { "supported": supported(), "requested": asked },
    }))
}

fn invalid(message: &str) -> Json {
    error_object(INVALID_PARAMS, message)
}
