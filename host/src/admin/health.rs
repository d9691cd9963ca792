//! `/health`, `/livez` and `/readyz`.

use std::{sync::Arc, time::Instant};

use axum::{
    Extension, Router,
    extract::State,
    http::{HeaderName, StatusCode, header::CONTENT_TYPE},
    routing::get,
};
use gateway_core::{
    call::Caller,
    role::RoleId,
    snapshot::Snapshot,
    source::{Abilities, Kind, Source, SourceStatus, State as Doing},
};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::control::Control;

/// What there is to tell.
#[derive(Clone)]
pub struct Health {
    control: Arc<Control>,
    started: Instant,
    leaving: CancellationToken,
}

impl Health {
    /// The health of the gateway that `control` has, which is no longer ready once `leaving`.
    #[must_use]
    pub fn new(control: Arc<Control>, leaving: CancellationToken) -> Self {
        Self { control, started: Instant::now(), leaving }
    }

    /// The routes.
    pub fn router(self) -> Router {
        Router::new()
            .route("/health", get(health))
            .route("/livez", get(async || "ok\n"))
            .route("/readyz", get(readyz))
            .with_state(self)
    }

    /// As far as `role` may know of it.
    fn report(&self, role: RoleId) -> Value {
        let desired = self.control.desired();
        let snapshot = self.control.gateway().face(&Abilities::NONE).snapshot();
        let (mut backends, mut plugins, mut connected) = (Map::new(), Map::new(), Vec::new());
        let mut failed = desired.is_degraded();
        for source in seen(&snapshot, role) {
            let (name, status) = (source.name().to_string(), source.status_for(snapshot.roles().get(role)));
            failed |= status.state == Doing::Failed;
            match status.kind {
                "server" => {
                    if status.state == Doing::Running {
                        connected.push(name.clone());
                    }
                    backends.insert(name, backend(&status));
                }
                "plugin" => drop(plugins.insert(name, json!(status))),
                _ => {}
            }
        }
        let mut report = json!({
            "status": if failed { "degraded" } else { "healthy" },
            "version": env!("CARGO_PKG_VERSION"),
            "uptime_s": self.started.elapsed().as_secs(),
            "servers_configured": backends.len(),
            "servers_connected": connected,
            "tools_total": snapshot.visible(role, Kind::Tool).count(),
            "idle_timeout": desired.config.idle_timeout.duration().as_secs(),
            "backends": backends,
            "plugins": plugins,
        });
        // It may name what others do not see.
        let problems = desired.complaints();
        if !problems.is_empty() && snapshot.roles().get(role).sees_all() {
            report["problems"] = json!(problems);
        }
        report
    }
}

fn seen(snapshot: &Snapshot, role: RoleId) -> impl Iterator<Item = &Arc<dyn Source>> {
    snapshot.sources().iter().filter(move |source| snapshot.sees_source(role, source))
}

/// The members have the names of the gateway that this one replaces.
fn backend(status: &SourceStatus) -> Value {
    let mut backend = json!({
        "running": status.state == Doing::Running,
        "restart_count": status.starts,
        "tools_cached": status.tools.unwrap_or_default(),
        "state": status.state,
    });
    if let Some(error) = &status.error {
        backend["error"] = json!(error);
    }
    backend
}

async fn health(
    State(health): State<Health>,
    Extension(caller): Extension<Caller>,
) -> ([(HeaderName, &'static str); 1], String) {
    ([(CONTENT_TYPE, "application/json")], health.report(caller.role).to_string())
}

async fn readyz(State(health): State<Health>) -> (StatusCode, &'static str) {
    match health.leaving.is_cancelled() {
        false => (StatusCode::OK, "ok\n"),
        true => (StatusCode::SERVICE_UNAVAILABLE, "ending\n"),
    }
}
