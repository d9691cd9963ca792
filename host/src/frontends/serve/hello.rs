//! How the gateway introduces itself: by the handshake of revisions up to 2025-11-25, or as often as it is asked.

use std::sync::Arc;

use gateway_core::{
    error::CallError,
    payload::Json,
    source::{Abilities, Client, Kind, Offer},
    wire::{
        json::{Members, replace},
        message::{INTERNAL_ERROR, Outgoing},
        revision::Revision,
    },
};
use serde_json::{Map, Value, json};

use super::{
    super::{
        errors::{self, Asking},
        exchange::{Exchange, View},
    },
    modern::{SERVER, TASKS, supported},
};

/// For how long a client may keep the introduction of all of the gateway, in milliseconds: as long as the gateway runs
/// it stays the same, and it may be restarted with others behind it.
const TTL: u64 = 60_000;

/// The handshake with all of the gateway. Reads nothing, starts nothing: a client waits for this answer before it does
/// anything else.
pub(super) fn initialize(exchange: &Exchange, id: Json, params: Option<&Json>) -> Outgoing {
    let view = match introduction(exchange, params) {
        Ok(view) => view,
        Err(error) => return errors::answer(id, Err(error), Asking::default()),
    };
    exchange.session().call_it(params);
    let revision = view.revision;
    let result = json!({
        "protocolVersion": revision.as_str(),
        "capabilities": capabilities(&view, exchange),
        "serverInfo": identity(exchange),
    });
    exchange.session().settle(view);
    Outgoing::Result { id, result: Json::from_value(&result) }
}

/// The handshake with one server or plugin, which answers as it would itself.
pub(super) async fn initialize_one(exchange: &Arc<Exchange>, id: Json, params: Option<&Json>) -> Outgoing {
    let view = match introduction(exchange, params) {
        Ok(view) => view,
        Err(error) => return errors::answer(id, Err(error), Asking::default()),
    };
    exchange.session().call_it(params);
    exchange.session().settle(view);
    let view = exchange.session().view();
    let introduced = Exchange::new(exchange.session().clone(), view.clone(), exchange.way().clone());
    let client: Arc<dyn Client> = Arc::new(introduced);
    let known = match view.face.introduced(&client).await {
        Ok(known) => known,
        Err(error) => return Outgoing::error(Some(id), INTERNAL_ERROR, &error.to_string()),
    };
    let version = Json::from_value(view.revision.as_str());
    let handshake = known.greeting.as_ref().and_then(|own| replace(own, "protocolVersion", version.as_bytes()));
    let result = handshake.unwrap_or_else(|| {
        let own: Map<String, Value> = known.greeting.as_ref().and_then(|own| own.to().ok()).unwrap_or_default();
        let info = own.get("_meta").and_then(|meta| meta.get(SERVER)).cloned();
        let mut result = json!({
            "protocolVersion": view.revision.as_str(),
            "capabilities": own.get("capabilities").cloned().unwrap_or_else(|| offered(&known)),
            "serverInfo": info.unwrap_or_else(|| identity(exchange)),
        });
        if let Some(instructions) = own.get("instructions") {
            result["instructions"] = instructions.clone();
        }
        Json::from_value(&result)
    });
    Outgoing::Result { id, result }
}

/// The introduction to a client without a handshake. A single server is asked where it is not known yet; all of the
/// gateway answers by itself.
pub(super) async fn discover(exchange: &Arc<Exchange>, id: Json) -> Outgoing {
    let client: Arc<dyn Client> = exchange.clone();
    let known = match exchange.face().introduced(&client).await {
        Ok(known) => known,
        Err(error) => return Outgoing::error(Some(id), INTERNAL_ERROR, &error.to_string()),
    };
    let versions = Json::from_value(&supported());
    let discovered = known.greeting.as_ref().and_then(|own| replace(own, "supportedVersions", versions.as_bytes()));
    let result = discovered.unwrap_or_else(|| match (exchange.face().scope(), &known.greeting) {
        (None, _) => Json::from_value(&json!({
            "resultType": "complete",
            "supportedVersions": supported(),
            "capabilities": capabilities(exchange.view(), exchange),
            "ttlMs": TTL,
            "cacheScope": "private",
            "_meta": { SERVER: identity(exchange) },
        })),
        (Some(_), greeting) => {
            let own: Map<String, Value> = greeting.as_ref().and_then(|own| own.to().ok()).unwrap_or_default();
            bridged(own, &known, exchange)
        }
    });
    Outgoing::Result { id, result }
}

/// What an older server says of itself, as a newer one would.
fn bridged(mut own: Map<String, Value>, known: &Offer, exchange: &Exchange) -> Json {
    let mut capabilities = own.remove("capabilities").unwrap_or_else(|| offered(known));
    if let Some(capabilities) = capabilities.as_object_mut() {
        // Tasks of 2025-11-25 are asked for by the request, which this revision does not know.
        capabilities.remove("tasks");
        // Who listens is told of changes by the gateway, which looks at the lists itself.
        for kind in ["tools", "prompts", "resources"] {
            if let Some(kind) = capabilities.get_mut(kind).and_then(Value::as_object_mut) {
                kind.insert("listChanged".to_owned(), true.into());
            }
        }
    }
    let mut result = json!({
        "resultType": "complete",
        "supportedVersions": supported(),
        "capabilities": capabilities,
        "ttlMs": 0,
        "cacheScope": "private",
        "_meta": { SERVER: own.remove("serverInfo").unwrap_or_else(|| identity(exchange)) },
    });
    if let Some(instructions) = own.remove("instructions") {
        result["instructions"] = instructions;
    }
    Json::from_value(&result)
}

/// What all of the gateway can do. What servers and plugins have is not known yet, and asking them would start them;
/// what nobody could have is not there.
fn capabilities(view: &View, exchange: &Exchange) -> Value {
    let (face, role) = (&view.face, exchange.caller().role);
    if !face.has_servers(role) {
        let may = |kind| face.plugins_may_offer(role, kind);
        return declared(may(Kind::Prompt), may(Kind::Resource) || may(Kind::Template));
    }
    let mut all = declared(true, true);
    all["resources"]["subscribe"] = true.into();
    all["logging"] = json!({});
    // Whether a tool makes tasks is said by its definition (MCP 2025-11-25, "Tasks", tool-level negotiation), and by
    // its answer since.
    match view.revision {
        Revision::V2025_11_25 => {
            all["tasks"] = json!({ "list": {}, "cancel": {}, "requests": { "tools": { "call": {} } } });
        }
        _ if view.is_modern() => all["extensions"] = json!({ TASKS: {} }),
        _ => {}
    }
    all
}

/// What a plugin can do, which does not introduce itself.
fn offered(known: &Offer) -> Value {
    let has = |kind| !known.items(kind).is_empty();
    declared(has(Kind::Prompt), has(Kind::Resource) || has(Kind::Template))
}

fn declared(prompts: bool, resources: bool) -> Value {
    let changing = || json!({ "listChanged": true });
    let mut all = json!({ "tools": changing() });
    if prompts {
        all["prompts"] = changing();
    }
    if resources {
        all["resources"] = changing();
    }
    if prompts || resources {
        all["completions"] = json!({});
    }
    all
}

fn identity(exchange: &Exchange) -> Value {
    let identity = exchange.session().identity();
    json!({ "name": identity.name, "version": identity.version })
}

fn introduction(exchange: &Exchange, params: Option<&Json>) -> Result<View, CallError> {
    let invalid = |message: &str| CallError::InvalidParams(message.into());
    let members = params.and_then(|params| Members::read(params.as_bytes()).ok());
    let (members, params) =
        members.zip(params).ok_or_else(|| invalid("`params` of `initialize` have to be an object"))?;
    let asked = members.text("protocolVersion").ok_or_else(|| invalid("`protocolVersion` is missing"))?;
    let capabilities = members.part(params.bytes(), "capabilities");
    let (abilities, revision) = (Abilities::of(capabilities.as_ref()), Revision::negotiate(&asked));
    exchange.session().view_of(abilities, revision, None).ok_or_else(|| invalid("there is no such server"))
}
