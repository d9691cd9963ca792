//! What goes on beside the calls while a server runs.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use tokio::time::{Instant, sleep_until, timeout};
use tracing::{debug, warn};

use super::{
    handshake,
    lifecycle::{IDLE_GRACE, Lifecycle},
    link::Link,
};

/// Stays with a server that runs: notices its end, reads its tools anew when they change, ends it when it is idle.
pub(super) async fn tend(lifecycle: Weak<Lifecycle>, link: Arc<Link>, idle: Duration) {
    let mut look = Instant::now() + idle;
    loop {
        tokio::select! {
            end = link.ended() => {
                if let Some(lifecycle) = lifecycle.upgrade() {
                    lifecycle.note_end(&link, &end);
                }
                return;
            }
            () = link.list_changed() => {
                let Some(lifecycle) = lifecycle.upgrade() else { return };
                relist(&lifecycle, &link).await;
            }
            () = sleep_until(look), if !idle.is_zero() => {
                let Some(lifecycle) = lifecycle.upgrade() else { return };
                match lifecycle.give_up_idle(&link, idle) {
                    Ok(()) => {
                        debug!(server = %lifecycle.settings.name, "idle");
                        return link.want_end(IDLE_GRACE);
                    }
                    Err(later) => look = later,
                }
            }
        }
    }
}

async fn relist(lifecycle: &Arc<Lifecycle>, link: &Arc<Link>) {
    let name = &lifecycle.settings.name;
    let claims = link.claims_tools.load(Ordering::Relaxed);
    match timeout(lifecycle.settings.start_timeout, handshake::tools(link.peer(), claims)).await {
        Ok(Ok(tools)) => lifecycle.learn(tools).await,
        Ok(Err(error)) => warn!(server = %name, "its changed tools could not be read: {error}"),
        Err(_) => warn!(server = %name, "its changed tools could not be read in time"),
    }
}
