//! Tools that end with `input_required` until they know what they need: rounds of 2026-07-28.

use std::sync::LazyLock;

use rmcp::{ErrorData, model::*};
use serde_json::{Value, json};

use crate::{
    asks::sampled,
    call::{Call, Outcome, Stop, form, require, roots, sample, text},
    tools::unknown,
};

static STATES: LazyLock<RequestStateCodec> =
    LazyLock::new(|| RequestStateCodec::new_unchecked(*b"whoever reads this may seal states of the fixture"));

pub(crate) async fn answer(call: &Call<'_>, kind: &str) -> Outcome {
    let said = match kind {
        "elicitation" => {
            let answer = call.ask("user_name", form("What is your name?", "name")).await?;
            format!("hello, {}", answer["content"]["name"].as_str().unwrap_or("nobody"))
        }
        "sampling" => {
            let answer = call.ask("capital_question", sample("What is the capital of France?")).await?;
            format!("the model said: {}", sampled(&answer))
        }
        "list_roots" => {
            let answer = call.ask("client_roots", roots()).await?;
            format!("the roots are {}", answer["roots"])
        }
        "request_state" | "tampered_state" => match opened(call)? {
            Some(_) => "state-ok".to_owned(),
            None => return Err(require([("confirm", form("Please confirm", "ok"))], Some(sealed(&json!("asked"))))),
        },
        "multiple_inputs" => {
            let state = opened(call)?;
            let keys = ["user_name", "greeting", "client_roots"];
            if state.is_none() || keys.iter().any(|key| call.answered(key).is_none()) {
                return Err(everything(Some(sealed(&json!("asked")))));
            }
            "all three are there".to_owned()
        }
        "multi_round" => {
            let round = opened(call)?.and_then(|state| state.as_u64()).unwrap_or_default();
            let question = match round {
                0 => ("step1", form("Step 1: what is your name?", "name")),
                1 => ("step2", form("Step 2: which colour do you like?", "color")),
                _ => return Ok(text("both rounds are done").into()),
            };
            return Err(require([question], Some(sealed(&json!(round + 1)))));
        }
        "capabilities" => return of_what_it_can(call),
        _ => return Err(unknown(&call.request.name).into()),
    };
    Ok(text(said).into())
}

/// Asks only for what the client has declared.
fn of_what_it_can(call: &Call<'_>) -> Outcome {
    let can = call.capabilities();
    let Stop::Input(mut required) = everything(None) else { unreachable!("it asks") };
    let Some(questions) = &mut required.input_requests else { unreachable!("it asks for three things") };
    questions.retain(|_, question| match question {
        InputRequest::CreateMessage(_) => can.sampling.is_some(),
        InputRequest::Elicitation(_) => can.elicitation.is_some(),
        _ => can.roots.is_some(),
    });
    if call.request.input_responses.is_some() || questions.is_empty() {
        return Ok(text("nothing is left to ask").into());
    }
    Err(Stop::Input(required))
}

fn everything(state: Option<String>) -> Stop {
    let questions = [
        ("user_name", form("What is your name?", "name")),
        ("greeting", sample("Say hello")),
        ("client_roots", roots()),
    ];
    require(questions, state)
}

fn sealed(state: &Value) -> String {
    STATES.seal_json(state).expect("JSON can be sealed")
}

/// The state that the client gave back, where nobody has changed it.
fn opened(call: &Call<'_>) -> Result<Option<Value>, ErrorData> {
    let state = call.request.request_state.as_deref().map(|sealed| STATES.open_json(sealed)).transpose();
    state.map_err(|_| ErrorData::invalid_params("requestState is not as it was given", None))
}
