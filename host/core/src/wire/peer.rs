//! The client's side of a connection that is used for many calls at once.
//!
//! One task writes, one reads. The reader hands out answers and progress itself, in the order in which they came, and
//! never waits for anybody, so that a slow caller holds up no other.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{mpsc, oneshot},
    task::AbortHandle,
};
use tokio_util::sync::CancellationToken;

use crate::{
    call::Call,
    payload::Json,
    source::Fut,
    tasks::Tasks,
    wire::{
        json::{Members, Object},
        lines::{Line, Lines, write_all},
        message::{self, Frame, INTERNAL_ERROR, Malformed, Message, Outgoing},
    },
};

/// How many questions of the other side are worked on at once.
const MAX_QUESTIONS: usize = 64;

/// This side of a connection. Clones share it.
#[derive(Clone)]
pub struct Peer {
    shared: Arc<Shared>,
}

/// What the other side says by itself.
pub trait Inbound: Send + Sync + 'static {
    /// It asks something other than `ping`. The future gives the `result` or the `error` object, and is dropped when
    /// the question is withdrawn or the connection ends.
    fn question(&self, method: Box<str>, params: Option<Json>) -> Fut<'static, Result<Json, Json>>;

    /// It tells something other than progress. Must not wait: the reader does.
    fn told(&self, method: &str, params: Option<&Json>);

    /// It sent something that means nothing here and was skipped. Must not wait either.
    fn skipped(&self, what: &Skipped<'_>);
}

/// What was read and not understood.
#[derive(Debug)]
#[non_exhaustive]
pub enum Skipped<'a> {
    /// A line that is no message, and why.
    NoMessage(&'a Bytes, &'a Malformed),
    /// A line of more bytes than this.
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
    /// The connection had ended before; the other side knows nothing of the request.
    #[error("the connection has ended")]
    NotSent,
    /// The connection ended before the answer came.
    #[error("the connection ended before the answer came")]
    Ended,
    /// What came for an answer is none.
    #[error("{0}")]
    Broken(Box<str>),
}

struct Shared {
    next_id: AtomicU64,
    state: Mutex<State>,
    ended: CancellationToken,
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
}

struct Waiting {
    answer: oneshot::Sender<Result<Json, RequestError>>,
    progress: Option<Arc<Call>>,
}

// === impl Peer ===

impl Peer {
    /// Starts to read and to write, as two of `tasks`. Lines of over `limit` bytes are skipped.
    pub fn start<R, W>(tasks: &Tasks, read: R, write: W, limit: usize, inbound: Arc<dyn Inbound>) -> Self
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let (outgoing, mut messages) = mpsc::unbounded_channel();
        let state = State { outgoing: Some(outgoing), waiting: Some(HashMap::new()), questions: HashMap::new() };
        let shared = Arc::new(Shared {
            next_id: AtomicU64::new(1),
            state: Mutex::new(state),
            ended: CancellationToken::new(),
            tasks: tasks.clone(),
            inbound,
        });
        let of_writer = shared.clone();
        tasks.spawn(async move {
            if write_all(write, &mut messages).await.is_err() {
                // What was sent before may still be answered; what comes now cannot even be asked.
                of_writer.lock().outgoing = None;
            }
        });
        let end = EndOnDrop(shared.clone());
        tasks.spawn(async move { end.0.read(read, limit).await });
        Self { shared }
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
            let State { outgoing: Some(outgoing), waiting: Some(waiting), .. } = &mut *state else {
                return Err(RequestError::NotSent);
            };
            if outgoing.send(request).is_err() {
                return Err(RequestError::NotSent);
            }
            waiting.insert(id, Waiting { answer: sender, progress: progress.cloned() });
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

/// However the reader ends, nobody waits on.
struct EndOnDrop(Arc<Shared>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

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
        let (waiting, questions) = {
            let mut state = self.lock();
            state.outgoing = None;
            (state.waiting.take(), std::mem::take(&mut state.questions))
        };
        questions.into_values().for_each(|task| task.abort());
        // Their askers hear that nothing comes any more.
        drop(waiting);
        self.ended.cancel();
    }

    async fn read(self: &Arc<Self>, source: impl AsyncRead + Unpin, limit: usize) {
        let mut lines = Lines::new(source, limit);
        loop {
            match lines.next().await {
                Ok(Some(Line::Whole(frame) | Line::Torn(frame))) => self.take_frame(&frame),
                Ok(Some(Line::TooLong)) => {
                    let (head, tail) = lines.cut();
                    let error = format!("the answer is longer than {limit} bytes");
                    if !id_of_cut(head, tail).is_some_and(|id| self.answer(id, Err(RequestError::Broken(error.into()))))
                    {
                        self.inbound.skipped(&Skipped::TooLong(limit));
                    }
                }
                Ok(None) => return,
                Err(error) => return self.inbound.skipped(&Skipped::Broken(&error)),
            }
        }
    }

    fn take_frame(self: &Arc<Self>, frame: &Bytes) {
        match message::read(frame) {
            Ok(Frame::One(message)) => self.take(message),
            Ok(Frame::Batch(messages)) => {
                for message in messages {
                    match message {
                        Ok(message) => self.take(message),
                        Err(error) => self.inbound.skipped(&Skipped::NoMessage(frame, &error)),
                    }
                }
            }
            Err(error) => self.take_malformed(frame, &error),
        }
    }

    fn take(self: &Arc<Self>, message: Message) {
        match message {
            Message::Response { id, outcome } => {
                let known = our_id(&id).is_some_and(|id| self.answer(id, outcome.map_err(RequestError::Answer)));
                if !known {
                    self.inbound.skipped(&Skipped::Answer(&id));
                }
            }
            Message::Notification { method, params } => match &*method {
                "notifications/progress" => self.progress(params.as_ref()),
                "notifications/cancelled" => self.withdrawn(params.as_ref()),
                method => self.inbound.told(method, params.as_ref()),
            },
            Message::Request { id, method, .. } if &*method == "ping" => {
                self.lock().send(Outgoing::Result { id, result: Json::empty_object() });
            }
            Message::Request { id, method, params } => self.question(id, method, params),
        }
    }

    /// A line that was meant to be an answer fails its call at once: there will be no other answer.
    fn take_malformed(&self, frame: &Bytes, error: &Malformed) {
        let is_request = memchr::memmem::find(frame, b"\"method\"").is_some();
        let id = error.id.as_ref().filter(|_| !is_request).and_then(our_id);
        let broken = || RequestError::Broken(format!("the answer is no message: {error}").into());
        if !id.is_some_and(|id| self.answer(id, Err(broken()))) {
            self.inbound.skipped(&Skipped::NoMessage(frame, error));
        }
    }

    /// Whether somebody waited for it.
    fn answer(&self, id: u64, outcome: Result<Json, RequestError>) -> bool {
        let waiting = self.lock().waiting.as_mut().and_then(|waiting| waiting.remove(&id));
        // The asker may be gone since.
        waiting.map(|waiting| waiting.answer.send(outcome)).is_some()
    }

    fn progress(&self, params: Option<&Json>) {
        const TOKEN: &str = "progressToken";
        let Some(params) = params else { return };
        let Ok(members) = Members::read(params.as_bytes()) else { return };
        let Some(id) = members.part(params.bytes(), TOKEN).as_ref().and_then(our_id) else { return };
        let call = {
            let state = self.lock();
            state.waiting.as_ref().and_then(|waiting| waiting.get(&id)).and_then(|waiting| waiting.progress.clone())
        };
        if let Some(call) = call {
            let mut rest = Object::with_capacity(params.as_bytes().len());
            for (name, value) in members.iter().filter(|(name, _)| *name != TOKEN) {
                rest.raw(name, value.get().as_bytes());
            }
            call.progress(&rest.finish());
        }
    }

    fn question(self: &Arc<Self>, id: Json, method: Box<str>, params: Option<Json>) {
        let (shared, key) = (self.clone(), id.clone());
        // The table stays locked until the task is in it: it might be done at once.
        let mut state = self.lock();
        if state.questions.len() >= MAX_QUESTIONS || state.questions.contains_key(&id) {
            let message = format!("{MAX_QUESTIONS} questions at once are answered, each with an id of its own");
            return state.send(Outgoing::error(Some(id), INTERNAL_ERROR, &message));
        }
        let task = self.tasks.spawn(async move {
            let outcome = shared.inbound.question(method, params).await;
            let mut state = shared.lock();
            if state.questions.remove(&key).is_some() {
                state.send(match outcome {
                    Ok(result) => Outgoing::Result { id: key, result },
                    Err(error) => Outgoing::Error { id: Some(key), error },
                });
            }
        });
        state.questions.insert(id, task);
    }

    fn withdrawn(&self, params: Option<&Json>) {
        let id = params.and_then(|params| {
            Members::read(params.as_bytes()).ok().and_then(|members| members.part(params.bytes(), "requestId"))
        });
        if let Some(task) = id.and_then(|id| self.lock().questions.remove(&id)) {
            task.abort();
        }
    }
}

/// Our ids are numbers; some servers give them back as texts.
fn our_id(id: &Json) -> Option<u64> {
    id.as_str().trim_matches('"').parse().ok()
}

/// The id of an answer of which only the beginning and the end were kept. It stands before the result or after it,
/// beside nothing but `jsonrpc`: anywhere else it might be part of the result.
fn id_of_cut(head: &[u8], tail: &[u8]) -> Option<u64> {
    const VERSION: &str = "\"jsonrpc\":\"2.0\"";
    let compact = |text: &[u8]| {
        let kept: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        String::from_utf8_lossy(&kept).into_owned()
    };
    let number = |text: &str| text.trim_matches('"').parse().ok();
    let head = compact(head);
    let first = head.strip_prefix('{')?;
    let first = first.strip_prefix(VERSION).and_then(|rest| rest.strip_prefix(',')).unwrap_or(first);
    if let Some(id) = first.strip_prefix("\"id\":") {
        return number(id.split(',').next()?);
    }
    let tail = compact(tail);
    let last = tail.strip_suffix('}')?;
    let last = last.strip_suffix(VERSION).and_then(|rest| rest.strip_suffix(',')).unwrap_or(last);
    number(last.rsplit_once(",\"id\":")?.1)
}

#[cfg(test)]
mod tests;
