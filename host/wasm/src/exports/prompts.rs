//! `gateway:plugin/prompts`.

use std::sync::Arc;

use gateway_core::{
    error::{CallError, Failure, FailureKind},
    payload::Reply,
};

use super::{Work, missing};
use crate::{
    answer,
    bindings::types::{Argument, PromptError, PromptResult},
    convert,
    guest::{Context, Live},
    permissions::Denial,
    trap::output_limit,
};

/// Has it fill a prompt.
pub(crate) struct GetPrompt {
    pub(crate) prompt: Arc<str>,
    pub(crate) arguments: Vec<Argument>,
}

impl Work for GetPrompt {
    type Output = Result<PromptResult, PromptError>;
    async fn run(self, live: &mut Live) -> wasmtime::Result<Self::Output> {
        let indices = live.code.exports.prompts.as_ref().ok_or_else(|| missing("prompts"))?;
        let prompts = indices.load(&mut live.store, &live.instance)?;
        prompts.call_get_prompt(&mut live.store, &self.prompt, &self.arguments).await
    }
}

/// The reply, checked. `denial` is what the plugin was denied last.
pub(crate) fn reply(
    context: &Context,
    prompt: &str,
    outcome: Result<PromptResult, PromptError>,
    denial: Option<Denial>,
) -> Result<Reply, CallError> {
    match outcome {
        Ok(result) if convert::prompt_size(&result) > context.limits.output_bytes() => {
            Err(output_limit(context).into())
        }
        Ok(result) => Ok(Reply { body: convert::prompt_result(&result) }),
        Err(PromptError::NotFound) => {
            let name = &context.name;
            let message = format!("plugin {name:?}: it lists the prompt {prompt:?}, and does not know it when asked");
            Err(Failure::new(FailureKind::Broken, message).into())
        }
        Err(error) => Err(refusal(context, &format!("prompt {prompt:?}"), error, denial)),
    }
}

/// What it says where it gives nothing.
pub(super) fn refusal(context: &Context, what: &str, error: PromptError, denial: Option<Denial>) -> CallError {
    match error {
        PromptError::InvalidArguments(text) | PromptError::Failed(text)
            if text.len() > context.limits.output_bytes() =>
        {
            output_limit(context).into()
        }
        PromptError::InvalidArguments(text) => CallError::InvalidParams(format!("{what}: {text}").into()),
        PromptError::Failed(text) => answer::failed(context, what, &text, denial).into(),
        PromptError::Cancelled => answer::cancelled(context).into(),
        PromptError::NotFound => CallError::InvalidParams(format!("{what} is unknown").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::tests::context;

    #[test]
    fn errors_have_kinds() {
        let error = |error| reply(&context(), "greet", Err(error), None).unwrap_err();
        assert!(matches!(
            error(PromptError::InvalidArguments("no such day".to_owned())),
            CallError::InvalidParams(text) if *text == *r#"prompt "greet": no such day"#
        ));
        let message = |of| error(of).to_string();
        assert_eq!(message(PromptError::Failed("no disk".to_owned())), r#"plugin "p": prompt "greet": no disk"#);
        assert!(message(PromptError::NotFound).contains("does not know it when asked"));
        assert!(message(PromptError::Cancelled).contains("cancelled"));
        assert!(message(PromptError::InvalidArguments("x".repeat(21))).contains("output limit"));
        let result = PromptResult { description: Some("x".repeat(21)), messages: Vec::new() };
        assert!(reply(&context(), "greet", Ok(result), None).is_err());
    }
}
