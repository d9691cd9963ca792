//! `gateway plugin inspect`: what a plugin is, offers, asks for and may do.

use std::{fmt::Write as _, path::Path, process::ExitCode, sync::Arc};

use bytes::Bytes;
use gateway_core::{name::SourceName, payload::Json};
use gateway_wasm::{
    Inspection, Limits, Permissions, PluginConfig, PluginSettings, config::Manifest, inspect::Component,
};
use serde::Serialize;
use serde_json::Value;

use super::{
    add::{bounded, manifest_of},
    examine,
    grants::{Grants, Shown},
    place::configured,
    text, unavailable,
};
use crate::{
    cli::{
        Global, Usage,
        open::{self, Logging},
        output,
        progress::Progress,
    },
    folders::Folders,
    packages::{Configured, Downloads, Reference, Trust, retrieve},
    telemetry,
};

/// Show what a plugin offers, asks for and may do
#[derive(Debug, clap::Args)]
pub struct InspectCommand {
    /// A plugin of the configuration, or a `.wasm` file, a folder, or an https or oci address
    #[arg(value_name = "NAME|REF")]
    plugin: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Inspected {
    name: String,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    sha256: String,
    size: usize,
    interface: String,
    asks: Shown,
    /// Missing: it does not stand in the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    granted: Option<Shown>,
    /// What is granted without effect, since it does not ask for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unasked: Vec<String>,
    imports: Vec<Import>,
    exports: Vec<String>,
    tools: Vec<Value>,
}

/// Something that the component imports, against what it was granted.
#[derive(Debug, Serialize)]
struct Import {
    name: String,
    /// Which permission it is of use with; missing: it needs none.
    #[serde(skip_serializing_if = "Option::is_none")]
    permission: Option<&'static str>,
    /// Whether something of that is granted. Missing: as `permission`, or not in the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    granted: Option<bool>,
}

/// A plugin's bytes and where they come from.
struct Found {
    name: SourceName,
    reference: Reference,
    bytes: Bytes,
    config: Option<PluginConfig>,
}

impl InspectCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Why it is no plugin.
    pub async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let (folders, progress) = (Folders::discover()?, Arc::new(Progress::idle()));
        let found = self.find(global, &folders, &progress).await?;
        let what = found.reference.to_string();
        let component = examine::component(&found.bytes, &what)?;
        let manifest = manifest_of(&found.reference, &component)?;
        let limits = match &found.config {
            Some(config) => config.limits.clone(),
            None => bounded(&manifest.limits),
        };
        let settings = PluginSettings {
            limits: Limits::new(&limits),
            config: Json::from_value(&found.config.as_ref().and_then(|config| config.config.clone())),
            ..PluginSettings::default()
        };
        let engine = examine::engine(&folders, &progress);
        let inspection = examine::run(&engine, &found.name, found.bytes.clone(), settings).await?;
        progress.finish();
        let inspected = Inspected::new(&found, &manifest, &inspection);
        match self.json {
            true => output::print_json(&inspected)?,
            false => output::print(&inspected.text())?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The plugin of that name in the configuration, else what the reference leads to.
    async fn find(&self, global: &Global, folders: &Folders, progress: &Progress) -> anyhow::Result<Found> {
        let downloads = Downloads::new(folders.packages.clone());
        let watch = |done: u64, total: Option<u64>| progress.bytes(done, total);
        if let Some((name, config, trust)) = self.configured(global)? {
            let folder = trust.folder().to_owned();
            let reference = Reference::parse(&config.source, &folder).map_err(|error| unavailable(error.into()))?;
            let package = Configured { plugin: name.clone(), config: config.clone(), folder, downloads, trust };
            let bytes = package.retrieve(&watch).await.map_err(unavailable)?;
            return Ok(Found { name, reference, bytes, config: Some(config) });
        }
        telemetry::start(global.level().unwrap_or("warn"));
        let reference = Reference::parse(&self.plugin, Path::new("")).map_err(|error| unavailable(error.into()))?;
        if reference.is_remote() {
            progress.say(&format!("downloading {reference}"));
        }
        let bytes = retrieve(&reference, None, &downloads, &watch).await.map_err(unavailable)?.bytes;
        let name = reference.stem().and_then(|stem| SourceName::new(&stem).ok());
        let name = name.map_or_else(|| SourceName::new("plugin"), Ok)?;
        Ok(Found { name, reference, bytes, config: None })
    }

    /// The plugin of that name in the configuration, and what it is held against. `None`: it is a reference, which is looked
    /// at also where there is no configuration, or a broken one.
    fn configured(&self, global: &Global) -> anyhow::Result<Option<(SourceName, PluginConfig, Trust)>> {
        let Ok(name) = SourceName::new(&self.plugin) else { return Ok(None) };
        let is_reference = Path::new(&self.plugin).exists();
        let (file, loaded) = match open::load(global, Logging::Quiet) {
            Err(_) if is_reference => return Ok(None),
            loaded => loaded?,
        };
        if let Some(config) = configured(&loaded.config, &name).cloned() {
            return Ok(Some((name, config, loaded.config.trust(&file))));
        }
        if is_reference {
            return Ok(None);
        }
        let broken = loaded.broken.into_iter().find(|entry| entry.name == name);
        let (reason, hint) = match broken {
            Some(entry) => (entry.reason, entry.hint),
            None => {
                let reason = format!("{}: there is no plugin {name:?}, and no such file or folder", file.display());
                (reason, Some("`gateway plugin list` shows those that there are".to_owned()))
            }
        };
        let usage = Usage::new(reason);
        Err(match hint {
            Some(hint) => usage.hint(hint),
            None => usage,
        }
        .into())
    }
}

impl Inspected {
    fn new(found: &Found, manifest: &Manifest, inspection: &Inspection) -> Self {
        let asks = Grants::asked(manifest);
        let granted = found.config.as_ref().map(Grants::granted);
        let component = &inspection.component;
        let imports = component.imports.iter().map(|name| Import::new(name, granted.as_ref())).collect();
        Self {
            name: found.name.to_string(),
            source: found.reference.to_string(),
            description: manifest.description.clone(),
            sha256: inspection.sha256.clone(),
            size: inspection.size,
            interface: component.speaks(),
            asks: Shown::of(&asks),
            granted: granted.as_ref().map(Shown::of),
            unasked: unasked(found, component),
            imports,
            exports: component.exports.clone(),
            tools: inspection.tools.iter().filter_map(|tool| tool.to().ok()).collect(),
        }
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n", self.name);
        let facts = [
            ("about", self.description.clone().unwrap_or_default()),
            ("source", self.source.clone()),
            ("size", text::size(self.size)),
            ("sha256", self.sha256.clone()),
            ("interface", self.interface.clone()),
        ];
        for (fact, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
            let _ = writeln!(text, "  {fact:9}  {}", text::plain(value));
        }
        text.push_str(&text::section("asks to", &self.asks.lines));
        if let Some(granted) = &self.granted {
            text.push_str(&text::section("may", &granted.lines));
        }
        if !self.unasked.is_empty() {
            text.push_str(&text::section("granted, and not asked for, which has no effect", &self.unasked));
        }
        text.push_str(&text::section("imports", &self.imports.iter().map(Import::line).collect::<Vec<_>>()));
        let _ = writeln!(text, "{}:", text::tools(self.tools.len()));
        for tool in &self.tools {
            write_tool(&mut text, tool);
        }
        text
    }
}

/// What the configuration grants and the component does not ask for; one that says nothing asks for everything.
fn unasked(found: &Found, component: &Component) -> Vec<String> {
    let manifest = component.manifest.as_ref().and_then(|manifest| manifest.to::<Manifest>().ok());
    let granted = found.config.as_ref().map(|config| Permissions::new(config, Path::new("")));
    granted.zip(manifest).map(|(granted, manifest)| granted.unasked(&manifest)).unwrap_or_default()
}

fn write_tool(text: &mut String, tool: &Value) {
    let part = |key: &str| tool.get(key).and_then(Value::as_str).unwrap_or_default();
    let _ = writeln!(text, "  {}", text::plain(part("name")));
    for line in part("description").lines() {
        let _ = writeln!(text, "    {}", text::plain(line));
    }
    for (key, heading) in [("inputSchema", "takes"), ("outputSchema", "returns")] {
        if let Some(schema) = tool.get(key) {
            let _ = writeln!(text, "    {heading} {}", text::plain(&schema.to_string()));
        }
    }
}

impl Import {
    fn new(name: &str, granted: Option<&Grants>) -> Self {
        let permission = permission(name);
        let given = granted.map(|grants| &grants.permissions);
        let granted = permission.zip(given).map(|(permission, given)| match permission {
            "net" => !given.net.is_empty(),
            "files" => !given.files.is_empty(),
            "env" => !given.env.is_empty(),
            _ => !given.tools.is_empty(),
        });
        Self { name: name.to_owned(), permission, granted }
    }

    fn line(&self) -> String {
        match (self.permission, self.granted) {
            (None, _) => self.name.clone(),
            (Some(permission), None) => format!("{} (is of use with permissions.{permission})", self.name),
            (Some(permission), Some(true)) => format!("{} (permissions.{permission}: granted)", self.name),
            (Some(permission), Some(false)) => format!("{} (permissions.{permission}: nothing granted)", self.name),
        }
    }
}

/// The permission that an import is of use with. It may be there without being used: what a language's standard
/// library can do, a plugin imports, whether it does it or not.
fn permission(import: &str) -> Option<&'static str> {
    let interface = import.split('@').next().unwrap_or_default();
    match interface {
        "wasi:http/outgoing-handler" => Some("net"),
        "wasi:filesystem/preopens" => Some("files"),
        "wasi:cli/environment" => Some("env"),
        "gateway:plugin/host" => Some("tools"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_held_against_grants() {
        let manifest = serde_json::json!({ "permissions": { "net": ["example.com"] } });
        let grants = Grants::asked(&serde_json::from_value(manifest).unwrap());
        let line = |name: &str, granted: Option<&Grants>| Import::new(name, granted).line();
        let http = "wasi:http/outgoing-handler@0.2.6";
        assert_eq!(line(http, Some(&grants)), format!("{http} (permissions.net: granted)"));
        assert_eq!(line(http, Some(&Grants::default())), format!("{http} (permissions.net: nothing granted)"));
        assert_eq!(line(http, None), format!("{http} (is of use with permissions.net)"));
        assert_eq!(line("wasi:clocks/wall-clock@0.2.6", Some(&grants)), "wasi:clocks/wall-clock@0.2.6");
    }
}
