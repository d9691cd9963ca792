//! Holding arguments against a tool's schema before the tool is called, so that a mistake is answered with what would be
//! right.

use gateway_core::{
    error::{Failure, FailureKind},
    payload::Json,
};
use jsonschema::{PatternOptions, ValidationError, Validator, error::ValidationErrorKind};
use serde_json::{Map, Value, json};

/// Steps back that a pattern in a schema may take, so that no text holds the gateway for long.
const BACKTRACK_LIMIT: usize = 100_000;
/// Mistakes that one answer names.
const MISTAKES: usize = 8;
/// The longest schema that an answer repeats, in bytes.
const LONGEST_SCHEMA: usize = 4096;

/// Holds `arguments` against the `inputSchema` of `definition`. One that cannot be read says nothing: the tool will.
///
/// # Errors
/// What is missing, unknown or wrong, with the nearest name and the part of the schema that it is about.
pub fn check(tool: &str, definition: &Json, arguments: Option<&Json>) -> Result<(), Failure> {
    let Some(schema) = schema_of(definition) else { return Ok(()) };
    let Some(validator) = validator(&schema) else { return Ok(()) };
    let Ok(given) = arguments.map_or(Ok(json!({})), Json::to::<Value>) else { return Ok(()) };
    if validator.is_valid(&given) {
        return Ok(());
    }
    let known = schema.get("properties").and_then(Value::as_object);
    let given = given.as_object().cloned().unwrap_or_default();
    let mut mistakes = Mistakes { known, given: &given, said: Vec::new(), about: Vec::new() };
    let value = Value::Object(given.clone());
    for error in validator.iter_errors(&value).take(MISTAKES) {
        mistakes.add(&error);
    }
    let message = format!("tool {tool:?} was not called: {}", mistakes.said.join("; "));
    Err(Failure::new(FailureKind::Arguments, message).hint(format!("its schema says: {}", mistakes.part_of(&schema))))
}

fn schema_of(definition: &Json) -> Option<Value> {
    #[derive(serde::Deserialize)]
    struct Definition {
        #[serde(rename = "inputSchema")]
        schema: Value,
    }
    Some(definition.to::<Definition>().ok()?.schema)
}

/// Nothing is fetched for it. What a `format` is, every server decides for itself.
fn validator(schema: &Value) -> Option<Validator> {
    jsonschema::options()
        .should_validate_formats(false)
        .with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(BACKTRACK_LIMIT))
        .build(schema)
        .ok()
}

/// What is wrong, in words, and which properties it is about.
struct Mistakes<'a> {
    known: Option<&'a Map<String, Value>>,
    given: &'a Map<String, Value>,
    said: Vec<String>,
    about: Vec<String>,
}

impl Mistakes<'_> {
    /// Values are not repeated: they may be large, and the caller has them.
    fn add(&mut self, error: &ValidationError<'_>) {
        let path = error.instance_path().as_str().trim_start_matches('/').to_owned();
        let inside = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        match error.kind() {
            ValidationErrorKind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                let meant = self.given.keys().filter(|_| path.is_empty()).filter(|given| !self.knows(given));
                let meant = nearest(name, meant.map(String::as_str)).map(|given| format!(" ({given:?} was given)"));
                self.say(format!("argument {:?} is missing{}", inside(name), meant.unwrap_or_default()));
                self.about(&inside(name));
            }
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                for name in unexpected {
                    let known = self.known.filter(|_| path.is_empty()).into_iter().flat_map(Map::keys);
                    let meant = nearest(name, known.map(String::as_str)).map(str::to_owned);
                    if let Some(meant) = &meant {
                        self.about(meant);
                    }
                    let meant = meant.map(|meant| format!(": did you mean {meant:?}?"));
                    self.say(format!("argument {:?} is unknown{}", inside(name), meant.unwrap_or_default()));
                }
            }
            _ if path.is_empty() => self.say(error.masked_with("the arguments").to_string()),
            _ => {
                self.say(format!("argument {path:?}: {}", error.masked_with("it")));
                self.about(&path);
            }
        }
    }

    fn knows(&self, name: &str) -> bool {
        self.known.is_some_and(|known| known.contains_key(name))
    }

    fn say(&mut self, mistake: String) {
        if !self.said.contains(&mistake) {
            self.said.push(mistake);
        }
    }

    /// The property at the top that this is about.
    fn about(&mut self, path: &str) {
        let name = path.split('/').next().unwrap_or_default().to_owned();
        if self.knows(&name) && !self.about.contains(&name) {
            self.about.push(name);
        }
    }

    /// The part of the schema that the mistakes are about: as much as is of use, and no more than can be read.
    fn part_of(&self, schema: &Value) -> Value {
        let (whole, known) = (schema.to_string(), self.known.into_iter().flatten());
        let names = || json!({ "properties": known.clone().map(|(name, _)| name).collect::<Vec<_>>() });
        // What a reference leads to stands elsewhere in it.
        if self.about.is_empty() || whole.contains("\"$ref\"") {
            return if whole.len() <= LONGEST_SCHEMA { schema.clone() } else { names() };
        }
        let about = known.clone().filter(|(name, _)| self.about.contains(name));
        let about: Map<String, Value> = about.map(|(name, schema)| (name.clone(), schema.clone())).collect();
        let mut part = json!({ "properties": about });
        if let Some(required) = schema.get("required") {
            part["required"] = required.clone();
        }
        if part.to_string().len() <= LONGEST_SCHEMA { part } else { names() }
    }
}

/// The name that was most likely meant.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |name: &str| name.to_lowercase().replace(['_', '-'], "");
    let wanted = plain(name);
    let distance = |known: &str| {
        let known = plain(known);
        let part = known.len().min(wanted.len()) >= 3 && (known.contains(&wanted) || wanted.contains(&known));
        if part { 1 } else { strsim::damerau_levenshtein(&wanted, &known) }
    };
    let near = known.map(|known| (distance(known), known)).min()?;
    (near.0 <= wanted.chars().count().max(3) / 3).then_some(near.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r#"{ "name": "t", "inputSchema": { "type": "object", "additionalProperties": false,
        "properties": { "path": { "type": "string" }, "line_count": { "type": "integer" }, "tags": { "type": "array",
        "items": { "type": "string" } } }, "required": ["path"] } }"#;

    fn said(definition: &str, arguments: &str) -> Option<(String, String)> {
        let (definition, arguments) = (Json::parse(definition.to_owned()), Json::parse(arguments.to_owned()));
        let failure = check("t", &definition.unwrap(), Some(&arguments.unwrap())).err()?;
        Some((failure.message.into(), failure.hint.unwrap_or_default().into()))
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            (r#"{"path":"a"}"#, None),
            (r#"{"path":"a","tags":["b"],"line_count":3}"#, None),
            (r#"{}"#, Some("argument \"path\" is missing")),
            (
                r#"{"pth":"a"}"#,
                Some(
                    "argument \"pth\" is unknown: did you mean \"path\"?; argument \"path\" is missing (\"pth\" was given)",
                ),
            ),
            (r#"{"path":1}"#, Some("argument \"path\": it is not of type \"string\"")),
            (r#"{"path":"a","lineCount":3}"#, Some("argument \"lineCount\" is unknown: did you mean \"line_count\"?")),
            (r#"{"path":"a","tags":["b",2]}"#, Some("argument \"tags/1\": it is not of type \"string\"")),
            (r#"{"path":"a","zzz":0}"#, Some("argument \"zzz\" is unknown")),
        ];
        for (arguments, expected) in cases {
            let said = said(SCHEMA, arguments).map(|(message, _)| message);
            let expected = expected.map(|expected| format!("tool \"t\" was not called: {expected}"));
            assert_eq!(said, expected, "{arguments}");
        }
    }

    #[test]
    fn the_schema_is_shown_where_it_matters() {
        let (_, hint) = said(SCHEMA, r#"{"path":"a","line_count":"x"}"#).unwrap();
        assert_eq!(hint, r#"its schema says: {"properties":{"line_count":{"type":"integer"}},"required":["path"]}"#);
        let (_, hint) = said(SCHEMA, "{}").unwrap();
        assert!(hint.contains(r#""path":{"type":"string"}"#) && !hint.contains("tags"), "{hint}");
    }

    #[test]
    fn no_arguments_are_an_empty_object() {
        assert!(check("t", &Json::parse(SCHEMA).unwrap(), None).is_err());
        assert!(check("t", &Json::parse(r#"{"name":"t","inputSchema":{"type":"object"}}"#).unwrap(), None).is_ok());
    }

    #[test]
    fn what_cannot_be_judged_is_left_to_the_tool() {
        let elsewhere = r#"{"name":"t","inputSchema":{"$ref":"https://example.com/schema.json"}}"#;
        let broken = r#"{"name":"t","inputSchema":{"type":"strnig"}}"#;
        let formats = r#"{"name":"t","inputSchema":{"$schema":"http://json-schema.org/draft-07/schema#","type":"object",
            "properties":{"when":{"type":"string","format":"date-time"}}}}"#;
        for definition in [elsewhere, broken, formats, r#"{"name":"t"}"#] {
            assert_eq!(said(definition, r#"{"when":"tomorrow"}"#), None, "{definition}");
        }
    }

    #[test]
    fn values_are_not_repeated() {
        let (message, hint) = said(SCHEMA, r#"{"path":{"secret":"hunter2"},"line_count":"hunter2"}"#).unwrap();
        assert!(!message.contains("hunter2") && !hint.contains("hunter2"), "{message} {hint}");
    }
}
