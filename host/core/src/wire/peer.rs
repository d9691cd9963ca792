//! The client's side of a connection that is used for many calls at once.
//!
//! One state machine for every way that messages travel: it owns the ids, what waits for an answer, where progress
//! goes, and what the other side asks. Whoever carries the messages takes them from the receiver that [`Peer::new`]
//! gives, and hands what comes back to the [`Intake`]. That hands out answers and progress itself, in the order in which
//! they came, and never waits for anybody, so that a slow caller holds up no other.

mod by_line;
mod intake;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{mpsc, oneshot},
    task::AbortHandle,
};
use tokio_util::sync::CancellationToken;

pub use self::intake::Intake;
use crate::{
    call::Call,
    payload::Json,
    source::Fut,
    tasks::Tasks,
    wire::{
        json::Object,
        message::{Malformed, Outgoing},
    },
};

/// This side of a connection. Clones share it.
#[derive(Clone)]
pub struct Peer {
    shared: Arc<Shared>,
}

/// What the other side says by itself. `during` is the call on whose own stream it came, where the connection has one
/// for each call.
pub trait Inbound: Send + Sync + 'static {
    /// It asks something other than `ping`. The future gives the `result` or the `error` object, and is dropped when
    /// the question is withdrawn or the connection ends.
    fn question(
        &self,
        method: Box<str>,
        params: Option<Json>,
        during: Option<Arc<Call>>,
    ) -> Fut<'static, Result<Json, Json>>;

    /// It tells something other than progress. Must not wait: the reader does.
    fn told(&self, method: &str, params: Option<&Json>, during: Option<&Arc<Call>>);

    /// It sent something that means nothing here and was skipped. Must not wait either.
    fn skipped(&self, what: &Skipped<'_>);
}

/// What was read and not understood.
#[derive(Debug)]
#[non_exhaustive]
pub enum Skipped<'a> {
    /// A frame that is no message, and why.
    NoMessage(&'a Bytes, &'a Malformed),
    /// A frame of more bytes than this.
    TooLong(usize),
    /// An answer to something that was not asked, or whose asker is gone.
    Answer(&'a Json),
    /// The stream broke.
    Broken(&'a std::io::Error),
}

/// Why a request has no result.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The other side answered with this `error` object.
    #[error("answered with an error: {0}")]
    Answer(Json),
    /// The other side did not get the request, or said that it did nothing about it, so that it can be sent again.
    #[error("the connection has ended")]
    NotSent,
    /// The connection ended before the answer came.
    #[error("the connection ended before the answer came")]
    Ended,
    /// The way on which the answer was due broke, for this reason; the connection as a whole may be well. The request
    /// may have had its effect.
    #[error("the answer was lost: {0}")]
    Lost(Box<str>),
    /// What came for an answer is none.
    #[error("{0}")]
    Broken(Box<str>),
    /// The HTTP server in front answered, and not with MCP.
    #[error("the server answered HTTP {status}{said}")]
    Status {
        /// The status of HTTP.
        status: u16,
        /// What it said beside, as `: …`; empty where it said nothing that can be shown.
        said: Box<str>,
    },
}

struct Shared {
    next_id: AtomicU64,
    state: Mutex<State>,
    ended: CancellationToken,
    /// Set with `State::waiting` to `None`, for who cannot take the lock.
    over: AtomicBool,
    /// How many requests were written for sure, in the order of [`Waiting::order`].
    written: AtomicU64,
    tasks: Tasks,
    inbound: Arc<dyn Inbound>,
}

struct State {
    /// `None`: nothing more is sent.
    outgoing: Option<mpsc::UnboundedSender<Outgoing>>,
    /// What waits for an answer, by our ids. `None`: nothing more comes.
    waiting: Option<HashMap<u64, Waiting>>,
    /// What the other side asked, by its ids.
    questions: HashMap<Json, AbortHandle>,
    /// How many requests were handed to the carrier.
    handed_over: u64,
    /// A writer is at work that knows what it has written.
    writing: bool,
    /// What waited when the connection ended, and may not have been written: the writer knows.
    unsure: Vec<Waiting>,
}

struct Waiting {
    answer: oneshot::Sender<Result<Json, RequestError>>,
    progress: Option<Arc<Call>>,
    /// How many requests were handed over before it.
    order: u64,
}

// === impl Peer ===

impl Peer {
    /// A connection whose messages are carried by whoever has the [`Intake`] and the receiver. It ends with the
    /// intake. What the other side asks is worked on as `tasks`.
    #[must_use]
    pub fn new(tasks: &Tasks, inbound: Arc<dyn Inbound>) -> (Self, Intake, mpsc::UnboundedReceiver<Outgoing>) {
        let (outgoing, messages) = mpsc::unbounded_channel();
        let state = State {
            outgoing: Some(outgoing),
            waiting: Some(HashMap::new()),
            questions: HashMap::new(),
            handed_over: 0,
            writing: false,
            unsure: Vec::new(),
        };
        let shared = Arc::new(Shared {
            next_id: AtomicU64::new(1),
            state: Mutex::new(state),
            ended: CancellationToken::new(),
            over: AtomicBool::new(false),
            // Who carries the messages says which of them could not be sent, unless a writer counts.
            written: AtomicU64::new(u64::MAX),
            tasks: tasks.clone(),
            inbound,
        });
        (Self { shared: shared.clone() }, Intake::new(shared), messages)
    }

    /// A connection with one message a line: starts to read and to write, as two of `tasks`. Lines of over `limit`
    /// bytes are skipped.
    pub fn start<R, W>(tasks: &Tasks, read: R, write: W, limit: usize, inbound: Arc<dyn Inbound>) -> Self
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let (peer, intake, messages) = Self::new(tasks, inbound);
        tasks.spawn(by_line::write(by_line::Writer::new(peer.shared.clone()), write, messages));
        tasks.spawn(by_line::read(intake, read, limit));
        peer
    }

    /// Asks, and waits for the answer: a slice of the frame that brings it. `params` is given the request's id, which
    /// is also its progress token; progress that comes for it goes to `progress` before the answer does.
    ///
    /// Dropping the future withdraws the request (`notifications/cancelled`), `initialize` excepted.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn request(
        &self,
        method: &str,
        params: impl FnOnce(u64) -> Option<Json>,
        progress: Option<&Arc<Call>>,
    ) -> Result<Json, RequestError> {
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        let request = Outgoing::Request { id, method: method.into(), params: params(id) };
        let (sender, answer) = oneshot::channel();
        {
            let mut state = self.shared.lock();
            let State { outgoing: Some(outgoing), waiting: Some(waiting), handed_over, .. } = &mut *state else {
                return Err(RequestError::NotSent);
            };
            if outgoing.send(request).is_err() {
                return Err(RequestError::NotSent);
            }
            waiting.insert(id, Waiting { answer: sender, progress: progress.cloned(), order: *handed_over });
            *handed_over += 1;
        }
        let mut asked = Asked { shared: &self.shared, id, revocable: method != "initialize" };
        let outcome = answer.await.unwrap_or(Err(RequestError::Ended));
        asked.revocable = false;
        outcome
    }

    /// Tells the other side something. Goes nowhere once the connection has ended.
    pub fn notify(&self, method: &str, params: Option<Json>) {
        self.shared.lock().send(Outgoing::Notification { method: method.into(), params });
    }

    /// Closes the writing side as soon as everything is written. Answers are still taken.
    pub fn hang_up(&self) {
        self.shared.lock().outgoing = None;
    }

    /// Whether nothing more can be asked.
    #[must_use]
    pub fn is_hung_up(&self) -> bool {
        self.shared.lock().outgoing.is_none()
    }

    /// Whether an answer is waited for.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.shared.lock().waiting.as_ref().is_some_and(|waiting| !waiting.is_empty())
    }

    /// Whether nothing more comes from the other side.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.shared.ended.is_cancelled()
    }

    /// Waits until nothing more comes from the other side.
    pub async fn ended(&self) {
        self.shared.ended.cancelled().await;
    }

    /// Ends the connection from this side: whatever waits for an answer gets none.
    pub fn end(&self) {
        self.shared.end();
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("ended", &self.shared.ended.is_cancelled()).finish_non_exhaustive()
    }
}

/// A request that waits for its answer. Dropped before that, it is withdrawn.
struct Asked<'a> {
    shared: &'a Shared,
    id: u64,
    revocable: bool,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        let waits = state.waiting.as_mut().is_some_and(|waiting| waiting.remove(&self.id).is_some());
        if waits && self.revocable {
            let mut params = Object::with_capacity(32);
            params.raw("requestId", self.id.to_string().as_bytes());
            let params = Some(params.finish());
            state.send(Outgoing::Notification { method: "notifications/cancelled".into(), params });
        }
    }
}

// === impl Shared ===

impl State {
    fn send(&self, message: Outgoing) {
        if let Some(outgoing) = &self.outgoing {
            // A writer that is gone has said so.
            let _ = outgoing.send(message);
        }
    }
}

impl Shared {
    /// What is behind the lock is never left half-changed, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        let (ended, unsent, questions) = {
            let mut state = self.lock();
            state.outgoing = None;
            self.over.store(true, Ordering::Release);
            let waiting = state.waiting.take().unwrap_or_default();
            let written = self.written.load(Ordering::Acquire);
            let (ended, mut unsent): (Vec<_>, Vec<_>) =
                waiting.into_values().partition(|waiting| waiting.order < written);
            if state.writing {
                state.unsure = std::mem::take(&mut unsent);
            }
            (ended, unsent, std::mem::take(&mut state.questions))
        };
        questions.into_values().for_each(|task| task.abort());
        // Their askers hear that nothing comes any more.
        drop(ended);
        unsent.into_iter().for_each(Waiting::was_not_sent);
        self.ended.cancel();
    }

    /// Nothing more is written, and this many requests were: the others can be sent again.
    fn written_in_all(&self, written: u64) {
        let (ended, unsent) = {
            let mut state = self.lock();
            state.outgoing = None;
            state.writing = false;
            self.written.store(written, Ordering::Release);
            let mut late = std::mem::take(&mut state.unsure);
            if let Some(waiting) = &mut state.waiting {
                late.extend(waiting.extract_if(|_, waiting| waiting.order >= written).map(|(_, waiting)| waiting));
            }
            late.into_iter().partition::<Vec<_>, _>(|waiting| waiting.order < written)
        };
        drop(ended);
        unsent.into_iter().for_each(Waiting::was_not_sent);
    }

    /// Whether somebody waited for it.
    fn answer(&self, id: u64, outcome: Result<Json, RequestError>) -> bool {
        let waiting = self.lock().waiting.as_mut().and_then(|waiting| waiting.remove(&id));
        // The asker may be gone since.
        waiting.map(|waiting| waiting.answer.send(outcome)).is_some()
    }

    /// The call that the request belongs to.
    fn call_of(&self, id: u64) -> Option<Arc<Call>> {
        self.lock().waiting.as_ref()?.get(&id)?.progress.clone()
    }
}

impl Waiting {
    fn was_not_sent(self) {
        let _ = self.answer.send(Err(RequestError::NotSent));
    }
}

/// Our ids are numbers; some servers give them back as texts.
fn our_id(id: &Json) -> Option<u64> {
    id.as_str().trim_matches('"').parse().ok()
}

#[cfg(test)]
mod tests;
