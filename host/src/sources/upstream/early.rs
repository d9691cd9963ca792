//! `discovery: eager`: what servers offer is learnt before anybody asks.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use gateway_core::source::{Client, Nobody, Source};
use tokio::{sync::Semaphore, time::sleep};
use tracing::debug;

/// How many are learnt at the same time: starting all at once would be felt.
const AT_ONCE: usize = 4;

/// The pauses after which one that failed is tried again: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

/// Learns what all of `sources` offer to `client`, or to those who can be asked nothing. One that cannot be learnt is
/// tried again, with growing pauses, for as long as this runs and `is_there` says so of it; meanwhile the others have
/// their turn.
pub async fn learn_early(
    sources: &[Arc<dyn Source>],
    client: Option<Arc<dyn Client>>,
    is_there: &(dyn Fn(&Arc<dyn Source>) -> bool + Sync),
) {
    let (turns, client) = (Semaphore::new(AT_ONCE), client.unwrap_or_else(|| Arc::new(Nobody)));
    join_all(sources.iter().map(|source| learn(source, &client, &turns, is_there))).await;
}

async fn learn(
    source: &Arc<dyn Source>,
    client: &Arc<dyn Client>,
    turns: &Semaphore,
    is_there: &(dyn Fn(&Arc<dyn Source>) -> bool + Sync),
) {
    let mut pause = PAUSES.0;
    while is_there(source) {
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
