//! `GET /api/health`: how the gateway is doing, in a few numbers.

use axum::Json;
use gateway_core::source::{Kind, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::{access::Asker, failures::Reading};

/// How the gateway is doing, as far as the role may know of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// Whether everything counts as it was written, and nothing has failed.
    pub status: OverallStatus,
    /// The version of the program.
    pub version: String,
    /// How long it has been running, in milliseconds.
    pub uptime_ms: u64,
    /// How many servers there are.
    pub backend_count: usize,
    /// How many of them are connected.
    pub connected_backends: usize,
    /// How many tools the role may use.
    pub tool_count: usize,
    /// What does not count as it was written, each in a sentence or two.
    pub problems: Vec<String>,
    /// The name that the gateway gives itself.
    pub name: String,
    /// The role of whoever asks.
    pub role: String,
    /// What that role may do here.
    pub may: Rights,
}

/// How the gateway is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OverallStatus {
    /// Well.
    Ok,
    /// Something has failed, or does not count as it was written: `problems` and the servers' `error` say what.
    Degraded,
}

/// What a role may do over this API, by the globs that it has for the gateway's own tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rights {
    /// Register, enable, disable and reconnect servers and plugins (`gateway_register_server`).
    pub register: bool,
    /// Remove them (`gateway_remove_server`).
    pub remove: bool,
    /// Read logs, calls, sessions and metrics (`gateway_status`).
    pub status: bool,
    /// Look and call as another role: where it may register and remove.
    pub act_as: bool,
}

/// How the gateway is doing
#[utoipa::path(get, path = "/api/health", tag = "health", responses((status = OK, body = Overview), Reading))]
pub(super) async fn overview(asker: Asker) -> Json<Overview> {
    let desired = asker.api.control.desired();
    let seen = || asker.snapshot.sources().iter().filter(|source| asker.sees(source));
    let servers = || seen().filter(|source| source.status().kind == "server");
    let mut problems: Vec<String> = Vec::new();
    for entry in desired.broken.iter().filter(|entry| asker.could_see(&entry.name)) {
        problems.push(format!("{} {:?} is left out: {}", entry.section, entry.name, entry.reason));
    }
    if asker.sees_all() {
        problems.extend(desired.file_problem.iter().chain(&desired.problems).cloned());
    }
    let failed = seen().any(|source| source.status().state == State::Failed);
    Json(Overview {
        status: if failed || !problems.is_empty() { OverallStatus::Degraded } else { OverallStatus::Ok },
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime_ms: u64::try_from(asker.api.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        backend_count: servers().count(),
        connected_backends: servers().filter(|source| source.status().state == State::Running).count(),
        tool_count: asker.snapshot.visible(asker.role, Kind::Tool).count(),
        problems,
        name: desired.config.name.clone(),
        role: asker.globs().name.to_string(),
        may: asker.rights(),
    })
}
