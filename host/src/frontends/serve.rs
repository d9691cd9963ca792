//! What a client may ask: the only place that knows MCP's methods.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use gateway_core::{
    call::Call,
    error::CallError,
    payload::{Json, Reply},
    source::{Abilities, Client, Dispatch},
    wire::{
        json::{Members, Object},
        message::{Frame, INVALID_PARAMS, METHOD_NOT_FOUND, Malformed, Message, Outgoing, read},
        revision::Revision,
    },
};
use rmcp::model::{Implementation, InitializeResult, ServerCapabilities, ToolsCapability};
use tokio::sync::oneshot;
use tracing::debug;

use super::{
    errors,
    session::{Outlet, Session},
};
use crate::gateway::Params;

/// Takes one frame of a client. Never waits: what takes time runs in the session's tasks.
pub fn handle(session: &Arc<Session>, frame: &Bytes) {
    match read(frame) {
        Ok(Frame::One(message)) => one(session, message, Outlet::Direct),
        Ok(Frame::Batch(parts)) => batch(session, parts),
        Err(malformed) => refuse(session, &malformed, Outlet::Direct),
    }
}

/// The answers to a batch go out together (JSON-RPC 2.0, section 6).
fn batch(session: &Arc<Session>, parts: Vec<Result<Message, Malformed>>) {
    let mut answers = Vec::new();
    for part in parts {
        let (slot, answer) = oneshot::channel();
        answers.push(answer);
        match part {
            Ok(message) => one(session, message, Outlet::Batch(slot)),
            Err(malformed) => refuse(session, &malformed, Outlet::Batch(slot)),
        }
    }
    let client = session.clone();
    session.tasks().spawn(async move {
        // What wants no answer, or was cancelled, has let its slot go.
        let answers: Vec<_> = join_all(answers).await.into_iter().flatten().collect();
        if !answers.is_empty() {
            client.send(Outgoing::Batch(answers));
        }
    });
}

fn refuse(session: &Arc<Session>, malformed: &Malformed, outlet: Outlet) {
    debug!("the client sent what is no message: {malformed}");
    session.deliver(outlet, malformed.answer());
}

fn one(session: &Arc<Session>, message: Message, outlet: Outlet) {
    match message {
        Message::Request { id, method, params } => request(session, id, &method, params, outlet),
        Message::Notification { method, params } => notification(session, &method, params.as_ref()),
        Message::Response { id, outcome } => session.answered(&id, outcome),
    }
}

fn request(session: &Arc<Session>, id: Json, method: &str, params: Option<Json>, outlet: Outlet) {
    match method {
        "initialize" => session.deliver(outlet, initialize(session, id, params.as_ref())),
        "ping" => session.deliver(outlet, Outgoing::Result { id, result: Json::empty_object() }),
        "tools/list" => {
            let client = session.clone();
            session.start(id.clone(), outlet, async move {
                let list = client.gateway().list().await.list(client.caller().role);
                client.told(list.clone());
                Outgoing::Result { id, result: list }
            });
        }
        "tools/call" => {
            let client = session.clone();
            session.start(id.clone(), outlet, async move { errors::answer(id, call(client, params).await) });
        }
        _ => {
            let message = format!("Method not found: {method}");
            session.deliver(outlet, Outgoing::error(Some(id), METHOD_NOT_FOUND, &message));
        }
    }
}

fn notification(session: &Session, method: &str, params: Option<&Json>) {
    match method {
        "notifications/cancelled" => {
            let id = params.and_then(|params| Members::read(params.as_bytes()).ok()?.part(params.bytes(), "requestId"));
            if let Some(id) = id {
                session.cancel(&id);
            }
        }
        "notifications/roots/list_changed" => session.gateway().roots_changed(),
        // `initialized`, and whatever a later revision brings: nothing waits for it.
        _ => debug!(method, "notification"),
    }
}

/// The handshake. Reads nothing, starts nothing: a client waits for this answer before it does anything else.
fn initialize(session: &Arc<Session>, id: Json, params: Option<&Json>) -> Outgoing {
    let members = params.and_then(|params| Members::read(params.as_bytes()).ok());
    let Some((members, params)) = members.zip(params) else {
        return Outgoing::error(Some(id), INVALID_PARAMS, "`params` of `initialize` have to be an object");
    };
    let Some(asked) = members.text("protocolVersion") else {
        return Outgoing::error(Some(id), INVALID_PARAMS, "`protocolVersion` is missing");
    };
    let abilities = Abilities::of(members.part(params.bytes(), "capabilities").as_ref());
    session.gateway().mirror(&abilities, &(session.clone() as Arc<dyn Client>));
    let identity = session.identity();
    let mut tools = ToolsCapability::default();
    tools.list_changed = Some(true);
    let mut capabilities = ServerCapabilities::default();
    capabilities.tools = Some(tools);
    let info = Implementation::new(identity.name.clone(), identity.version);
    let result = Json::from_value(&InitializeResult::new(capabilities).with_server_info(info));
    // The model's own list of revisions ends where its release did; ours is the one that counts.
    let version = Json::from_value(Revision::negotiate(&asked).as_str());
    let result = gateway_core::wire::json::replace(&result, "protocolVersion", version.as_bytes()).unwrap_or(result);
    Outgoing::Result { id, result }
}

async fn call(session: Arc<Session>, params: Option<Json>) -> Result<Reply, CallError> {
    let invalid = |message: String| CallError::InvalidParams(message.into());
    let params = params.ok_or_else(|| invalid("`params` are missing".to_owned()))?;
    let members = Members::read(params.as_bytes()).map_err(|_| invalid("`params` have to be an object".to_owned()))?;
    // What is read here has to be what the backend reads.
    members.unambiguous(&["name", "arguments", "_meta", "task"]).map_err(|error| invalid(error.to_string()))?;
    let name = members.text("name").ok_or_else(|| invalid("`name` has to be a text".to_owned()))?;
    let arguments = members.part(params.bytes(), "arguments");
    if arguments.as_ref().is_some_and(|arguments| !arguments.is_object()) {
        return Err(invalid("`arguments` have to be an object".to_owned()));
    }
    let (meta, token) = meta(members.part(params.bytes(), "_meta"));
    let further = |name: &str| !matches!(name, "name" | "arguments" | "_meta");
    let rest = members.iter().filter(|(name, _)| further(name));
    let rest = rest.map(|(name, value)| (name.into(), Json::part(params.bytes(), value))).collect();
    let gateway = session.gateway().clone();
    let caller = session.caller();
    let call = Arc::new(Call::root(caller, token, session, gateway.clone() as Arc<dyn Dispatch>));
    gateway.run(&name, Params { arguments, meta, rest }, call).await
}

/// `_meta` without the client's progress token, and the token: towards the backend the gateway has tokens of its own.
fn meta(meta: Option<Json>) -> (Option<Json>, Option<Json>) {
    let Some(meta) = meta else { return (None, None) };
    let Ok(members) = Members::read(meta.as_bytes()) else { return (None, None) };
    let Some(token) = members.part(meta.bytes(), "progressToken") else { return (Some(meta.clone()), None) };
    let mut rest = Object::with_capacity(meta.as_bytes().len());
    let mut empty = true;
    for (name, value) in members.iter().filter(|(name, _)| *name != "progressToken") {
        rest.raw(name, value.get().as_bytes());
        empty = false;
    }
    ((!empty).then(|| rest.finish()), Some(token))
}
