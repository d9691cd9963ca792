//! Prompts, and what they are filled with.

use std::{collections::HashMap, sync::Arc};

use gateway_core::{error::CallError, payload::Json};
use serde_json::Value;

use crate::{
    bindings::types::{Argument, PromptDefinition},
    convert,
};

/// One prompt.
#[derive(Debug)]
pub(crate) struct Prompt {
    pub(crate) name: Arc<str>,
    pub(super) json: Json,
    arguments: Box<[Slot]>,
}

/// Something that it can be filled with.
#[derive(Debug, serde::Deserialize)]
struct Slot {
    name: String,
    #[serde(default)]
    required: bool,
}

/// What is read of a definition.
#[derive(serde::Deserialize)]
struct Head {
    name: String,
    #[serde(default)]
    arguments: Vec<Slot>,
}

impl Prompt {
    pub(super) fn listed(prompt: &PromptDefinition) -> Result<Self, String> {
        for (at, argument) in prompt.arguments.iter().enumerate() {
            if argument.name.trim().is_empty() {
                return Err("it has an argument without a name".to_owned());
            }
            if prompt.arguments[..at].iter().any(|other| other.name == argument.name) {
                return Err(format!("it has the argument {:?} twice", argument.name));
            }
        }
        Self::read(convert::prompt_definition(prompt)).ok_or_else(|| "it cannot be written".to_owned())
    }

    /// From its definition as `prompts/list` shows it.
    pub(super) fn read(json: Json) -> Option<Self> {
        let head: Head = json.to().ok()?;
        Some(Self { name: head.name.into(), json, arguments: head.arguments.into() })
    }

    /// What to fill it with: the arguments of the request, in the order of the definition.
    pub(crate) fn fill(&self, arguments: Option<&Json>) -> Result<Vec<Argument>, CallError> {
        let mistake = |what: String| CallError::InvalidParams(format!("prompt {:?}: {what}", &*self.name).into());
        let given = arguments.map(Json::to::<HashMap<String, Value>>).transpose();
        let mut given = given.map_err(|error| mistake(error.to_string()))?.unwrap_or_default();
        let mut filled = Vec::with_capacity(given.len());
        for slot in &self.arguments {
            match given.remove(&slot.name) {
                Some(Value::String(value)) => filled.push(Argument { name: slot.name.clone(), value }),
                None if slot.required => return Err(mistake(format!("argument {:?} is missing", slot.name))),
                None => {}
                // MCP `GetPromptRequest.params.arguments`.
                Some(_) => return Err(mistake(format!("argument {:?} is no text", slot.name))),
            }
        }
        match given.keys().min() {
            None => Ok(filled),
            Some(unknown) => Err(mistake(format!("argument {unknown:?} is unknown"))),
        }
    }

    /// Whether it can be filled with an argument of that name.
    pub(crate) fn takes(&self, argument: &str) -> bool {
        self.arguments.iter().any(|slot| slot.name == argument)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::types::PromptArgument;

    fn listed(arguments: &[(&str, bool)]) -> Result<Prompt, String> {
        let argument = |(name, required): &(&str, bool)| PromptArgument {
            name: (*name).to_owned(),
            title: None,
            description: Some("what it is".to_owned()),
            required: *required,
        };
        let arguments = arguments.iter().map(argument).collect();
        Prompt::listed(&PromptDefinition { name: "p".to_owned(), title: None, description: None, arguments })
    }

    #[test]
    fn arguments_are_held_against_the_definition() {
        let prompt = listed(&[("who", true), ("how", false)]).unwrap();
        let fill = |text: &'static str| {
            let filled = prompt.fill(Some(&Json::parse(text).unwrap()));
            let said = |all: Vec<Argument>| all.iter().map(|one| format!("{}={};", one.name, one.value)).collect();
            filled.map(said).map_err(|error| error.to_string())
        };
        for (arguments, expected) in [
            (r#"{"who":"a"}"#, Ok("who=a;")),
            (r#"{"how":"b","who":""}"#, Ok("who=;how=b;")),
            (r#"{"how":"b"}"#, Err(r#"prompt "p": argument "who" is missing"#)),
            (r#"{"who":"a","why":"c"}"#, Err(r#"prompt "p": argument "why" is unknown"#)),
            (r#"{"who":1}"#, Err(r#"prompt "p": argument "who" is no text"#)),
        ] {
            let found: Result<String, String> = fill(arguments);
            assert_eq!(found.as_deref().map_err(String::as_str), expected, "{arguments}");
        }
        assert!(prompt.fill(None).is_err());
        assert!(prompt.takes("how") && !prompt.takes("why"));
    }

    #[test]
    fn bad_definitions_are_refused() {
        assert_eq!(listed(&[("", true)]).unwrap_err(), "it has an argument without a name");
        assert_eq!(listed(&[("a", true), ("a", false)]).unwrap_err(), r#"it has the argument "a" twice"#);
        assert_eq!(listed(&[]).unwrap().json.as_str(), r#"{"name":"p"}"#);
    }
}
