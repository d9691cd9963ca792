//! What the end of a guest means: every way to break, said as a sentence that names the limit or the cause.

use std::num::NonZeroU64;

use gateway_core::error::{Failure, FailureKind};
use wasmtime::{PoolConcurrencyLimitError, Trap, component::ResourceTableError};
use wasmtime_wasi::I32Exit;

use crate::{
    engine::WASM_STACK,
    guest::{Context, Guest, HANDLES},
    limits::spoken_size,
    output::panic_message,
};

/// What is known of a guest when it broke.
struct Evidence<'a> {
    context: &'a Context,
    memory_refused: bool,
    stderr: String,
}

/// The error that a guest ended with, as a failure of its plugin.
pub(crate) fn failure(error: &wasmtime::Error, guest: &Guest) -> Failure {
    let evidence =
        Evidence { context: &guest.context, memory_refused: guest.meter.refused(), stderr: guest.output.tail() };
    let failure = match error.downcast_ref::<Trap>() {
        // The epochs interrupt at the deadline alone.
        Some(Trap::Interrupt) => guest.context.late(guest.control.started, guest.control.deadline),
        trap => evidence.explain(error, trap.copied()),
    };
    match guest.control.denial() {
        // What was denied is the likely cause.
        Some(denial) if failure.hint.is_none() => {
            let message = format!("{}; before that, {}", failure.message, denial.message);
            Failure { message: message.into(), hint: Some(denial.hint.into()), ..failure }
        }
        _ => failure,
    }
}

impl Evidence<'_> {
    fn explain(&self, error: &wasmtime::Error, trap: Option<Trap>) -> Failure {
        if let Some(exit) = error.downcast_ref::<I32Exit>() {
            return self.broken(&format!("the plugin exited with code {}", exit.0));
        }
        if error.downcast_ref::<PoolConcurrencyLimitError>().is_some() {
            return self.limit("the gateway has no room for a further instance", None);
        }
        if let Some(ResourceTableError::Full) = error.downcast_ref() {
            return self.limit(&format!("limit of {HANDLES} open files, streams and requests reached"), None);
        }
        match trap {
            Some(Trap::OutOfFuel) => {
                let fuel = self.context.limits.fuel.map_or(0, NonZeroU64::get);
                self.limit(&format!("fuel limit of {fuel} operations reached"), Some("fuel"))
            }
            Some(Trap::StackOverflow) => self.limit(&format!("stack limit of {} KiB reached", WASM_STACK / 1024), None),
            // A guest that was refused memory and did not do without breaks in many ways; an instance that needs too
            // much from the start is no trap.
            _ if self.memory_refused => {
                let memory = spoken_size(self.context.limits.memory);
                self.limit(&format!("memory limit of {memory} reached"), Some("memory"))
            }
            Some(trap) => match panic_message(&self.stderr) {
                Some(message) => self.broken(&format!("panicked: {message}")),
                None => self.broken(&format!("trapped: {}", trap_name(trap))),
            },
            None if is_copy_limit(error) => self.output_limit(),
            None => self.broken(&format!("failed: {}", root_cause(error))),
        }
    }

    fn output_limit(&self) -> Failure {
        output_limit(self.context)
    }

    fn broken(&self, what: &str) -> Failure {
        Failure::new(FailureKind::Broken, format!("plugin {:?}: {what}", self.context.name))
    }

    fn limit(&self, what: &str, key: Option<&str>) -> Failure {
        let name = &self.context.name;
        let failure = Failure::new(FailureKind::Limit, format!("plugin {name:?}: {what}"));
        match key {
            Some(key) => failure.hint(format!("raise plugins.{name}.limits.{key}")),
            None => failure,
        }
    }
}

/// A result that is larger than it may be.
pub(crate) fn output_limit(context: &Context) -> Failure {
    let (name, output) = (&context.name, spoken_size(context.limits.output));
    Failure::new(FailureKind::Limit, format!("plugin {name:?}: output limit of {output} reached"))
        .hint(format!("raise plugins.{name}.limits.output"))
}

/// Whether the guest wanted to hand over more at once than [`Limits::hostcall_bytes`](crate::limits::Limits).
fn is_copy_limit(error: &wasmtime::Error) -> bool {
    // The type of this error is not public; a test holds this text against the engine.
    error.chain().any(|cause| cause.to_string().starts_with("too much data is being copied"))
}

/// The name of a trap, without the words around it.
fn trap_name(trap: Trap) -> String {
    let text = trap.to_string();
    text.strip_prefix("wasm trap: ").unwrap_or(&text).to_owned()
}

/// The innermost cause: what is around it speaks of wasm frames.
fn root_cause(error: &wasmtime::Error) -> String {
    error.chain().last().map_or_else(|| error.to_string(), ToString::to_string)
}
