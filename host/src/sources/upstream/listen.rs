//! What a server without sessions is asked to tell by itself: one `subscriptions/listen`, opened anew when something
//! else is wanted.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use gateway_core::{
    payload::Json,
    source::Kind,
    wire::{json::Object, peer::RequestError},
};
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::{
    handshake::per_request,
    hello::Hello,
    lifecycle::Lifecycle,
    manners::Acknowledged,
    running::{Listening, Running},
};

const METHOD: &str = "subscriptions/listen";

/// How long a server may take to say that it listens.
const ACKNOWLEDGED: Duration = Duration::from_secs(10);

/// The pauses after which it is asked again when it has ended that: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(60));

/// Listens to a server for as long as it runs.
pub(super) async fn listen(lifecycle: Weak<Lifecycle>, running: Arc<Running>) {
    tokio::select! {
        () = keep_listening(&lifecycle, &running) => {}
        // Who ends it waits for what is still asked.
        () = running.link.ending() => {}
    }
}

async fn keep_listening(lifecycle: &Weak<Lifecycle>, running: &Running) {
    let Some(mut changes) = lifecycle.upgrade().map(|lifecycle| lifecycle.subscriptions.changes()) else { return };
    let (mut pause, mut before) = (PAUSES.0, None);
    loop {
        changes.mark_unchanged();
        let Some(uris) = lifecycle.upgrade().map(|lifecycle| lifecycle.subscriptions.uris()) else { return };
        let Some(filter) = filter(&running.hello, &uris) else {
            before = None;
            running.listening.send_replace(Listening { asked: uris, accepted: BTreeSet::new() });
            if changes.changed().await.is_err() {
                return;
            }
            continue;
        };
        let mut news = running.listening.subscribe();
        let begun = news.wait_for(|listening| listening.asked == uris);
        let mut stream = Box::pin(open(running, filter, uris.clone()));
        let ended = tokio::select! {
            ended = &mut stream => Some(ended),
            _ = begun => None,
        };
        // It went on until the next one had begun, so that nothing was missed.
        drop(before.take());
        let ended = match ended {
            Some(ended) => ended,
            None => tokio::select! {
                ended = &mut stream => ended,
                _ = changes.changed() => {
                    before = Some(stream);
                    continue;
                }
            },
        };
        if let Err(RequestError::Answer(error)) = &ended {
            // It does not know how; something else may be wanted later.
            debug!("{METHOD}: {error}");
            if changes.changed().await.is_err() {
                return;
            }
            continue;
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
        // What has changed meanwhile, nobody has told.
        running.manners.suspect(Kind::ALL.into_iter().filter(|kind| running.hello.tells_of(*kind)));
    }
}

/// Asks the server to tell, until it ends that.
async fn open(running: &Running, filter: Json, uris: BTreeSet<Arc<str>>) -> Result<Json, RequestError> {
    let id = AtomicU64::new(0);
    let mut acknowledged = running.manners.acknowledged();
    let params = |given: u64| {
        id.store(given, Ordering::Relaxed);
        let mut params = Object::with_capacity(320 + filter.as_bytes().len());
        params.raw("_meta", per_request(None, &Json::empty_object(), None).as_bytes());
        params.raw("notifications", filter.as_bytes());
        Some(params.finish())
    };
    let begin = async {
        let ours =
            |told: &Option<Acknowledged>| told.as_ref().is_some_and(|told| told.id == id.load(Ordering::Relaxed));
        let accepted = match timeout(ACKNOWLEDGED, acknowledged.wait_for(ours)).await {
            Ok(Ok(told)) => {
                let told: Vec<String> = told.as_ref().map(|told| told.uris.clone()).unwrap_or_default();
                uris.iter().filter(|uri| told.iter().any(|told| **told == ***uri)).cloned().collect()
            }
            // It says nothing, and may tell all the same.
            _ => uris.clone(),
        };
        running.listening.send_replace(Listening { asked: uris.clone(), accepted });
        std::future::pending().await
    };
    let ended = tokio::select! {
        biased;
        ended = running.peer().request(METHOD, params, None) => ended,
        never = begin => never,
    };
    if matches!(ended, Err(RequestError::Answer(_))) {
        running.listening.send_replace(Listening { asked: uris.clone(), accepted: BTreeSet::new() });
    }
    ended
}

/// What the server is asked to tell; `None`: it has nothing to tell of.
fn filter(hello: &Hello, uris: &BTreeSet<Arc<str>>) -> Option<Json> {
    let mut filter = Object::with_capacity(128);
    let mut empty = true;
    for (kind, member) in [
        (Kind::Tool, "toolsListChanged"),
        (Kind::Prompt, "promptsListChanged"),
        (Kind::Resource, "resourcesListChanged"),
    ] {
        if hello.tells_of(kind) {
            filter.raw(member, b"true");
            empty = false;
        }
    }
    if !uris.is_empty() && hello.takes_subscriptions() {
        filter.raw("resourceSubscriptions", Json::from_value(uris).as_bytes());
        empty = false;
    }
    (!empty).then(|| filter.finish())
}

#[cfg(test)]
mod tests {
    use gateway_core::wire::revision::Revision;

    use super::*;

    #[test]
    fn only_what_the_server_tells_of_is_asked_for() {
        let hello = |capabilities: &str| {
            let greeting = Json::parse(format!("{{\"capabilities\":{capabilities}}}")).unwrap();
            Hello::new(Revision::MODERN, greeting)
        };
        let uris = BTreeSet::from(["x:1".into(), "x:2".into()]);
        assert!(filter(&hello("{\"tools\":{}}"), &uris).is_none());
        let tools = filter(&hello("{\"tools\":{\"listChanged\":true}}"), &uris).unwrap();
        assert_eq!(tools.as_str(), "{\"toolsListChanged\":true}");
        let updates = filter(&hello("{\"resources\":{\"subscribe\":true}}"), &uris).unwrap();
        assert_eq!(updates.as_str(), "{\"resourceSubscriptions\":[\"x:1\",\"x:2\"]}");
        assert!(filter(&hello("{\"resources\":{\"subscribe\":true}}"), &BTreeSet::new()).is_none());
    }
}
