//! JSON Schemas as MCP clients like them: one self-contained object, 2020-12, nothing that only Rust understands.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

use crate::arguments::Parameter;

/// The schema of a tool's arguments.
pub(crate) fn of_arguments(parameters: &[Parameter]) -> Value {
    let mut generator = generator(SchemaSettings::draft2020_12().for_deserialize());
    let mut properties = Map::new();
    let mut required = Vec::new();
    for parameter in parameters {
        properties.insert(parameter.name.to_owned(), property(parameter, &mut generator));
        if parameter.is_required() {
            required.push(Value::from(parameter.name));
        }
    }
    // Some clients take an object schema without `properties` for a mistake, so there are always some.
    let mut schema = object_with(properties);
    if !required.is_empty() {
        schema.insert("required".to_owned(), Value::Array(required));
    }
    schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    let definitions = generator.take_definitions(true);
    if !definitions.is_empty() {
        schema.insert("$defs".to_owned(), Value::Object(definitions));
    }
    bounded(schema.into())
}

fn property(parameter: &Parameter, generator: &mut SchemaGenerator) -> Value {
    let mut schema = (parameter.schema)(generator);
    let object = schema.ensure_object();
    if !parameter.description.is_empty() {
        object.insert("description".to_owned(), Value::from(parameter.description));
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
    output(bounded(schema))
}

/// The schema of a question to the user. MCP has forms of plain members only: what may be left out is not required there,
/// rather than of a type with `null`.
pub(crate) fn of_form<T: JsonSchema>() -> Value {
    let mut schema = generator(SchemaSettings::draft2020_12().for_deserialize()).into_root_schema_for::<T>();
    schema.remove("title");
    RecursiveTransform(without_null).transform(&mut schema);
    bounded(schema)
}

fn without_null(schema: &mut Schema) {
    let object = schema.ensure_object();
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = object.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    let Some(Value::Array(alternatives)) = object.get_mut("anyOf") else { return };
    alternatives.retain(|schema| schema.get("type").is_none_or(|kind| kind != "null"));
    if let [Value::Object(only)] = alternatives.as_mut_slice() {
        let only = std::mem::take(only);
        object.remove("anyOf");
        for (keyword, value) in only {
            // What stands beside the alternatives was said about this very member.
            object.entry(keyword).or_insert(value);
        }
    }
}

fn output(mut schema: Value) -> Value {
    let kind = schema.get("type").cloned();
    if kind.as_ref().is_some_and(|kind| kind == "object") {
        return schema;
    }
    // A reference of a recursive type is written from the root, so its definitions have to stay there.
    let definitions = schema.as_object_mut().and_then(|object| object.remove("$defs"));
    let certainly_none = kind.is_some_and(|kind| kind.is_string());
    let mut wrapped = object_with(Map::from_iter([("result".to_owned(), schema.clone())]));
    wrapped.insert("required".to_owned(), Value::Array(vec![Value::from("result")]));
    let mut output = if certainly_none {
        wrapped
    } else {
        let both = Value::Array(vec![schema, Value::Object(wrapped)]);
        Map::from_iter([("type".to_owned(), Value::from("object")), ("anyOf".to_owned(), both)])
    };
    if let Some(definitions) = definitions {
        output.insert("$defs".to_owned(), definitions);
    }
    Value::Object(output)
}

fn object_with(properties: Map<String, Value>) -> Map<String, Value> {
    Map::from_iter([("type".to_owned(), Value::from("object")), ("properties".to_owned(), Value::Object(properties))])
}

fn generator(settings: SchemaSettings) -> SchemaGenerator {
    let settings = settings.with(|settings| {
        settings.inline_subschemas = true;
        // 2020-12 is what MCP takes a schema for that does not say.
        settings.meta_schema = None;
    });
    settings.into_generator()
}

fn bounded(mut schema: Schema) -> Value {
    RecursiveTransform(bound_number).transform(&mut schema);
    schema.to_value()
}

/// Rust's own number formats mean nothing to a client; the bounds that they stand for do.
fn bound_number(schema: &mut Schema) {
    let Some(format) = schema.get("format").and_then(Value::as_str) else { return };
    let (minimum, maximum): (i64, u64) = match format {
        "int8" => (i8::MIN.into(), i8::MAX as u64),
        "int16" => (i16::MIN.into(), i16::MAX as u64),
        // A component is 32 bits wide, and a schema made in a native test should not differ.
        "int32" | "int" => (i32::MIN.into(), i32::MAX as u64),
        "int64" => (i64::MIN, i64::MAX as u64),
        "uint8" => (0, u8::MAX.into()),
        "uint16" => (0, u16::MAX.into()),
        "uint32" | "uint" => (0, u32::MAX.into()),
        "uint64" => (0, u64::MAX),
        "int128" | "uint128" | "float" | "double" => {
            schema.remove("format");
            return;
        }
        _ => return,
    };
    let object = schema.ensure_object();
    object.remove("format");
    // Bounds that the author gave are tighter.
    if !object.contains_key("exclusiveMinimum") {
        object.entry("minimum").or_insert(minimum.into());
    }
    if !object.contains_key("exclusiveMaximum") {
        object.entry("maximum").or_insert(maximum.into());
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code, reason = "only its schema is looked at")]
    struct Form {
        /// Where to.
        city: String,
        /// How many nights.
        nights: Option<u8>,
        /// What for.
        purpose: Option<Purpose>,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Purpose {
        Work,
        Holiday,
    }

    #[test]
    fn a_form_has_plain_members() {
        let expected = json!({
            "type": "object",
            "properties": {
                "city": { "description": "Where to.", "type": "string" },
                "nights": { "description": "How many nights.", "type": "integer", "minimum": 0, "maximum": 255 },
                "purpose": { "description": "What for.", "type": "string", "enum": ["work", "holiday"] },
            },
            "required": ["city"],
        });
        assert_eq!(of_form::<Form>(), expected);
    }
}
