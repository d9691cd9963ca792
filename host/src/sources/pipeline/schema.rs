//! Input schemas of pipelines, and what they fill in.

use std::collections::BTreeMap;

use gateway_core::payload::Json;
use jsonschema::{PatternOptions, Validator};
use serde_json::{Value, json, value::RawValue};

/// Steps back that a pattern may take, so that no text holds a worker for long.
const BACKTRACK_LIMIT: usize = 100_000;

/// What holds values against `schema`. Nothing is fetched for it.
pub(super) fn validator(schema: &Value) -> Result<Validator, String> {
    jsonschema::options()
        .with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(BACKTRACK_LIMIT))
        .build(schema)
        .map_err(|error| error.to_string())
}

/// The input schema of a pipeline, as MCP wants it: one of objects.
pub(super) fn of_objects(input: Option<&Value>) -> Result<Value, String> {
    let Some(input) = input else { return Ok(json!({ "type": "object" })) };
    let Value::Object(members) = input else { return Err("it is no JSON Schema of an object".to_owned()) };
    let mut members = members.clone();
    match members.get("type") {
        None => drop(members.insert("type".to_owned(), json!("object"))),
        Some(Value::String(kind)) if kind == "object" => {}
        Some(other) => return Err(format!("the arguments of a tool are an object, and this is `type: {other}`")),
    }
    let schema = Value::Object(members);
    validator(&schema).map(|_| schema)
}

/// The names of properties.
pub(super) fn names(properties: Option<&Value>) -> Vec<&str> {
    properties.and_then(Value::as_object).into_iter().flat_map(|names| names.keys()).map(String::as_str).collect()
}

/// `input` with the defaults that the schema's properties have in place of what is not given.
pub(super) fn with_defaults(schema: &Value, input: Json) -> Json {
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let defaults: Vec<(&String, &Value)> =
        properties.filter_map(|(name, property)| Some((name, property.get("default")?))).collect();
    // Values stay as they were written: a number may be larger than any that is known here.
    let Ok(mut given) = input.to::<BTreeMap<String, Box<RawValue>>>() else { return input };
    let before = given.len();
    for (name, default) in defaults {
        if let (false, Ok(default)) = (given.contains_key(name), Json::from_value(default).to()) {
            given.insert(name.clone(), default);
        }
    }
    if given.len() == before { input } else { Json::from_value(&given) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_one_of_objects() {
        assert_eq!(of_objects(None).unwrap(), json!({ "type": "object" }));
        for wrong in [json!([]), json!({ "type": "string" }), json!({ "properties": 5 })] {
            assert!(of_objects(Some(&wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn defaults_are_filled_in() {
        let schema = json!({ "properties": { "limit": { "default": 5 }, "sql": {} } });
        let input = |text: &'static str| with_defaults(&schema, Json::parse(text).unwrap()).to_string();
        assert_eq!(
            input(r#"{"sql":123456789012345678901234567890}"#),
            r#"{"limit":5,"sql":123456789012345678901234567890}"#
        );
        assert_eq!(input(r#"{"limit":null}"#), r#"{"limit":null}"#);
    }
}
