//! A client that is connected: what it was told, what it asked, what it was asked.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;
use gateway_core::{
    call::Caller,
    name::SourceName,
    payload::Json,
    role::RoleId,
    source::{Abilities, Client, Fut, Kind, LogLevel, SessionId, Told},
    tasks::Tasks,
    wire::{
        json::{Members, Object, replace},
        message::{INTERNAL_ERROR, INVALID_REQUEST, Outgoing, error_object},
        revision::Revision,
    },
};
use tokio::{
    sync::{oneshot, watch},
    task::AbortHandle,
};

use super::exchange::{Exchange, View, Way, progress};
use crate::gateway::{Face, Gateway, SETTLE, hub::Listener};

/// How the gateway introduces itself.
#[derive(Debug, Clone)]
pub struct Identity {
    /// `name` of the configuration.
    pub name: String,
    /// The program's version.
    pub version: &'static str,
}

/// Who is served, and what of the gateway.
#[derive(Debug, Clone)]
pub struct Access {
    /// The role that filters what the client sees.
    pub role: RoleId,
    /// The one source that it sees, under its own names; `None`: all.
    pub scope: Option<Box<str>>,
}

/// A client that is connected. Owner of everything that is known about it alone.
pub struct Session {
    id: SessionId,
    gateway: Arc<Gateway>,
    access: Access,
    identity: Identity,
    view: ArcSwap<View>,
    /// Where what belongs to no request goes.
    way: Arc<dyn Way>,
    /// What it asked and waits for, by its own ids.
    running: Mutex<HashMap<Json, AbortHandle>>,
    /// What it was asked, by our ids.
    asked: Mutex<HashMap<u64, oneshot::Sender<Result<Json, Json>>>>,
    next_id: AtomicU64,
    /// The lists that it was told of last.
    listed: Mutex<HashMap<Kind, Json>>,
    level: Mutex<Option<LogLevel>>,
    /// The resources whose updates it wants, as their sources call them.
    subscribed: Mutex<HashSet<(SourceName, Arc<str>)>>,
    tasks: Tasks,
    /// What goes on as long as the session does; nobody waits for it.
    watchers: Tasks,
    following: Mutex<Option<AbortHandle>>,
}

/// Where the answer to a request goes.
pub(super) enum Outlet {
    /// To the client, at once.
    Direct,
    /// Into the batch that the request came in.
    Batch(oneshot::Sender<Outgoing>),
}

impl Session {
    /// A session of a client that is reached by `way`. `None`: there is no such source as `access` names.
    #[must_use]
    pub fn new(gateway: Arc<Gateway>, access: Access, identity: Identity, way: Arc<dyn Way>) -> Option<Arc<Self>> {
        let face = face(&gateway, &access, &Abilities::NONE)?;
        let view = View { face, abilities: Abilities::NONE, revision: Revision::LATEST, log_level: None };
        let session = Arc::new(Self {
            id: SessionId::new(),
            gateway,
            access,
            identity,
            view: ArcSwap::from_pointee(view),
            way,
            running: Mutex::default(),
            asked: Mutex::default(),
            next_id: AtomicU64::new(1),
            listed: Mutex::default(),
            level: Mutex::default(),
            subscribed: Mutex::default(),
            tasks: Tasks::new(),
            watchers: Tasks::new(),
            following: Mutex::default(),
        });
        let listener: Arc<dyn Listener> = session.clone();
        session.gateway.hub().join(session.id, &listener);
        Some(session)
    }

    /// Its name within the program.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// Who asks when this client asks.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller { role: self.access.role }
    }

    /// Who is served, and what of the gateway.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// The gateway that serves it.
    #[must_use]
    pub fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    /// How the gateway introduces itself.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What runs for it.
    #[must_use]
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// What the gateway is to this client.
    #[must_use]
    pub fn view(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// What the gateway is to a client of these abilities that is let in as this one is.
    pub(super) fn view_of(&self, abilities: Abilities, revision: Revision, log_level: Option<LogLevel>) -> Option<View> {
        let face = face(&self.gateway, &self.access, &abilities)?;
        Some(View { face, abilities, revision, log_level })
    }

    /// The client has introduced itself. From now on it is told of changes.
    pub(super) fn settle(self: &Arc<Self>, view: View) {
        let published = view.face.published();
        self.view.store(Arc::new(view));
        let following = self.watchers.spawn(follow(Arc::downgrade(self), published));
        if let Some(before) = lock(&self.following).replace(following) {
            before.abort();
        }
    }

    /// Sends something that belongs to no request.
    pub fn send(&self, message: Outgoing) {
        self.way.send(message);
    }

    /// Remembers what it was told first. From then on it is told of every change, also of one that it happened to list
    /// already: who waits for the notification must not wait in vain.
    pub(super) fn told(&self, kind: Kind, list: Json) {
        lock(&self.listed).entry(kind).or_insert(list);
    }

    /// The client wants log messages of this level and above.
    pub(super) fn set_level(self: &Arc<Self>, level: LogLevel) {
        *lock(&self.level) = Some(level);
        let client: Arc<dyn Client> = self.clone();
        self.gateway.log_level(&client, level);
    }

    pub(super) fn wanted_level(&self) -> Option<LogLevel> {
        *lock(&self.level)
    }

    /// Whether the client wants this notification: log messages below its level are not for it.
    pub(super) fn wants(&self, method: &str, params: Option<&Json>) -> bool {
        if method != "notifications/message" {
            return true;
        }
        let Some(wanted) = self.wanted_level() else { return true };
        level_of(params).is_none_or(|level| level >= wanted)
    }

    /// The client wants to know of updates of what `source` calls `local`, or no longer.
    pub(super) fn subscribe(&self, source: &SourceName, local: Arc<str>, wants: bool) {
        let mut subscribed = lock(&self.subscribed);
        match wants {
            true => subscribed.insert((source.clone(), local)),
            false => subscribed.remove(&(source.clone(), local)),
        };
    }

    /// Works on a request until it is answered or cancelled.
    pub(super) fn start(
        self: &Arc<Self>,
        exchange: Arc<Exchange>,
        id: Json,
        outlet: Outlet,
        work: impl Future<Output = Outgoing> + Send + 'static,
    ) {
        let (session, key) = (self.clone(), id.clone());
        // The table stays locked until the task is in it: it might be done at once.
        let mut running = lock(&self.running);
        if running.contains_key(&id) {
            drop(running);
            let error = Outgoing::error(Some(id), INVALID_REQUEST, "a request with this id is still running");
            return deliver(&exchange, outlet, error);
        }
        let task = self.tasks.spawn(async move {
            let answer = work.await;
            // Who cancelled does not wait for an answer (MCP, "Cancellation").
            if lock(&session.running).remove(&key).is_some() {
                deliver(&exchange, outlet, answer);
            }
        });
        running.insert(id, task);
    }

    /// The client cancels what it asked: the work is dropped, wherever it is.
    pub(super) fn cancel(&self, id: &Json) {
        if let Some(task) = lock(&self.running).remove(id) {
            task.abort();
        }
    }

    /// Asks the client, and waits for its answer.
    pub(super) fn ask_by<'a>(
        &'a self,
        way: &Arc<dyn Way>,
        method: Box<str>,
        params: Option<Json>,
    ) -> Fut<'a, Result<Json, Json>> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        lock(&self.asked).insert(id, sender);
        way.send(Outgoing::Request { id, method, params });
        let question = Question { session: self, way: way.clone(), id };
        Box::pin(async move {
            let answer = answer.await;
            drop(question);
            answer.unwrap_or_else(|_| Err(error_object(INTERNAL_ERROR, "the client is gone")))
        })
    }

    /// The client answers what it was asked. An answer to nothing is dropped: the question was withdrawn meanwhile.
    pub(super) fn answered(&self, id: &Json, outcome: Result<Json, Json>) {
        let waiting = id.to::<u64>().ok().and_then(|id| lock(&self.asked).remove(&id));
        if let Some(waiting) = waiting {
            let _ = waiting.send(outcome);
        }
    }

    /// Tells the client of what has changed of what its role sees.
    fn news(&self) {
        let snapshot = self.view().face.snapshot();
        let mut news: Vec<&str> = Vec::new();
        for kind in Kind::ALL {
            let list = snapshot.list(self.access.role, kind);
            // Of a kind that was never listed, nothing is known here that could have changed but that it is there now.
            let before = lock(&self.listed).insert(kind, list.clone());
            let changed = before.map_or(snapshot.visible(self.access.role, kind).next().is_some(), |before| before != list);
            if changed && !news.contains(&kind.changed()) {
                news.push(kind.changed());
            }
        }
        for method in news {
            self.send(Outgoing::Notification { method: method.into(), params: None });
        }
    }

    /// The params of `notifications/resources/updated` under the URI that the client knows, where it has subscribed.
    fn update(&self, told: &Told, view: &View) -> Option<Json> {
        let params = told.params.as_ref()?;
        let uri = Members::read(params.as_bytes()).ok()?.text("uri")?;
        // An update may be of a part of what was subscribed to (MCP, "Resources", subscriptions).
        let of = |(source, local): &(SourceName, Arc<str>)| {
            *source == told.source && uri.strip_prefix(&**local).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if !lock(&self.subscribed).iter().any(of) {
            return None;
        }
        let source = self.gateway.sources().iter().find(|source| *source.name() == told.source)?;
        let public = view.face.snapshot().public_uri(self.access.role, source, &uri)?;
        match *public == *uri {
            true => Some(params.clone()),
            false => replace(params, "uri", Json::from_value(&*public).as_bytes()),
        }
    }
}

impl Listener for Session {
    fn hear(&self, told: &Told) {
        let view = self.view();
        if view.face.scope().is_some_and(|source| *source.name() != told.source) {
            return;
        }
        let Some(source) = self.gateway.sources().iter().find(|source| *source.name() == told.source) else { return };
        let params = match &*told.method {
            "notifications/resources/updated" => match self.update(told, &view) {
                Some(params) => Some(params),
                None => return,
            },
            _ => told.params.clone(),
        };
        if view.face.snapshot().sees_source(self.access.role, source) && self.wants(&told.method, params.as_ref()) {
            self.send(Outgoing::Notification { method: told.method.clone(), params });
        }
    }
}

/// The session as a client: for what belongs to no request of it.
impl Client for Session {
    fn abilities(&self) -> &Abilities {
        // Whoever holds a session as a client was told by the exchange that brought it what it can be asked.
        const { &Abilities::NONE }
    }

    fn session(&self) -> Option<SessionId> {
        Some(self.id)
    }

    fn lasting(&self) -> Option<Weak<dyn Client>> {
        None
    }

    fn log_level(&self) -> Option<LogLevel> {
        self.wanted_level()
    }

    fn progress(&self, token: &Json, params: &Json) {
        self.send(progress(token, params));
    }

    fn tell(&self, method: &str, params: Option<&Json>) {
        if self.wants(method, params) {
            self.send(Outgoing::Notification { method: method.into(), params: params.cloned() });
        }
    }

    fn ask(&self, method: Box<str>, params: Option<Json>) -> Fut<'_, Result<Json, Json>> {
        let way = self.way.clone();
        self.ask_by(&way, method, params)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(following) = lock(&self.following).take() {
            following.abort();
        }
        self.gateway.forget(self.id);
    }
}

/// A question that waits for its answer. Dropped before that, it is withdrawn.
struct Question<'a> {
    session: &'a Session,
    way: Arc<dyn Way>,
    id: u64,
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        if lock(&self.session.asked).remove(&self.id).is_some() {
            let mut params = Object::with_capacity(32);
            params.raw("requestId", self.id.to_string().as_bytes());
            let params = Some(params.finish());
            self.way.send(Outgoing::Notification { method: "notifications/cancelled".into(), params });
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.id).field("access", &self.access).finish_non_exhaustive()
    }
}

/// Tells the client whenever what its role sees has changed, for as long as both are there.
async fn follow(session: Weak<Session>, mut published: watch::Receiver<u64>) {
    while published.changed().await.is_ok() {
        // What changes together is told together.
        tokio::time::sleep(SETTLE).await;
        published.mark_unchanged();
        let Some(session) = session.upgrade() else { return };
        session.news();
    }
}

pub(super) fn deliver(exchange: &Exchange, outlet: Outlet, answer: Outgoing) {
    match outlet {
        Outlet::Direct => exchange.send(answer),
        // The batch waits for all its parts.
        Outlet::Batch(slot) => drop(slot.send(answer)),
    }
}

fn face(gateway: &Arc<Gateway>, access: &Access, abilities: &Abilities) -> Option<Face> {
    match &access.scope {
        None => Some(gateway.face(abilities)),
        Some(source) => gateway.face_of(source, abilities),
    }
}

fn level_of(params: Option<&Json>) -> Option<LogLevel> {
    Members::read(params?.as_bytes()).ok()?.get("level").and_then(|raw| serde_json::from_str(raw.get()).ok())
}

/// What is behind these locks is never left half-changed, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
