//! The export `filter`.

use super::Component;
use super::bindings::filter::exports::gateway::plugin::filter::{self, Guest};
use crate::plugin::Plugin;
use crate::{Decision, ToolCall, ToolResultJson, Verdict};

impl<P: Plugin> Guest for Component<P> {
    fn before(call: filter::ToolCall) -> filter::Decision {
        P::BEFORE.map_or(Decision::Proceed, |before| before(&call.into())).into()
    }

    fn after(call: filter::ToolCall, tool_result: String) -> filter::Verdict {
        P::AFTER.map_or(Verdict::Keep, |after| after(&call.into(), ToolResultJson::new(tool_result))).into()
    }
}

impl From<filter::ToolCall> for ToolCall {
    fn from(filter::ToolCall { name, arguments, role }: filter::ToolCall) -> Self {
        Self { name, role, arguments }
    }
}

impl From<Decision> for filter::Decision {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Proceed => Self::Proceed,
            Decision::Rewrite(arguments) => Self::Rewrite(arguments),
            Decision::Refuse(reason) => Self::Refuse(reason),
        }
    }
}

impl From<Verdict> for filter::Verdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Keep => Self::Keep,
            Verdict::Replace(result) => Self::Replace(result),
            Verdict::Withhold(reason) => Self::Withhold(reason),
        }
    }
}
