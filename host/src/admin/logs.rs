//! `/api/logs`: what happened of late, and as it happens.

mod stream;

use std::time::{Duration, SystemTime};

use axum::Json;
use gateway_core::role::RoleSet;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

pub(super) use self::stream::*;
use super::{
    access::{Asker, Eye, Need},
    answer::{Answer, Asked, Refused},
    failures::Reading,
};
use crate::telemetry::record::{Called, Line, Outcome, Said, What};

/// How many entries are given at most.
const MOST: u8 = 200;

/// The newest entries.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Logs {
    /// At most 200, oldest first.
    pub entries: Vec<LogEntry>,
}

/// An entry of the log.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogEntry {
    /// Its number; later ones are higher.
    pub id: u64,
    /// When it happened (RFC 3339).
    pub ts: String,
    /// How serious it is.
    pub level: LogLevel,
    /// What kind of entry it is.
    #[serde(rename = "type")]
    pub kind: LogType,
    /// The server, plugin or pipeline that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    /// Its own name of the tool that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// How long the call took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<f64>,
    /// How the call went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<LogStatus>,
    /// What happened, in one line.
    pub message: String,
    /// More about it: of a call its `id`, `parent`, `depth`, `role`, the `publicName`, and where `log_arguments` is set
    /// its `arguments`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub data: Option<Value>,
}

/// How serious an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Of interest to who looks for something.
    Debug,
    /// What goes on.
    Info,
    /// What may need a look.
    Warn,
    /// What failed.
    Error,
}

/// What kind of entry it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogType {
    /// A call begins.
    ToolCall,
    /// A call has ended.
    ToolResult,
    /// A server or plugin starts, answers, fails or ends.
    BackendEvent,
    /// The gateway itself.
    System,
}

/// How a call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogStatus {
    /// Well.
    Ok,
    /// Not.
    Error,
}

/// Which entries.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogFilter {
    /// Only this level and above.
    #[param(inline)]
    pub level: Option<LogLevel>,
    /// Only this kind.
    #[serde(rename = "type")]
    #[param(inline)]
    pub kind: Option<LogType>,
    /// Only those about this server, plugin or pipeline.
    pub backend: Option<String>,
    /// How many at most, with 200 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u16>,
}

impl LogFilter {
    fn lets(&self, entry: &LogEntry) -> bool {
        self.level.is_none_or(|level| entry.level >= level)
            && self.kind.is_none_or(|kind| entry.kind == kind)
            && self.backend.as_ref().is_none_or(|backend| entry.backend.as_ref() == Some(backend))
    }
}

/// A time as RFC 3339 writes it.
pub(super) fn written(at: SystemTime) -> String {
    humantime::format_rfc3339_millis(at).to_string()
}

/// A duration in milliseconds, to the microsecond.
pub(super) fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e6).round() / 1e3
}

impl LogEntry {
    fn of(line: &Line, roles: &RoleSet) -> Self {
        let entry = match &line.what {
            What::Began(called) => Self {
                kind: LogType::ToolCall,
                message: format!("-> {}::{}", called.source, called.local),
                ..Self::about(called, roles)
            },
            What::Ended(called, took, outcome) => Self::ended(called, *took, outcome, roles),
            What::Said(said) => Self::said(said),
        };
        Self { id: line.id, ts: written(line.at), ..entry }
    }

    fn blank(level: LogLevel, kind: LogType, message: String) -> Self {
        let (backend, tool, duration_ms, status, data) = (None, None, None, None, None);
        Self { id: 0, ts: String::new(), level, kind, backend, tool, duration_ms, status, message, data }
    }

    fn about(called: &Called, roles: &RoleSet) -> Self {
        let mut data = json!({
            "id": called.trace.id.to_string(),
            "depth": called.trace.depth,
            "role": &*roles.get(called.role).name,
            "method": called.op.method(),
            "publicName": &*called.public,
        });
        if let Some(parent) = called.trace.parent {
            data["parent"] = parent.to_string().into();
        }
        if let Some(arguments) = &called.arguments {
            data["arguments"] = (**arguments).into();
        }
        Self {
            backend: Some(called.source.to_string()),
            tool: Some(called.local.to_string()),
            data: Some(data),
            ..Self::blank(LogLevel::Info, LogType::ToolResult, String::new())
        }
    }

    fn ended(called: &Called, took: Duration, outcome: &Outcome, roles: &RoleSet) -> Self {
        let (level, status, how, why) = match outcome {
            Outcome::Ok => (LogLevel::Info, LogStatus::Ok, "OK", None),
            Outcome::ToolError => (LogLevel::Warn, LogStatus::Error, "ERR", None),
            Outcome::Failed(why) => (LogLevel::Error, LogStatus::Error, "THROW", Some(why)),
            Outcome::Cancelled => (LogLevel::Info, LogStatus::Error, "CANCELLED", None),
        };
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        Self {
            level,
            message: format!("<- {}::{} {how} {}ms{why}", called.source, called.local, took.as_millis()),
            duration_ms: Some(milliseconds(took)),
            status: Some(status),
            ..Self::about(called, roles)
        }
    }

    fn said(said: &Said) -> Self {
        let level = match said.level {
            tracing::Level::ERROR => LogLevel::Error,
            tracing::Level::WARN => LogLevel::Warn,
            tracing::Level::INFO => LogLevel::Info,
            _ => LogLevel::Debug,
        };
        let kind = if said.event { LogType::BackendEvent } else { LogType::System };
        let backend = said.source.as_deref().map(str::to_owned);
        Self { backend, ..Self::blank(level, kind, said.message.to_string()) }
    }
}

/// The newest entries of the log
#[utoipa::path(get, path = "/api/logs", tag = "logs", params(LogFilter), responses((status = OK, body = Logs), Reading))]
pub(super) async fn logs(asker: Asker, Asked(filter): Asked<LogFilter>) -> Answer<Logs> {
    asker.needs(Need::Status)?;
    let most = filter.limit.unwrap_or(MOST.into());
    if most == 0 || most > MOST.into() {
        return Err(Refused::bad(format!("`limit` has to be from 1 to {MOST}")));
    }
    let (eye, roles) = (Eye::of(&asker), asker.snapshot.roles());
    let lines = asker.api.recorder.after(0);
    let seen = lines.iter().rev().filter(|line| eye.sees(line)).map(|line| LogEntry::of(line, roles));
    let mut entries: Vec<_> = seen.filter(|entry| filter.lets(entry)).take(most.into()).collect();
    entries.reverse();
    Ok(Json(Logs { entries }))
}
