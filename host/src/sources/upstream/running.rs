//! A server that runs and has introduced itself, and who uses it.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use gateway_core::{
    payload::Json,
    source::LogLevel,
    tasks::Tasks,
    wire::{json::Object, peer::Peer},
};
use tokio::{sync::watch, time::Instant};
use tracing::debug;

use super::{hello::Hello, link::Link, manners::Manners};

/// A server that runs and has introduced itself.
pub(super) struct Running {
    pub(super) link: Arc<Link>,
    pub(super) manners: Arc<Manners>,
    pub(super) hello: Hello,
    /// What a server without sessions was asked to tell, and what of it it tells.
    pub(super) listening: watch::Sender<Listening>,
    proved: AtomicBool,
    levels: Mutex<Levels>,
    /// What it was told that is wanted; held while it is told, so that it hears of changes in their order.
    level: tokio::sync::Mutex<Option<LogLevel>>,
    /// To what it was subscribed for clients without a session.
    pub(super) held: tokio::sync::Mutex<BTreeSet<Arc<str>>>,
    usage: Mutex<Use>,
}

/// Which log messages are wanted of it.
#[derive(Debug, Default)]
struct Levels {
    /// By sessions.
    standing: Option<LogLevel>,
    /// By single requests that are in flight.
    passing: Vec<LogLevel>,
}

impl Levels {
    /// What is wanted by whoever wants most.
    fn most(&self) -> Option<LogLevel> {
        self.passing.iter().copied().chain(self.standing).min()
    }
}

/// Of which resources updates were asked for, and of which they come.
#[derive(Debug, Default)]
pub(super) struct Listening {
    pub(super) asked: BTreeSet<Arc<str>>,
    pub(super) accepted: BTreeSet<Arc<str>>,
}

/// Who uses it, and since when nobody does.
struct Use {
    leases: usize,
    last: Instant,
}

/// A use of a server; while there is one, it does not count as idle.
pub(super) struct Lease {
    running: Arc<Running>,
}

// === impl Running ===

impl Running {
    pub(super) fn new(link: Arc<Link>, manners: Arc<Manners>, hello: Hello) -> Arc<Self> {
        Arc::new(Self {
            link,
            manners,
            hello,
            listening: watch::Sender::default(),
            proved: AtomicBool::new(false),
            levels: Mutex::default(),
            level: tokio::sync::Mutex::default(),
            held: tokio::sync::Mutex::default(),
            usage: Mutex::new(Use { leases: 0, last: Instant::now() }),
        })
    }

    pub(super) fn peer(&self) -> &Peer {
        self.link.peer()
    }

    /// Whether it is of a revision without sessions.
    pub(super) fn is_modern(&self) -> bool {
        !self.hello.revision.has_sessions()
    }

    /// Whether this is the first call that it has answered.
    pub(super) fn proves_itself(&self) -> bool {
        // Asked first: this is said after every call.
        !self.proved.load(Ordering::Relaxed) && !self.proved.swap(true, Ordering::Relaxed)
    }

    /// Asks for log messages of this level and above, where it has any and was not asked for the same already. Without
    /// sessions each request says what it wants.
    pub(super) async fn log_from(&self, level: Option<LogLevel>) {
        let Some(level) = level.filter(|_| self.takes_level()) else { return };
        self.levels().standing = Some(level);
        self.tell_level().await;
    }

    /// Asks for log messages of this level and above for one request: for as long as what this gives lives.
    pub(super) async fn log_meanwhile(self: &Arc<Self>, level: LogLevel, tasks: &Tasks) -> Option<Louder> {
        if !self.takes_level() {
            return None;
        }
        self.levels().passing.push(level);
        let louder = Louder { running: self.clone(), level, tasks: tasks.clone() };
        self.tell_level().await;
        Some(louder)
    }

    fn takes_level(&self) -> bool {
        !self.is_modern() && self.hello.logs
    }

    /// Tells the server which log messages are wanted, where it does not know.
    async fn tell_level(&self) {
        let mut told = self.level.lock().await;
        // Nobody can ask for what it would have sent by itself: those who said nothing get what is usual.
        let Some(level) = self.levels().most().or_else(|| told.map(|_| LogLevel::Info)) else { return };
        if told.replace(level) == Some(level) {
            return;
        }
        let mut params = Object::with_capacity(32);
        params.raw("level", Json::from_value(&level).as_bytes());
        if let Err(error) = self.peer().request("logging/setLevel", |_| Some(params.finish()), None).await {
            debug!("logging/setLevel: {error}");
        }
    }

    fn levels(&self) -> MutexGuard<'_, Levels> {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For how long questions of the server have been open so far: time in which it waits for a person.
    pub(super) fn asked_for(&self) -> Duration {
        self.manners.asked_for()
    }

    /// Since when nobody uses it; `None` while somebody does.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let used = self.used();
        (used.leases == 0).then_some(used.last)
    }

    fn used(&self) -> MutexGuard<'_, Use> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`Running::log_meanwhile`].
pub(super) struct Louder {
    running: Arc<Running>,
    level: LogLevel,
    tasks: Tasks,
}

impl Drop for Louder {
    fn drop(&mut self) {
        let mut levels = self.running.levels();
        let before = levels.most();
        if let Some(at) = levels.passing.iter().position(|level| *level == self.level) {
            levels.passing.swap_remove(at);
        }
        let is_less = levels.most() != before;
        drop(levels);
        // Where everything ends, nobody needs to be told.
        if is_less && tokio::runtime::Handle::try_current().is_ok() {
            let running = self.running.clone();
            self.tasks.spawn(async move { running.tell_level().await });
        }
    }
}

impl Lease {
    /// To be taken under the lock under which an idle server is given up.
    pub(super) fn take(running: &Arc<Running>) -> Self {
        running.used().leases += 1;
        Self { running: running.clone() }
    }

    pub(super) fn running(&self) -> &Arc<Running> {
        &self.running
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut used = self.running.used();
        used.leases -= 1;
        used.last = Instant::now();
    }
}
