//! The traits: who offers tools, who asked.

use std::{
    pin::Pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    call::Call,
    error::CallError,
    name::{Naming, SourceName},
    payload::{Json, Reply, Request},
    role::Role,
    wire::json::Members,
};

pub use self::{
    dispatch::Dispatch,
    events::{Event, Events, Told},
    nobody::Nobody,
    status::{SourceStatus, State},
    steps::RunSteps,
    vitals::Vitals,
};

mod dispatch;
mod events;
mod nobody;
mod status;
mod steps;
mod vitals;

/// A boxed future, so that the traits here can be used as objects.
pub type Fut<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something that offers tools, and where it has them prompts and resources, and runs them: an external server, a
/// plugin, the gateway's own tools.
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

    /// How an external server is spoken to: `stdio`, `http` or `sse`; `None`: it is no such server.
    fn transport(&self) -> Option<&'static str> {
        None
    }

    /// What it offers to clients of these abilities, as far as that is known. Starts nothing. The same `Arc` as last
    /// time means: unchanged.
    fn offer(&self, abilities: &Abilities) -> Arc<Offer>;

    /// Finds out what it offers to this client, which may start it; afterwards [`Source::offer`] tells. Callers share
    /// one attempt.
    ///
    /// # Errors
    /// Why it could not be found out. What was known before is still offered.
    fn learn<'a>(&'a self, client: &'a Arc<dyn Client>) -> Fut<'a, Result<(), CallError>>;

    /// Where the list of tools shows its tool of that name.
    fn shown(&self, _local: &str) -> Shown {
        Shown::default()
    }

    /// Whether the first list waits for [`Source::learn`]: true where that starts nothing that lives on.
    fn learns_at_once(&self) -> bool {
        false
    }

    /// Runs a request; may start the source first. Dropping the future cancels the call, there and here.
    fn call(&self, request: Request, call: Arc<Call>) -> Fut<'_, Result<Reply, CallError>>;

    /// A session tells something that is meant for every server behind it, such as that its roots have changed
    /// (`notifications/roots/list_changed`). Never waits, starts nothing.
    fn tell(&self, _client: &Arc<dyn Client>, _method: &str, _params: Option<&Json>) {}

    /// A session wants log messages of this level and above (`logging/setLevel`). What is started for it later asks
    /// [`Client::log_level`].
    /// Done when those that run have taken it.
    fn log_level(&self, _client: &Arc<dyn Client>, _level: LogLevel) -> Fut<'_, ()> {
        Box::pin(async {})
    }

    /// A session has ended: what was kept for it alone can go.
    fn forget(&self, _session: SessionId) {}

    /// How it is doing, for `gateway_status` and `gateway list`.
    fn status(&self) -> SourceStatus;

    /// The same, as far as `role` may know of it: an error that names tools is for those who see all of them.
    fn status_for(&self, role: &Role) -> SourceStatus {
        let _ = role;
        self.status()
    }

    /// How it is doing in more detail.
    fn vitals(&self) -> Vitals {
        Vitals::default()
    }

    /// Ends what it runs, politely for as long as `grace`, then by force. Afterwards it may be called again.
    fn stop(&self, grace: Duration) -> Fut<'_, ()>;
}

/// What can be offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Tools.
    Tool,
    /// Prompts.
    Prompt,
    /// Resources, by their URIs.
    Resource,
    /// Templates of URIs of resources (RFC 6570).
    Template,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Tool, Self::Prompt, Self::Resource, Self::Template];

    /// The method that lists them.
    #[must_use]
    pub const fn list_method(self) -> &'static str {
        match self {
            Self::Tool => "tools/list",
            Self::Prompt => "prompts/list",
            Self::Resource => "resources/list",
            Self::Template => "resources/templates/list",
        }
    }

    /// The member of the result that holds the list.
    #[must_use]
    pub const fn member(self) -> &'static str {
        match self {
            Self::Tool => "tools",
            Self::Prompt => "prompts",
            Self::Resource => "resources",
            Self::Template => "resourceTemplates",
        }
    }

    /// The member of a definition that identifies it.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Tool | Self::Prompt => "name",
            Self::Resource => "uri",
            Self::Template => "uriTemplate",
        }
    }

    /// The capability under which a server declares them.
    #[must_use]
    pub const fn capability(self) -> &'static str {
        match self {
            Self::Tool => "tools",
            Self::Prompt => "prompts",
            Self::Resource | Self::Template => "resources",
        }
    }

    /// The notification that the list has changed.
    #[must_use]
    pub const fn changed(self) -> &'static str {
        match self {
            Self::Tool => "notifications/tools/list_changed",
            Self::Prompt => "notifications/prompts/list_changed",
            Self::Resource | Self::Template => "notifications/resources/list_changed",
        }
    }
}

/// What a source offers.
#[derive(Debug, Clone, Default)]
pub struct Offer {
    /// The tools, in the source's own order. Not known yet: `None`, and a server is shown by its placeholder; nothing
    /// else is known of it then.
    pub tools: Option<Box<[Item]>>,
    /// The prompts.
    pub prompts: Box<[Item]>,
    /// The resources.
    pub resources: Box<[Item]>,
    /// The templates of resources.
    pub templates: Box<[Item]>,
    /// How an external server introduced itself: its `InitializeResult` or `DiscoverResult`.
    pub greeting: Option<Json>,
    /// Further public names of tools, each with the source's own name of the tool that it stands for. They are listed
    /// nowhere, and a role sees them where it sees that tool.
    pub aliases: Box<[(Arc<str>, Arc<str>)]>,
}

/// Where the list of tools shows one that the role may use. It can be called all the same wherever it is not shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Shown {
    /// Except behind the meta-tools.
    #[default]
    Directly,
    /// Only with the meta-tools: it is one of them.
    AsMetaTool,
    /// Everywhere.
    Always,
}

impl Offer {
    /// What it offers of a kind.
    #[must_use]
    pub fn items(&self, kind: Kind) -> &[Item] {
        match kind {
            Kind::Tool => self.tools.as_deref().unwrap_or_default(),
            Kind::Prompt => &self.prompts,
            Kind::Resource => &self.resources,
            Kind::Template => &self.templates,
        }
    }

    /// Whether the server declared the capability, such as `resources`.
    #[must_use]
    pub fn declares(&self, capability: &str) -> bool {
        let Some(greeting) = &self.greeting else { return false };
        let members = Members::read(greeting.as_bytes()).unwrap_or_default();
        let capabilities = members.get("capabilities").and_then(|raw| Members::read(raw.get().as_bytes()).ok());
        capabilities.is_some_and(|capabilities| capabilities.get(capability).is_some())
    }
}

/// A tool, prompt, resource or template as its source defines it.
#[derive(Debug, Clone)]
pub struct Item {
    /// The source's own name, URI or template of URIs for it.
    pub name: Arc<str>,
    /// The definition as the source's list gave it, [`Kind::key`] included.
    pub definition: Json,
}

/// A session of a client, for as long as the program runs. Never shown to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(u64);

impl SessionId {
    /// A new one.
    #[must_use]
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Default for SessionId {
    fn default() -> Self {
        Self::new()
    }
}

/// Who asked, as a call sees it: a session with the way back that belongs to this request, the command line, a test.
pub trait Client: Send + Sync {
    /// What it can be asked.
    fn abilities(&self) -> &Abilities {
        const { &Abilities::NONE }
    }

    /// The session that it belongs to; `None`: it is there for this one request (revision 2026-07-28, the command
    /// line).
    fn session(&self) -> Option<SessionId> {
        None
    }

    /// The session as a client that outlives this request; `None` where there is none.
    fn lasting(&self) -> Option<Weak<dyn Client>> {
        None
    }

    /// The log messages that it wants; `None`: it did not say.
    fn log_level(&self) -> Option<LogLevel> {
        None
    }

    /// Whether it takes a result that asks for input (`input_required`) and asks again with the answers itself.
    /// Otherwise whoever gets such a result asks by [`Client::ask`].
    fn takes_rounds(&self) -> bool {
        false
    }

    /// Passes on how far a call is. `params` holds everything of `notifications/progress` but the token. Never waits.
    fn progress(&self, token: &Json, params: &Json);

    /// Passes on another notification of a backend that belongs to this request, such as a log message. Never waits.
    fn tell(&self, _method: &str, _params: Option<&Json>) {}

    /// Passes on a question of a backend (`sampling/createMessage`, `elicitation/create`, `roots/list`) and waits for
    /// the answer.
    ///
    /// # Errors
    /// The JSON-RPC error object of the client, or one that says that it cannot be asked.
    fn ask(&self, method: Box<str>, params: Option<Json>) -> Fut<'_, Result<Json, Json>>;
}

/// The severity of a log message (RFC 5424, as MCP uses it), least severe first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names are the standard's")]
pub enum LogLevel {
    Debug,
    Info,
    Notice,
    Warning,
    Error,
    Critical,
    Alert,
    Emergency,
}

/// What a client can be asked: the members of its `capabilities` that allow questions back, and the extensions that it
/// understands. What a server offers may depend on it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Abilities {
    /// `capabilities` for the `initialize` that is sent to a backend of this client, an object.
    capabilities: Option<Json>,
    /// Which of [`Abilities::KEPT`] are there, a bit for each: asked with every call.
    held: u8,
}

impl Abilities {
    /// It cannot be asked anything.
    pub const NONE: Self = Self { capabilities: None, held: 0 };

    /// What a server's behaviour may depend on.
    const KEPT: [&str; 6] = ["sampling", "elicitation", "roots", "tasks", "extensions", "experimental"];

    /// The client's abilities, from the `capabilities` of its `initialize`. What no server's behaviour depends on is
    /// left out.
    #[must_use]
    pub fn of(capabilities: Option<&Json>) -> Self {
        let mut members: serde_json::Map<String, serde_json::Value> =
            capabilities.and_then(|json| json.to().ok()).unwrap_or_default();
        members.retain(|key, _| Self::KEPT.contains(&key.as_str()));
        let held = Self::KEPT.iter().enumerate().filter(|(_, name)| members.contains_key(**name));
        let held = held.fold(0, |held, (at, _)| held | (1 << at));
        Self { capabilities: (!members.is_empty()).then(|| Json::from_value(&members)), held }
    }

    /// Whether it can be asked back: sampling, elicitation or roots.
    #[must_use]
    pub fn can_be_asked(&self) -> bool {
        ["sampling", "elicitation", "roots"].iter().any(|ability| self.has(ability))
    }

    /// Whether this member is there.
    #[must_use]
    pub fn has(&self, ability: &str) -> bool {
        Self::KEPT.iter().position(|name| *name == ability).is_some_and(|at| self.held & (1 << at) != 0)
    }

    /// The `capabilities` object to send on.
    #[must_use]
    pub fn capabilities(&self) -> Json {
        self.capabilities.clone().unwrap_or(Json::empty_object())
    }
}
