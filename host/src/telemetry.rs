//! What the program says about itself: on standard error, since standard output belongs to MCP.

use std::io::{IsTerminal as _, Write as _};

use tracing::{Level, enabled, info};
use tracing_subscriber::{EnvFilter, fmt};

/// Starts logging. `level` holds for the gateway and what its servers and plugins say; libraries speak up from
/// `warn` on, unless `level` is `trace`. Later calls change nothing.
pub fn start(level: &str) {
    let filter = match level {
        // What logs in says codes and tokens below that.
        "trace" => "trace,rmcp::transport::auth=warn".to_owned(),
        level => {
            format!("warn,gateway_host={level},gateway_core={level},gateway_wasm={level},server={level},plugin={level}")
        }
    };
    let stderr = std::io::stderr;
    let subscriber =
        fmt().with_env_filter(EnvFilter::new(filter)).with_writer(stderr).with_ansi(stderr().is_terminal());
    // Tests start it more than once in one process.
    let _ = subscriber.try_init();
}

/// Says what somebody waits for, whatever is logged; where errors alone are wanted, nothing.
pub fn announce(message: &str) {
    if enabled!(Level::INFO) {
        info!("{message}");
    } else if enabled!(Level::WARN) {
        let _ = writeln!(std::io::stderr(), "{message}");
    }
}
