//! What a plugin asks the client: its user, its model, where it works.
//!
//! The time of the call, and of those that it came from, stands still meanwhile; what the guest holds (its instance, its
//! place among the plugin's calls) it keeps.

use std::time::Duration;

use gateway_core::{call::MAX_QUESTIONS, payload::Json};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::question::Question;
use crate::{
    bindings::types::{CallError, Elicitation, Root},
    config::ClientAsk,
    convert,
    guest::Guest,
};

/// How long the client may take for an answer.
const PATIENCE: Duration = Duration::from_secs(600);

/// Bytes of all questions of one call.
const QUESTION_BYTES: usize = 1024 * 1024;

/// There is no such method (JSON-RPC 2.0).
const METHOD_NOT_FOUND: i64 = -32601;

/// MCP `ElicitResult`.
#[derive(Deserialize)]
struct ElicitResult {
    action: String,
    content: Option<Map<String, Value>>,
}

/// MCP `ListRootsResult`.
#[derive(Deserialize)]
struct ListRootsResult {
    roots: Vec<ReadRoot>,
}

#[derive(Deserialize)]
struct ReadRoot {
    uri: String,
    name: Option<String>,
}

impl Guest {
    pub(super) async fn ask_user(&mut self, message: String, schema: String) -> Result<Elicitation, CallError> {
        let question = Question::new(&message, &schema).map_err(CallError::Failed)?;
        let answer = self.ask(ClientAsk::Elicitation, Some(question.params())).await?;
        let result: ElicitResult = read(&answer)?;
        match result.action.as_str() {
            "accept" => {
                let content = Value::Object(result.content.unwrap_or_default());
                question.check(&content).map_err(CallError::Failed)?;
                Ok(Elicitation::Accept(content.to_string()))
            }
            "decline" => Ok(Elicitation::Decline),
            "cancel" => Ok(Elicitation::Cancel),
            other => Err(CallError::Failed(format!("the client answered with the action {other:?}"))),
        }
    }

    pub(super) async fn ask_model(&mut self, request: String) -> Result<String, CallError> {
        let params = sampling(request).map_err(CallError::Failed)?;
        let answer = self.ask(ClientAsk::Sampling, Some(params)).await?;
        match answer.is_object() {
            true => Ok(answer.as_str().to_owned()),
            false => Err(CallError::Failed("the client answered with what is no JSON object".to_owned())),
        }
    }

    pub(super) async fn ask_roots(&mut self) -> Result<Vec<Root>, CallError> {
        let answer = self.ask(ClientAsk::Roots, None).await?;
        let result: ListRootsResult = read(&answer)?;
        Ok(result.roots.into_iter().map(|ReadRoot { uri, name }| Root { uri, name }).collect())
    }

    /// Asks, if the plugin was granted that and the client can answer.
    async fn ask(&mut self, what: ClientAsk, params: Option<Json>) -> Result<Json, CallError> {
        let Some(call) = self.call.clone() else {
            return Err(CallError::Failed("the client is not asked while a plugin lists what it offers".to_owned()));
        };
        self.context.permissions.check_client(self.context.name.as_str(), what).map_err(|denial| {
            let text = format!("{}; {}", denial.message, denial.hint);
            self.control.note_denial(denial);
            CallError::Denied(text)
        })?;
        let (method, ability) = method(what);
        let offered = call.client().abilities().capabilities();
        offers(&offered, ability).map_err(CallError::Unsupported)?;
        self.reports.asked += params.as_ref().map_or(0, |params| params.as_bytes().len());
        if self.reports.asked > QUESTION_BYTES {
            return Err(CallError::Limit(format!("limit of {QUESTION_BYTES} bytes of questions reached")));
        }
        if !call.take_question() {
            return Err(CallError::Limit(format!("limit of {MAX_QUESTIONS} questions reached")));
        }
        let _held = call.clock().hold();
        let asked = tokio::time::timeout(PATIENCE, call.client().ask(method.into(), params));
        let answer = tokio::select! {
            answer = asked => answer,
            () = self.control.cancelled() => return Err(CallError::Cancelled),
        };
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(refused(&error)),
            Err(_) => Err(CallError::Limit(format!("the client did not answer within {} s", PATIENCE.as_secs()))),
        }
    }
}

fn method(what: ClientAsk) -> (&'static str, &'static str) {
    match what {
        ClientAsk::Elicitation => ("elicitation/create", "elicitation"),
        ClientAsk::Sampling => ("sampling/createMessage", "sampling"),
        ClientAsk::Roots => ("roots/list", "roots"),
    }
}

/// Whether a client of these capabilities can be asked; says why not. A client that says nothing of modes means forms
/// (MCP, "Elicitation", capabilities).
fn offers(capabilities: &Json, ability: &str) -> Result<(), String> {
    let capabilities: Map<String, Value> = capabilities.to().unwrap_or_default();
    match capabilities.get(ability) {
        None => Err(format!("the client does not offer {ability}")),
        Some(offered) if ability == "elicitation" && offered.get("form").is_none() && offered.get("url").is_some() => {
            Err("the client does not offer elicitation by forms".to_owned())
        }
        Some(_) => Ok(()),
    }
}

/// The `params` of `sampling/createMessage`, as far as they have to be right for any client.
fn sampling(request: String) -> Result<Json, String> {
    let json = Json::parse(convert::one_line(request)).map_err(|error| format!("the request is no JSON: {error}"))?;
    let mut params: Map<String, Value> = json.to().map_err(|_| "the request is no JSON object".to_owned())?;
    if !params.get("messages").is_some_and(Value::is_array) {
        return Err("the request has no array `messages`".to_owned());
    }
    if !params.get("maxTokens").is_some_and(Value::is_u64) {
        return Err("the request has no number `maxTokens`".to_owned());
    }
    // Who asks, and under which token, is said by the gateway; a task would be answered with its number.
    let lacked = params.remove("_meta").is_none() & params.remove("task").is_none();
    Ok(if lacked { json } else { Json::from_value(&params) })
}

fn read<T: for<'de> Deserialize<'de>>(answer: &Json) -> Result<T, CallError> {
    answer.to().map_err(|error| CallError::Failed(format!("the client's answer cannot be understood: {error}")))
}

/// What a plugin is told of the client's own error.
fn refused(error: &Json) -> CallError {
    let error: Value = error.to().unwrap_or_else(|_| json!({}));
    let message = error["message"].as_str().unwrap_or("the client answered with an error").to_owned();
    match error["code"].as_i64() {
        Some(METHOD_NOT_FOUND) => CallError::Unsupported(message),
        _ => CallError::Failed(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_say_what_they_can_be_asked() {
        let table = [
            (json!({}), "elicitation", false),
            (json!({ "sampling": {} }), "sampling", true),
            (json!({ "sampling": {} }), "roots", false),
            (json!({ "elicitation": {} }), "elicitation", true),
            (json!({ "elicitation": { "form": {}, "url": {} } }), "elicitation", true),
            (json!({ "elicitation": { "url": {} } }), "elicitation", false),
        ];
        for (capabilities, ability, expected) in table {
            assert_eq!(offers(&Json::from_value(&capabilities), ability).is_ok(), expected, "{capabilities} {ability}");
        }
    }

    #[test]
    fn requests_for_samples_are_looked_at() {
        let params = |value: Value| sampling(value.to_string()).map(|json| json.to::<Value>().unwrap());
        let right = json!({ "messages": [], "maxTokens": 5, "temperature": 0.5 });
        assert_eq!(params(right.clone()).unwrap(), right);
        assert!(sampling("{".to_owned()).unwrap_err().starts_with("the request is no JSON: "));
        assert_eq!(params(json!([])).unwrap_err(), "the request is no JSON object");
        assert!(params(json!({ "maxTokens": 5 })).unwrap_err().contains("messages"));
        assert!(params(json!({ "messages": [], "maxTokens": -5 })).unwrap_err().contains("maxTokens"));
        let more = json!({ "messages": [], "maxTokens": 5, "temperature": 0.5, "_meta": { "a": 1 }, "task": {} });
        assert_eq!(params(more).unwrap(), right);
    }

    #[test]
    fn errors_of_the_client_have_kinds() {
        let of = |value: &Value| refused(&Json::from_value(value));
        assert!(
            matches!(of(&json!({ "code": -32601, "message": "no" })), CallError::Unsupported(text) if text == "no")
        );
        assert!(matches!(of(&json!({ "code": -1, "message": "no" })), CallError::Failed(text) if text == "no"));
        assert!(matches!(of(&json!(1)), CallError::Failed(_)));
    }
}
