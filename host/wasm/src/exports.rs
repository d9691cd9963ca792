//! What components export, and how it is used: one file for each interface of `gateway:plugin`, and one for components
//! of plain functions.

pub(crate) mod completions;
pub(crate) mod filter;
pub(crate) mod functions;
pub(crate) mod list;
pub(crate) mod prompts;
pub(crate) mod resources;
pub(crate) mod tool;

use gateway_core::name::SourceName;
use wasmtime::component::InstancePre;

use self::functions::Functions;
use crate::{
    bindings::exports as wit,
    guest::{Guest, Live},
    inspect::{self, NotAPlugin},
};

/// The interfaces that a component exports.
pub(crate) struct Exports {
    pub(crate) tool: Option<wit::tool::GuestIndices>,
    pub(crate) resources: Option<wit::resources::GuestIndices>,
    pub(crate) prompts: Option<wit::prompts::GuestIndices>,
    pub(crate) completions: Option<wit::completions::GuestIndices>,
    pub(crate) filter: Option<wit::filter::GuestIndices>,
    /// Where it exports none of these.
    pub(crate) functions: Option<Functions>,
}

/// Something to do in an instance.
pub(crate) trait Work: Send + 'static {
    /// What it gives.
    type Output: Send + 'static;

    /// Does it. An error is a trap: the instance is of no use any more.
    fn run(self, live: &mut Live) -> impl Future<Output = wasmtime::Result<Self::Output>> + Send;
}

impl Exports {
    /// Those of a component whose imports are filled. One that it lacks is none; one with other types is an error.
    pub(crate) fn of(pre: &InstancePre<Guest>) -> wasmtime::Result<Self> {
        let interfaces = interfaces(pre);
        let has = |interface: &str| interfaces.iter().any(|exported| exported == interface);
        Ok(Self {
            tool: has("tool").then(|| wit::tool::GuestIndices::new(pre)).transpose()?,
            resources: has("resources").then(|| wit::resources::GuestIndices::new(pre)).transpose()?,
            prompts: has("prompts").then(|| wit::prompts::GuestIndices::new(pre)).transpose()?,
            completions: has("completions").then(|| wit::completions::GuestIndices::new(pre)).transpose()?,
            filter: has("filter").then(|| wit::filter::GuestIndices::new(pre)).transpose()?,
            functions: None,
        })
    }

    /// Whether all that the component exports is known: there is one of the interfaces, so that nobody asks for its
    /// functions.
    pub(crate) fn is_complete(pre: &InstancePre<Guest>) -> bool {
        !interfaces(pre).is_empty()
    }

    /// Takes the functions of a component without any of the interfaces. `bytes` are the component's.
    pub(crate) fn find_functions(
        &mut self,
        plugin: &SourceName,
        pre: &InstancePre<Guest>,
        bytes: &[u8],
    ) -> Result<(), NotAPlugin> {
        if !Self::is_complete(pre) {
            self.functions = Some(Functions::of(plugin, pre.component(), bytes)?);
        }
        Ok(())
    }
}

/// The interfaces of `gateway:plugin` that a component exports, by name.
fn interfaces(pre: &InstancePre<Guest>) -> Vec<String> {
    let (engine, ty) = (pre.engine(), pre.component().component_type());
    ty.exports(engine).filter_map(|(export, _)| Some(inspect::interface(export)?.0.to_owned())).collect()
}

/// An interface that somebody asked for, and that the component does not export.
pub(crate) fn missing(interface: &str) -> wasmtime::Error {
    wasmtime::format_err!("it does not export gateway:plugin/{interface}")
}
