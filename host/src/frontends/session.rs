//! A client that is connected: what it was told, what it asked, what it was asked.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak, atomic::AtomicU64},
};

use arc_swap::ArcSwap;
use gateway_core::{
    call::Caller,
    payload::Json,
    role::RoleId,
    source::{Abilities, Client, Kind, LogLevel, SessionId},
    tasks::Tasks,
    wire::{
        message::{INVALID_REQUEST, Outgoing},
        revision::Revision,
    },
};
use tokio::{
    sync::{Notify, oneshot},
    task::AbortHandle,
};
use tokio_util::sync::CancellationToken;
use tracing::debug;

pub use self::called::ClientName;
use self::hearing::{Subscriptions, follow};
use super::{
    exchange::{Exchange, LOG_MESSAGE, View, Way, loud_enough},
    serve::Listen,
};
use crate::gateway::{Face, Gateway, hub::Listener, parked::Rounds};

mod asking;
mod called;
pub(super) mod hearing;

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
    /// It lasts longer than one request.
    lasting: bool,
    gateway: Arc<Gateway>,
    access: Access,
    identity: Identity,
    view: ArcSwap<View>,
    /// What the client calls itself.
    called: OnceLock<ClientName>,
    /// Where what belongs to no request goes.
    way: Arc<dyn Way>,
    /// What it asked and waits for, by its own ids.
    running: Mutex<HashMap<Json, Running>>,
    /// What it was asked, by our ids.
    asked: Mutex<HashMap<u64, oneshot::Sender<Result<Json, Json>>>>,
    next_id: AtomicU64,
    /// The lists that it was told of last.
    listed: Mutex<HashMap<Kind, Json>>,
    level: Mutex<Option<LogLevel>>,
    /// The resources whose updates it wants, as their sources call them.
    subscribed: Mutex<Subscriptions>,
    /// Requests that stay open to hear of changes.
    listens: Mutex<Vec<Arc<Listen>>>,
    /// Calls of clients that are asked by answers.
    rounds: Mutex<Vec<Weak<Rounds>>>,
    /// Requests that stay open end with this.
    closing: CancellationToken,
    tasks: Tasks,
    /// What goes on as long as the session does; nobody waits for it.
    watchers: Tasks,
    following: Mutex<Option<AbortHandle>>,
    /// The client has said that it is ready.
    ready: Notify,
}

/// What it asked and waits for.
struct Running {
    task: AbortHandle,
    revocable: bool,
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
        let session = Self::make(gateway, access, identity, way, true)?;
        session.hears();
        Some(session)
    }

    /// What a client is that says with each request who it is (revision 2026-07-28), where nothing but the request
    /// connects it: for one request, which has to be of such a revision.
    #[must_use]
    pub fn for_one_request(
        gateway: Arc<Gateway>,
        access: Access,
        identity: Identity,
        way: Arc<dyn Way>,
    ) -> Option<Arc<Self>> {
        Self::make(gateway, access, identity, way, false)
    }

    fn make(
        gateway: Arc<Gateway>,
        access: Access,
        identity: Identity,
        way: Arc<dyn Way>,
        lasting: bool,
    ) -> Option<Arc<Self>> {
        let face = face(&gateway, &access, &Abilities::NONE)?;
        let view = View::new(face, Abilities::NONE, Revision::LATEST, None);
        Some(Arc::new(Self {
            id: SessionId::new(),
            lasting,
            gateway,
            access,
            identity,
            view: ArcSwap::from_pointee(view),
            called: OnceLock::new(),
            way,
            running: Mutex::default(),
            asked: Mutex::default(),
            next_id: AtomicU64::new(1),
            listed: Mutex::default(),
            level: Mutex::default(),
            subscribed: Mutex::default(),
            listens: Mutex::default(),
            rounds: Mutex::default(),
            closing: CancellationToken::new(),
            tasks: Tasks::new(),
            watchers: Tasks::new(),
            following: Mutex::default(),
            ready: Notify::new(),
        }))
    }

    /// Hears what servers say by themselves from now on.
    pub(super) fn hears(self: &Arc<Self>) {
        let listener: Arc<dyn Listener> = self.clone();
        self.gateway.hub().join(self.id, &listener);
    }

    /// Whether it lasts longer than one request.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        self.lasting
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

    /// Ends what runs for it, without waiting for that.
    pub fn end(&self) {
        self.tasks.stop();
        self.watchers.stop();
    }

    /// What the gateway is to this client.
    #[must_use]
    pub fn view(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// What the gateway is to a client of these abilities that is let in as this one is.
    pub(super) fn view_of(
        &self,
        abilities: Abilities,
        revision: Revision,
        log_level: Option<LogLevel>,
    ) -> Option<View> {
        let face = face(&self.gateway, &self.access, &abilities)?;
        Some(View::new(face, abilities, revision, log_level))
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

    pub(super) fn is_ready(&self) {
        self.ready.notify_one();
    }

    /// Waits until the client has said that it is ready: it has the answer to its `initialize`.
    pub async fn ready(&self) {
        self.ready.notified().await;
    }

    /// Whether the client has introduced itself, once for all of its requests.
    #[must_use]
    pub fn is_introduced(&self) -> bool {
        lock(&self.following).is_some()
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
    pub(super) async fn set_level(self: &Arc<Self>, level: LogLevel) {
        *lock(&self.level) = Some(level);
        let client: Arc<dyn Client> = self.clone();
        self.gateway.log_level(&client, level).await;
    }

    pub(super) fn wanted_level(&self) -> Option<LogLevel> {
        *lock(&self.level)
    }

    /// Whether the client wants this notification: log messages below its level are not for it.
    pub(super) fn wants(&self, method: &str, params: Option<&Json>) -> bool {
        method != LOG_MESSAGE || self.wanted_level().is_none_or(|wanted| loud_enough(wanted, method, params))
    }

    /// Works on a request until it is answered or cancelled.
    pub(super) fn start(
        self: &Arc<Self>,
        exchange: Arc<Exchange>,
        id: Json,
        outlet: Outlet,
        work: impl Future<Output = Outgoing> + Send + 'static,
    ) {
        self.run(exchange, id, outlet, true, work);
    }

    /// The same, for what cannot be cancelled: `initialize` alone (MCP 2025-11-25, "Cancellation").
    pub(super) fn start_for_sure(
        self: &Arc<Self>,
        exchange: Arc<Exchange>,
        id: Json,
        outlet: Outlet,
        work: impl Future<Output = Outgoing> + Send + 'static,
    ) {
        self.run(exchange, id, outlet, false, work);
    }

    fn run(
        self: &Arc<Self>,
        exchange: Arc<Exchange>,
        id: Json,
        outlet: Outlet,
        revocable: bool,
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
        running.insert(id, Running { task, revocable });
    }

    /// The client cancels what it asked: the work is dropped, wherever it is.
    pub(super) fn cancel(&self, id: &Json, reason: Option<&str>) {
        let cancelled = {
            let mut running = lock(&self.running);
            match running.get(id).is_some_and(|running| running.revocable) {
                true => running.remove(id),
                false => None,
            }
        };
        if let Some(cancelled) = cancelled {
            debug!(id = %id, reason, "cancelled by the client");
            cancelled.task.abort();
        }
    }

    /// Requests that stay open end, with an answer.
    pub fn close(&self) {
        self.closing.cancel();
    }

    pub(super) fn closing(&self) -> &CancellationToken {
        &self.closing
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

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.id).field("access", &self.access).finish_non_exhaustive()
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

/// What is behind these locks is never left half-changed, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
