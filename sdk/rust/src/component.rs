//! The component's side of `gateway:plugin`: one file for each export, and for each of what is imported.

#[doc(hidden)]
pub mod bindings;
mod completions;
mod convert;
mod filter;
pub(crate) mod host;
mod prompts;
mod resources;
pub(crate) mod store;
mod tool;

use std::marker::PhantomData;

use bindings::tool::gateway::plugin::types;

/// The exports of a component that has what `P` lists.
#[derive(Debug)]
pub struct Component<P>(PhantomData<P>);
