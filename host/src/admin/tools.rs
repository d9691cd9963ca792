//! `/api/tools`: all tools that a role may use, and calling them.

use std::{collections::HashSet, sync::Arc, time::Instant};

use axum::Json;
use gateway_core::{
    call::{Call, Caller},
    error::CallError,
    payload::{Json as Payload, Op},
    snapshot::{Entry, Target},
    source::{Abilities, Client, Dispatch as _, Kind, Nobody, Source},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};

use super::{
    access::Asker,
    answer::{Answer, Asked, Body, Named, Refused},
    failures::{Changing, Reading},
};
use crate::{gateway::Params, results};

/// A tool.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ToolView {
    /// The name that clients use.
    pub public_name: String,
    /// Its own name at its source.
    pub name: String,
    /// The server, plugin or pipeline that offers it; `gateway` for the gateway's own.
    pub source: String,
    /// What that is.
    pub kind: SourceKind,
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// JSON Schema of its arguments.
    pub input_schema: Value,
    /// JSON Schema of its structured result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// What it says about its behaviour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Value>,
    /// Whether lists show it; with `meta_tools` most are reached through the meta-tools alone.
    pub listed: bool,
    /// Stands for the tools of a server that are not known yet: calling it finds them out.
    pub placeholder: bool,
}

/// What offers tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// An external server.
    Server,
    /// A plugin.
    Plugin,
    /// A pipeline.
    Pipeline,
    /// The gateway itself.
    Gateway,
}

/// All tools.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Tools {
    /// The role that sees them.
    pub role: String,
    /// The tools, in the order in which they are listed.
    pub tools: Vec<ToolView>,
}

/// As whom.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AsRole {
    /// Shows what this role sees of what the asking role sees. Needs a role that may register and remove.
    pub role: Option<String>,
}

/// A call.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallTool {
    /// The tool's arguments; missing: none.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub arguments: Option<Map<String, Value>>,
    /// Calls as this role, within what the asking role may use. Needs a role that may register and remove.
    #[serde(default)]
    pub role: Option<String>,
}

/// What a call gave.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Called {
    /// The call, as `/api/calls` knows it.
    pub id: String,
    /// Whether the tool did what it was asked.
    pub ok: bool,
    /// How long it took, in milliseconds.
    pub duration_ms: f64,
    /// The result as MCP has it (`CallToolResult`): `content`, `structuredContent`, `isError`.
    #[schema(value_type = Object)]
    pub result: Value,
}

impl ToolView {
    /// The tool, as whoever may use it sees it.
    pub(super) fn of(entry: &Entry, source: &Arc<dyn Source>, listed: bool) -> Self {
        let mut definition: Map<String, Value> = entry.definition().to().unwrap_or_default();
        let mut text = |key: &str| match definition.get_mut(key).map(Value::take) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let (title, description) = (text("title"), text("description"));
        let (name, placeholder) = match &entry.target {
            Target::Local(local) => (local.to_string(), false),
            Target::Placeholder => (entry.public.to_string(), true),
        };
        Self {
            public_name: entry.public.to_string(),
            name,
            source: source.name().to_string(),
            kind: SourceKind::of(source.status().kind),
            title,
            description,
            input_schema: definition.remove("inputSchema").unwrap_or_else(|| json!({ "type": "object" })),
            output_schema: definition.remove("outputSchema"),
            annotations: definition.remove("annotations"),
            listed,
            placeholder,
        }
    }
}

impl SourceKind {
    fn of(kind: &str) -> Self {
        match kind {
            "server" => Self::Server,
            "plugin" => Self::Plugin,
            "pipeline" | "pipelines" => Self::Pipeline,
            _ => Self::Gateway,
        }
    }
}

/// All tools that a role may use
#[utoipa::path(get, path = "/api/tools", tag = "tools", params(AsRole), responses((status = OK, body = Tools), Reading))]
pub(super) async fn tools(asker: Asker, Asked(asked): Asked<AsRole>) -> Answer<Tools> {
    let asker = asker.learned().await;
    let role = asker.acting_as(asked.role.as_deref())?;
    let snapshot = &asker.snapshot;
    let listed: HashSet<&str> = snapshot.listed(role, Kind::Tool).map(|entry| &*entry.public).collect();
    let visible = snapshot.visible(asker.role, Kind::Tool);
    let both = visible.filter(|(entry, _)| snapshot.find(role, Kind::Tool, &entry.public).is_some());
    let tools = both.map(|(entry, source)| ToolView::of(entry, source, listed.contains(&*entry.public))).collect();
    Ok(Json(Tools { role: snapshot.roles().get(role).name.to_string(), tools }))
}

/// Call a tool
///
/// What a tool says of itself, a failure included, is a result: `ok` tells.
#[utoipa::path(
    post, path = "/api/tools/{publicName}/call", tag = "tools",
    params(("publicName" = String, Path, description = "The name that clients use")),
    request_body = CallTool,
    responses((status = OK, body = Called), Changing)
)]
pub(super) async fn call(asker: Asker, Named(name): Named, Body(asked): Body<CallTool>) -> Answer<Called> {
    let unknown = || Refused::unknown(format!("unknown tool: {name}"));
    let role = asker.acting_as(asked.role.as_deref())?;
    let face = asker.api.control.gateway().face(&Abilities::NONE);
    if role != asker.role {
        let nobody: Arc<dyn Client> = Arc::new(Nobody);
        let known = face.find_out(&name, asker.role, &nobody).await;
        if !known.is_ok_and(|known| known.find(asker.role, Kind::Tool, &name).is_some()) {
            return Err(unknown());
        }
    }
    let call = Arc::new(Call::root(Caller { role }, None, Arc::new(Nobody), Arc::new(face.clone())));
    let (id, began) = (call.trace().id, Instant::now());
    let arguments = Some(Payload::from_value(&asked.arguments.unwrap_or_default()));
    let result = face.run(Op::CallTool, &name, Params { arguments, ..Params::default() }, call).await;
    let (ok, result) = match result {
        Ok(reply) => (!reply.is_error(), reply.body),
        Err(CallError::UnknownTool(_)) => return Err(unknown()),
        Err(CallError::Failed(failure)) => (false, results::failed(&failure)),
        Err(error) => (false, failed(&error)),
    };
    let result = result.to().unwrap_or_default();
    Ok(Json(Called { id: id.to_string(), ok, duration_ms: began.elapsed().as_secs_f64() * 1000.0, result }))
}

/// The JSON-RPC error of a backend, and what else a client of MCP would get as one.
fn failed(error: &CallError) -> Payload {
    let text = match error {
        CallError::Backend(error) => {
            error.to::<Value>().ok().and_then(|error| Some(error["message"].as_str()?.to_owned()))
        }
        _ => None,
    };
    let text = text.unwrap_or_else(|| error.to_string());
    Payload::from_value(&json!({ "content": [{ "type": "text", "text": text }], "isError": true }))
}
