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
    if let Err(foreign) = front.hosts.check(request.uri(), request.headers()) {
        return Refused::invalid(StatusCode::FORBIDDEN, &format!("{foreign}; hint: {HINT}")).into();
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
                let refused = Refused::invalid(StatusCode::UNAUTHORIZED, &refusal.to_string());
                return refused.with(WWW_AUTHENTICATE, refusal.challenge()).into();
            }
        }
    }
    next.run(request).await
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
