//! The first words with a server, of whichever era it is.
//!
//! A server of 2026-07-28 is discovered, an older one initialized; some are both, some die of a method that they do not
//! know. Which is tried first is decided by what is known from earlier ([`Order::of`]), so that an ordinary server is
//! asked one thing too many at most once.

use std::time::Duration;

use gateway_core::{
    payload::Json,
    source::LogLevel,
    wire::{
        json::{Members, Object},
        peer::{Peer, RequestError},
        revision::{REVISIONS, Revision},
    },
};
use tokio::time::timeout;

use super::{Endpoint, config::Transport, hello::Hello};

const DISCOVER: &str = "server/discover";
const INITIALIZE: &str = "initialize";

/// The server knows the revisions that it names, and not the one that it was asked in (2026-07-28).
const UNSUPPORTED_REVISION: i32 = -32022;

/// Which of the two greetings is tried first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// `server/discover`, and `initialize` where that means nothing to the server.
    Discover,
    /// `initialize`, and `server/discover` where that is refused.
    Initialize,
    /// `initialize` alone.
    Old,
}

/// Why a server is not used.
#[derive(Debug, thiserror::Error)]
pub(super) enum HandshakeError {
    /// It did not answer as it should.
    #[error("{method}: {cause}")]
    Request { method: &'static str, cause: RequestError },
    /// It ended when it was asked what only new servers know.
    #[error("it ended when it was discovered")]
    DiedOfDiscovery,
    /// It speaks a revision that is not known here.
    #[error("it speaks MCP {0}, which is not known here")]
    Revision(String),
    /// Its answer to `initialize` is none.
    #[error("its answer to `initialize` has no `protocolVersion`: {0:.200}")]
    NoRevision(String),
}

/// What the answer to `server/discover` says of the server.
#[derive(Debug)]
enum Verdict {
    Modern(Json),
    Old,
    Failed(HandshakeError),
}

// === impl Order ===

impl Order {
    /// What to try first with a server that is there and spoke `before` the last time; `as_old`: its only client is of
    /// the older era.
    pub(super) fn of(endpoint: &Endpoint, before: Option<Revision>, as_old: bool) -> Self {
        match (endpoint, before) {
            // That transport is older than the question.
            (Endpoint::Remote(remote), _) if remote.transport == Transport::Sse => Self::Old,
            (_, Some(revision)) if revision.has_initialize() => Self::Initialize,
            (_, None) if as_old => Self::Initialize,
            _ => Self::Discover,
        }
    }
}

/// Greets the server. `capabilities` is what it is told that it can ask; a server that says nothing at all to
/// `server/discover` is waited for as long as `patience` before it is spoken to as an old one.
///
/// # Errors
/// See [`HandshakeError`].
pub(super) async fn greet(
    peer: &Peer,
    order: Order,
    capabilities: &Json,
    patience: Duration,
) -> Result<Hello, HandshakeError> {
    match order {
        Order::Old => initialize(peer, capabilities).await,
        Order::Initialize => match initialize(peer, capabilities).await {
            Err(
                refused @ HandshakeError::Request {
                    cause: RequestError::Answer(_) | RequestError::Status { .. }, ..
                },
            ) => match verdict(discover(peer).await) {
                Verdict::Modern(greeting) => Ok(Hello::new(Revision::MODERN, greeting)),
                Verdict::Old | Verdict::Failed(_) => Err(refused),
            },
            introduced => introduced,
        },
        Order::Discover => {
            let mut discovery = std::pin::pin!(discover(peer));
            if let Ok(answer) = timeout(patience, &mut discovery).await {
                return match verdict(answer) {
                    Verdict::Modern(greeting) => Ok(Hello::new(Revision::MODERN, greeting)),
                    Verdict::Old => initialize(peer, capabilities).await,
                    Verdict::Failed(error) => Err(error),
                };
            }
            // It may be slow to start, and know either greeting: the one that it takes is the one that it answers.
            match initialize(peer, capabilities).await {
                Err(refused @ HandshakeError::Request { cause: RequestError::Answer(_), .. }) => {
                    match verdict(discovery.await) {
                        Verdict::Modern(greeting) => Ok(Hello::new(Revision::MODERN, greeting)),
                        Verdict::Old | Verdict::Failed(_) => Err(refused),
                    }
                }
                // It came to the other question first.
                Err(HandshakeError::Request { cause: RequestError::Ended, .. }) => Err(HandshakeError::DiedOfDiscovery),
                introduced => introduced,
            }
        }
    }
}

async fn discover(peer: &Peer) -> Result<Json, RequestError> {
    match discover_once(peer).await {
        Err(RequestError::Answer(error)) if is_worth_another_try(&error) => discover_once(peer).await,
        answer => answer,
    }
}

async fn discover_once(peer: &Peer) -> Result<Json, RequestError> {
    let mut params = Object::with_capacity(256);
    params.raw("_meta", per_request(None, &Json::empty_object(), None).as_bytes());
    peer.request(DISCOVER, |_| Some(params.finish()), None).await
}

async fn initialize(peer: &Peer, capabilities: &Json) -> Result<Hello, HandshakeError> {
    let answer = peer.request(INITIALIZE, |_| Some(introduction(capabilities)), None).await;
    let answer = answer.map_err(|cause| HandshakeError::Request { method: INITIALIZE, cause })?;
    let members = Members::read(answer.as_bytes()).unwrap_or_default();
    let Some(name) = members.text("protocolVersion") else {
        return Err(HandshakeError::NoRevision(answer.to_string()));
    };
    let Some(revision) = Revision::named(&name) else { return Err(HandshakeError::Revision(format!("{name:?}"))) };
    peer.notify("notifications/initialized", None);
    // A copy of its own: it is kept for long, and would keep the frame that it came in.
    let greeting = Json::parse(answer.as_bytes().to_vec()).unwrap_or_else(|_| answer.clone());
    Ok(Hello::new(revision, greeting))
}

fn introduction(capabilities: &Json) -> Json {
    let mut params = Object::with_capacity(256);
    params
        .text("protocolVersion", Revision::LATEST.as_str())
        .raw("capabilities", capabilities.as_bytes())
        .raw("clientInfo", client_info().as_bytes());
    params.finish()
}

fn client_info() -> Json {
    let mut info = Object::with_capacity(64);
    info.text("name", "mcp-gateway").text("version", env!("CARGO_PKG_VERSION"));
    info.finish()
}

/// The `_meta` of a request to a server without sessions: who asks, and what can be asked back; then the members of
/// `theirs`, which the caller gave.
pub(super) fn per_request(theirs: Option<&Json>, capabilities: &Json, level: Option<LogLevel>) -> Json {
    let mut meta = Object::with_capacity(256 + theirs.map_or(0, |theirs| theirs.as_bytes().len()));
    meta.text("io.modelcontextprotocol/protocolVersion", Revision::MODERN.as_str())
        .raw("io.modelcontextprotocol/clientInfo", client_info().as_bytes())
        .raw("io.modelcontextprotocol/clientCapabilities", capabilities.as_bytes());
    if let Some(level) = level {
        meta.raw("io.modelcontextprotocol/logLevel", Json::from_value(&level).as_bytes());
    }
    let theirs = theirs.and_then(|meta| Members::read(meta.as_bytes()).ok()).unwrap_or_default();
    for (name, value) in theirs.iter() {
        meta.raw(name, value.get().as_bytes());
    }
    meta.finish()
}

fn verdict(answer: Result<Json, RequestError>) -> Verdict {
    match answer {
        Ok(result) => {
            let members = Members::read(result.as_bytes()).unwrap_or_default();
            let supported =
                members.get("supportedVersions").and_then(|raw| serde_json::from_str::<Vec<_>>(raw.get()).ok());
            match supported {
                Some(supported) => of_supported(&supported, &result),
                // Some servers answer `{}` to whatever they do not know.
                None => Verdict::Old,
            }
        }
        Err(RequestError::Answer(error)) => match named_instead(&error) {
            Some(supported) => of_supported(&supported, &Json::empty_object()),
            // Whatever else it says, it is not what a new server says.
            None => Verdict::Old,
        },
        Err(RequestError::Ended) => Verdict::Failed(HandshakeError::DiedOfDiscovery),
        Err(cause @ RequestError::NotSent) => Verdict::Failed(HandshakeError::Request { method: DISCOVER, cause }),
        Err(_) => Verdict::Old,
    }
}

/// The revisions that a server names which does not take the one that it was asked in.
fn named_instead(error: &Json) -> Option<Vec<String>> {
    let members = Members::read(error.as_bytes()).ok().filter(|_| code(error) == Some(UNSUPPORTED_REVISION))?;
    let data = Members::read(members.get("data")?.get().as_bytes()).ok()?;
    serde_json::from_str(data.get("supported")?.get()).ok()
}

/// Whether a server that refused a request of 2026-07-28 for its revision names that very one: it has done nothing, and
/// may take the request now.
pub(super) fn is_worth_another_try(error: &Json) -> bool {
    named_instead(error).is_some_and(|named| named.iter().any(|name| name == Revision::MODERN.as_str()))
}

/// A server that names what it supports. Where that is 2026-07-28 it is spoken to so, whatever else it knows.
fn of_supported(supported: &[String], greeting: &Json) -> Verdict {
    // One that does not introduce itself in it is spoken to in an older one.
    let usable = |revision: &Revision| revision.has_initialize() || greeting.as_bytes() != b"{}";
    let knows = |revision: &Revision| supported.iter().any(|name| name == revision.as_str());
    match REVISIONS.iter().rev().find(|revision| knows(revision) && usable(revision)) {
        Some(revision) if !revision.has_initialize() => {
            Verdict::Modern(Json::parse(greeting.as_bytes().to_vec()).unwrap_or_else(|_| greeting.clone()))
        }
        Some(_) => Verdict::Old,
        None => Verdict::Failed(HandshakeError::Revision(format!("{supported:?}"))),
    }
}

/// The `code` of an error object.
pub(super) fn code(error: &Json) -> Option<i32> {
    Members::read(error.as_bytes()).ok()?.get("code")?.get().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::upstream::{CommandLine, Remote};

    #[test]
    fn what_is_known_is_tried_first() {
        let command = Endpoint::Command(CommandLine::new("x"));
        let remote = |url: &str| Endpoint::Remote(Remote::new(url::Url::parse(url).unwrap()));
        let (http, sse) = (remote("http://a/mcp"), remote("http://a/sse"));
        for (endpoint, before, as_old, order) in [
            (&command, None, false, Order::Discover),
            (&command, None, true, Order::Initialize),
            (&command, Some(Revision::MODERN), false, Order::Discover),
            (&command, Some(Revision::MODERN), true, Order::Discover),
            (&command, Some(Revision::V2024_11_05), false, Order::Initialize),
            (&http, None, false, Order::Discover),
            (&http, None, true, Order::Initialize),
            (&http, Some(Revision::LATEST), false, Order::Initialize),
            (&sse, None, false, Order::Old),
            (&sse, Some(Revision::MODERN), true, Order::Old),
        ] {
            assert_eq!(Order::of(endpoint, before, as_old), order, "{endpoint:?} {before:?} {as_old}");
        }
    }

    #[test]
    fn only_a_server_that_says_so_is_new() {
        let json = |text: &'static str| Json::parse(text).unwrap();
        let answer = |text: &'static str| verdict(Ok(json(text)));
        let error = |text: &'static str| verdict(Err(RequestError::Answer(json(text))));
        assert!(matches!(answer(r#"{"supportedVersions":["2026-07-28","2025-11-25"]}"#), Verdict::Modern(_)));
        assert!(matches!(answer(r#"{"supportedVersions":["2025-11-25"]}"#), Verdict::Old));
        assert!(matches!(
            answer(r#"{"supportedVersions":["2030-01-01"]}"#),
            Verdict::Failed(HandshakeError::Revision(_))
        ));
        assert!(matches!(answer("{}"), Verdict::Old));
        assert!(matches!(answer("[]"), Verdict::Old));
        assert!(matches!(error(r#"{"code":-32601,"message":"no"}"#), Verdict::Old));
        assert!(matches!(error(r#"{"code":-32022,"data":{"supported":["2025-06-18"]}}"#), Verdict::Old));
        let newer = error(r#"{"code":-32022,"data":{"supported":["2030-01-01"]}}"#);
        assert!(matches!(newer, Verdict::Failed(HandshakeError::Revision(_))));
        let odd = error(r#"{"code":-32022,"data":{"supported":["2026-07-28","2025-06-18"]}}"#);
        assert!(matches!(odd, Verdict::Old), "it was asked in the newest, and did not take that");
        let stubborn = error(r#"{"code":-32022,"data":{"supported":["2026-07-28"]}}"#);
        assert!(matches!(stubborn, Verdict::Failed(HandshakeError::Revision(_))));
        let status = verdict(Err(RequestError::Status { status: 400, said: "".into() }));
        assert!(matches!(status, Verdict::Old));
        assert!(matches!(verdict(Err(RequestError::Ended)), Verdict::Failed(HandshakeError::DiedOfDiscovery)));
    }

    #[test]
    fn requests_say_who_asks() {
        let meta = per_request(
            Some(&Json::parse(r#"{"trace":"t"}"#).unwrap()),
            &Json::parse(r#"{"roots":{}}"#).unwrap(),
            Some(LogLevel::Notice),
        );
        let meta: serde_json::Value = meta.to().unwrap();
        assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
        assert_eq!(meta["io.modelcontextprotocol/clientInfo"]["name"], "mcp-gateway");
        assert_eq!(meta["io.modelcontextprotocol/clientCapabilities"], serde_json::json!({ "roots": {} }));
        assert_eq!(meta["io.modelcontextprotocol/logLevel"], "notice");
        assert_eq!(meta["trace"], "t");
    }
}
