//! Which servers there are, and which tools one has, as far as the caller may know of it.

use std::sync::Arc;

use gateway_core::{
    call::Call,
    error::CallError,
    name::SourceName,
    payload::Json,
    role::RoleId,
    snapshot::{Entry, Snapshot, Target},
    source::{Kind, Source, State},
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::params::Params;
use crate::results;

#[derive(Serialize)]
struct Servers<'a> {
    servers: Vec<Server<'a>>,
}

#[derive(Serialize)]
struct Server<'a> {
    name: &'a str,
    description: &'a str,
    /// How a server is spoken to; what it is, where it is none.
    transport: &'static str,
    running: bool,
    tools_count: usize,
    /// Said where it is not so.
    #[serde(skip_serializing_if = "Option::is_none")]
    tools_known: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl<'a> Server<'a> {
    fn of(snapshot: &Snapshot, role: RoleId, source: &'a Arc<dyn Source>) -> Self {
        let status = source.status_for(snapshot.roles().get(role));
        Self {
            name: source.name().as_str(),
            description: source.description().unwrap_or_default(),
            transport: source.transport().unwrap_or(status.kind),
            running: status.state == State::Running,
            tools_count: tools_of(snapshot, role, source).count(),
            tools_known: (!is_known(snapshot, source)).then_some(false),
            error: status.error,
        }
    }
}

/// Answers `gateway_list_servers`.
pub(super) fn servers(snapshot: &Snapshot, role: RoleId) -> Json {
    let gateway = SourceName::gateway();
    let seen =
        snapshot.sources().iter().filter(|source| *source.name() != gateway && snapshot.sees_source(role, source));
    results::shown(&Servers { servers: seen.map(|source| Server::of(snapshot, role, source)).collect() })
}

#[derive(Serialize)]
struct Tools {
    server: String,
    tools: Vec<Map<String, Value>>,
}

/// Answers `gateway_list_tools`. A server that is not known yet is started.
pub(super) async fn tools(params: &Params<'_>, call: &Call) -> Result<Json, CallError> {
    let name = params.needed("server")?;
    let snapshot = known(call, &name).await?;
    let source = server_of(&snapshot, call.caller.role, &name)?;
    let tools = tools_of(&snapshot, call.caller.role, source).filter_map(|(entry, local)| complete(entry, local));
    Ok(results::shown(&Tools { tools: tools.collect(), server: name }))
}

/// The definition as the server gave it, with the public name beside its own.
fn complete(entry: &Entry, local: &str) -> Option<Map<String, Value>> {
    let mut given: Map<String, Value> = entry.definition().to().ok()?;
    given.shift_remove("name");
    let names = [("name", local), ("public_name", &*entry.public)];
    Some(names.into_iter().map(|(key, name)| (key.to_owned(), name.into())).chain(given).collect())
}

/// The catalogue in which the tools of that server are known; may start it.
pub(super) async fn known(call: &Call, server: &str) -> Result<Arc<Snapshot>, CallError> {
    let snapshot = call.snapshot();
    let source = server_of(&snapshot, call.caller.role, server)?;
    match is_known(&snapshot, source) {
        true => Ok(snapshot),
        false => call.learn(source).await,
    }
}

/// The source of that name. One that the role may not see is answered like one that does not exist.
pub(super) fn server_of<'a>(
    snapshot: &'a Snapshot,
    role: RoleId,
    name: &str,
) -> Result<&'a Arc<dyn Source>, CallError> {
    let mut seen = snapshot.sources().iter().filter(|source| snapshot.sees_source(role, source));
    let source = seen.find(|source| source.name().as_str() == name);
    source.ok_or_else(|| CallError::InvalidParams(format!("Unknown server: {name}").into()))
}

/// Whether the source's tools were known when the picture was made.
pub(super) fn is_known(snapshot: &Snapshot, source: &Arc<dyn Source>) -> bool {
    snapshot.offer_of(source).is_some_and(|offer| offer.tools.is_some())
}

/// The source's tools that the role sees, each with the source's own name for it.
pub(super) fn tools_of<'a>(
    snapshot: &'a Snapshot,
    role: RoleId,
    source: &'a Arc<dyn Source>,
) -> impl Iterator<Item = (&'a Entry, &'a Arc<str>)> {
    let visible = snapshot.visible(role, Kind::Tool).filter(|(_, of)| Arc::ptr_eq(of, source));
    visible.filter_map(|(entry, _)| match &entry.target {
        Target::Local(local) => Some((entry, local)),
        Target::Placeholder => None,
    })
}
