//! How a server is started: reached, greeted, and asked what it offers.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use gateway_core::{
    error::{Failure, FailureKind},
    source::{Item, Kind},
    wire::{json::Object, peer::RequestError},
};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{
    Endpoint, Stage,
    handshake::{self, HandshakeError, Order},
    lifecycle::Lifecycle,
    link::{End, Link},
    lists,
    manners::Manners,
    running::Running,
    seconds,
};

/// How long a server that did not start has to end.
pub(super) const FAILED_GRACE: Duration = Duration::from_secs(1);

/// How long a server may leave `server/discover` unanswered before it is greeted in the old way; at most half of the
/// time that it has to start.
const SILENCE: Duration = Duration::from_secs(5);

impl Lifecycle {
    pub(super) async fn start(&self, cancel: &CancellationToken) -> Result<Arc<Running>, Failure> {
        let (common, settings) = (&self.common, &self.common.settings);
        common.observe(Stage::Starting);
        common.tell("connecting");
        let (began, abilities) = (Instant::now(), &self.whose.abilities);
        let before = common.thought(abilities);
        let mut order = Order::of(&settings.endpoint, before, common.serves_old() && !common.is_doubtful());
        // Whether it knows more than `initialize` is not asked then.
        common.greets_blindly(order == Order::Initialize && before.is_none());
        loop {
            let manners = Arc::new(Manners::new(settings, self.whose.clone()));
            let link = Link::open(settings, manners.clone(), &common.tasks, common.count_start())?;
            let meeting = timeout_at(began + settings.start_timeout, self.meet(&link, &manners, order));
            let met = tokio::select! {
                met = meeting => met,
                () = cancel.cancelled() => {
                    link.stop(FAILED_GRACE).await;
                    return Err(self.cancelled());
                }
            };
            let failure = match met {
                Ok(Ok(running)) => {
                    let (revision, ms) = (running.hello.revision.as_str(), began.elapsed().as_millis());
                    info!(server = %settings.name, revision, ms, "started");
                    return Ok(running);
                }
                Ok(Err(HandshakeError::DiedOfDiscovery)) if order != Order::Old => {
                    debug!(server = %settings.name, "it ended when it was discovered: started again as an old one");
                    link.stop(FAILED_GRACE).await;
                    order = Order::Old;
                    continue;
                }
                Ok(Err(error)) => self.not_introduced(&link, error).await,
                Err(_) => {
                    let (name, limit) = (&settings.name, seconds(settings.start_timeout));
                    let message = format!("server {name:?} did not finish its start within {limit}{}", link.quote());
                    Failure::new(FailureKind::Timeout, message).hint(format!("raise servers.{name}.start_timeout"))
                }
            };
            common.doubt(true);
            link.stop(FAILED_GRACE).await;
            return Err(failure);
        }
    }

    /// Greets the server and reads what it offers.
    async fn meet(
        &self,
        link: &Arc<Link>,
        manners: &Arc<Manners>,
        order: Order,
    ) -> Result<Arc<Running>, HandshakeError> {
        let patience = SILENCE.min(self.common.settings.start_timeout / 2);
        let hello = handshake::greet(link.peer(), order, &self.whose.abilities.capabilities(), patience).await?;
        manners.met(&hello);
        let running = Running::new(link.clone(), manners.clone(), hello);
        let (level, asked) = (self.common.level(&self.whose), Instant::now());
        let (lists, (), ()) = tokio::join!(read_all(&running), running.log_from(level), self.subscribe_again(&running));
        if let (Ok(_), Endpoint::Remote(remote)) = (&lists, &self.common.settings.endpoint) {
            remote.seen.note(asked.elapsed());
        }
        self.common.learn(&self.whose, &running.hello, lists?).await;
        // Last: whoever sees it sees also what is offered.
        self.common.set_era(running.hello.revision);
        Ok(running)
    }

    /// What was subscribed to before is so again.
    async fn subscribe_again(&self, running: &Running) {
        if running.is_modern() || !running.hello.declares(Kind::Resource.capability()) {
            return;
        }
        for uri in self.subscriptions.uris() {
            let mut params = Object::with_capacity(uri.len() + 16);
            params.text("uri", &uri);
            let told = running.peer().request("resources/subscribe", |_| Some(params.finish()), None).await;
            if let Err(error) = told {
                warn!(server = %self.common.settings.name, "it does not tell of {uri} any more: {error}");
            }
        }
    }

    /// What is said where the handshake failed.
    async fn not_introduced(&self, link: &Arc<Link>, error: HandshakeError) -> Failure {
        let name = &self.common.settings.name;
        let (hint, is_here) = match self.common.settings.endpoint {
            Endpoint::Command(_) => {
                (format!("check servers.{name}.command and servers.{name}.args; the log has all that it wrote"), true)
            }
            Endpoint::Remote(_) => (format!("check servers.{name}.url, and that the server is up"), false),
        };
        let message = match error {
            HandshakeError::DiedOfDiscovery
            | HandshakeError::Request { cause: RequestError::Ended | RequestError::NotSent, .. } => {
                let End { how, .. } = link.ended().await;
                match is_here {
                    true => format!("server {name:?} ended during its start ({how}){}", link.quote()),
                    false => format!("server {name:?} cannot be reached: {how}"),
                }
            }
            HandshakeError::Request { method, cause: RequestError::Answer(error) } => {
                format!("server {name:?} refused `{method}`: {error}")
            }
            HandshakeError::Request { cause: RequestError::Status { status, said }, .. } => {
                return refused(name, status, &said);
            }
            error => format!("server {name:?} cannot be used: {error}"),
        };
        Failure::new(FailureKind::Unavailable, message).hint(hint)
    }
}

/// What is said where HTTP was answered, and MCP was not.
pub(super) fn refused(name: &gateway_core::name::SourceName, status: u16, said: &str) -> Failure {
    let hint = match status {
        401 | 403 => format!("check servers.{name}.headers, or log in: gateway server login {name}"),
        404 | 405 => format!("check servers.{name}.url and servers.{name}.transport"),
        _ => format!("check servers.{name}.url; the server's own log may say more"),
    };
    Failure::new(FailureKind::Unavailable, format!("server {name:?} answered HTTP {status}{said}")).hint(hint)
}

/// All that the server offers. Only its tools are worth failing for.
async fn read_all(running: &Running) -> Result<Vec<(Kind, Vec<Item>)>, HandshakeError> {
    let read = |kind| async move { (kind, lists::read(running.peer(), &running.hello, kind).await) };
    let mut all = Vec::with_capacity(Kind::ALL.len());
    for (kind, items) in join_all(Kind::ALL.map(read)).await {
        match items {
            Ok(items) => all.push((kind, items)),
            Err(error) if kind == Kind::Tool || !running.link.is_open() => return Err(error),
            Err(error) => {
                warn!("{error}");
                all.push((kind, Vec::new()));
            }
        }
    }
    Ok(all)
}
