//! A plugin as a source of tools.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::{ArcSwap, ArcSwapOption};
use gateway_core::{
    call::{Call, earliest},
    error::{CallError, Failure, FailureKind},
    name::{Naming, SourceName},
    payload::{Json, Reply, Request},
    source::{Events, Fut, Offer, Source, SourceStatus, State},
};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::{
    answer,
    cache::Digest,
    config::PluginConfig,
    control::{Control, Ended, Life},
    definitions::Definitions,
    engine::{Lanes, Permits, PluginEngine},
    guest::{Birth, Context},
    http::{HttpClient, Sender},
    limits::Limits,
    load::{self, Code},
    package::Package,
    permissions::Permissions,
    run::{Job, Pace, Run, Stop},
};

/// What a plugin may use, and what it is told. The default grants nothing.
#[derive(Debug, Clone)]
pub struct PluginSettings {
    /// What it may use.
    pub permissions: Permissions,
    /// How much.
    pub limits: Limits,
    /// What it reads with `config`.
    pub config: Json,
}

/// A WebAssembly component as a source of tools.
pub struct Plugin {
    context: Arc<Context>,
    naming: Naming,
    package: Arc<dyn Package>,
    engine: Arc<PluginEngine>,
    events: Events,
    /// Its tools, known since they were listed or remembered, and the digest of the component that listed them.
    known: ArcSwapOption<(Digest, Arc<Definitions>)>,
    /// What its calls need.
    ready: ArcSwapOption<Ready>,
    /// Held by who loads it; the others wait and find it loaded.
    loading: tokio::sync::Mutex<()>,
    is_loading: AtomicBool,
    /// A component that is broken stays so: it is not compiled again for every call.
    broken: Mutex<Option<(Digest, Failure)>>,
    error: Mutex<Option<String>>,
    loads: AtomicU64,
    lanes: Lanes,
    pace: Arc<Pace>,
    client: Arc<OnceLock<HttpClient>>,
    running: ArcSwap<Running>,
}

/// Code and the definitions that belong to it.
struct Ready {
    code: Arc<Code>,
    definitions: Arc<Definitions>,
}

/// The calls in flight, until the plugin is stopped.
#[derive(Default)]
struct Running {
    life: Life,
    calls: TaskTracker,
}

// === impl PluginSettings ===

impl PluginSettings {
    /// What `gateway.yaml` says. Paths in there are relative to `folder`.
    #[must_use]
    pub fn new(config: &PluginConfig, folder: &Path) -> Self {
        Self {
            permissions: Permissions::new(&config.permissions, folder),
            limits: Limits::new(&config.limits),
            config: Json::from_value(&config.config),
        }
    }
}

impl Default for PluginSettings {
    fn default() -> Self {
        Self {
            permissions: Permissions::default(),
            limits: Limits::default(),
            config: Json::from_value(&serde_json::Value::Null),
        }
    }
}

// === impl Plugin ===

impl Plugin {
    /// A plugin that is loaded when it is first asked for something.
    #[must_use]
    pub fn new(
        name: SourceName,
        naming: Naming,
        package: Arc<dyn Package>,
        settings: PluginSettings,
        engine: Arc<PluginEngine>,
        events: Events,
    ) -> Self {
        let PluginSettings { permissions, limits, config } = settings;
        Self {
            context: Arc::new(Context { name, permissions, limits, config }),
            naming,
            package,
            engine,
            events,
            known: ArcSwapOption::empty(),
            ready: ArcSwapOption::empty(),
            loading: tokio::sync::Mutex::new(()),
            is_loading: AtomicBool::new(false),
            broken: Mutex::new(None),
            error: Mutex::new(None),
            loads: AtomicU64::new(0),
            lanes: Lanes::each(limits.concurrency.get()),
            pace: Arc::new(Pace::new()),
            client: Arc::default(),
            running: ArcSwap::default(),
        }
    }

    /// Finds out its tools: as they are remembered, which needs no engine, or by loading it.
    pub(crate) async fn list(&self) -> Result<(), Failure> {
        if self.known.load().is_some() {
            return Ok(());
        }
        self.alone(async {
            if self.known.load().is_some() {
                return Ok(());
            }
            let (bytes, digest) = self.fetch().await?;
            match self.remembered(digest) {
                Some(definitions) => self.publish(digest, &definitions),
                None => drop(self.load(bytes, digest).await?),
            }
            Ok(())
        })
        .await
    }

    /// Loads it, unless it is.
    async fn ready(&self) -> Result<Arc<Ready>, Failure> {
        if let Some(ready) = self.ready.load_full() {
            return Ok(ready);
        }
        self.alone(async {
            if let Some(ready) = self.ready.load_full() {
                return Ok(ready);
            }
            let (bytes, digest) = self.fetch().await?;
            self.load(bytes, digest).await
        })
        .await
    }

    /// Does `work` while nobody else does, and remembers how it went.
    async fn alone<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let _turn = self.loading.lock().await;
        let _mark = Mark::set(&self.is_loading);
        let done = work.await;
        let error = done.as_ref().err().map(ToString::to_string);
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = error;
        done
    }

    /// The component and its digest.
    async fn fetch(&self) -> Result<(bytes::Bytes, Digest), Failure> {
        let bytes = self.package.load().await?;
        let hashed = bytes.clone();
        let digest = blocking(move || Digest::of(&hashed)).await?;
        match &*self.broken.lock().unwrap_or_else(PoisonError::into_inner) {
            Some((broken, failure)) if *broken == digest => Err(failure.clone()),
            _ => Ok((bytes, digest)),
        }
    }

    async fn load(&self, bytes: bytes::Bytes, digest: Digest) -> Result<Arc<Ready>, Failure> {
        let loaded = self.try_load(bytes, digest).await;
        if let Err(failure) = &loaded
            && failure.kind == FailureKind::Broken
        {
            *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = Some((digest, failure.clone()));
        }
        let ready = loaded?;
        self.ready.store(Some(ready.clone()));
        self.loads.fetch_add(1, Ordering::Relaxed);
        Ok(ready)
    }

    async fn try_load(&self, bytes: bytes::Bytes, digest: Digest) -> Result<Arc<Ready>, Failure> {
        let (engine, name) = (self.engine.clone(), self.context.name.clone());
        let code = blocking(move || load::code(&engine, &name, &bytes, digest)).await??;
        let known = self.known.load_full().filter(|known| known.0 == digest).map(|known| known.1.clone());
        let definitions = match known.or_else(|| self.remembered(digest)) {
            Some(definitions) => definitions,
            None => self.ask(&code).await?,
        };
        self.publish(digest, &definitions);
        Ok(Arc::new(Ready { code, definitions }))
    }

    fn remembered(&self, digest: Digest) -> Option<Arc<Definitions>> {
        let jsons = self.engine.cache()?.definitions(digest, &self.context.config)?;
        Definitions::remembered(jsons).map(Arc::new)
    }

    /// Has the plugin list its tools, with nothing granted, and remembers what it said.
    async fn ask(&self, code: &Arc<Code>) -> Result<Arc<Definitions>, Failure> {
        let context = Arc::new(self.context.without_permissions());
        let started = Instant::now();
        let deadline = started + context.limits.time;
        let permits = self.enter(0, code, deadline).await?;
        let (birth, _) = self.birth(context, None, started, deadline);
        let (control, code_of_job) = (birth.control.clone(), code.clone());
        let job = Box::pin(async move {
            let listed = birth.list_tools(code_of_job).await;
            drop(permits);
            listed
        });
        let tools = self.run(job, code, control).await??;
        let definitions = Arc::new(Definitions::listed(&self.context.name, &tools)?);
        if let Some(cache) = self.engine.cache() {
            cache.keep_definitions(code.digest, &self.context.config, &definitions.jsons());
        }
        Ok(definitions)
    }

    fn publish(&self, digest: Digest, definitions: &Arc<Definitions>) {
        let known = self.known.swap(Some(Arc::new((digest, definitions.clone()))));
        if known.is_none_or(|known| known.1.jsons() != definitions.jsons()) {
            self.events.changed();
        }
    }

    /// Runs one call.
    async fn run_tool(&self, request: Request, call: Arc<Call>) -> Result<Reply, CallError> {
        let ready = match self.ready.load_full() {
            Some(ready) => ready,
            None => self.ready_before(call.deadline).await?,
        };
        let tool =
            ready.definitions.find(&request.tool).ok_or_else(|| CallError::UnknownTool((*request.tool).into()))?;
        let arguments = tool.check(request.arguments)?;
        let started = Instant::now();
        let time = started + self.context.limits.time;
        let deadline = earliest(Some(time), call.deadline).unwrap_or(time);
        let permits = self.enter(call.depth, &ready.code, deadline).await?;
        let (birth, running) = self.birth(self.context.clone(), Some(call), started, deadline);
        let (control, context) = (birth.control.clone(), self.context.clone());
        let (code, name, definitions) = (ready.code.clone(), tool.name.clone(), ready.definitions.clone());
        // What the call holds is held by its job, which may outlive the one who waits for it.
        let in_flight = running.calls.token();
        let job = Box::pin(async move {
            let denials = birth.control.clone();
            let outcome = birth.call_tool(code, name.clone(), arguments).await;
            drop((permits, in_flight));
            let tool = definitions.find(&name).ok_or_else(|| CallError::UnknownTool((*name).into()))?;
            answer::reply(&context, tool, outcome?, denials.denial().as_ref())
        });
        self.run(job, &ready.code, control).await?
    }

    /// Loads it, as long as the call may take.
    async fn ready_before(&self, deadline: Option<Instant>) -> Result<Arc<Ready>, Failure> {
        let Some(deadline) = deadline else { return self.ready().await };
        let late = |_| {
            let message = format!("plugin {:?}: the call's time was over before it was loaded", self.context.name);
            Failure::new(FailureKind::Timeout, message).hint("try again: what was done so far is kept")
        };
        tokio::time::timeout_at(deadline.into(), self.ready()).await.map_err(late)?
    }

    /// Takes a place for a call. In this order: the engine's room is waited for by whoever has the plugin's place.
    async fn enter(&self, depth: u8, code: &Code, deadline: Instant) -> Result<Permits, Failure> {
        let (name, concurrency) = (&self.context.name, self.context.limits.concurrency);
        let full = |what: String| {
            let message = format!("plugin {name:?}: {what}, and no call ended within the time of this one");
            Failure::new(FailureKind::Limit, message)
        };
        let plugin = self.lanes.enter(depth, 1, deadline).await.ok_or_else(|| {
            full(format!("concurrency limit of {concurrency} reached"))
                .hint(format!("raise plugins.{name}.limits.concurrency"))
        })?;
        let room = code.machine.room.enter(depth, code.weight, deadline).await;
        let room = room.ok_or_else(|| full("the gateway has no room for further instances".to_owned()))?;
        Ok(Permits::new(plugin, room))
    }

    fn birth(
        &self,
        context: Arc<Context>,
        call: Option<Arc<Call>>,
        started: Instant,
        deadline: Instant,
    ) -> (Birth, Arc<Running>) {
        let running = self.running.load_full();
        let control = Arc::new(Control::new(started, deadline, running.life.clone()));
        let home = Handle::current();
        let sender =
            Sender::new(context.clone(), control.clone(), self.engine.clone(), self.client.clone(), home.clone());
        (Birth { context, control, call, home, sender }, running)
    }

    async fn run<T: Send + 'static>(&self, job: Job<T>, code: &Code, control: Arc<Control>) -> Result<T, Failure> {
        let (started, deadline) = (control.started, control.deadline);
        let run = Run::new(job, code.machine.clone(), self.engine.clone(), control, self.pace.clone());
        run.await.map_err(|stop| match stop {
            Stop::Ended(Ended::Late) => self.context.late(started, deadline),
            Stop::Ended(ended) => ended.failure(self.context.name.as_str()),
            Stop::Failed(failure) => failure,
        })
    }
}

impl Source for Plugin {
    fn name(&self) -> &SourceName {
        &self.context.name
    }

    fn naming(&self) -> &Naming {
        &self.naming
    }

    fn offer(&self) -> Arc<Offer> {
        static UNKNOWN: OnceLock<Arc<Offer>> = OnceLock::new();
        match &*self.known.load() {
            Some(known) => known.1.offer().clone(),
            None => UNKNOWN.get_or_init(Arc::default).clone(),
        }
    }

    fn learn(&self) -> Fut<'_, Result<(), CallError>> {
        Box::pin(async { Ok(self.list().await?) })
    }

    fn learns_at_once(&self) -> bool {
        true
    }

    fn call(&self, request: Request, call: Arc<Call>) -> Fut<'_, Result<Reply, CallError>> {
        Box::pin(self.run_tool(request, call))
    }

    fn status(&self) -> SourceStatus {
        let error = self.error.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let state = match (self.is_loading.load(Ordering::Relaxed), &error, &*self.ready.load()) {
            (true, _, _) => State::Starting,
            (_, Some(_), _) => State::Failed,
            (_, None, Some(_)) => State::Running,
            (_, None, None) => State::Idle,
        };
        SourceStatus {
            kind: "plugin",
            state,
            starts: self.loads.load(Ordering::Relaxed),
            calls: self.running.load().calls.len(),
            tools: self.known.load().as_ref().and_then(|known| known.1.offer().tools.as_ref().map(|tools| tools.len())),
            error,
        }
    }

    fn stop(&self, grace: Duration) -> Fut<'_, ()> {
        Box::pin(async move {
            let running = self.running.swap(Arc::default());
            self.ready.store(None);
            running.calls.close();
            running.life.stopping.cancel();
            // Whether they ended by themselves or not, afterwards they have ended.
            let _ = tokio::time::timeout(grace, running.calls.wait()).await;
            running.life.stopped.cancel();
            running.calls.wait().await;
        })
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin").field("context", &self.context).finish_non_exhaustive()
    }
}

/// A mark that is set as long as it lives.
struct Mark<'a>(&'a AtomicBool);

impl<'a> Mark<'a> {
    fn set(mark: &'a AtomicBool) -> Self {
        mark.store(true, Ordering::Relaxed);
        Self(mark)
    }
}

impl Drop for Mark<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Does `work` where blocking harms nobody. It is finished even where nobody waits for it any more.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Failure::new(FailureKind::Unavailable, format!("the plugin could not be loaded: {error}")))
}
