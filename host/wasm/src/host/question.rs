//! A question to the user: a form of flat members, as MCP's `elicitation/create` has it, and what answers it.

use gateway_core::payload::Json;
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::{
    convert,
    definitions::{mistakes, validator},
};

/// Members that one question may have: nobody fills larger forms.
const MOST_MEMBERS: usize = 64;

/// What the schema of the whole form may say (MCP `ElicitRequestFormParams.requestedSchema`).
const FORM: [&str; 6] = ["$schema", "additionalProperties", "properties", "required", "title", "type"];

/// What the schema of every member may say (MCP `PrimitiveSchemaDefinition`).
const COMMON: [&str; 4] = ["default", "description", "title", "type"];

/// One question.
#[derive(Debug)]
pub(super) struct Question {
    params: Json,
    answers: Validator,
}

impl Question {
    /// `schema` has to be one that clients can make a form of.
    pub(super) fn new(message: &str, schema: &str) -> Result<Self, String> {
        let schema: Value = serde_json::from_str(&convert::one_line(schema.to_owned()))
            .map_err(|error| format!("the schema of the question is no JSON: {error}"))?;
        check_form(&schema)?;
        let answers = validator(&schema).map_err(|error| format!("the schema of the question is none: {error}"))?;
        let params = Json::from_value(&json!({ "message": message, "requestedSchema": schema }));
        Ok(Self { params, answers })
    }

    /// The `params` of `elicitation/create`.
    pub(super) fn params(&self) -> Json {
        self.params.clone()
    }

    /// Whether what the user filled in is what was asked for.
    pub(super) fn check(&self, content: &Value) -> Result<(), String> {
        match self.answers.is_valid(content) {
            true => Ok(()),
            false => {
                let mistakes = mistakes(self.answers.iter_errors(content), "member");
                Err(format!("the client's answer is not what was asked for: {mistakes}"))
            }
        }
    }
}

fn check_form(schema: &Value) -> Result<(), String> {
    let form = schema.as_object().ok_or("the schema of the question is no JSON object")?;
    if form.get("type").and_then(Value::as_str) != Some("object") {
        return Err("the schema of the question is not one of objects: it needs \"type\": \"object\"".to_owned());
    }
    if let Some(odd) = unknown(form, &[&FORM]) {
        return Err(format!("the schema of the question has {odd:?}, which MCP's forms have not"));
    }
    let members = form.get("properties").and_then(Value::as_object);
    let members = members.ok_or("the schema of the question has no `properties`")?;
    if members.len() > MOST_MEMBERS {
        return Err(format!("the question has more than {MOST_MEMBERS} members"));
    }
    for (name, member) in members {
        check_member(member).map_err(|problem| format!("the question's member {name:?}: {problem}"))?;
    }
    let required = form.get("required").and_then(Value::as_array).into_iter().flatten();
    match required.filter_map(Value::as_str).find(|name| !members.contains_key(*name)) {
        Some(name) => Err(format!("the question requires the member {name:?}, which it does not have")),
        None => Ok(()),
    }
}

/// A text, a number, a boolean, or one or several of given texts.
fn check_member(member: &Value) -> Result<(), String> {
    let member = member.as_object().ok_or("its schema is no JSON object")?;
    let kind = member.get("type").and_then(Value::as_str);
    let further: &[&str] = match kind {
        Some("string") => &["enum", "enumNames", "format", "maxLength", "minLength", "oneOf", "pattern"],
        Some("number" | "integer") => &["format", "maximum", "minimum"],
        Some("boolean") => &[],
        Some("array") => &["items", "maxItems", "minItems", "uniqueItems"],
        _ => return Err("its type is none of string, number, integer, boolean and array of choices".to_owned()),
    };
    if let Some(odd) = unknown(member, &[&COMMON, further]) {
        return Err(format!("it has {odd:?}, which MCP's forms have not"));
    }
    if let Some(choices) = member.get("oneOf") {
        check_titled(choices)?;
    }
    if kind != Some("array") {
        return Ok(());
    }
    let items = member.get("items").and_then(Value::as_object).ok_or("it does not say what it is an array of")?;
    match (items.get("enum"), items.get("anyOf")) {
        (Some(_), None) if unknown(items, &[&["enum", "type"]]).is_none() => Ok(()),
        (None, Some(choices)) if unknown(items, &[&["anyOf"]]).is_none() => check_titled(choices),
        _ => Err("it is an array of something else than choices".to_owned()),
    }
}

/// Choices with names for people.
fn check_titled(choices: &Value) -> Result<(), String> {
    let is_choice = |choice: &Value| {
        let choice = choice.as_object().filter(|choice| unknown(choice, &[&["const", "title"]]).is_none());
        choice.and_then(|choice| choice.get("const")).is_some_and(Value::is_string)
    };
    match choices.as_array().is_some_and(|choices| choices.iter().all(is_choice)) {
        true => Ok(()),
        false => Err("a choice of it is no `const` with a `title`".to_owned()),
    }
}

fn unknown<'a>(schema: &'a Map<String, Value>, known: &[&[&str]]) -> Option<&'a str> {
    let is_known = |key: &str| known.iter().any(|keys| keys.contains(&key));
    schema.keys().map(String::as_str).find(|key| !is_known(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(properties: &Value) -> Result<Question, String> {
        Question::new("?", &json!({ "type": "object", "properties": properties }).to_string())
    }

    #[test]
    fn forms_are_flat() {
        for (member, fits) in [
            (json!({ "type": "string", "title": "T", "format": "email", "minLength": 1 }), true),
            (json!({ "type": "string", "enum": ["a"], "enumNames": ["A"], "default": "a" }), true),
            (json!({ "type": "string", "oneOf": [{ "const": "a", "title": "A" }] }), true),
            (json!({ "type": "integer", "minimum": 0, "format": "uint32" }), true),
            (json!({ "type": "boolean", "default": true }), true),
            (json!({ "type": "array", "items": { "type": "string", "enum": ["a"] }, "maxItems": 1 }), true),
            (json!({ "type": "array", "items": { "anyOf": [{ "const": "a", "title": "A" }] } }), true),
            (json!({ "type": "array", "items": { "type": "string" } }), false),
            (json!({ "type": "array" }), false),
            (json!({ "type": "object", "properties": {} }), false),
            (json!({ "type": ["string", "null"] }), false),
            (json!({ "type": "null" }), false),
            (json!({ "$ref": "#/$defs/x" }), false),
            (json!({ "type": "string", "oneOf": [{ "type": "object" }] }), false),
            (json!({ "type": "string", "allOf": [] }), false),
            (json!({ "type": "string", "pattern": "(" }), false),
            (json!("string"), false),
        ] {
            assert_eq!(asked(&json!({ "m": member })).is_ok(), fits, "{member}");
        }
        let many: Map<String, Value> = (0..65).map(|at| (at.to_string(), json!({ "type": "boolean" }))).collect();
        assert!(asked(&Value::Object(many)).unwrap_err().contains("more than 64"));
    }

    #[test]
    fn other_schemas_are_no_forms() {
        for (schema, said) in [
            ("{", "is no JSON: "),
            ("[]", "no JSON object"),
            (r#"{"type":"string"}"#, r#"it needs "type": "object""#),
            (r#"{"type":"object"}"#, "no `properties`"),
            (r#"{"type":"object","properties":{},"required":["a"]}"#, r#"requires the member "a""#),
            (r#"{"type":"object","properties":{},"$defs":{}}"#, r#"has "$defs""#),
        ] {
            let error = Question::new("?", schema).unwrap_err();
            assert!(error.contains(said), "{schema}: {error}");
        }
    }

    #[test]
    fn answers_are_held_against_the_question() {
        let question = asked(&json!({ "n": { "type": "integer", "maximum": 3 } })).unwrap();
        assert_eq!(
            question.params().as_str(),
            r#"{"message":"?","requestedSchema":{"type":"object","properties":{"n":{"type":"integer","maximum":3}}}}"#
        );
        assert!(question.check(&json!({ "n": 3 })).is_ok());
        let error = question.check(&json!({ "n": 4 })).unwrap_err();
        assert!(error.starts_with(r#"the client's answer is not what was asked for: member "n": "#), "{error}");
    }
}
