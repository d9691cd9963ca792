//! The handshake of revisions up to 2025-11-25.

use std::sync::Arc;

use gateway_core::{
    error::CallError,
    payload::Json,
    source::{Abilities, Client},
    wire::{
        json::{Members, replace},
        message::{INTERNAL_ERROR, Outgoing},
        revision::Revision,
    },
};

use super::super::{errors, exchange::{Exchange, View}};


/// The handshake with all of the gateway. Reads nothing, starts nothing: a client waits for this answer before it does
/// anything else.
pub(super) fn initialize(exchange: &Exchange, id: Json, params: Option<&Json>) -> Outgoing {
    let view = match introduction(exchange, params) {
        Ok(view) => view,
        Err(error) => return errors::answer(id, Err(error)),
    };
    let revision = view.revision;
    exchange.session().settle(view);
    let identity = exchange.session().identity();
    let result = serde_json::json!({
        "protocolVersion": revision.as_str(),
        // What servers have is not known yet, and asking them would start them.
        "capabilities": {
            "tools": { "listChanged": true },
            "prompts": { "listChanged": true },
            "resources": { "subscribe": true, "listChanged": true },
            "completions": {},
            "logging": {},
        },
        "serverInfo": { "name": identity.name, "version": identity.version },
    });
    Outgoing::Result { id, result: Json::from_value(&result) }
}

/// The handshake with one server or plugin, which answers as it would itself.
pub(super) async fn initialize_one(exchange: &Arc<Exchange>, id: Json, params: Option<&Json>) -> Outgoing {
    let view = match introduction(exchange, params) {
        Ok(view) => view,
        Err(error) => return errors::answer(id, Err(error)),
    };
    exchange.session().settle(view);
    let view = exchange.session().view();
    let introduced = Exchange::new(exchange.session().clone(), view.clone(), exchange.way().clone());
    let client: Arc<dyn Client> = Arc::new(introduced);
    let known = match view.face.introduced(&client).await {
        Ok(known) => known,
        Err(error) => return Outgoing::error(Some(id), INTERNAL_ERROR, &error.to_string()),
    };
    let version = Json::from_value(view.revision.as_str());
    let greeting = known.greeting.as_ref().and_then(|greeting| replace(greeting, "protocolVersion", version.as_bytes()));
    let result = greeting.unwrap_or_else(|| {
        let identity = exchange.session().identity();
        Json::from_value(&serde_json::json!({
            "protocolVersion": view.revision.as_str(),
            "capabilities": { "tools": { "listChanged": true } },
            "serverInfo": { "name": identity.name, "version": identity.version },
        }))
    });
    Outgoing::Result { id, result }
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
