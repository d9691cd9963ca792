//! `discovery: eager`: what servers offer is learnt before anybody asks.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use gateway_core::source::{Client, Source};
use tokio::{sync::Semaphore, time::sleep};
use tracing::debug;

/// How many are learnt at the same time: starting all at once would be felt.
const AT_ONCE: usize = 4;

/// The pauses after which one that failed is tried again: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

/// Learns what all of `sources` offer to `client`. One that cannot be learnt is tried again, with growing pauses, for
/// as long as this runs; meanwhile the others have their turn.
pub async fn learn_early(sources: &[Arc<dyn Source>], client: &Arc<dyn Client>) {
    let turns = Semaphore::new(AT_ONCE);
    join_all(sources.iter().map(|source| learn(&**source, client, &turns))).await;
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
