//! Streamable HTTP: every message is a POST, and what comes back is its answer, or a stream on which the answer comes
//! last. What the server says by itself comes on a GET.

pub(super) mod body;
pub(super) mod dial;
pub(super) mod headers;
mod listen;
mod post;
mod resolve;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use gateway_core::{
    payload::Json,
    wire::{
        json::Members,
        message::{self, Frame, Message, Outgoing},
        peer::{Intake, RequestError},
    },
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tokio::{task::AbortHandle, time::timeout};
use tracing::debug;

use self::headers::Promoted;
use super::remote::{Carry, Parts};

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");

/// The first revision without sessions, with headers that say what the body says.
const MODERN: &str = "2026-07-28";

/// How long a server may take to take note of something.
const NOTE: Duration = Duration::from_secs(30);

/// How long the first thing that is told may hold up what is asked after it.
const HELLO: Duration = Duration::from_secs(10);

/// Carries messages to one server.
pub(super) struct HttpCarrier {
    parts: Parts,
    intake: Intake,
    terms: ArcSwap<Terms>,
    /// What is being asked, by our ids.
    posts: Mutex<HashMap<u64, Post>>,
    listening: AtomicBool,
}

/// A request on its way.
struct Post {
    task: AbortHandle,
    /// Its answer comes when nobody wants to listen any more.
    listens: bool,
}

/// What was agreed on with the server.
#[derive(Clone, Default)]
struct Terms {
    session: Option<HeaderValue>,
    version: Option<HeaderValue>,
    modern: bool,
    /// The parameters with which the server was discovered.
    discovery: Option<Json>,
    promoted: Arc<Promoted>,
}

/// What the answer to a request tells about how to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lesson {
    Nothing,
    Hello,
    Discovery,
    Tools,
}

impl Lesson {
    fn of(method: &str, modern: bool) -> Self {
        match method {
            "initialize" => Self::Hello,
            "server/discover" => Self::Discovery,
            "tools/list" if modern => Self::Tools,
            _ => Self::Nothing,
        }
    }
}

impl HttpCarrier {
    pub(super) fn new(parts: Parts, intake: Intake) -> Arc<Self> {
        let (terms, posts) = (ArcSwap::default(), Mutex::default());
        Arc::new(Self { parts, intake, terms, posts, listening: AtomicBool::new(false) })
    }

    fn posts(&self) -> MutexGuard<'_, HashMap<u64, Post>> {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks, as a task that can be stopped.
    fn ask(self: &Arc<Self>, id: u64, request: Outgoing) {
        let carrier = self.clone();
        let listens = matches!(&request, Outgoing::Request { method, .. } if &**method == "subscriptions/listen");
        // The table stays locked until the task is in it: it might be done at once.
        let mut posts = self.posts();
        let task = self.parts.tasks.spawn(async move {
            if let Err(error) = carrier.exchange(id, &request).await {
                carrier.intake.fail(id, error);
            }
            carrier.posts().remove(&id);
        });
        posts.insert(id, Post { task, listens });
    }

    /// A request is withdrawn. Without sessions the end of its stream says so; else the server is told, before its
    /// stream ends.
    fn withdraw(self: &Arc<Self>, id: u64, note: Outgoing) {
        let Some(post) = self.posts().remove(&id) else { return };
        if self.terms.load().modern {
            return post.task.abort();
        }
        let carrier = self.clone();
        self.parts.tasks.spawn(async move {
            carrier.tell(note).await;
            post.task.abort();
        });
    }

    /// Tells something that has no answer.
    async fn tell(&self, message: Outgoing) {
        let told = async {
            let headers = self.headers(&message);
            let response = self.parts.dialer.send(Method::POST, self.parts.dialer.url(), headers, text(&message)).await;
            match response {
                Ok(response) if response.status().is_success() => {}
                Ok(response) => {
                    let (head, body) = response.into_parts();
                    let refusal = self.refusal(head.status, body).await;
                    debug!(server = %self.parts.name, "did not take a message: {refusal}");
                }
                Err(error) => {
                    let error = self.parts.not_answered(error);
                    debug!(server = %self.parts.name, "was not told something: {error}");
                }
            }
        };
        let _ = timeout(NOTE, told).await;
    }

    /// The headers of a message, beside those of the configuration.
    fn headers(&self, message: &Outgoing) -> HeaderMap {
        let terms = self.terms.load();
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        terms.add(&mut headers);
        if let Outgoing::Request { method, params, .. } | Outgoing::Notification { method, params } = message {
            let discovers = &**method == "server/discover";
            if discovers {
                headers.insert(VERSION, HeaderValue::from_static(MODERN));
            }
            if terms.modern || discovers {
                headers::add(&mut headers, method, params.as_ref(), &terms.promoted);
            }
        }
        headers
    }

    /// The server has forgotten the session: whoever comes next begins a new one.
    fn forgotten(&self) {
        self.parts.fate.seal(&self.parts.peer, "the server has forgotten the session", true);
    }

    /// Hands on what came on the answer to our request `id`.
    fn deliver(&self, frame: &Bytes, id: u64, lesson: Lesson) {
        if lesson != Lesson::Nothing {
            self.learn(frame, lesson);
        }
        self.intake.take_during(frame, id);
    }

    fn learn(&self, frame: &Bytes, lesson: Lesson) {
        let Ok(Frame::One(Message::Response { outcome: Ok(result), .. })) = message::read(frame) else { return };
        let members = Members::read(result.as_bytes()).unwrap_or_default();
        let version = |name: &str| HeaderValue::from_str(name).ok();
        let change = |change: &dyn Fn(&mut Terms)| {
            self.terms.rcu(|terms| {
                let mut terms = Terms::clone(terms);
                change(&mut terms);
                terms
            });
        };
        match lesson {
            Lesson::Hello => {
                let agreed = members.text("protocolVersion").and_then(|name| version(&name));
                change(&|terms| (terms.version, terms.modern) = (agreed.clone(), false));
            }
            Lesson::Discovery => {
                let supports = members.get("supportedVersions").is_some_and(|names| names.get().contains(MODERN));
                if supports {
                    change(&|terms| (terms.version, terms.modern) = (version(MODERN), true));
                }
            }
            Lesson::Tools => {
                let found = headers::promoted(&result);
                if !found.is_empty() {
                    change(&|terms| {
                        let mut all = Promoted::clone(&terms.promoted);
                        all.extend(found.clone());
                        terms.promoted = Arc::new(all);
                    });
                }
            }
            Lesson::Nothing => {}
        }
    }
}

impl Terms {
    fn add(&self, headers: &mut HeaderMap) {
        if let Some(version) = &self.version {
            headers.insert(VERSION, version.clone());
        }
        if let Some(session) = &self.session {
            headers.insert(SESSION, session.clone());
        }
    }
}

impl Carry for HttpCarrier {
    async fn send(self: &Arc<Self>, message: Outgoing) {
        match &message {
            Outgoing::Request { id, .. } if self.parts.fate.is_sealed() => {
                self.intake.fail(*id, RequestError::NotSent);
            }
            Outgoing::Request { id, .. } => self.ask(*id, message),
            Outgoing::Notification { method, params } => match &**method {
                "notifications/cancelled" => {
                    if let Some(id) = params.as_ref().and_then(withdrawn) {
                        self.withdraw(id, message);
                    }
                }
                // What is asked next would overtake it.
                "notifications/initialized" => {
                    let _ = timeout(HELLO, self.tell(message)).await;
                    if !self.listening.swap(true, Ordering::Relaxed) {
                        self.parts.tasks.spawn(self.clone().listen());
                    }
                }
                _ => self.tell_aside(message),
            },
            _ => self.tell_aside(message),
        }
    }

    fn is_busy(&self) -> bool {
        self.posts().values().any(|post| !post.listens)
    }

    fn check(&self) -> Option<(&'static str, Option<Json>)> {
        let terms = self.terms.load();
        terms.version.as_ref()?;
        Some(if terms.modern { ("server/discover", terms.discovery.clone()) } else { ("ping", None) })
    }

    async fn leave(&self) {
        let terms = self.terms.load_full();
        if terms.session.is_none() || self.parts.fate.is_sealed() {
            return;
        }
        let mut headers = HeaderMap::new();
        terms.add(&mut headers);
        // A server that keeps its sessions to itself says 405.
        let _ = self.parts.dialer.send(Method::DELETE, self.parts.dialer.url(), headers, Bytes::new()).await;
    }
}

impl HttpCarrier {
    fn tell_aside(self: &Arc<Self>, message: Outgoing) {
        let carrier = self.clone();
        self.parts.tasks.spawn(async move { carrier.tell(message).await });
    }
}

/// A message as a body.
fn text(message: &Outgoing) -> Bytes {
    let mut text = Vec::with_capacity(message.size());
    message.write(&mut text);
    text.into()
}

/// Which request is withdrawn.
fn withdrawn(params: &Json) -> Option<u64> {
    Members::read(params.as_bytes()).ok()?.get("requestId")?.get().parse().ok()
}
