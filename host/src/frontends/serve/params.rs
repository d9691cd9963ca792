//! Takes apart what a request brings, so that what goes on is what was looked at.

use gateway_core::{
    error::CallError,
    payload::{Json, Op},
    wire::json::{Members, Object},
};

use super::modern::OF_THIS_HOP;
use crate::gateway::Params;

/// What a request asks for.
#[derive(Debug)]
pub(super) struct Asked {
    /// What is asked.
    pub(super) op: Op,
    /// Of what.
    pub(super) target: Box<str>,
    /// With what.
    pub(super) params: Params,
    /// The client's own token, where it wants progress.
    pub(super) progress_token: Option<Json>,
}

/// What goes by `name` and takes `arguments`.
pub(super) fn named(op: Op, params: Option<Json>) -> Result<Asked, CallError> {
    let params = params.ok_or_else(|| invalid("`params` are missing"))?;
    let members = object(&params, &["name", "arguments", "_meta", "task"])?;
    let name = members.text("name").ok_or_else(|| invalid("`name` has to be a text"))?;
    let arguments = members.part(params.bytes(), "arguments");
    if arguments.as_ref().is_some_and(|arguments| !arguments.is_object()) {
        return Err(invalid("`arguments` have to be an object"));
    }
    let mut asked = asked(op, &name, &params, &members, &["name", "arguments"]);
    asked.params.arguments = arguments;
    Ok(asked)
}

/// What goes by `uri`.
pub(super) fn located(op: Op, params: Option<Json>) -> Result<Asked, CallError> {
    let params = params.ok_or_else(|| invalid("`params` are missing"))?;
    let members = object(&params, &["uri", "_meta"])?;
    let uri = members.text("uri").ok_or_else(|| invalid("`uri` has to be a text"))?;
    Ok(asked(op, &uri, &params, &members, &["uri"]))
}

/// What completes an argument of a prompt or of a template.
pub(super) fn completion(params: Option<Json>) -> Result<Asked, CallError> {
    let params = params.ok_or_else(|| invalid("`params` are missing"))?;
    let members = object(&params, &["ref", "argument", "context", "_meta"])?;
    let reference = members.part(params.bytes(), "ref").ok_or_else(|| invalid("`ref` is missing"))?;
    let named = object(&reference, &["type", "name", "uri"])?;
    let (op, target) = match named.text("type").as_deref() {
        Some("ref/prompt") => (Op::CompletePrompt, named.text("name")),
        Some("ref/resource") => (Op::CompleteResource, named.text("uri")),
        _ => return Err(invalid("`ref.type` has to be `ref/prompt` or `ref/resource`")),
    };
    let target = target.ok_or_else(|| invalid("`ref` has to have a `name` or a `uri`"))?;
    Ok(asked(op, &target, &params, &members, &["ref"]))
}

/// What goes by the id of a task.
pub(super) fn task(method: &str, params: Option<Json>) -> Result<Asked, CallError> {
    let params = params.ok_or_else(|| invalid("`params` are missing"))?;
    let members = object(&params, &["taskId", "inputResponses", "_meta"])?;
    let id = members.text("taskId").ok_or_else(|| invalid("`taskId` has to be a text"))?;
    Ok(asked(Op::Other(method.into()), &id, &params, &members, &[]))
}

/// What is listed in whole: there are no further pages.
pub(super) fn list(params: Option<&Json>) -> Result<(), CallError> {
    let members = params.and_then(|params| Members::read(params.as_bytes()).ok()).unwrap_or_default();
    match members.get("cursor") {
        None => Ok(()),
        Some(cursor) if cursor.get() == "null" => Ok(()),
        Some(_) => Err(invalid("`cursor` is none that was given here")),
    }
}

/// Any other method.
pub(super) fn other(method: &str, params: Option<Json>) -> Result<Asked, CallError> {
    let params = params.unwrap_or(Json::empty_object());
    let members = object(&params, &["_meta"])?;
    Ok(asked(Op::Other(method.into()), "", &params, &members, &[]))
}

fn asked(op: Op, target: &str, params: &Json, members: &Members<'_>, known: &[&str]) -> Asked {
    let (meta, progress_token) = meta(members.part(params.bytes(), "_meta"));
    let further = members.iter().filter(|(name, _)| *name != "_meta" && !known.contains(name));
    let rest = further.map(|(name, value)| (name.into(), Json::part(params.bytes(), value))).collect();
    Asked { op, target: target.into(), params: Params { arguments: None, meta, rest }, progress_token }
}

/// The members of an object. What is read here has to be what the backend reads.
fn object<'p>(params: &'p Json, known: &[&str]) -> Result<Members<'p>, CallError> {
    let members = Members::read(params.as_bytes()).map_err(|_| invalid("`params` have to be an object"))?;
    members.unambiguous(known).map_err(|error| invalid(&error.to_string()))?;
    Ok(members)
}

fn invalid(message: &str) -> CallError {
    CallError::InvalidParams(message.into())
}

/// `_meta` without what belongs to this hop alone, and the client's progress token: towards the backend the gateway has
/// tokens of its own, and says itself who it is.
fn meta(meta: Option<Json>) -> (Option<Json>, Option<Json>) {
    const TOKEN: &str = "progressToken";
    let Some(meta) = meta else { return (None, None) };
    let Ok(members) = Members::read(meta.as_bytes()) else { return (None, None) };
    let token = members.part(meta.bytes(), TOKEN);
    let goes_on = |name: &str| name != TOKEN && !OF_THIS_HOP.contains(&name);
    if members.iter().all(|(name, _)| goes_on(name)) {
        return (Some(meta.clone()), token);
    }
    let mut rest = Object::with_capacity(meta.as_bytes().len());
    let mut empty = true;
    for (name, value) in members.iter().filter(|(name, _)| goes_on(name)) {
        rest.raw(name, value.get().as_bytes());
        empty = false;
    }
    ((!empty).then(|| rest.finish()), token)
}
