//! What may be registered by somebody who has no hand on `gateway.yaml`: a model that calls a tool, a page that sends a
//! request. Everything that is not named there is refused.
//!
//! These rules hold when something is registered, and again whenever the overlay is laid over the configuration: what
//! was allowed once and is not any more does not run, nor does what somebody wrote into the overlay by hand.

mod commands;
mod urls;

use gateway_core::manage::{NewServer, Refused, RefusedKind};
use gateway_wasm::{config::PluginConfig, permissions::is_public};
use url::{Host, Url};

pub use self::urls::Reach;
use crate::config::Config;

/// Whether `server` may be registered, as far as can be said without asking for a name's addresses; and where it may
/// lead, if it is one by URL.
///
/// # Errors
/// What is not allowed, with the line that would allow it.
pub fn server(config: &Config, server: &NewServer) -> Result<Reach, Refused> {
    if let Some(command) = &server.command {
        return command_line(config, command, server).map(|()| Reach::Anywhere);
    }
    let Some(url) = server.url.as_deref().and_then(|url| Url::parse(url).ok()) else {
        return Err(Refused::new(RefusedKind::Invalid, "there is neither a command nor an address"));
    };
    if urls::is_allowed(&config.allow_urls, &url) {
        return Ok(Reach::Anywhere);
    }
    let private = match url.host() {
        Some(Host::Ipv4(ip)) => !is_public(ip.into()),
        Some(Host::Ipv6(ip)) => !is_public(ip.into()),
        Some(Host::Domain(name)) => urls::is_local(name),
        None => true,
    };
    if private { Err(private_url(&url)) } else { Ok(Reach::Public) }
}

/// What to say of an address that is not public.
pub(super) fn private_url(url: &Url) -> Refused {
    let origin = url.origin().ascii_serialization();
    let host = url.host_str().unwrap_or_default();
    let message = format!("{host:?} is an address of this machine or its network, and `allow_urls` does not name it");
    Refused::new(RefusedKind::Denied, message).hint(format!("add to gateway.yaml: allow_urls: [{origin:?}]"))
}

fn command_line(config: &Config, command: &str, server: &NewServer) -> Result<(), Refused> {
    if let Some(name) = server.env.keys().find(|name| commands::decides_what_runs(name)) {
        let message = format!("the variable {name:?} could decide which program runs, so it cannot be registered");
        return Err(Refused::new(RefusedKind::Denied, message)
            .hint("write the server into `servers` of gateway.yaml, where any variable may be set"));
    }
    if !commands::is_plain(command) {
        let message = format!("the command {command:?} depends on the folder that the gateway runs in");
        return Err(Refused::new(RefusedKind::Denied, message)
            .hint("name a program that is found by PATH, or its whole path without `..`"));
    }
    if config.allow_commands.iter().any(|glob| commands::allows(glob, command, &server.args)) {
        return Ok(());
    }
    let line = commands::line(command, &server.args);
    let message = format!("`allow_commands` does not name the command `{line}`");
    Err(Refused::new(RefusedKind::Denied, message).hint(format!("add to gateway.yaml: allow_commands: [{line:?}]")))
}

/// Whether `plugin` may be registered.
///
/// # Errors
/// What is not allowed, with the line that would allow it.
pub fn plugin(config: &Config, plugin: &PluginConfig) -> Result<(), Refused> {
    let source = &plugin.source;
    let steps_out = source.split('/').any(|part| part == "..");
    if steps_out || !config.allow_plugins.iter().any(|glob| glob.matches(source)) {
        let message = format!("`allow_plugins` does not name {source:?}");
        return Err(Refused::new(RefusedKind::Denied, message)
            .hint(format!("add to gateway.yaml: allow_plugins: [{source:?}]")));
    }
    let by_hand = |what: &str| {
        Refused::new(RefusedKind::Denied, format!("{what} cannot be granted while the gateway runs"))
            .hint("write the plugin into `plugins` of gateway.yaml, where anything may be granted")
    };
    if !plugin.permissions.files.is_empty() {
        return Err(by_hand("folders"));
    }
    if plugin.permissions.net.iter().any(|net| urls::is_private_grant(&net.to_string())) {
        return Err(by_hand("addresses of this machine and its network"));
    }
    Ok(())
}
