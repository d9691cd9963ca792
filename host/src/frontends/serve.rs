//! What a client may ask: the only place that knows MCP's methods.
//!
//! * `hello`: how the gateway introduces itself. `modern`: who asks, where each request says so.
//! * `params` takes apart what a request brings; `dialect` gives a result the form that the client's revision wants.
//! * `rounds`: calls of clients that are asked by answers. `listen`: requests that stay open.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use gateway_core::{
    call::Call,
    error::CallError,
    payload::{Json, Op, Reply},
    source::{Client, Kind, LogLevel},
    wire::{
        json::Members,
        message::{Frame, INVALID_PARAMS, Malformed, Message, Outgoing, read},
    },
};
use tokio::sync::oneshot;
use tracing::debug;

pub(super) use self::listen::Listen;
use self::params::Asked;
use super::{
    errors::{self, Asking},
    exchange::{Exchange, Way},
    session::{Outlet, Session, deliver},
};

mod dialect;
mod hello;
mod listen;
mod modern;
mod params;
mod rounds;

/// Takes one frame of a client; what belongs to it goes back by `way`. Never waits: what takes time runs in the
/// session's tasks.
pub fn handle(session: &Arc<Session>, frame: &Bytes, way: &Arc<dyn Way>) {
    take(session, read(frame), way);
}

/// Takes a frame that was read already.
pub fn take(session: &Arc<Session>, frame: Result<Frame, Malformed>, way: &Arc<dyn Way>) {
    match frame {
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
        Message::Request { id, method, params } => match modern::view(session, params.as_ref()) {
            Ok(view) => {
                let exchange = Arc::new(Exchange::new(session.clone(), view, way.clone()));
                request(exchange, id, &method, params, outlet);
            }
            Err(error) => deliver(&exchange(session, way), outlet, Outgoing::Error { id: Some(id), error }),
        },
        Message::Notification { method, params } => notification(session, &method, params.as_ref()),
        Message::Response { id, outcome } => session.answered(&id, outcome),
    }
}

fn request(exchange: Arc<Exchange>, id: Json, method: &str, params: Option<Json>, outlet: Outlet) {
    let modern = exchange.view().is_modern();
    let asked = match method {
        // What the one knows and the other does not is passed on to nobody: it belongs to this hop.
        "ping"
        | "initialize"
        | "logging/setLevel"
        | "resources/subscribe"
        | "resources/unsubscribe"
        | "tasks/list"
        | "tasks/result"
            if modern =>
        {
            Err(CallError::UnknownMethod(method.into()))
        }
        "server/discover" if !modern => {
            let error = modern::incomplete(&[modern::VERSION, modern::CAPABILITIES]);
            return deliver(&exchange, outlet, Outgoing::Error { id: Some(id), error });
        }
        "subscriptions/listen" | "tasks/update" if !modern => Err(CallError::UnknownMethod(method.into())),
        "ping" => return deliver(&exchange, outlet, Outgoing::Result { id, result: Json::empty_object() }),
        "initialize" if exchange.face().scope().is_none() => {
            let answer = hello::initialize(&exchange, id, params.as_ref());
            return deliver(&exchange, outlet, answer);
        }
        "initialize" => {
            let (client, key) = (exchange.clone(), id.clone());
            let work = async move { hello::initialize_one(&client, id, params.as_ref()).await };
            return exchange.session().clone().start_for_sure(exchange, key, outlet, work);
        }
        "server/discover" => {
            let (client, key) = (exchange.clone(), id.clone());
            let work = async move { dialect::fit(hello::discover(&client, id).await, true, true) };
            return exchange.session().clone().start(exchange, key, outlet, work);
        }
        "subscriptions/listen" => {
            let work = listen::run(exchange.clone(), id.clone(), params);
            let work = async move { dialect::fit(work.await, true, false) };
            return exchange.session().clone().start(exchange, id, outlet, work);
        }
        "logging/setLevel" => return set_level(exchange, id, params.as_ref(), outlet),
        "tools/list" => return list(exchange, id, Kind::Tool, params, outlet),
        "prompts/list" => return list(exchange, id, Kind::Prompt, params, outlet),
        "resources/list" => return list(exchange, id, Kind::Resource, params, outlet),
        "resources/templates/list" => return list(exchange, id, Kind::Template, params, outlet),
        "tasks/get" | "tasks/update" | "tasks/cancel" if modern && !modern::knows_tasks(exchange.view()) => {
            return deliver(&exchange, outlet, Outgoing::Error { id: Some(id), error: modern::needs_tasks() });
        }
        "tasks/get" | "tasks/result" | "tasks/cancel" | "tasks/update" => params::task(method, params),
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
        let reads = matches!(&asked, Ok(Asked { op: Op::ReadResource, .. }));
        let tool = matches!(&asked, Ok(Asked { op: Op::CallTool, .. }));
        let result = match asked {
            Ok(asked) => run(client, asked).await,
            Err(error) => Err(error),
        };
        dialect::fit(errors::answer(id, result, Asking { modern, tool }), modern, reads)
    });
}

/// Runs what was asked, through the guards.
async fn run(exchange: Arc<Exchange>, asked: Asked) -> Result<Reply, CallError> {
    match &asked.op {
        Op::CallTool | Op::GetPrompt | Op::ReadResource if exchange.view().is_modern() => {
            return Box::pin(rounds::run(exchange, asked)).await;
        }
        // In boxes, since they are rare, and every call would have to be as large as they are.
        Op::Subscribe => return Box::pin(subscribe(exchange, asked, true)).await,
        Op::Unsubscribe => return Box::pin(subscribe(exchange, asked, false)).await,
        _ => {}
    }
    let client: Arc<dyn Client> = exchange.clone();
    let call = Call::root(exchange.caller(), asked.progress_token, client, exchange.view().back().clone());
    match &asked.op {
        Op::Other(method) if **method == *"tasks/list" => {
            Box::pin(exchange.face().errands(asked.params, Arc::new(call))).await
        }
        _ => exchange.face().run(asked.op, &asked.target, asked.params, Arc::new(call)).await,
    }
}

async fn subscribe(exchange: Arc<Exchange>, asked: Asked, wants: bool) -> Result<Reply, CallError> {
    let Asked { op, target, params, progress_token } = asked;
    let snapshot = exchange.face().snapshot();
    let found = snapshot.readable(exchange.caller().role, &target);
    let set = |wants| {
        let session = exchange.session();
        found.iter().for_each(|at| session.subscribe(at.source.name(), at.local.clone(), wants));
    };
    // Before it is asked for: the first update may come with the answer.
    set(wants);
    if !wants
        && found.iter().all(|at| exchange.session().is_subscribed(at.source.name(), &at.local))
        && !found.is_empty()
    {
        // A request that is still open listens on.
        return Ok(Reply { body: Json::empty_object() });
    }
    let client: Arc<dyn Client> = exchange.clone();
    let call = Call::root(exchange.caller(), progress_token, client, exchange.view().back().clone());
    let result = exchange.face().run(op, &target, params, Arc::new(call)).await;
    if result.is_err() {
        set(false);
    }
    result
}

fn list(exchange: Arc<Exchange>, id: Json, kind: Kind, params: Option<Json>, outlet: Outlet) {
    let client = exchange.clone();
    exchange.session().clone().start(exchange, id.clone(), outlet, async move {
        let modern = client.view().is_modern();
        let asking: Arc<dyn Client> = client.clone();
        let listed = match params::list(params.as_ref()) {
            Ok(()) => client.face().list(&asking).await,
            Err(error) => Err(error),
        };
        let answer = match listed {
            Ok(snapshot) => {
                let list = snapshot.list(client.caller().role, kind);
                client.session().told(kind, list.clone());
                Outgoing::Result { id, result: list }
            }
            Err(error) => errors::answer(id, Err(error), Asking { modern, tool: false }),
        };
        dialect::fit(answer, modern, true)
    });
}

/// Answered when the servers that run have heard it: what the client asks next is logged as it wants.
fn set_level(exchange: Arc<Exchange>, id: Json, params: Option<&Json>, outlet: Outlet) {
    #[derive(serde::Deserialize)]
    struct Params {
        level: LogLevel,
    }
    let level = match params.map(Json::to::<Params>) {
        Some(Ok(Params { level })) => level,
        wrong => {
            let message = match wrong {
                Some(Err(error)) => format!("`level` is none: {error}"),
                _ => "`params` are missing".to_owned(),
            };
            return deliver(&exchange, outlet, Outgoing::error(Some(id), INVALID_PARAMS, &message));
        }
    };
    let session = exchange.session().clone();
    session.clone().start(exchange, id.clone(), outlet, async move {
        session.set_level(level).await;
        Outgoing::Result { id, result: Json::empty_object() }
    });
}

fn notification(session: &Arc<Session>, method: &str, params: Option<&Json>) {
    match method {
        "notifications/cancelled" => {
            let Some(params) = params else { return };
            let members = Members::read(params.as_bytes()).unwrap_or_default();
            if let Some(id) = members.part(params.bytes(), "requestId") {
                session.cancel(&id, members.text("reason").as_deref());
            }
        }
        "notifications/initialized" => session.is_ready(),
        // What a server may want to know, above all that the client's roots have changed.
        _ => {
            let client: Arc<dyn Client> = session.clone();
            session.view().face.tell(session.caller().role, &client, method, params);
        }
    }
}
