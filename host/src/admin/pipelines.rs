//! `GET /api/pipelines`: several tools as one.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A pipeline.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PipelineView {
    /// Its name.
    pub name: String,
    /// The tool that runs it.
    pub public_name: String,
    /// What it is for.
    pub description: Option<String>,
    /// JSON Schema of its arguments.
    pub input_schema: Value,
    /// What it does.
    pub steps: Vec<StepView>,
}

/// One step of a pipeline: a tool, or several steps at the same time.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepView {
    /// Its name.
    pub id: Option<String>,
    /// The tool that it calls; missing where the role may not use it.
    pub tool: Option<String>,
    /// Whether it runs only where a condition holds.
    pub conditional: bool,
    /// Whether it runs once for each item of a list.
    pub repeated: bool,
    /// Steps that run at the same time, in place of a tool.
    #[schema(no_recursion)]
    pub parallel: Vec<StepView>,
}
