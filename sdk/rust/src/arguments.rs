//! The arguments of a call: what a tool says about each, and how it gets them.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::value::Error as ValueError;
use serde::de::{Deserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::tools::CallFailure;

/// A parameter of a tool, as its input schema shows it.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) default: Option<fn() -> Option<Value>>,
    pub(crate) keywords: &'static [Keyword],
    pub(crate) schema: fn(&mut SchemaGenerator) -> Schema,
    may_be_missing: fn() -> bool,
}

/// A keyword of JSON Schema and its value.
pub(crate) type Keyword = (&'static str, fn() -> Value);

impl Parameter {
    /// A parameter of type `T`.
    #[must_use]
    pub const fn of<T: JsonSchema + DeserializeOwned>(
        name: &'static str,
        description: &'static str,
        default: Option<fn() -> Option<Value>>,
        keywords: &'static [Keyword],
    ) -> Self {
        let may_be_missing = || T::deserialize(Missing).is_ok();
        Self { name, description, default, keywords, schema: SchemaGenerator::subschema_for::<T>, may_be_missing }
    }

    pub(crate) fn is_required(&self) -> bool {
        self.default.is_none() && !(self.may_be_missing)()
    }
}

/// The arguments that are still to be taken.
#[derive(Debug)]
pub struct Arguments(Map<String, Value>);

impl Arguments {
    /// Reads the text of a JSON object that has nothing but `parameters` in it.
    pub(crate) fn parse(json: &str, parameters: &[Parameter]) -> Result<Self, CallFailure> {
        let arguments: Map<String, Value> = parse(json).map_err(CallFailure::InvalidArguments)?;
        let unknown = arguments.keys().find(|name| parameters.iter().all(|parameter| parameter.name != *name));
        match unknown {
            Some(name) => Err(CallFailure::InvalidArguments(unknown_argument(name, parameters))),
            None => Ok(Self(arguments)),
        }
    }

    /// The argument of that name.
    ///
    /// # Errors
    ///
    /// It is no `T`, or it is missing and `T` is no `Option`.
    pub fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, CallFailure> {
        match self.0.remove(name) {
            Some(value) => from_value(name, value),
            None => T::deserialize(Missing)
                .map_err(|_| CallFailure::InvalidArguments(format!("missing field `{name}`"))),
        }
    }

    /// The argument of that name, or the default.
    ///
    /// # Errors
    ///
    /// It is no `T`.
    pub fn take_or<T: DeserializeOwned>(&mut self, name: &str, default: impl FnOnce() -> T) -> Result<T, CallFailure> {
        self.0.remove(name).map_or_else(|| Ok(default()), |value| from_value(name, value))
    }
}

fn unknown_argument(name: &str, parameters: &[Parameter]) -> String {
    let known: Vec<String> = parameters.iter().map(|parameter| format!("`{}`", parameter.name)).collect();
    if known.is_empty() {
        format!("unknown field `{name}`, there are no fields")
    } else {
        format!("unknown field `{name}`, expected one of {}", known.join(", "))
    }
}

fn from_value<T: DeserializeOwned>(name: &str, value: Value) -> Result<T, CallFailure> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = match error.path().to_string() {
            inner if inner == "." => name.to_owned(),
            inner if inner.starts_with('[') => format!("{name}{inner}"),
            inner => format!("{name}.{inner}"),
        };
        CallFailure::InvalidArguments(format!("`{path}`: {}", error.inner()))
    })
}

/// A JSON text as a `T`, or one sentence that begins with the place of the mistake.
pub(crate) fn parse<T: DeserializeOwned>(json: &str) -> Result<T, String> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let (path, error) = (error.path().to_string(), error.into_inner());
        let message = error.to_string();
        // The position is one in a text that nobody has seen.
        let position = format!(" at line {} column {}", error.line(), error.column());
        let message = message.strip_suffix(&position).unwrap_or(&message);
        if path == "." { message.to_owned() } else { format!("`{path}`: {message}") }
    })
}

/// What an argument that was left out looks like to serde: nothing, which an `Option` alone can be made of.
struct Missing;

impl<'de> Deserializer<'de> for Missing {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, ValueError> {
        Err(serde::de::Error::custom("missing"))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_none()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Asks whether a default has a JSON form: methods are looked up by value before they are by reference, so a type with
/// `Serialize` finds the first of the two traits, and any other type the second.
pub struct Probe<T>(pub T);

/// The default's JSON, where its type has any.
pub trait WithJson {
    /// The value for the schema's `default`.
    fn json(&self) -> Option<Value>;
}

impl<T: Serialize> WithJson for Probe<T> {
    fn json(&self) -> Option<Value> {
        serde_json::to_value(&self.0).ok()
    }
}

/// The default of a type without JSON, which the schema leaves out.
pub trait WithoutJson {
    /// Always `None`.
    fn json(&self) -> Option<Value>;
}

impl<T> WithoutJson for &Probe<T> {
    fn json(&self) -> Option<Value> {
        None
    }
}

impl<T> fmt::Debug for Probe<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe")
    }
}
