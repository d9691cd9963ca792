//! What the program says about itself: on standard error, since standard output belongs to MCP.
//!
//! * [`record`]: what happened of late, kept where the gateway is served over HTTP. [`events`]: what of the log goes in
//!   there. [`stats`]: how the calls of each source went. [`masked`]: arguments of calls, as they may be logged.

pub mod events;
pub mod masked;
pub mod record;
pub mod stats;

use std::{
    io::{IsTerminal as _, Write as _},
    sync::OnceLock,
};

use tracing::{Level, enabled, info};
use tracing_subscriber::{EnvFilter, Layer as _, Registry, fmt, prelude::*, reload};

/// By which the level changes while the program runs.
type Handle = reload::Handle<EnvFilter, Registry>;

static FOLLOWS: OnceLock<Handle> = OnceLock::new();

/// Starts logging. `level` holds for the gateway and what its servers and plugins say; libraries speak up from
/// `warn` on, unless `level` is `trace`. Later calls change nothing.
pub fn start(level: &str) {
    let _ = begin(level);
}

/// The same, at a level that [`change`] may change.
pub fn follow(level: &str) {
    if let Some(handle) = begin(level) {
        let _ = FOLLOWS.set(handle);
    }
}

/// Logs at that level from now on, unless the command line says at which.
pub fn change(level: &str) {
    if let Some(handle) = FOLLOWS.get() {
        // Fails where logging is over.
        let _ = handle.reload(filter(level));
    }
}

fn filter(level: &str) -> EnvFilter {
    EnvFilter::new(match level {
        // What logs in says codes and tokens below that.
        "trace" => "trace,rmcp::transport::auth=warn".to_owned(),
        level => {
            // What becomes of servers is said by those who start them too.
            let events = match level {
                "info" => "warn",
                "debug" => "info",
                other => other,
            };
            format!(
                "warn,gateway_host={level},gateway_core={level},gateway_wasm={level},server={level},plugin={level},\
                 {}={events}",
                events::TARGET
            )
        }
    })
}

/// `None`: it was started before.
fn begin(level: &str) -> Option<Handle> {
    let (filter, handle) = reload::Layer::new(filter(level));
    let stderr = std::io::stderr;
    let said = fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal());
    let said = said.with_filter(filter);
    // Tests start it more than once in one process.
    tracing_subscriber::registry().with(said).with(events::layer()).try_init().ok().map(|()| handle)
}

/// Says what somebody waits for, whatever is logged; where errors alone are wanted, nothing.
pub fn announce(message: &str) {
    if enabled!(Level::INFO) {
        info!("{message}");
    } else if enabled!(Level::WARN) {
        let _ = writeln!(std::io::stderr(), "{message}");
    }
}
