//! `/api/plugins`: WebAssembly plugins.

mod change;

use std::collections::BTreeMap;

use gateway_core::name::SourceName;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use utoipa::ToSchema;

pub(super) use self::change::*;
use super::{
    access::Asker,
    backends::{BackendStatus, BackendTool, Latency, plain},
};
use crate::config::Plugin;

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FolderView {
    /// The folder on the gateway's machine.
    pub path: String,
    /// What the plugin calls it.
    pub mount: String,
    /// Whether it may change what is in there.
    #[serde(default)]
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
    /// The SHA-256 that its component has to have, in hexadecimal; one from the web needs it.
    #[serde(default)]
    #[schema(pattern = "^[0-9a-fA-F]{64}$")]
    pub sha256: Option<String>,
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

impl PermissionsView {
    /// Of permissions as the configuration writes them, without the values of variables.
    fn of(written: &impl Serialize) -> Self {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Written {
            net: Vec<String>,
            files: Vec<FolderView>,
            env: BTreeMap<String, Value>,
            tools: Vec<String>,
            client: Vec<String>,
        }
        let written = serde_json::to_value(written).and_then(serde_json::from_value::<Written>).unwrap_or_default();
        let Written { net, files, env, tools, client } = written;
        Self { net, files, env: env.into_keys().collect(), tools, client }
    }
}

/// All plugins that whoever asks may know of, in the configuration's order, or the one of that name.
async fn views(asker: &Asker, only: Option<&str>) -> Vec<PluginView> {
    let desired = asker.api.control.desired();
    let mut views = Vec::new();
    for (name, plugin) in desired.config.plugins.iter() {
        if only.is_none_or(|only| name.as_str() == only) && asker.could_see(name) {
            views.push(PluginView::of(name, plugin, desired.is_registered(name), asker).await);
        }
    }
    for entry in desired.broken.iter().filter(|entry| entry.section == "plugins") {
        if only.is_none_or(|only| entry.name.as_str() == only) && asker.could_see(&entry.name) {
            let error = Some(entry.reason.clone());
            views.push(PluginView { error, status: BackendStatus::Error, ..PluginView::blank(&entry.name) });
        }
    }
    views
}

impl PluginView {
    fn blank(name: &SourceName) -> Self {
        Self {
            name: name.to_string(),
            source: String::new(),
            enabled: true,
            status: BackendStatus::Disconnected,
            tools: Vec::new(),
            error: None,
            description: None,
            digest: None,
            size: None,
            asked: None,
            granted: PermissionsView::default(),
            limits: LimitsView::default(),
            instances: "fresh".to_owned(),
            registered: false,
            starts: 0,
            calls: 0,
            latency: Latency::default(),
        }
    }

    async fn of(name: &SourceName, plugin: &Plugin, registered: bool, asker: &Asker) -> Self {
        let control = &asker.api.control;
        let source = asker.snapshot.sources().iter().find(|source| source.name() == name);
        let about = match source {
            Some(_) => control.about_plugin(name).await,
            None => None,
        };
        let manifest = about.as_ref().and_then(|about| about.manifest.as_ref());
        let limits = control.limits_of(plugin);
        let status = source.map(|source| source.status());
        Self {
            source: Url::parse(&plugin.source).map_or_else(|_| plugin.source.clone(), plain),
            enabled: plugin.enabled,
            status: status.as_ref().map_or(BackendStatus::Disconnected, |status| BackendStatus::of(status.state)),
            tools: source.map(|source| BackendTool::all(asker, source)).unwrap_or_default(),
            error: status.as_ref().and_then(|status| status.error.clone()),
            description: manifest.and_then(|manifest| manifest.description.clone()),
            digest: about.as_ref().map(|about| about.sha256.clone()),
            size: about.as_ref().map(|about| about.size as u64),
            asked: manifest.map(|manifest| PermissionsView::of(&manifest.permissions)),
            granted: PermissionsView::of(&plugin.permissions),
            limits: LimitsView {
                memory_bytes: limits.memory.get(),
                time_ms: u64::try_from(limits.time.as_millis()).unwrap_or(u64::MAX),
                output_bytes: limits.output.get(),
                concurrency: limits.concurrency.get(),
                fuel: limits.fuel.map(Into::into),
                storage_bytes: limits.storage.get(),
                files_bytes: limits.files.get(),
            },
            instances: format!("{:?}", plugin.instances).to_lowercase(),
            registered,
            starts: status.as_ref().map_or(0, |status| status.starts),
            calls: status.as_ref().map_or(0, |status| status.calls),
            latency: Latency::of(name, asker),
            ..Self::blank(name)
        }
    }
}
