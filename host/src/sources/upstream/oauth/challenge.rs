//! What a server says to who is not logged in: where its metadata is, and what a token has to allow. It is asked as MCP
//! asks, with a POST: to a GET many servers say something else.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use rmcp::transport::auth::WWWAuthenticateParams;
use serde_json::{Value, json};
use tokio::time::timeout;
use url::Url;

use crate::sources::upstream::{config::Transport, http::dial::Dialer, remote::Remote};

/// How long the server may take to refuse.
const PATIENCE: Duration = Duration::from_secs(20);

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");

/// The challenge of the server's 401. `None` where it has none to say, or speaks the older way, which begins with the GET
/// that looking for metadata begins with as well.
pub(super) async fn challenge(remote: &Remote) -> Option<String> {
    if remote.transport == Transport::Sse {
        return None;
    }
    let mut remote = Remote { login: None, ..remote.clone() };
    remote.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(header::AUTHORIZATION.as_str()));
    let dialer = Dialer::new(&remote).ok()?;
    for (version, method, params) in hellos() {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        headers.insert(VERSION, HeaderValue::from_static(version));
        headers.insert(METHOD, HeaderValue::from_static(method));
        let sent = dialer.send(Method::POST, dialer.url(), headers, Bytes::from(body));
        let response = timeout(PATIENCE, sent).await.ok()?.ok()?;
        if response.status() == StatusCode::UNAUTHORIZED {
            return best(response.headers(), dialer.url()).map(|(text, _)| text);
        }
        if let Some(session) = response.headers().get(SESSION).cloned() {
            // It let us in, and is told that nobody stays.
            let headers = HeaderMap::from_iter([(SESSION, session), (VERSION, HeaderValue::from_static(version))]);
            let _ = timeout(PATIENCE, dialer.send(Method::DELETE, dialer.url(), headers, Bytes::new())).await;
        }
    }
    None
}

/// The scopes that a token would need, where that is why the server refused.
pub(super) fn lacking(headers: &HeaderMap, url: &Url) -> Option<Vec<String>> {
    let (_, said) = best(headers, url)?;
    let scopes = said.scope.as_deref().filter(|_| said.is_insufficient_scope())?;
    Some(scopes.split_whitespace().map(str::to_owned).collect())
}

/// The first messages of both eras: whoever does not know the one may refuse the other.
fn hellos() -> [(&'static str, &'static str, Value); 2] {
    let client = json!({ "name": "mcp-gateway", "version": env!("CARGO_PKG_VERSION") });
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": client,
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let initialize = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
    [("2026-07-28", "server/discover", json!({ "_meta": meta })), ("2025-11-25", "initialize", initialize)]
}

/// Of several challenges the one that says most.
fn best(headers: &HeaderMap, url: &Url) -> Option<(String, WWWAuthenticateParams)> {
    let texts = headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let read = texts.map(|text| (text.to_owned(), WWWAuthenticateParams::parse(text, url)));
    read.max_by_key(|(_, said)| (said.resource_metadata_url.is_some(), said.scope.is_some()))
}
