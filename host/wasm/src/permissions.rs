//! What a plugin may use. Decisions are pure functions here; the doors that ask them are the HTTP sender
//! (`http`), `host.call-tool` (`host`) and the making of an instance (`guest`).

mod address;
mod net;
mod tools;

pub use self::{
    address::is_public,
    net::{NetPattern, NetPatternError, Target},
    tools::ToolPattern,
};

use std::path::Path;

use crate::config::{ClientAsk, FileGrant, PermissionsConfig};

/// What one plugin was granted. The default grants nothing.
#[derive(Debug, Clone, Default)]
pub struct Permissions {
    /// Web servers.
    pub net: Box<[NetPattern]>,
    /// Folders, with absolute paths.
    pub files: Box<[FileGrant]>,
    /// Environment variables.
    pub env: Box<[(String, String)]>,
    /// Other tools.
    pub tools: Box<[ToolPattern]>,
    /// What the client may be asked for.
    pub client: Box<[ClientAsk]>,
}

/// Something that a plugin tried and may not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// One sentence, beginning with the plugin.
    pub message: String,
    /// The line to write in `gateway.yaml`, where that would allow it.
    pub hint: String,
}

impl Permissions {
    /// What `gateway.yaml` grants. Paths are relative to `folder`.
    #[must_use]
    pub fn new(config: &PermissionsConfig, folder: &Path) -> Self {
        let absolute = |grant: &FileGrant| FileGrant { path: folder.join(&grant.path), ..grant.clone() };
        Self {
            net: config.net.clone().into(),
            files: config.files.iter().map(absolute).collect(),
            env: config.env.clone().into_iter().collect(),
            tools: config.tools.clone().into(),
            client: config.client.clone().into(),
        }
    }

    /// Whether a request may go to `target` as far as its name tells; its address is asked for after.
    #[must_use]
    pub fn allows_host(&self, target: &Target) -> bool {
        self.net.iter().any(|pattern| pattern.allows(target))
    }

    /// Whether `target` may be reached under the address `ip`: any public one, and a private one that is listed as
    /// such. A name that is listed can point anywhere, so that it alone opens no way into a private network.
    #[must_use]
    pub fn allows_address(&self, target: &Target, ip: std::net::IpAddr) -> bool {
        is_public(ip) || self.net.iter().any(|pattern| pattern.lists_address(target, ip))
    }

    /// Whether the tool with this public name may be called; the caller's role decides besides.
    #[must_use]
    pub fn allows_tool(&self, name: &str) -> bool {
        self.tools.iter().any(|pattern| pattern.matches(name))
    }
}

impl Denial {
    /// `target` is not on the list.
    pub(crate) fn host(plugin: &str, target: &Target) -> Self {
        Self {
            message: format!("plugin {plugin:?}: host \"{}\" is not allowed", target.shown()),
            hint: format!("add it to plugins.{plugin}.permissions.net"),
        }
    }

    /// `target` is on the list, and leads to the private address `ip`.
    pub(crate) fn address(plugin: &str, target: &Target, ip: std::net::IpAddr) -> Self {
        Self {
            message: format!(
                "plugin {plugin:?}: host \"{}\" has the private address {ip}, which is not allowed",
                target.shown()
            ),
            hint: format!("add \"{}\" to plugins.{plugin}.permissions.net", target.at(ip)),
        }
    }

    /// The tool `name` is not on the list.
    pub(crate) fn tool(plugin: &str, name: &str) -> Self {
        Self {
            message: format!("plugin {plugin:?}: tool {name:?} is not allowed"),
            hint: format!("add it to plugins.{plugin}.permissions.tools"),
        }
    }

    /// Message and hint, a line each.
    pub(crate) fn lines(&self) -> String {
        format!("{}\nhint: {}", self.message, self.hint)
    }
}
