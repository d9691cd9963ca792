//! How the gateway behaves towards a server that says something by itself.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use gateway_core::{
    call::Call,
    name::SourceName,
    payload::Json,
    source::{Events, Fut, Kind, Told},
    wire::{
        json::{Members, Object},
        message::{INTERNAL_ERROR, METHOD_NOT_FOUND, error_object},
        peer::{Inbound, Skipped},
    },
};
use slab::Slab;
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};
use tracing::{debug, warn};

use super::{
    Settings,
    asking::{Asking, Question},
    hello::Hello,
    whose::Whose,
};

/// How long a person may think about a question of a server.
const QUESTION_LIMIT: Duration = Duration::from_secs(600);

/// How many lines that are no messages are reported as warnings; the rest is for debugging.
const WARNINGS: u64 = 5;

/// By which notification of a server without sessions belongs to which `subscriptions/listen`.
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// The gateway's manners towards one running server.
pub(super) struct Manners {
    name: SourceName,
    whose: Arc<Whose>,
    /// Where it says what it says, in words.
    place: &'static str,
    events: Events,
    /// Known once it has introduced itself.
    hello: OnceLock<Hello>,
    asking: Arc<Asking>,
    changes: Changes,
    acknowledged: watch::Sender<Option<Acknowledged>>,
    /// Calls in flight that want log messages.
    logging: Mutex<Slab<Weak<Call>>>,
    garbage: AtomicU64,
}

/// A `subscriptions/listen` that is being served.
#[derive(Debug, Clone)]
pub(super) struct Acknowledged {
    /// Which request.
    pub(super) id: u64,
    /// What of it.
    pub(super) uris: Vec<String>,
}

/// Which lists have changed since it was last looked.
#[derive(Default)]
struct Changes {
    kinds: Mutex<Vec<Kind>>,
    news: Notify,
}

impl Manners {
    /// Towards the server of these settings, which runs for `whose`.
    pub(super) fn new(settings: &Settings, whose: Arc<Whose>) -> Self {
        Self {
            name: settings.name.clone(),
            whose,
            place: settings.endpoint.place(),
            events: settings.events.clone(),
            hello: OnceLock::new(),
            asking: Arc::default(),
            changes: Changes::default(),
            acknowledged: watch::Sender::new(None),
            logging: Mutex::default(),
            garbage: AtomicU64::new(0),
        }
    }

    /// The server has introduced itself.
    pub(super) fn met(&self, hello: &Hello) {
        let _ = self.hello.set(hello.clone());
    }

    /// For how long questions have been open so far.
    pub(super) fn asked_for(&self) -> Duration {
        self.asking.so_far()
    }

    /// Waits until the server says that lists have changed, and gives which.
    pub(super) async fn lists_changed(&self) -> Vec<Kind> {
        self.changes.news.notified().await;
        std::mem::take(&mut *lock(&self.changes.kinds))
    }

    /// Takes lists for changed.
    pub(super) fn suspect(&self, kinds: impl IntoIterator<Item = Kind>) {
        lock(&self.changes.kinds).extend(kinds);
        self.changes.news.notify_one();
    }

    /// Which `subscriptions/listen` was acknowledged last.
    pub(super) fn acknowledged(&self) -> watch::Receiver<Option<Acknowledged>> {
        self.acknowledged.subscribe()
    }

    /// Whether the server was told that the client has this ability.
    pub(super) fn offers(&self, ability: &str) -> bool {
        self.whose.abilities.has(ability)
    }

    /// A call that wants log messages is in flight for as long as this lives.
    pub(super) fn logs_for(self: &Arc<Self>, call: &Arc<Call>) -> impl Send + use<> {
        let place = lock(&self.logging).insert(Arc::downgrade(call));
        Logging { manners: self.clone(), place }
    }

    fn is_modern(&self) -> bool {
        self.hello.get().is_some_and(|hello| !hello.revision.has_sessions())
    }

    /// Whose log message it is that comes beside all calls: the only client's that has asked for such.
    fn logger(&self) -> Option<Arc<Call>> {
        let logging: Vec<_> = lock(&self.logging).iter().filter_map(|(_, call)| call.upgrade()).collect();
        let (last, others) = logging.split_last()?;
        let (client, session) = (last.client(), last.client().session());
        let is_its = |call: &Arc<Call>| {
            Arc::ptr_eq(call.client(), client) || session.is_some() && call.client().session() == session
        };
        others.iter().all(is_its).then(|| last.clone())
    }

    fn take_acknowledgement(&self, params: Option<&Json>) {
        #[derive(serde::Deserialize, Default)]
        #[serde(rename_all = "camelCase", default)]
        struct Filter {
            resource_subscriptions: Vec<String>,
        }
        #[derive(serde::Deserialize)]
        struct Params {
            #[serde(rename = "_meta")]
            meta: serde_json::Map<String, serde_json::Value>,
            #[serde(default)]
            notifications: Filter,
        }
        let Some(Ok(params)) = params.map(Json::to::<Params>) else { return };
        let id = params.meta.get(SUBSCRIPTION).and_then(|id| id.to_string().trim_matches('"').parse().ok());
        if let Some(id) = id {
            let uris = params.notifications.resource_subscriptions;
            self.acknowledged.send_replace(Some(Acknowledged { id, uris }));
        }
    }

    /// What belongs to no request goes to the session, or to all.
    fn tell(&self, method: &str, params: Option<&Json>) {
        if self.whose.by_turns && !self.is_modern() {
            if let Some(client) = self.whose.client() {
                client.tell(method, params);
            }
            return;
        }
        self.tell_all(method, params);
    }

    fn tell_all(&self, method: &str, params: Option<&Json>) {
        let session = self.whose.session.filter(|_| !self.is_modern());
        let params = params.map(without_subscription);
        self.events.told(Told { source: self.name.clone(), session, method: method.into(), params });
    }
}

/// Without what says on which of our streams it came.
fn without_subscription(params: &Json) -> Json {
    if memchr::memmem::find(params.as_bytes(), SUBSCRIPTION.as_bytes()).is_none() {
        return params.clone();
    }
    let mut rest = Object::with_capacity(params.as_bytes().len());
    for (name, value) in Members::read(params.as_bytes()).unwrap_or_default().iter() {
        if name != "_meta" {
            rest.raw(name, value.get().as_bytes());
            continue;
        }
        let mut meta = Object::with_capacity(value.get().len());
        let members = Members::read(value.get().as_bytes()).unwrap_or_default();
        let others: Vec<_> = members.iter().filter(|(name, _)| *name != SUBSCRIPTION).collect();
        for (name, value) in &others {
            meta.raw(name, value.get().as_bytes());
        }
        if !others.is_empty() {
            rest.raw("_meta", meta.finish().as_bytes());
        }
    }
    rest.finish()
}

impl Inbound for Manners {
    fn question(
        &self,
        method: Box<str>,
        params: Option<Json>,
        during: Option<Arc<Call>>,
    ) -> Fut<'static, Result<Json, Json>> {
        let ability = match &*method {
            "sampling/createMessage" => "sampling",
            "elicitation/create" => "elicitation",
            "roots/list" => "roots",
            _ => return refuse(METHOD_NOT_FOUND, format!("unknown method: {method}")),
        };
        if !self.offers(ability) {
            // A server that asks what it was told it cannot ask has not read our `initialize`.
            warn!(target: "server", server = %self.name, "asked for {method}, which its client does not offer");
            return refuse(METHOD_NOT_FOUND, format!("the client does not offer {ability}"));
        }
        // Whoever made the call is asked; a server whose questions come beside calls has one client.
        let of_call = during.as_ref().map(|call| call.client().clone());
        let Some(client) = of_call.or_else(|| self.whose.client()) else {
            return refuse(INTERNAL_ERROR, "the client is gone".to_owned());
        };
        let open = Question::open(&self.asking);
        Box::pin(async move {
            // The time of those who made the call stands still too.
            let held = during.as_ref().map(|call| call.clock().hold());
            let answer = timeout(QUESTION_LIMIT, client.ask(method, params)).await;
            drop((open, held));
            answer.unwrap_or_else(|_| Err(error_object(INTERNAL_ERROR, "nobody answered in time")))
        })
    }

    fn told(&self, method: &str, params: Option<&Json>, during: Option<&Arc<Call>>) {
        let mut changed = Kind::ALL.into_iter().filter(|kind| kind.changed() == method).peekable();
        if changed.peek().is_some() {
            return self.suspect(changed);
        }
        match (method, during) {
            ("notifications/subscriptions/acknowledged", _) => self.take_acknowledgement(params),
            // Subscriptions are the session's, whatever else was going on; without one they are everybody's.
            ("notifications/resources/updated", _) => self.tell_all(method, params),
            (_, Some(call)) => call.client().tell(method, params),
            ("notifications/message", None) if self.is_modern() => match self.logger() {
                Some(call) => call.client().tell(method, params),
                // With several it is nobody's business whose it is.
                None => debug!(target: "server", server = %self.name, params = ?params, "log message of some call"),
            },
            _ => self.tell(method, params),
        }
    }

    fn skipped(&self, what: &Skipped<'_>) {
        let text = match what {
            Skipped::NoMessage(line, error) => {
                let line: String = String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned();
                format!("wrote {line:?} {}, where MCP belongs: {error}", self.place)
            }
            Skipped::TooLong(limit) => format!("wrote a message of over {limit} bytes"),
            // The usual end of a call that was cancelled.
            Skipped::Answer(id) => return debug!(target: "server", server = %self.name, %id, "answer nobody waits for"),
            other => format!("{other:?}"),
        };
        match self.garbage.fetch_add(1, Ordering::Relaxed) {
            0..WARNINGS => warn!(target: "server", server = %self.name, "{text}"),
            count => debug!(target: "server", server = %self.name, count, "{text}"),
        }
    }
}

/// See [`Manners::logs_for`].
struct Logging {
    manners: Arc<Manners>,
    place: usize,
}

impl Drop for Logging {
    fn drop(&mut self) {
        lock(&self.manners.logging).try_remove(self.place);
    }
}

/// What is behind these locks is never left half-changed, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refuse(code: i32, message: String) -> Fut<'static, Result<Json, Json>> {
    Box::pin(async move { Err(error_object(code, &message)) })
}
