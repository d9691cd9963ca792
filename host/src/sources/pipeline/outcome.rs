//! What a step gave, and what a pipeline gives.

use gateway_core::{
    error::CallError,
    payload::{Json, Reply},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};

use super::{
    plan::Plan,
    template::{Field, items, member, plain},
};
use crate::results;

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Ok,
    Error,
    Skipped,
}

/// What a step gave.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) id: String,
    pub(super) status: Status,
    /// The results of its calls, each as MCP has it; of a loop, `None` for what was not begun.
    results: Vec<Option<Json>>,
    is_loop: bool,
}

impl Outcome {
    pub(super) fn skipped(id: &str) -> Self {
        Self { id: id.to_owned(), status: Status::Skipped, results: Vec::new(), is_loop: false }
    }

    /// Of a single call.
    pub(super) fn of(id: &str, reply: Reply) -> Self {
        let status = if reply.is_error() { Status::Error } else { Status::Ok };
        Self { id: id.to_owned(), status, results: vec![Some(reply.body)], is_loop: false }
    }

    /// Of a loop.
    pub(super) fn of_each(id: &str, replies: Vec<Option<Reply>>) -> Self {
        let failed = replies.iter().any(|reply| reply.as_ref().is_none_or(Reply::is_error));
        let results = replies.into_iter().map(|reply| reply.map(|reply| reply.body)).collect();
        Self { id: id.to_owned(), status: if failed { Status::Error } else { Status::Ok }, results, is_loop: true }
    }

    /// What later steps refer to.
    pub(super) fn field(&self, field: Field) -> Option<Json> {
        if field == Field::Status {
            return Some(Json::from_value(&self.status));
        }
        let ran = self.results.iter().flatten();
        match (field, self.is_loop) {
            (Field::Text, _) if self.status != Status::Skipped => {
                Some(Json::from_value(&ran.map(text).collect::<Vec<_>>().join("\n")))
            }
            (Field::Structured, false) => structured(ran.last()?),
            (Field::Result, false) => ran.last().cloned(),
            (Field::Structured, true) => Some(list(self.results.iter().map(|result| structured(result.as_ref()?)))),
            (Field::Result, true) => Some(list(self.results.iter().cloned())),
            _ => None,
        }
    }

    /// What its failing calls say.
    fn complaint(&self) -> String {
        let failing = self.results.iter().flatten().filter(|body| Reply { body: (*body).clone() }.is_error());
        failing.map(text).collect::<Vec<_>>().join("\n")
    }

    fn content(&self) -> Vec<Json> {
        self.results
            .iter()
            .flatten()
            .flat_map(|result| member(result, "content").and_then(|list| items(&list)))
            .flatten()
            .collect()
    }
}

/// The result that says why a call gave none.
pub(super) fn refusal(error: &CallError) -> Reply {
    #[derive(Deserialize)]
    struct Said {
        message: String,
    }
    let text = match error {
        CallError::Failed(failure) => return Reply { body: results::failed(failure) },
        CallError::Backend(error) => error.to::<Said>().map_or_else(|_| error.to_string(), |said| said.message),
        other => other.to_string(),
    };
    Reply { body: Json::from_value(&json!({ "content": [{ "type": "text", "text": text }], "isError": true })) }
}

/// The texts of a result.
fn text(result: &Json) -> String {
    let parts = member(result, "content").and_then(|list| items(&list)).unwrap_or_default();
    let text = |part: &Json| member(part, "text").as_ref().map(plain);
    parts.iter().filter_map(text).collect::<Vec<_>>().join("\n")
}

/// The structured content of a result; its text where that is JSON.
fn structured(result: &Json) -> Option<Json> {
    member(result, "structuredContent").or_else(|| Json::parse(text(result)).ok())
}

fn list(items: impl Iterator<Item = Option<Json>>) -> Json {
    let items: Vec<String> =
        items.map(|item| item.map_or_else(|| "null".to_owned(), |item| item.to_string())).collect();
    Json::parse(format!("[{}]", items.join(","))).unwrap_or(Json::empty_object())
}

/// The result of a pipeline: all steps, and the content of the last one that ran; or what failed.
pub(super) fn report(plan: &Plan, outcomes: &[Outcome], failed: bool) -> Reply {
    #[derive(Serialize)]
    struct Shown<'a> {
        id: &'a str,
        status: Status,
        result: Option<Box<RawValue>>,
    }
    #[derive(Serialize)]
    struct Steps<'a> {
        steps: Vec<Shown<'a>>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Report<'a> {
        content: Vec<Box<RawValue>>,
        structured_content: Steps<'a>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    }
    let shown = |outcome: &'_ Outcome| outcome.field(Field::Result).as_ref().and_then(raw);
    let steps =
        outcomes.iter().map(|outcome| Shown { id: &outcome.id, status: outcome.status, result: shown(outcome) });
    let structured_content = Steps { steps: steps.collect() };
    let content = if failed { vec![said(&complaint(outcomes))] } else { last(plan, outcomes) };
    let content = content.iter().filter_map(raw).collect();
    Reply { body: Json::from_value(&Report { content, structured_content, is_error: failed }) }
}

/// What the last step gave that ran: of a group, what all in it gave.
fn last(plan: &Plan, outcomes: &[Outcome]) -> Vec<Json> {
    let ran = |id: &str| outcomes.iter().find(|outcome| outcome.id == id && outcome.status != Status::Skipped);
    let of_step = plan.steps.iter().rev().map(|step| {
        let tools = step.tools();
        tools.into_iter().filter_map(|(_, tool)| ran(&tool.id)).collect::<Vec<_>>()
    });
    match of_step.into_iter().find(|ran| !ran.is_empty()) {
        Some(ran) => ran.into_iter().flat_map(Outcome::content).collect(),
        None => vec![said("no step ran: the condition of none was true")],
    }
}

fn complaint(outcomes: &[Outcome]) -> String {
    let failed = outcomes.iter().filter(|outcome| outcome.status == Status::Error);
    let lines: Vec<String> =
        failed.map(|outcome| format!("step {:?} failed: {}", outcome.id, outcome.complaint())).collect();
    lines.join("\n")
}

fn said(text: &str) -> Json {
    let said: Value = json!({ "type": "text", "text": text });
    Json::from_value(&said)
}

fn raw(json: &Json) -> Option<Box<RawValue>> {
    json.to().ok()
}
