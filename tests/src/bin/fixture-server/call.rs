//! A call, and what it can do with its client.

use std::collections::BTreeMap;

use rmcp::{ErrorData, RoleServer, model::*, service::RequestContext};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{contents, fixture::Fixture};

/// A call of a tool.
pub(crate) struct Call<'a> {
    pub(crate) fixture: &'a Fixture,
    pub(crate) request: CallToolRequestParams,
    pub(crate) context: RequestContext<RoleServer>,
}

/// Why a call ends without its result.
pub(crate) enum Stop {
    /// The client has to say something first, and then to call again.
    Input(Box<InputRequiredResult>),
    /// The tool failed.
    Failed(String),
    /// The request failed.
    Error(ErrorData),
}

pub(crate) type Outcome = Result<CallToolResponse, Stop>;

impl From<ErrorData> for Stop {
    fn from(error: ErrorData) -> Self {
        Self::Error(error)
    }
}

/// A result of one text.
pub(crate) fn text(text: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text.into())])
}

impl Call<'_> {
    /// An argument that may be missing.
    pub(crate) fn optional<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Stop> {
        let Some(value) = self.request.arguments.as_ref().and_then(|arguments| arguments.get(name)) else {
            return Ok(None);
        };
        serde_json::from_value(value.clone())
            .map_err(|error| ErrorData::invalid_params(format!("{name}: {error}"), None).into())
    }

    /// An argument.
    pub(crate) fn argument<T: DeserializeOwned>(&self, name: &str) -> Result<T, Stop> {
        let missing = || ErrorData::invalid_params(format!("{name} is missing"), None).into();
        self.optional(name)?.ok_or_else(missing)
    }

    /// What the client can do.
    pub(crate) fn capabilities(&self) -> ClientCapabilities {
        self.context.client_capabilities().unwrap_or_default()
    }

    /// Whether the client is of a revision in which servers ask by ending the call.
    pub(crate) fn in_rounds(&self) -> bool {
        self.context.protocol_version().is_some_and(|version| !version.has_initialize())
    }

    /// Notifies of progress, where the client wants it.
    pub(crate) async fn progress(&self, done: u32, total: u32, message: &str) {
        if let Some(token) = self.context.meta.get_progress_token() {
            let progress = ProgressNotificationParam::new(token, f64::from(done))
                .with_total(f64::from(total))
                .with_message(message);
            let _ = self.context.peer.notify_progress(progress).await;
        }
    }

    /// Logs to the client, where it wants this level.
    pub(crate) async fn log(&self, level: LoggingLevel, message: &str) {
        let wanted = match self.in_rounds() {
            true => self.context.meta.log_level(),
            false => Some(*self.fixture.level.lock().unwrap()),
        };
        if wanted.is_some_and(|wanted| level as u8 >= wanted as u8) {
            let message = LoggingMessageNotificationParam::new(level, json!(message)).with_logger("fixture");
            let _ = self.context.peer.notify_logging_message(message).await;
        }
    }

    /// What the client answered in an earlier round.
    pub(crate) fn answered(&self, key: &str) -> Option<&Value> {
        usable(self.request.input_responses.as_ref(), key)
    }

    /// Asks the client, in the way of its revision.
    pub(crate) async fn ask(&self, key: &str, question: InputRequest) -> Result<Value, Stop> {
        if self.in_rounds() {
            return match self.answered(key) {
                Some(answer) => Ok(answer.clone()),
                None => Err(require([(key, question)], None)),
            };
        }
        let question = match question {
            InputRequest::CreateMessage(request) => ServerRequest::CreateMessageRequest(request),
            InputRequest::Elicitation(request) => ServerRequest::ElicitRequest(request),
            InputRequest::ListRoots(request) => ServerRequest::ListRootsRequest(request),
            _ => unreachable!("servers ask for nothing else"),
        };
        let answer = self.context.peer.send_request(question).await;
        let answer = answer.map_err(|error| Stop::Failed(format!("the client was asked in vain: {error}")))?;
        Ok(serde_json::to_value(answer).expect("an answer is JSON"))
    }
}

/// What the client answered in an earlier round: an object, or it is asked again.
pub(crate) fn usable<'a>(responses: Option<&'a InputResponses>, key: &str) -> Option<&'a Value> {
    responses?.get(key).filter(|answer| answer.is_object())
}

/// Ends the call until the client has answered.
pub(crate) fn require<const N: usize>(questions: [(&str, InputRequest); N], state: Option<String>) -> Stop {
    Stop::Input(Box::new(required(questions, state)))
}

/// The result that asks the client.
pub(crate) fn required<const N: usize>(
    questions: [(&str, InputRequest); N],
    state: Option<String>,
) -> InputRequiredResult {
    let questions: BTreeMap<_, _> = questions.map(|(key, question)| (key.to_owned(), question)).into();
    InputRequiredResult::new(Some(questions), state)
}

/// Asks the user to fill in a form of `contents.json`.
pub(crate) fn form(message: impl Into<String>, form: &str) -> InputRequest {
    InputRequest::Elicitation(ElicitRequest::new(ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: message.into(),
        requested_schema: contents::get(&format!("/forms/{form}")),
    }))
}

/// Asks the model.
pub(crate) fn sample(prompt: &str) -> InputRequest {
    let messages = vec![SamplingMessage::user_text(prompt)];
    InputRequest::CreateMessage(CreateMessageRequest::new(CreateMessageRequestParams::new(messages, 100)))
}

/// Asks for the roots.
pub(crate) fn roots() -> InputRequest {
    InputRequest::ListRoots(ListRootsRequest::default())
}
