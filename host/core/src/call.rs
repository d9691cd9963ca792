//! One invocation in flight.

mod clock;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Instant,
};

pub use self::clock::{Clock, Held};

use crate::{
    error::{CallError, Failure, FailureKind},
    payload::{Json, Reply, Request},
    role::RoleId,
    snapshot::Snapshot,
    source::{Client, Dispatch, Source},
};

/// How deep calls may nest: a tool that calls a tool, and so on.
pub const MAX_DEPTH: u8 = 4;

/// How many calls one call of a client may cause in all, however they nest.
pub const MAX_NESTED_CALLS: u32 = 256;

/// How many questions of plugins to the client one call of a client may cause in all.
pub const MAX_QUESTIONS: u32 = 16;

/// Who asks. Made by a front end for each request; correctness rests on it and never on a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The role that filters what the caller sees.
    pub role: RoleId,
}

/// One invocation in flight. Dropping the future that runs it is the one way to cancel it.
pub struct Call {
    /// Who asks.
    pub caller: Caller,
    /// 0 for what a client asked, one more for each tool that called a tool.
    pub depth: u8,
    /// When it has to be over, by its [`clock`](Self::clock); `None`: the source's own limit alone holds.
    pub deadline: Option<Instant>,
    /// The client's progress token, where it asked for progress.
    pub progress_token: Option<Json>,
    client: Arc<dyn Client>,
    gateway: Arc<dyn Dispatch>,
    tree: Arc<Tree>,
    id: CallId,
    parent: Option<CallId>,
}

/// What all calls that one call of a client causes share.
#[derive(Debug)]
struct Tree {
    calls_left: AtomicU32,
    questions_left: AtomicU32,
    clock: Arc<Clock>,
}

/// Where a call stands among those that one call of a client causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    /// Which one it is.
    pub id: CallId,
    /// The one that caused it.
    pub parent: Option<CallId>,
    /// 0 for what a client asked, one more for each tool that called a tool.
    pub depth: u8,
}

/// The number of a call, for as long as the program runs: `17` for what a client asked, `17.2` for the second call that
/// this one caused, however deep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallId {
    root: u64,
    nested: u32,
}

impl Call {
    /// A call that a client asked for.
    #[must_use]
    pub fn root(
        caller: Caller,
        progress_token: Option<Json>,
        client: Arc<dyn Client>,
        gateway: Arc<dyn Dispatch>,
    ) -> Self {
        static ROOTS: AtomicU64 = AtomicU64::new(1);
        let tree = Arc::new(Tree {
            calls_left: AtomicU32::new(MAX_NESTED_CALLS),
            questions_left: AtomicU32::new(MAX_QUESTIONS),
            clock: Arc::default(),
        });
        let id = CallId { root: ROOTS.fetch_add(1, Ordering::Relaxed), nested: 0 };
        Self { caller, depth: 0, deadline: None, progress_token, client, gateway, tree, id, parent: None }
    }

    /// Where it stands among the calls that one call of a client causes.
    #[must_use]
    pub fn trace(&self) -> Trace {
        Trace { id: self.id, parent: self.parent, depth: self.depth }
    }

    /// The clock of all calls that one call of a client causes.
    #[must_use]
    pub fn clock(&self) -> &Arc<Clock> {
        &self.tree.clock
    }

    /// Whether one more question to the client is within [`MAX_QUESTIONS`]; counts it.
    #[must_use]
    pub fn take_question(&self) -> bool {
        let take = |left: u32| left.checked_sub(1);
        self.tree.questions_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    /// The client: where progress goes, and who is asked back.
    #[must_use]
    pub fn client(&self) -> &Arc<dyn Client> {
        &self.client
    }

    /// The catalogue as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.gateway.snapshot()
    }

    /// Tells the client how far the call is, where it asked to be told. `params` is an object of `progress` and,
    /// where known, `total` and `message`.
    pub fn progress(&self, params: &Json) {
        if let Some(token) = &self.progress_token {
            self.client.progress(token, params);
        }
    }

    /// Calls a tool from within this call, under the same role. Time, cancellation and the bounds on depth and number
    /// hold for all of them together.
    ///
    /// # Errors
    /// As a call of the client would, and [`FailureKind::Limit`] past [`MAX_DEPTH`] or [`MAX_NESTED_CALLS`].
    pub async fn invoke(
        &self,
        tool: &str,
        arguments: Option<Json>,
        deadline: Option<Instant>,
    ) -> Result<Reply, CallError> {
        // Progress of a step is not progress of the whole: the caller alone knows how they relate.
        let nested = self.nested(tool, earliest(self.deadline, deadline), None)?;
        self.gateway.invoke(tool, arguments, Arc::new(nested)).await
    }

    /// Has another tool answer in the place of the one that was called, as [`Call::invoke`] would call it, with all
    /// that came with the request: its progress is that of this call. The target is the tool's public name.
    ///
    /// # Errors
    /// As [`Call::invoke`].
    pub async fn hand_on(&self, request: Request) -> Result<Reply, CallError> {
        let nested = self.nested(&request.target, self.deadline, self.progress_token.clone())?;
        self.gateway.hand_on(request, Arc::new(nested)).await
    }

    /// The catalogue once it is known what `source` offers, which may start it.
    ///
    /// # Errors
    /// Why it could not be found out.
    pub async fn learn(&self, source: &Arc<dyn Source>) -> Result<Arc<Snapshot>, CallError> {
        self.gateway.learn(source, &self.client).await
    }

    /// The catalogue once it is known whether the caller may use a tool of that public name: that may start a server
    /// whose name it begins with.
    ///
    /// # Errors
    /// Why it could not be found out.
    pub async fn find_out(&self, tool: &str) -> Result<Arc<Snapshot>, CallError> {
        self.gateway.find_out(tool, self.caller.role, &self.client).await
    }

    /// A call within this one.
    fn nested(&self, tool: &str, deadline: Option<Instant>, progress_token: Option<Json>) -> Result<Self, CallError> {
        if self.depth >= MAX_DEPTH {
            let message = format!("tool {tool:?}: calls may nest {MAX_DEPTH} deep, and these do");
            return Err(Failure::new(FailureKind::Limit, message).into());
        }
        let take = |left: u32| left.checked_sub(1);
        let Ok(left) = self.tree.calls_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) else {
            let message = format!("tool {tool:?}: one call may cause {MAX_NESTED_CALLS} others, and this one has");
            return Err(Failure::new(FailureKind::Limit, message).into());
        };
        Ok(Self {
            caller: self.caller,
            depth: self.depth + 1,
            deadline,
            progress_token,
            client: self.client.clone(),
            gateway: self.gateway.clone(),
            tree: self.tree.clone(),
            id: CallId { nested: MAX_NESTED_CALLS - left + 1, ..self.id },
            parent: Some(self.id),
        })
    }
}

/// The earlier of two points in time, either of which may be missing.
#[must_use]
pub fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("caller", &self.caller).field("trace", &self.trace()).finish_non_exhaustive()
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.nested {
            0 => write!(f, "{}", self.root),
            nested => write!(f, "{}.{nested}", self.root),
        }
    }
}
