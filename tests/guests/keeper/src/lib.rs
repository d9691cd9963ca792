//! Keeps values from call to call.

#[allow(unsafe_code, reason = "the canonical ABI: generated code reads and writes the component's linear memory")]
mod bindings {
    wit_bindgen::generate!({ path: "../../../wit", world: "storage", generate_all });
}

use bindings::wasi::keyvalue::atomics::{self, Cas, CasError};
use bindings::wasi::keyvalue::store::{self, Bucket, Error};
use gateway_sdk::{Json, tool};

/// The value of a key.
#[tool]
fn get(key: String) -> Result<String, String> {
    let value = open("")?.get(&key).map_err(shown)?;
    Ok(value.map_or_else(|| "nothing".to_owned(), |value| String::from_utf8_lossy(&value).into_owned()))
}

/// Give a key a value, so many times over.
#[tool]
fn set(key: String, value: String, #[default(1)] times: usize) -> Result<String, String> {
    open("")?.set(&key, value.repeat(times).as_bytes()).map_err(shown)?;
    Ok("kept".to_owned())
}

/// Take a key out.
#[tool]
fn delete(key: String) -> Result<bool, String> {
    let bucket = open("")?;
    bucket.delete(&key).map_err(shown)?;
    bucket.exists(&key).map_err(shown)
}

/// All keys.
#[tool]
fn keys() -> Result<Json<Vec<String>>, String> {
    Ok(Json(open("default")?.list_keys(None).map_err(shown)?.keys))
}

/// Add to a number, so many times.
#[tool]
fn add(key: String, #[default(1)] delta: i64, #[default(1)] times: usize) -> Result<i64, String> {
    let bucket = open("")?;
    let mut sum = 0;
    for _ in 0..times {
        sum = atomics::increment(&bucket, &key, delta).map_err(shown)?;
    }
    Ok(sum)
}

/// Change a key behind its own back, and then swap it; say what that found, and swap it again.
#[tool]
fn swap(key: String) -> Result<String, String> {
    let bucket = open("")?;
    let state = Cas::new(&bucket, &key).map_err(shown)?;
    bucket.set(&key, b"between").map_err(shown)?;
    let Err(CasError::CasFailed(now)) = atomics::swap(state, b"mine") else {
        return Err("the swap did not fail".to_owned());
    };
    let found = now.current().map_err(shown)?.unwrap_or_default();
    match atomics::swap(now, b"swapped") {
        Ok(()) => Ok(String::from_utf8_lossy(&found).into_owned()),
        Err(_) => Err("the second swap failed".to_owned()),
    }
}

/// Open a store by its name.
#[tool]
fn other(name: String) -> Result<String, String> {
    open(&name).map(|_| "opened".to_owned())
}

/// Remember the state of a key so many times at once.
#[tool]
fn remember(key: String, times: usize) -> Result<String, String> {
    let bucket = open("")?;
    let mut states = Vec::new();
    for count in 0..times {
        states.push(Cas::new(&bucket, &key).map_err(|error| format!("after {count}: {}", shown(error)))?);
    }
    Ok(format!("{} times", states.len()))
}

fn open(name: &str) -> Result<Bucket, String> {
    store::open(name).map_err(shown)
}

fn shown(error: Error) -> String {
    match error {
        Error::NoSuchStore => "no such store".to_owned(),
        Error::AccessDenied => "access denied".to_owned(),
        Error::Other(text) => text,
    }
}

gateway_sdk::export!(get, set, delete, keys, add, swap, other, remember);
