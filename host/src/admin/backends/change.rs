//! Asking for servers, and changing them.

use std::{sync::Arc, time::Duration};

use axum::{Json, http::StatusCode};
use gateway_core::{
    manage::{By, Manage as _},
    name::SourceName,
    source::{Client, Nobody, Source},
};
use serde_json::Value;
use tokio::time::timeout;

use super::{Backend, Changed, Done, Enable, NewBackend, backends, read};
use crate::admin::{
    access::{Asker, Need},
    answer::{Answer, Body, Named, Refused},
    failures::{Changing, Reading},
};

/// How long a server may take to connect before its state is told as it is then.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a server has to end where it is connected to anew.
const GRACE: Duration = Duration::from_secs(2);

/// All servers
#[utoipa::path(
    get, path = "/api/backends", tag = "backends", operation_id = "backends",
    responses((status = OK, body = Vec<Backend>), Reading)
)]
pub(in crate::admin) async fn list(asker: Asker) -> Json<Vec<Backend>> {
    Json(backends(&asker, None).await)
}

/// One server
#[utoipa::path(
    get, path = "/api/backends/{name}", tag = "backends", operation_id = "backend",
    params(("name" = String, Path, description = "Its name")),
    responses((status = OK, body = Backend), Reading)
)]
pub(in crate::admin) async fn one(asker: Asker, Named(name): Named) -> Answer<Backend> {
    shown(&asker, &name).await.map(Json)
}

/// Register a server, or register it anew
///
/// Waits until it is connected, or has failed, or ten seconds are over: `backend` tells how it is then.
#[utoipa::path(
    post, path = "/api/backends", tag = "backends", operation_id = "registerBackend", request_body = NewBackend,
    responses((status = OK, body = Changed), Changing)
)]
pub(in crate::admin) async fn register(asker: Asker, Body(body): Body<Value>) -> Answer<Changed> {
    asker.needs(Need::Register)?;
    let (name, server) = read::server(&body)?;
    asker.may_take(&name)?;
    asker.api.control.register(name.clone(), server, By::Request).await?;
    connect(&asker, name.as_str()).await;
    changed(&asker, &name).await
}

/// Enable or disable a server
///
/// What was removed of `gateway.yaml` comes back by being enabled.
#[utoipa::path(
    patch, path = "/api/backends/{name}", tag = "backends", operation_id = "enableBackend", request_body = Enable,
    params(("name" = String, Path, description = "Its name")),
    responses((status = OK, body = Changed), Changing)
)]
pub(in crate::admin) async fn enable(asker: Asker, Named(name): Named, Body(asked): Body<Enable>) -> Answer<Changed> {
    asker.needs(Need::Register)?;
    let name = known(&asker, &name)?;
    asker.api.control.enable(name.as_str(), asked.enabled).await?;
    if asked.enabled {
        connect(&asker, name.as_str()).await;
    }
    changed(&asker, &name).await
}

/// Remove a server
///
/// One that stands in `gateway.yaml` stays there, and is not used until it is enabled.
#[utoipa::path(
    delete, path = "/api/backends/{name}", tag = "backends", operation_id = "removeBackend",
    params(("name" = String, Path, description = "Its name")),
    responses((status = OK, body = Done), Changing)
)]
pub(in crate::admin) async fn remove(asker: Asker, Named(name): Named) -> Answer<Done> {
    asker.needs(Need::Remove)?;
    shown(&asker, &name).await?;
    asker.api.control.remove(&name).await?;
    Ok(Json(Done { ok: true }))
}

/// End a server's connections and processes, and connect to it anew
///
/// Also where it is being started at the moment. Waits as registering does.
#[utoipa::path(
    post, path = "/api/backends/{name}/reconnect", tag = "backends",
    params(("name" = String, Path, description = "Its name")),
    responses((status = OK, body = Changed), Changing)
)]
pub(in crate::admin) async fn reconnect(asker: Asker, Named(name): Named) -> Answer<Changed> {
    asker.needs(Need::Register)?;
    let found = shown(&asker, &name).await.map_err(|_| Refused::unknown("Backend not found in config"))?;
    if !found.enabled {
        let refused = Refused::new(StatusCode::CONFLICT, format!("server {name:?} is disabled"));
        return Err(refused
            .hint("enable it first: where it was disabled, in gateway.yaml or by PATCH, which connects to it too"));
    }
    let Some(source) = asker.source(&name).cloned() else {
        let why = found.error.map(|why| format!(": {why}")).unwrap_or_default();
        let refused = Refused::new(StatusCode::CONFLICT, format!("server {name:?} is not used{why}"));
        return Err(refused.hint("mend what is wrong with it"));
    };
    source.stop(GRACE).await;
    learn(&source).await;
    let name = source.name().clone();
    changed(&asker, &name).await
}

/// The server of that name, if they may know of it.
async fn shown(asker: &Asker, name: &str) -> Result<Backend, Refused> {
    let unknown = || Refused::unknown(format!("there is no server {name:?}"));
    backends(asker, Some(name)).await.into_iter().next().ok_or_else(unknown)
}

/// A name that they may know of, whether there is a server of that name at the moment or not.
fn known(asker: &Asker, name: &str) -> Result<SourceName, Refused> {
    let unknown = || Refused::unknown(format!("there is no server {name:?}"));
    let name = SourceName::new(name).map_err(|_| unknown())?;
    let is_plugin = asker.api.control.desired().config.plugins.get(name.as_str()).is_some();
    if is_plugin || !asker.could_see(&name) { Err(unknown()) } else { Ok(name) }
}

/// Connects to what is used under that name, for as long as anybody waits.
async fn connect(asker: &Asker, name: &str) {
    if let Some(source) = asker.api.control.gateway().source(name) {
        learn(&source).await;
    }
}

pub(in crate::admin) async fn learn(source: &Arc<dyn Source>) {
    let nobody: Arc<dyn Client> = Arc::new(Nobody);
    // What went wrong is in the status, and what takes longer goes on.
    let _ = timeout(PATIENCE, source.learn(&nobody)).await;
}

/// How the server is after a change.
async fn changed(asker: &Asker, name: &SourceName) -> Answer<Changed> {
    let now = Asker::new(&asker.api, asker.role);
    match backends(&now, Some(name.as_str())).await.into_iter().next() {
        Some(backend) => Ok(Json(Changed { ok: true, backend })),
        // Whoever may register a server need not be able to use it.
        None => {
            let error = format!("it is done, and role {:?} may not see the server {name:?}", asker.globs().name);
            Err(Refused::new(StatusCode::FORBIDDEN, error))
        }
    }
}

impl Asker {
    /// Refuses the name of what they may not know of: nobody takes the place of what they do not see.
    pub(in crate::admin) fn may_take(&self, name: &SourceName) -> Result<(), Refused> {
        if self.could_see(name) {
            return Ok(());
        }
        let error =
            format!("role {:?} may not use a server or plugin {name:?}, and so not register it", self.globs().name);
        Err(Refused::new(StatusCode::FORBIDDEN, error).hint("take another name"))
    }
}
