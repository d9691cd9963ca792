//! Asking for plugins, and changing them.

use axum::Json;
use gateway_core::{
    manage::{By, Manage as _},
    name::SourceName,
};
use serde_json::json;

use super::{InspectSource, InspectedPlugin, NewPlugin, PermissionsView, PluginChanged, PluginView, views};
use crate::admin::{
    access::{Asker, Need},
    answer::{Answer, Body, Named, Refused},
    backends::{Done, Enable, learn, source_name},
    failures::{Changing, Reading},
};

/// All plugins
#[utoipa::path(
    get, path = "/api/plugins", tag = "plugins", operation_id = "plugins",
    responses((status = OK, body = Vec<PluginView>), Reading)
)]
pub(in crate::admin) async fn list(asker: Asker) -> Json<Vec<PluginView>> {
    Json(views(&asker, None).await)
}

/// Register a plugin, or register it anew
///
/// Nothing is granted to it: that is for whoever writes `gateway.yaml`.
#[utoipa::path(
    post, path = "/api/plugins", tag = "plugins", operation_id = "registerPlugin", request_body = NewPlugin,
    responses((status = OK, body = PluginChanged), Changing)
)]
pub(in crate::admin) async fn register(asker: Asker, Body(new): Body<NewPlugin>) -> Answer<PluginChanged> {
    asker.needs(Need::Register)?;
    let name = source_name(&new.name)?;
    asker.may_take(&name)?;
    let mut plugin = json!({ "source": new.source, "enabled": new.enabled.unwrap_or(true) });
    if let Some(sha256) = new.sha256 {
        plugin["sha256"] = sha256.into();
    }
    asker.api.control.register_plugin(name.clone(), plugin, By::Request).await?;
    changed(&asker, &name).await
}

/// Look at a plugin before it is registered: what it asks for
#[utoipa::path(
    post, path = "/api/plugins/inspect", tag = "plugins", operation_id = "inspectPlugin", request_body = InspectSource,
    responses((status = OK, body = InspectedPlugin), Changing)
)]
pub(in crate::admin) async fn inspect(asker: Asker, Body(asked): Body<InspectSource>) -> Answer<InspectedPlugin> {
    asker.needs(Need::Register)?;
    let found = asker.api.control.inspect(&asked.source).await?;
    let manifest = found.manifest.as_ref();
    Ok(Json(InspectedPlugin {
        name: manifest.and_then(|manifest| manifest.name.clone()),
        source: asked.source,
        description: manifest.and_then(|manifest| manifest.description.clone()),
        digest: found.sha256,
        size: found.size as u64,
        asked: manifest.map(|manifest| PermissionsView::of(&manifest.permissions)),
    }))
}

/// Enable or disable a plugin
#[utoipa::path(
    patch, path = "/api/plugins/{name}", tag = "plugins", operation_id = "enablePlugin", request_body = Enable,
    params(("name" = String, Path, description = "Its name")),
    responses((status = OK, body = PluginChanged), Changing)
)]
pub(in crate::admin) async fn enable(
    asker: Asker,
    Named(name): Named,
    Body(asked): Body<Enable>,
) -> Answer<PluginChanged> {
    asker.needs(Need::Register)?;
    let name = known(&asker, &name)?;
    asker.api.control.enable(name.as_str(), asked.enabled).await?;
    changed(&asker, &name).await
}

/// Remove a plugin
///
/// One that stands in `gateway.yaml` stays there, and is not used until it is enabled.
#[utoipa::path(
    delete, path = "/api/plugins/{name}", tag = "plugins", operation_id = "removePlugin",
    params(("name" = String, Path, description = "Its name")),
    responses((status = OK, body = Done), Changing)
)]
pub(in crate::admin) async fn remove(asker: Asker, Named(name): Named) -> Answer<Done> {
    asker.needs(Need::Remove)?;
    if views(&asker, Some(&name)).await.is_empty() {
        return Err(unknown(&name));
    }
    asker.api.control.remove(&name).await?;
    Ok(Json(Done { ok: true }))
}

fn unknown(name: &str) -> Refused {
    Refused::unknown(format!("there is no plugin {name:?}"))
}

/// A name that they may know of, whether there is a plugin of that name at the moment or not.
fn known(asker: &Asker, name: &str) -> Result<SourceName, Refused> {
    let read = SourceName::new(name).map_err(|_| unknown(name))?;
    let is_server = asker.api.control.desired().config.servers.get(name).is_some();
    if is_server || !asker.could_see(&read) { Err(unknown(name)) } else { Ok(read) }
}

/// How the plugin is after a change. Where it is used, its tools are learnt first.
async fn changed(asker: &Asker, name: &SourceName) -> Answer<PluginChanged> {
    if let Some(source) = asker.api.control.gateway().source(name.as_str()) {
        learn(&source).await;
    }
    let now = Asker::new(&asker.api, asker.role);
    let plugin = views(&now, Some(name.as_str())).await.into_iter().next();
    Ok(Json(PluginChanged { ok: true, plugin: plugin.ok_or_else(|| unknown(name.as_str()))? }))
}
