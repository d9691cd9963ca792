//! MCP Gateway: one MCP endpoint for external servers and sandboxed plugins, filtered by role.
//!
//! The binary `gateway` is a thin user of this library. The words (source, catalogue, caller, call) are those of
//! [`gateway_core`]; plugins run in [`gateway_wasm`], the only crate that knows WebAssembly.
//!
//! # As a part of another program
//!
//! [`Gateway`] is the gateway as a library: [`Gateway::builder`] puts one together from a configuration and from functions
//! of that program ([`Tool`]); it is called in process, served on standard input and output or over HTTP, or mounted into
//! a server of one's own. What the examples need of other crates is here in the version that fits: [`axum`] and
//! [`schemars`].
//!
//! # The way of a call
//!
//! 1. [`frontends`] turn bytes into messages and say who asks. `serve.rs` is the only place that knows MCP's methods.
//! 2. [`gateway`] finds the tool in the catalogue as the caller's role sees it, and hands the call to its source.
//! 3. [`sources`] run it: `upstream` is an external server, `native` are the gateway's own tools, `pipeline` makes one tool
//!    of several, `functions` are those of a program that the gateway is part of, and plugins are `gateway_wasm::Plugin`.
//! 4. The result goes back as the bytes that it came in; `frontends/errors.rs` is the one table that turns errors into
//!    MCP, and [`results`] writes what the gateway itself has to say; [`arguments`] holds what is given against schemas.
//!
//! # Who may use whom
//!
//! ```text
//! gateway_core                      <- everything; its `wire` only from frontends and sources/upstream
//! gateway_core                      <- gateway_wasm, gateway
//! gateway_core, gateway_wasm        <- packages (only what a package is, and what a plugin asks for)
//! gateway_core, gateway_wasm        <- sources (not gateway, not each other)
//! config, gateway, packages, sources <- control
//! gateway_core, gateway             <- frontends (never sources, never gateway_wasm)
//! control, gateway, frontends        <- admin (what is told over HTTP beside MCP; `axum` only there and in frontends)
//! gateway_core                      <- import
//! everything                        <- config, app, cli, embed
//! ```
//!
//! # Around it
//!
//! * [`app`] puts everything together and ends it in order; [`admin`] tells over HTTP how it is doing.
//! * [`control`] brings a running gateway to what is wanted of it: the configuration, and what was registered since.
//! * [`config`] reads `gateway.yaml`, and says everything that is wrong with it at once.
//! * [`import`] reads other programs' configurations as ours.
//! * [`packages`] are plugins as files: where they come from, whether they are the ones that were meant.
//! * [`embed`] is the gateway for other programs, whose few types stand here as well.
//! * [`cli`] has one file for each command; [`folders`] says where things are kept; [`telemetry`] logs.

pub mod admin;
pub mod app;
pub mod arguments;
pub mod cli;
pub mod config;
pub mod control;
pub mod embed;
pub mod folders;
pub mod frontends;
pub mod gateway;
pub mod import;
pub mod packages;
pub mod results;
pub mod sources;
pub mod telemetry;

pub use gateway_core::{
    call::{Call, Caller},
    error::CallError,
};
pub use {axum, schemars};

pub use self::{
    embed::{
        Gateway,
        builder::Builder,
        error::{BuildError, ServeError, ToolError},
        outcome::Outcome,
        tool::Tool,
    },
    sources::upstream::guard::reap,
};
