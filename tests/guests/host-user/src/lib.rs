//! Honest: uses everything that the gateway offers a plugin.

use std::time::Duration;

use gateway_sdk::serde_json::{Map, Value};
use gateway_sdk::{
    Annotations, CallError, Content, EmbeddedResource, Json, Level, ResourceBody, ResourceLink, Role, ToolResult, tool,
};

/// A PNG of one red pixel.
const PNG: &[u8] = include_bytes!("pixel.png");
/// The header of a WAV file without a sample.
const WAV: &[u8] = b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\0\0\0\0";

/// Write a line to the gateway's log.
#[tool]
fn log(
    /// debug, info, notice, warning, error, critical, alert or emergency
    #[default("info")]
    level: String,
    /// the line
    message: String,
    /// how many times
    #[default(1)]
    times: u32,
) -> Result<String, String> {
    let level = match level.as_str() {
        "debug" => Level::Debug,
        "info" => Level::Info,
        "notice" => Level::Notice,
        "warning" => Level::Warning,
        "error" => Level::Error,
        "critical" => Level::Critical,
        "alert" => Level::Alert,
        "emergency" => Level::Emergency,
        other => return Err(format!("no level `{other}`")),
    };
    for _ in 0..times {
        gateway_sdk::log(level, &message);
    }
    Ok("logged".to_owned())
}

/// Report progress from 1 to `steps`.
#[tool]
fn progress(
    /// how many reports
    #[default(3)]
    steps: u32,
    /// how long to sleep before each, in milliseconds
    #[default(0)]
    pause: u64,
) -> String {
    for step in 1..=steps {
        std::thread::sleep(Duration::from_millis(pause));
        gateway_sdk::progress(f64::from(step), Some(f64::from(steps)), Some(&format!("step {step}")));
    }
    format!("{steps} steps")
}

/// Ask every 10 milliseconds whether the call was cancelled, and stop then.
#[tool]
fn wait(
    /// how long to wait at most, in milliseconds
    #[default(10_000)]
    milliseconds: u64,
) -> String {
    for _ in 0..milliseconds.div_ceil(10) {
        if gateway_sdk::cancelled() {
            gateway_sdk::log(Level::Notice, "saw the cancellation");
            return "cancelled".to_owned();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    "not cancelled".to_owned()
}

/// Show the plugin's `config`.
#[tool]
fn config() -> Result<Json<Value>, gateway_sdk::ConfigError> {
    gateway_sdk::config().map(Json)
}

/// Call another tool, and return what it returned.
#[tool]
fn call(
    /// its public name
    tool: String,
    /// its arguments
    #[default]
    arguments: Map<String, Value>,
) -> Result<ToolResult, String> {
    gateway_sdk::call_tool(&tool, &arguments).map_err(|error| {
        let kind = match error {
            CallError::UnknownTool(_) => "unknown-tool",
            CallError::Denied(_) => "denied",
            CallError::Cancelled => "cancelled",
            CallError::Limit(_) => "limit",
            _ => "failed",
        };
        format!("{kind}: {error}")
    })
}

/// Return one piece of content of every kind.
#[tool]
fn content() -> Vec<Content> {
    let annotations = Annotations {
        audience: vec![Role::User, Role::Assistant],
        priority: Some(0.5),
        last_modified: Some("2026-01-31T12:00:00Z".to_owned()),
    };
    let link = ResourceLink {
        uri: "file:///data/report.csv".to_owned(),
        name: "report.csv".to_owned(),
        title: Some("The report".to_owned()),
        description: Some("All rows".to_owned()),
        mime_type: Some("text/csv".to_owned()),
        size: Some(1234),
    };
    let embedded = EmbeddedResource {
        uri: "memory://note".to_owned(),
        mime_type: Some("text/plain".to_owned()),
        body: ResourceBody::Text("a note".to_owned()),
    };
    vec![
        Content::text("a text").annotated(annotations),
        Content::image(PNG, "image/png"),
        Content::audio(WAV, "audio/wav"),
        link.into(),
        embedded.into(),
        Content::embedded_blob("memory://bytes", [0, 1, 2, 255]),
    ]
}

gateway_sdk::export!(log, progress, wait, config, call, content);
