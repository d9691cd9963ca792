//! What a tool may ask of the gateway.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

#[cfg(target_family = "wasm")]
use crate::component::host as backend;
use crate::{ToolResult, arguments};

/// How much a log line matters, the eight levels of MCP's logging (RFC 5424).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For whoever writes the plugin.
    Debug,
    /// What goes as it should.
    Info,
    /// Normal, but worth a look.
    Notice,
    /// Something may be wrong.
    Warning,
    /// Something failed.
    Error,
    /// A part of the plugin is out of order.
    Critical,
    /// Somebody has to act at once.
    Alert,
    /// The plugin is of no use.
    Emergency,
}

/// Why a call to another tool, or a question to the client, gave no result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError {
    /// No such tool, or the caller's role may not see it: the two cannot be told apart.
    UnknownTool(String),
    /// The plugin was not granted this; the text names the key of `gateway.yaml` that would grant it.
    Denied(String),
    /// The client cannot be asked this: it did not declare the capability, or nobody is there to ask.
    Unsupported(String),
    /// The call that the plugin is working on was cancelled.
    Cancelled,
    /// The time, the depth or the number of nested calls ran out; the text says which.
    Limit(String),
    /// The tool or the client could not be reached or broke off, or the arguments have no JSON form; the text says why.
    Failed(String),
}

/// The plugin's `config` in `gateway.yaml` is not what the plugin takes. The message begins with the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(String);

/// Writes a line to the gateway's log. What passes the plugin's log limit is dropped.
///
/// Outside of the gateway it goes to stderr.
pub fn log(level: Level, message: impl fmt::Display) {
    backend::log(level, &message.to_string());
}

/// Tells the caller how far the call is, if it asked to be told. `progress` has to grow from one report to the next,
/// up to `total` where that is known; a report that does not is dropped.
///
/// Outside of the gateway it does nothing.
pub fn progress(progress: f64, total: Option<f64>, message: Option<&str>) {
    backend::progress(progress, total, message);
}

/// True from the moment on when the caller has cancelled this call. A tool that works for long asks from time to time,
/// and stops; one that goes on all the same is ended.
///
/// Outside of the gateway it is false.
#[must_use]
pub fn cancelled() -> bool {
    backend::cancelled()
}

/// The plugin's `config` from `gateway.yaml`. Where there is none, it is what `T` is made of without any key, so a `T`
/// with defaults for all its fields, or an `Option`, needs no `config`.
///
/// Outside of the gateway there is none.
///
/// # Errors
///
/// The `config` does not fit `T`, or there is none and `T` needs one.
pub fn config<T: DeserializeOwned>() -> Result<T, ConfigError> {
    config_from(&backend::config())
}

/// Calls a tool of the gateway by its public name, such as `filesystem__read_text_file`: one that the plugin was granted
/// (`permissions.tools`) and that the caller's role may see. `arguments` is what makes a JSON object: a struct, a map,
/// or a [`serde_json::json!`] object. The time of this call and its cancellation hold for the nested one too.
///
/// A tool that ran and failed is no error here: look at [`ToolResult::is_error`].
///
/// Outside of the gateway it fails.
///
/// # Errors
///
/// The tool gave no result; see [`CallError`].
pub fn call_tool<A: Serialize + ?Sized>(name: &str, arguments: &A) -> Result<ToolResult, CallError> {
    let arguments = serde_json::to_string(arguments).map_err(|error| CallError::Failed(error.to_string()))?;
    backend::call_tool(name, &arguments)
}

fn config_from<T: DeserializeOwned>(json: &str) -> Result<T, ConfigError> {
    let parsed = arguments::parse(json);
    if parsed.is_err() && json == "null" { arguments::parse("{}") } else { parsed }.map_err(ConfigError)
}

/// What stands in for the gateway where there is none, as in a unit test.
#[cfg(not(target_family = "wasm"))]
mod backend {
    use super::{CallError, Level};
    use crate::ToolResult;

    #[allow(clippy::print_stderr, reason = "a native test has no other log")]
    pub(super) fn log(level: Level, message: &str) {
        eprintln!("{level:?}: {message}");
    }

    pub(super) fn progress(_: f64, _: Option<f64>, _: Option<&str>) {}

    pub(super) fn cancelled() -> bool {
        false
    }

    pub(super) fn config() -> String {
        "null".to_owned()
    }

    pub(super) fn call_tool(name: &str, _: &str) -> Result<ToolResult, CallError> {
        Err(CallError::Failed(format!("`{name}` cannot be called outside of the gateway")))
    }
}

// === impl CallError ===

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownTool(name) => write!(f, "unknown tool: {name}"),
            Self::Cancelled => f.write_str("the call was cancelled"),
            Self::Denied(why) | Self::Unsupported(why) | Self::Limit(why) | Self::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for CallError {}

// === impl ConfigError ===

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "config: {}", self.0)
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Settings {
        #[serde(default)]
        depth: u8,
    }

    #[test]
    fn no_config_is_the_defaults() {
        assert_eq!(config_from::<Settings>("null"), Ok(Settings { depth: 0 }));
        assert_eq!(config_from::<Option<Settings>>("null"), Ok(None));
    }

    #[test]
    fn a_wrong_config_is_told_by_its_key() {
        let error = config_from::<Settings>(r#"{"depth": 300}"#).unwrap_err();
        assert_eq!(error.to_string(), "config: `depth`: invalid value: integer `300`, expected u8");
    }

    #[test]
    fn there_is_no_other_tool_outside_of_the_gateway() {
        let error = call_tool("files__read", &serde_json::json!({})).unwrap_err();
        assert_eq!(error.to_string(), "`files__read` cannot be called outside of the gateway");
    }
}
