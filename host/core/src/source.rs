//! The traits: who offers tools, who runs calls, who asked.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use tokio::sync::mpsc;

use crate::{
    call::Call,
    error::CallError,
    name::{Naming, SourceName},
    payload::{Json, Reply, Request},
    snapshot::Snapshot,
};

/// A boxed future, so that the traits here can be used as objects.
pub type Fut<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something that offers tools and runs them: an external server, a plugin, the gateway's own tools.
///
/// A source is made cold: making it starts nothing, reads no file and opens no connection, so that the gateway answers
/// its client at once however many sources there are.
pub trait Source: Send + Sync + 'static {
    /// The name that the configuration gives it.
    fn name(&self) -> &SourceName;

    /// How its tools are named in public.
    fn naming(&self) -> &Naming;

    /// What it is for, in the words of the configuration.
    fn description(&self) -> Option<&str> {
        None
    }

    /// What it offers as far as that is known. Starts nothing. The same `Arc` as last time means: unchanged.
    fn offer(&self) -> Arc<Offer>;

    /// Finds out what it offers, which may start it; afterwards [`Source::offer`] tells. Callers share one attempt.
    ///
    /// # Errors
    /// Why it could not be found out. What was known before is still offered.
    fn learn(&self) -> Fut<'_, Result<(), CallError>>;

    /// Whether the first `tools/list` waits for [`Source::learn`]: true where that starts nothing that lives on.
    fn learns_at_once(&self) -> bool {
        false
    }

    /// Runs a tool; may start the source first. Dropping the future cancels the call, there and here.
    fn call(&self, request: Request, call: Arc<Call>) -> Fut<'_, Result<Reply, CallError>>;

    /// The one client of this process says what it can be asked (`initialize`), and is there to be asked. A source
    /// that passes questions on takes both over; called before anything else asks for the offer. The client is to be
    /// held weakly: it holds the gateway.
    fn mirror(&self, _abilities: &Abilities, _client: &Arc<dyn Client>) {}

    /// The client's list of roots has changed (`notifications/roots/list_changed`).
    fn roots_changed(&self) {}

    /// How it is doing, for `gateway_status` and `gateway list`.
    fn status(&self) -> SourceStatus;

    /// Ends what it runs, politely for as long as `grace`, then by force. Afterwards it may be called again.
    fn stop(&self, grace: Duration) -> Fut<'_, ()>;
}

/// What a source offers.
#[derive(Debug, Clone, Default)]
pub struct Offer {
    /// The tools, in the source's own order. Not known yet: `None`, and a server is shown by its placeholder.
    pub tools: Option<Box<[Tool]>>,
}

/// A tool as its source defines it.
#[derive(Debug, Clone)]
pub struct Tool {
    /// The source's own name for it.
    pub name: Arc<str>,
    /// The definition as `tools/list` of the source gave it, `name` included.
    pub definition: Json,
}

/// What a source does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum State {
    /// Nothing runs; the next call starts it.
    Idle,
    /// It is being started.
    Starting,
    /// It answers.
    Running,
    /// The last start or call failed; `error` says why. The next call tries again.
    Failed,
}

/// How a source is doing.
#[derive(Debug, Clone, serde::Serialize)]
pub struct SourceStatus {
    /// What kind of source: `server`, `plugin` or `gateway`.
    pub kind: &'static str,
    /// What it does at the moment.
    pub state: State,
    /// How often it was started.
    pub starts: u64,
    /// How many calls are in flight.
    pub calls: usize,
    /// How many tools are known; missing: not known yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<usize>,
    /// What went wrong last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The way back into the gateway: calls a tool by its public name, under the role of the call that asks.
pub trait Dispatch: Send + Sync {
    /// The catalogue as it is now.
    fn snapshot(&self) -> Arc<Snapshot>;

    /// Runs `tool` as `call`, through the same guards as a client's call. Use [`Call::invoke`], which bounds the
    /// nesting.
    fn invoke<'a>(
        &'a self,
        tool: &'a str,
        arguments: Option<Json>,
        call: Arc<Call>,
    ) -> Fut<'a, Result<Reply, CallError>>;
}

/// Who asked, as a call sees it: a session with its outlet, the command line, a test.
pub trait Client: Send + Sync {
    /// Passes on how far a call is. `params` holds everything of `notifications/progress` but the token. Never waits.
    fn progress(&self, token: &Json, params: &Json);

    /// Passes on a question of a backend (`sampling/createMessage`, `elicitation/create`, `roots/list`) and waits for
    /// the answer.
    ///
    /// # Errors
    /// The JSON-RPC error object of the client, or one that says that it cannot be asked.
    fn ask(&self, method: Box<str>, params: Option<Json>) -> Fut<'_, Result<Json, Json>>;
}

/// What a client can be asked: the members of its `capabilities` that allow questions back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Abilities {
    /// `capabilities` for the `initialize` that is sent to a backend of this client, an object.
    capabilities: Option<Json>,
}

impl Abilities {
    /// The client's abilities, from the `capabilities` of its `initialize`. What is no question back is left out.
    #[must_use]
    pub fn of(capabilities: Option<&Json>) -> Self {
        const QUESTIONS: [&str; 3] = ["sampling", "elicitation", "roots"];
        let mut members: serde_json::Map<String, serde_json::Value> =
            capabilities.and_then(|json| json.to().ok()).unwrap_or_default();
        members.retain(|key, _| QUESTIONS.contains(&key.as_str()));
        Self { capabilities: (!members.is_empty()).then(|| Json::from_value(&members)) }
    }

    /// The `capabilities` object to send on.
    #[must_use]
    pub fn capabilities(&self) -> Json {
        self.capabilities.clone().unwrap_or(Json::empty_object())
    }
}

/// What a source tells the gateway by itself, belonging to no call.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// [`Source::offer`] gives something new.
    Changed,
}

/// Where a source puts its events. Cheap to clone; never waits; events after the gateway's end go nowhere.
#[derive(Clone)]
pub struct Events(mpsc::UnboundedSender<Event>);

impl Events {
    /// The sink and what comes out of it.
    #[must_use]
    pub fn channel() -> (Self, mpsc::UnboundedReceiver<Event>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// Says that the offer has changed.
    pub fn changed(&self) {
        // A gateway that is gone needs no news.
        let _ = self.0.send(Event::Changed);
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}
