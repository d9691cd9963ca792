//! What the gateway's own tools are given.

use std::collections::BTreeMap;

use gateway_core::{error::CallError, payload::Json};
use serde::de::DeserializeOwned;
use serde_json::{Value, value::RawValue};

/// The arguments of a call, of which each value stays a slice of what came.
#[derive(Default)]
pub(super) struct Params<'a> {
    whole: Option<&'a Json>,
    members: BTreeMap<String, &'a RawValue>,
}

impl<'a> Params<'a> {
    /// # Errors
    /// Where they are no object.
    pub(super) fn read(arguments: Option<&'a Json>) -> Result<Self, CallError> {
        let Some(whole) = arguments else { return Ok(Self::default()) };
        let members = serde_json::from_slice(whole.as_bytes())
            .map_err(|_| CallError::InvalidParams("The arguments are not an object".into()))?;
        Ok(Self { whole: Some(whole), members })
    }

    /// What is there under that name, unless it is `null`.
    pub(super) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.members.get(name).copied().filter(|raw| raw.get() != "null")
    }

    /// As `T`, which is called `what` where it is something else.
    pub(super) fn get<T: DeserializeOwned>(&self, name: &str, what: &str) -> Result<Option<T>, CallError> {
        let read = |raw: &RawValue| serde_json::from_str(raw.get()).map_err(|_| wrong(name, what));
        self.raw(name).map(read).transpose()
    }

    /// A text; an empty one is none.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, CallError> {
        let text: Option<String> = self.get(name, "a string")?;
        Ok(text.filter(|text| !text.trim().is_empty()))
    }

    /// A text that has to be there.
    pub(super) fn needed(&self, name: &str) -> Result<String, CallError> {
        self.text(name)?.ok_or_else(|| CallError::InvalidParams(format!("Missing '{name}' parameter").into()))
    }

    /// A yes or no, which may be written as a text.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, CallError> {
        match self.get::<Value>(name, "true or false")? {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(Value::String(text)) if text == "true" => Ok(Some(true)),
            Some(Value::String(text)) if text == "false" => Ok(Some(false)),
            Some(_) => Err(wrong(name, "true or false")),
        }
    }

    /// A number of things, which may be written as a text.
    pub(super) fn count(&self, name: &str) -> Result<Option<usize>, CallError> {
        let count = match self.get::<Value>(name, "a number")? {
            None => return Ok(None),
            Some(Value::Number(number)) => number.as_u64(),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        let count = count.and_then(|count| usize::try_from(count).ok()).filter(|count| *count > 0);
        count.map(Some).ok_or_else(|| wrong(name, "a number from 1 on"))
    }

    /// An object, as the bytes that it came in, or as JSON in a string.
    pub(super) fn object(&self, name: &str) -> Result<Option<Json>, CallError> {
        let (Some(raw), Some(whole)) = (self.raw(name), self.whole) else { return Ok(None) };
        let object = match serde_json::from_str::<String>(raw.get()) {
            Ok(text) if text.trim().is_empty() => return Ok(None),
            Ok(text) => Json::parse(text).ok(),
            Err(_) => Some(Json::part(whole.bytes(), raw)),
        };
        object.filter(Json::is_object).map(Some).ok_or_else(|| wrong(name, "an object"))
    }

    /// An object of texts, or of what can be written as one.
    pub(super) fn texts(&self, name: &str) -> Result<BTreeMap<String, String>, CallError> {
        let Some(object) = self.object(name)? else { return Ok(BTreeMap::new()) };
        let values: BTreeMap<String, Value> = object.to().map_err(|_| wrong(name, "an object of strings"))?;
        let text = |(key, value)| match value {
            Value::String(text) => Ok((key, text)),
            Value::Number(_) | Value::Bool(_) => Ok((key, value.to_string())),
            _ => Err(wrong(name, "an object of strings")),
        };
        values.into_iter().map(text).collect()
    }
}

fn wrong(name: &str, what: &str) -> CallError {
    CallError::InvalidParams(format!("Invalid '{name}' parameter: it has to be {what}").into())
}
