//! In front of everything that is served over HTTP: is the request meant for this gateway, and whose is it?

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, Method, StatusCode,
        header::{
            ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
            ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY, WWW_AUTHENTICATE,
        },
    },
    middleware::{Next, from_fn_with_state},
    response::Response,
};

use gateway_core::payload::Json;
use serde_json::json;

use super::{
    super::headers::hosts::HINT,
    Front,
    reply::{self, Refused},
};

/// The dashboard.
pub const PAGE: &str = "/";
/// What the paths of its files begin with.
pub const PAGE_FILES: &str = "/dashboard/";

/// What is open to everybody: whether the program lives, whether it takes requests, and the page that asks for a token.
fn is_open(path: &str) -> bool {
    [PAGE, "/livez", "/readyz"].contains(&path) || path.starts_with(PAGE_FILES)
}

/// The headers that a client in a browser has to be allowed to send, and to see.
const SENT: &str = "accept, authorization, content-type, last-event-id, mcp-method, mcp-name, mcp-protocol-version, \
                    mcp-session-id";
const SEEN: &str = "mcp-session-id, www-authenticate";

/// `router`, for those who may come in. Handlers find out who that is by `Extension<Principal>` and
/// `Extension<Caller>`.
pub fn guarded(router: Router, front: &Arc<Front>) -> Router {
    router.layer(from_fn_with_state(front.clone(), guard))
}

async fn guard(State(front): State<Arc<Front>>, request: Request, next: Next) -> Response {
    let is_api = is_of_api(request.uri().path());
    if let Err(foreign) = front.hosts.check(request.uri(), request.headers()) {
        return refused(is_api, StatusCode::FORBIDDEN, &format!("{foreign}; hint: {HINT}"));
    }
    if is_api {
        // It answers no pages but its own, which need no leave.
        return admit(&front, request, next).await;
    }
    // That of a page that may ask: the others were refused.
    let Some(origin) = request.headers().get(ORIGIN).cloned() else { return admit(&front, request, next).await };
    let mut response = match is_preflight(&request) {
        // Asked without credentials, whatever the request itself will bring.
        true => preflight(),
        false => admit(&front, request, next).await,
    };
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(SEEN));
    headers.insert(VARY, HeaderValue::from_static("origin"));
    response
}

/// Lets in who may come in.
async fn admit(front: &Front, mut request: Request, next: Next) -> Response {
    if !is_open(request.uri().path()) {
        match front.entrance.admit(request.headers()).await {
            Ok(principal) => {
                request.extensions_mut().insert(principal);
                request.extensions_mut().insert(principal.caller);
            }
            Err(refusal) => {
                let is_api = is_of_api(request.uri().path());
                let mut response = refused(is_api, StatusCode::UNAUTHORIZED, &refusal.to_string());
                let challenge = HeaderValue::from_static(refusal.challenge());
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
                return response;
            }
        }
    }
    next.run(request).await
}

/// Whether it is asked for what speaks no MCP.
fn is_of_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/") || path == "/metrics"
}

/// What is said to whoever may not come in, in the words of what they asked for.
fn refused(is_api: bool, status: StatusCode, message: &str) -> Response {
    match is_api {
        true => reply::json(status, Json::from_value(&json!({ "error": message })).bytes().clone()),
        false => Refused::invalid(status, message).into(),
    }
}

/// Whether a browser asks if it may ask (Fetch standard, "CORS-preflight request").
fn is_preflight(request: &Request) -> bool {
    let headers: &HeaderMap = request.headers();
    request.method() == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight() -> Response {
    let mut response = reply::bare(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, DELETE"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(SENT));
    response
}
