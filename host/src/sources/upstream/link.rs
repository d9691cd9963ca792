//! A server that runs: its process and the connection to it, as one thing that ends as one.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use gateway_core::{error::Failure, tasks::Tasks, wire::peer::Peer};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, timeout},
};

use super::{
    Settings,
    child::{LastWords, Process, describe, spawn},
    manners::{Asking, Manners, Mirror},
};

/// How long a server that closed its standard output has to go by itself, so that its exit status can be told.
const HANGUP_PATIENCE: Duration = Duration::from_millis(500);

/// How long what a server wrote before it ended is still read.
const DRAIN: Duration = Duration::from_millis(250);

/// A server that runs.
pub(super) struct Link {
    peer: Peer,
    stop: watch::Sender<Option<Duration>>,
    end: watch::Receiver<Option<End>>,
    last_words: LastWords,
    asking: Arc<Asking>,
    relist: Arc<Notify>,
    told_roots: bool,
    /// It has answered a call.
    pub(super) proved: AtomicBool,
    /// It says that it has tools.
    pub(super) claims_tools: AtomicBool,
    usage: Mutex<Use>,
}

/// Who uses it, and since when nobody does.
struct Use {
    leases: usize,
    last: Instant,
}

/// How it ended.
#[derive(Debug, Clone)]
pub(super) struct End {
    /// In words, such as `exit status 1`.
    pub(super) how: String,
    /// Because the gateway wanted it.
    pub(super) wanted: bool,
}

/// A use of the link; while there is one, it does not count as idle.
pub(super) struct Lease {
    link: Arc<Link>,
}

// === impl Link ===

impl Link {
    /// Starts the server and what attends to it, as one of `attendants`, which are not to be cut short. Whoever counts
    /// `alive` knows when nothing of it is left.
    ///
    /// # Errors
    /// Where its command cannot be run.
    pub(super) fn open(
        settings: &Settings,
        mirror: Mirror,
        attendants: &Tasks,
        alive: Alive,
    ) -> Result<Arc<Self>, Failure> {
        let (process, streams) = spawn(settings)?;
        let told_roots = mirror.offers("roots");
        let (asking, relist, last_words) = (Arc::<Asking>::default(), Arc::new(Notify::new()), LastWords::default());
        let manners = Manners::new(settings.name.clone(), mirror, asking.clone(), relist.clone());
        let tasks = Tasks::new();
        let peer = Peer::start(&tasks, streams.stdout, streams.stdin, settings.max_message, Arc::new(manners));
        let (words, name, env) = (last_words.clone(), settings.name.clone(), settings.env.clone());
        tasks.spawn(async move { words.listen(&name, streams.stderr, &env).await });
        let (stop, wanted) = watch::channel(None);
        let (ended, end) = watch::channel(None);
        let attended = peer.clone();
        attendants.spawn(async move {
            attend(process, attended, tasks, wanted, ended).await;
            drop(alive);
        });
        let usage = Mutex::new(Use { leases: 0, last: Instant::now() });
        let (proved, claims_tools) = (AtomicBool::new(false), AtomicBool::new(false));
        Ok(Arc::new(Self { peer, stop, end, last_words, asking, relist, told_roots, proved, claims_tools, usage }))
    }

    pub(super) fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Whether it can be asked something.
    pub(super) fn is_open(&self) -> bool {
        !self.peer.is_ended()
    }

    /// Waits until it has ended, and says how.
    pub(super) async fn ended(&self) -> End {
        let mut end = self.end.clone();
        match end.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(end)) => end.clone(),
            // The runtime ends, and everything with it.
            _ => End { how: "the gateway has ended".to_owned(), wanted: true },
        }
    }

    /// Ends it, politely for as long as `grace`, then by force.
    pub(super) async fn stop(&self, grace: Duration) {
        self.want_end(grace);
        self.ended().await;
    }

    /// Like [`Link::stop`], without waiting for it.
    pub(super) fn want_end(&self, grace: Duration) {
        self.stop.send_replace(Some(grace));
    }

    /// Waits until the server says that its tools have changed.
    pub(super) async fn list_changed(&self) {
        self.relist.notified().await;
    }

    /// Tells the server that the client's roots have changed, if it was told that there are any.
    pub(super) fn roots_changed(&self) {
        if self.told_roots {
            self.peer.notify("notifications/roots/list_changed", None);
        }
    }

    /// What it wrote on standard error that says most, to be added to a sentence.
    pub(super) fn quote(&self) -> String {
        self.last_words.quote()
    }

    /// For how long questions of the server have been open so far: time in which it waits for a person.
    pub(super) fn asked_for(&self) -> Duration {
        self.asking.so_far()
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

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl Lease {
    /// To be taken under the lock under which an idle link is given up.
    pub(super) fn take(link: &Arc<Link>) -> Self {
        link.used().leases += 1;
        Self { link: link.clone() }
    }

    pub(super) fn link(&self) -> &Arc<Link> {
        &self.link
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut used = self.link.used();
        used.leases -= 1;
        used.last = Instant::now();
    }
}

/// Counts what lives of a server's processes; dropped when nothing is left.
pub(super) struct Alive(watch::Sender<usize>);

impl Alive {
    pub(super) fn one_more(of: &watch::Sender<usize>) -> Self {
        of.send_modify(|count| *count += 1);
        Self(of.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// Stays with a process until nothing is left of it.
async fn attend(
    mut process: Process,
    peer: Peer,
    tasks: Tasks,
    mut wanted: watch::Receiver<Option<Duration>>,
    ended: watch::Sender<Option<End>>,
) {
    let (status, was_wanted) = tokio::select! {
        status = process.wait() => (status, false),
        // A server that says nothing any more is of no use, even if it lives on.
        () = peer.ended() => (process.end(HANGUP_PATIENCE).await, false),
        grace = grace(&mut wanted) => {
            peer.hang_up();
            (process.end(grace / 2).await, true)
        }
    };
    // Answers that it wrote before it went still count; a grandchild that holds its output open does not.
    let _ = timeout(DRAIN, peer.ended()).await;
    peer.end();
    tasks.drain(DRAIN).await;
    ended.send_replace(Some(End { how: describe(status), wanted: was_wanted }));
    process.clean_up().await;
}

/// Waits until the end is wanted, or nobody is left who could want anything.
async fn grace(wanted: &mut watch::Receiver<Option<Duration>>) -> Duration {
    wanted.wait_for(Option::is_some).await.ok().and_then(|grace| *grace).unwrap_or(HANGUP_PATIENCE)
}
