//! `GET /api/pipelines`: several tools as one.

use axum::Json;
use gateway_core::source::Kind;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{access::Asker, failures::Reading};
use crate::config::PipelineStep;

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

impl StepView {
    fn of(step: &PipelineStep, asker: &Asker) -> Self {
        let known = |tool: &&String| asker.snapshot.find(asker.role, Kind::Tool, tool).is_some();
        Self {
            id: step.id.clone(),
            tool: step.tool.as_ref().filter(known).cloned(),
            conditional: step.condition.is_some(),
            repeated: step.for_each.is_some(),
            parallel: step.parallel.iter().flatten().map(|step| Self::of(step, asker)).collect(),
        }
    }
}

/// All pipelines
#[utoipa::path(
    get, path = "/api/pipelines", tag = "pipelines", responses((status = OK, body = Vec<PipelineView>), Reading)
)]
pub(super) async fn pipelines(asker: Asker) -> Json<Vec<PipelineView>> {
    let desired = asker.api.control.desired();
    let pipelines = desired.config.pipelines.iter().filter_map(|(name, pipeline)| {
        let public_name = format!("pipeline__{name}");
        // Whoever may not run it does not know of it.
        asker.snapshot.find(asker.role, Kind::Tool, &public_name)?;
        Some(PipelineView {
            name: name.to_string(),
            public_name,
            description: pipeline.description.clone(),
            input_schema: pipeline.input.clone().unwrap_or_else(|| json!({ "type": "object" })),
            steps: pipeline.steps.iter().map(|step| StepView::of(step, &asker)).collect(),
        })
    });
    Json(pipelines.collect())
}
