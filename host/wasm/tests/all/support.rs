//! Guests, a client and a gateway around them, and an ear for the log.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, Once},
    time::{Duration, Instant},
};

use bytes::Bytes;
use gateway_core::{
    call::{Call, Caller},
    error::{CallError, Failure},
    name::{Naming, SourceName},
    payload::{Json, Reply, Request},
    role::RoleSet,
    snapshot::Snapshot,
    source::{Client, Dispatch, Event, Events, Fut, Source},
};
use gateway_wasm::{
    EngineOptions, Plugin, PluginConfig, PluginEngine, PluginSettings, config::LimitsConfig, config::PermissionsConfig,
};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

/// Long enough for anything here, on any machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// The component of a guest.
pub(crate) fn guest(name: &str) -> Bytes {
    component("tests/guests", name)
}

/// The component of an example plugin.
pub(crate) fn example(name: &str) -> Bytes {
    component("plugins", name)
}

fn component(workspace: &str, name: &str) -> Bytes {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(workspace);
    let file = folder.join(format!("target/wasm32-wasip2/release/{}.wasm", name.replace('-', "_")));
    let bytes = std::fs::read(&file).unwrap_or_else(|error| {
        panic!(
            "{}: {error}; build it with: cd {workspace} && cargo build --release --target wasm32-wasip2",
            file.display()
        )
    });
    bytes.into()
}

/// Where this run of the tests may write.
pub(crate) fn scratch() -> PathBuf {
    env!("CARGO_TARGET_TMPDIR").into()
}

/// The engine that most tests share, as the plugins of one gateway do. Keeps what it compiles between runs.
pub(crate) fn engine() -> Arc<PluginEngine> {
    static ENGINE: LazyLock<Arc<PluginEngine>> = LazyLock::new(|| {
        let options =
            EngineOptions { cache_dir: Some(scratch().join("gateway-wasm-cache")), ..EngineOptions::default() };
        Arc::new(PluginEngine::new(options))
    });
    ENGINE.clone()
}

/// How a plugin is configured: the members of its entry in `gateway.yaml`.
pub(crate) fn settings(permissions: Value, limits: Value, config: Value) -> PluginSettings {
    let permissions: PermissionsConfig = serde_json::from_value(permissions).unwrap();
    let limits: LimitsConfig = serde_json::from_value(limits).unwrap();
    let config = PluginConfig { permissions, limits, config: Some(config), ..PluginConfig::from_source("test") };
    PluginSettings::new(&config, Path::new("/"))
}

/// A plugin, somebody who calls it, and a gateway with further tools.
pub(crate) struct Stage {
    pub(crate) plugin: Arc<Plugin>,
    pub(crate) events: Mutex<UnboundedReceiver<Event>>,
    pub(crate) client: Arc<Listener>,
    pub(crate) gateway: Arc<Gateway>,
}

/// A client that keeps the progress that it was told.
#[derive(Default)]
pub(crate) struct Listener {
    pub(crate) progress: Mutex<Vec<Value>>,
}

/// Other sources that a plugin may call, by the part before `__`, and what they were called with.
#[derive(Default)]
pub(crate) struct Gateway {
    pub(crate) sources: Mutex<HashMap<String, Arc<Plugin>>>,
    pub(crate) calls: Mutex<Vec<(String, Value)>>,
}

impl Stage {
    /// A guest that is granted nothing, with the default limits.
    pub(crate) fn guest(name: &str) -> Self {
        Self::with(guest(name), name, json!({}), json!({}))
    }

    /// A guest with permissions and limits.
    pub(crate) fn granted(name: &str, permissions: Value, limits: Value) -> Self {
        Self::with(guest(name), name, permissions, limits)
    }

    pub(crate) fn with(bytes: Bytes, name: &str, permissions: Value, limits: Value) -> Self {
        Self::new(bytes, name, settings(permissions, limits, json!({ "key": [1, 2] })), engine())
    }

    pub(crate) fn new(bytes: Bytes, name: &str, settings: PluginSettings, engine: Arc<PluginEngine>) -> Self {
        let name = SourceName::new(name).unwrap();
        let (sink, events) = Events::channel();
        let naming = Naming::canonical(&name);
        let plugin = Arc::new(Plugin::new(name.clone(), naming, Arc::new(bytes), settings, engine, sink));
        let gateway = Arc::new(Gateway::default());
        gateway.sources.lock().unwrap().insert(name.to_string(), plugin.clone());
        Self { plugin, events: Mutex::new(events), client: Arc::default(), gateway }
    }

    /// A call of a client with a deadline of its own.
    pub(crate) fn root(&self, deadline: Option<Instant>) -> Arc<Call> {
        let caller = Caller { role: RoleSet::new(vec![], None).resolve(None).unwrap() };
        let token = Json::from_value("token");
        let mut call = Call::root(caller, Some(token), self.client.clone(), self.gateway.clone());
        call.deadline = deadline;
        Arc::new(call)
    }

    pub(crate) async fn try_call(&self, tool: &str, arguments: Value) -> Result<Value, CallError> {
        let request = Request::new(tool.into(), Some(Json::from_value(&arguments)));
        self.plugin.call(request, self.root(None)).await.map(|reply| reply.body.to().unwrap())
    }

    /// The result of a call that gives one.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Value {
        self.try_call(tool, arguments).await.unwrap_or_else(|error| panic!("{tool}: {error}"))
    }

    /// The text of a result that is no error.
    pub(crate) async fn text(&self, tool: &str, arguments: Value) -> String {
        let result = self.call(tool, arguments).await;
        assert_eq!(result.get("isError"), None, "{result}");
        text(&result)
    }

    /// The text of a result with `isError`.
    pub(crate) async fn error(&self, tool: &str, arguments: Value) -> String {
        let result = self.call(tool, arguments).await;
        assert_eq!(result["isError"], true, "{result}");
        text(&result)
    }

    /// Why a call gave no result.
    pub(crate) async fn failure(&self, tool: &str, arguments: Value) -> Failure {
        match self.try_call(tool, arguments).await {
            Err(CallError::Failed(failure)) => failure,
            other => panic!("{tool}: {other:?}"),
        }
    }
}

/// The texts of a result, a line each.
pub(crate) fn text(result: &Value) -> String {
    let content = result["content"].as_array().unwrap();
    content.iter().filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
}

impl Client for Listener {
    fn progress(&self, _: &Json, params: &Json) {
        self.progress.lock().unwrap().push(params.to().unwrap());
    }

    fn ask(&self, _: Box<str>, _: Option<Json>) -> Fut<'_, Result<Json, Json>> {
        unreachable!("plugins ask nothing")
    }
}

impl Dispatch for Gateway {
    fn snapshot(&self) -> Arc<Snapshot> {
        unreachable!("plugins do not look at the catalogue")
    }

    fn invoke<'a>(
        &'a self,
        tool: &'a str,
        arguments: Option<Json>,
        call: Arc<Call>,
    ) -> Fut<'a, Result<Reply, CallError>> {
        let seen = arguments.as_ref().map_or(Value::Null, |arguments| arguments.to().unwrap());
        self.calls.lock().unwrap().push((tool.to_owned(), seen));
        let found = tool.split_once("__").and_then(|(source, local)| {
            let source = self.sources.lock().unwrap().get(source).cloned()?;
            Some((source, Request::new(local.into(), arguments)))
        });
        Box::pin(async move {
            match found {
                Some((source, request)) => source.call(request, call).await,
                None => Err(CallError::UnknownTool(tool.into())),
            }
        })
    }
}

// === the log ===

/// Lines that plugins wrote to the log: plugin, level, line.
static LINES: Mutex<Vec<(String, tracing::Level, String)>> = Mutex::new(Vec::new());

struct Ear;

/// Listens to the log from now on.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Ear).unwrap());
}

/// What the plugin of this name has written.
pub(crate) fn lines(plugin: &str) -> Vec<(tracing::Level, String)> {
    let lines = LINES.lock().unwrap();
    lines.iter().filter(|line| line.0 == plugin).map(|(_, level, line)| (*level, line.clone())).collect()
}

impl tracing::Subscriber for Ear {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "plugin"
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        LINES.lock().unwrap().push((line.plugin, *event.metadata().level(), line.message));
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[derive(Default)]
struct Line {
    plugin: String,
    message: String,
}

impl tracing::field::Visit for Line {
    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        if field.name() == "plugin" {
            self.plugin = value.to_owned();
        }
    }

    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }
}
