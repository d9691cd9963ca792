//! `gateway:plugin/filter`.

use gateway_core::{
    error::{Failure, FailureKind},
    filter::{Decision, Seen, Verdict},
    name::SourceName,
    payload::Json,
};

use super::{Work, missing};
use crate::{bindings::exports::filter, convert, guest::Live};

/// Shows it a call.
pub(crate) struct Before(pub(crate) Seen);

/// Shows it a result.
pub(crate) struct After {
    pub(crate) seen: Seen,
    pub(crate) result: Json,
}

impl Work for Before {
    type Output = filter::Decision;
    async fn run(self, live: &mut Live) -> wasmtime::Result<filter::Decision> {
        let indices = live.code.exports.filter.as_ref().ok_or_else(|| missing("filter"))?;
        let filter = indices.load(&mut live.store, &live.instance)?;
        filter.call_before(&mut live.store, &shown(&self.0)).await
    }
}

impl Work for After {
    type Output = filter::Verdict;
    async fn run(self, live: &mut Live) -> wasmtime::Result<filter::Verdict> {
        let indices = live.code.exports.filter.as_ref().ok_or_else(|| missing("filter"))?;
        let filter = indices.load(&mut live.store, &live.instance)?;
        let result = self.result.as_str().to_owned();
        filter.call_after(&mut live.store, &shown(&self.seen), &result).await
    }
}

fn shown(seen: &Seen) -> filter::ToolCall {
    filter::ToolCall {
        name: seen.tool.to_string(),
        arguments: seen.arguments.as_str().to_owned(),
        role: seen.role.to_string(),
    }
}

/// What the guest decided, its JSON checked.
pub(crate) fn decision(plugin: &SourceName, decision: filter::Decision) -> Result<Decision, Failure> {
    Ok(match decision {
        filter::Decision::Proceed => Decision::Proceed,
        filter::Decision::Rewrite(text) => Decision::Rewrite(json(plugin, text)?),
        filter::Decision::Refuse(reason) => Decision::Refuse(reason),
    })
}

/// What the guest made of a result, its JSON checked.
pub(crate) fn verdict(plugin: &SourceName, verdict: filter::Verdict) -> Result<Verdict, Failure> {
    Ok(match verdict {
        filter::Verdict::Keep => Verdict::Keep,
        filter::Verdict::Replace(text) => Verdict::Replace(json(plugin, text)?),
        filter::Verdict::Withhold(reason) => Verdict::Withhold(reason),
    })
}

fn json(plugin: &SourceName, text: String) -> Result<Json, Failure> {
    Json::parse(convert::one_line(text)).map_err(|error| {
        Failure::new(FailureKind::Broken, format!("plugin {plugin:?}: its answer is no JSON: {error}"))
    })
}
