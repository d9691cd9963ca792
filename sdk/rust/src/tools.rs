//! The list of a plugin's tools, and the way of a call to one of them.

use serde_json::Value;

use crate::arguments::{Arguments, Parameter};
use crate::{ToolResult, schema};

/// A function with `#[tool]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tool",
    label = "has no `#[tool]`",
    note = "write `#[tool]` above the function"
)]
pub trait Tool {
    /// What the plugin knows about it.
    const ENTRY: Entry;
}

/// One tool.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The plugin's own name for the tool.
    pub name: &'static str,
    /// Its name for people.
    pub title: Option<&'static str>,
    /// For the model.
    pub description: &'static str,
    /// What the attribute said about the tool's behaviour.
    pub hints: Hints,
    /// What it takes.
    pub parameters: &'static [Parameter],
    /// Makes the JSON Schema of the structured content.
    pub output_schema: fn() -> Option<Value>,
    /// Runs the tool.
    pub call: fn(Arguments) -> Result<ToolResult, CallFailure>,
}

/// Hints about a tool's behaviour; `None` leaves MCP's default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// It changes nothing.
    pub read_only: Option<bool>,
    /// What it changes may be lost.
    pub destructive: Option<bool>,
    /// A second call changes nothing more.
    pub idempotent: Option<bool>,
    /// It reaches things outside of the plugin.
    pub open_world: Option<bool>,
}

/// Why a call did not reach the tool's function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallFailure {
    /// There is no tool of that name.
    UnknownTool,
    /// The arguments do not fit the function; says which and why.
    InvalidArguments(String),
}

impl Entry {
    /// Stands in for a tool that did not compile; it has no name.
    pub const BROKEN: Self = Self {
        name: "",
        title: None,
        description: "",
        hints: Hints { read_only: None, destructive: None, idempotent: None, open_world: None },
        parameters: &[],
        output_schema: || None,
        call: |_| Err(CallFailure::UnknownTool),
    };

    /// JSON Schema of the arguments.
    #[must_use]
    pub fn input_schema(&self) -> Value {
        schema::of_arguments(self.parameters)
    }
}

/// Calls the tool of that name with the text of a JSON object.
pub fn call(tools: &[Entry], name: &str, arguments: &str) -> Result<ToolResult, CallFailure> {
    let tool = tools.iter().find(|tool| tool.name == name).ok_or(CallFailure::UnknownTool)?;
    let arguments = Arguments::parse(arguments, tool.parameters)?;
    (tool.call)(arguments)
}

/// Runs an `async` tool to its end.
#[cfg(all(feature = "async", target_family = "wasm"))]
pub fn block_on<F: Future>(future: F) -> F::Output {
    wstd::runtime::block_on(future)
}

/// Runs an `async` tool to its end, for native tests: the WASI executor exists on wasm alone.
#[cfg(all(feature = "async", not(target_family = "wasm")))]
pub fn block_on<F: Future>(future: F) -> F::Output {
    use std::task::{Context, Poll, Wake};

    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut context = Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}
