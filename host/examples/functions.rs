//! An MCP server whose tools are functions of this program, filtered by role like all others.
//!
//! ```console
//! $ claude mcp add notes -- cargo run --quiet --package gateway-host --example functions
//! ```
//!
//! With a path as its argument it serves what stands in that `gateway.yaml` as well.

use std::{
    error::Error,
    sync::{Arc, Mutex, PoisonError},
};

use gateway_host::{Call, Gateway, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Keep a note for as long as the server runs.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Note {
    /// What is to be remembered.
    text: String,
}

/// How many there are.
#[derive(Serialize, JsonSchema)]
struct Kept {
    notes: usize,
}

/// What a program knows anyway: a pool of connections, a cache, a client.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    async fn keep(self, note: Note) -> Result<Kept, String> {
        if note.text.trim().is_empty() {
            return Err("an empty note says nothing".to_owned());
        }
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        notes.push(note.text);
        Ok(Kept { notes: notes.len() })
    }

    async fn list(self) -> Result<Vec<String>, String> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// What a tool may know of the call: here, how many tools the caller sees.
async fn count(_: (), call: Arc<Call>) -> Result<usize, String> {
    let snapshot = call.snapshot();
    Ok(snapshot.listed(call.caller.role, gateway_core::source::Kind::Tool).count())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // Servers that this program starts do not outlive it, even if it is killed.
    if gateway_host::reap() {
        return Ok(());
    }
    let notes = Notes::default();
    let (keeping, listing) = (notes.clone(), notes);
    let mut builder = Gateway::builder()
        .register_tool(Tool::new("keep", move |note: Note| keeping.clone().keep(note)).destructive(false))
        .register_tool(Tool::new("list", move |_: ()| listing.clone().list()).description("All notes").read_only())
        .register_tool(Tool::with_call("count", count).description("How many tools you have").read_only());
    // The arguments are a program's own business; the gateway's settings are in its configuration.
    if let Some(file) = std::env::args_os().nth(1) {
        builder = builder.config_file(file)?;
    }
    builder.build().await?.serve_stdio().await?;
    Ok(())
}
