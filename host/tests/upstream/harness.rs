//! A server with all kinds of habits (`server.py`), and a client.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use gateway_core::{
    call::{Call, Caller},
    error::{CallError, Failure},
    name::SourceName,
    payload::{Json, Reply, Request},
    role::RoleSet,
    snapshot::Snapshot,
    source::{Client, Dispatch, Event, Events, Fut, Source as _},
};
use gateway_host::sources::upstream::{Settings, Upstream, guard::Guard};
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
    let mut settings = Settings::new(name, "python3", events, Arc::new(Guard::absent()));
    settings.args = ["-c", SERVER, mode].map(str::to_owned).to_vec();
    let started = folder.path().join("started").display().to_string();
    settings.env = vec![("STARTED".to_owned(), started), ("API_KEY".to_owned(), "hunter2-hunter2".to_owned())];
    settings.idle_timeout = Duration::ZERO;
    settings.start_timeout = LONG;
    settings.request_timeout = LONG;
    settings.state_folder = Some(folder.path().to_owned());
    change(&mut settings);
    Fixture { upstream: Arc::new(Upstream::new(settings)), events: receiver, client: Arc::default(), folder }
}

impl Fixture {
    /// Calls a tool with the arguments `{}` and gives its structured content.
    pub(crate) async fn call(&self, tool: &str) -> Result<Value, CallError> {
        let request = Request::new(tool.into(), Some(Json::empty_object()));
        let reply = self.run(request, None).await?;
        Ok(reply.body.to::<Value>().unwrap()["structuredContent"].clone())
    }

    pub(crate) async fn run(&self, request: Request, token: Option<Json>) -> Result<Reply, CallError> {
        self.upstream.call(request, Arc::new(self.new_call(token))).await
    }

    pub(crate) fn new_call(&self, token: Option<Json>) -> Call {
        let caller = Caller { role: RoleSet::new(vec![], None).resolve(None).unwrap() };
        Call::root(caller, token, self.client.clone(), Arc::new(Nowhere))
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
        self.upstream.offer().tools.as_ref().map(|tools| tools.len())
    }
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

/// A client that writes down what it is told, and has one root.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) progress: Mutex<Vec<String>>,
}

impl Client for Recorder {
    fn progress(&self, token: &Json, params: &Json) {
        self.progress.lock().unwrap().push(format!("{token} {params}"));
    }
    fn ask(&self, method: Box<str>, _: Option<Json>) -> Fut<'_, Result<Json, Json>> {
        Box::pin(async move { Ok(Json::from_value(&serde_json::json!({ "asked": method }))) })
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
