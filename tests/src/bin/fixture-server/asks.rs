//! Tools that ask the client: in the middle of the call, or in rounds where its revision knows no other way.

use serde_json::Value;

use crate::call::{Call, Outcome, form, roots, sample, text};

pub(crate) const TOOLS: [&str; 8] = [
    "ask_sampling",
    "ask_elicitation",
    "ask_roots",
    "test_sampling",
    "test_elicitation",
    "test_elicitation_sep1034_defaults",
    "test_elicitation_sep1330_enums",
    "test_streaming_elicitation",
];

pub(crate) async fn answer(call: &Call<'_>) -> Outcome {
    let name = call.request.name.as_ref();
    let said = match name {
        "ask_sampling" | "test_sampling" => {
            let answer = call.ask("sampled", sample(&call.argument::<String>("prompt")?)).await?;
            format!("LLM response: {}", sampled(&answer))
        }
        "ask_roots" => {
            let answer = call.ask("roots", roots()).await?;
            format!("roots: {}", answer["roots"])
        }
        "ask_elicitation" => {
            let answer = call.ask("filled_in", form(call.argument::<String>("message")?, "name")).await?;
            filled_in(&answer)
        }
        "test_elicitation" => {
            let answer = call.ask("filled_in", form(call.argument::<String>("message")?, name)).await?;
            filled_in(&answer)
        }
        "test_streaming_elicitation" => filled_in(&call.ask("filled_in", form("Provide a value", "value")).await?),
        _ => filled_in(&call.ask("filled_in", form("Please fill this in", name)).await?),
    };
    Ok(text(said).into())
}

/// The text that the model said; its content may be one block or several.
pub(crate) fn sampled(answer: &Value) -> &str {
    let content = &answer["content"];
    content.get(0).unwrap_or(content)["text"].as_str().unwrap_or("(no text)")
}

fn filled_in(answer: &Value) -> String {
    format!("User response: action={}, content={}", answer["action"].as_str().unwrap_or_default(), answer["content"])
}
