//! Servers of a gateway that runs.

use http::Method;
use serde_json::{Value, json};

use crate::cli::{
    Usage, output,
    running::{self, Api},
};

/// Registers the server.
pub(super) async fn add(api: &Api, name: &str, entry: &Value, force: bool) -> anyhow::Result<()> {
    let there = running::names(api, "backends").await?.iter().any(|there| there == name);
    if there && !force {
        let message = format!("there is a server {name:?} already");
        return Err(Usage::new(message).hint("replace it with --force, or choose another name").into());
    }
    let answer = api.ask(Method::POST, &["backends"], Some(entry)).await?;
    let done = if there { "replaced" } else { "added" };
    let error = answer["backend"]["error"].as_str().map(|error| format!("; it does not answer: {error}"));
    Ok(output::print(&format!("{done} the server {name}{}\n", error.unwrap_or_default()))?)
}

/// Removes the server.
pub(super) async fn remove(api: &Api, name: &str) -> anyhow::Result<()> {
    api.ask(Method::DELETE, &["backends", name], None).await?;
    Ok(output::print(&format!("removed the server {name}\n"))?)
}

/// Switches the server on or off.
pub(super) async fn switch(api: &Api, name: &str, on: bool) -> anyhow::Result<()> {
    api.ask(Method::PATCH, &["backends", name], Some(&json!({ "enabled": on }))).await?;
    let state = if on { "enabled" } else { "disabled" };
    Ok(output::print(&format!("{state} the server {name}\n"))?)
}

/// Lists the servers.
pub(super) async fn list(api: &Api, as_json: bool) -> anyhow::Result<()> {
    running::list(api, "backends", as_json, |server| {
        server["url"].as_str().or_else(|| server["command"].as_str()).unwrap_or_default().to_owned()
    })
    .await
}
