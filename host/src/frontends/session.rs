//! A client that is connected: what it was told, what it asked, what it was asked.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use gateway_core::{
    call::Caller,
    payload::Json,
    role::RoleId,
    source::{Client, Fut},
    tasks::Tasks,
    wire::{
        json::{Members, Object},
        message::{INTERNAL_ERROR, INVALID_REQUEST, Outgoing, error_object},
    },
};
use tokio::{
    sync::{mpsc, oneshot},
    task::AbortHandle,
};

use crate::gateway::{Gateway, SETTLE};

/// How the gateway introduces itself.
#[derive(Debug, Clone)]
pub struct Identity {
    /// `name` of the configuration.
    pub name: String,
    /// The program's version.
    pub version: &'static str,
}

/// A client that is connected. Owner of everything that is known about it alone.
pub struct Session {
    gateway: Arc<Gateway>,
    role: RoleId,
    identity: Identity,
    outbox: mpsc::UnboundedSender<Outgoing>,
    /// What it asked and waits for, by its own ids.
    running: Mutex<HashMap<Json, AbortHandle>>,
    /// What it was asked, by our ids.
    asked: Mutex<HashMap<u64, oneshot::Sender<Result<Json, Json>>>>,
    next_id: AtomicU64,
    /// The list that it was told of last.
    listed: Mutex<Option<Json>>,
    tasks: Tasks,
}

/// Where the answer to a request goes.
pub(super) enum Outlet {
    /// To the client, at once.
    Direct,
    /// Into the batch that the request came in.
    Batch(oneshot::Sender<Outgoing>),
}

impl Session {
    /// A session under `role`. What is to be sent to the client comes out of the receiver.
    #[must_use]
    pub fn new(
        gateway: Arc<Gateway>,
        role: RoleId,
        identity: Identity,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Outgoing>) {
        let (outbox, outgoing) = mpsc::unbounded_channel();
        let session = Self {
            gateway,
            role,
            identity,
            outbox,
            running: Mutex::default(),
            asked: Mutex::default(),
            next_id: AtomicU64::new(1),
            listed: Mutex::default(),
            tasks: Tasks::new(),
        };
        (Arc::new(session), outgoing)
    }

    /// Who asks when this client asks.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller { role: self.role }
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

    /// Sends something. Never waits; what is sent to a client that is gone goes nowhere.
    pub fn send(&self, message: Outgoing) {
        let _ = self.outbox.send(message);
    }

    /// Remembers what it was told first. From then on it is told of every change, also of one that it happened to list
    /// already: who waits for the notification must not wait in vain.
    pub(super) fn told(&self, list: Json) {
        lock(&self.listed).get_or_insert(list);
    }

    /// Works on a request until it is answered or cancelled.
    pub(super) fn start(
        self: &Arc<Self>,
        id: Json,
        outlet: Outlet,
        work: impl Future<Output = Outgoing> + Send + 'static,
    ) {
        let (session, key) = (self.clone(), id.clone());
        // The table stays locked until the task is in it: it might be done at once.
        let mut running = lock(&self.running);
        if running.contains_key(&id) {
            drop(running);
            self.deliver(outlet, Outgoing::error(Some(id), INVALID_REQUEST, "a request with this id is still running"));
            return;
        }
        let task = self.tasks.spawn(async move {
            let answer = work.await;
            // Who cancelled does not wait for an answer (MCP, "Cancellation").
            if lock(&session.running).remove(&key).is_some() {
                session.deliver(outlet, answer);
            }
        });
        running.insert(id, task);
    }

    pub(super) fn deliver(&self, outlet: Outlet, answer: Outgoing) {
        match outlet {
            Outlet::Direct => self.send(answer),
            // The batch waits for all its parts.
            Outlet::Batch(slot) => drop(slot.send(answer)),
        }
    }

    /// The client cancels what it asked: the work is dropped, wherever it is.
    pub(super) fn cancel(&self, id: &Json) {
        if let Some(task) = lock(&self.running).remove(id) {
            task.abort();
        }
    }

    /// The client answers what it was asked. An answer to nothing is dropped: the question was withdrawn meanwhile.
    pub(super) fn answered(&self, id: &Json, outcome: Result<Json, Json>) {
        let waiting = id.to::<u64>().ok().and_then(|id| lock(&self.asked).remove(&id));
        if let Some(waiting) = waiting {
            let _ = waiting.send(outcome);
        }
    }

    /// Tells the client whenever what its role sees has changed, for as long as the gateway lives.
    pub async fn follow(self: Arc<Self>) {
        let mut published = self.gateway.published();
        while published.changed().await.is_ok() {
            // What changes together is told together.
            tokio::time::sleep(SETTLE).await;
            published.mark_unchanged();
            let list = self.gateway.snapshot().list(self.role);
            let changed = lock(&self.listed).replace(list.clone()).as_ref() != Some(&list);
            if changed {
                self.send(Outgoing::Notification { method: "notifications/tools/list_changed".into(), params: None });
            }
        }
    }
}

impl Client for Session {
    fn progress(&self, token: &Json, params: &Json) {
        let mut object = Object::with_capacity(params.as_bytes().len() + token.as_bytes().len() + 32);
        object.raw("progressToken", token.as_bytes());
        for (name, value) in Members::read(params.as_bytes()).unwrap_or_default().iter() {
            object.raw(name, value.get().as_bytes());
        }
        self.send(Outgoing::Notification { method: "notifications/progress".into(), params: Some(object.finish()) });
    }

    fn ask(&self, method: Box<str>, params: Option<Json>) -> Fut<'_, Result<Json, Json>> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        lock(&self.asked).insert(id, sender);
        self.send(Outgoing::Request { id, method, params });
        let question = Question { session: self, id };
        Box::pin(async move {
            let answer = answer.await;
            drop(question);
            answer.unwrap_or_else(|_| Err(error_object(INTERNAL_ERROR, "the client is gone")))
        })
    }
}

/// A question that waits for its answer. Dropped before that, it is withdrawn.
struct Question<'a> {
    session: &'a Session,
    id: u64,
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        if lock(&self.session.asked).remove(&self.id).is_some() {
            let mut params = Object::with_capacity(32);
            params.raw("requestId", self.id.to_string().as_bytes());
            let params = Some(params.finish());
            self.session.send(Outgoing::Notification { method: "notifications/cancelled".into(), params });
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("role", &self.role).finish_non_exhaustive()
    }
}

/// What is behind these locks is never left half-changed, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
