//! The way back into the gateway.

use std::sync::Arc;

use gateway_core::{
    call::Call,
    error::CallError,
    payload::{Json, Op, Reply, Request},
    role::RoleId,
    snapshot::Snapshot,
    source::{Client, Dispatch, Fut, Kind, Source},
};

use super::{Face, Params};

impl Dispatch for Face {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot()
    }

    fn invoke<'a>(
        &'a self,
        tool: &'a str,
        arguments: Option<Json>,
        call: Arc<Call>,
    ) -> Fut<'a, Result<Reply, CallError>> {
        Box::pin(self.run(Op::CallTool, tool, Params { arguments, ..Params::default() }, call))
    }

    fn hand_on(&self, request: Request, call: Arc<Call>) -> Fut<'_, Result<Reply, CallError>> {
        let Request { op, target, arguments, meta, rest } = request;
        Box::pin(async move { self.run(op, &target, Params { arguments, meta, rest }, call).await })
    }

    fn learn<'a>(
        &'a self,
        source: &'a Arc<dyn Source>,
        client: &'a Arc<dyn Client>,
    ) -> Fut<'a, Result<Arc<Snapshot>, CallError>> {
        Box::pin(async move {
            self.gateway.learn(source, client).await?;
            Ok(self.refresh())
        })
    }

    fn find_out<'a>(
        &'a self,
        tool: &'a str,
        role: RoleId,
        client: &'a Arc<dyn Client>,
    ) -> Fut<'a, Result<Arc<Snapshot>, CallError>> {
        Box::pin(async move {
            let snapshot = self.snapshot();
            match snapshot.find(role, Kind::Tool, tool) {
                Some(_) => Ok(snapshot),
                None => self.learn_of(tool, role, client).await,
            }
        })
    }
}
