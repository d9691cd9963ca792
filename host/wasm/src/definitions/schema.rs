//! JSON Schemas that plugins give, and values that are held against them.

use gateway_core::payload::Json;
use jsonschema::{PatternOptions, ValidationError, Validator, error::ValidationErrorKind};
use serde_json::Value;

use crate::convert;

/// Steps back that a pattern in a schema may take, so that no text holds a worker for long.
const BACKTRACK_LIMIT: usize = 100_000;
/// Mistakes that one message names.
const MISTAKES: usize = 5;

/// A schema of objects: its text on one line, and what holds values against it.
pub(super) fn object_schema(which: &str, text: &str) -> Result<(Json, Validator), String> {
    let json = Json::parse(convert::one_line(text.to_owned()))
        .map_err(|error| format!("its {which} schema is no JSON: {error}"))?;
    let value: Value = json.to().map_err(|error| format!("its {which} schema cannot be read: {error}"))?;
    if value.get("type").and_then(Value::as_str) != Some("object") {
        return Err(format!("its {which} schema is not one of objects: it needs \"type\": \"object\""));
    }
    let validator = validator(&value).map_err(|error| format!("its {which} schema is none: {error}"))?;
    Ok((json, validator))
}

/// What holds values against a schema. Nothing is fetched for it.
pub(crate) fn validator(schema: &Value) -> Result<Validator, String> {
    jsonschema::options()
        .with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(BACKTRACK_LIMIT))
        .build(schema)
        .map_err(|error| error.to_string())
}

/// The mistakes in one sentence, each called a `part`. Values are not repeated: they may be large, and the caller has
/// them.
pub(crate) fn mistakes<'a>(errors: impl Iterator<Item = ValidationError<'a>>, part: &str) -> String {
    let mut said: Vec<String> = errors.take(MISTAKES + 1).flat_map(|error| mistake(&error, part)).collect();
    said.dedup();
    if said.len() > MISTAKES {
        said.truncate(MISTAKES);
        said.push("and more".to_owned());
    }
    said.join("; ")
}

fn mistake(error: &ValidationError<'_>, part: &str) -> Vec<String> {
    let path = error.instance_path().as_str().trim_start_matches('/');
    let inside = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            vec![format!("{part} {:?} is missing", inside(property.as_str().unwrap_or_default()))]
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            unexpected.iter().map(|name| format!("{part} {:?} is unknown", inside(name))).collect()
        }
        _ if path.is_empty() => vec![error.masked_with(format!("the {part}s")).to_string()],
        _ => vec![format!("{part} {path:?}: {}", error.masked_with("it"))],
    }
}
