//! The prompts, and completion of what they and the templates take.

use std::sync::atomic::Ordering::Relaxed;

use rmcp::{ErrorData, model::*};
use serde_json::Value;

use crate::{
    call::{form, required, usable},
    contents,
    fixture::Shared,
};

/// What an argument can be completed to.
const WORDS: [&str; 6] = ["paris", "park", "party", "testValue1", "testValue2", "1"];

/// The prompts as they are offered now.
pub(crate) fn offered(shared: &Shared) -> Vec<Prompt> {
    let mut prompts: Vec<Prompt> = contents::get("/prompts");
    if shared.changes.one_prompt_more.load(Relaxed) {
        prompts.push(Prompt::new("one_more", Some("Was not there before"), None));
    }
    prompts
}

pub(crate) fn get(request: &GetPromptRequestParams) -> Result<GetPromptResponse, ErrorData> {
    if request.name == "test_input_required_result_prompt" {
        let Some(answer) = usable(request.input_responses.as_ref(), "user_context") else {
            let question = form("What is it about?", "context");
            return Ok(required([("user_context", question)], None).into());
        };
        let about = answer["content"]["context"].as_str().unwrap_or("nothing");
        let message = PromptMessage::new_text(Role::User, format!("Tell me about {about}"));
        return Ok(GetPromptResult::new(vec![message]).into());
    }
    let Some(messages) = contents::find(&format!("/messages/{}", request.name)) else {
        return Err(ErrorData::invalid_params(format!("Unknown prompt: {}", request.name), None));
    };
    let mut messages = messages.to_string();
    for (name, value) in request.arguments.iter().flatten() {
        // Inside of a text: without its quotes, and with what has to be escaped.
        let value = Value::from(value.as_str().unwrap_or_default()).to_string();
        messages = messages.replace(&format!("{{{name}}}"), &value[1..value.len() - 1]);
    }
    let messages = serde_json::from_str(&messages).expect("contents.json holds messages");
    Ok(GetPromptResult::new(messages).into())
}

pub(crate) fn complete(request: &CompleteRequestParams) -> Result<CompleteResult, ErrorData> {
    let words = WORDS.iter().filter(|word| word.starts_with(&request.argument.value)).map(|word| (*word).to_owned());
    let completion = CompletionInfo::new(words.collect()).map_err(|error| ErrorData::internal_error(error, None))?;
    Ok(CompleteResult::new(completion))
}
