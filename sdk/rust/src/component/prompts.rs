//! The export `prompts`.

use super::bindings::prompts::exports::gateway::plugin::prompts::Guest;
use super::{Component, types};
use crate::plugin::Plugin;
use crate::prompts::{self, PromptArguments, PromptEntry, PromptFailure, PromptParameter};
use crate::{PromptMessage, PromptResult};

impl<P: Plugin> Guest for Component<P> {
    fn list_prompts() -> Vec<types::PromptDefinition> {
        P::PROMPTS.iter().map(Into::into).collect()
    }

    fn get_prompt(name: String, arguments: Vec<types::Argument>) -> Result<types::PromptResult, types::PromptError> {
        let arguments = arguments.into_iter().map(|argument| (argument.name, argument.value)).collect();
        let result = prompts::get(P::PROMPTS, &name, PromptArguments(arguments));
        result.map(Into::into).map_err(Into::into)
    }
}

impl From<&PromptEntry> for types::PromptDefinition {
    fn from(prompt: &PromptEntry) -> Self {
        Self {
            name: prompt.name.to_owned(),
            title: prompt.title.map(str::to_owned),
            description: Some(prompt.description.to_owned()),
            arguments: prompt.parameters.iter().map(Into::into).collect(),
        }
    }
}

impl From<&PromptParameter> for types::PromptArgument {
    fn from(parameter: &PromptParameter) -> Self {
        let description = (!parameter.description.is_empty()).then(|| parameter.description.to_owned());
        Self { name: parameter.name.to_owned(), title: None, description, required: parameter.required }
    }
}

impl From<PromptResult> for types::PromptResult {
    fn from(PromptResult { description, messages }: PromptResult) -> Self {
        Self { description, messages: messages.into_iter().map(Into::into).collect() }
    }
}

impl From<PromptMessage> for types::PromptMessage {
    fn from(PromptMessage { role, content }: PromptMessage) -> Self {
        Self { role: role.into(), content: content.into() }
    }
}

impl From<PromptFailure> for types::PromptError {
    fn from(failure: PromptFailure) -> Self {
        match failure {
            PromptFailure::NotFound => Self::NotFound,
            PromptFailure::InvalidArguments(why) => Self::InvalidArguments(why),
            PromptFailure::Failed(why) => Self::Failed(why),
        }
    }
}
