//! What goes on beside the calls while a server runs.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use gateway_core::source::Kind;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::warn;

use super::{
    lifecycle::{IDLE_GRACE, Lifecycle},
    lists,
    running::Running,
};

/// Stays with a server that runs: notices its end, reads its lists anew when they change, ends it when it is idle.
pub(super) async fn tend(lifecycle: Weak<Lifecycle>, running: Arc<Running>, idle: Duration) {
    let mut look = Instant::now() + idle;
    loop {
        tokio::select! {
            end = running.link.ended() => {
                if let Some(lifecycle) = lifecycle.upgrade() {
                    if end.wanted {
                        lifecycle.common.tell("disconnected");
                    }
                    lifecycle.note_end(&running, &end);
                }
                return;
            }
            kinds = running.manners.lists_changed() => {
                let Some(lifecycle) = lifecycle.upgrade() else { return };
                relist(&lifecycle, &running, kinds).await;
            }
            () = sleep_until(look), if !idle.is_zero() => {
                let Some(lifecycle) = lifecycle.upgrade() else { return };
                match lifecycle.give_up_idle(&running, idle) {
                    Ok(()) => {
                        lifecycle.common.tell("disconnected: it was not used for a while");
                        return running.link.want_end(IDLE_GRACE);
                    }
                    Err(later) => look = later,
                }
            }
        }
    }
}

async fn relist(lifecycle: &Arc<Lifecycle>, running: &Arc<Running>, mut kinds: Vec<Kind>) {
    let settings = &lifecycle.common.settings;
    kinds.sort_unstable_by_key(|kind| *kind as usize);
    kinds.dedup();
    let mut read = Vec::with_capacity(kinds.len());
    for kind in kinds {
        match timeout(settings.start_timeout, lists::read(running.peer(), &running.hello, kind)).await {
            Ok(Ok(items)) => read.push((kind, items)),
            Ok(Err(error)) => warn!(server = %settings.name, "what has changed could not be read: {error}"),
            Err(_) => warn!(server = %settings.name, "{}: not answered in time", kind.list_method()),
        }
    }
    if !read.is_empty() {
        lifecycle.common.learn(&lifecycle.whose, &running.hello, read).await;
    }
}
