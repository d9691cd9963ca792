//! A server with all kinds of habits (`server.py`), and a client.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use gateway_core::{
    call::{Call, Caller},
    error::{CallError, Failure},
    name::SourceName,
    payload::{Json, Op, Reply, Request},
    role::RoleSet,
    snapshot::Snapshot,
    source::{Abilities, Client, Dispatch, Event, Events, Fut, LogLevel, SessionId, Source as _, Told},
};
use gateway_host::sources::upstream::{CommandLine, Endpoint, Settings, Upstream, guard::Guard};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::mpsc;

const SERVER: &str = include_str!("server.py");

/// Longer than anything here takes; where a test reaches it, it has failed.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) struct Fixture {
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) events: mpsc::UnboundedReceiver<Event>,
    pub(crate) client: Arc<Recorder>,
    pub(crate) folder: TempDir,
}

/// A server that starts as `mode` says, with the settings changed by `change`.
pub(crate) fn fixture(mode: &str, change: impl FnOnce(&mut Settings)) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let (events, receiver) = Events::channel();
    let name = SourceName::new("fake").unwrap();
    let started = folder.path().join("started").display().to_string();
    let env = [("MODE", mode), ("STARTED", &started), ("API_KEY", "hunter2-hunter2")];
    let line = CommandLine {
        args: ["-c", SERVER].map(str::to_owned).to_vec(),
        env: env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        ..CommandLine::new("python3")
    };
    let mut settings = Settings::new(name, Endpoint::Command(line), events, Arc::new(Guard::absent()));
    settings.idle_timeout = Duration::ZERO;
    settings.start_timeout = LONG;
    settings.request_timeout = LONG;
    settings.state_folder = Some(folder.path().to_owned());
    change(&mut settings);
    let client = Recorder::new("{}");
    Fixture { upstream: Arc::new(Upstream::new(settings)), events: receiver, client, folder }
}

/// Changes what is run.
pub(crate) fn command(settings: &mut Settings, change: impl FnOnce(&mut CommandLine)) {
    match &mut settings.endpoint {
        Endpoint::Command(line) => change(line),
        Endpoint::Remote(_) => panic!("it is a command"),
    }
}

impl Fixture {
    /// Calls a tool with the arguments `{}` and gives its structured content.
    pub(crate) async fn call(&self, tool: &str) -> Result<Value, CallError> {
        self.call_as(&self.client, tool).await
    }

    /// The same for another client.
    pub(crate) async fn call_as(&self, client: &Arc<Recorder>, tool: &str) -> Result<Value, CallError> {
        let request = Request::new(tool.into(), Some(Json::empty_object()));
        let reply = self.run_as(client, request).await?;
        Ok(reply.body.to::<Value>().unwrap()["structuredContent"].clone())
    }

    pub(crate) async fn run(&self, request: Request, token: Option<Json>) -> Result<Reply, CallError> {
        self.upstream.call(request, Arc::new(self.new_call(token))).await
    }

    pub(crate) async fn run_as(&self, client: &Arc<Recorder>, request: Request) -> Result<Reply, CallError> {
        self.upstream.call(request, Arc::new(call_of(client, None))).await
    }

    /// Asks of something other than a tool.
    pub(crate) async fn ask_as(&self, client: &Arc<Recorder>, op: Op, target: &str) -> Result<Value, CallError> {
        let request = Request { op, ..Request::new(target.into(), None) };
        Ok(self.run_as(client, request).await?.body.to().unwrap())
    }

    pub(crate) fn new_call(&self, token: Option<Json>) -> Call {
        call_of(&self.client, token)
    }

    /// Learns what is offered to the fixture's own client.
    pub(crate) async fn learn(&self) -> Result<(), CallError> {
        self.learn_as(&self.client).await
    }

    pub(crate) async fn learn_as(&self, client: &Arc<Recorder>) -> Result<(), CallError> {
        let client: Arc<dyn Client> = client.clone();
        self.upstream.learn(&client).await
    }

    /// The next thing that the server tells by itself.
    pub(crate) async fn told(&mut self) -> Told {
        loop {
            match self.events.recv().await.unwrap() {
                Event::Told(told) => return told,
                _ => continue,
            }
        }
    }

    /// The next news of what is offered.
    pub(crate) async fn changed(&mut self) {
        while !matches!(self.events.recv().await.unwrap(), Event::Changed) {}
    }

    /// Calls a tool in the background, and comes back when the server has the request: an earlier one was answered
    /// after this one was sent.
    pub(crate) async fn call_in_background(
        &self,
        tool: &'static str,
    ) -> tokio::task::JoinHandle<Result<Reply, CallError>> {
        let before = self.upstream.status().calls;
        let (upstream, call) = (self.upstream.clone(), Arc::new(self.new_call(None)));
        let task = tokio::spawn(async move { upstream.call(Request::new(tool.into(), None), call).await });
        while self.upstream.status().calls == before {
            tokio::task::yield_now().await;
        }
        self.call("pid").await.unwrap();
        task
    }

    /// The ids of all processes that were started.
    pub(crate) fn started(&self) -> Vec<i32> {
        let text = std::fs::read_to_string(self.folder.path().join("started")).unwrap_or_default();
        text.lines().map(|line| line.parse().unwrap()).collect()
    }

    pub(crate) fn remembered(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder.path().join("tools")).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    pub(crate) fn offered(&self) -> Option<usize> {
        self.upstream.offer(&Abilities::NONE).tools.as_ref().map(|tools| tools.len())
    }
}

pub(crate) fn call_of(client: &Arc<Recorder>, token: Option<Json>) -> Call {
    let caller = Caller { role: RoleSet::new(vec![], None).resolve(None).unwrap() };
    Call::root(caller, token, client.clone(), Arc::new(Nowhere))
}

/// Why a call failed on this side.
pub(crate) fn failure<T: std::fmt::Debug>(result: Result<T, CallError>) -> Failure {
    match result {
        Err(CallError::Failed(failure)) => failure,
        other => panic!("{other:?} is no failure"),
    }
}

/// Whether a process has gone: waits for it.
pub(crate) async fn gone(pid: i32) {
    let wait = async {
        while std::path::Path::new(&format!("/proc/{pid}/stat")).exists() && !is_zombie(pid) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, wait).await.unwrap_or_else(|_| panic!("{pid} is still there"));
}

/// Nobody reaps orphans in some containers.
fn is_zombie(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'))
}

pub(crate) fn is_alive(pid: i32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}/stat")).exists() && !is_zombie(pid)
}

/// A client that writes down what it is told, and answers everything.
pub(crate) struct Recorder {
    me: Weak<Self>,
    abilities: Abilities,
    session: Option<SessionId>,
    pub(crate) takes_rounds: bool,
    pub(crate) level: Option<LogLevel>,
    pub(crate) progress: Mutex<Vec<String>>,
    pub(crate) told: Mutex<Vec<String>>,
}

impl Recorder {
    /// A client of a session, that can be asked for these things.
    pub(crate) fn new(abilities: &str) -> Arc<Self> {
        Self::with(abilities, Some(SessionId::new()), |_| {})
    }

    /// One without a session.
    pub(crate) fn stateless(abilities: &str) -> Arc<Self> {
        Self::with(abilities, None, |_| {})
    }

    pub(crate) fn with(abilities: &str, session: Option<SessionId>, change: impl FnOnce(&mut Self)) -> Arc<Self> {
        let abilities = Abilities::of(Some(&Json::parse(abilities.to_owned()).unwrap()));
        Arc::new_cyclic(|me| {
            let (progress, told) = (Mutex::default(), Mutex::default());
            let mut made =
                Self { me: me.clone(), abilities, session, takes_rounds: false, level: None, progress, told };
            change(&mut made);
            made
        })
    }

    pub(crate) fn id(&self) -> SessionId {
        self.session.unwrap()
    }
}

impl Client for Recorder {
    fn abilities(&self) -> &Abilities {
        &self.abilities
    }
    fn session(&self) -> Option<SessionId> {
        self.session
    }
    fn lasting(&self) -> Option<Weak<dyn Client>> {
        self.session.map(|_| self.me.clone() as _)
    }
    fn log_level(&self) -> Option<LogLevel> {
        self.level
    }
    fn takes_rounds(&self) -> bool {
        self.takes_rounds
    }
    fn progress(&self, token: &Json, params: &Json) {
        self.progress.lock().unwrap().push(format!("{token} {params}"));
    }
    fn tell(&self, method: &str, _: Option<&Json>) {
        self.told.lock().unwrap().push(method.to_owned());
    }
    fn ask(&self, method: Box<str>, _: Option<Json>) -> Fut<'_, Result<Json, Json>> {
        let who = self.session.map(|session| format!("{session:?}"));
        Box::pin(async move { Ok(Json::from_value(&serde_json::json!({ "asked": method, "who": who }))) })
    }
}

struct Nowhere;

impl Dispatch for Nowhere {
    fn snapshot(&self) -> Arc<Snapshot> {
        unreachable!("servers ask for no catalogue")
    }
    fn invoke<'a>(&'a self, _: &'a str, _: Option<Json>, _: Arc<Call>) -> Fut<'a, Result<Reply, CallError>> {
        unreachable!("servers call no other tools")
    }
}
