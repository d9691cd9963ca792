//! Tools: what they are called with, and what they promise to give.

use std::sync::{Arc, OnceLock};

use gateway_core::{
    error::{Failure, FailureKind},
    payload::Json,
};
use jsonschema::Validator;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::schema::{mistakes, object_schema, validator};
use crate::{bindings::types::ToolDefinition, convert};

/// One tool.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) name: Arc<str>,
    pub(super) json: Json,
    /// Made when the tool is first called.
    arguments: OnceLock<Option<Validator>>,
    /// The same for structured content; none where it promised none.
    structured: Option<OnceLock<Option<Validator>>>,
}

/// What is read of a remembered definition at once.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    name: String,
    #[serde(rename = "inputSchema")]
    _has_input_schema: IgnoredAny,
    output_schema: Option<IgnoredAny>,
}

/// What is read of it when the tool is first called.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Schemas {
    input_schema: Value,
    output_schema: Option<Value>,
}

impl Definition {
    pub(super) fn listed(tool: &ToolDefinition) -> Result<Self, String> {
        let (input, arguments) = object_schema("input", &tool.input_schema)?;
        let output = tool.output_schema.as_deref().map(|schema| object_schema("output", schema)).transpose()?;
        let (output, structured) = output.unzip();
        let json = convert::definition(tool, &input, output.as_ref()).map_err(|error| error.to_string())?;
        Ok(Self {
            name: tool.name.as_str().into(),
            json,
            arguments: OnceLock::from(Some(arguments)),
            structured: structured.map(|structured| OnceLock::from(Some(structured))),
        })
    }

    pub(super) fn remembered(json: Json) -> Option<Self> {
        let head: Head = json.to().ok()?;
        let structured = head.output_schema.map(|_| OnceLock::new());
        Some(Self { name: head.name.into(), json, arguments: OnceLock::new(), structured })
    }

    /// The arguments to call it with: those of the request, or none, if they fit the schema.
    pub(crate) fn check(&self, arguments: Option<Json>) -> Result<Json, Failure> {
        let mistake = |what: String| Failure::new(FailureKind::Arguments, format!("tool {:?}: {what}", &*self.name));
        let arguments = arguments.unwrap_or(Json::empty_object());
        if !arguments.is_object() {
            return Err(mistake("the arguments are no JSON object".to_owned()));
        }
        let value: Value = arguments.to().map_err(|error| mistake(format!("the arguments cannot be read: {error}")))?;
        let validator = self.validator(&self.arguments, |schemas| Some(schemas.input_schema));
        match validator {
            Some(validator) if !validator.is_valid(&value) => {
                Err(mistake(mistakes(validator.iter_errors(&value), "argument")))
            }
            _ => Ok(arguments),
        }
    }

    /// Whether it promised structured content.
    pub(crate) fn is_structured(&self) -> bool {
        self.structured.is_some()
    }

    /// Holds structured content against what the tool promised; says what is wrong.
    pub(crate) fn check_structured(&self, structured: &Json) -> Result<(), String> {
        let Some(promise) = &self.structured else { return Ok(()) };
        let value: Value = structured.to().map_err(|error| error.to_string())?;
        match self.validator(promise, |schemas| schemas.output_schema) {
            Some(validator) if !validator.is_valid(&value) => Err(mistakes(validator.iter_errors(&value), "member")),
            _ => Ok(()),
        }
    }

    /// `None` where a remembered schema is no schema any more, after an update of the gateway: then the plugin checks
    /// alone.
    fn validator<'a>(
        &self,
        made: &'a OnceLock<Option<Validator>>,
        schema: fn(Schemas) -> Option<Value>,
    ) -> Option<&'a Validator> {
        made.get_or_init(|| validator(&schema(self.json.to().ok()?)?).ok()).as_ref()
    }
}

#[cfg(test)]
mod tests {
    use gateway_core::name::SourceName;

    use super::*;
    use crate::definitions::{Definitions, Listing};

    const SCHEMA: &str = r#"{
        "type": "object",
        "properties": {
            "a": { "type": "number" },
            "mode": { "enum": ["x", "y"] },
            "deep": { "type": "object", "required": ["z"], "properties": { "z": { "type": "integer", "minimum": 1 } } },
            "word": { "type": "string", "pattern": "^(a+)+$" }
        },
        "required": ["a"],
        "additionalProperties": false
    }"#;

    fn tool(name: &str, input: &str, output: Option<&str>) -> ToolDefinition {
        ToolDefinition {
            name: name.to_owned(),
            title: None,
            description: None,
            input_schema: input.to_owned(),
            output_schema: output.map(ToOwned::to_owned),
            annotations: None,
        }
    }

    fn listed(tools: &[ToolDefinition]) -> Result<Definitions, String> {
        let listing = Listing { tools: tools.to_vec(), ..Listing::default() };
        Definitions::listed(&SourceName::new("p").unwrap(), &listing).map_err(|failure| failure.to_string())
    }

    fn check(definition: &Definition, arguments: &'static str) -> Result<String, String> {
        let json = (!arguments.is_empty()).then(|| Json::parse(arguments).unwrap());
        definition.check(json).map(|json| json.to_string()).map_err(|failure| failure.to_string())
    }

    #[test]
    fn arguments_are_held_against_the_schema() {
        let first = listed(&[tool("t", SCHEMA, None)]).unwrap();
        let again = Definitions::remembered(&first.json()).unwrap();
        let table = [
            (r#"{"a": 1.50}"#, None),
            ("", Some(r#"tool "t": argument "a" is missing"#)),
            ("[1]", Some(r#"tool "t": the arguments are no JSON object"#)),
            (r#"{"a":1,"b":2}"#, Some(r#"tool "t": argument "b" is unknown"#)),
            (r#"{"a":"1"}"#, Some(r#"tool "t": argument "a": it is not of type "number""#)),
            (r#"{"a":1,"deep":{}}"#, Some(r#"tool "t": argument "deep/z" is missing"#)),
            (r#"{"a":1,"deep":{"z":0}}"#, Some(r#"tool "t": argument "deep/z": it is less than the minimum of 1"#)),
            (r#"{"a":1,"mode":"z"}"#, Some(r#"tool "t": argument "mode": it is not one of "x" or "y""#)),
            (r#"{"mode":1,"b":2}"#, Some("; ")),
        ];
        for definitions in [first, again] {
            let definition = definitions.find("t").unwrap();
            for (arguments, mistake) in table {
                match (check(definition, arguments), mistake) {
                    (Ok(passed), None) => assert_eq!(passed, arguments),
                    (Err(said), Some("; ")) => assert_eq!(said.matches("; ").count(), 2, "{said}"),
                    (found, expected) => assert_eq!(found.err().as_deref(), expected, "{arguments}"),
                }
            }
        }
    }

    #[test]
    fn patterns_cannot_hold_a_worker() {
        let definitions = listed(&[tool("t", SCHEMA, None)]).unwrap();
        let arguments = format!(r#"{{"a":1,"word":"{}b"}}"#, "a".repeat(5000));
        let json = Json::parse(arguments).unwrap();
        assert!(definitions.find("t").unwrap().check(Some(json)).is_err());
    }

    #[test]
    fn bad_lists_are_refused() {
        const OBJECT: &str = r#"{"type":"object"}"#;
        let error = |tools: &[ToolDefinition]| listed(tools).unwrap_err();
        let twice = [tool("t", OBJECT, None), tool("t", OBJECT, None)];
        assert_eq!(error(&twice), r#"plugin "p": it lists the tool "t" twice"#);
        assert_eq!(error(&[tool(" ", OBJECT, None)]), r#"plugin "p": it lists a tool without a name"#);
        let input = |schema| error(&[tool("t", schema, None)]);
        assert!(input("{").starts_with(r#"plugin "p": tool "t": its input schema is no JSON: EOF"#));
        assert!(input("{}").contains(r#"its input schema is not one of objects: it needs "type": "object""#));
        assert!(input("[]").contains("not one of objects"));
        assert!(input(r#"{"type":"object","required":1}"#).contains("its input schema is none"));
        assert!(input(r#"{"type":"object","$ref":"https://example.com/x"}"#).contains("its input schema is none"));
        assert!(error(&[tool("t", OBJECT, Some("true"))]).contains("its output schema is not one of objects"));
        assert!(listed(&[]).is_ok());
    }

    #[test]
    fn definitions_are_shown_on_one_line() {
        let definitions = listed(&[tool("t", SCHEMA, Some("{\n\"type\":\"object\"}"))]).unwrap();
        let shown = &definitions.offer().tools.as_ref().unwrap()[0];
        assert!(!shown.definition.as_str().contains('\n'));
        assert!(definitions.find("t").unwrap().is_structured());
    }
}
