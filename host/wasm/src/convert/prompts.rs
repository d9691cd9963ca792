//! Prompts: their definitions, what they are when they are filled, and what could be meant.

use gateway_core::payload::Json;
use serde::Serialize;

use super::write::{Block, block, content_size};
use crate::bindings::types::{Completion, PromptDefinition, PromptResult, Role};

/// Values that one answer may have (MCP `CompleteResult.completion`).
const MOST_VALUES: usize = 100;

/// MCP `Prompt`.
#[derive(Serialize)]
struct Prompt<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    arguments: Vec<PromptArgument<'a>>,
}

/// MCP `PromptArgument`.
#[derive(Serialize)]
struct PromptArgument<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    required: bool,
}

/// MCP `GetPromptResult`.
#[derive(Serialize)]
struct GetPromptResult<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    messages: Vec<Message<'a>>,
}

/// MCP `PromptMessage`.
#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Block<'a>,
}

/// MCP `CompleteResult`.
#[derive(Serialize)]
struct CompleteResult<'a> {
    completion: Values<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Values<'a> {
    values: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    has_more: Option<bool>,
}

/// A prompt as `prompts/list` shows it.
pub(crate) fn prompt_definition(prompt: &PromptDefinition) -> Json {
    let arguments = prompt.arguments.iter().map(|argument| PromptArgument {
        name: &argument.name,
        title: argument.title.as_deref(),
        description: argument.description.as_deref(),
        required: argument.required,
    });
    Json::from_value(&Prompt {
        name: &prompt.name,
        title: prompt.title.as_deref(),
        description: prompt.description.as_deref(),
        arguments: arguments.collect(),
    })
}

/// A filled prompt.
pub(crate) fn prompt_result(result: &PromptResult) -> Json {
    let messages = result.messages.iter().map(|message| Message {
        role: match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        },
        content: block(&message.content),
    });
    Json::from_value(&GetPromptResult { description: result.description.as_deref(), messages: messages.collect() })
}

/// How many bytes a filled prompt has for the limit.
pub(crate) fn prompt_size(result: &PromptResult) -> usize {
    let description = result.description.as_ref().map_or(0, String::len);
    result.messages.iter().map(|message| content_size(&message.content)).sum::<usize>() + description
}

/// What could be meant, as many of it as MCP allows.
pub(crate) fn completion(completion: &Completion) -> Json {
    let all = completion.values.len();
    let too_many = all > MOST_VALUES;
    let total = completion.total.map(u64::from).map(|total| total.max(all as u64));
    Json::from_value(&CompleteResult {
        completion: Values {
            values: &completion.values[..all.min(MOST_VALUES)],
            total: if too_many { total.or(Some(all as u64)) } else { total },
            has_more: if too_many { Some(true) } else { completion.has_more },
        },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::bindings::types::{self, Content, PromptMessage, TextContent};

    #[test]
    fn prompts_are_those_of_mcp() {
        let argument = types::PromptArgument {
            name: "who".to_owned(),
            title: None,
            description: Some("whom".to_owned()),
            required: true,
        };
        let prompt = PromptDefinition {
            name: "greet".to_owned(),
            title: Some("Greet".to_owned()),
            description: None,
            arguments: vec![argument],
        };
        assert_eq!(
            prompt_definition(&prompt).as_str(),
            r#"{"name":"greet","title":"Greet","arguments":[{"name":"who","description":"whom","required":true}]}"#
        );
        let text = |text: &str| Content::Text(TextContent { text: text.to_owned(), annotations: None });
        let result = PromptResult {
            description: None,
            messages: vec![
                PromptMessage { role: Role::User, content: text("hi") },
                PromptMessage { role: Role::Assistant, content: text("ho") },
            ],
        };
        let content = |text: &str| json!({ "type": "text", "text": text });
        assert_eq!(
            prompt_result(&result).to::<Value>().unwrap(),
            json!({ "messages": [{ "role": "user", "content": content("hi") },
                                 { "role": "assistant", "content": content("ho") }] })
        );
        assert_eq!(prompt_size(&result), 4);
    }

    #[test]
    fn no_more_values_than_mcp_allows() {
        let completed = |count: usize, total| {
            let values = (0..count).map(|at| at.to_string()).collect();
            completion(&Completion { values, total, has_more: None }).to::<Value>().unwrap()["completion"].take()
        };
        assert_eq!(completed(1, None), json!({ "values": ["0"] }));
        assert_eq!(completed(100, Some(7))["total"], 100);
        let many = completed(150, None);
        assert_eq!(many["values"].as_array().unwrap().len(), 100);
        assert_eq!((&many["total"], &many["hasMore"]), (&json!(150), &json!(true)));
    }
}
