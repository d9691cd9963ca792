//! The way back into the gateway, for sources whose tools call tools.

use std::sync::Arc;

use super::{Client, Fut, Source};
use crate::{
    call::Call,
    error::CallError,
    payload::{Json, Reply, Request},
    role::RoleId,
    snapshot::Snapshot,
};

/// The way back into the gateway: calls a tool by its public name, under the role of the call that asks.
pub trait Dispatch: Send + Sync {
    /// The catalogue as it is now.
    fn snapshot(&self) -> Arc<Snapshot>;

    /// Runs `tool` as `call`, through the same guards as a client's call. Use [`Call::invoke`], which bounds the
    /// nesting.
    fn invoke<'a>(
        &'a self,
        tool: &'a str,
        arguments: Option<Json>,
        call: Arc<Call>,
    ) -> Fut<'a, Result<Reply, CallError>>;

    /// The same with all that came with a request, whose target is the tool's public name. Use [`Call::hand_on`].
    fn hand_on(&self, request: Request, call: Arc<Call>) -> Fut<'_, Result<Reply, CallError>> {
        Box::pin(async move { self.invoke(&request.target, request.arguments, call).await })
    }

    /// The catalogue once it is known what `source` offers, which may start it.
    fn learn<'a>(
        &'a self,
        source: &'a Arc<dyn Source>,
        client: &'a Arc<dyn Client>,
    ) -> Fut<'a, Result<Arc<Snapshot>, CallError>> {
        Box::pin(async move {
            source.learn(client).await?;
            Ok(self.snapshot())
        })
    }

    /// The catalogue once it is known whether there is a tool of that public name, as far as the role may know of it:
    /// that may start a server whose name it begins with.
    fn find_out<'a>(
        &'a self,
        _tool: &'a str,
        _role: RoleId,
        _client: &'a Arc<dyn Client>,
    ) -> Fut<'a, Result<Arc<Snapshot>, CallError>> {
        Box::pin(async { Ok(self.snapshot()) })
    }
}
