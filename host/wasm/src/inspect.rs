//! What can be told of a component: without running it, and by having it list its tools.

mod docs;

pub use self::docs::{NoDocs, with_docs};

use std::{fmt, ops::Range, sync::Arc};

use bytes::Bytes;
use gateway_core::{
    error::{Failure, FailureKind},
    name::{Naming, SourceName},
    payload::Json,
    source::Events,
};
use wasmparser::{BinaryReader, ComponentExternalKind, Encoding, Parser, Payload};

use crate::{
    bindings::{PACKAGE, PACKAGE_VERSION},
    cache::Digest,
    config::Manifest,
    engine::PluginEngine,
    merge,
    plugin::{Plugin, PluginSettings},
};

/// The custom section in which a component carries its `plugin.yaml`, as JSON
/// ([`Manifest`](crate::config::Manifest)).
pub const MANIFEST_SECTION: &str = "gateway:plugin";

/// The custom section in which a component carries the documentation of its WIT package, in the format of WIT's own tools.
pub(crate) const DOCS_SECTION: &str = "package-docs";

/// What a component says about itself without being run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// The names of what it needs.
    pub imports: Vec<String>,
    /// The names of what it offers.
    pub exports: Vec<String>,
    /// The version of the package `gateway:plugin` that it was built against; none for one of plain functions.
    pub package_version: Option<String>,
    /// Its [`MANIFEST_SECTION`]; nothing where there is none, or it holds no JSON.
    pub manifest: Option<Json>,
}

/// All that can be told of a plugin.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// SHA-256 of the component, in hexadecimal.
    pub sha256: String,
    /// Bytes of the component.
    pub size: usize,
    /// What it says without being run.
    pub component: Component,
    /// The definitions of its tools, as `tools/list` shows them.
    pub tools: Vec<Json>,
}

/// Why a file is no plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAPlugin {
    /// It does not even begin like WebAssembly.
    #[error("it is no WebAssembly")]
    NotWasm,
    /// A module, which knows neither strings nor lists.
    #[error("it is a core module, and a plugin is a component")]
    CoreModule,
    /// WebAssembly that is damaged or from the future.
    #[error("it is no valid component: {0}")]
    Malformed(String),
    /// A component whose `plugin.yaml` is none.
    #[error("the plugin.yaml in it cannot be read: {0}")]
    Manifest(String),
    /// A component that looks like what the gateway makes of one.
    #[error("it has {0:?}, a name that only the gateway gives")]
    Reserved(String),
    /// A component for something else.
    #[error("it exports no interface of `gateway:plugin`, and no function that could be a tool")]
    NoTools,
    /// A component of plain functions, of which none can be a tool.
    #[error("none of the functions that it exports can be a tool: {0}")]
    NoUsableFunctions(String),
    /// A plugin of another time.
    #[error("it was built for gateway:plugin@{0}, and this gateway runs gateway:plugin@{PACKAGE_VERSION}")]
    Version(String),
}

/// The interfaces of [`PACKAGE`] that make a component a plugin.
const INTERFACES: [&str; 5] = ["tool", "resources", "prompts", "completions", "filter"];

/// The packages whose interfaces are no tools: who runs a component calls them, as `wasi:cli/run`.
pub(crate) const WASI: &str = "wasi:";

/// The id of custom sections, and where sections begin.
const CUSTOM: u8 = 0;
const HEADER: usize = 8;

impl NotAPlugin {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotWasm => "name the `.wasm` file that the plugin's build made",
            Self::CoreModule => "build it for wasm32-wasip2, for example with `gateway plugin build`",
            Self::Malformed(_) => "build it again, or download it again",
            Self::Manifest(_) => "build it again with this gateway's `gateway plugin build`",
            Self::Reserved(_) => "give it another name",
            Self::NoTools => {
                "export `gateway:plugin/tool`, for example with `gateway_sdk::export!`, or plain functions"
            }
            Self::NoUsableFunctions(_) => {
                "export functions that take and return values: no resources, futures or streams"
            }
            Self::Version(_) => "build it against this gateway's SDK, or use the gateway that it was built for",
        }
    }

    /// As a failure of `plugin`.
    #[must_use]
    pub fn failure(&self, plugin: &SourceName) -> Failure {
        Failure::new(FailureKind::Broken, format!("plugin {plugin:?}: {self}")).hint(self.hint())
    }
}

/// Reads what a component says about itself.
///
/// # Errors
/// Why it is no plugin that this gateway could run.
pub fn component(bytes: &[u8]) -> Result<Component, NotAPlugin> {
    if !bytes.starts_with(b"\0asm") {
        return Err(NotAPlugin::NotWasm);
    }
    let malformed = |error: wasmparser::BinaryReaderError| NotAPlugin::Malformed(error.message().to_owned());
    let (mut imports, mut exports, mut plain, mut depth) = (Vec::new(), Vec::new(), false, 0_usize);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(malformed)? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => return Err(NotAPlugin::CoreModule),
            // What follows belongs to something inside, up to its end.
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    imports.push(import.map_err(malformed)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    let export = export.map_err(malformed)?;
                    // It could say that it was set back, and remember what it likes.
                    if export.name.name.starts_with(merge::RESERVED) {
                        return Err(NotAPlugin::Reserved(export.name.name.to_owned()));
                    }
                    plain |= is_plain(export.name.name, export.kind);
                    exports.push(export.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    let package_version = match package_version(&exports) {
        Err(NotAPlugin::NoTools) if plain => None,
        found => Some(found?),
    };
    let manifest = section(bytes, MANIFEST_SECTION).map_err(malformed)?.and_then(|data| Json::parse(data).ok());
    Ok(Component { imports, exports, package_version, manifest })
}

/// The interface and the version of an export of [`PACKAGE`].
pub(crate) fn interface(export: &str) -> Option<(&str, &str)> {
    let (interface, version) = export.strip_prefix(PACKAGE)?.split_once('@')?;
    INTERFACES.contains(&interface).then_some((interface, version))
}

/// Whether an export is a function, or may have some. What belongs to WASI is called by others than models.
fn is_plain(name: &str, kind: ComponentExternalKind) -> bool {
    matches!(kind, ComponentExternalKind::Func | ComponentExternalKind::Instance) && !name.starts_with(WASI)
}

/// The version of the interfaces among the exports, if this gateway runs it.
fn package_version(exports: &[String]) -> Result<String, NotAPlugin> {
    let (_, version) = exports.iter().find_map(|export| interface(export)).ok_or(NotAPlugin::NoTools)?;
    // Before 1.0, versions fit together where only the last number differs.
    let line = |version: &str| version.rsplit_once('.').map(|(line, _)| line.to_owned());
    match line(version) == line(PACKAGE_VERSION) {
        true => Ok(version.to_owned()),
        false => Err(NotAPlugin::Version(version.to_owned())),
    }
}

/// What the component asks for: its [`MANIFEST_SECTION`].
///
/// # Errors
/// Where it has one that cannot be read: what it asks for is then not known.
pub(crate) fn manifest(bytes: &[u8]) -> Result<Option<Manifest>, NotAPlugin> {
    let malformed = |error: wasmparser::BinaryReaderError| NotAPlugin::Malformed(error.message().to_owned());
    let Some(data) = section(bytes, MANIFEST_SECTION).map_err(malformed)? else { return Ok(None) };
    serde_json::from_slice(&data).map(Some).map_err(|error| NotAPlugin::Manifest(error.to_string()))
}

/// The component with `manifest` in its [`MANIFEST_SECTION`], in place of any that was there.
///
/// # Errors
/// Where the bytes are no component.
pub fn with_manifest(bytes: &[u8], manifest: &Json) -> Result<Vec<u8>, NotAPlugin> {
    component(bytes)?;
    with_section(bytes, MANIFEST_SECTION, manifest.as_bytes())
}

/// The component with `data` in its custom section `name`, in place of any that was there.
fn with_section(bytes: &[u8], name: &str, data: &[u8]) -> Result<Vec<u8>, NotAPlugin> {
    let malformed = |error: wasmparser::BinaryReaderError| NotAPlugin::Malformed(error.message().to_owned());
    let (mut out, mut kept) = (Vec::with_capacity(bytes.len() + data.len() + 32), 0);
    for section in sections(bytes, name).map_err(malformed)? {
        out.extend_from_slice(&bytes[kept..section.whole.start]);
        kept = section.whole.end;
    }
    out.extend_from_slice(&bytes[kept..]);
    let mut head = Vec::new();
    write_length(&mut head, name.len());
    head.extend_from_slice(name.as_bytes());
    out.push(CUSTOM);
    write_length(&mut out, head.len() + data.len());
    out.extend_from_slice(&head);
    out.extend_from_slice(data);
    Ok(out)
}

/// A custom section.
struct CustomSection {
    /// With its id and length.
    whole: Range<usize>,
    /// What it holds.
    data: Range<usize>,
}

/// What the component's own custom section of this name holds; the last one, where there are several.
pub(crate) fn section(bytes: &[u8], name: &str) -> wasmparser::Result<Option<Bytes>> {
    let last = sections(bytes, name)?.pop();
    Ok(last.map(|section| Bytes::copy_from_slice(&bytes[section.data])))
}

/// Those of this name on the component's own level, in order.
fn sections(bytes: &[u8], name: &str) -> wasmparser::Result<Vec<CustomSection>> {
    let mut reader = BinaryReader::new(bytes.get(HEADER..).unwrap_or_default(), HEADER as _);
    let mut found = Vec::new();
    while !reader.eof() {
        let start = HEADER + reader.current_position();
        let id = reader.read_u8()?;
        let length = reader.read_var_u32()? as usize;
        let content_start = HEADER + reader.current_position();
        let content = reader.read_bytes(length)?;
        let end = content_start + length;
        if id == CUSTOM {
            let mut content = BinaryReader::new(content, content_start as _);
            if content.read_string()? == name {
                let data = content_start + content.current_position()..end;
                found.push(CustomSection { whole: start..end, data });
            }
        }
    }
    Ok(found)
}

/// An unsigned number as WebAssembly writes it (LEB128).
fn write_length(out: &mut Vec<u8>, mut length: usize) {
    loop {
        let low = (length & 0x7f) as u8;
        length >>= 7;
        if length == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

/// Looks at a plugin from all sides: compiles it and has it list its tools, with nothing granted.
///
/// # Errors
/// Why it is no plugin, or what it did instead of listing its tools.
pub async fn inspect(
    engine: &Arc<PluginEngine>,
    name: &SourceName,
    bytes: Bytes,
    settings: PluginSettings,
) -> Result<Inspection, Failure> {
    let component = component(&bytes).map_err(|error| error.failure(name))?;
    let (sha256, size) = (Digest::of(&bytes).to_string(), bytes.len());
    let (events, _) = Events::channel();
    let plugin = Plugin::new(name.clone(), Naming::canonical(name), Arc::new(bytes), settings, engine.clone(), events);
    plugin.list().await?;
    let offer = plugin.offer();
    let tools = offer.tools.iter().flatten().map(|tool| tool.definition.clone()).collect();
    Ok(Inspection { sha256, size, component, tools })
}

// === impl Component ===

impl Component {
    /// The interfaces of `gateway:plugin` that it exports: `tool`, `resources`, `prompts`, `completions`, `filter`.
    pub fn interfaces(&self) -> impl Iterator<Item = &str> {
        self.exports.iter().filter_map(|export| Some(interface(export)?.0))
    }

    /// Whether its tools are the functions that it exports.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.package_version.is_none()
    }

    /// What it speaks: `gateway:plugin@0.1.0`, or `plain functions`.
    #[must_use]
    pub fn speaks(&self) -> String {
        match &self.package_version {
            Some(version) => format!("{}@{version}", PACKAGE.trim_end_matches('/')),
            None => "plain functions".to_owned(),
        }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_plain() {
            true => write!(f, "a component of plain functions"),
            false => write!(f, "a component for {}", self.speaks()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
    const EMPTY_MODULE: &[u8] = b"\0asm\x01\0\0\0";

    #[test]
    fn what_is_no_plugin_is_told_apart() {
        assert_eq!(component(b""), Err(NotAPlugin::NotWasm));
        assert_eq!(component(b"#!/bin/sh"), Err(NotAPlugin::NotWasm));
        assert_eq!(component(EMPTY_MODULE), Err(NotAPlugin::CoreModule));
        assert_eq!(component(EMPTY_COMPONENT), Err(NotAPlugin::NoTools));
        assert!(matches!(component(&EMPTY_COMPONENT[..6]), Err(NotAPlugin::Malformed(_))));
        let torn = [EMPTY_COMPONENT, &[0, 200]].concat();
        assert!(matches!(component(&torn), Err(NotAPlugin::Malformed(_))));
    }

    #[test]
    fn versions_fit_or_not() {
        let version = |export: &str| package_version(&["init".to_owned(), export.to_owned()]);
        assert_eq!(version("gateway:plugin/tool@0.1.0"), Ok("0.1.0".to_owned()));
        assert_eq!(version("gateway:plugin/tool@0.1.7"), Ok("0.1.7".to_owned()));
        assert_eq!(version("gateway:plugin/tool@0.2.0"), Err(NotAPlugin::Version("0.2.0".to_owned())));
        assert_eq!(version("gateway:plugin/tools@0.1.0"), Err(NotAPlugin::NoTools));
        assert_eq!(
            NotAPlugin::Version("0.2.0".to_owned()).to_string(),
            "it was built for gateway:plugin@0.2.0, and this gateway runs gateway:plugin@0.1.0"
        );
    }

    #[test]
    fn lengths_are_leb128() {
        for (length, expected) in
            [(0, vec![0]), (127, vec![127]), (128, vec![0x80, 1]), (624_485, vec![0xe5, 0x8e, 0x26])]
        {
            let mut out = Vec::new();
            write_length(&mut out, length);
            assert_eq!(out, expected, "{length}");
        }
    }
}
