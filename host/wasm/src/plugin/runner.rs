//! The running of guests of one plugin: a place, the strings, the run, the end.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use gateway_core::{
    call::{Call, earliest},
    error::{CallError, Failure, FailureKind},
    payload::{Json, Reply},
};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use super::loader::Ready;
use crate::{
    answer,
    bindings::types::ToolDefinition,
    control::{Control, Ended, Life},
    engine::{Lanes, Permits, PluginEngine},
    guest::{Birth, Context},
    http::{HttpClient, Sender},
    load::Code,
    run::{Job, Pace, Run, Stop},
};

/// What runs the guests of one plugin.
pub(super) struct Runner {
    pub(super) context: Arc<Context>,
    engine: Arc<PluginEngine>,
    lanes: Lanes,
    pace: Arc<Pace>,
    client: Arc<OnceLock<HttpClient>>,
    running: ArcSwap<Running>,
}

/// The guests that run, until the plugin is stopped.
#[derive(Default)]
struct Running {
    life: Life,
    guests: TaskTracker,
}

impl Runner {
    pub(super) fn new(context: Arc<Context>, engine: Arc<PluginEngine>) -> Self {
        Self {
            lanes: Lanes::each(context.limits.concurrency.get()),
            context,
            engine,
            pace: Arc::new(Pace::new()),
            client: Arc::default(),
            running: ArcSwap::default(),
        }
    }

    /// How many guests run.
    pub(super) fn guests(&self) -> usize {
        self.running.load().guests.len()
    }

    /// Asks the guests to end, and ends them after `grace`. Those that begin later are not concerned.
    pub(super) async fn stop(&self, grace: Duration) {
        let running = self.running.swap(Arc::default());
        running.guests.close();
        running.life.stopping.cancel();
        // Whether they ended by themselves or not, afterwards they have ended.
        let _ = tokio::time::timeout(grace, running.guests.wait()).await;
        running.life.stopped.cancel();
        running.guests.wait().await;
    }

    /// Has the plugin list its tools, with nothing granted.
    pub(super) async fn list_tools(&self, code: &Arc<Code>) -> Result<Vec<ToolDefinition>, Failure> {
        let context = Arc::new(self.context.without_permissions());
        let started = Instant::now();
        let deadline = started + context.limits.time;
        let permits = self.enter(0, code, deadline).await?;
        let (birth, running) = self.birth(context, None, started, deadline);
        let (control, code_of_job, mark) = (birth.control.clone(), code.clone(), running.guests.token());
        let job = Box::pin(async move {
            let listed = birth.list_tools(code_of_job).await;
            drop((permits, mark));
            listed
        });
        self.run(job, code, control).await?
    }

    /// Runs one call of `tool`, whose arguments were checked.
    pub(super) async fn call_tool(
        &self,
        ready: &Ready,
        tool: Arc<str>,
        arguments: Json,
        call: Arc<Call>,
    ) -> Result<Reply, CallError> {
        let started = Instant::now();
        let time = started + self.context.limits.time;
        let deadline = earliest(Some(time), call.deadline).unwrap_or(time);
        let permits = self.enter(call.depth, &ready.code, deadline).await?;
        let (birth, running) = self.birth(self.context.clone(), Some(call), started, deadline);
        let (control, context) = (birth.control.clone(), self.context.clone());
        let (code, definitions) = (ready.code.clone(), ready.definitions.clone());
        // What the call holds is held by its job, which may outlive the one who waits for it.
        let mark = running.guests.token();
        let job = Box::pin(async move {
            let denials = birth.control.clone();
            let outcome = birth.call_tool(code, tool.clone(), arguments).await;
            drop((permits, mark));
            let definition = definitions.find(&tool).ok_or_else(|| CallError::UnknownTool((*tool).into()))?;
            answer::reply(&context, definition, outcome?, denials.denial().as_ref())
        });
        self.run(job, &ready.code, control).await?
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
