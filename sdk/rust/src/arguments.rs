//! The arguments of a call: what a tool says about each, and how it gets them.

use std::fmt;
use std::str::FromStr;

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
    /// The name of the argument.
    pub name: &'static str,
    /// What it means; may be empty.
    pub description: &'static str,
    /// The JSON of its default, where it has one that JSON can show.
    pub default: Option<fn() -> Option<Value>>,
    /// Further keywords of JSON Schema.
    pub keywords: &'static [Keyword],
    /// Makes the schema of its type.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    /// Whether its type can be made of nothing, as an `Option` can.
    pub may_be_missing: fn() -> bool,
}

/// A keyword of JSON Schema, and its value.
pub type Keyword = (&'static str, fn() -> Value);

impl Parameter {
    pub(crate) fn is_required(&self) -> bool {
        self.default.is_none() && !(self.may_be_missing)()
    }
}

/// What a tool may take.
#[diagnostic::on_unimplemented(
    message = "a tool cannot take a `{Self}`",
    label = "has to come from JSON, and to have a schema",
    note = "derive `serde::Deserialize` and `schemars::JsonSchema` for `{Self}`; `gateway_sdk` re-exports both crates"
)]
pub trait ToolInput: Sized {
    /// The schema of the type.
    fn schema(generator: &mut SchemaGenerator) -> Schema;

    /// Whether it can be made of nothing.
    fn may_be_missing() -> bool;

    /// The argument of that name.
    ///
    /// # Errors
    ///
    /// It is of another type, or it is missing and has to be there.
    fn take(arguments: &mut Arguments, name: &str) -> Result<Self, CallFailure>;

    /// The argument of that name, or the default.
    ///
    /// # Errors
    ///
    /// It is of another type.
    fn take_or(arguments: &mut Arguments, name: &str, default: impl FnOnce() -> Self) -> Result<Self, CallFailure>;
}

// Not recommended, so that the compiler shows the message above, rather than the first of the bounds that is not met.
#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + JsonSchema> ToolInput for T {
    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Self>()
    }

    fn may_be_missing() -> bool {
        Self::deserialize(Missing).is_ok()
    }

    fn take(arguments: &mut Arguments, name: &str) -> Result<Self, CallFailure> {
        match arguments.0.remove(name) {
            Some(value) => from_value(name, value),
            None => {
                Self::deserialize(Missing).map_err(|_| CallFailure::InvalidArguments(format!("missing field `{name}`")))
            }
        }
    }

    fn take_or(arguments: &mut Arguments, name: &str, default: impl FnOnce() -> Self) -> Result<Self, CallFailure> {
        arguments.0.remove(name).map_or_else(|| Ok(default()), |value| from_value(name, value))
    }
}

/// The arguments that are still to be taken.
#[derive(Debug)]
pub struct Arguments(Map<String, Value>);

impl Arguments {
    /// Reads the text of a JSON object that has nothing but `parameters` in it.
    pub(crate) fn parse(json: &str, parameters: &[Parameter]) -> Result<Self, CallFailure> {
        let arguments: Map<String, Value> =
            serde_json::from_str(json).map_err(|error| CallFailure::InvalidArguments(error.to_string()))?;
        let unknown = arguments.keys().find(|name| parameters.iter().all(|parameter| parameter.name != *name));
        match unknown {
            Some(name) => Err(CallFailure::InvalidArguments(unknown_argument(name, parameters))),
            None => Ok(Self(arguments)),
        }
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

/// What `#[default("text")]` may be the default of.
#[diagnostic::on_unimplemented(
    message = "a text is no default of `{Self}`",
    label = "write `#[default(...)]` with a value of this type"
)]
pub trait TextDefault {
    /// The text as a value of the type.
    fn from_text(text: &'static str) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: From<&'static str>> TextDefault for T {
    fn from_text(text: &'static str) -> Self {
        text.into()
    }
}

/// What a prompt may take, and a template may have as its variable: both come as texts.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` cannot be read from a text",
    label = "an argument of a prompt or a variable of a template is a text",
    note = "take a `String` or a number, or implement `std::str::FromStr` for `{Self}`"
)]
pub trait TextInput: Sized {
    /// Reads the text.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    fn read(text: &str) -> Result<Self, String>;
}

#[diagnostic::do_not_recommend]
impl<T: FromStr<Err: fmt::Display>> TextInput for T {
    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: T::Err| error.to_string())
    }
}
