//! The running of guests of one plugin: a place, the strings, the run, the end.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use gateway_core::{
    call::{Call, earliest},
    error::{Failure, FailureKind},
};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::{
    control::{Control, Ended, Life},
    engine::{Lanes, Permits, PluginEngine},
    exports::Work,
    guest::{Birth, Context},
    http::{HttpClient, Sender},
    load::Code,
    permissions::Denial,
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

/// What a guest gave.
pub(super) struct Done<T> {
    pub(super) output: T,
    /// What it was denied last.
    pub(super) denial: Option<Denial>,
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

    /// Does `work` with nothing granted, to find out what the plugin offers.
    pub(super) async fn list<W: Work>(&self, code: &Arc<Code>, work: W) -> Result<W::Output, Failure> {
        let context = Arc::new(self.context.without_permissions());
        let done = self.run(code, context, None, work).await?;
        Ok(done.output)
    }

    /// Does `work` for a call.
    pub(super) async fn call<W: Work>(
        &self,
        code: &Arc<Code>,
        call: Arc<Call>,
        work: W,
    ) -> Result<Done<W::Output>, Failure> {
        self.run(code, self.context.clone(), Some(call), work).await
    }

    async fn run<W: Work>(
        &self,
        code: &Arc<Code>,
        context: Arc<Context>,
        call: Option<Arc<Call>>,
        work: W,
    ) -> Result<Done<W::Output>, Failure> {
        let started = Instant::now();
        let time = started + context.limits.time;
        let (depth, limit) = call.as_ref().map_or((0, None), |call| (call.depth, call.deadline));
        let deadline = earliest(Some(time), limit).unwrap_or(time);
        let permits = self.enter(depth, code, deadline).await?;
        let (birth, running) = self.birth(context, call, started, deadline);
        let control = birth.control.clone();
        // What the call holds is held by its job, which may outlive the one who waits for it.
        let (mark, code_of_job) = (running.guests.token(), code.clone());
        let job: Job<Result<W::Output, Failure>> = Box::pin(async move {
            let outcome = birth.run(code_of_job, work).await;
            drop((permits, mark));
            outcome
        });
        let run = Run::new(job, code.machine.clone(), self.engine.clone(), control.clone(), self.pace.clone());
        let outcome = run.await.map_err(|stop| match stop {
            Stop::Ended(Ended::Late) => self.context.late(started, deadline),
            Stop::Ended(ended) => ended.failure(self.context.name.as_str()),
            Stop::Failed(failure) => failure,
        })?;
        Ok(Done { output: outcome?, denial: control.denial() })
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
}
