//! The client of a call that is asked by answers: each request that goes on with the call is its next round.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, Weak},
};

use gateway_core::{
    payload::Json,
    source::{Abilities, Client, Fut, LogLevel, SessionId},
};
use serde_json::{Map, Value, json, value::RawValue};
use tokio::sync::{Notify, oneshot};

use super::lock;

/// There is no such method here (JSON-RPC 2.0).
const METHOD_NOT_FOUND: i32 = -32601;
/// This side broke (JSON-RPC 2.0).
const INTERNAL_ERROR: i32 = -32603;

/// How much of what is told between two requests is kept for the second one: so many messages, of so many bytes together.
/// Beyond it the oldest is forgotten.
const MISSED: (usize, usize) = (256, 64 << 10);

/// The client of a call that may take several requests.
pub struct Rounds {
    me: Weak<Self>,
    abilities: Abilities,
    session: Option<SessionId>,
    /// The session, where there is one that lasts.
    lasting: Option<Weak<dyn Client>>,
    listener: Mutex<Listener>,
    open: Mutex<Open>,
    asked: Notify,
}

/// Who hears what is told of the call. It goes on between two of its requests, and what it says then is for the second.
enum Listener {
    /// The request that waits for it now.
    Present(Present),
    /// There is none before the client comes back.
    Away(Away),
}

#[derive(Clone)]
struct Present {
    client: Arc<dyn Client>,
    /// Under which it wants progress.
    token: Option<Json>,
}

struct Away {
    /// Which log messages its last request wanted.
    log_level: Option<LogLevel>,
    missed: VecDeque<Told>,
    /// The bytes of these.
    size: usize,
}

enum Told {
    Progress(Json),
    Notification(Box<str>, Option<Json>),
}

#[derive(Default)]
struct Open {
    count: u64,
    /// Questions without an answer, in the order in which they came.
    questions: BTreeMap<u64, Question>,
}

struct Question {
    method: Box<str>,
    params: Option<Json>,
    answer: oneshot::Sender<Result<Json, Json>>,
}

impl Rounds {
    /// A call that `client` asks for; progress goes under `token`.
    #[must_use]
    pub fn new(client: Arc<dyn Client>, token: Option<Json>) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            abilities: client.abilities().clone(),
            session: client.session(),
            lasting: client.lasting(),
            listener: Mutex::new(Listener::Present(Present { client, token })),
            open: Mutex::default(),
            asked: Notify::new(),
        })
    }

    /// Waits until there is a question.
    pub(super) async fn asks(&self) {
        while lock(&self.open).questions.is_empty() {
            self.asked.notified().await;
        }
    }

    /// The questions that are open, as `inputRequests`; `None` where there are none. The request that gets them as its
    /// answer hears no more.
    pub(super) fn leave(&self) -> Option<Json> {
        #[derive(serde::Serialize)]
        struct Asks<'a> {
            method: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            params: Option<&'a RawValue>,
        }
        let open = lock(&self.open);
        let questions: BTreeMap<_, _> = open
            .questions
            .iter()
            .map(|(at, Question { method, params, .. })| {
                let params = params.as_ref().and_then(|params| serde_json::from_slice(params.as_bytes()).ok());
                (key(*at), Asks { method, params })
            })
            .collect();
        if questions.is_empty() {
            return None;
        }
        let mut listener = lock(&self.listener);
        if let Listener::Present(present) = &*listener {
            let log_level = present.client.log_level();
            *listener = Listener::Away(Away { log_level, missed: VecDeque::new(), size: 0 });
        }
        Some(Json::from_value(&questions))
    }

    /// The client came back: it hears by the new request, at first what it has missed. What it did not answer is asked
    /// again.
    pub fn go_on(&self, client: Arc<dyn Client>, token: Option<Json>, answers: Option<&Json>) {
        self.listen(Present { client, token });
        let Some(answers) = answers else { return };
        let given: HashMap<String, &RawValue> = serde_json::from_slice(answers.as_bytes()).unwrap_or_default();
        let mut open = lock(&self.open);
        for (at, question) in open.questions.extract_if(.., |at, _| given.contains_key(&key(*at))).collect::<Vec<_>>() {
            if let Some(answer) = given.get(&key(at)) {
                // Who asked may be gone since.
                let _ = question.answer.send(Ok(Json::part(answers.bytes(), answer)));
            }
        }
    }

    fn listen(&self, present: Present) {
        // Held until all is told, so that what is told meanwhile comes after it.
        let mut listener = lock(&self.listener);
        if let Listener::Away(away) = &mut *listener {
            away.missed.drain(..).for_each(|told| present.hear(&told));
        }
        *listener = Listener::Present(present);
    }

    /// Who hears it, or `None` where it is kept.
    fn present_or_later(&self, told: impl FnOnce() -> Told) -> Option<Present> {
        match &mut *lock(&self.listener) {
            Listener::Present(present) => Some(present.clone()),
            Listener::Away(away) => {
                away.keep(told());
                None
            }
        }
    }
}

impl Present {
    fn hear(&self, told: &Told) {
        match told {
            Told::Progress(params) => self.progress(params),
            Told::Notification(method, params) => self.client.tell(method, params.as_ref()),
        }
    }

    /// Each request brings a token of its own.
    fn progress(&self, params: &Json) {
        if let Some(token) = &self.token {
            self.client.progress(token, params);
        }
    }
}

impl Away {
    fn keep(&mut self, told: Told) {
        self.size += told.size();
        self.missed.push_back(told);
        while self.missed.len() > MISSED.0 || self.size > MISSED.1 {
            let Some(oldest) = self.missed.pop_front() else { return };
            self.size -= oldest.size();
        }
    }
}

impl Told {
    fn size(&self) -> usize {
        match self {
            Self::Progress(params) => params.as_bytes().len(),
            Self::Notification(method, params) => {
                method.len() + params.as_ref().map_or(0, |params| params.as_bytes().len())
            }
        }
    }
}

impl Client for Rounds {
    fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    fn session(&self) -> Option<SessionId> {
        self.session
    }

    fn lasting(&self) -> Option<Weak<dyn Client>> {
        let me: Weak<dyn Client> = self.me.clone();
        Some(self.lasting.clone().unwrap_or(me))
    }

    fn log_level(&self) -> Option<LogLevel> {
        match &*lock(&self.listener) {
            Listener::Present(present) => present.client.log_level(),
            Listener::Away(away) => away.log_level,
        }
    }

    fn takes_rounds(&self) -> bool {
        true
    }

    fn progress(&self, _token: &Json, params: &Json) {
        if let Some(present) = self.present_or_later(|| Told::Progress(params.clone())) {
            present.progress(params);
        }
    }

    fn tell(&self, method: &str, params: Option<&Json>) {
        let later = || Told::Notification(method.into(), params.cloned());
        if let Some(present) = self.present_or_later(later) {
            present.client.tell(method, params);
        }
    }

    fn ask(&self, method: Box<str>, params: Option<Json>) -> Fut<'_, Result<Json, Json>> {
        if let Err(message) = covered(&self.abilities, &method, params.as_ref()) {
            return Box::pin(async move { Err(error(METHOD_NOT_FOUND, &message)) });
        }
        let (sender, answer) = oneshot::channel();
        let at = {
            let mut open = lock(&self.open);
            open.count += 1;
            let at = open.count;
            open.questions.insert(at, Question { method, params, answer: sender });
            at
        };
        self.asked.notify_one();
        let asking = Asking { rounds: self, at };
        Box::pin(async move {
            let answer = answer.await;
            drop(asking);
            answer.unwrap_or_else(|_| Err(error(INTERNAL_ERROR, "the client did not come back")))
        })
    }
}

/// A question that waits. Dropped before its answer, it is withdrawn.
struct Asking<'a> {
    rounds: &'a Rounds,
    at: u64,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        lock(&self.rounds.open).questions.remove(&self.at);
    }
}

impl fmt::Debug for Rounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rounds").field("open", &lock(&self.open).questions.len()).finish_non_exhaustive()
    }
}

/// The name of a question, which lasts as long as the call.
fn key(at: u64) -> String {
    format!("question-{at}")
}

/// Whether a client of these abilities may be asked this: no other client must be (MCP 2026-07-28, "Multi Round-Trip
/// Requests", server requirements).
fn covered(abilities: &Abilities, method: &str, params: Option<&Json>) -> Result<(), String> {
    let ability = match method {
        "sampling/createMessage" => "sampling",
        "elicitation/create" => "elicitation",
        "roots/list" => "roots",
        other => return Err(format!("a client of this revision cannot be asked for {other}")),
    };
    let declared: Map<String, Value> = abilities.capabilities().to().unwrap_or_default();
    let Some(declared) = declared.get(ability) else { return Err(format!("the client does not offer {ability}")) };
    if ability == "elicitation" {
        let mode = params.and_then(|params| params.to::<Value>().ok()?.get("mode")?.as_str().map(str::to_owned));
        let mode = mode.as_deref().unwrap_or("form");
        // Nothing said means forms (MCP, "Elicitation", capabilities).
        let offered = declared.get(mode).is_some() || (mode == "form" && declared.get("url").is_none());
        if !offered {
            return Err(format!("the client does not offer elicitation by {mode}"));
        }
    }
    Ok(())
}

fn error(code: i32, message: &str) -> Json {
    Json::from_value(&json!({ "code": code, "message": message }))
}
