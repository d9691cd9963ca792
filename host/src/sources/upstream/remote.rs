//! A server by its address: what connections to it have in common, whichever way messages travel.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use gateway_core::{
    error::{Failure, FailureKind},
    name::SourceName,
    payload::Json,
    tasks::Tasks,
    wire::{
        message::Outgoing,
        peer::{Inbound, Peer, RequestError},
    },
};
use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tracing::info;
use url::Url;

use super::{
    config::{OAuthConfig, Transport},
    http::{
        HttpCarrier,
        dial::{DialError, Dialer},
    },
    link::{DRAIN, End, grace},
    oauth::Login,
    seen::Seen,
    sse::SseCarrier,
};
use crate::telemetry::events::TARGET;

/// How many checks in a row may fail.
const FAILED_CHECKS: usize = 3;

/// How often it is looked whether calls in flight are over.
const LOOK: Duration = Duration::from_millis(10);

/// Where a remote server is, and how it is spoken to.
#[derive(Clone)]
pub struct Remote {
    /// Its address.
    pub url: Url,
    /// How messages travel.
    pub transport: Transport,
    /// Headers of every request, fully expanded. The values are shown nowhere.
    pub headers: Vec<(String, String)>,
    /// The time between two checks that it is still there; zero: it is not checked.
    pub heartbeat: Duration,
    /// Who the gateway is to its authorization server.
    pub oauth: OAuthConfig,
    /// Who gets tokens for it, where somebody logged in; a configured `Authorization` counts more.
    pub login: Option<Arc<Login>>,
    /// When it was last seen to be there.
    pub seen: Arc<Seen>,
    /// Connections are made to public addresses alone, whatever its name leads to.
    pub only_public: bool,
}

impl Remote {
    /// The server at `url`, spoken to as its path suggests, without headers.
    #[must_use]
    pub fn new(url: Url) -> Self {
        let transport = Transport::of(&url);
        let heartbeat = Duration::from_secs(30);
        let (headers, oauth) = (Vec::new(), OAuthConfig::default());
        Self { url, transport, headers, heartbeat, oauth, login: None, only_public: false, seen: Arc::default() }
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("transport", &self.transport).finish_non_exhaustive()
    }
}

/// How a connection ends: the first one who knows says so.
pub(super) struct Fate {
    closed: AtomicBool,
    end: watch::Sender<Option<End>>,
}

impl Fate {
    pub(super) fn new(end: watch::Sender<Option<End>>) -> Self {
        Self { closed: AtomicBool::new(false), end }
    }

    /// Whether nothing new is to be asked.
    pub(super) fn is_sealed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// From now on the connection takes nothing new, for this reason. What is in flight may still be answered.
    pub(super) fn seal(&self, peer: &Peer, how: &str, wanted: bool) {
        self.closed.store(true, Ordering::Release);
        peer.hang_up();
        self.end.send_if_modified(|end| {
            let first = end.is_none();
            if first {
                *end = Some(End { how: how.to_owned(), wanted });
            }
            first
        });
    }
}

/// What a carrier is made with.
pub(super) struct Parts {
    pub(super) name: SourceName,
    pub(super) dialer: Dialer,
    pub(super) peer: Peer,
    pub(super) fate: Arc<Fate>,
    pub(super) tasks: Tasks,
    /// The longest message.
    pub(super) limit: usize,
}

impl Parts {
    /// What is said of a request that has no answer. Where the server cannot be reached, the connection has ended.
    pub(super) fn not_answered(&self, error: DialError) -> RequestError {
        match error {
            DialError::Unreachable(how) => {
                self.fate.seal(&self.peer, &how, false);
                RequestError::NotSent
            }
            DialError::Lost(cause) => RequestError::Lost(cause.into()),
            DialError::Redirected { status, to } => {
                RequestError::Status { status: status.as_u16(), said: format!(": it redirects to {to}").into() }
            }
        }
    }
}

/// Carries messages to a server, and what comes back to the intake.
pub(super) trait Carry: Send + Sync + 'static {
    /// Sends a message. What happens to a request is told to the intake.
    fn send(self: &Arc<Self>, message: Outgoing) -> impl Future<Output = ()> + Send;

    /// Whether something is asked that will have an answer.
    fn is_busy(&self) -> bool;

    /// What to ask to see that the server is there; `None` while that is not known.
    fn check(&self) -> Option<(&'static str, Option<Json>)>;

    /// Says goodbye.
    fn leave(&self) -> impl Future<Output = ()> + Send;
}

/// What attends to a connection that was opened.
pub(super) type Attendant = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// Opens a connection: nothing is sent before something is asked.
///
/// # Errors
/// Where a header cannot be sent.
pub(super) fn open(
    name: &SourceName,
    remote: &Remote,
    limit: usize,
    inbound: Arc<dyn Inbound>,
    fate: &Arc<Fate>,
    wanted: watch::Receiver<Option<Duration>>,
) -> Result<(Peer, Attendant), Failure> {
    let dialer = Dialer::new(remote).map_err(|header| {
        let message = format!("server {name:?} cannot be asked: its header {header:?} cannot be sent");
        Failure::new(FailureKind::Unavailable, message).hint(format!("check servers.{name}.headers"))
    })?;
    let tasks = Tasks::new();
    let (peer, intake, messages) = Peer::new(&tasks, inbound);
    let parts = Parts { name: name.clone(), dialer, peer: peer.clone(), fate: fate.clone(), tasks, limit };
    let (fate, heartbeat, attended) = (fate.clone(), remote.heartbeat, peer.clone());
    let tasks = parts.tasks.clone();
    let (name, seen) = (name.clone(), remote.seen.clone());
    let attendance = Attendance { name, seen, peer: attended, messages, tasks, fate, wanted, heartbeat };
    let attendant: Attendant = match remote.transport {
        Transport::Http => Box::pin(attendance.attend(HttpCarrier::new(parts, intake))),
        Transport::Sse => Box::pin(attendance.attend(SseCarrier::new(parts, intake))),
    };
    Ok((peer, attendant))
}

/// Stays with a connection until nothing is left of it.
struct Attendance {
    name: SourceName,
    seen: Arc<Seen>,
    peer: Peer,
    messages: mpsc::UnboundedReceiver<Outgoing>,
    tasks: Tasks,
    fate: Arc<Fate>,
    wanted: watch::Receiver<Option<Duration>>,
    heartbeat: Duration,
}

impl Attendance {
    async fn attend<C: Carry>(mut self, carrier: Arc<C>) {
        let ended = self.carry(&carrier).await;
        match ended {
            Some(grace) => {
                self.peer.hang_up();
                while let Ok(message) = self.messages.try_recv() {
                    carrier.send(message).await;
                }
                let _ = timeout(grace / 2, answered(&self.peer, &*carrier)).await;
                let _ = timeout(grace / 2, carrier.leave()).await;
                self.fate.seal(&self.peer, "it was stopped", true);
            }
            // Somebody said why already; what is in flight may still be answered.
            None => tokio::select! {
                () = answered(&self.peer, &*carrier) => {}
                _ = grace(&mut self.wanted) => {}
            },
        }
        self.peer.end();
        self.fate.seal(&self.peer, "the connection has ended", false);
        self.tasks.drain(DRAIN).await;
    }

    /// Carries messages until the end is wanted, within this time, or has come.
    async fn carry<C: Carry>(&mut self, carrier: &Arc<C>) -> Option<Duration> {
        let checks = Arc::new(Checks { name: self.name.clone(), seen: self.seen.clone(), failed: AtomicUsize::new(0) });
        let mut beat = interval(self.heartbeat.max(LOOK));
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        beat.reset();
        let mut stop = std::pin::pin!(grace(&mut self.wanted));
        loop {
            tokio::select! {
                biased;
                grace = &mut stop => return Some(grace),
                message = self.messages.recv() => {
                    carrier.send(message?).await;
                }
                _ = beat.tick(), if !self.heartbeat.is_zero() => {
                    if let Some(check) = carrier.check().filter(|_| !carrier.is_busy()) {
                        let (peer, fate) = (self.peer.clone(), self.fate.clone());
                        self.tasks.spawn(checks.clone().one(check, self.heartbeat, peer, fate));
                    }
                }
            }
        }
    }
}

/// Waits until every answer is there.
async fn answered<C: Carry>(peer: &Peer, carrier: &C) {
    while carrier.is_busy() && !peer.is_ended() {
        sleep(LOOK).await;
    }
}

/// Looks whether the server is there.
struct Checks {
    name: SourceName,
    seen: Arc<Seen>,
    /// How many failed in a row.
    failed: AtomicUsize,
}

impl Checks {
    async fn one(
        self: Arc<Self>,
        check: (&'static str, Option<Json>),
        patience: Duration,
        peer: Peer,
        fate: Arc<Fate>,
    ) {
        let ((method, params), began) = (check, Instant::now());
        let answer = timeout(patience, peer.request(method, |_| params, None)).await;
        let failed = match answer {
            // Whatever it says, it is there.
            Ok(Ok(_) | Err(RequestError::Answer(_))) => {
                self.seen.note(began.elapsed());
                self.failed.store(0, Ordering::Relaxed);
                return;
            }
            Ok(Err(RequestError::NotSent | RequestError::Ended)) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer".to_owned(),
        };
        info!(target: TARGET, server = %self.name, "heartbeat failed: {failed}");
        if self.failed.fetch_add(1, Ordering::Relaxed) + 1 >= FAILED_CHECKS {
            fate.seal(&peer, &format!("{FAILED_CHECKS} checks in a row failed: {failed}"), false);
        }
    }
}
