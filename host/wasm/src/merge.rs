//! The merging of modules that were linked into one component.
//!
//! What a language's tools link dynamically – an interpreter, its C library, the program – comes as a module each, which
//! share a memory and a table. Every instance of the component then fills that table anew, entry by entry, since nobody
//! knows its contents before the modules meet: that is most of what an instance of an interpreter costs. So they meet
//! here, before they are compiled: their functions, data and table entries become those of one module, whose table and
//! memory have contents that are known, and whose calls from one part to another are calls within a module. What nothing
//! leads to is left out ([`live`]).
//!
//! The component does the same as before, in the same order. What is not understood is left as it is.
//!
//! At the same opportunity a component whose instances can be set back gets what that takes: see [`rewind`].

mod emit;
mod group;
mod linked;
mod live;
mod map;
mod module;
mod parts;
mod rewind;
mod rewinding;
mod types;
mod wanted;

pub(crate) use self::rewind::{LEARN, LOOK, RESERVED, REWIND};

use wasm_encoder::reencode;
use wasmparser::{Validator, WasmFeatures};

/// How deep components within components are looked at: tools wrap one once.
const MAX_DEPTH: u32 = 3;

/// Why a component is left as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfit {
    /// Nothing in there shares a memory.
    #[error("it has no modules to merge")]
    Nothing,
    /// What is needed comes later.
    #[error("its modules need each other")]
    Missing,
    /// It does what is not expected of linked modules.
    #[error("{0}")]
    Unusual(&'static str),
    /// It cannot be read, or not be written anew.
    #[error("{0}")]
    Unreadable(String),
}

/// The same component, with the modules that share a memory as one. The same is done to the components within.
///
/// # Errors
/// Where there are none, or where they are linked in a way that is not understood.
pub(crate) fn merged(component: &[u8]) -> Result<Vec<u8>, Unfit> {
    // From here on nothing names what comes later, and no two things name each other.
    Validator::new_with_features(WasmFeatures::all()).validate_all(component)?;
    Ok(merged_within(component, 0)?.bytes)
}

/// A component that was written anew.
struct Anew {
    bytes: Vec<u8>,
    /// Whether it exports what sets it back.
    rewinds: bool,
}

/// The same of a component that is in `depth` others.
fn merged_within(component: &[u8], depth: u32) -> Result<Anew, Unfit> {
    if depth > MAX_DEPTH {
        return Err(Unfit::Nothing);
    }
    let parts = parts::Parts::read(component, depth)?;
    let has_merged = parts.nested.iter().any(|nested| matches!(nested, parts::Nested::Merged { .. }));
    match group::group(&parts) {
        Ok(group) => emit::emit(&parts, &group),
        Err(Unfit::Nothing) if has_merged => emit::emit(&parts, &group::Group::default()),
        Err(unfit) => Err(unfit),
    }
}

impl From<wasmparser::Error> for Unfit {
    fn from(error: wasmparser::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl From<reencode::Error<Unfit>> for Unfit {
    fn from(error: reencode::Error<Unfit>) -> Self {
        match error {
            reencode::Error::UserError(unfit) => unfit,
            other => Self::Unreadable(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
