//! What components export, and how it is used: one file for each interface of `gateway:plugin`, and one for components
//! of plain functions.

pub(crate) mod filter;
pub(crate) mod tool;

use wasmtime::component::InstancePre;

use crate::{
    bindings::exports as wit,
    guest::{Guest, Live},
};

/// The interfaces that a component exports.
pub(crate) struct Exports {
    pub(crate) tool: Option<wit::tool::GuestIndices>,
    pub(crate) resources: Option<wit::resources::GuestIndices>,
    pub(crate) prompts: Option<wit::prompts::GuestIndices>,
    pub(crate) completions: Option<wit::completions::GuestIndices>,
    pub(crate) filter: Option<wit::filter::GuestIndices>,
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
        Ok(Self {
            tool: wit::tool::GuestIndices::new(pre).ok(),
            resources: wit::resources::GuestIndices::new(pre).ok(),
            prompts: wit::prompts::GuestIndices::new(pre).ok(),
            completions: wit::completions::GuestIndices::new(pre).ok(),
            filter: wit::filter::GuestIndices::new(pre).ok(),
        })
    }
}

/// An interface that somebody asked for, and that the component does not export.
pub(crate) fn missing(interface: &str) -> wasmtime::Error {
    wasmtime::format_err!("it does not export gateway:plugin/{interface}")
}
