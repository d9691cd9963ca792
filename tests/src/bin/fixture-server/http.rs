//! Streamable HTTP at `/mcp`: sessions for those who initialize, none for 2026-07-28.

use std::{io::Write as _, sync::Arc};

use axum::{Router, serve::ListenerExt as _};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService,
    session::local::{LocalSessionManager, SessionConfig},
};
use tokio::net::TcpListener;

use crate::fixture::{Fixture, Shared};

pub(crate) fn router() -> Router {
    let shared = Arc::<Shared>::default();
    let mut sessions = LocalSessionManager::default();
    let mut config = SessionConfig::default();
    // A call may be silent for as long as it likes.
    config.keep_alive = None;
    sessions.session_config = config;
    let new = move || Ok(Fixture::of(&shared));
    let service = StreamableHttpService::new(new, Arc::new(sessions), StreamableHttpServerConfig::default());
    Router::new().nest_service("/mcp", service)
}

/// Serves, and prints the URL of `path` once it can be reached.
pub(crate) async fn serve(address: &str, path: &str, router: Router) {
    let listener = TcpListener::bind(address).await.expect("the address is free");
    let address = listener.local_addr().expect("a listener has an address");
    println!("http://{address}{path}");
    std::io::stdout().flush().expect("the test reads the URL");
    // Small answers in pieces would wait for each other.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, router).await.expect("it serves until it is ended");
}
