//! `/api/plugins`: WebAssembly plugins.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::backends::{BackendStatus, BackendTool, Latency};

/// A plugin.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PluginView {
    /// Its name.
    pub name: String,
    /// Where it comes from, without credentials and without the values of a query.
    pub source: String,
    /// Whether it is used.
    pub enabled: bool,
    /// What it does at the moment: `connected` is loaded, `disconnected` not loaded, which a call does.
    pub status: BackendStatus,
    /// Its tools, as far as they are known and the role may use them.
    pub tools: Vec<BackendTool>,
    /// What went wrong last.
    pub error: Option<String>,
    /// What it is for, as it says itself.
    pub description: Option<String>,
    /// The SHA-256 of its component, in hexadecimal. Missing: not loaded yet.
    pub digest: Option<String>,
    /// The size of its component, in bytes.
    pub size: Option<u64>,
    /// What it asks for. Missing: it does not say, or is not loaded yet.
    pub asked: Option<PermissionsView>,
    /// What it was granted.
    pub granted: PermissionsView,
    /// How much it may use.
    pub limits: LimitsView,
    /// Whether every call has an instance of its own (`fresh`), or one is used again (`warm`).
    pub instances: String,
    /// Whether it was registered while the gateway ran; else it stands in `gateway.yaml`.
    pub registered: bool,
    /// How often it was loaded.
    pub starts: u64,
    /// How many of its instances work at the moment.
    pub calls: usize,
    /// How long calls took of late.
    pub latency: Latency,
}

/// What a plugin may use, or asks for. Names alone: values of variables are never shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct PermissionsView {
    /// Web servers.
    pub net: Vec<String>,
    /// Folders.
    pub files: Vec<FolderView>,
    /// Names of environment variables.
    pub env: Vec<String>,
    /// Globs of other tools that it may call, within the caller's role.
    pub tools: Vec<String>,
    /// What it may ask the client for: `elicitation`, `sampling`, `roots`.
    pub client: Vec<String>,
}

/// A folder that a plugin sees, or asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FolderView {
    /// The folder on the gateway's machine.
    pub path: String,
    /// What the plugin calls it.
    pub mount: String,
    /// Whether it may change what is in there.
    pub write: bool,
}

/// How much a plugin may use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitsView {
    /// Memory of one call, in bytes.
    pub memory_bytes: u64,
    /// Time of one call, in milliseconds.
    pub time_ms: u64,
    /// What one call may return, in bytes.
    pub output_bytes: u64,
    /// Calls at the same time.
    pub concurrency: u32,
    /// WebAssembly operations of one call; missing: not counted.
    pub fuel: Option<u64>,
    /// What it may keep from call to call, in bytes.
    pub storage_bytes: u64,
    /// What it may write into its folders in one call, in bytes.
    pub files_bytes: u64,
}

/// A plugin to be registered. Nothing is granted: permissions are for whoever writes `gateway.yaml`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPlugin {
    /// Its name: lower-case letters, digits, `-` and `_`, a letter or digit first.
    #[schema(pattern = "^[a-z0-9][a-z0-9_-]*$", max_length = 40, example = "calculator")]
    pub name: String,
    /// Where it comes from; it has to be one that `allow_plugins` names.
    #[schema(min_length = 1, example = "./plugins/calculator")]
    pub source: String,
    /// Whether it is used; missing: yes.
    #[serde(default)]
    pub enabled: Option<bool>,
}

/// A plugin as it is after the change. Where it cannot be loaded, it is registered all the same, and `plugin` says why.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PluginChanged {
    /// The change was made.
    pub ok: bool,
    /// How the plugin is now.
    pub plugin: PluginView,
}

/// A plugin to be looked at.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InspectSource {
    /// Where it comes from; it has to be one that `allow_plugins` names.
    #[schema(min_length = 1, example = "./plugins/calculator")]
    pub source: String,
}

/// What a plugin is, before it is registered.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct InspectedPlugin {
    /// The name that it suggests.
    pub name: Option<String>,
    /// Where it comes from.
    pub source: String,
    /// What it is for, as it says itself.
    pub description: Option<String>,
    /// The SHA-256 of its component, in hexadecimal.
    pub digest: String,
    /// The size of its component, in bytes.
    pub size: u64,
    /// What it asks for. Missing: it does not say.
    pub asked: Option<PermissionsView>,
}
