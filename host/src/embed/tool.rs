//! Functions as tools.

use std::{fmt::Display, sync::Arc};

use gateway_core::{
    call::Call,
    error::{CallError, Failure, FailureKind},
    name::Naming,
    payload::{Json, Reply},
    source::Item,
};
use schemars::{
    JsonSchema, Schema,
    generate::SchemaSettings,
    transform::{RecursiveTransform, Transform as _},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::error::ToolError;
use crate::{
    results,
    sources::functions::{Function, Run},
};

/// A function as a tool, for [`Builder::register_tool`](crate::Builder::register_tool).
///
/// What it takes is one struct, whose fields are the arguments: with `Deserialize` it is read, with `JsonSchema` (of
/// `schemars` 1, which is [`crate::schemars`]) it becomes the input schema, comments included. It takes `()` where there is
/// nothing to say. What it returns becomes the result:
///
/// | type | the model reads | programs read |
/// |---|---|---|
/// | a struct, a map | its JSON text | the value, with the type's schema |
/// | a text | the text | – |
/// | `()` | nothing | – |
/// | a number, a list and all else | its JSON text | – |
/// | `Err` | the error's message, marked as an error | – |
///
/// ```
/// use gateway_host::Tool;
/// use schemars::JsonSchema;
/// use serde::Deserialize;
///
/// #[derive(Deserialize, JsonSchema)]
/// #[serde(deny_unknown_fields)]
/// struct Greeting {
///     /// Who is greeted.
///     name: String,
///     /// How often.
///     times: Option<usize>,
/// }
///
/// async fn greet(greeting: Greeting) -> Result<String, std::fmt::Error> {
///     Ok(format!("Hello, {}! ", greeting.name).repeat(greeting.times.unwrap_or(1)))
/// }
///
/// let tool = Tool::new("greet", greet).title("Greeting").description("Greet somebody").read_only();
/// assert_eq!(tool.definition()["inputSchema"]["required"], serde_json::json!(["name"]));
/// ```
pub struct Tool {
    name: String,
    title: Option<String>,
    description: Option<String>,
    /// `None`: what the function takes is no object.
    input: Option<Value>,
    output: Option<Value>,
    annotations: Map<String, Value>,
    run: Run,
}

impl Tool {
    /// `function` as a tool of that name.
    #[must_use]
    pub fn new<A, R, E, T>(name: impl Into<String>, function: impl Fn(A) -> T + Send + Sync + 'static) -> Self
    where
        A: DeserializeOwned + JsonSchema + Send,
        R: Serialize + JsonSchema,
        E: Display,
        T: Future<Output = Result<R, E>> + Send + 'static,
    {
        Self::with_call(name, move |arguments, _| function(arguments))
    }

    /// `function`, which is told of the call as well: it can say how far it is ([`Call::progress`]) and call other tools
    /// under the same role ([`Call::invoke`]).
    ///
    /// ```
    /// # use std::sync::Arc;
    /// use gateway_host::{Call, CallError, Gateway, Tool};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///
    /// let uptime = Tool::with_call("uptime", async |_: (), call: Arc<Call>| {
    ///     let status = call.invoke("gateway_status", None, None).await?.body.to::<serde_json::Value>();
    ///     let seconds = status.ok().and_then(|status| status["structuredContent"]["uptime_s"].as_u64());
    ///     Ok::<_, CallError>(seconds.unwrap_or_default())
    /// });
    /// # let temp = tempfile::tempdir()?;
    /// # let builder = Gateway::builder().folders(temp.path(), temp.path());
    /// let gateway = builder.register_tool(uptime).build().await?;
    /// let outcome = gateway.call(gateway.caller(None)?, "uptime", ()).await?;
    /// assert!(outcome.to::<u64>()? < 60);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_call<A, R, E, T>(
        name: impl Into<String>,
        function: impl Fn(A, Arc<Call>) -> T + Send + Sync + 'static,
    ) -> Self
    where
        A: DeserializeOwned + JsonSchema + Send,
        R: Serialize + JsonSchema,
        E: Display,
        T: Future<Output = Result<R, E>> + Send + 'static,
    {
        let name = name.into();
        let (named, input) = (name.clone(), Input::of::<A>());
        let is_nothing = matches!(input, Input::Nothing);
        let run: Run = Arc::new(move |arguments, call| {
            let started = read(&named, &arguments, is_nothing).map(|arguments| function(arguments, call));
            let named = named.clone();
            Box::pin(async move {
                match started?.await {
                    Ok(value) => answer(&named, &value),
                    Err(error) => {
                        let failure = Failure::new(FailureKind::Broken, format!("{error:#}"));
                        Ok(Reply { body: results::failed(&failure) })
                    }
                }
            })
        });
        let (input, description) = input.schema();
        Self { name, title: None, description, input, output: output::<R>(), annotations: Map::new(), run }
    }

    /// What it is for, for the model. Default: the comment on what the function takes.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// What it is called where people see it.
    #[must_use]
    pub fn title(mut self, text: impl Into<String>) -> Self {
        self.title = Some(text.into());
        self
    }

    /// It changes nothing.
    #[must_use]
    pub fn read_only(self) -> Self {
        self.annotated("readOnlyHint", true)
    }

    /// Whether it may destroy something. Clients take it for granted where nothing is said.
    #[must_use]
    pub fn destructive(self, destructive: bool) -> Self {
        self.annotated("destructiveHint", destructive)
    }

    /// Calling it twice is the same as calling it once.
    #[must_use]
    pub fn idempotent(self) -> Self {
        self.annotated("idempotentHint", true)
    }

    /// Whether it reaches out to what this program does not know, such as the web. Clients take it for granted where
    /// nothing is said.
    #[must_use]
    pub fn open_world(self, open: bool) -> Self {
        self.annotated("openWorldHint", open)
    }

    fn annotated(mut self, hint: &str, value: bool) -> Self {
        self.annotations.insert(hint.to_owned(), value.into());
        self
    }

    /// The tool as `tools/list` defines it, under its own name.
    #[must_use]
    pub fn definition(&self) -> Value {
        let mut definition = Map::from_iter([("name".to_owned(), json!(self.name))]);
        let mut insert = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                definition.insert(key.to_owned(), value);
            }
        };
        insert("title", self.title.as_ref().map(|text| json!(text)));
        insert("description", self.description.as_ref().map(|text| json!(text)));
        insert("inputSchema", self.input.clone());
        insert("outputSchema", self.output.clone());
        insert("annotations", (!self.annotations.is_empty()).then(|| json!(self.annotations)));
        Value::Object(definition)
    }

    /// The tool for its source.
    pub(super) fn function(self) -> Result<Function, ToolError> {
        // The name stays as it is exactly where every client takes it.
        if *(Naming { prefix: None, separator: "".into() }).public(&self.name) != *self.name {
            return Err(ToolError::Name { tool: self.name });
        }
        if self.input.is_none() {
            return Err(ToolError::Arguments { tool: self.name });
        }
        let item = Item { definition: Json::from_value(&self.definition()), name: self.name.into() };
        Ok(Function { item, run: self.run })
    }
}

impl std::fmt::Debug for Tool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Tool").field(&self.definition()).finish()
    }
}

/// What a function takes.
enum Input {
    /// `()`.
    Nothing,
    /// An object of this schema.
    Object(Map<String, Value>),
    /// Something that no tool can be given.
    Other,
}

impl Input {
    fn of<A: JsonSchema>() -> Self {
        let schema = schema::<A>(SchemaSettings::draft2020_12().for_deserialize());
        match schema.get("type").and_then(Value::as_str) {
            Some("object") => Self::Object(schema),
            Some("null") => Self::Nothing,
            _ => Self::Other,
        }
    }

    /// The input schema, and what its comment says.
    fn schema(self) -> (Option<Value>, Option<String>) {
        let mut schema = match self {
            Self::Nothing => Map::from_iter([("type".to_owned(), json!("object"))]),
            Self::Object(schema) => schema,
            Self::Other => return (None, None),
        };
        // Some clients take an object schema without `properties` for a mistake.
        schema.entry("properties").or_insert_with(|| json!({}));
        let description = schema.remove("description").and_then(|text| text.as_str().map(str::to_owned));
        (Some(Value::Object(schema)), description)
    }
}

/// The schema of what a function gives, where that is an object.
fn output<R: JsonSchema>() -> Option<Value> {
    let schema = schema::<R>(SchemaSettings::draft2020_12().for_serialize());
    (schema.get("type")? == "object").then_some(Value::Object(schema))
}

/// In one piece, as clients like it, without Rust's own name of the type.
fn schema<T: JsonSchema>(settings: SchemaSettings) -> Map<String, Value> {
    let settings = settings.with(|settings| {
        settings.inline_subschemas = true;
        // 2020-12 is what MCP takes a schema for that does not say.
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("title");
    RecursiveTransform(without_rust).transform(&mut schema);
    schema.as_object().cloned().unwrap_or_default()
}

/// Rust's own formats of numbers are unknown to clients, and strict ones refuse what they do not know. The bounds that
/// they stand for are said beside them.
fn without_rust(schema: &mut Schema) {
    const OWN: [&str; 4] = ["int", "uint", "float", "double"];
    let format = schema.get("format").and_then(Value::as_str);
    if format.is_some_and(|format| OWN.contains(&format.trim_end_matches(|c: char| c.is_ascii_digit()))) {
        schema.remove("format");
    }
}

fn read<A: DeserializeOwned>(tool: &str, arguments: &Json, is_nothing: bool) -> Result<A, CallError> {
    let wrong =
        |error: &dyn Display| CallError::from(Failure::new(FailureKind::Arguments, format!("tool {tool:?}: {error}")));
    let value = match is_nothing {
        true => Value::Null,
        false => arguments.to::<Value>().map_err(|error| wrong(&error))?,
    };
    serde_path_to_error::deserialize(value).map_err(|error| match error.path().iter().next() {
        Some(_) => wrong(&format!("argument `{}`: {}", error.path(), error.inner())),
        None => wrong(error.inner()),
    })
}

fn answer<R: Serialize>(tool: &str, value: &R) -> Result<Reply, CallError> {
    let value = serde_json::to_value(value).map_err(|error| {
        Failure::new(FailureKind::Broken, format!("tool {tool:?}: what the function gave has no JSON: {error}"))
    })?;
    let text = |text: &str| Json::from_value(&json!({ "content": [{ "type": "text", "text": text }] }));
    let body = match &value {
        Value::Null => Json::from_value(&json!({ "content": [] })),
        Value::String(string) => text(string),
        Value::Object(_) => results::structured(&value),
        other => text(&other.to_string()),
    };
    Ok(Reply { body })
}

#[cfg(test)]
mod tests;
