//! Functions of the program that the gateway is part of, offered like the tools of any other source.

use std::{
    collections::HashMap,
    fmt,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt as _;
use gateway_core::{
    call::Call,
    error::{CallError, Failure, FailureKind},
    name::{Naming, SourceName},
    payload::{Json, Op, Reply, Request},
    source::{Abilities, Client, Fut, Item, Offer, Source, SourceStatus, State},
};

/// What runs a tool: the arguments are an object.
pub type Run = Arc<dyn Fn(Json, Arc<Call>) -> Fut<'static, Result<Reply, CallError>> + Send + Sync>;

/// A tool, and what runs it.
pub struct Function {
    /// The tool.
    pub item: Item,
    /// What runs it.
    pub run: Run,
}

/// The functions of a program.
pub struct Functions {
    name: SourceName,
    naming: Naming,
    offer: Arc<Offer>,
    run: HashMap<Arc<str>, Run>,
    calls: AtomicUsize,
}

/// One more call is in flight.
struct During<'a>(&'a AtomicUsize);

impl Functions {
    /// A source of these functions. Of two with one name the later one counts.
    #[must_use]
    pub fn new(name: SourceName, naming: Naming, functions: Vec<Function>) -> Self {
        let tools = functions.iter().map(|function| function.item.clone()).collect();
        let offer = Arc::new(Offer { tools: Some(tools), ..Offer::default() });
        let run = functions.into_iter().map(|function| (function.item.name, function.run)).collect();
        Self { name, naming, offer, run, calls: AtomicUsize::new(0) }
    }
}

impl Source for Functions {
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

    fn call(&self, request: Request, call: Arc<Call>) -> Fut<'_, Result<Reply, CallError>> {
        Box::pin(async move {
            let tool = match request.op {
                Op::CallTool => request.target,
                other => return Err(CallError::UnknownMethod(other.method().into())),
            };
            let run = self.run.get(&tool).ok_or_else(|| CallError::UnknownTool((*tool).into()))?;
            let _during = During::of(&self.calls);
            let arguments = request.arguments.unwrap_or(Json::empty_object());
            let (clock, deadline, run) = (call.clone(), call.deadline, run.clone());
            // A function that panics costs its own call and no more: the task that it runs in is a session's.
            let running = AssertUnwindSafe(async move { run(arguments, call).await }).catch_unwind();
            let ended = match deadline {
                None => running.await,
                Some(deadline) => tokio::select! {
                    biased;
                    ended = running => ended,
                    () = clock.clock().reaches(deadline) => {
                        let message = format!("tool {tool:?}: the time of the call that it belongs to is over");
                        return Err(Failure::new(FailureKind::Timeout, message).into());
                    }
                },
            };
            ended.unwrap_or_else(|_| {
                Err(Failure::new(FailureKind::Broken, format!("tool {tool:?}: the function panicked")).into())
            })
        })
    }

    fn status(&self) -> SourceStatus {
        let (calls, tools) = (self.calls.load(Ordering::Relaxed), self.offer.tools.as_ref().map(|tools| tools.len()));
        SourceStatus { kind: "program", state: State::Running, starts: 1, calls, tools, error: None }
    }

    fn stop(&self, _grace: Duration) -> Fut<'_, ()> {
        Box::pin(async {})
    }
}

impl<'a> During<'a> {
    fn of(calls: &'a AtomicUsize) -> Self {
        calls.fetch_add(1, Ordering::Relaxed);
        Self(calls)
    }
}

impl Drop for During<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Functions").field("name", &self.name).finish_non_exhaustive()
    }
}
