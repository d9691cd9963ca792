//! Write a sandboxed MCP tool as a plain Rust function.
//!
//! ```
//! use gateway_sdk::tool;
//!
//! /// Add two numbers.
//! #[tool]
//! fn add(/** the first */ a: f64, /** the second */ b: f64) -> f64 {
//!     a + b
//! }
//!
//! gateway_sdk::export!(add);
//! # fn main() { assert_eq!(add(1.0, 2.0), 3.0) }
//! ```
//!
//! Build it with `cargo build --release --target wasm32-wasip2` as a `cdylib`; the `.wasm` file is the plugin.
//!
//! * [`tool`] makes a tool of a function: its doc comment is the description, its parameters are the input schema.
//! * [`export!`] says which tools the plugin has.
//! * What a tool may return is what implements [`ToolOutput`]: texts, numbers, [`Json`], [`Content`], [`ToolResult`],
//!   and a [`Result`] of these, whose error the model gets to read.
//! * [`log()`], [`progress()`], [`cancelled`], [`config`] and [`call_tool`] reach the gateway. Files, the environment, clocks
//!   and HTTP are those of WASI: use the standard library and any HTTP client for `wasi:http`.
//!
//! A tool stays a plain function, so a unit test calls it. Outside of the gateway, as in such a test, the functions that
//! reach the gateway answer as if there was none: see each of them.
//!
//! Every call has an instance of its own: a `static` is new in every call.
//!
//! Features: `async` for tools that are an `async fn`.

mod arguments;
#[cfg(target_family = "wasm")]
mod component;
mod content;
mod host;
mod output;
mod result;
mod schema;
mod tools;

pub use content::{Annotations, Role, Content, EmbeddedResource, Kind, Media, ResourceBody, ResourceLink};
/// Says which tools the plugin has. Once in a crate, with the names of functions that have [`#[tool]`](tool); a tool of
/// another module is named by its path, not by a `use`.
///
/// ```
/// mod text {
///     /// Say something.
///     #[gateway_sdk::tool]
///     pub fn say(what: String) -> String {
///         what
///     }
/// }
///
/// gateway_sdk::export!(text::say);
/// # fn main() {}
/// ```
pub use gateway_sdk_macros::export;
/// Makes a tool of a plain function.
///
/// The function's doc comment becomes the description, which the model chooses by. The parameters become the input
/// schema: a name, a type (anything with `serde::Deserialize` and `schemars::JsonSchema`; an `Option` may be left out),
/// and per parameter, where it helps,
///
/// * a doc comment: what the argument means,
/// * `#[default(value)]`: what it is where the caller leaves it out; `#[default]` for the type's own default,
/// * `#[schema(minimum = 1, maximum = 100)]`: further keywords of JSON Schema, which the gateway checks before the call.
///
/// The return type is a [`ToolOutput`]. The function may be `async` with the feature `async`.
///
/// The attribute takes
///
/// * `name = "..."`: the tool's name where it is not the function's,
/// * `title = "..."`: a name for people,
/// * hints for clients, alone or with `= false`: `read_only` (it changes nothing), `destructive` (what it changes may be
///   lost), `idempotent` (a second call changes nothing more), `open_world` (it reaches things outside of the plugin).
///
/// ```
/// use gateway_sdk::tool;
///
/// /// The first lines of a text.
/// #[tool(title = "Head of a text", read_only, idempotent, open_world = false)]
/// fn head(
///     /// the text
///     text: String,
///     /// how many lines
///     #[default(10)]
///     #[schema(maximum = 1000)]
///     lines: usize,
///     /// what every line begins with in the answer
///     prefix: Option<String>,
/// ) -> String {
///     let prefix = prefix.unwrap_or_default();
///     text.lines().take(lines).map(|line| format!("{prefix}{line}\n")).collect()
/// }
/// # gateway_sdk::export!(head);
/// # fn main() {}
/// ```
pub use gateway_sdk_macros::tool;
pub use host::{CallError, ConfigError, Level, call_tool, cancelled, config, log, progress};
pub use output::{Json, ToolOutput};
pub use result::ToolResult;

// For whoever wants `json!`, or to derive without dependencies of their own (`#[serde(crate = "gateway_sdk::serde")]`).
pub use {schemars, serde, serde_json};

/// The component's exports, which exist on wasm alone.
#[cfg(target_family = "wasm")]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_component {
    ($plugin:ident) => {
        type Component = $crate::__private::Component<$plugin>;
        $crate::__private::export_component!(Component with_types_in $crate::__private::bindings);
    };
}

/// Outside of wasm there is nothing to export; the tools count as used all the same.
#[cfg(not(target_family = "wasm"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_component {
    ($plugin:ident) => {
        const _: &[$crate::__private::Entry] = <$plugin as $crate::__private::Plugin>::TOOLS;
    };
}

/// What the macros' expansions refer to. No part of the interface: it may change in any version.
#[doc(hidden)]
pub mod __private {
    pub use serde_json;

    pub use crate::arguments::{Arguments, Keyword, Parameter, Probe, TextDefault, ToolInput, WithJson, WithoutJson};
    #[cfg(target_family = "wasm")]
    pub use crate::component::{Component, bindings, export_component};
    #[cfg(feature = "async")]
    pub use crate::tools::block_on;
    pub use crate::tools::{CallFailure, Entry, Hints, Plugin, Tool, assert_distinct, call};
}
