//! Running a pipeline by its name, or steps that come with the call.

use std::sync::Arc;

use gateway_core::{
    call::Call,
    error::CallError,
    name::SourceName,
    payload::{Json, Op, Reply, Request},
    source::{Kind, RunSteps},
};
use serde_json::value::RawValue;

use super::params::Params;

/// The name that says that the steps come with the call.
const CUSTOM: &str = "custom";

/// Answers `gateway_run_pipeline`. A pipeline that the role may not see is answered like one that does not exist.
pub(super) async fn run(
    params: &Params<'_>,
    request: &Request,
    runner: &dyn RunSteps,
    call: &Call,
) -> Result<Reply, CallError> {
    let name = match params.text("pipeline")? {
        Some(name) => Some(name),
        // What `route_pipeline` calls it.
        None => params.text("scenario")?,
    };
    let input = params.object("input")?;
    match (name, params.raw("steps")) {
        (None, Some(steps)) => runner.run(&written(steps), input, call).await,
        (Some(name), Some(steps)) if name == CUSTOM => runner.run(&written(steps), input, call).await,
        (Some(name), _) => {
            let unknown = || CallError::InvalidParams(format!("Unknown pipeline: {name}").into());
            let snapshot = call.snapshot();
            let pipelines = SourceName::pipelines();
            let source = snapshot.sources().iter().find(|source| *source.name() == pipelines).ok_or_else(unknown)?;
            let public = source.naming().public(&name);
            snapshot
                .find(call.caller.role, Kind::Tool, &public)
                .filter(|(_, of)| Arc::ptr_eq(of, source))
                .ok_or_else(unknown)?;
            let Request { meta, rest, .. } = request.clone();
            call.hand_on(Request { op: Op::CallTool, target: public, arguments: input, meta, rest }).await
        }
        (None, None) => Err(CallError::InvalidParams("Missing 'pipeline' or 'steps' parameter".into())),
    }
}

/// A list, or one that is JSON in a text.
fn written(steps: &RawValue) -> Json {
    let text = serde_json::from_str::<String>(steps.get()).ok();
    text.and_then(|text| Json::parse(text).ok()).unwrap_or_else(|| Json::from_value(steps))
}
