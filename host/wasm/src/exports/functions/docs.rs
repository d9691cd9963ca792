//! Documentation that travels inside a component: the custom section in which WIT's tools keep the comments of a package,
//! `package-docs` (a byte for its version, then JSON; see `wit-parser`'s `PackageMetadata`).

use std::collections::HashMap;

use serde::Deserialize;
use wasmtime::component::{
    Component, Type,
    types::{ComponentExtern, ComponentItem},
};

use super::short;
use crate::inspect::{self, DOCS_SECTION, WASI};

/// A larger section is not read.
const MAXIMUM: usize = 1024 * 1024;

/// What a component says of its functions and types.
#[derive(Default)]
pub(super) struct Docs {
    package: Package,
    /// By [`shape`]: a component keeps no names of the types that its functions use. `None` where two types of one shape
    /// are documented in different ways. Those of interfaces; the engine tells nothing of types of the world itself.
    types: HashMap<String, Option<TypeDocs>>,
}

#[derive(Default, Deserialize)]
struct Package {
    #[serde(default)]
    worlds: HashMap<String, World>,
    #[serde(default)]
    interfaces: HashMap<String, Interface>,
}

#[derive(Deserialize)]
struct World {
    /// Those that are imported, and in the first version of the format the exported ones too.
    #[serde(default)]
    funcs: HashMap<String, FunctionDocs>,
    #[serde(default)]
    func_exports: HashMap<String, FunctionDocs>,
    #[serde(default)]
    interfaces: HashMap<String, Interface>,
    #[serde(default)]
    interface_exports: HashMap<String, Interface>,
    #[serde(default)]
    types: HashMap<String, TypeDocs>,
}

#[derive(Deserialize)]
struct Interface {
    #[serde(default)]
    funcs: HashMap<String, FunctionDocs>,
    #[serde(default)]
    types: HashMap<String, TypeDocs>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum FunctionDocs {
    Text(Option<String>),
    Docs {
        #[serde(default)]
        docs: Option<String>,
    },
}

/// What is said of a type, and of its fields, cases or flags by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct TypeDocs {
    #[serde(default)]
    pub(super) docs: Option<String>,
    #[serde(default)]
    pub(super) items: HashMap<String, String>,
}

impl Docs {
    /// Those in `bytes`, which are `component`. Damaged documentation is none.
    pub(super) fn of(component: &Component, bytes: &[u8]) -> Self {
        let section = inspect::section(bytes, DOCS_SECTION).ok().flatten().filter(|section| section.len() <= MAXIMUM);
        let Some(package) = section.and_then(|section| parse(&section)) else { return Self::default() };
        let mut docs = Self { package, types: HashMap::new() };
        let (engine, ty) = (component.engine(), component.component_type());
        for (place, item) in ty.imports(engine).chain(ty.exports(engine)) {
            docs.note(place, &item, engine);
        }
        docs
    }

    /// What is said of a function, in the export `interface` or at the root.
    pub(super) fn function(&self, interface: Option<&str>, name: &str) -> Option<&str> {
        let said = match interface {
            Some(interface) => self.interfaces(interface).find_map(|docs| docs.funcs.get(name)?.text()),
            None => self.package.worlds.values().find_map(|world| {
                let docs = world.func_exports.get(name).or_else(|| world.funcs.get(name));
                docs?.text()
            }),
        };
        said.filter(|said| !said.trim().is_empty())
    }

    /// What is said of a type.
    pub(super) fn of_type(&self, ty: &Type) -> Option<&TypeDocs> {
        if self.types.is_empty() {
            return None;
        }
        self.types.get(&shape(ty)?)?.as_ref()
    }

    /// The interfaces that an import or export may be: one of the package's, or one inside of a world.
    fn interfaces(&self, place: &str) -> impl Iterator<Item = &Interface> {
        let (name, is_inline) = (short(place), !place.contains(':'));
        let inline = self.package.worlds.values().filter(move |_| is_inline);
        let inline = inline.filter_map(move |world| world.interface_exports.get(place).or(world.interfaces.get(place)));
        inline.chain(self.package.interfaces.get(name).filter(|_| !is_inline))
    }

    /// Notes the types that are defined in an import or export.
    fn note(&mut self, place: &str, item: &ComponentExtern<'_>, engine: &wasmtime::Engine) {
        match &item.ty {
            ComponentItem::Type(ty) => {
                let docs = self.package.worlds.values().find_map(|world| world.types.get(place)).cloned();
                self.note_type(ty, docs);
            }
            ComponentItem::ComponentInstance(instance) if !place.starts_with(WASI) => {
                for (name, item) in instance.exports(engine) {
                    if let ComponentItem::Type(ty) = &item.ty {
                        let docs = self.interfaces(place).find_map(|docs| docs.types.get(name)).cloned();
                        self.note_type(ty, docs);
                    }
                }
            }
            _ => {}
        }
    }

    fn note_type(&mut self, ty: &Type, docs: Option<TypeDocs>) {
        let (Some(docs), Some(shape)) = (docs, shape(ty)) else { return };
        let known = self.types.entry(shape).or_insert_with(|| Some(docs.clone()));
        if known.as_ref() != Some(&docs) {
            *known = None;
        }
    }
}

impl FunctionDocs {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(docs) | Self::Docs { docs } => docs.as_deref(),
        }
    }
}

/// The first byte is the version: both that exist are read the same way.
fn parse(section: &[u8]) -> Option<Package> {
    let (0 | 1, json) = section.split_first()? else { return None };
    serde_json::from_slice(json).ok()
}

/// What is known of a type by itself, of those that have names inside: its kind and these names.
fn shape(ty: &Type) -> Option<String> {
    let (kind, names): (&str, Vec<String>) = match ty {
        Type::Record(record) => ("record", record.fields().map(|field| field.name.to_owned()).collect()),
        Type::Variant(variant) => ("variant", variant.cases().map(|case| case.name.to_owned()).collect()),
        Type::Enum(names) => ("enum", names.names().map(ToOwned::to_owned).collect()),
        Type::Flags(flags) => ("flags", flags.names().map(ToOwned::to_owned).collect()),
        _ => return None,
    };
    Some(format!("{kind} {}", names.join(",")))
}

/// What a function's documentation says of a parameter on a line of its own, as in `- \`path\`: where it is`.
pub(super) fn parameter<'d>(docs: &'d str, name: &str) -> Option<&'d str> {
    docs.lines().find_map(|line| {
        let line = line.trim_start_matches(['-', '*', ' ']).trim_start_matches("@param ");
        let quoted = line.strip_prefix('`').and_then(|line| line.strip_prefix(name)?.strip_prefix('`'));
        let rest = quoted.or_else(|| line.strip_prefix(name))?;
        let said = rest.strip_prefix(':').or_else(|| rest.strip_prefix(" - "))?.trim();
        (!said.is_empty()).then_some(said)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_of_the_format_are_read() {
        let text = |json: &str, version: u8| {
            let package = parse(&[&[version], json.as_bytes()].concat())?;
            let docs = Docs { package, types: HashMap::new() };
            docs.function(None, "add").map(ToOwned::to_owned)
        };
        let first = r#"{"worlds":{"w":{"funcs":{"add":"Add two numbers."}}}}"#;
        let second = r#"{"worlds":{"w":{"func_exports":{"add":{"docs":"Add two numbers.","stability":{}}}}}}"#;
        assert_eq!(text(first, 0).unwrap(), "Add two numbers.");
        assert_eq!(text(second, 1).unwrap(), "Add two numbers.");
        assert_eq!(text(second, 2), None);
        assert_eq!(text(r#"{"worlds":7}"#, 1), None);
        assert_eq!(text(r#"{"worlds":{"w":{"funcs":{"add":null}}}}"#, 1), None);
        assert!(parse(b"").is_none());
    }

    #[test]
    fn interfaces_are_found_by_their_place() {
        let json = r#"{
            "worlds": { "w": { "interface_exports": { "time": { "funcs": { "now": { "docs": "inline" } } } } } },
            "interfaces": { "time": { "funcs": { "now": { "docs": "of the package" } } } }
        }"#;
        let docs = Docs { package: parse(&[b"\x01", json.as_bytes()].concat()).unwrap(), types: HashMap::new() };
        assert_eq!(docs.function(Some("time"), "now"), Some("inline"));
        assert_eq!(docs.function(Some("wassette:time/time@0.1.0"), "now"), Some("of the package"));
        assert_eq!(docs.function(Some("a:b/other"), "now"), None);
        assert_eq!(docs.function(None, "now"), None);
    }

    #[test]
    fn parameters_are_found_on_lines_of_their_own() {
        let docs = "Read a file.\n\n- `path`: where it is\n* lines - how many\npaths: others\nempty:";
        assert_eq!(parameter(docs, "path"), Some("where it is"));
        assert_eq!(parameter(docs, "lines"), Some("how many"));
        assert_eq!(parameter(docs, "empty"), None);
        assert_eq!(parameter(docs, "Read"), None);
        assert_eq!(parameter("@param url: the page", "url"), Some("the page"));
    }
}
