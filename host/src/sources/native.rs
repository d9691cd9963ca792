//! The gateway's own tools, by which it is asked about itself, and by which the rest is found and called.
//!
//! * [`definitions`]: what clients are told of them.
//! * [`catalogue`]: which servers there are, and which tools one has.
//! * [`search`]: finding tools by what they do.
//! * [`invoke`]: calling a tool in the client's place.
//! * [`pipeline`]: running a pipeline by its name, or steps that come with the call.
//! * [`status`]: how all is doing; [`manage`]: registering and removing servers.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use gateway_core::{
    call::Call,
    error::CallError,
    manage::Manage,
    name::{Naming, SourceName},
    payload::{Op, Reply, Request},
    source::{Abilities, Client, Fut, Offer, RunSteps, Shown, Source, SourceStatus, State},
};

use self::{
    definitions::{Tool, offer},
    params::Params,
    search::Searches,
};

mod catalogue;
mod definitions;
mod invoke;
mod manage;
mod params;
mod pipeline;
pub mod search;
mod status;

/// The source `gateway`.
pub struct Native {
    name: SourceName,
    naming: Naming,
    offer: Arc<Offer>,
    started: Instant,
    manage: Weak<dyn Manage>,
    searches: Searches,
    steps: Arc<dyn RunSteps>,
}

impl Native {
    /// The gateway's own tools; uptime counts from `started`. With `management` there are those by which `manage` is
    /// asked to change the gateway. `steps` runs those of `gateway_run_pipeline`.
    #[must_use]
    pub fn new(started: Instant, manage: Weak<dyn Manage>, management: bool, steps: Arc<dyn RunSteps>) -> Self {
        let naming = Naming { prefix: Some("gateway".into()), separator: "_".into() };
        let offer = Arc::new(offer(management));
        Self { name: SourceName::gateway(), naming, offer, started, manage, searches: Searches::default(), steps }
    }

    async fn run(&self, tool: Tool, request: Request, call: &Call) -> Result<Reply, CallError> {
        let params = Params::read(request.arguments.as_ref())?;
        let body = match tool {
            Tool::Status => status::report(self, &call.snapshot(), call.caller.role),
            Tool::ListServers => catalogue::servers(&call.snapshot(), call.caller.role),
            Tool::ListTools => catalogue::tools(&params, call).await?,
            Tool::SearchTools => self.searches.answer(&params, call).await?,
            Tool::Invoke => return invoke::invoke(&params, &request, call).await,
            Tool::RunPipeline => return pipeline::run(&params, &request, &*self.steps, call).await,
            Tool::RegisterServer => manage::register(&self.manage, &params, call).await?,
            Tool::RemoveServer => manage::remove(&self.manage, &params, call).await?,
        };
        Ok(Reply { body })
    }
}

impl Source for Native {
    fn name(&self) -> &SourceName {
        &self.name
    }

    fn naming(&self) -> &Naming {
        &self.naming
    }

    fn offer(&self, _: &Abilities) -> Arc<Offer> {
        self.offer.clone()
    }

    fn learn<'a>(&'a self, _: &'a Arc<dyn Client>) -> Fut<'a, Result<(), CallError>> {
        Box::pin(async { Ok(()) })
    }

    fn shown(&self, local: &str) -> Shown {
        Tool::named(local).map(Tool::shown).unwrap_or_default()
    }

    fn call(&self, request: Request, call: Arc<Call>) -> Fut<'_, Result<Reply, CallError>> {
        Box::pin(async move {
            match (&request.op, Tool::named(&request.target)) {
                (Op::CallTool, Some(tool)) => self.run(tool, request, &call).await,
                (Op::CallTool, None) => Err(CallError::UnknownTool((&*request.target).into())),
                (other, _) => Err(CallError::UnknownMethod(other.method().into())),
            }
        })
    }

    fn status(&self) -> SourceStatus {
        let tools = self.offer.tools.as_ref().map(|tools| tools.len());
        SourceStatus { kind: "gateway", state: State::Running, starts: 1, calls: 0, tools, error: None }
    }

    fn stop(&self, _grace: Duration) -> Fut<'_, ()> {
        Box::pin(async {})
    }
}
