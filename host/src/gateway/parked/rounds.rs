//! The client of a call that is asked by answers: each request that goes on with the call is its next round.

use std::{
    collections::{BTreeMap, HashMap},
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

/// The client of a call that may take several requests.
pub struct Rounds {
    me: Weak<Self>,
    abilities: Abilities,
    session: Option<SessionId>,
    /// The session, where there is one that lasts.
    lasting: Option<Weak<dyn Client>>,
    /// The request that waits for the call now.
    present: Mutex<Option<Present>>,
    open: Mutex<Open>,
    asked: Notify,
}

struct Present {
    client: Arc<dyn Client>,
    /// Under which it wants progress.
    token: Option<Json>,
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
            present: Mutex::new(Some(Present { client, token })),
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
        *lock(&self.present) = None;
        Some(Json::from_value(&questions))
    }

    /// The client came back: from now on it hears by the new request. What it did not answer is asked again.
    pub fn go_on(&self, client: Arc<dyn Client>, token: Option<Json>, answers: Option<&Json>) {
        *lock(&self.present) = Some(Present { client, token });
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

    /// Who hears what is told now.
    fn listener(&self) -> Option<Arc<dyn Client>> {
        lock(&self.present).as_ref().map(|present| present.client.clone())
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
        self.listener()?.log_level()
    }

    fn takes_rounds(&self) -> bool {
        true
    }

    fn progress(&self, _token: &Json, params: &Json) {
        // Each request brings a token of its own.
        let present = lock(&self.present).as_ref().and_then(|now| Some((now.client.clone(), now.token.clone()?)));
        if let Some((client, token)) = present {
            client.progress(&token, params);
        }
    }

    fn tell(&self, method: &str, params: Option<&Json>) {
        if let Some(client) = self.listener() {
            client.tell(method, params);
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
