//! The export `completions`.

use super::bindings::completions::exports::gateway::plugin::completions::Guest;
use super::{Component, types};
use crate::completions::{self, Chosen, Completion};
use crate::plugin::Plugin;

impl<P: Plugin> Guest for Component<P> {
    fn complete_prompt(
        name: String,
        argument: types::Argument,
        context: Vec<types::Argument>,
    ) -> Result<types::Completion, types::PromptError> {
        let argument = (argument.name.as_str(), argument.value);
        let completion = completions::of_prompt(P::COMPLETIONS, P::PROMPTS, &name, argument, context.into());
        completion.map(Into::into).map_err(Into::into)
    }

    fn complete_resource(
        uri_template: String,
        argument: types::Argument,
        context: Vec<types::Argument>,
    ) -> Result<types::Completion, types::PromptError> {
        let argument = (argument.name.as_str(), argument.value);
        let completion =
            completions::of_template(P::COMPLETIONS, P::RESOURCES, &uri_template, argument, context.into());
        completion.map(Into::into).map_err(Into::into)
    }
}

impl From<Vec<types::Argument>> for Chosen {
    fn from(arguments: Vec<types::Argument>) -> Self {
        arguments.into_iter().map(|argument| (argument.name, argument.value)).collect()
    }
}

impl From<Completion> for types::Completion {
    fn from(Completion { values, total, has_more }: Completion) -> Self {
        Self { values, total, has_more }
    }
}
