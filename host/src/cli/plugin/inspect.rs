//! `gateway plugin inspect`: what a plugin is, offers, asks for and may do.

use std::{fmt::Write as _, path::Path, process::ExitCode, sync::Arc};

use gateway_core::payload::Json;
use gateway_wasm::{Inspection, Limits, Permissions, PluginSettings, config::Manifest, inspect::Component};
use serde::Serialize;
use serde_json::Value;

use super::{
    add::{bounded, manifest_of},
    examine,
    found::{self, Found},
    grants::{Grants, Shown},
    text,
};
use crate::{
    cli::{Global, output, progress::Progress},
    folders::Folders,
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
    /// Who signed it. Missing: nobody has to.
    #[serde(skip_serializing_if = "Option::is_none")]
    signer: Option<String>,
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

impl InspectCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Why it is no plugin.
    pub async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let (folders, progress) = (Folders::discover()?, Arc::new(Progress::idle()));
        let found = found::find(&self.plugin, global, &folders, &progress).await?;
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
            signer: found.signer.clone(),
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
            ("signer", self.signer.clone().unwrap_or_default()),
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
