//! Questions of a server that asks by ending the request (`input_required`, revision 2026-07-28), for clients that know
//! questions only in the middle of one.

use futures_util::future::join_all;
use gateway_core::{
    payload::Json,
    source::Client,
    wire::json::{Members, Object},
};

/// What a server wants to know before it goes on.
#[derive(Debug)]
pub(super) struct Round {
    questions: Vec<Question>,
    /// What the server wants to have back as it is.
    state: Option<Json>,
}

#[derive(Debug)]
struct Question {
    key: Box<str>,
    method: Box<str>,
    params: Option<Json>,
}

impl Round {
    /// What a result asks for; `None`: it asks for nothing, or not in a way that is known.
    pub(super) fn read(result: &Json) -> Option<Self> {
        let members = Members::read(result.as_bytes()).ok()?;
        let state = members.part(result.bytes(), "requestState");
        let Some(requests) = members.get("inputRequests") else {
            return state.map(|state| Self { questions: Vec::new(), state: Some(state) });
        };
        let mut questions = Vec::new();
        for (key, request) in Members::read(requests.get().as_bytes()).ok()?.iter() {
            let request = Members::read(request.get().as_bytes()).ok()?;
            let method: Box<str> = request.text("method")?.into();
            questions.push(Question { key: key.into(), method, params: request.part(result.bytes(), "params") });
        }
        Some(Self { questions, state })
    }
}

/// Asks the client everything at once, and gives what is to be sent along when the request is sent again.
///
/// # Errors
/// What the client does not answer. A server can be told of answers alone, so the request is over.
pub(super) async fn ask(round: &Round, client: &dyn Client) -> Result<Vec<(Box<str>, Json)>, String> {
    const ASKED: [&str; 3] = ["sampling/createMessage", "elicitation/create", "roots/list"];
    if let Some(odd) = round.questions.iter().find(|question| !ASKED.contains(&&*question.method)) {
        return Err(format!("no client is asked for {}", odd.method));
    }
    let asked = round.questions.iter().map(|question| client.ask(question.method.clone(), question.params.clone()));
    let mut responses = Object::with_capacity(256);
    for (question, answer) in round.questions.iter().zip(join_all(asked).await) {
        let answer = answer.map_err(|error| format!("{} was answered with an error: {error}", question.method))?;
        responses.raw(&question.key, answer.as_bytes());
    }
    let mut along = Vec::with_capacity(2);
    if !round.questions.is_empty() {
        along.push(("inputResponses".into(), responses.finish()));
    }
    along.extend(round.state.clone().map(|state| ("requestState".into(), state)));
    Ok(along)
}

#[cfg(test)]
mod tests {
    use gateway_core::source::Fut;
    use serde_json::{Value, json};

    use super::*;

    struct Answering;

    impl Client for Answering {
        fn progress(&self, _: &Json, _: &Json) {}
        fn ask(&self, method: Box<str>, params: Option<Json>) -> Fut<'_, Result<Json, Json>> {
            Box::pin(async move {
                match &*method {
                    "roots/list" => Err(Json::parse(r#"{"code":-1,"message":"no"}"#).unwrap()),
                    method => {
                        Ok(Json::from_value(&json!({ "to": method, "with": params.map(|json| json.to_string()) })))
                    }
                }
            })
        }
    }

    async fn answers(result: &Value) -> Option<Result<Value, String>> {
        let round = Round::read(&Json::from_value(result))?;
        let along = ask(&round, &Answering).await;
        Some(along.map(|along| {
            let along = along.into_iter().map(|(name, value)| (name.into(), value.to::<Value>().unwrap()));
            Value::Object(along.collect())
        }))
    }

    #[tokio::test]
    async fn all_is_asked_and_the_state_comes_back() {
        let asked = json!({ "resultType": "input_required", "requestState": "s",
            "inputRequests": { "a": { "method": "elicitation/create", "params": { "x": 1 } },
                               "b": { "method": "sampling/createMessage" } } });
        let along = answers(&asked).await.unwrap().unwrap();
        assert_eq!(along["requestState"], "s");
        assert_eq!(along["inputResponses"]["a"], json!({ "to": "elicitation/create", "with": "{\"x\":1}" }));
        assert_eq!(along["inputResponses"]["b"]["to"], "sampling/createMessage");
        let state = answers(&json!({ "requestState": "s" })).await.unwrap().unwrap();
        assert_eq!(state, json!({ "requestState": "s" }));
    }

    #[tokio::test]
    async fn what_is_not_answered_ends_the_request() {
        let asked = |method: &str| json!({ "inputRequests": { "a": { "method": method } } });
        assert!(answers(&asked("roots/list")).await.unwrap().unwrap_err().contains("\"message\":\"no\""));
        assert!(answers(&asked("tools/call")).await.unwrap().is_err());
        assert!(answers(&json!({ "resultType": "input_required" })).await.is_none());
        assert!(answers(&json!({ "inputRequests": [1] })).await.is_none());
    }
}
