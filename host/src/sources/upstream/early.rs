//! `discovery: eager`: what servers offer is learnt before anybody asks.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use gateway_core::{
    payload::Json,
    source::{Client, Fut, Source},
    wire::message::{METHOD_NOT_FOUND, error_object},
};
use tokio::{sync::Semaphore, time::sleep};
use tracing::debug;

/// How many are learnt at the same time: starting all at once would be felt.
const AT_ONCE: usize = 4;

/// The pauses after which one that failed is tried again: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

/// Learns what all of `sources` offer to `client`, or to those who can be asked nothing. One that cannot be learnt is
/// tried again, with growing pauses, for as long as this runs; meanwhile the others have their turn.
pub async fn learn_early(sources: &[Arc<dyn Source>], client: Option<Arc<dyn Client>>) {
    let (turns, client) = (Semaphore::new(AT_ONCE), client.unwrap_or_else(|| Arc::new(Nobody)));
    join_all(sources.iter().map(|source| learn(&**source, &client, &turns))).await;
}

/// For whom things are learnt before anybody is there.
struct Nobody;

impl Client for Nobody {
    fn progress(&self, _: &Json, _: &Json) {}

    fn ask(&self, _: Box<str>, _: Option<Json>) -> Fut<'_, Result<Json, Json>> {
        Box::pin(async { Err(error_object(METHOD_NOT_FOUND, "nobody is there")) })
    }
}

async fn learn(source: &dyn Source, client: &Arc<dyn Client>, turns: &Semaphore) {
    let mut pause = PAUSES.0;
    loop {
        {
            // Never closed.
            let _turn = turns.acquire().await;
            match source.learn(client).await {
                Ok(()) => return,
                Err(error) => debug!(source = %source.name(), "{error}"),
            }
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}
