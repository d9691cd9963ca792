//! Sections that belong to features this version does not have yet: they are read and checked, and a warning says
//! that nothing acts on them.

use gateway_core::{name::SourceName, units::Seconds};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// A pipeline: several tools, one after the other or side by side, as one tool.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PipelineConfig {
    /// What it is for.
    pub description: Option<String>,
    /// JSON Schema of its arguments. Default: an object with anything in it.
    pub input: Option<Value>,
    /// What it does.
    pub steps: Vec<Step>,
}

/// One step of a pipeline: a tool, or several steps at the same time.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name, by which later steps refer to its result.
    pub id: Option<String>,
    /// The public name of the tool to call.
    pub tool: Option<String>,
    /// The tool's arguments, with references such as `${input.x}` and `${steps.ID.text}`.
    pub arguments: Option<Value>,
    /// Runs the step only where this is true.
    #[serde(rename = "if")]
    pub condition: Option<Value>,
    /// Runs the step once for each item of this list.
    pub for_each: Option<Value>,
    /// How long the step may take.
    pub timeout: Option<Seconds>,
    /// What happens where it fails. Default: stop.
    pub on_error: Option<OnError>,
    /// Steps that run at the same time, in place of a tool.
    pub parallel: Option<Vec<Step>>,
}

/// What happens where a step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// The pipeline ends with an error.
    Stop,
    /// The next step runs.
    Continue,
}

/// Pipelines by name.
pub type Pipelines = super::Entries<SourceName, PipelineConfig>;
