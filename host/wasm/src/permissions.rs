//! What a plugin may use. Decisions are pure functions here, a file for each kind; the doors that ask them are the HTTP
//! sender (`http`), `host.call-tool` and what asks the client (`host`), the store of values (`storage`), and the making of
//! an instance (`guest`) with its files (`files`).
//!
//! `gateway.yaml` grants; the plugin's own `plugin.yaml`, which travels inside the component, says what it asks for; what
//! holds is what both say. A component without a `plugin.yaml` asks for everything that it is granted.

mod address;
mod client;
mod env;
pub(crate) mod files;
mod net;
pub mod secrets;
mod storage;
mod tools;

pub use self::{
    address::is_public,
    net::{NetPattern, NetPatternError, Outgoing, Target},
    secrets::Secrets,
    tools::ToolPattern,
};

use std::{path::Path, sync::Arc};

use crate::config::{ClientAsk, FileGrant, Manifest, PluginConfig};

/// What one plugin may use. The default grants nothing.
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
    /// Headers that are added to its requests.
    pub secrets: Secrets,
    /// Whether it may keep something from call to call; how much, its limits say.
    pub storage: bool,
    /// What it asks for; without it, everything that it is granted.
    pub(crate) asked: Option<Arc<Asked>>,
}

/// The part of what a plugin asks for that is held against each single thing that it does.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    net: Box<[NetPattern]>,
    tools: Box<[ToolPattern]>,
    client: Box<[ClientAsk]>,
    storage: bool,
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
    pub fn new(config: &PluginConfig, folder: &Path) -> Self {
        let granted = &config.permissions;
        let absolute = |grant: &FileGrant| FileGrant { path: folder.join(&grant.path), ..grant.clone() };
        Self {
            net: granted.net.clone().into(),
            files: granted.files.iter().map(absolute).collect(),
            env: granted.env.clone().into_iter().collect(),
            tools: granted.tools.clone().into(),
            client: granted.client.clone().into(),
            secrets: Secrets::new(&config.secrets),
            storage: config.limits.storage.is_some(),
            asked: None,
        }
    }

    /// What holds of `granted` for a component with this `plugin.yaml`.
    #[must_use]
    pub fn effective(granted: &Self, manifest: Option<&Manifest>) -> Self {
        let Some(manifest) = manifest else { return granted.clone() };
        let asked = &manifest.permissions;
        Self {
            files: files::both(&granted.files, &asked.files),
            env: env::both(&granted.env, &asked.env),
            asked: Some(Arc::new(Asked {
                net: asked.net.clone().into(),
                tools: asked.tools.clone().into(),
                client: asked.client.clone().into(),
                storage: manifest.limits.storage.is_some(),
            })),
            ..granted.clone()
        }
    }

    /// What is granted here and has no effect for a component with this `plugin.yaml`, since it does not ask for it: a
    /// few words each.
    #[must_use]
    pub fn unasked(&self, manifest: &Manifest) -> Vec<String> {
        let asked = &manifest.permissions;
        let net = self.net.iter().filter(|grant| !asked.net.iter().any(|ask| ask.asks_for_some_of(grant)));
        let net = net.map(|grant| format!("net {:?}", grant.as_str()));
        let storage = (self.storage && manifest.limits.storage.is_none()).then(|| "storage".to_owned());
        net.chain(files::unasked(&self.files, &asked.files))
            .chain(env::unasked(&self.env, &asked.env))
            .chain(tools::unasked(&self.tools, &asked.tools))
            .chain(client::unasked(&self.client, &asked.client))
            .chain(storage)
            .collect()
    }
}

impl Denial {
    /// `what` is granted, and the plugin does not ask for it; `add` says what its `plugin.yaml` lacks.
    fn not_asked(plugin: &str, what: &str, add: &str) -> Self {
        Self {
            message: format!("plugin {plugin:?}: {what} is granted, and the plugin does not ask for it"),
            hint: format!("add {add} in its plugin.yaml, and build it again"),
        }
    }

    /// Message and hint, a line each.
    pub(crate) fn lines(&self) -> String {
        format!("{}\nhint: {}", self.message, self.hint)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn granted() -> Permissions {
        let config = serde_json::from_value(json!({
            "source": "x",
            "permissions": {
                "net": ["https://a.example", "https://b.example"],
                "files": [{ "path": "data", "mount": "/data", "write": true }, { "path": "b", "mount": "/b" }],
                "env": { "A": "1", "B": "2" },
                "tools": ["a__*", "b__*"],
                "client": ["elicitation", "roots"],
            },
            "limits": { "storage": "1MiB" },
        }));
        Permissions::new(&config.unwrap(), Path::new("/srv"))
    }

    fn manifest(json: serde_json::Value) -> Manifest {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn what_holds_is_what_both_say() {
        let asks = manifest(json!({ "permissions": {
            "net": ["https://a.example", "https://c.example"],
            "files": [{ "path": "elsewhere", "mount": "/data" }, { "path": "c", "mount": "/c", "write": true }],
            "env": { "A": "", "C": "" },
            "tools": ["a__x"],
            "client": ["elicitation"],
        } }));
        let effective = Permissions::effective(&granted(), Some(&asks));
        let data = FileGrant { path: "/srv/data".into(), mount: "/data".to_owned(), write: false };
        assert_eq!(*effective.files, [data]);
        assert_eq!(*effective.env, [("A".to_owned(), "1".to_owned())]);
        assert!(effective.check_tool("p", "a__x").is_ok() && effective.check_tool("p", "a__y").is_err());
        assert!(effective.check_client("p", ClientAsk::Roots).is_err());
        assert!(effective.check_storage("p").is_err());
        assert_eq!(
            granted().unasked(&asks),
            [
                r#"net "https://b.example""#,
                "writing to files /data",
                "files /b",
                "env B",
                r#"tools "b__*""#,
                "client roots",
                "storage"
            ]
        );
    }

    #[test]
    fn without_a_manifest_what_is_granted_holds() {
        let effective = Permissions::effective(&granted(), None);
        assert_eq!((effective.files.len(), effective.env.len()), (2, 2));
        effective.check_tool("p", "b__x").unwrap();
        effective.check_storage("p").unwrap();
        // With one that asks for nothing, nothing does.
        let nothing = Permissions::effective(&granted(), Some(&Manifest::default()));
        assert_eq!((nothing.files.len(), nothing.env.len()), (0, 0));
        nothing.check_tool("p", "b__x").unwrap_err();
        let nothing_granted = Permissions::effective(
            &Permissions::default(),
            Some(&manifest(json!({
                "permissions": { "tools": ["*"], "client": ["sampling"] }, "limits": { "storage": "1MiB" }
            }))),
        );
        nothing_granted.check_tool("p", "b__x").unwrap_err();
        nothing_granted.check_client("p", ClientAsk::Sampling).unwrap_err();
        nothing_granted.check_storage("p").unwrap_err();
    }
}
