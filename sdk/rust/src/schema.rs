//! JSON Schemas as MCP clients like them: one self-contained object, 2020-12, nothing that only Rust understands.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::{Map, Value, json};

use crate::arguments::Parameter;

/// The schema of a tool's arguments.
pub(crate) fn of_arguments(parameters: &[Parameter]) -> Value {
    let mut generator = generator(SchemaSettings::draft2020_12().for_deserialize());
    let mut properties = Map::new();
    let mut required = Vec::new();
    for parameter in parameters {
        properties.insert(parameter.name.to_owned(), property(parameter, &mut generator));
        if parameter.is_required() {
            required.push(parameter.name);
        }
    }
    // Some clients take an object schema without `properties` for a mistake, so there are always some.
    let mut schema = json_schema!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema.insert("additionalProperties".to_owned(), json!(false));
    let definitions = generator.take_definitions(true);
    if !definitions.is_empty() {
        schema.insert("$defs".to_owned(), Value::Object(definitions));
    }
    RecursiveTransform(bound_number).transform(&mut schema);
    schema.to_value()
}

fn property(parameter: &Parameter, generator: &mut SchemaGenerator) -> Value {
    let mut schema = (parameter.schema)(generator);
    let object = schema.ensure_object();
    if !parameter.description.is_empty() {
        object.insert("description".to_owned(), json!(parameter.description));
    }
    if let Some(default) = parameter.default.and_then(|default| default()) {
        object.insert("default".to_owned(), default);
    }
    for (keyword, value) in parameter.keywords {
        object.insert((*keyword).to_owned(), value());
    }
    schema.to_value()
}

/// The schema of structured content, which has to be an object: what is certainly none stands as `result` in one, what
/// may be either is allowed as both. `result::object_text` does the same with the value.
pub(crate) fn of_output<T: JsonSchema>() -> Value {
    let schema = generator(SchemaSettings::draft2020_12().for_serialize()).into_root_schema_for::<T>();
    let mut schema = schema.to_value();
    let kind = schema.get("type").cloned();
    if kind == Some(json!("object")) {
        return schema;
    }
    // A reference of a recursive type is written from the root, so its definitions have to stay there.
    let definitions = schema.as_object_mut().and_then(|object| object.remove("$defs"));
    let certainly_none = kind.is_some_and(|kind| kind.is_string());
    let wrapped = json!({ "type": "object", "properties": { "result": schema }, "required": ["result"] });
    let mut output = if certainly_none {
        wrapped
    } else {
        json!({ "type": "object", "anyOf": [wrapped["properties"]["result"], wrapped] })
    };
    if let Some(definitions) = definitions {
        output["$defs"] = definitions;
    }
    output
}

fn generator(settings: SchemaSettings) -> SchemaGenerator {
    settings
        .with(|settings| {
            settings.inline_subschemas = true;
            // 2020-12 is what MCP takes a schema for that does not say.
            settings.meta_schema = None;
        })
        .with_transform(RecursiveTransform(bound_number))
        .into_generator()
}

/// Rust's own number formats mean nothing to a client; the bounds that they stand for do.
fn bound_number(schema: &mut Schema) {
    let Some(format) = schema.get("format").and_then(Value::as_str) else { return };
    let bounds = match format {
        "int8" => (json!(i8::MIN), json!(i8::MAX)),
        "int16" => (json!(i16::MIN), json!(i16::MAX)),
        // A component is 32 bits wide, and a schema made in a native test should not differ.
        "int32" | "int" => (json!(i32::MIN), json!(i32::MAX)),
        "int64" => (json!(i64::MIN), json!(i64::MAX)),
        "uint8" => (json!(0), json!(u8::MAX)),
        "uint16" => (json!(0), json!(u16::MAX)),
        "uint32" | "uint" => (json!(0), json!(u32::MAX)),
        "uint64" => (json!(0), json!(u64::MAX)),
        "int128" | "uint128" | "float" | "double" => {
            schema.remove("format");
            return;
        }
        _ => return,
    };
    let object = schema.ensure_object();
    object.remove("format");
    // Bounds that the author gave are tighter.
    let has_lower = object.contains_key("exclusiveMinimum");
    let has_upper = object.contains_key("exclusiveMaximum");
    if !has_lower {
        object.entry("minimum").or_insert(bounds.0);
    }
    if !has_upper {
        object.entry("maximum").or_insert(bounds.1);
    }
}
