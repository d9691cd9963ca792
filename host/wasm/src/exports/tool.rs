//! `gateway:plugin/tool`, or the functions that stand in its place.

use std::sync::Arc;

use gateway_core::payload::Json;

use super::{Work, functions, missing};
use crate::{
    bindings::types::{ToolError, ToolResult},
    guest::Live,
};

/// Has it run a tool.
pub(crate) struct CallTool {
    pub(crate) tool: Arc<str>,
    pub(crate) arguments: Json,
}

impl Work for CallTool {
    type Output = Result<ToolResult, ToolError>;
    async fn run(self, live: &mut Live) -> wasmtime::Result<Result<ToolResult, ToolError>> {
        if live.code.exports.functions.is_some() {
            return functions::call(live, &self.tool, &self.arguments).await;
        }
        let indices = live.code.exports.tool.as_ref().ok_or_else(|| missing("tool"))?;
        let tool = indices.load(&mut live.store, &live.instance)?;
        let arguments = self.arguments.as_str().to_owned();
        tool.call_call_tool(&mut live.store, &self.tool, &arguments).await
    }
}
