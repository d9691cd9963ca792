//! Changes that somebody asks for while the gateway runs.

use std::{io, path::Path, time::Duration};

use gateway_core::{
    manage::{By, Manage, NewServer, Refused, RefusedKind},
    name::{Naming, SourceName},
    settings::Values,
    source::{Fut, SourceStatus, State},
};
use gateway_wasm::permissions::is_public;
use serde_json::Value;
use tokio::{net::lookup_host, time::timeout};
use tracing::info;
use url::{Host, Url};

use super::{
    Control, Held,
    allowed::{self, Reach},
    asked::{checked, invalid},
    overlay::Overlay,
};
use crate::{
    config::{Loaded, Plugin},
    sources::upstream::config::{ServerConfig, Transport},
};

/// How long the addresses of a name are waited for. One that has none yet may have some later.
const LOOK_UP: Duration = Duration::from_secs(5);

/// What was registered, as the configuration would have it. Its values are taken as they are: a variable of the
/// gateway's own environment is for whoever writes the configuration.
pub(super) fn server(new: &NewServer) -> ServerConfig {
    ServerConfig {
        command: new.command.clone(),
        args: new.command.is_some().then(|| new.args.clone()),
        env: new.env.clone().into_iter().collect::<Values>(),
        url: new.url.clone(),
        headers: new.headers.clone().into_iter().collect::<Values>(),
        transport: new.transport.as_deref().and_then(Transport::named),
        description: new.description.clone(),
        enabled: new.enabled.unwrap_or(true),
        ..ServerConfig::default()
    }
}

/// What was registered as a plugin, as the configuration would have it.
pub(super) fn plugin(new: &Value) -> Result<Plugin, Refused> {
    serde_json::from_value(new.clone()).map_err(|error| invalid(format!("this is no plugin: {error}")))
}

/// What keeps a server or plugin from being registered under that name: what stands in the file has it, used or not.
pub(super) fn in_the_way(loaded: &Loaded, name: &SourceName) -> Option<Refused> {
    let taken = |message: String| Some(Refused::new(RefusedKind::Taken, message));
    let config = &loaded.config;
    if config.has(name.as_str()) || loaded.broken.iter().any(|entry| entry.name == *name) {
        return taken(format!("the name {name:?} stands in gateway.yaml")).map(|refused| {
            refused.hint("take another name, or change gateway.yaml; what was removed of it comes back by enabling it")
        });
    }
    // Whatever a role may use of that one it could use of this one.
    let stem = Naming::canonical(name).stem();
    let same = |(other, server): &(&SourceName, &ServerConfig)| {
        server.naming(other, config.separator.as_str()).stem() == stem
            || other.as_str().replace('-', "_") == name.as_str().replace('-', "_")
    };
    let other = config.servers.iter().find(same)?.0;
    taken(format!("the tools of the server {other:?} in gateway.yaml would have the same names"))
        .map(|refused| refused.hint("take another name"))
}

fn unknown(name: &str) -> Refused {
    Refused::new(RefusedKind::Unknown, format!("there is no server or plugin {name:?}"))
}

/// Refuses where the name leads to an address that is not public.
async fn leads_out(server: &NewServer) -> Result<(), Refused> {
    let Some(url) = server.url.as_deref().and_then(|url| Url::parse(url).ok()) else { return Ok(()) };
    let Some(Host::Domain(name)) = url.host() else { return Ok(()) };
    let port = url.port_or_known_default().unwrap_or_default();
    match timeout(LOOK_UP, lookup_host((name, port))).await {
        Ok(Ok(found)) => match found.map(|address| is_public(address.ip())).min() {
            Some(false) => Err(allowed::private_url(&url)),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Why the overlay was not changed.
struct Failed(Refused);

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self(Refused::new(RefusedKind::Storage, format!("the change could not be kept: {error}")))
    }
}

impl Control {
    /// Changes the overlay, and the gateway accordingly.
    async fn change(
        &self,
        held: &mut Held,
        change: impl FnOnce(&mut Overlay) -> Result<(), Refused> + Send + 'static,
    ) -> Result<(), Refused> {
        let (overlay, known) = (self.overlay.clone(), held.overlay.overlay.clone());
        let write = move || overlay.change(&known, |overlay| change(overlay).map_err(Failed));
        let read = match tokio::task::spawn_blocking(write).await {
            Ok(Ok(read)) => read,
            Ok(Err(Failed(refused))) => return Err(refused),
            Err(error) => return Err(Refused::new(RefusedKind::Storage, error.to_string())),
        };
        held.overlay = read;
        self.bring(held).await;
        Ok(())
    }

    /// Whether a server or plugin can be registered under that name.
    fn is_free(&self, held: &Held, name: &SourceName) -> Result<(), Refused> {
        if self.further.iter().any(|source| source.name() == name) {
            let message = format!("the name {name:?} is taken by the program that the gateway is part of");
            return Err(Refused::new(RefusedKind::Taken, message).hint("take another name"));
        }
        in_the_way(&held.loaded, name).map_or(Ok(()), Err)
    }

    /// How what was registered is doing.
    fn registered(&self, name: &SourceName, kind: &'static str) -> Result<SourceStatus, Refused> {
        if let Some(source) = self.gateway.source(name.as_str()) {
            return Ok(source.status());
        }
        match self.desired().broken.iter().find(|entry| entry.name == *name) {
            Some(broken) => Err(invalid(format!("{name:?} cannot be used: {}", broken.reason))),
            // It was registered switched off.
            None => Ok(SourceStatus { kind, state: State::Idle, starts: 0, calls: 0, tools: None, error: None }),
        }
    }

    async fn keep(
        &self,
        held: &mut Held,
        name: SourceName,
        by: By,
        put: impl FnOnce(&mut Overlay, SourceName) + Send + 'static,
    ) -> Result<(), Refused> {
        self.change(held, move |overlay| {
            if by == By::Request && overlay.owned.contains(&name) {
                let message = format!("the name {name:?} is taken by the program that the gateway is part of");
                return Err(Refused::new(RefusedKind::Taken, message).hint("take another name"));
            }
            overlay.forget(&name);
            if by == By::Owner {
                overlay.owned.insert(name.clone());
            }
            put(overlay, name);
            Ok(())
        })
        .await
    }
}

impl Manage for Control {
    fn register(&self, name: SourceName, server: NewServer, by: By) -> Fut<'_, Result<SourceStatus, Refused>> {
        Box::pin(async move {
            let server = checked(server)?;
            if by == By::Request && allowed::server(&self.desired().config, &server)? == Reach::Public {
                // Before anything waits for it.
                leads_out(&server).await?;
            }
            let mut held = self.held.lock().await;
            self.is_free(&held, &name)?;
            if by == By::Request {
                // As it is by now.
                allowed::server(&held.loaded.config, &server)?;
            }
            let put = move |overlay: &mut Overlay, name| drop(overlay.servers.insert(name, server));
            self.keep(&mut held, name.clone(), by, put).await?;
            info!(server = %name, "registered");
            self.registered(&name, "server")
        })
    }

    fn register_plugin(&self, name: SourceName, new: Value, by: By) -> Fut<'_, Result<SourceStatus, Refused>> {
        Box::pin(async move {
            let mut held = self.held.lock().await;
            self.is_free(&held, &name)?;
            let new = seen_from(new, self.file.parent().unwrap_or(Path::new("")));
            let read = plugin(&new)?;
            if by == By::Request {
                allowed::plugin(&held.loaded.config, &read)?;
            }
            let put = move |overlay: &mut Overlay, name| drop(overlay.plugins.insert(name, new));
            self.keep(&mut held, name.clone(), by, put).await?;
            info!(plugin = %name, "registered");
            self.registered(&name, "plugin")
        })
    }

    fn remove<'a>(&'a self, name: &'a str) -> Fut<'a, Result<(), Refused>> {
        Box::pin(async move {
            let (text, name) = (name, SourceName::new(name).map_err(|_| unknown(name))?);
            let mut held = self.held.lock().await;
            let stands = held.loaded.has_source(&name);
            let (missing, removed) = (unknown(text), name.clone());
            self.change(&mut held, move |overlay| {
                let registered = overlay.forget(&name);
                overlay.disabled.remove(&name);
                if (stands && overlay.removed.insert(name)) || registered { Ok(()) } else { Err(missing) }
            })
            .await?;
            info!(source = %removed, "removed");
            Ok(())
        })
    }

    fn enable<'a>(&'a self, name: &'a str, enabled: bool) -> Fut<'a, Result<(), Refused>> {
        Box::pin(async move {
            let (text, name) = (name, SourceName::new(name).map_err(|_| unknown(name))?);
            let mut held = self.held.lock().await;
            let stands = held.loaded.has_source(&name);
            if enabled && held.loaded.switches_off(&name) {
                let message = format!("gateway.yaml switches {text:?} off, which nothing but gateway.yaml can change");
                return Err(Refused::new(RefusedKind::Denied, message)
                    .hint(format!("write `enabled: true` for {text} there, or run `gateway server enable {text}`")));
            }
            let missing = unknown(text);
            let done = name.clone();
            self.change(&mut held, move |overlay| switch(overlay, name, enabled, stands).ok_or(missing)).await?;
            info!(source = %done, enabled, "switched");
            Ok(())
        })
    }

    fn problems(&self) -> Vec<String> {
        self.desired.load().complaints()
    }
}

/// Switches what was registered or `stands` in the configuration; `None`: there is neither.
fn switch(overlay: &mut Overlay, name: SourceName, enabled: bool, stands: bool) -> Option<()> {
    if stands {
        if enabled {
            overlay.removed.remove(&name);
            overlay.disabled.remove(&name);
        } else if !overlay.removed.contains(&name) {
            overlay.disabled.insert(name);
        } else {
            return None;
        }
        return Some(());
    }
    if let Some(server) = overlay.servers.get_mut(&name) {
        server.enabled = Some(enabled);
        return Some(());
    }
    match overlay.plugins.get_mut(&name)? {
        Value::Object(plugin) => drop(plugin.insert("enabled".to_owned(), enabled.into())),
        short => *short = serde_json::json!({ "source": short.clone(), "enabled": enabled }),
    }
    Some(())
}

/// A plugin whose source is a file, with its path as it is seen from everywhere.
pub(super) fn seen_from(mut new: Value, folder: &Path) -> Value {
    let source = if new.is_object() { &mut new["source"] } else { &mut new };
    if let Some(path) = source.as_str().filter(|source| !source.contains("://")) {
        *source = folder.join(path).to_string_lossy().into_owned().into();
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_filled_in() {
        let new = r#"{"command": "x", "args": ["${HOME}"], "env": {"A": "${TOKEN}"}}"#;
        let new = checked(serde_json::from_str(new).unwrap()).unwrap();
        let server = server(&new);
        assert_eq!(server.args.unwrap(), ["${HOME}"]);
        assert_eq!(server.env.get("A"), Some("${TOKEN}"));
    }

    #[test]
    fn what_is_there_is_switched() {
        let name = SourceName::new("a").unwrap();
        let mut overlay = Overlay::default();
        assert_eq!(switch(&mut overlay, name.clone(), true, false), None);
        overlay.plugins.insert(name.clone(), "./a".into());
        assert_eq!(switch(&mut overlay, name.clone(), false, false), Some(()));
        assert!(!plugin(&overlay.plugins[&name]).unwrap().enabled);
        let mut overlay = Overlay::default();
        overlay.removed.insert(name.clone());
        assert_eq!(switch(&mut overlay, name.clone(), false, true), None);
        assert_eq!(switch(&mut overlay, name, true, true), Some(()));
        assert!(overlay.removed.is_empty());
    }
}
