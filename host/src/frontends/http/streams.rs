//! The ways of one session: one that lasts, and one for each request that is running or was answered lately.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use gateway_core::wire::message::Outgoing;

use super::{super::exchange::Way, sessions::Ways, stream::Stream};

/// How many answers that were sent are kept for clients that missed them, and how many bytes of them.
const KEPT: usize = 32;
const KEPT_BYTES: usize = 8 << 20;

/// And for how long.
const KEPT_FOR: Duration = Duration::from_secs(300);

/// The name of the one that lasts.
const LASTING: u64 = 0;

/// The ways of a session.
#[derive(Debug)]
pub(super) struct Streams {
    lasting: Arc<Stream>,
    requests: Mutex<Requests>,
}

#[derive(Debug, Default)]
struct Requests {
    last: u64,
    all: BTreeMap<u64, Kept>,
}

#[derive(Debug)]
struct Kept {
    stream: Arc<Stream>,
    /// When it was seen to be done.
    done: Option<Instant>,
}

impl Streams {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { lasting: Stream::lasting(Some(LASTING)), requests: Mutex::default() })
    }

    /// The one for what belongs to no request.
    pub(super) fn lasting(&self) -> &Arc<Stream> {
        &self.lasting
    }

    /// One for a request, and its name.
    pub(super) fn open(&self) -> (u64, Arc<Stream>) {
        let mut requests = self.lock();
        requests.trim();
        requests.last += 1;
        let name = requests.last;
        let stream = Stream::of_request(Some(name));
        requests.all.insert(name, Kept { stream: stream.clone(), done: None });
        (name, stream)
    }

    /// The one of that name, where it is still there.
    pub(super) fn find(&self, name: u64) -> Option<Arc<Stream>> {
        match name {
            LASTING => Some(self.lasting.clone()),
            name => self.lock().all.get(&name).map(|kept| kept.stream.clone()),
        }
    }

    /// Nobody will come back for it.
    pub(super) fn forget(&self, name: u64) {
        self.lock().all.remove(&name);
    }

    fn lock(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ways for Streams {
    fn end(&self) {
        self.lasting.end();
        self.lock().all.values().for_each(|kept| kept.stream.end());
    }

    fn trim(&self) {
        self.lock().trim();
    }
}

impl Requests {
    fn trim(&mut self) {
        // Most sessions have one request at a time, answered at once.
        if self.all.is_empty() {
            return;
        }
        let now = Instant::now();
        for kept in self.all.values_mut() {
            if kept.done.is_none() && !kept.stream.is_open() {
                kept.done = Some(now);
            }
        }
        let (mut count, mut bytes) = (0, 0);
        let mut gone = Vec::new();
        // The latest are the likeliest to be asked for.
        for (name, kept) in self.all.iter().rev() {
            let Some(done) = kept.done else { continue };
            count += 1;
            bytes += kept.stream.size();
            let room = count <= KEPT && (bytes <= KEPT_BYTES || (count == 1 && !kept.stream.is_done()));
            if !room || now.duration_since(done) > KEPT_FOR {
                gone.push(*name);
            }
        }
        for name in gone {
            self.all.remove(&name);
        }
    }
}

/// Where a session sends what belongs to no request.
impl Way for Streams {
    fn send(&self, message: Outgoing) {
        // A question has to reach the client: where it does not listen, by the answer that it waits for.
        if matches!(message, Outgoing::Request { .. }) && !self.lasting.is_read() {
            let running =
                self.lock().all.values().rev().find(|kept| kept.stream.is_open()).map(|kept| kept.stream.clone());
            if let Some(running) = running {
                return running.send(message);
            }
        }
        self.lasting.send(message);
    }
}
