//! Plugins of a gateway that runs.

use std::path::{Path, absolute};

use http::Method;
use serde_json::json;

use crate::{
    cli::{
        Usage, output,
        running::{self, Api},
    },
    packages::Reference,
};

/// Registers the plugin, with nothing granted.
pub(super) async fn add(api: &Api, reference: &str, name: Option<&str>, force: bool) -> anyhow::Result<()> {
    let parsed = Reference::parse(reference.trim(), Path::new("")).map_err(|error| Usage::new(error.to_string()))?;
    let Some(name) = name.map(str::to_owned).or_else(|| parsed.stem()) else {
        return Err(Usage::new("the plugin has no name of its own to go by").hint("name it with --name NAME").into());
    };
    let there = running::names(api, "plugins").await?.contains(&name);
    if there && !force {
        let message = format!("there is a plugin {name:?} already");
        return Err(Usage::new(message).hint("replace it with --force, or choose another name with --name").into());
    }
    let source = match parsed {
        // As it is seen from everywhere.
        Reference::Local(path) => absolute(path)?.to_string_lossy().into_owned(),
        _ => reference.trim().to_owned(),
    };
    let answer = api.ask(Method::POST, &["plugins"], Some(&json!({ "name": name, "source": source }))).await?;
    let done = if there { "replaced" } else { "added" };
    let error = answer["plugin"]["error"].as_str().map(|error| format!("; it cannot be loaded: {error}"));
    Ok(output::print(&format!("{done} the plugin {name}{}\n", error.unwrap_or_default()))?)
}

/// Removes the plugin.
pub(super) async fn remove(api: &Api, name: &str) -> anyhow::Result<()> {
    api.ask(Method::DELETE, &["plugins", name], None).await?;
    Ok(output::print(&format!("removed the plugin {name}\n"))?)
}

/// Lists the plugins.
pub(super) async fn list(api: &Api, as_json: bool) -> anyhow::Result<()> {
    running::list(api, "plugins", as_json, |plugin| plugin["source"].as_str().unwrap_or_default().to_owned()).await
}
