//! `subscriptions/listen` (revision 2026-07-28): a request that stays open to hear of changes.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use futures_util::future::join_all;
use gateway_core::{
    call::Call,
    error::CallError,
    name::SourceName,
    payload::{Json, Op},
    source::{Abilities, Client, Fut, Kind, LogLevel, SessionId, Told},
    wire::{
        json::{Members, Object},
        message::Outgoing,
    },
};
use serde_json::{Value, json};
use tokio::{sync::watch, time::timeout};

use super::{
    super::{
        errors::{self, Asking},
        exchange::{Exchange, View, Way},
        session::{
            Session,
            hearing::{Subscriptions, UPDATED, update},
        },
    },
    modern::{SUBSCRIPTION, knows_tasks, needs_tasks},
};
use crate::gateway::{Params, SETTLE};

/// The notification that a task of 2026-07-28 has got on.
const TASK_UPDATED: &str = "notifications/tasks";

/// How long the acknowledgement waits for servers to confirm subscriptions; one that takes longer counts as confirmed.
const CONFIRM_WAIT: Duration = Duration::from_secs(5);

/// How many resources and tasks one request may name.
const MOST: usize = 1000;

/// What a client wants to hear of: `notifications` of the request.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Filter {
    tools_list_changed: bool,
    prompts_list_changed: bool,
    resources_list_changed: bool,
    resource_subscriptions: Option<Vec<Box<str>>>,
    /// Of the tasks extension.
    task_ids: Option<Vec<Box<str>>>,
}

/// A request that stays open.
pub(in super::super) struct Listen {
    id: Json,
    view: Arc<View>,
    way: Arc<dyn Way>,
    kinds: Vec<Kind>,
    tasks: Vec<Box<str>>,
    subscribed: Mutex<Subscriptions>,
    /// The lists as the client could have seen them last.
    listed: Mutex<HashMap<Kind, Json>>,
    /// What came before the acknowledgement, which has to be first.
    early: Mutex<Option<Vec<Outgoing>>>,
}

/// Works on the request until the client cancels it, or the session is closed.
pub(super) async fn run(exchange: Arc<Exchange>, id: Json, params: Option<Json>) -> Outgoing {
    let filter = match filter(params.as_ref()) {
        Ok(filter) => filter,
        Err(error) => return errors::answer(id, Err(error), Asking { modern: true, tool: false }),
    };
    if filter.task_ids.is_some() && !knows_tasks(exchange.view()) {
        return Outgoing::Error { id: Some(id), error: needs_tasks() };
    }
    let client: Arc<dyn Client> = Arc::new(Subscriber(exchange.clone()));
    // A single server may have to be asked what it has; that it cannot be reached shows with its lists.
    let known = exchange.face().introduced(&client).await.unwrap_or_default();
    let offers = |kind: Kind| exchange.face().scope().is_none() || known.declares(kind.capability());
    let listen = Listen::new(&exchange, id.clone(), &filter, offers);
    let open = Open { exchange: exchange.clone(), client, listen: listen.clone() };
    exchange.session().opened(&listen);
    let mut published = exchange.face().published();
    let resources = match &filter.resource_subscriptions {
        None => None,
        Some(uris) => Some(open.subscribe(uris).await),
    };
    listen.acknowledge(&filter, resources.as_deref());
    tokio::select! {
        () = exchange.session().closing().cancelled() => {}
        () = listen.follow(&exchange, &mut published) => {}
    }
    // Nothing more comes after the answer.
    drop(open);
    Outgoing::Result { id, result: listen.ending() }
}

fn filter(params: Option<&Json>) -> Result<Filter, CallError> {
    #[derive(serde::Deserialize)]
    struct Wants {
        notifications: Filter,
    }
    let invalid = |message: String| CallError::InvalidParams(message.into());
    let params = params.ok_or_else(|| invalid("`params` are missing".to_owned()))?;
    let Wants { notifications } =
        params.to().map_err(|error| invalid(format!("`notifications` are wrong: {error}")))?;
    let named = [&notifications.resource_subscriptions, &notifications.task_ids];
    if named.into_iter().flatten().any(|named| named.len() > MOST) {
        return Err(invalid(format!("one request may name {MOST} resources or tasks")));
    }
    Ok(notifications)
}

// === impl Listen ===

impl Listen {
    fn new(exchange: &Exchange, id: Json, filter: &Filter, offers: impl Fn(Kind) -> bool) -> Arc<Self> {
        let wanted = [
            (filter.tools_list_changed, Kind::Tool),
            (filter.prompts_list_changed, Kind::Prompt),
            (filter.resources_list_changed, Kind::Resource),
            (filter.resources_list_changed, Kind::Template),
        ];
        let kinds: Vec<_> =
            wanted.into_iter().filter(|(wants, kind)| *wants && offers(*kind)).map(|(_, kind)| kind).collect();
        let role = exchange.caller().role;
        let snapshot = exchange.face().snapshot();
        let listed = kinds.iter().map(|kind| (*kind, snapshot.list(role, *kind))).collect();
        let (errands, source) = (exchange.session().gateway().errands(), exchange.face().scope());
        let own = |id: &str| source.is_some() || !errands.runners(role, id).is_empty();
        Arc::new(Self {
            id,
            view: exchange.view().clone(),
            way: exchange.way().clone(),
            kinds,
            tasks: filter.task_ids.iter().flatten().filter(|id| own(id)).cloned().collect(),
            subscribed: Mutex::default(),
            listed: Mutex::new(listed),
            early: Mutex::new(Some(Vec::new())),
        })
    }

    /// Whether it is about this resource.
    pub(in super::super) fn wants(&self, resource: &(SourceName, Arc<str>)) -> bool {
        lock(&self.subscribed).contains(resource)
    }

    /// A server says something.
    pub(in super::super) fn hear(&self, told: &Told, session: &Session) {
        let params = match &*told.method {
            UPDATED => update(told, &self.view, session, &lock(&self.subscribed)),
            TASK_UPDATED => self.task(told, session),
            _ => None,
        };
        if let Some(params) = params {
            self.send(&told.method, Some(&params));
        }
    }

    fn task(&self, told: &Told, session: &Session) -> Option<Json> {
        let params = told.params.clone()?;
        let id = Members::read(params.as_bytes()).ok()?.text("taskId")?.into_owned();
        let source = session.gateway().source(told.source.as_str())?;
        let own = match self.view.face.scope() {
            Some(only) => Arc::ptr_eq(&only, &source),
            None => session.gateway().errands().runs(session.access().role, &source, &id),
        };
        (own && self.tasks.iter().any(|task| **task == *id)).then_some(params)
    }

    fn acknowledge(&self, filter: &Filter, resources: Option<&[Box<str>]>) {
        let mut honoured = serde_json::Map::new();
        for (kind, member) in [
            (Kind::Tool, "toolsListChanged"),
            (Kind::Prompt, "promptsListChanged"),
            (Kind::Resource, "resourcesListChanged"),
        ] {
            if self.kinds.contains(&kind) {
                honoured.insert(member.to_owned(), Value::Bool(true));
            }
        }
        if let Some(resources) = resources {
            honoured.insert("resourceSubscriptions".to_owned(), json!(resources));
        }
        if filter.task_ids.is_some() {
            honoured.insert("taskIds".to_owned(), json!(self.tasks));
        }
        let params = Json::from_value(&json!({ "notifications": honoured }));
        let method = "notifications/subscriptions/acknowledged".into();
        let mut early = lock(&self.early);
        self.way.send(Outgoing::Notification { method, params: Some(self.marked(Some(&params))) });
        early.take().into_iter().flatten().for_each(|message| self.way.send(message));
    }

    /// Tells of lists that have changed, for as long as the gateway is there.
    async fn follow(&self, exchange: &Exchange, published: &mut watch::Receiver<u64>) {
        while published.changed().await.is_ok() {
            // What changes together is told together.
            tokio::time::sleep(SETTLE).await;
            published.mark_unchanged();
            let snapshot = exchange.face().snapshot();
            let mut news: Vec<&str> = Vec::new();
            for kind in &self.kinds {
                let list = snapshot.list(exchange.caller().role, *kind);
                let before = lock(&self.listed).insert(*kind, list.clone());
                if before != Some(list) && !news.contains(&kind.changed()) {
                    news.push(kind.changed());
                }
            }
            news.into_iter().for_each(|method| self.send(method, None));
        }
        // Without a gateway nothing is published; the session is closed then.
        std::future::pending::<()>().await;
    }

    fn send(&self, method: &str, params: Option<&Json>) {
        let message = Outgoing::Notification { method: method.into(), params: Some(self.marked(params)) };
        let mut early = lock(&self.early);
        match early.as_mut() {
            Some(early) => early.push(message),
            None => self.way.send(message),
        }
    }

    /// The params with the request that they belong to.
    fn marked(&self, params: Option<&Json>) -> Json {
        let size = params.map_or(0, |params| params.as_bytes().len());
        let members = params.and_then(|params| Members::read(params.as_bytes()).ok()).unwrap_or_default();
        let theirs =
            members.get("_meta").and_then(|meta| Members::read(meta.get().as_bytes()).ok()).unwrap_or_default();
        let mut meta = Object::with_capacity(64);
        meta.raw(SUBSCRIPTION, self.id.as_bytes());
        for (name, value) in theirs.iter().filter(|(name, _)| *name != SUBSCRIPTION) {
            meta.raw(name, value.get().as_bytes());
        }
        let mut marked = Object::with_capacity(size + 64);
        marked.raw("_meta", meta.finish().as_bytes());
        for (name, value) in members.iter().filter(|(name, _)| *name != "_meta") {
            marked.raw(name, value.get().as_bytes());
        }
        marked.finish()
    }

    fn ending(&self) -> Json {
        self.marked(None)
    }
}

/// A request while it is open. Dropped, it is heard of no more, and servers are told so.
struct Open {
    exchange: Arc<Exchange>,
    client: Arc<dyn Client>,
    listen: Arc<Listen>,
}

impl Open {
    /// Subscribes to what can be subscribed to, and gives what that is.
    async fn subscribe(&self, uris: &[Box<str>]) -> Vec<Box<str>> {
        let (face, role) = (self.exchange.face(), self.exchange.caller().role);
        let snapshot = face.snapshot();
        let confirmed = uris.iter().map(|uri| async {
            let found = snapshot.readable(role, uri);
            // Before it is asked for: the first update may come with the answer.
            lock(&self.listen.subscribed).extend(found.iter().map(|at| (at.source.name().clone(), at.local.clone())));
            if found.is_empty() {
                return None;
            }
            match timeout(CONFIRM_WAIT, ask(&self.exchange, &self.client, Op::Subscribe, uri)).await {
                Ok(Err(_)) => {
                    let mut subscribed = lock(&self.listen.subscribed);
                    for at in &found {
                        subscribed.remove(&(at.source.name().clone(), at.local.clone()));
                    }
                    None
                }
                _ => Some(uri.clone()),
            }
        });
        join_all(confirmed).await.into_iter().flatten().collect()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let session = self.exchange.session().clone();
        session.closed(&self.listen);
        let gone: Vec<_> = lock(&self.listen.subscribed)
            .drain()
            .filter(|(source, local)| !session.is_subscribed(source, local))
            .collect();
        if gone.is_empty() {
            return;
        }
        let (exchange, client) = (self.exchange.clone(), self.client.clone());
        session.gateway().tasks().spawn(async move {
            let snapshot = exchange.face().snapshot();
            for (source, local) in gone {
                let source = snapshot.sources().iter().find(|of| *of.name() == source);
                let uri = source.and_then(|source| snapshot.public_uri(exchange.caller().role, source, &local));
                if let Some(uri) = uri {
                    // A server that does not know the subscription has none to end.
                    let _ = ask(&exchange, &client, Op::Unsubscribe, &uri).await;
                }
            }
        });
    }
}

async fn ask(exchange: &Exchange, client: &Arc<dyn Client>, op: Op, uri: &str) -> Result<(), CallError> {
    let call = Call::root(exchange.caller(), None, client.clone(), exchange.view().back().clone());
    exchange.face().run(op, uri, Params::default(), Arc::new(call)).await.map(drop)
}

/// Who subscribes: the session, even where it is there for this request alone.
struct Subscriber(Arc<Exchange>);

impl Client for Subscriber {
    fn abilities(&self) -> &Abilities {
        match self.0.session().is_lasting() {
            true => self.0.abilities(),
            // A server that runs for this request alone would have no news: nobody else uses it.
            false => const { &Abilities::NONE },
        }
    }

    fn session(&self) -> Option<SessionId> {
        Some(self.0.session().id())
    }

    fn lasting(&self) -> Option<Weak<dyn Client>> {
        self.0.lasting()
    }

    fn log_level(&self) -> Option<LogLevel> {
        None
    }

    fn takes_rounds(&self) -> bool {
        self.0.takes_rounds()
    }

    fn progress(&self, _token: &Json, _params: &Json) {}

    fn ask(&self, method: Box<str>, params: Option<Json>) -> Fut<'_, Result<Json, Json>> {
        self.0.ask(method, params)
    }
}

impl fmt::Debug for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listen").field("id", &self.id).field("kinds", &self.kinds).finish_non_exhaustive()
    }
}

/// What is behind these locks is never left half-changed, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
