//! What never changes: definitions, and the answers that are always the same.

use std::sync::LazyLock;

use rmcp::model::Tool;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Every tool. The suite calls the first without arguments.
pub(crate) static TOOLS: LazyLock<Vec<Tool>> =
    LazyLock::new(|| serde_json::from_str(include_str!("tools.json")).expect("tools.json holds tools"));

static CONTENTS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("contents.json")).expect("contents.json is JSON"));

/// What stands at this place of `contents.json`, as JSON pointers say it.
pub(crate) fn find(pointer: &str) -> Option<&'static Value> {
    CONTENTS.pointer(pointer)
}

/// What stands at this place of `contents.json`, and has to.
pub(crate) fn get<T: DeserializeOwned>(pointer: &str) -> T {
    let value = find(pointer).unwrap_or_else(|| panic!("contents.json has no {pointer}"));
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("contents.json at {pointer}: {error}"))
}
