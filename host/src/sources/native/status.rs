//! How all is doing.

use gateway_core::{
    payload::Json,
    role::RoleId,
    snapshot::Snapshot,
    source::{Kind, Source as _, State},
};
use serde_json::{Map, Value, json};

use super::Native;
use crate::results;

/// What runs, as far as the role may know of it.
pub(super) fn report(native: &Native, snapshot: &Snapshot, role: RoleId) -> Json {
    let seen =
        snapshot.sources().iter().filter(|source| source.name() != native.name() && snapshot.sees_source(role, source));
    let (mut servers, mut plugins, mut connected) = (Map::new(), Map::new(), Vec::new());
    for source in seen {
        let status = source.status_for(snapshot.roles().get(role));
        let name = source.name().to_string();
        if status.kind == "pipeline" {
            continue;
        }
        if status.kind == "plugin" {
            plugins.insert(name, json!(status));
            continue;
        }
        if status.state == State::Running {
            connected.push(name.clone());
        }
        servers.insert(name, json!(status));
    }
    let mut report = json!({
        "uptime_s": native.started.elapsed().as_secs(),
        "version": env!("CARGO_PKG_VERSION"),
        "role": &*snapshot.roles().get(role).name,
        "servers_configured": servers.len(),
        "servers_connected": connected,
        "tools_total": snapshot.visible(role, Kind::Tool).count(),
        "servers": servers,
        "plugins": plugins,
    });
    if let Some(problems) = problems(native, snapshot, role) {
        report["problems"] = problems;
    }
    results::structured(&report)
}

/// What does not count as it was written, for whoever sees everything: it may name what others do not see.
fn problems(native: &Native, snapshot: &Snapshot, role: RoleId) -> Option<Value> {
    let sees_all = snapshot.roles().get(role).sees_all();
    let problems = sees_all.then(|| native.manage.upgrade())??.problems();
    (!problems.is_empty()).then(|| json!(problems))
}
