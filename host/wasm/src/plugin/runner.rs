//! The running of guests of one plugin: a place, the strings, the run, the end.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use gateway_core::{
    call::{Call, Clock, earliest},
    error::{Failure, FailureKind},
    role::RoleId,
};
use tokio::{runtime::Handle, sync::OwnedSemaphorePermit};
use tokio_util::task::TaskTracker;

use super::kept::{Pool, Used};
use crate::{
    config::Instances,
    control::{Control, Ended, Life, Spent},
    engine::{Lanes, PluginEngine, Refused},
    exports::Work,
    guest::{Birth, Context, Kept, Live},
    http::{HttpClient, Sender},
    limits::Limits,
    load::Code,
    observe::Measured,
    permissions::Denial,
    run::{Job, Pace, Run, Stop},
};

/// What runs the guests of one plugin.
pub(super) struct Runner {
    pub(super) context: Arc<Context>,
    engine: Arc<PluginEngine>,
    lanes: Lanes,
    /// Instances that are used again.
    pool: Arc<Pool>,
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

/// What a call holds while it runs.
struct Place {
    code: Arc<Code>,
    /// An instance that was used before.
    kept: Option<Kept>,
    /// Where its instance goes afterwards, and the role of who used it.
    keep: Option<(Arc<Pool>, RoleId)>,
    /// The room of its instance. Given back after it, as is the plugin's place.
    room: Option<OwnedSemaphorePermit>,
    #[allow(dead_code, reason = "held, and given back by being dropped")]
    lane: Option<OwnedSemaphorePermit>,
}

/// What a guest gave.
pub(super) struct Done<T> {
    pub(super) output: T,
    /// What it was denied last.
    pub(super) denial: Option<Denial>,
}

impl Runner {
    pub(super) fn new(context: Arc<Context>, engine: Arc<PluginEngine>, instances: Instances) -> Self {
        let Limits { concurrency, queue, .. } = context.limits;
        let size = usize::try_from(concurrency.get()).unwrap_or(usize::MAX);
        Self {
            lanes: Lanes::each(concurrency.get(), queue),
            pool: Pool::new(size, instances == Instances::Warm),
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
        self.drop_kept();
    }

    /// Drops the instances that are kept.
    pub(super) fn drop_kept(&self) {
        self.pool.clear();
    }

    /// Does `work` with nothing granted, to find out what the plugin offers.
    pub(super) async fn list<W: Work>(&self, code: &Arc<Code>, work: W) -> Result<W::Output, Failure> {
        let context = Arc::new(self.context.without_permissions());
        let done = self.run(code, context, None, work, None).await?;
        Ok(done.output)
    }

    /// Does `work` for a call.
    pub(super) async fn call<W: Work>(
        &self,
        code: &Arc<Code>,
        call: Arc<Call>,
        work: W,
    ) -> Result<Done<W::Output>, Failure> {
        self.run(code, code.context.clone(), Some(call), work, None).await
    }

    /// Does `work` for a call, and says what that took.
    pub(super) async fn measured_call<W: Work>(
        &self,
        code: &Arc<Code>,
        call: Arc<Call>,
        work: W,
        measured: &mut Measured,
    ) -> Result<Done<W::Output>, Failure> {
        self.run(code, code.context.clone(), Some(call), work, Some(measured)).await
    }

    async fn run<W: Work>(
        &self,
        code: &Arc<Code>,
        context: Arc<Context>,
        call: Option<Arc<Call>>,
        work: W,
        measured: Option<&mut Measured>,
    ) -> Result<Done<W::Output>, Failure> {
        let clock = call.as_ref().map(|call| call.clock().clone()).unwrap_or_default();
        let started = clock.now();
        let time = started + context.limits.time;
        let (depth, limit) = call.as_ref().map_or((0, None), |call| (call.depth, call.deadline));
        let deadline = earliest(Some(time), limit).unwrap_or(time);
        // What lists its tools has fewer rights than calls have, and no role.
        let role = call.as_ref().map(|call| call.caller.role);
        let place = self.enter(depth, code, role, clock.outside(deadline)).await?;
        let (birth, running) = self.birth(context, call, started, deadline, clock);
        let control = birth.control.clone();
        // What the call holds is held by its job, which may outlive the one who waits for it.
        let mark = running.guests.token();
        let job: Job<Result<W::Output, Failure>> = Box::pin(async move {
            let outcome = place.run(birth, work).await;
            drop(mark);
            outcome
        });
        let turn = Instant::now();
        let run = Run::new(job, code.machine.clone(), self.engine.clone(), control.clone(), self.pace.clone());
        let outcome = run.await;
        if let Some(measured) = measured {
            let (spent, time, busy) = (control.spent(), turn.elapsed(), control.busy());
            let Spent { fuel, memory, made, is_new } = spent;
            *measured = Measured { fuel, memory, instance: made, is_new, time, busy };
        }
        let outcome = outcome.map_err(|stop| match stop {
            Stop::Ended(Ended::Late) => self.context.late(started, deadline),
            Stop::Ended(ended) => ended.failure(self.context.name.as_str()),
            Stop::Failed(failure) => failure,
        })?;
        let output = outcome.inspect_err(|_| self.pace.note_trap())?;
        Ok(Done { output, denial: control.denial() })
    }

    /// Takes a place for a call. In this order: the engine's room is waited for by whoever has the plugin's place.
    async fn enter(
        &self,
        depth: u8,
        code: &Arc<Code>,
        role: Option<RoleId>,
        deadline: Instant,
    ) -> Result<Place, Failure> {
        // Whoever loads it takes the place of no call, and is alone at that.
        let lane = match role {
            Some(_) => Some(self.lanes.enter(depth, 1, deadline).await.map_err(|refused| self.full(refused))?),
            None => None,
        };
        let keep = role.map(|role| (self.pool.clone(), role));
        if let Some((kept, room)) = role.and_then(|role| self.pool.take(role, code)) {
            return Ok(Place { code: code.clone(), kept: Some(kept), keep, room: Some(room), lane });
        }
        let room = code.machine.room.enter(depth, code.weight, deadline).await;
        let room = room.map_err(|_| {
            let name = &self.context.name;
            let what = "the gateway has no room for further instances, and no call ended within the time of this one";
            Failure::new(FailureKind::Limit, format!("plugin {name:?}: {what}"))
        })?;
        Ok(Place { code: code.clone(), kept: None, keep, room: Some(room), lane })
    }

    /// What a call is told for which the plugin has no place.
    fn full(&self, refused: Refused) -> Failure {
        let Context { name, limits, .. } = &*self.context;
        let (what, key) = match refused {
            Refused::Late => ("and no call ended within the time of this one".to_owned(), "concurrency"),
            Refused::Queue => (format!("and its queue of {} is full", limits.queue), "queue"),
        };
        let concurrency = limits.concurrency;
        let message = format!("plugin {name:?}: concurrency limit of {concurrency} reached, {what}");
        Failure::new(FailureKind::Limit, message).hint(format!("raise plugins.{name}.limits.{key}"))
    }

    fn birth(
        &self,
        context: Arc<Context>,
        call: Option<Arc<Call>>,
        started: Instant,
        deadline: Instant,
        clock: Arc<Clock>,
    ) -> (Birth, Arc<Running>) {
        let running = self.running.load_full();
        let control = Arc::new(Control::new(started, deadline, clock, running.life.clone()));
        let home = Handle::current();
        let sender =
            Sender::new(context.clone(), control.clone(), self.engine.clone(), self.client.clone(), home.clone());
        (Birth { context, control, call, home, sender }, running)
    }
}

impl Place {
    async fn run<W: Work>(mut self, birth: Birth, work: W) -> Result<W::Output, Failure> {
        let kept = self.kept.take();
        let was_kept = kept.is_some();
        let (output, live) = birth.run(self.code.clone(), kept, work).await?;
        self.give_back(live, was_kept).await;
        Ok(output)
    }

    /// Keeps the instance, where another call may have it and there is room for it, or drops it.
    async fn give_back(&mut self, mut live: Live, was_kept: bool) {
        let Some((pool, role)) = &self.keep else { return };
        let origin = if pool.is_warm() { None } else { self.code.origin.as_ref() };
        let may_be_kept = match origin {
            Some(origin) => origin.is_worth_it() && live.may_be_set_back(),
            None => pool.is_warm() && live.is_reusable(),
        };
        if !may_be_kept {
            return;
        }
        let room = match was_kept {
            true => self.room.take(),
            false => self.code.machine.kept.clone().try_acquire_many_owned(self.code.weight).ok(),
        };
        let Some(room) = room else { return };
        if let Some(origin) = origin
            && let Err(why) = live.set_back(origin).await
        {
            tracing::trace!(%why, "the instance is dropped");
            return;
        }
        pool.put(*role, Used { live, room });
    }
}
