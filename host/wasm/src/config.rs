//! The part of `gateway.yaml` that describes a plugin, and what a plugin says about itself.

use std::{
    collections::BTreeMap,
    fmt,
    num::{NonZeroU32, NonZeroU64},
    path::PathBuf,
};

use gateway_core::units::{Seconds, Size};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::permissions::{NetPattern, ToolPattern};

/// A plugin: a WebAssembly component whose tools the gateway offers. Nothing is granted that is not written here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PluginConfig {
    /// Where it comes from: a built plugin folder, a `.wasm` file, or an `https://` address.
    pub source: String,
    /// SHA-256 of the component, in hexadecimal. A component with another digest is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[0-9a-fA-F]{64}$"))]
    pub sha256: Option<String>,
    /// What it may use.
    #[serde(default, skip_serializing_if = "PermissionsConfig::is_empty")]
    pub permissions: PermissionsConfig,
    /// Whether it is offered.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
    /// Headers that are added to its requests where they leave the gateway, by the server that they are for:
    /// `https://api.github.com`, or with a path. The plugin never sees them. The server stands in `permissions.net` too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<NetPattern, BTreeMap<String, Secret>>,
    /// Whether every call has an instance of its own. Default: fresh.
    #[serde(default, skip_serializing_if = "Instances::is_fresh")]
    pub instances: Instances,
    /// Those whose signature it needs, by their names in `signers`: one of them has to have signed it. Without any,
    /// none is asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signed_by: Vec<String>,
    /// How much it may use.
    #[serde(default, skip_serializing_if = "LimitsConfig::is_empty")]
    pub limits: LimitsConfig,
    /// What the plugin reads with `config`: any value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<serde_json::Value>,
}

/// What a plugin may use. Everything else is denied.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PermissionsConfig {
    /// Web servers: `https://api.github.com`, `*.example.com:443`, `http://127.0.0.1:8080`. Without a scheme: http and
    /// https. Without a port: the scheme's own; `:*` is any. Private addresses only where they are listed as such. With
    /// methods before it or a path after it, no others: `GET,HEAD https://api.github.com/repos/`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub net: Vec<NetPattern>,
    /// Folders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileGrant>,
    /// Environment variables, with their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Globs of other tools that it may call, by their public names, within the caller's role.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolPattern>,
    /// What it may ask the client for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub client: Vec<ClientAsk>,
}

/// Something that a plugin may ask the client for (MCP client features).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClientAsk {
    /// Questions to the user.
    Elicitation,
    /// Answers of the client's model.
    Sampling,
    /// Where the client works.
    Roots,
}

/// Whether every call has an instance of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Instances {
    /// Yes: nothing is remembered from call to call.
    #[default]
    Fresh,
    /// No: one that was used is used again, by callers of the same role. For languages that start slowly.
    Warm,
}

/// A value that is never shown, and never written out again.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Secret(String);

/// What stands in place of a secret wherever it is printed or written.
const HIDDEN: &str = "(secret)";

/// A folder that a plugin sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileGrant {
    /// The folder on this machine; relative to the configuration's folder.
    pub path: PathBuf,
    /// What the plugin calls it, such as `/data`.
    #[serde(deserialize_with = "mount")]
    #[schemars(regex(pattern = "^/"))]
    pub mount: String,
    /// Whether it may change what is in there.
    #[serde(default)]
    pub write: bool,
}

/// How much a plugin may use. What is missing has its default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// Memory of one call; 64MiB by default.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_size")]
    pub memory: Option<Size>,
    /// Time of one call, waiting for its turn included; 10s by default.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_time")]
    pub time: Option<Seconds>,
    /// What one call may return; 4MiB by default.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_size")]
    pub output: Option<Size>,
    /// Calls at the same time; 16 by default. Further ones wait for their turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<NonZeroU32>,
    /// Calls that wait for their turn; 256 by default. Further ones fail at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<u32>,
    /// WebAssembly operations of one call, counted the same at every run; not counted by default, since that slows the
    /// plugin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fuel: Option<NonZeroU64>,
    /// What it may keep from call to call in its key-value store; nothing by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<Size>,
    /// What it may write into its folders in one call; 64MiB by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Size>,
    /// What one call may receive over HTTP, and send; 64MiB each by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Size>,
}

/// What a plugin says about itself: its `plugin.yaml`, which travels inside the component as JSON
/// ([`MANIFEST_SECTION`](crate::inspect::MANIFEST_SECTION)). Permissions in there are wishes; `gateway.yaml` grants.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The name that it suggests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it asks for.
    #[serde(default)]
    pub permissions: PermissionsConfig,
    /// The limits that it suggests.
    #[serde(default)]
    pub limits: LimitsConfig,
}

impl Instances {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
    fn is_fresh(&self) -> bool {
        *self == Self::Fresh
    }
}

impl Secret {
    /// The value.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

impl PluginConfig {
    /// A plugin from `source` that is granted nothing: the short form of `gateway.yaml`.
    #[must_use]
    pub fn from_source(source: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            sha256: None,
            permissions: PermissionsConfig::default(),
            enabled: true,
            secrets: BTreeMap::new(),
            instances: Instances::Fresh,
            signed_by: Vec::new(),
            limits: LimitsConfig::default(),
            config: None,
        }
    }
}

impl PermissionsConfig {
    /// Whether it grants nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl LimitsConfig {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
fn is_yes(value: &bool) -> bool {
    *value
}

fn mount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let mount = String::deserialize(deserializer)?;
    match mount.starts_with('/') && !mount.split('/').any(|part| part == "..") {
        true => Ok(mount),
        false => Err(D::Error::custom(format!("{mount:?} is no place for a folder: write it like `/data`"))),
    }
}

fn some_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Size>, D::Error> {
    let size = Option::<Size>::deserialize(deserializer)?;
    match size {
        Some(size) if size.is_zero() => Err(D::Error::custom("a limit of 0 would let no call through")),
        size => Ok(size),
    }
}

fn some_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Seconds>, D::Error> {
    let time = Option::<Seconds>::deserialize(deserializer)?;
    match time {
        Some(time) if time.is_zero() => Err(D::Error::custom("a limit of 0 would let no call through")),
        time => Ok(time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: serde_json::Value) -> Result<PluginConfig, String> {
        serde_json::from_value(json).map_err(|error| error.to_string())
    }

    #[test]
    fn the_documented_form_is_read() {
        let config = read(serde_json::json!({
            "source": "./plugins/fetch",
            "permissions": {
                "net": ["https://api.github.com", "*.example.com:443"],
                "files": [{ "path": "./data", "mount": "/data", "write": false }],
                "env": { "LANG": "C" },
                "tools": ["filesystem__read_*"],
            },
            "enabled": true,
            "limits": { "memory": "64MiB", "time": "10s", "output": "4MiB", "concurrency": 16 },
            "config": { "any": "json" },
        }))
        .unwrap();
        assert_eq!(config.permissions.net.len(), 2);
        assert_eq!(config.limits.memory, Some(Size::mib(64)));
        let again = read(serde_json::to_value(&config).unwrap()).unwrap();
        assert_eq!(again, config);
    }

    #[test]
    fn mistakes_are_named() {
        let error = |json| read(json).unwrap_err();
        let limit = |limits| error(serde_json::json!({ "source": "x", "limits": limits }));
        assert!(limit(serde_json::json!({ "memory": 0 })).contains("would let no call through"));
        assert!(limit(serde_json::json!({ "time": "0s" })).contains("would let no call through"));
        assert!(limit(serde_json::json!({ "fuels": 1 })).contains("unknown field `fuels`"));
        let file = serde_json::json!({ "files": [{ "path": ".", "mount": "data" }] });
        assert!(error(serde_json::json!({ "source": "x", "permissions": file })).contains("write it like `/data`"));
        let net = serde_json::json!({ "net": ["ftp://example.com"] });
        assert!(error(serde_json::json!({ "source": "x", "permissions": net })).contains("neither http nor https"));
    }
}
