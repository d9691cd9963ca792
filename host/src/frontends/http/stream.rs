//! A way to a client over HTTP: the answer to one request, or what belongs to none.
//!
//! It begins undecided. Where the answer is the first thing that is sent, it is a body of its own; where something else
//! comes before, everything becomes an event. Events are kept for a while after they were read, so that a client whose
//! connection broke goes on where it was (`Last-Event-ID`).

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use gateway_core::wire::{message::Outgoing, sse::Head};

use super::{super::exchange::Way, sessions::Ways};

/// How much of the answer to a request waits for a client that does not read. Beyond it progress is dropped, and then
/// whatever is oldest.
const WAITING: usize = 8 << 20;

/// The same for what belongs to no request: many clients never ask for it.
const WAITING_LASTING: usize = 1 << 20;

/// How much that was read is kept, in bytes and in events.
const KEPT: (usize, usize) = (1 << 20, 256);

/// When a client whose connection broke should come back.
const RETRY: Duration = Duration::from_secs(1);

/// A way to a client. Clones of the `Arc` send; one [`Body`](super::body::Body) at a time reads.
pub(crate) struct Stream {
    /// What its events' ids begin with; `None`: they have none, and nothing is kept.
    name: Option<u64>,
    /// An answer is the last thing that is sent.
    answers: bool,
    /// How many bytes may wait.
    room: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    /// The number of the next event.
    next: u64,
    /// The number of the next event to read.
    cursor: u64,
    /// Bytes of events that were not read yet, and of those that were.
    waiting: usize,
    read: usize,
    /// Who reads. Each takes over from the one before.
    reader: u64,
    attached: bool,
    waker: Option<Waker>,
    /// The answer, where it came first.
    answer: Option<Answer>,
    streaming: bool,
    ended: bool,
}

struct Event {
    number: u64,
    text: Bytes,
    progress: bool,
}

/// An answer that came before anything else.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The JSON-RPC message.
    pub(crate) body: Bytes,
    /// The code, where it is an error.
    pub(crate) error: Option<i32>,
}

/// What came first.
#[derive(Debug)]
pub(crate) enum First {
    /// The answer.
    Answer(Answer),
    /// Something else, or nothing for too long.
    Event,
    /// The end: the request was cancelled, and has no answer.
    End,
}

impl Stream {
    /// The way of one request. With a name, its events can be read again.
    pub(crate) fn of_request(name: Option<u64>) -> Arc<Self> {
        Arc::new(Self { name, answers: true, room: WAITING, state: Mutex::default() })
    }

    /// A way that lasts as long as the session does.
    pub(crate) fn lasting(name: Option<u64>) -> Arc<Self> {
        let state = Mutex::new(State { streaming: true, ..State::default() });
        Arc::new(Self { name, answers: false, room: WAITING_LASTING, state })
    }

    /// Sends an event of a kind of its own, not a message.
    pub(crate) fn announce(&self, kind: &str, data: &str) {
        let mut text = Vec::with_capacity(data.len() + 32);
        Head { kind: Some(kind), ..Head::default() }.write(&mut text, data.as_bytes());
        let mut state = self.lock();
        self.push(&mut state, text.into(), false);
    }

    /// What comes first, once it is there.
    pub(crate) fn poll_first(&self, context: &Context<'_>) -> Poll<First> {
        let mut state = self.lock();
        if let Some(answer) = state.answer.take() {
            return Poll::Ready(First::Answer(answer));
        }
        if !state.events.is_empty() || state.streaming {
            return Poll::Ready(First::Event);
        }
        if state.ended {
            return Poll::Ready(First::End);
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }

    /// From now on everything is an event. With `primed`, the first one is empty and tells its id, so that the client can
    /// come back before anything was sent. Gives the answer where it came just now.
    pub(crate) fn begin(&self, primed: bool) -> Option<Answer> {
        let mut state = self.lock();
        if let Some(answer) = state.answer.take() {
            return Some(answer);
        }
        state.streaming = true;
        if primed && let Some(name) = self.name {
            // In front of what may have come already: numbers begin at 1, so that 0 is free for it.
            let mut text = Vec::with_capacity(64);
            let id = format!("{name}-0");
            Head { kind: None, id: Some(&id), retry: Some(RETRY) }.write(&mut text, b"");
            state.waiting += text.len();
            state.events.push_front(Event { number: 0, text: text.into(), progress: false });
        }
        None
    }

    /// Whether it takes what is sent.
    pub(crate) fn is_open(&self) -> bool {
        !self.lock().ended
    }

    /// Whether somebody reads.
    pub(crate) fn is_read(&self) -> bool {
        self.lock().attached
    }

    /// Whether nothing more will come of it that was not read.
    pub(crate) fn is_done(&self) -> bool {
        let state = self.lock();
        state.ended && (state.events.is_empty() || state.waiting == 0)
    }

    /// How many bytes it holds.
    pub(crate) fn size(&self) -> usize {
        let state = self.lock();
        state.waiting + state.read
    }

    /// Nothing more is sent.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        state.wake();
    }

    /// The request that it is of is over, answered or not.
    pub(super) fn request_over(&self) {
        if self.answers {
            self.end();
        }
    }

    /// A reader, who takes over from the one before. It begins after the event of number `after`, or where the last one
    /// stopped.
    pub(super) fn attach(&self, after: Option<u64>) -> u64 {
        let mut state = self.lock();
        if let Some(after) = after {
            state.rewind(after);
        }
        state.reader += 1;
        state.attached = true;
        state.wake();
        state.reader
    }

    pub(super) fn detach(&self, reader: u64) {
        let mut state = self.lock();
        if state.reader == reader {
            state.attached = false;
            state.waker = None;
        }
    }

    /// The next event for this reader; `None`: there are no more for it.
    pub(super) fn poll_event(&self, reader: u64, context: &Context<'_>) -> Poll<Option<Bytes>> {
        let mut state = self.lock();
        if state.reader != reader {
            return Poll::Ready(None);
        }
        if let Some(text) = state.read_next(self.name.is_some()) {
            return Poll::Ready(Some(text));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }

    fn push(&self, state: &mut State, text: Bytes, progress: bool) {
        state.next += 1;
        state.waiting += text.len();
        state.events.push_back(Event { number: state.next, text, progress });
        if state.waiting > self.room {
            state.shed(self.room, self.name.is_some());
        }
        state.wake();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Never left half-changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Way for Stream {
    fn send(&self, message: Outgoing) {
        let is_answer = matches!(message, Outgoing::Result { .. } | Outgoing::Error { .. } | Outgoing::Batch(_));
        let last = is_answer && self.answers;
        let mut text = Vec::with_capacity(message.size() + 64);
        let mut state = self.lock();
        if state.ended {
            return;
        }
        if last && state.events.is_empty() && !state.streaming {
            message.write(&mut text);
            state.answer = Some(Answer { body: text.into(), error: code(&message) });
        } else {
            let mut data = Vec::with_capacity(message.size());
            message.write(&mut data);
            let id = self.name.map(|name| format!("{name}-{}", state.next + 1));
            Head { id: id.as_deref(), ..Head::default() }.write(&mut text, &data);
            let progress =
                matches!(&message, Outgoing::Notification { method, .. } if **method == *"notifications/progress");
            self.push(&mut state, text.into(), progress);
        }
        state.ended |= last;
        state.wake();
    }
}

/// The one way of a session of HTTP+SSE.
impl Ways for Stream {
    fn end(&self) {
        Self::end(self);
    }
}

impl State {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Lets go of what a client that does not read will have to do without: progress first, then the oldest. The last
    /// event stays, however long it is: it may be the answer.
    fn shed(&mut self, room: usize, keeps: bool) {
        let (last, cursor) = (self.next, self.cursor);
        self.events.retain(|event| !event.progress || event.number == last || event.number < cursor);
        self.count();
        if self.waiting <= room {
            return;
        }
        // Whoever reads is cut off, and sees that something is missing.
        self.reader += 1;
        self.attached = false;
        self.wake();
        while self.waiting > room && self.events.len() > 1 {
            self.events.pop_front();
            self.count();
        }
        // Without ids there is no coming back.
        self.ended |= !keeps;
    }

    fn count(&mut self) {
        let length = |events: &VecDeque<Event>, of: &dyn Fn(&Event) -> bool| {
            events.iter().filter(|event| of(event)).map(|event| event.text.len()).sum()
        };
        let cursor = self.cursor;
        self.waiting = length(&self.events, &|event| event.number >= cursor);
        self.read = length(&self.events, &|event| event.number < cursor);
    }

    fn rewind(&mut self, after: u64) {
        self.cursor = after.saturating_add(1);
        self.count();
    }

    fn read_next(&mut self, keeps: bool) -> Option<Bytes> {
        // Numbers ascend without gaps but where something was shed.
        let at = self.events.partition_point(|event| event.number < self.cursor);
        let event = self.events.get(at)?;
        let (number, text) = (event.number, event.text.clone());
        self.cursor = number + 1;
        self.waiting -= text.len();
        if keeps {
            self.read += text.len();
            self.forget();
        } else {
            self.events.pop_front();
        }
        Some(text)
    }

    /// Lets go of what was read long ago.
    fn forget(&mut self) {
        let mut read = self.events.partition_point(|event| event.number < self.cursor);
        while (self.read > KEPT.0 && read > 1) || read > KEPT.1 {
            if let Some(event) = self.events.pop_front() {
                self.read -= event.text.len();
            }
            read -= 1;
        }
    }
}

fn code(message: &Outgoing) -> Option<i32> {
    #[derive(serde::Deserialize)]
    struct Head {
        code: i32,
    }
    match message {
        Outgoing::Error { error, .. } => Some(error.to::<Head>().map_or(0, |head| head.code)),
        _ => None,
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Stream").field("name", &self.name).field("next", &state.next).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
