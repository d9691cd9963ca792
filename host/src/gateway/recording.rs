//! Calls are kept for whoever looks, where the gateway is served over HTTP.

use std::{sync::Arc, time::SystemTime};

use gateway_core::{
    call::Call,
    error::{CallError, FailureKind},
    payload::{Reply, Request},
    source::Source,
};

use super::Gateway;
use crate::telemetry::{
    masked,
    record::{Called, Outcome, Recording},
};

impl Gateway {
    /// A call begins; `None`: nobody wants to know.
    pub(super) fn begin(
        &self,
        source: &Arc<dyn Source>,
        public: &Arc<str>,
        request: &Request,
        call: &Call,
    ) -> Option<Recording> {
        let recorder = self.recorder.get()?;
        let shown = request.arguments.as_ref().filter(|_| self.current.load().world.log_arguments);
        Some(recorder.begin(Called {
            trace: call.trace(),
            role: call.caller.role,
            source: source.name().clone(),
            local: request.target.clone(),
            public: public.clone(),
            op: request.op.clone(),
            began: SystemTime::now(),
            arguments: shown.map(masked::arguments),
        }))
    }

    /// Something was asked for that is not there.
    pub(super) fn note_unknown(&self, error: &CallError) {
        if let (
            Some(recorder),
            CallError::UnknownTool(_) | CallError::UnknownPrompt(_) | CallError::UnknownResource(_),
        ) = (self.recorder.get(), error)
        {
            recorder.unknown(&error.to_string());
        }
    }

    /// The call has ended.
    pub(super) fn end(&self, recording: Option<Recording>, result: &Result<Reply, CallError>) {
        let Some(recording) = recording else { return };
        recording.end(match result {
            Ok(reply) if reply.is_error() => Outcome::ToolError,
            Ok(_) => Outcome::Ok,
            Err(error) => Outcome::Failed(self.reason(error)),
        });
    }

    /// Why a call failed. What may quote its arguments is kept where they are.
    fn reason(&self, error: &CallError) -> Arc<str> {
        let quotes = match error {
            CallError::InvalidParams(_) => Some("the arguments do not fit"),
            CallError::Backend(_) => Some("the backend answered with an error"),
            CallError::Failed(failure) if failure.kind == FailureKind::Arguments => Some("the arguments do not fit"),
            _ => None,
        };
        match quotes.filter(|_| !self.current.load().world.log_arguments) {
            Some(plain) => plain.into(),
            None => masked::cut(error.to_string()).into(),
        }
    }
}
