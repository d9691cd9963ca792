//! What a plugin may ask of the client and of whoever sits before it.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[cfg(target_family = "wasm")]
use crate::component::host as backend;
use crate::{CallError, arguments, schema};

/// What the user made of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elicited<T> {
    /// The answer.
    Accepted(T),
    /// Said no.
    Declined,
    /// Closed the question without an answer.
    Cancelled,
}

/// What the client's model said (MCP `CreateMessageResult`).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sampled {
    /// The model that answered.
    pub model: String,
    /// Why it stopped, such as `endTurn` or `maxTokens`.
    pub stop_reason: Option<String>,
    /// What it said: a content block of MCP, or a list of them.
    pub content: Value,
}

/// A place that the client works in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// Where it is, such as `file:///home/user/project`.
    pub uri: String,
    /// Its name for people.
    pub name: Option<String>,
}

/// Asks the user something (MCP `elicitation/create`). `message` says what for, the fields of `T` are what is asked:
/// texts, numbers, booleans and enumerations of such, each with its doc comment; an `Option` may be left empty. Needs
/// `elicitation` in the plugin's `permissions.client`. The time of the call stands still while the user thinks.
///
/// Outside of the gateway nobody is there to ask: [`CallError::Unsupported`].
///
/// ```
/// use gateway_sdk::schemars::JsonSchema;
/// use gateway_sdk::serde::Deserialize;
/// use gateway_sdk::{CallError, Elicited, elicit, tool};
///
/// #[derive(Deserialize, JsonSchema)]
/// #[serde(crate = "gateway_sdk::serde")]
/// #[schemars(crate = "gateway_sdk::schemars")]
/// struct Journey {
///     /// Where to.
///     city: String,
///     /// How many nights.
///     nights: Option<u8>,
/// }
///
/// /// Book a journey.
/// #[tool]
/// fn book() -> Result<String, CallError> {
///     Ok(match elicit::<Journey>("Where would you like to go?")? {
///         Elicited::Accepted(journey) => format!("booked {}", journey.city),
///         Elicited::Declined | Elicited::Cancelled => "nothing booked".to_owned(),
///     })
/// }
/// ```
///
/// # Errors
///
/// There is no answer, or it is no `T`; see [`CallError`].
pub fn elicit<T: DeserializeOwned + JsonSchema>(message: &str) -> Result<Elicited<T>, CallError> {
    elicit_with(message, &schema::of_form::<T>())
}

/// Asks the user something by a JSON Schema, for questions that are known only while the tool runs: that of an object
/// whose members are texts, numbers, booleans or enumerations. Otherwise as [`elicit`].
///
/// ```
/// use gateway_sdk::serde_json::{Value, json};
/// use gateway_sdk::{CallError, Elicited, elicit_with};
///
/// fn choose(files: &[&str]) -> Result<Elicited<Value>, CallError> {
///     let file = json!({ "type": "string", "enum": files });
///     let schema = json!({ "type": "object", "properties": { "file": file }, "required": ["file"] });
///     elicit_with("Which file?", &schema)
/// }
/// ```
///
/// # Errors
///
/// There is no answer, or it is no `T`; see [`CallError`].
pub fn elicit_with<T: DeserializeOwned>(message: &str, schema: &Value) -> Result<Elicited<T>, CallError> {
    let schema = serde_json::to_string(schema).map_err(|error| CallError::Failed(error.to_string()))?;
    match backend::elicit(message, &schema)? {
        Elicited::Accepted(json) => parsed(&json, "the user's answer").map(Elicited::Accepted),
        Elicited::Declined => Ok(Elicited::Declined),
        Elicited::Cancelled => Ok(Elicited::Cancelled),
    }
}

/// Asks the client's model (MCP `sampling/createMessage`). `request` makes the JSON object of that method's `params`.
/// Needs `sampling` in the plugin's `permissions.client`.
///
/// Outside of the gateway there is no model: [`CallError::Unsupported`].
///
/// ```
/// use gateway_sdk::serde_json::json;
/// use gateway_sdk::{CallError, sample, tool};
///
/// /// Say it shorter.
/// #[tool]
/// fn shorten(text: String) -> Result<String, CallError> {
///     let message = json!({ "role": "user", "content": { "type": "text", "text": format!("Shorten this: {text}") } });
///     let answer = sample(&json!({ "messages": [message], "maxTokens": 200 }))?;
///     Ok(answer.text())
/// }
/// ```
///
/// # Errors
///
/// There is no answer; see [`CallError`].
pub fn sample<R: Serialize + ?Sized>(request: &R) -> Result<Sampled, CallError> {
    let request = serde_json::to_string(request).map_err(|error| CallError::Failed(error.to_string()))?;
    parsed(&backend::sample(&request)?, "the model's answer")
}

/// Asks the client where it works (MCP `roots/list`). Needs `roots` in the plugin's `permissions.client`.
///
/// Outside of the gateway there is no client: [`CallError::Unsupported`].
///
/// ```
/// use gateway_sdk::{CallError, roots, tool};
///
/// /// Where the client works.
/// #[tool]
/// fn whereabouts() -> Result<String, CallError> {
///     Ok(roots()?.into_iter().map(|root| root.uri).collect::<Vec<_>>().join("\n"))
/// }
/// ```
///
/// # Errors
///
/// There is no answer; see [`CallError`].
pub fn roots() -> Result<Vec<Root>, CallError> {
    backend::roots()
}

fn parsed<T: DeserializeOwned>(json: &str, what: &str) -> Result<T, CallError> {
    arguments::parse(json).map_err(|error| CallError::Failed(format!("{what}: {error}")))
}

impl Sampled {
    /// All texts of what it said, one per line.
    #[must_use]
    pub fn text(&self) -> String {
        let blocks = self.content.as_array().map_or(std::slice::from_ref(&self.content), Vec::as_slice);
        let texts: Vec<&str> = blocks.iter().filter_map(|block| block.get("text")?.as_str()).collect();
        texts.join("\n")
    }
}

/// What stands in for the client where there is none, as in a unit test.
#[cfg(not(target_family = "wasm"))]
mod backend {
    use super::{Elicited, Root};
    use crate::CallError;

    fn nobody<T>(what: &str) -> Result<T, CallError> {
        Err(CallError::Unsupported(format!("{what}: there is nobody to ask outside of the gateway")))
    }

    pub(super) fn elicit(_: &str, _: &str) -> Result<Elicited<String>, CallError> {
        nobody("elicitation")
    }

    pub(super) fn sample(_: &str) -> Result<String, CallError> {
        nobody("sampling")
    }

    pub(super) fn roots() -> Result<Vec<Root>, CallError> {
        nobody("roots")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_model_said_is_read() {
        let one = r#"{"role":"assistant","model":"m","content":{"type":"text","text":"yes"}}"#;
        let sampled: Sampled = parsed(one, "answer").unwrap();
        assert_eq!((sampled.text().as_str(), sampled.stop_reason), ("yes", None));
        let several = r#"{"role":"assistant","model":"m","stopReason":"endTurn",
            "content":[{"type":"text","text":"a"},{"type":"image"},{"type":"text","text":"b"}]}"#;
        let sampled: Sampled = parsed(several, "answer").unwrap();
        assert_eq!((sampled.text().as_str(), sampled.stop_reason.as_deref()), ("a\nb", Some("endTurn")));
        let error = parsed::<Sampled>("{}", "the model's answer").unwrap_err();
        assert_eq!(error.to_string(), "the model's answer: missing field `model`");
    }

    #[test]
    fn nobody_answers_outside_of_the_gateway() {
        let error = roots().unwrap_err();
        assert_eq!(error, CallError::Unsupported("roots: there is nobody to ask outside of the gateway".to_owned()));
    }
}
