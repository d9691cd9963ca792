//! `GET /api/calls`: what was called of late, and what those calls called in turn.

use std::collections::{HashMap, hash_map::Entry};

use axum::Json;
use gateway_core::{call::CallId, role::RoleSet};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    access::{Asker, Eye, Need},
    answer::{Answer, Asked, Refused},
    failures::Reading,
    logs::{milliseconds, written},
};
use crate::telemetry::record::{Called, Line, Outcome, What};

/// How many calls are given at most, and where nothing is said.
const MOST: u16 = 1000;
const USUAL: u16 = 100;

/// The recent calls.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Calls {
    /// What clients asked for, newest first, each with what it caused.
    pub calls: Vec<CallView>,
}

/// A call.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallView {
    /// Its number: `17` for what a client asked, `17.2` for the second call that this one caused.
    pub id: String,
    /// The call that caused it.
    pub parent: Option<String>,
    /// 0 for what a client asked, one more for each tool that called a tool.
    pub depth: u8,
    /// The method: `tools/call`, `prompts/get`, `resources/read` and so on.
    pub method: String,
    /// The public name of the tool or prompt, or the URI.
    pub tool: String,
    /// The server, plugin or pipeline that ran it.
    pub server: String,
    /// The role under which it ran.
    pub role: String,
    /// When it began (RFC 3339).
    pub started_at: String,
    /// How long it took, in milliseconds. Missing: it is running.
    pub duration_ms: Option<f64>,
    /// How it went.
    pub status: CallStatus,
    /// What went wrong.
    pub error: Option<String>,
    /// The arguments, where `log_arguments` is set, secrets masked and cut after 2 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
    /// The calls that it caused, in their order.
    #[schema(no_recursion)]
    pub nested: Vec<CallView>,
}

/// How a call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CallStatus {
    /// It is running.
    Running,
    /// Well.
    Ok,
    /// It failed, or the tool said so.
    Error,
    /// Whoever asked went away.
    Cancelled,
}

/// Which calls.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CallFilter {
    /// How many at most, with 100 where nothing is said.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u16>,
    /// Only those of this server, plugin or pipeline, or with such a call nested in them.
    pub backend: Option<String>,
    /// Only those that went so.
    #[param(inline)]
    pub status: Option<CallStatus>,
}

impl CallFilter {
    fn lets(&self, call: &CallView) -> bool {
        fn is_about(call: &CallView, server: &str) -> bool {
            call.server == server || call.nested.iter().any(|nested| is_about(nested, server))
        }
        self.status.is_none_or(|status| call.status == status)
            && self.backend.as_ref().is_none_or(|server| is_about(call, server))
    }
}

impl CallView {
    fn of(called: &Called, roles: &RoleSet) -> Self {
        Self {
            id: called.trace.id.to_string(),
            parent: called.trace.parent.map(|parent| parent.to_string()),
            depth: called.trace.depth,
            method: called.op.method().to_owned(),
            tool: called.public.to_string(),
            server: called.source.to_string(),
            role: roles.get(called.role).name.to_string(),
            started_at: written(called.began),
            duration_ms: None,
            status: CallStatus::Running,
            error: None,
            arguments: called.arguments.as_deref().map(str::to_owned),
            nested: Vec::new(),
        }
    }

    fn end(&mut self, took: std::time::Duration, outcome: &Outcome) {
        self.duration_ms = Some(milliseconds(took));
        (self.status, self.error) = match outcome {
            Outcome::Ok => (CallStatus::Ok, None),
            Outcome::ToolError => (CallStatus::Error, Some("the tool says that it failed".to_owned())),
            Outcome::Failed(why) => (CallStatus::Error, Some(why.to_string())),
            Outcome::Cancelled => (CallStatus::Cancelled, None),
        };
    }
}

/// The calls of these lines, newest first, each with what it caused.
fn gathered(lines: &[Line], sees: impl Fn(&Called) -> bool, roles: &RoleSet) -> Vec<CallView> {
    // In the order in which they began, so that what was caused comes after its cause.
    let mut order: Vec<CallId> = Vec::new();
    let mut calls: HashMap<CallId, (Option<CallId>, CallView)> = HashMap::new();
    for line in lines {
        let (called, ended) = match &line.what {
            What::Began(called) => (called, None),
            What::Ended(called, took, outcome) => (called, Some((*took, outcome))),
            What::Said(_) => continue,
        };
        let id = called.trace.id;
        if let Entry::Vacant(place) = calls.entry(id) {
            if !sees(called) {
                continue;
            }
            order.push(id);
            place.insert((called.trace.parent, CallView::of(called, roles)));
        }
        if let (Some((took, outcome)), Some((_, call))) = (ended, calls.get_mut(&id)) {
            call.end(took, outcome);
        }
    }
    let mut gathered = Vec::new();
    for id in order.iter().rev() {
        let Some((parent, mut call)) = calls.remove(id) else { continue };
        call.nested.reverse();
        match parent.and_then(|parent| calls.get_mut(&parent)) {
            Some((_, cause)) => cause.nested.push(call),
            None => gathered.push(call),
        }
    }
    gathered
}

/// The recent calls
#[utoipa::path(
    get, path = "/api/calls", tag = "calls", params(CallFilter), responses((status = OK, body = Calls), Reading)
)]
pub(super) async fn calls(asker: Asker, Asked(filter): Asked<CallFilter>) -> Answer<Calls> {
    asker.needs(Need::Status)?;
    let most = filter.limit.unwrap_or(USUAL);
    if most == 0 || most > MOST {
        return Err(Refused::bad(format!("`limit` has to be from 1 to {MOST}")));
    }
    let (eye, lines) = (Eye::of(&asker), asker.api.recorder.after(0));
    let calls = gathered(&lines, |called| eye.sees_call(called), asker.snapshot.roles());
    Ok(Json(Calls { calls: calls.into_iter().filter(|call| filter.lets(call)).take(most.into()).collect() }))
}
