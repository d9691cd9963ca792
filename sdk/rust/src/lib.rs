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
//! * [`resource`] and [`prompt`] make something to read, and something to fill, of a function; [`completion`] tells what
//!   could be meant while somebody fills it. [`filter`] sees the calls of other tools.
//! * [`export!`] says what the plugin has.
//! * What a tool may return is what implements [`ToolOutput`]: texts, numbers, [`Json`], [`Content`], [`ToolResult`],
//!   and a [`Result`] of these, whose error the model gets to read.
//! * [`log()`], [`progress()`], [`cancelled`], [`config`] and [`call_tool`] reach the gateway; [`elicit`], [`sample`] and
//!   [`roots`] the client and whoever sits before it; [`store`] keeps what is to be remembered. Files, the environment,
//!   clocks and HTTP are those of WASI: use the standard library and any HTTP client for `wasi:http`.
//!
//! A tool stays a plain function, so a unit test calls it. Outside of the gateway, as in such a test, the functions that
//! reach the gateway answer as if there was none: see each of them.
//!
//! Every call has an instance of its own: a `static` is new in every call. What is to stay goes to the [`store`].
//!
//! Features: `async` for tools that are an `async fn`.

mod arguments;
mod client;
mod completions;
#[cfg(target_family = "wasm")]
mod component;
mod content;
mod filter;
mod host;
mod output;
mod plugin;
mod prompts;
mod resources;
mod result;
mod schema;
pub mod store;
mod tools;

pub use client::{Elicited, Root, Sampled, elicit, elicit_with, roots, sample};
pub use completions::{Chosen, Completion, CompletionOutput};
pub use content::{Annotations, Content, EmbeddedResource, Kind, Media, ResourceBody, ResourceLink, Role};
pub use filter::{Decision, DecisionOutput, ToolCall, ToolResultJson, Verdict, VerdictOutput};
/// Lets a function complete an argument of a prompt, or a variable of a template, while somebody types it.
///
/// * `prompt = "..."` or `template = "..."`: whose,
/// * `argument = "..."`: which.
///
/// The function takes what was typed so far and, where it wants to know, the arguments that are [`Chosen`] already. It
/// returns a [`CompletionOutput`]: the values, best first.
///
/// ```
/// use gateway_sdk::{Chosen, Completion, completion, prompt};
///
/// /// Greet somebody.
/// #[prompt]
/// fn greet(language: String, word: String) -> String {
///     format!("Greet me in {language}, with the word {word}.")
/// }
///
/// #[completion(prompt = "greet", argument = "language")]
/// fn languages(typed: &str) -> Completion {
///     Completion::matching(["English", "French"], typed)
/// }
///
/// #[completion(prompt = "greet", argument = "word")]
/// fn words(typed: &str, chosen: &Chosen) -> Completion {
///     match chosen.get("language") {
///         Some("French") => Completion::matching(["bonjour", "salut"], typed),
///         _ => Completion::matching(["hello", "hi"], typed),
///     }
/// }
///
/// gateway_sdk::export! { prompts: [greet], completions: [languages, words] }
/// # fn main() { assert_eq!(languages("f").values, ["French"]) }
/// ```
pub use gateway_sdk_macros::completion;
/// Says what the plugin has. Once in a crate, with the names of functions that have one of the attributes; a function of
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
///
/// Names alone are tools. With anything else, each part has its list: `tools`, `resources`, `prompts`, `completions`, and
/// `filter` for `before` and `after`. The component exports what is listed, and nothing else.
///
/// ```
/// use gateway_sdk::{prompt, resource, tool};
///
/// /// Add two numbers.
/// #[tool]
/// fn add(a: f64, b: f64) -> f64 {
///     a + b
/// }
///
/// /// What this plugin can do.
/// #[resource(uri = "calculator:///readme", mime_type = "text/markdown")]
/// fn readme() -> &'static str {
///     "It adds."
/// }
///
/// /// A sum to do in the head.
/// #[prompt]
/// fn exercise(largest: u32) -> String {
///     format!("Give me two numbers up to {largest} to add.")
/// }
///
/// gateway_sdk::export! {
///     tools: [add],
///     resources: [readme],
///     prompts: [exercise],
/// }
/// # fn main() {}
/// ```
pub use gateway_sdk_macros::export;
/// Shows a function the calls of other tools. Which ones stands in `filters` of `gateway.yaml`.
///
/// The function is called `before`, and sees a call before its tool does, or `after`, and sees what the tool gave as well.
/// A plugin has one of them or both. An error of it refuses the call, or withholds the result; so does a panic.
///
/// ```
/// use gateway_sdk::{Decision, ToolCall, ToolResultJson, Verdict, filter};
///
/// #[filter]
/// fn before(call: &ToolCall) -> Decision {
///     match call.name.ends_with("__delete_file") && call.role != "admin" {
///         true => Decision::refuse("files are deleted by an admin"),
///         false => Decision::Proceed,
///     }
/// }
///
/// #[filter]
/// fn after(_: &ToolCall, result: ToolResultJson) -> Verdict {
///     match result.as_str().contains("TOP SECRET") {
///         true => Verdict::withhold("the result is secret"),
///         false => Verdict::Keep,
///     }
/// }
///
/// gateway_sdk::export! { filter: [before, after] }
/// # fn main() {}
/// ```
pub use gateway_sdk_macros::filter;
/// Makes a prompt of a plain function: a text for people to choose and fill.
///
/// The function's doc comment becomes the description, its parameters become the arguments: texts, numbers, or anything
/// that implements [`FromStr`](std::str::FromStr), each with a doc comment where that helps. An `Option` may be left
/// out. It returns a [`PromptOutput`].
///
/// The attribute takes `name = "..."`, where the prompt is not called like the function, and `title = "..."`, a name for
/// people.
///
/// ```
/// use gateway_sdk::prompt;
///
/// /// Review a change.
/// #[prompt(title = "Code review")]
/// fn review(
///     /// the change, as a diff
///     diff: String,
///     /// what to look at most
///     focus: Option<String>,
/// ) -> String {
///     let focus = focus.map(|focus| format!(" Look at {focus} most.")).unwrap_or_default();
///     format!("Review this change.{focus}\n\n{diff}")
/// }
/// # gateway_sdk::export! { prompts: [review] }
/// # fn main() {}
/// ```
pub use gateway_sdk_macros::prompt;
/// Makes a resource of a plain function: something that a client reads by its address.
///
/// * `uri = "..."`: its address; or
/// * `template = "..."`: a family of addresses (RFC 6570) with variables, each a parameter of the function: `{id}` is
///   one part of a path, `{+path}` may hold slashes. They arrive decoded. One that is no `T` for a parameter of type `T`,
///   such as a word for a number, is an address where there is nothing;
/// * `name = "..."` where it is not called like the function, `title = "..."`, `mime_type = "..."`;
/// * `description = "..."`; without it, the function's doc comment.
///
/// It returns a [`ResourceOutput`]; `None` says that there is nothing at that address.
///
/// ```
/// use gateway_sdk::resource;
///
/// const NOTES: [(&str, &str); 2] = [("milk", "Buy milk."), ("bread", "Bake bread.")];
///
/// /// The names of all notes.
/// #[resource(uri = "notes:///index", mime_type = "text/plain")]
/// fn index() -> String {
///     NOTES.map(|(name, _)| name).join("\n")
/// }
///
/// /// A note.
/// #[resource(template = "notes:///{name}", mime_type = "text/plain")]
/// fn note(name: String) -> Option<&'static str> {
///     NOTES.iter().find(|(other, _)| *other == name).map(|(_, text)| *text)
/// }
/// # gateway_sdk::export! { resources: [index, note] }
/// # fn main() {}
/// ```
pub use gateway_sdk_macros::resource;
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
pub use prompts::{PromptMessage, PromptOutput, PromptResult};
pub use resources::ResourceOutput;
pub use result::ToolResult;

// For whoever wants `json!`, or to derive without dependencies of their own (`#[serde(crate = "gateway_sdk::serde")]`).
pub use {schemars, serde, serde_json};

/// The component's exports, which exist on wasm alone.
#[cfg(target_family = "wasm")]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_component {
    ($plugin:ident: $($export:ident)*) => {
        type Component = $crate::__private::Component<$plugin>;
        $($crate::__export_component!(@ $export Component);)*
    };
    (@ tool $component:ident) => {
        $crate::__private::bindings::tool::export_tool!($component with_types_in $crate::__private::bindings::tool);
    };
    (@ resources $component:ident) => {
        $crate::__private::bindings::resources::export_resources!(
            $component with_types_in $crate::__private::bindings::resources
        );
    };
    (@ prompts $component:ident) => {
        $crate::__private::bindings::prompts::export_prompts!(
            $component with_types_in $crate::__private::bindings::prompts
        );
    };
    (@ completions $component:ident) => {
        $crate::__private::bindings::completions::export_completions!(
            $component with_types_in $crate::__private::bindings::completions
        );
    };
    (@ filter $component:ident) => {
        $crate::__private::bindings::filter::export_filter!(
            $component with_types_in $crate::__private::bindings::filter
        );
    };
}

/// Outside of wasm there is nothing to export; what is listed counts as used all the same.
#[cfg(not(target_family = "wasm"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_component {
    ($plugin:ident: $($export:ident)*) => {
        const _: () = $crate::__private::touch::<$plugin>();
    };
}

/// What the macros' expansions refer to. No part of the interface: it may change in any version.
#[doc(hidden)]
pub mod __private {
    pub use serde_json;

    pub use crate::arguments::{
        Arguments, Keyword, Parameter, Probe, TextDefault, TextInput, ToolInput, WithJson, WithoutJson,
    };
    pub use crate::completions::{Completer, Completes, CompletionEntry, of_prompt, of_template};
    #[cfg(target_family = "wasm")]
    pub use crate::component::{Component, bindings};
    pub use crate::filter::{After, Before};
    pub use crate::plugin::{Plugin, assert_reachable, touch};
    pub use crate::prompts::{Prompt, PromptArguments, PromptEntry, PromptFailure, PromptParameter, get};
    pub use crate::resources::{Part, Reading, Resource, ResourceEntry, ResourceFailure, read};
    #[cfg(feature = "async")]
    pub use crate::tools::block_on;
    pub use crate::tools::{CallFailure, Entry, Hints, Tool, call};
}
