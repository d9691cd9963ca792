//! `gateway:plugin/completions`.

use std::{collections::BTreeMap, sync::Arc};

use gateway_core::{
    error::CallError,
    payload::{Json, Reply, Request},
};
use serde::de::DeserializeOwned;

use super::{Work, prompts};
use crate::{
    bindings::types::{Argument, Completion, PromptError},
    convert,
    guest::{Context, Live},
    permissions::Denial,
    trap::output_limit,
};

/// Whose argument is completed.
#[derive(Debug, Clone)]
pub(crate) enum Of {
    /// The prompt's of that name.
    Prompt(Arc<str>),
    /// That template's.
    Template(Arc<str>),
}

/// Has it complete an argument.
#[derive(Debug)]
pub(crate) struct Complete {
    pub(crate) of: Of,
    pub(crate) argument: Argument,
    context: Vec<Argument>,
}

/// `completion/complete` as far as it is about the argument (MCP `CompleteRequest.params`).
#[derive(serde::Deserialize)]
struct Typed {
    name: String,
    value: String,
}

#[derive(Default, serde::Deserialize)]
struct Chosen {
    #[serde(default)]
    arguments: BTreeMap<String, String>,
}

impl Complete {
    /// What a request asks for.
    pub(crate) fn read(of: Of, request: &Request) -> Result<Self, CallError> {
        let member = |name: &str| request.rest.iter().find(|(key, _)| **key == *name).map(|(_, value)| value);
        let argument = member("argument").ok_or_else(|| invalid("`argument` is missing"))?;
        let Typed { name, value } = read("argument", argument)?;
        let chosen: Chosen = member("context").map(|context| read("context", context)).transpose()?.unwrap_or_default();
        let context = chosen.arguments.into_iter().map(|(name, value)| Argument { name, value }).collect();
        Ok(Self { of, argument: Argument { name, value }, context })
    }
}

fn read<T: DeserializeOwned>(what: &str, json: &Json) -> Result<T, CallError> {
    json.to().map_err(|error| invalid(&format!("`{what}` cannot be read: {error}")))
}

fn invalid(message: &str) -> CallError {
    CallError::InvalidParams(message.into())
}

impl Work for Complete {
    type Output = Result<Completion, PromptError>;
    async fn run(self, live: &mut Live) -> wasmtime::Result<Self::Output> {
        let code = live.code.clone();
        let Some(indices) = &code.exports.completions else { return Err(super::missing("completions")) };
        let completions = indices.load(&mut live.store, &live.instance)?;
        let Self { of, argument, context } = self;
        match of {
            Of::Prompt(name) => completions.call_complete_prompt(&mut live.store, &name, &argument, &context).await,
            Of::Template(uri) => completions.call_complete_resource(&mut live.store, &uri, &argument, &context).await,
        }
    }
}

/// The reply, checked. `denial` is what the plugin was denied last.
pub(crate) fn reply(
    context: &Context,
    of: &Of,
    outcome: Result<Completion, PromptError>,
    denial: Option<Denial>,
) -> Result<Reply, CallError> {
    match outcome {
        Ok(found) if found.values.iter().map(String::len).sum::<usize>() > context.limits.output_bytes() => {
            Err(output_limit(context).into())
        }
        Ok(found) => Ok(Reply { body: convert::completion(&found) }),
        // It has this prompt or template, and nothing to say about it.
        Err(PromptError::NotFound) => Ok(nothing()),
        Err(error) => Err(prompts::refusal(context, &of.spoken(), error, denial)),
    }
}

/// The reply of a plugin that completes nothing.
pub(crate) fn nothing() -> Reply {
    Reply { body: convert::completion(&Completion { values: Vec::new(), total: None, has_more: None }) }
}

impl Of {
    /// As messages name it.
    pub(crate) fn spoken(&self) -> String {
        match self {
            Self::Prompt(name) => format!("prompt {name:?}"),
            Self::Template(uri) => format!("template {uri:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use gateway_core::payload::Op;
    use serde_json::{Value, json};

    use super::*;
    use crate::answer::tests::context;

    fn read(rest: &Value) -> Result<Complete, String> {
        let rest =
            rest.as_object().unwrap().iter().map(|(name, value)| (name.as_str().into(), Json::from_value(value)));
        let request = Request { rest: rest.collect(), op: Op::CompletePrompt, ..Request::new("p".into(), None) };
        Complete::read(Of::Prompt("p".into()), &request).map_err(|error| error.to_string())
    }

    #[test]
    fn requests_are_read() {
        let argument = json!({ "name": "day", "value": "mo" });
        let found = read(&json!({ "argument": argument, "context": { "arguments": { "b": "2", "a": "1" } } })).unwrap();
        assert_eq!((&*found.argument.name, &*found.argument.value), ("day", "mo"));
        assert_eq!(found.context.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert!(read(&json!({ "argument": argument })).unwrap().context.is_empty());
        assert_eq!(read(&json!({})).unwrap_err(), "`argument` is missing");
        assert!(read(&json!({ "argument": { "name": 1 } })).unwrap_err().starts_with("`argument` cannot be read"));
        let context = json!({ "argument": argument, "context": { "arguments": { "a": 1 } } });
        assert!(read(&context).unwrap_err().starts_with("`context` cannot be read"));
    }

    #[test]
    fn what_is_not_known_is_completed_with_nothing() {
        let of = Of::Template("x:/{a}".into());
        let reply = |outcome| reply(&context(), &of, outcome, None).map(|reply| reply.body.to_string());
        assert_eq!(reply(Err(PromptError::NotFound)).unwrap(), r#"{"completion":{"values":[]}}"#);
        let long = Completion { values: vec!["x".repeat(21)], total: None, has_more: None };
        assert!(reply(Ok(long)).is_err());
        let wrong = reply(Err(PromptError::InvalidArguments("no".to_owned()))).unwrap_err();
        assert_eq!(wrong.to_string(), r#"template "x:/{a}": no"#);
    }
}
