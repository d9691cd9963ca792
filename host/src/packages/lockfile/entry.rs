//! What was agreed to for one plugin.

use std::{collections::BTreeMap, path::Path};

use gateway_core::payload::Json;
use gateway_wasm::config::{PermissionsConfig, PluginConfig};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Difference, diff::plain};
use crate::packages::Digest;

/// What was agreed to for one plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its `source`, with the path of a file as it is seen from here.
    pub source: String,
    /// The digest of the component; missing: a folder in which it is built again and again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    /// The digest of the registry's manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Digest>,
    /// Who signed it, by the name in `signers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// The version of the package `gateway:plugin` that it was built against.
    pub interface: String,
    /// Bytes of the component.
    pub size: u64,
    /// What it imports.
    pub imports: Vec<String>,
    /// What it asks for.
    pub asks: Value,
    /// What it was granted.
    pub granted: Value,
    /// Its tools.
    pub tools: BTreeMap<String, Tool>,
}

/// One tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// The digest of the definition, as JSON with its keys in order.
    sha256: Digest,
    /// The definition, to show what changes.
    definition: Value,
}

/// What an entry is made of.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The `source`.
    pub source: &'a str,
    /// The component.
    pub component: &'a [u8],
    /// The digest of the registry's manifest.
    pub manifest: Option<Digest>,
    /// Who signed it.
    pub signer: Option<&'a str>,
    /// The version of the package `gateway:plugin`.
    pub interface: &'a str,
    /// What it imports.
    pub imports: &'a [String],
    /// What it asks for.
    pub asks: &'a PermissionsConfig,
    /// What is in `gateway.yaml`.
    pub config: &'a PluginConfig,
    /// The folder of that.
    pub folder: &'a Path,
    /// The definitions of its tools.
    pub tools: &'a [Json],
}

impl Entry {
    /// What there is now.
    #[must_use]
    pub fn new(facts: &Facts<'_>) -> Self {
        let mut imports = facts.imports.to_vec();
        imports.sort();
        Self {
            source: source(facts.source, facts.folder),
            sha256: Some(Digest::of(facts.component)),
            manifest: facts.manifest,
            signer: facts.signer.map(str::to_owned),
            interface: facts.interface.to_owned(),
            size: facts.component.len() as u64,
            imports,
            asks: permissions(facts.asks, facts.folder),
            granted: granted(facts.config, facts.folder),
            tools: tools(facts.tools),
        }
    }

    /// Whether it holds together.
    pub(super) fn check(&self) -> Result<(), String> {
        check(&self.tools)
    }

    /// What differs before the plugin is read: where it comes from, and what it may do.
    #[must_use]
    pub fn differences_in_config(&self, config: &PluginConfig, folder: &Path) -> Vec<Difference> {
        let quoted = |text: String| Some(format!("{text:?}"));
        let is = source(&config.source, folder);
        let mut found: Vec<Difference> =
            Difference::of_texts("source", quoted(self.source.clone()), quoted(is)).into_iter().collect();
        Difference::of_values("granted", &self.granted, &granted(config, folder), &mut found);
        found
    }

    /// What differs in the component.
    #[must_use]
    pub fn differences_in_component(&self, component: &[u8], interface: &str) -> Vec<Difference> {
        let is = Digest::of(component);
        let was = self.sha256.filter(|sha256| *sha256 != is);
        let mut found = Vec::new();
        if let Some(was) = was {
            found.extend(Difference::of_texts("sha256", Some(was.to_string()), Some(is.to_string())));
            let bytes = |size: u64| Some(format!("{size} bytes"));
            found.extend(Difference::of_texts("size", bytes(self.size), bytes(component.len() as u64)));
        }
        let was = Some(self.interface.clone());
        found.extend(Difference::of_texts("interface", was, Some(interface.to_owned())));
        found
    }

    /// What differs in the tools.
    #[must_use]
    pub fn differences_in_tools(&self, listed: &[Json]) -> Vec<Difference> {
        differences_of_tools(&self.tools, &tools(listed))
    }

    /// All that differs in `now`, which is to take its place.
    #[must_use]
    pub fn differences(&self, now: &Self) -> Vec<Difference> {
        let texts = [
            ("source", Some(format!("{:?}", self.source)), Some(format!("{:?}", now.source))),
            ("sha256", self.sha256.map(|d| d.to_string()), now.sha256.map(|d| d.to_string())),
            ("manifest", self.manifest.map(|d| d.to_string()), now.manifest.map(|d| d.to_string())),
            ("signer", self.signer.clone(), now.signer.clone()),
            ("interface", Some(self.interface.clone()), Some(now.interface.clone())),
            ("size", Some(format!("{} bytes", self.size)), Some(format!("{} bytes", now.size))),
        ];
        let mut found: Vec<Difference> =
            texts.into_iter().filter_map(|(place, was, is)| Difference::of_texts(place, was, is)).collect();
        let imports = |entry: &Self| Value::from(entry.imports.clone());
        Difference::of_values("imports", &imports(self), &imports(now), &mut found);
        Difference::of_values("asks", &self.asks, &now.asks, &mut found);
        Difference::of_values("granted", &self.granted, &now.granted, &mut found);
        found.extend(differences_of_tools(&self.tools, &now.tools));
        found
    }

    /// Takes one tool's definition over from `now`; false where neither has it.
    pub fn accept_tool(&mut self, now: &Self, tool: &str) -> bool {
        accept(&mut self.tools, &now.tools, tool)
    }
}

impl Tool {
    /// The tool that `definition` describes.
    pub(super) fn new(definition: Value) -> Self {
        let definition = sorted(definition);
        Self { sha256: digest(&definition), definition }
    }

    /// Whether both are the same.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.sha256 == other.sha256
    }
}

/// Whether each of them is the one of its digest.
pub(super) fn check(tools: &BTreeMap<String, Tool>) -> Result<(), String> {
    match tools.iter().find(|(_, tool)| digest(&tool.definition) != tool.sha256) {
        Some((name, _)) => Err(format!("the definition of the tool {name:?} is not the one of its sha256")),
        None => Ok(()),
    }
}

/// Takes one tool over from `now`; false where neither has it.
pub(super) fn accept(tools: &mut BTreeMap<String, Tool>, now: &BTreeMap<String, Tool>, tool: &str) -> bool {
    match now.get(tool) {
        Some(definition) => {
            tools.insert(tool.to_owned(), definition.clone());
            true
        }
        None => tools.remove(tool).is_some(),
    }
}

/// What differs in `now`, which is to take the place of `was`.
pub(super) fn differences_of_tools(was: &BTreeMap<String, Tool>, now: &BTreeMap<String, Tool>) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut names: Vec<&String> = was.keys().chain(now.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        let clean = plain(name);
        let quoted = |there: Option<&Tool>| there.map(|_| format!("the tool {clean:?}"));
        match (was.get(name), now.get(name)) {
            (Some(was), Some(is)) if !was.is(is) => {
                let place = format!("tools.{clean}");
                Difference::of_values(&place, &was.definition, &is.definition, &mut found);
            }
            (Some(_), Some(_)) => {}
            (was, is) => {
                found.push(Difference { place: "tools".to_owned(), was: quoted(was), is: quoted(is) });
            }
        }
    }
    found
}

/// What `config` grants, without the values of variables and secrets.
#[must_use]
pub fn granted(config: &PluginConfig, folder: &Path) -> Value {
    let mut granted = permissions(&config.permissions, folder);
    if let Value::Object(granted) = &mut granted
        && !config.secrets.is_empty()
    {
        let secrets = config.secrets.iter().map(|(server, headers)| {
            let names: Vec<Value> = headers.keys().map(|name| name.as_str().into()).collect();
            (server.as_str().to_owned(), Value::Array(names))
        });
        granted.insert("secrets".to_owned(), Value::Object(secrets.collect()));
    }
    sorted(granted)
}

/// Permissions with the names of variables alone, and with folders as they are seen from `folder`.
fn permissions(permissions: &PermissionsConfig, folder: &Path) -> Value {
    let mut value = serde_json::to_value(permissions).unwrap_or_default();
    if let Some(Value::Object(env)) = value.get("env") {
        let names: Vec<Value> = env.keys().map(|name| name.as_str().into()).collect();
        value["env"] = Value::Array(names);
    }
    for grant in value.get_mut("files").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(path) = grant.get("path").and_then(Value::as_str) {
            grant["path"] = below(Path::new(path), folder).into();
        }
    }
    sorted(value)
}

fn source(source: &str, folder: &Path) -> String {
    if source.contains("://") { source.trim().to_owned() } else { below(Path::new(source), folder) }
}

/// `path` as it is written in a file of `folder`: relative where it lies below.
fn below(path: &Path, folder: &Path) -> String {
    let path: std::path::PathBuf = folder.join(path).components().collect();
    match path.strip_prefix(folder) {
        Ok(inner) if inner.as_os_str().is_empty() => ".".to_owned(),
        Ok(inner) => format!("./{}", inner.display()),
        Err(_) => path.display().to_string(),
    }
}

fn tools(listed: &[Json]) -> BTreeMap<String, Tool> {
    let tool = |json: &Json| {
        let definition = json.to::<Value>().ok()?;
        Some((definition.get("name")?.as_str()?.to_owned(), Tool::new(definition)))
    };
    listed.iter().filter_map(tool).collect()
}

fn digest(definition: &Value) -> Digest {
    Digest::of(sorted(definition.clone()).to_string().as_bytes())
}

/// The same value with its keys in order.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let ordered: BTreeMap<String, Value> =
                object.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(Map::from_iter(ordered))
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}
