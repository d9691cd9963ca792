//! A server that runs: its process, if it has one here, and the connection to it, as one thing that ends as one.

use std::{fmt, sync::Arc, time::Duration};

use gateway_core::{
    error::Failure,
    tasks::Tasks,
    wire::peer::{Inbound, Peer},
};
use tokio::{sync::watch, time::timeout};

use super::{
    Settings,
    child::{CommandLine, LastWords, Process, describe, spawn},
    config::Transport,
    remote::{self, Fate, Remote},
};

/// How long a server that closed its standard output has to go by itself, so that its exit status can be told.
const HANGUP_PATIENCE: Duration = Duration::from_millis(500);

/// How long what a server wrote before it ended is still read.
pub(super) const DRAIN: Duration = Duration::from_millis(250);

/// Where a server is.
#[derive(Debug, Clone)]
pub enum Endpoint {
    /// In a process that is started for it.
    Command(CommandLine),
    /// Behind an address.
    Remote(Remote),
}

impl Endpoint {
    /// How it is spoken to, in a word.
    pub(super) fn transport(&self) -> &'static str {
        match self {
            Self::Command(_) => "stdio",
            Self::Remote(remote) if remote.transport == Transport::Sse => "sse",
            Self::Remote(_) => "http",
        }
    }

    /// Where what it says is read, in words.
    pub(super) fn place(&self) -> &'static str {
        match self {
            Self::Command(_) => "on standard output",
            Self::Remote(remote) if remote.transport == Transport::Sse => "on its event stream",
            Self::Remote(_) => "in an HTTP response",
        }
    }

    /// Whether it is reached over Streamable HTTP.
    pub(super) fn is_http(&self) -> bool {
        matches!(self, Self::Remote(remote) if remote.transport == Transport::Http)
    }
}

/// A server that runs.
pub(super) struct Link {
    peer: Peer,
    stop: watch::Sender<Option<Duration>>,
    end: watch::Receiver<Option<End>>,
    last_words: LastWords,
    /// The process, and the group that it leads, if it has one here.
    pub(super) process: Option<u32>,
    /// Known of a connection that can take nothing new before it has ended.
    fate: Option<Arc<Fate>>,
}

/// How it ended.
#[derive(Debug, Clone)]
pub(super) struct End {
    /// In words, such as `exit status 1`.
    pub(super) how: String,
    /// Because the gateway wanted it.
    pub(super) wanted: bool,
}

// === impl Link ===

impl Link {
    /// Starts or reaches the server, and what attends to it, as one of `attendants`, which are not to be cut short.
    /// What it says by itself goes to `inbound`. Whoever counts `alive` knows when nothing of it is left.
    ///
    /// # Errors
    /// Where its command cannot be run. A server behind an address is found missing when it is asked something.
    pub(super) fn open(
        settings: &Settings,
        inbound: Arc<dyn Inbound>,
        attendants: &Tasks,
        alive: Alive,
    ) -> Result<Arc<Self>, Failure> {
        match &settings.endpoint {
            Endpoint::Command(line) => Self::start(settings, line, inbound, attendants, alive),
            Endpoint::Remote(remote) => Self::reach(settings, remote, inbound, attendants, alive),
        }
    }

    fn start(
        settings: &Settings,
        line: &CommandLine,
        inbound: Arc<dyn Inbound>,
        attendants: &Tasks,
        alive: Alive,
    ) -> Result<Arc<Self>, Failure> {
        let (process, streams) = spawn(&settings.name, line, &settings.guard)?;
        let id = process.id();
        let (last_words, tasks) = (LastWords::default(), Tasks::new());
        let peer = Peer::start(&tasks, streams.stdout, streams.stdin, settings.max_message, inbound);
        let (words, name, env) = (last_words.clone(), settings.name.clone(), line.env.clone());
        tasks.spawn(async move { words.listen(&name, streams.stderr, &env).await });
        let (stop, wanted) = watch::channel(None);
        let (ended, end) = watch::channel(None);
        let attended = peer.clone();
        attendants.spawn(async move {
            attend(process, attended, tasks, wanted, ended).await;
            drop(alive);
        });
        Ok(Arc::new(Self { peer, stop, end, last_words, process: id, fate: None }))
    }

    fn reach(
        settings: &Settings,
        remote: &Remote,
        inbound: Arc<dyn Inbound>,
        attendants: &Tasks,
        alive: Alive,
    ) -> Result<Arc<Self>, Failure> {
        let (stop, wanted) = watch::channel(None);
        let (ended, end) = watch::channel(None);
        let fate = Arc::new(Fate::new(ended));
        let (peer, attendant) = remote::open(&settings.name, remote, settings.max_message, inbound, &fate, wanted)?;
        attendants.spawn(async move {
            attendant.await;
            drop(alive);
        });
        let last_words = LastWords::default();
        Ok(Arc::new(Self { peer, stop, end, last_words, process: None, fate: Some(fate) }))
    }

    pub(super) fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Whether it can be asked something.
    pub(super) fn is_open(&self) -> bool {
        !self.peer.is_ended() && self.fate.as_ref().is_none_or(|fate| !fate.is_sealed())
    }

    /// It did not take a request: it is of no use to others either, but for what it is still working on.
    pub(super) fn retire(&self) {
        match &self.fate {
            // Its carrier knows more: it has said so, or only this request did not get through.
            Some(_) => {}
            None => self.peer.end(),
        }
    }

    /// Waits until somebody wants it to end, or it has ended by itself.
    pub(super) async fn ending(&self) {
        let mut wanted = self.stop.subscribe();
        tokio::select! {
            _ = wanted.wait_for(Option::is_some) => {}
            _ = self.ended() => {}
        }
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

    /// What it wrote on standard error that says most, to be added to a sentence.
    pub(super) fn quote(&self) -> String {
        self.last_words.quote()
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("peer", &self.peer).finish_non_exhaustive()
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
pub(super) async fn grace(wanted: &mut watch::Receiver<Option<Duration>>) -> Duration {
    wanted.wait_for(Option::is_some).await.ok().and_then(|grace| *grace).unwrap_or(HANGUP_PATIENCE)
}
