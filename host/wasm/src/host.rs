//! `gateway:plugin/host`: what the gateway offers a plugin.

mod asking;
mod question;

use std::time::{Duration, Instant};

use gateway_core::{
    error::{CallError, FailureKind},
    payload::{Json, Reply},
};
use serde::Serialize;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use crate::{
    bindings::{
        host::Host,
        types::{self, Elicitation, LogLevel, Root, ToolResult},
    },
    convert,
    guest::Guest,
    limits::LOG_BYTES,
    output::printable,
};

/// What a call has told so far.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    logged: usize,
    progress: Option<f64>,
    /// Reports of progress that were passed on in the second that began then.
    rate: Option<(Instant, u32)>,
    /// Bytes of questions to the client.
    asked: usize,
}

/// Reports of progress in a second; more tell nobody anything.
const PROGRESS_PER_SECOND: u32 = 50;
/// Bytes of the message in a report.
const PROGRESS_MESSAGE: usize = 4096;

/// The body of `notifications/progress`, without the token.
#[derive(Serialize)]
struct Progress<'a> {
    progress: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

impl types::Host for Guest {}

impl Host for Guest {
    fn log(&mut self, level: LogLevel, message: String) -> wasmtime::Result<()> {
        if let Some(message) = self.reports.admit_line(&message) {
            log(self.context.name.as_str(), level, message);
        }
        Ok(())
    }

    fn progress(&mut self, progress: f64, total: Option<f64>, message: Option<String>) -> wasmtime::Result<()> {
        let Some(call) = &self.call else { return Ok(()) };
        if call.progress_token.is_some() && self.reports.admit_progress(progress, Instant::now()) {
            let total = total.filter(|total| total.is_finite());
            let message = message.as_deref().map(|message| truncated(message, PROGRESS_MESSAGE));
            call.progress(&Json::from_value(&Progress { progress, total, message }));
        }
        Ok(())
    }

    fn cancelled(&mut self) -> wasmtime::Result<bool> {
        Ok(self.control.is_cancelled())
    }

    fn config(&mut self) -> wasmtime::Result<String> {
        Ok(self.context.config.as_str().to_owned())
    }

    async fn call_tool(
        &mut self,
        name: String,
        arguments: String,
    ) -> wasmtime::Result<Result<ToolResult, types::CallError>> {
        Ok(self.nested_call(name, arguments).await)
    }

    async fn elicit(
        &mut self,
        message: String,
        schema: String,
    ) -> wasmtime::Result<Result<Elicitation, types::CallError>> {
        Ok(self.ask_user(message, schema).await)
    }

    async fn sample(&mut self, request: String) -> wasmtime::Result<Result<String, types::CallError>> {
        Ok(self.ask_model(request).await)
    }

    async fn list_roots(&mut self) -> wasmtime::Result<Result<Vec<Root>, types::CallError>> {
        Ok(self.ask_roots().await)
    }
}

impl Guest {
    /// Calls another tool, if the plugin was granted it and the caller may see it.
    async fn nested_call(&mut self, name: String, arguments: String) -> Result<ToolResult, types::CallError> {
        // Who lists has been granted nothing, so that this is said first.
        let Some(call) = self.call.clone() else {
            return Err(types::CallError::Failed("no tool is called while a plugin lists what it offers".to_owned()));
        };
        let plugin = self.context.name.as_str();
        if let Err(denial) = self.context.permissions.check_tool(plugin, &name) {
            let text = format!("{}; {}", denial.message, denial.hint);
            self.control.note_denial(denial);
            return Err(types::CallError::Denied(text));
        }
        let arguments = Json::parse(arguments).ok().filter(Json::is_object);
        let Some(arguments) = arguments else {
            return Err(types::CallError::Failed(format!("the arguments for {name:?} are no JSON object")));
        };
        let deadline = Some(self.control.deadline);
        let nested = async move { call.invoke(&name, Some(arguments), deadline).await };
        let answered = async {
            if self.control.is_away() {
                // The answer may come from a guest that begins with its caller, and that belongs elsewhere.
                let task = AbortOnDropHandle::new(self.home.spawn(nested.in_current_span()));
                task.await.map_err(|_| types::CallError::Failed("the gateway is stopping".to_owned()))
            } else {
                Ok(Box::pin(nested).await)
            }
        };
        tokio::select! {
            reply = answered => answer(reply?),
            () = self.control.cancelled() => Err(types::CallError::Cancelled),
        }
    }
}

/// What a plugin is told of a nested call's outcome.
fn answer(reply: Result<Reply, CallError>) -> Result<ToolResult, types::CallError> {
    let failure = match reply {
        Ok(reply) => return convert::nested_result(&reply.body).map_err(types::CallError::Failed),
        Err(CallError::UnknownTool(name)) => return Err(types::CallError::UnknownTool(name.into())),
        Err(CallError::Failed(failure)) => failure,
        Err(other) => return Err(types::CallError::Failed(other.to_string())),
    };
    let text = match &failure.hint {
        Some(hint) => format!("{}; {hint}", failure.message),
        None => failure.message.to_string(),
    };
    Err(match failure.kind {
        FailureKind::Cancelled => types::CallError::Cancelled,
        FailureKind::Limit | FailureKind::Timeout => types::CallError::Limit(text),
        _ => types::CallError::Failed(text),
    })
}

impl Reports {
    /// The part of a line that still fits; none where the limit was reached before.
    fn admit_line<'a>(&mut self, line: &'a str) -> Option<&'a str> {
        let room = LOG_BYTES.checked_sub(self.logged).filter(|room| *room > 0)?;
        self.logged = self.logged.saturating_add(line.len().max(1));
        Some(truncated(line, room))
    }

    /// Whether a report is passed on: it has to grow, as MCP demands, and there is a limit to their number.
    fn admit_progress(&mut self, progress: f64, now: Instant) -> bool {
        if !progress.is_finite() || self.progress.is_some_and(|last| progress <= last) {
            return false;
        }
        let (since, count) = match self.rate {
            Some((since, count)) if now.saturating_duration_since(since) < Duration::from_secs(1) => (since, count),
            _ => (now, 0),
        };
        if count >= PROGRESS_PER_SECOND {
            return false;
        }
        self.rate = Some((since, count + 1));
        self.progress = Some(progress);
        true
    }
}

/// At most `limit` bytes of `text`.
fn truncated(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

fn log(plugin: &str, level: LogLevel, message: &str) {
    let message = printable(message);
    match level {
        LogLevel::Debug => tracing::debug!(target: "plugin", plugin, "{message}"),
        LogLevel::Info | LogLevel::Notice => tracing::info!(target: "plugin", plugin, "{message}"),
        LogLevel::Warning => tracing::warn!(target: "plugin", plugin, "{message}"),
        LogLevel::Error | LogLevel::Critical | LogLevel::Alert | LogLevel::Emergency => {
            tracing::error!(target: "plugin", plugin, "{message}");
        }
    }
}

#[cfg(test)]
mod tests {
    use gateway_core::error::Failure;

    use super::*;

    #[test]
    fn progress_grows_and_has_a_rate() {
        let (mut reports, start) = (Reports::default(), Instant::now());
        assert!(reports.admit_progress(1.0, start));
        for stale in [1.0, 0.5, f64::NAN, f64::INFINITY] {
            assert!(!reports.admit_progress(stale, start), "{stale}");
        }
        let admitted = (2..1000).filter(|step| reports.admit_progress(f64::from(*step), start)).count();
        assert_eq!(admitted, 49);
        assert!(reports.admit_progress(1000.0, start + Duration::from_secs(1)));
    }

    #[test]
    fn the_log_has_a_limit() {
        let mut reports = Reports::default();
        let line = "x".repeat(LOG_BYTES - 1);
        assert_eq!(reports.admit_line(&line).map(str::len), Some(LOG_BYTES - 1));
        assert_eq!(reports.admit_line("ab"), Some("a"));
        assert_eq!(reports.admit_line("a"), None);
        let mut reports = Reports::default();
        let empty = (0..LOG_BYTES * 2).filter(|_| reports.admit_line("").is_some()).count();
        assert_eq!(empty, LOG_BYTES);
    }

    #[test]
    fn failures_of_nested_calls_have_kinds() {
        let failed = |kind| answer(Err(Failure::new(kind, "so it is").hint("do that").into())).unwrap_err();
        let text = "so it is; do that".to_owned();
        assert!(matches!(failed(FailureKind::Limit), types::CallError::Limit(found) if found == text));
        assert!(matches!(failed(FailureKind::Timeout), types::CallError::Limit(_)));
        assert!(matches!(failed(FailureKind::Cancelled), types::CallError::Cancelled));
        assert!(matches!(failed(FailureKind::Denied), types::CallError::Failed(_)));
        let unknown = answer(Err(CallError::UnknownTool("x".into()))).unwrap_err();
        assert!(matches!(unknown, types::CallError::UnknownTool(name) if name == "x"));
    }
}
