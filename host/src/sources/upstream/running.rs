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
    level: Mutex<Option<LogLevel>>,
    usage: Mutex<Use>,
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
            level: Mutex::default(),
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
        let Some(level) = level.filter(|_| !self.is_modern() && self.hello.declares("logging")) else { return };
        if self.level.lock().unwrap_or_else(PoisonError::into_inner).replace(level) == Some(level) {
            return;
        }
        let mut params = Object::with_capacity(32);
        params.raw("level", Json::from_value(&level).as_bytes());
        if let Err(error) = self.peer().request("logging/setLevel", |_| Some(params.finish()), None).await {
            debug!("logging/setLevel: {error}");
        }
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
