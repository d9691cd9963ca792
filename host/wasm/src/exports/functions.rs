//! Plain functions: a component that exports no interface of `gateway:plugin` has its functions as tools.
//!
//! Each function that the component exports, at its root or in an interface, is a tool by its own name in WIT; where
//! two would have the same, the name of the interface goes before it. Functions of resources, and those that take or
//! return what JSON has no words for (resources, futures, streams), are left out.
//!
//! How values are written, in arguments and in results:
//!
//! | WIT | JSON |
//! |---|---|
//! | `bool`, `string` | the same |
//! | `u8` … `s64` | an integer within the bounds of the type, exact at any size |
//! | `f32`, `f64` | a number; in results `"NaN"`, `"Infinity"` and `"-Infinity"` where it is none |
//! | `char` | a text of one character |
//! | `list<u8>` | a text, base64 |
//! | `list<T>`, `tuple<…>` | an array |
//! | `record` | an object without further members |
//! | `option<T>` | the value, or `null`, or nothing at all; `option<option<T>>` is `null` or `{"some": …}` |
//! | `enum` | the name as text |
//! | `flags` | an array of the names that are set |
//! | `variant` | `{"name-of-the-case": value}`; the name alone as text for a case without value |
//! | `result<T, E>` | `{"ok": …}` or `{"error": …}`; as what a function returns, the value or `isError` |

mod arguments;
mod docs;
mod results;
mod schema;

use std::collections::HashMap;

use gateway_core::{name::SourceName, payload::Json};
use wasmtime::component::{
    Component, ComponentExportIndex, Val,
    types::{ComponentFunc, ComponentItem},
};

use self::{docs::Docs, schema::Schemas};
use super::missing;
use crate::{
    bindings::types::{ToolDefinition, ToolError, ToolResult},
    guest::Live,
    inspect::{NotAPlugin, WASI},
    merge,
};

/// The functions of a component that are tools.
pub(crate) struct Functions {
    functions: Vec<Function>,
}

struct Function {
    definition: ToolDefinition,
    index: ComponentExportIndex,
    ty: ComponentFunc,
}

/// A function that is exported.
struct Candidate {
    /// The export that it is in; none at the root.
    interface: Option<String>,
    name: String,
    index: ComponentExportIndex,
    ty: ComponentFunc,
}

/// Functions that one message names.
const NAMED: usize = 10;

/// How much more than others a call may copy out of the guest where it returns bytes, each of which takes a [`Val`] of
/// the host on its way.
const BYTES_FACTOR: usize = 4;

// === impl Functions ===

impl Functions {
    /// Those of a component, with the documentation that `bytes`, the component's own, hold.
    pub(crate) fn of(plugin: &SourceName, component: &Component, bytes: &[u8]) -> Result<Self, NotAPlugin> {
        let docs = Docs::of(component, bytes);
        let mut schemas = Schemas::new(&docs);
        let (mut fit, mut left_out) = (Vec::new(), Vec::new());
        for candidate in candidates(component) {
            let made = match candidate.name.starts_with('[') {
                true => Err("it belongs to a resource"),
                false => schemas.tool(candidate.interface.as_deref(), &candidate.name, &candidate.ty),
            };
            match made {
                Ok(definition) => fit.push((candidate, definition)),
                Err(reason) => left_out.push(format!("`{}`: {reason}", candidate.name)),
            }
        }
        if fit.is_empty() {
            return Err(match left_out.is_empty() {
                true => NotAPlugin::NoTools,
                false => NotAPlugin::NoUsableFunctions(list(&left_out)),
            });
        }
        if !left_out.is_empty() {
            let (plugin, functions) = (plugin.as_str(), list(&left_out));
            tracing::info!(plugin, "functions of the plugin that cannot be tools: {functions}");
        }
        let names = names(fit.iter().map(|(candidate, _)| candidate));
        let functions = fit.into_iter().zip(names).map(|((candidate, definition), name)| Function {
            definition: ToolDefinition { name, ..definition },
            index: candidate.index,
            ty: candidate.ty,
        });
        Ok(Self { functions: functions.collect() })
    }

    /// The definitions of the tools.
    pub(crate) fn definitions(&self) -> Vec<ToolDefinition> {
        self.functions.iter().map(|function| function.definition.clone()).collect()
    }

    fn find(&self, tool: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.definition.name == tool)
    }
}

/// All functions, in the order of their exports.
fn candidates(component: &Component) -> Vec<Candidate> {
    let (engine, ty) = (component.engine(), component.component_type());
    let mut found = Vec::new();
    let is_its_own = |export: &str| !export.starts_with(WASI) && !export.starts_with(merge::RESERVED);
    for (export, item) in ty.exports(engine).filter(|(export, _)| is_its_own(export)) {
        let Some(index) = component.get_export_index(None, export) else { continue };
        match item.ty {
            ComponentItem::ComponentFunc(ty) => {
                found.push(Candidate { interface: None, name: export.to_owned(), index, ty });
            }
            ComponentItem::ComponentInstance(instance) => {
                for (name, item) in instance.exports(engine) {
                    let ComponentItem::ComponentFunc(ty) = item.ty else { continue };
                    let Some(index) = component.get_export_index(Some(&index), name) else { continue };
                    found.push(Candidate { interface: Some(export.to_owned()), name: name.to_owned(), index, ty });
                }
            }
            _ => {}
        }
    }
    found
}

/// A name for each: its own, with that of its interface before it where others have the same, with a number after that
/// where even this is not enough, as with an interface in two versions. Names in WIT have no `_`, so that none is in the
/// way of another's.
fn names<'a>(candidates: impl Iterator<Item = &'a Candidate> + Clone) -> Vec<String> {
    let mut times = HashMap::new();
    for candidate in candidates.clone() {
        *times.entry(candidate.name.as_str()).or_insert(0_usize) += 1;
    }
    let mut taken: HashMap<String, usize> = HashMap::new();
    let name = |candidate: &Candidate| {
        let wanted = match &candidate.interface {
            Some(interface) if times[candidate.name.as_str()] > 1 => {
                format!("{}_{}", short(interface), candidate.name)
            }
            _ => candidate.name.clone(),
        };
        let number = taken.entry(wanted.clone()).and_modify(|number| *number += 1).or_insert(1);
        if *number == 1 { wanted } else { format!("{wanted}_{number}") }
    };
    candidates.map(name).collect()
}

/// `time` of `wassette:time/time@0.1.0`.
fn short(interface: &str) -> &str {
    let name = interface.rsplit_once('/').map_or(interface, |(_, name)| name);
    name.split_once('@').map_or(name, |(name, _)| name)
}

fn list(reasons: &[String]) -> String {
    let mut said = reasons[..reasons.len().min(NAMED)].join("; ");
    if reasons.len() > NAMED {
        said.push_str(&format!("; and {} more", reasons.len() - NAMED));
    }
    said
}

/// Calls the function that is the tool `tool`.
pub(super) async fn call(
    live: &mut Live,
    tool: &str,
    arguments: &Json,
) -> wasmtime::Result<Result<ToolResult, ToolError>> {
    let code = live.code.clone();
    let function = code.exports.functions.as_ref().and_then(|functions| functions.find(tool));
    let Some(function) = function else { return Ok(Err(ToolError::UnknownTool(tool.to_owned()))) };
    let arguments = match arguments::read(&function.ty, arguments) {
        Ok(arguments) => arguments,
        Err(mistake) => return Ok(Err(ToolError::InvalidArguments(mistake))),
    };
    if function.ty.results().any(|ty| schema::has_bytes(&ty)) {
        let bytes = live.store.data().context.limits.hostcall_bytes();
        live.store.set_hostcall_fuel(bytes.saturating_mul(BYTES_FACTOR));
    }
    let func = live.instance.get_func(&mut live.store, function.index).ok_or_else(|| missing(tool))?;
    let mut results = vec![Val::Bool(false); function.ty.results().len()];
    func.call_async(&mut live.store, &arguments, &mut results).await?;
    let returned = function.ty.results().zip(results).next();
    Ok(Ok(results::written(returned.as_ref().map(|(ty, val)| (ty, val)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A component whose exports are functions without parameters, `interface` empty at the root.
    fn named(exports: &[(&str, &str)]) -> Vec<String> {
        let engine = wasmtime::Engine::default();
        let component = Component::new(&engine, NOTHING).unwrap();
        let (item, index) = component.get_export(None, "f").unwrap();
        let ComponentItem::ComponentFunc(ty) = item else { panic!("it is no function") };
        let candidate = |&(interface, name): &(&str, &str)| Candidate {
            interface: (!interface.is_empty()).then(|| interface.to_owned()),
            name: name.to_owned(),
            index,
            ty: ty.clone(),
        };
        let candidates: Vec<_> = exports.iter().map(candidate).collect();
        names(candidates.iter())
    }

    /// `(component (core module $m (func (export "f"))) (core instance $i (instantiate $m))
    /// (func (export "f") (canon lift (core func $i "f"))))`
    const NOTHING: &[u8] = b"\0asm\x0d\0\x01\0\
        \x01\x1f\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x05\x01\x01f\0\0\x0a\x04\x01\x02\0\x0b\
        \x02\x04\x01\0\0\0\x07\x05\x01\x40\0\x01\0\x06\x07\x01\0\0\x01\0\x01f\x08\x06\x01\0\0\0\0\0\
        \x0b\x07\x01\0\x01f\x01\0\0";

    #[test]
    fn names_are_those_of_wit_and_differ() {
        let one = [("a:time/time@0.1.0", "get-current-time"), ("", "fetch")];
        assert_eq!(named(&one), ["get-current-time", "fetch"]);
        let two = [("a:b/first@0.1.0", "run"), ("second", "run"), ("", "run"), ("second", "stop")];
        assert_eq!(named(&two), ["first_run", "second_run", "run", "stop"]);
        let versions = [("a:b/c@0.1.0", "run"), ("a:b/c@0.2.0", "run"), ("x:y/c", "run"), ("", "run")];
        assert_eq!(named(&versions), ["c_run", "c_run_2", "c_run_3", "run"]);
    }
}
