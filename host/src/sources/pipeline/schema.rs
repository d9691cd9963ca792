//! Arguments, held against a tool's input schema.

use std::collections::BTreeMap;

use gateway_core::payload::Json;
use jsonschema::{PatternOptions, ValidationError, Validator, error::ValidationErrorKind};
use serde_json::{Value, json, value::RawValue};

use super::nearest;

/// Steps back that a pattern may take, so that no text holds a worker for long.
const BACKTRACK_LIMIT: usize = 100_000;
/// Mistakes that one message names.
const MISTAKES: usize = 5;

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

/// What is wrong with `value`: each mistake in a sentence, without the values, which the caller has.
pub(super) fn mistakes(validator: &Validator, schema: &Value, value: &Value) -> Vec<String> {
    let mut said: Vec<String> =
        validator.iter_errors(value).take(MISTAKES + 1).flat_map(|error| mistake(&error, schema, value)).collect();
    said.dedup();
    if said.len() > MISTAKES {
        said.truncate(MISTAKES);
        said.push("and more".to_owned());
    }
    said
}

fn mistake(error: &ValidationError<'_>, schema: &Value, value: &Value) -> Vec<String> {
    let at = error.instance_path().as_str().to_owned();
    let path = at.trim_start_matches('/');
    let inside = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let property = property.as_str().unwrap_or_default();
            // What is there under a name that nobody knows may be meant for it.
            let declared = if path.is_empty() { names(schema.get("properties")) } else { Vec::new() };
            let given = value.pointer(&at).and_then(Value::as_object).into_iter().flat_map(|given| given.keys());
            let strange = given.map(String::as_str).filter(|name| !declared.contains(name));
            let meant =
                nearest(property, strange).map(|near| format!("; is {near:?} meant for it?")).unwrap_or_default();
            vec![format!("argument {:?} is missing{meant}", inside(property))]
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            let declared = if path.is_empty() { names(schema.get("properties")) } else { Vec::new() };
            let meant = |name: &str| nearest(name, declared.iter().copied());
            let unknown = |name: &String| match meant(name) {
                Some(near) => format!("argument {:?} is unknown; did you mean {near:?}?", inside(name)),
                None => format!("argument {:?} is unknown", inside(name)),
            };
            unexpected.iter().map(unknown).collect()
        }
        _ if path.is_empty() => vec![error.masked_with("the arguments".to_owned()).to_string()],
        _ => vec![format!("argument {path:?}: {}", error.masked_with("it"))],
    }
}

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

    fn said(schema: &Value, value: &Value) -> Vec<String> {
        let schema = of_objects(Some(schema)).unwrap();
        mistakes(&validator(&schema).unwrap(), &schema, value)
    }

    #[test]
    fn mistakes_say_what_to_mend() {
        let schema = json!({ "properties": { "sql": { "type": "string" }, "limit": { "type": "integer", "default": 5 } },
            "required": ["sql"] });
        assert_eq!(said(&schema, &json!({ "sql": "x" })), [""; 0]);
        assert_eq!(said(&schema, &json!({})), ["argument \"sql\" is missing"]);
        assert_eq!(said(&schema, &json!({ "sqll": "x" })), ["argument \"sql\" is missing; is \"sqll\" meant for it?"]);
        assert_eq!(said(&schema, &json!({ "sql": 5 })), ["argument \"sql\": it is not of type \"string\""]);
        let mut closed = schema.clone();
        closed["additionalProperties"] = json!(false);
        assert_eq!(
            said(&closed, &json!({ "sql": "x", "limt": 1 })),
            ["argument \"limt\" is unknown; did you mean \"limit\"?"]
        );
    }

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
