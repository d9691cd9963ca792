//! What a client may ask: the only place that knows MCP's methods.
//!
//! `hello` is the handshake, `params` takes apart what a request brings.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use gateway_core::{
    call::Call,
    error::CallError,
    payload::{Json, Op, Reply},
    source::{Client, Dispatch, Kind, LogLevel},
    wire::{
        json::Members,
        message::{Frame, INVALID_PARAMS, Malformed, Message, Outgoing, read},
    },
};
use tokio::sync::oneshot;
use tracing::debug;

use self::params::Asked;
use super::{
    errors,
    exchange::{Exchange, Way},
    session::{Outlet, Session, deliver},
};

mod hello;
mod params;

/// Takes one frame of a client; what belongs to it goes back by `way`. Never waits: what takes time runs in the
/// session's tasks.
pub fn handle(session: &Arc<Session>, frame: &Bytes, way: &Arc<dyn Way>) {
    match read(frame) {
        Ok(Frame::One(message)) => one(session, message, way, Outlet::Direct),
        Ok(Frame::Batch(parts)) => batch(session, parts, way),
        Err(malformed) => refuse(&exchange(session, way), &malformed, Outlet::Direct),
    }
}

/// The answers to a batch go out together (JSON-RPC 2.0, section 6).
fn batch(session: &Arc<Session>, parts: Vec<Result<Message, Malformed>>, way: &Arc<dyn Way>) {
    let mut answers = Vec::new();
    for part in parts {
        let (slot, answer) = oneshot::channel();
        answers.push(answer);
        match part {
            Ok(message) => one(session, message, way, Outlet::Batch(slot)),
            Err(malformed) => refuse(&exchange(session, way), &malformed, Outlet::Batch(slot)),
        }
    }
    let way = way.clone();
    session.tasks().spawn(async move {
        // What wants no answer, or was cancelled, has let its slot go.
        let answers: Vec<_> = join_all(answers).await.into_iter().flatten().collect();
        if !answers.is_empty() {
            way.send(Outgoing::Batch(answers));
        }
    });
}

fn refuse(exchange: &Exchange, malformed: &Malformed, outlet: Outlet) {
    debug!("the client sent what is no message: {malformed}");
    deliver(exchange, outlet, malformed.answer());
}

fn exchange(session: &Arc<Session>, way: &Arc<dyn Way>) -> Arc<Exchange> {
    Arc::new(Exchange::new(session.clone(), session.view(), way.clone()))
}

fn one(session: &Arc<Session>, message: Message, way: &Arc<dyn Way>, outlet: Outlet) {
    match message {
        Message::Request { id, method, params } => request(exchange(session, way), id, &method, params, outlet),
        Message::Notification { method, params } => notification(session, &method, params.as_ref()),
        Message::Response { id, outcome } => session.answered(&id, outcome),
    }
}

fn request(exchange: Arc<Exchange>, id: Json, method: &str, params: Option<Json>, outlet: Outlet) {
    let asked = match method {
        "ping" => return deliver(&exchange, outlet, Outgoing::Result { id, result: Json::empty_object() }),
        "initialize" if exchange.face().scope().is_none() => {
            let answer = hello::initialize(&exchange, id, params.as_ref());
            return deliver(&exchange, outlet, answer);
        }
        "initialize" => {
            let client = exchange.clone();
            let work = async move { hello::initialize_one(&client, id, params.as_ref()).await };
            return exchange.session().clone().start(exchange.clone(), Json::from_value("initialize"), outlet, work);
        }
        "logging/setLevel" => return deliver(&exchange, outlet, set_level(&exchange, id, params.as_ref())),
        "tools/list" => return list(exchange, id, Kind::Tool, outlet),
        "prompts/list" => return list(exchange, id, Kind::Prompt, outlet),
        "resources/list" => return list(exchange, id, Kind::Resource, outlet),
        "resources/templates/list" => return list(exchange, id, Kind::Template, outlet),
        "tools/call" => params::named(Op::CallTool, params),
        "prompts/get" => params::named(Op::GetPrompt, params),
        "resources/read" => params::located(Op::ReadResource, params),
        "resources/subscribe" => params::located(Op::Subscribe, params),
        "resources/unsubscribe" => params::located(Op::Unsubscribe, params),
        "completion/complete" => params::completion(params),
        other => params::other(other, params),
    };
    let (client, key) = (exchange.clone(), id.clone());
    exchange.session().clone().start(exchange, key, outlet, async move {
        let result = match asked {
            Ok(asked) => run(client, asked).await,
            Err(error) => Err(error),
        };
        errors::answer(id, result)
    });
}

/// Runs what was asked, through the guards.
async fn run(exchange: Arc<Exchange>, asked: Asked) -> Result<Reply, CallError> {
    let Asked { op, target, params, progress_token } = asked;
    let face = exchange.face().clone();
    let subscribes = match op {
        Op::Subscribe => Some(true),
        Op::Unsubscribe => Some(false),
        _ => None,
    };
    if let Some(wants) = subscribes {
        // Before it is asked for: the first update may come with the answer.
        for found in face.snapshot().readable(exchange.caller().role, &target) {
            exchange.session().subscribe(found.source.name(), found.local, wants);
        }
    }
    let client: Arc<dyn Client> = exchange.clone();
    let dispatch: Arc<dyn Dispatch> = match face.scope() {
        None => Arc::new(face.clone()),
        // A tool that calls tools knows them by their public names.
        Some(_) => Arc::new(face.gateway().face(client.abilities())),
    };
    let call = Arc::new(Call::root(exchange.caller(), progress_token, client, dispatch));
    face.run(op, &target, params, call).await
}

fn list(exchange: Arc<Exchange>, id: Json, kind: Kind, outlet: Outlet) {
    let client = exchange.clone();
    exchange.session().clone().start(exchange, id.clone(), outlet, async move {
        let asking: Arc<dyn Client> = client.clone();
        match client.face().list(&asking).await {
            Ok(snapshot) => {
                let list = snapshot.list(client.caller().role, kind);
                client.session().told(kind, list.clone());
                Outgoing::Result { id, result: list }
            }
            Err(error) => errors::answer(id, Err(error)),
        }
    });
}

fn set_level(exchange: &Exchange, id: Json, params: Option<&Json>) -> Outgoing {
    #[derive(serde::Deserialize)]
    struct Params {
        level: LogLevel,
    }
    match params.map(Json::to::<Params>) {
        Some(Ok(Params { level })) => {
            exchange.session().set_level(level);
            Outgoing::Result { id, result: Json::empty_object() }
        }
        Some(Err(error)) => Outgoing::error(Some(id), INVALID_PARAMS, &format!("`level` is none: {error}")),
        None => Outgoing::error(Some(id), INVALID_PARAMS, "`params` are missing"),
    }
}

fn notification(session: &Arc<Session>, method: &str, params: Option<&Json>) {
    match method {
        "notifications/cancelled" => {
            let id = params.and_then(|params| Members::read(params.as_bytes()).ok()?.part(params.bytes(), "requestId"));
            if let Some(id) = id {
                session.cancel(&id);
            }
        }
        "notifications/initialized" => debug!("the client is ready"),
        // What a server may want to know, above all that the client's roots have changed.
        _ => {
            let client: Arc<dyn Client> = session.clone();
            session.gateway().tell(&client, method, params);
        }
    }
}
