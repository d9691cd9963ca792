//! The gateway's own tools: Rust functions, offered like the tools of any other source.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use gateway_core::{
    call::Call,
    error::CallError,
    manage::Manage,
    name::{Naming, SourceName},
    payload::{Json, Op, Reply, Request},
    role::RoleId,
    snapshot::Snapshot,
    source::{Abilities, Client, Fut, Item, Kind, Offer, Shown, Source, SourceStatus, State},
};
use rmcp::model::{Tool as Definition, ToolAnnotations};
use serde_json::{Map, Value, json};

use crate::results;

/// The source `gateway`.
pub struct Native {
    name: SourceName,
    naming: Naming,
    offer: Arc<Offer>,
    started: Instant,
    manage: Weak<dyn Manage>,
    management: bool,
}

/// The local name of `gateway_status`.
const STATUS: &str = "status";

impl Native {
    /// The gateway's own tools; uptime counts from `started`. With `management` there are those by which `manage` is
    /// asked to change the gateway.
    #[must_use]
    pub fn new(started: Instant, manage: Weak<dyn Manage>, management: bool) -> Self {
        let tools = [status_definition()]
            .map(|definition| Item { name: STATUS.into(), definition: Json::from_value(&definition) });
        let naming = Naming { prefix: Some("gateway".into()), separator: "_".into() };
        Self {
            name: SourceName::gateway(),
            naming,
            offer: Arc::new(Offer { tools: Some(tools.into()), ..Offer::default() }),
            started,
            manage,
            management,
        }
    }

    /// What runs, as far as the role may know of it.
    fn status_report(&self, snapshot: &Snapshot, role: RoleId) -> Value {
        let seen = snapshot
            .sources()
            .iter()
            .filter(|source| source.name() != &self.name && snapshot.sees_source(role, source));
        let (mut servers, mut plugins, mut connected) = (Map::new(), Map::new(), Vec::new());
        for source in seen {
            let status = source.status();
            let name = source.name().to_string();
            if status.kind == "plugin" {
                plugins.insert(name, json!(status));
                continue;
            }
            if status.state == State::Running {
                connected.push(name.clone());
            }
            servers.insert(name, json!(status));
        }
        json!({
            "uptime_s": self.started.elapsed().as_secs(),
            "version": env!("CARGO_PKG_VERSION"),
            "role": &*snapshot.roles().get(role).name,
            "servers_configured": servers.len(),
            "servers_connected": connected,
            "tools_total": snapshot.visible(role, Kind::Tool).count(),
            "servers": servers,
            "plugins": plugins,
        })
    }
}

fn status_definition() -> Definition {
    let schema = Map::from_iter([("type".to_owned(), json!("object")), ("properties".to_owned(), json!({}))]);
    Definition::new(STATUS, "Gateway status: servers, plugins, tool count, uptime.", Arc::new(schema))
        .with_annotations(ToolAnnotations::with_title("Gateway status").read_only(true).open_world(false))
}

impl Source for Native {
    fn name(&self) -> &SourceName {
        &self.name
    }

    fn naming(&self) -> &Naming {
        &self.naming
    }

    fn offer(&self, _: &Abilities) -> Arc<Offer> {
        self.offer.clone()
    }

    fn learn<'a>(&'a self, _: &'a Arc<dyn Client>) -> Fut<'a, Result<(), CallError>> {
        Box::pin(async { Ok(()) })
    }

    fn shown(&self, _: &str) -> Shown {
        Shown::Always
    }

    fn call(&self, request: Request, call: Arc<Call>) -> Fut<'_, Result<Reply, CallError>> {
        Box::pin(async move {
            match (&request.op, &*request.target) {
                (Op::CallTool, STATUS) => {
                    let report = self.status_report(&call.snapshot(), call.caller.role);
                    Ok(Reply { body: results::structured(&report) })
                }
                (Op::CallTool, other) => Err(CallError::UnknownTool(other.into())),
                (other, _) => Err(CallError::UnknownMethod(other.method().into())),
            }
        })
    }

    fn status(&self) -> SourceStatus {
        SourceStatus { kind: "gateway", state: State::Running, starts: 1, calls: 0, tools: Some(1), error: None }
    }

    fn stop(&self, _grace: Duration) -> Fut<'_, ()> {
        Box::pin(async {})
    }
}
