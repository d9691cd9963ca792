//! The sessions that are open over HTTP.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use tokio::sync::Semaphore;
use tracing::debug;

use super::super::{auth::Principal, session::Session};

/// How many sessions there may be.
const MOST: usize = 10_000;

/// How many of them one principal may have, where there are several.
const MOST_OF_ONE: usize = 5_000;

/// How many requests of one session run at once; further ones wait.
pub(crate) const RUNNING: usize = 1024;

/// What goes out to the client of a session.
pub(crate) trait Ways: Send + Sync {
    /// Ends all of it.
    fn end(&self);

    /// Lets go of what was kept long enough.
    fn trim(&self) {}
}

/// A session, as it is reached over HTTP.
pub(crate) struct Held<W: Ways> {
    /// What the client calls it. Nobody else knows it.
    pub(crate) id: Box<str>,
    principal: Principal,
    pub(crate) session: Arc<Session>,
    pub(crate) streams: Arc<W>,
    /// What may still run.
    pub(crate) room: Arc<Semaphore>,
    busy: Arc<Activity>,
    began: SystemTime,
}

/// A session that is open, for whoever looks at all of them. What the client calls it is not told.
#[derive(Debug, Clone)]
pub struct Present {
    /// The session.
    pub session: Arc<Session>,
    /// When it began.
    pub began: SystemTime,
    /// How long it has not been used; zero while it is.
    pub idle: Duration,
}

/// Whether a session is in use.
#[derive(Debug)]
struct Activity {
    users: AtomicUsize,
    since: Mutex<Instant>,
}

/// Shows that a session is in use.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Activity>);

/// All sessions.
pub(crate) struct Sessions<W: Ways> {
    table: Mutex<HashMap<Box<str>, Arc<Held<W>>>>,
    /// How long one may be unused.
    timeout: Duration,
}

/// Why there is no new session.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoSession {
    /// There are too many.
    #[error("there are {0} sessions, which is as many as there may be: end one that is not needed (DELETE), or wait")]
    TooMany(usize),
    /// The system has no random numbers.
    #[error("no session can be named: {0}")]
    Random(getrandom::Error),
}

/// A name that cannot be guessed: 128 bits.
pub(crate) fn name() -> Result<Box<str>, NoSession> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(NoSession::Random)?;
    let mut name = String::with_capacity(32);
    for byte in bytes {
        let _ = write!(name, "{byte:02x}");
    }
    Ok(name.into())
}

impl<W: Ways> Held<W> {
    pub(crate) fn new(principal: Principal, session: Arc<Session>, streams: Arc<W>) -> Result<Arc<Self>, NoSession> {
        let busy = Arc::new(Activity { users: AtomicUsize::new(0), since: Mutex::new(Instant::now()) });
        let room = Arc::new(Semaphore::new(RUNNING));
        Ok(Arc::new(Self { id: name()?, principal, session, streams, room, busy, began: SystemTime::now() }))
    }

    /// Holds the session open.
    pub(crate) fn busy(&self) -> Busy {
        self.busy.users.fetch_add(1, Ordering::Relaxed);
        Busy(self.busy.clone())
    }

    fn is_idle_for(&self, timeout: Duration) -> bool {
        let since = *lock(&self.busy.since);
        self.busy.users.load(Ordering::Relaxed) == 0 && since.elapsed() >= timeout
    }

    fn present(&self) -> Present {
        let idle = match self.busy.users.load(Ordering::Relaxed) {
            0 => lock(&self.busy.since).elapsed(),
            _ => Duration::ZERO,
        };
        Present { session: self.session.clone(), began: self.began, idle }
    }

    /// Ends the session, and what runs for it.
    fn end(&self) {
        self.session.end();
        self.streams.end();
    }
}

impl<W: Ways> Drop for Held<W> {
    fn drop(&mut self) {
        self.end();
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        *lock(&self.0.since) = Instant::now();
        self.0.users.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<W: Ways> Sessions<W> {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self { table: Mutex::default(), timeout }
    }

    /// Whether there is room for one more.
    pub(crate) fn has_room(&self, principal: &Principal, guarded: bool) -> Result<(), NoSession> {
        let table = lock(&self.table);
        if table.len() >= MOST {
            return Err(NoSession::TooMany(MOST));
        }
        // Counted where it could matter alone.
        if guarded && table.len() >= MOST_OF_ONE {
            let own = table.values().filter(|held| held.principal == *principal).count();
            if own >= MOST_OF_ONE {
                return Err(NoSession::TooMany(MOST_OF_ONE));
            }
        }
        Ok(())
    }

    /// Lets the client come back to it.
    pub(crate) fn insert(&self, held: &Arc<Held<W>>) {
        lock(&self.table).insert(held.id.clone(), held.clone());
    }

    /// The session of that name. It is nobody's but its principal's.
    pub(crate) fn find(&self, id: &str, principal: &Principal) -> Option<(Arc<Held<W>>, Busy)> {
        let table = lock(&self.table);
        let held = table.get(id).filter(|held| held.principal == *principal)?;
        Some((held.clone(), held.busy()))
    }

    /// All that are open.
    pub(crate) fn present(&self) -> Vec<Present> {
        lock(&self.table).values().map(|held| held.present()).collect()
    }

    /// Ends the session of that name.
    pub(crate) fn remove(&self, id: &str) {
        let removed = lock(&self.table).remove(id);
        if let Some(held) = removed {
            held.end();
        }
    }

    /// Ends those whose principal does not stay.
    pub(crate) fn retain(&self, stays: impl Fn(&Principal) -> bool) {
        let over: Vec<_> = lock(&self.table).extract_if(|_, held| !stays(&held.principal)).collect();
        over.iter().for_each(|(_, held)| held.end());
    }

    /// Ends all.
    pub(crate) fn clear(&self) {
        let all: Vec<_> = lock(&self.table).drain().collect();
        all.iter().for_each(|(_, held)| held.end());
    }

    /// Ends what was not used for too long, as long as this is polled.
    pub(crate) async fn sweep(&self) {
        let pause = (self.timeout / 4).clamp(Duration::from_millis(50), Duration::from_secs(30));
        loop {
            tokio::time::sleep(pause).await;
            let mut idle = Vec::new();
            lock(&self.table).retain(|_, held| {
                held.streams.trim();
                let is_idle = held.is_idle_for(self.timeout);
                if is_idle {
                    idle.push(held.clone());
                }
                !is_idle
            });
            if !idle.is_empty() {
                debug!(sessions = idle.len(), "ended after a long time without use");
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
