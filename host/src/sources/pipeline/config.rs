//! Pipelines as the configuration writes them, and as a call may bring them along.

use std::num::NonZeroUsize;

use gateway_core::units::Seconds;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// How many items of a loop run at the same time, where nothing is written.
pub const CONCURRENCY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);

/// A pipeline: several tools, one after the other or side by side, as one tool.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name, by which later steps refer to its result. Default: `step-1`, `step-2` and so on.
    pub id: Option<String>,
    /// The public name of the tool to call.
    pub tool: Option<String>,
    /// The tool's arguments, with references such as `${input.x}`, `${steps.ID.text}`, `${steps.ID.structured.path}` and,
    /// in a loop, `${item}` and `${index}`; `$${` stands for `${` itself.
    pub arguments: Option<Value>,
    /// Runs the step only where this is true: a reference, `!` before one, or a comparison by `==`, `!=`, `<`, `<=`, `>`
    /// or `>=`.
    #[serde(rename = "if")]
    pub condition: Option<Value>,
    /// Runs the step once for each item of this list.
    pub for_each: Option<Value>,
    /// With `for_each`: how many items run at the same time. Default: 4.
    pub concurrency: Option<NonZeroUsize>,
    /// How long the step may take.
    pub timeout: Option<Seconds>,
    /// What happens where it fails. Default: stop.
    pub on_error: Option<OnError>,
    /// Steps that run at the same time, in place of a tool.
    pub parallel: Option<Vec<Step>>,
}

/// What happens where a step fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// The pipeline ends with an error.
    #[default]
    Stop,
    /// The next step runs.
    Continue,
}
