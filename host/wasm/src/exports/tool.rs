//! `gateway:plugin/tool`.

use std::sync::Arc;

use gateway_core::payload::Json;

use super::{Work, missing};
use crate::{
    bindings::types::{ToolDefinition, ToolError, ToolResult},
    guest::Live,
};

/// Has it list its tools.
pub(crate) struct ListTools;

/// Has it run a tool.
pub(crate) struct CallTool {
    pub(crate) tool: Arc<str>,
    pub(crate) arguments: Json,
}

impl Work for ListTools {
    type Output = Vec<ToolDefinition>;
    async fn run(self, live: &mut Live) -> wasmtime::Result<Vec<ToolDefinition>> {
        let indices = live.code.exports.tool.as_ref().ok_or_else(|| missing("tool"))?;
        let tool = indices.load(&mut live.store, &live.instance)?;
        tool.call_list_tools(&mut live.store).await
    }
}

impl Work for CallTool {
    type Output = Result<ToolResult, ToolError>;
    async fn run(self, live: &mut Live) -> wasmtime::Result<Result<ToolResult, ToolError>> {
        let indices = live.code.exports.tool.as_ref().ok_or_else(|| missing("tool"))?;
        let tool = indices.load(&mut live.store, &live.instance)?;
        let arguments = self.arguments.as_str().to_owned();
        tool.call_call_tool(&mut live.store, &self.tool, &arguments).await
    }
}
