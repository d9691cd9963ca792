//! Honest: all that the Rust SDK offers beside plain tools, in one component.

use gateway_sdk::serde_json::json;
use gateway_sdk::store::{Store, StoreError};
use gateway_sdk::{CallError, Chosen, Completion, Elicited, completion, elicit, prompt, resource, roots, sample, tool};
use schemars::JsonSchema;
use serde::Deserialize;

/// Write a note, and tell how many were ever written.
#[tool]
fn write(name: String, text: String) -> Result<i64, StoreError> {
    let store = Store::open()?;
    store.set_json(&format!("note/{name}"), &text)?;
    store.update("log", |log| [log.unwrap_or_default(), name.clone().into_bytes(), b" ".to_vec()].concat())?;
    store.increment("written", 1)
}

/// Forget a note.
#[tool]
fn forget(name: String) -> Result<bool, StoreError> {
    let (store, key) = (Store::open()?, format!("note/{name}"));
    let was = store.exists(&key)?;
    store.delete(&key)?;
    Ok(was)
}

#[derive(Deserialize, JsonSchema)]
struct Title {
    /// What it is called.
    name: String,
    /// How much it matters.
    weight: Option<u8>,
}

/// Ask the user for a note's name.
#[tool]
fn ask() -> Result<String, CallError> {
    Ok(match elicit::<Title>("Which note?")? {
        Elicited::Accepted(Title { name, weight }) => format!("{name} {weight:?}"),
        Elicited::Declined => "declined".to_owned(),
        Elicited::Cancelled => "cancelled".to_owned(),
    })
}

/// Have the model say something, and tell where the client works.
#[tool]
fn muse() -> Result<String, CallError> {
    let message = json!({ "role": "user", "content": { "type": "text", "text": "Say something." } });
    let said = sample(&json!({ "messages": [message], "maxTokens": 10 }))?;
    let roots: Vec<String> = roots()?.into_iter().map(|root| root.uri).collect();
    Ok(format!("{} ({}) in {}", said.text(), said.model, roots.join(", ")))
}

/// The names of all notes, in the order in which they were written.
#[resource(uri = "notebook:///index", title = "Index", mime_type = "text/plain")]
fn index() -> Result<String, StoreError> {
    let log = Store::open()?.get("log")?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&log).trim().to_owned())
}

/// A note.
#[resource(template = "notebook:///notes/{name}", mime_type = "text/plain")]
fn note(name: String) -> Result<Option<String>, StoreError> {
    Store::open()?.get_json(&format!("note/{name}"))
}

/// Ask for a note in another style.
#[prompt(title = "Rewrite")]
fn rewrite(
    /// the note
    name: String,
    /// the style
    style: Option<String>,
) -> Result<String, String> {
    let text = note(name).map_err(|error| error.to_string())?.ok_or("there is no such note")?;
    Ok(format!("Rewrite this in a {} style: {text}", style.as_deref().unwrap_or("plain")))
}

#[completion(prompt = "rewrite", argument = "style")]
fn styles(typed: &str, chosen: &Chosen) -> Completion {
    match chosen.get("name") {
        Some("milk") => Completion::matching(["creamy"], typed),
        _ => Completion::matching(["plain", "proud"], typed),
    }
}

#[completion(template = "notebook:///notes/{name}", argument = "name")]
fn names(typed: String) -> Result<Completion, StoreError> {
    let keys = Store::open()?.keys()?;
    let names = keys.iter().filter_map(|key| key.strip_prefix("note/")).map(str::to_owned);
    Ok(Completion::matching(names, &typed))
}

gateway_sdk::export! {
    tools: [write, forget, ask, muse],
    resources: [index, note],
    prompts: [rewrite],
    completions: [styles, names],
}
