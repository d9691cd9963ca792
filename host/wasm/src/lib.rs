//! WebAssembly components as tool sources: the only crate with wasmtime.
//!
//! A [`Plugin`] is a [`Source`](gateway_core::source::Source). It is made cold: its [`Package`] is read, its component
//! compiled and the shared [`PluginEngine`] started when somebody first asks for its tools or calls one; what was found
//! out once is kept on disk. Every call has an instance of its own, new or set back (`rewind`), under the plugin's
//! [`Limits`] and [`Permissions`].
//!
//! The way of a call:
//!
//! * [`plugin`]: arguments checked (`definitions`), a place taken ([`engine`]), the guest started;
//! * `guest`: its store, with what it was granted ([`permissions`]) and how much ([`limits`]);
//! * `run`: on whose thread it runs, and how it is ended (`control`);
//! * `host`, `http`, `files`, `storage`, `output`: what it can reach, and how much of it (`quota`);
//! * `exports`: what is called in it, an interface each;
//! * `answer`, `trap`: what its result or its end means (`convert`: in MCP's words).
//!
//! Before that: [`package`] and `load` (from bytes to code), `merge` (modules that were linked, as one, with what sets an
//! instance back), `cache` (what is kept), [`mod@inspect`] (what a component says about itself), [`config`] (the plugin's
//! part of `gateway.yaml`). In tests of plugins, [`rehearsal`] stands in the place of the world.

mod answer;
mod bindings;
mod cache;
pub mod config;
mod control;
mod convert;
mod definitions;
pub mod engine;
mod exports;
mod files;
mod guest;
mod host;
mod http;
pub mod inspect;
pub mod limits;
mod load;
mod merge;
pub mod observe;
mod output;
pub mod package;
pub mod permissions;
pub mod plugin;
mod quota;
pub mod rehearsal;
mod rewind;
mod run;
pub mod storage;
mod trap;

pub use crate::{
    config::PluginConfig,
    engine::{Allocation, EngineOptions, PluginEngine},
    inspect::{Inspection, inspect},
    limits::Limits,
    observe::{Measured, Observer},
    package::{Package, WasmFile},
    permissions::Permissions,
    plugin::{Plugin, PluginSettings},
    rehearsal::Rehearsal,
};
