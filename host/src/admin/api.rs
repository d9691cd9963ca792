//! `/api`: what the dashboard and programs use. Described by `/api/openapi.json`, which is made of the same handlers.

use std::{sync::Arc, time::Instant};

use axum::{
    Json, Router,
    extract::Request,
    http::{
        HeaderMap, StatusCode, Uri,
        header::{HOST, ORIGIN},
        uri::Authority,
    },
    middleware::{Next, from_fn},
    response::{IntoResponse as _, Response},
};
use utoipa::{
    OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{answer::Refused, backends, calls, logs, metrics, overview, pipelines, plugins, roles, sessions, tools};
use crate::{control::Control, frontends::http::Front, telemetry::record::Recorder};

/// Everything under `/api`.
#[derive(Clone)]
pub struct Api {
    pub(super) control: Arc<Control>,
    pub(super) front: Arc<Front>,
    pub(super) recorder: Arc<Recorder>,
    pub(super) started: Instant,
}

/// What is said about the whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "MCP Gateway",
        description = "Servers, plugins, tools, roles, sessions, calls and logs of a gateway that runs. Everything is \
                       shown as far as the role of whoever asks may know of it; what it may not is answered like what \
                       does not exist."
    ),
    security((), ("token" = [])),
)]
struct Description;

impl Api {
    /// The API of the gateway that `control` has, whose clients come by `front`.
    #[must_use]
    pub fn new(control: Arc<Control>, front: Arc<Front>) -> Self {
        let recorder = control.gateway().record().clone();
        Self { control, front, recorder, started: Instant::now() }
    }

    /// The routes. They need [`guarded`](crate::frontends::http::guard::guarded) around them.
    pub fn router(self) -> Router {
        let (router, mut described) = Self::routes().split_for_parts();
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("A token of `auth`")).build();
        let components = described.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
        let description = Json(described);
        router
            .route("/api/openapi.json", axum::routing::get(async move || description))
            .route("/api", axum::routing::any(nothing))
            .route("/api/{*rest}", axum::routing::any(nothing))
            .method_not_allowed_fallback(wrong_method)
            .layer(from_fn(own_pages))
            .with_state(self)
    }

    fn routes() -> OpenApiRouter<Self> {
        OpenApiRouter::with_openapi(Description::openapi())
            .routes(routes!(overview::overview))
            .routes(routes!(backends::list, backends::register))
            .routes(routes!(backends::one, backends::enable, backends::remove))
            .routes(routes!(backends::reconnect))
            .routes(routes!(plugins::list, plugins::register))
            .routes(routes!(plugins::inspect))
            .routes(routes!(plugins::enable, plugins::remove))
            .routes(routes!(pipelines::pipelines))
            .routes(routes!(tools::tools))
            .routes(routes!(tools::call))
            .routes(routes!(roles::roles))
            .routes(routes!(sessions::sessions))
            .routes(routes!(calls::calls))
            .routes(routes!(logs::logs))
            .routes(routes!(logs::stream))
            .routes(routes!(metrics::metrics))
    }
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Api")
    }
}

async fn nothing(uri: Uri) -> Refused {
    Refused::unknown(format!("there is nothing at {}", uri.path()))
}

async fn wrong_method() -> Refused {
    Refused::new(StatusCode::METHOD_NOT_ALLOWED, "that is not done here: see the header `Allow`")
}

/// Lets pages of the gateway's own origin ask, and no others: also not those of another port of the same machine, which
/// may use `/mcp`.
async fn own_pages(request: Request, next: Next) -> Response {
    match is_own_page(request.headers()) {
        true => next.run(request).await,
        false => {
            let error = "this API answers no pages but its own";
            Refused::new(StatusCode::FORBIDDEN, error).into_response()
        }
    }
}

fn is_own_page(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let text = |value: &axum::http::HeaderValue| value.to_str().ok().map(str::to_ascii_lowercase);
    let origin = text(origin).and_then(|origin| origin.parse::<Uri>().ok());
    let host = headers.get(HOST).and_then(text).and_then(|host| host.parse::<Authority>().ok());
    origin.zip(host).is_some_and(|(origin, host)| {
        let default = if origin.scheme_str() == Some("https") { 443 } else { 80 };
        let port = |authority: &Authority| authority.port_u16().unwrap_or(default);
        origin.authority().is_some_and(|own| own.host() == host.host() && port(own) == port(&host))
    })
}
