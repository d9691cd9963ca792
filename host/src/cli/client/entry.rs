//! The gateway's own entry in a client's settings.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::known::Known;
use crate::import;

/// The variable that names the role.
pub(super) const ROLE: &str = "MCP_GATEWAY_ROLE";

/// An entry that starts the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Entry {
    pub(super) command: String,
    pub(super) args: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<String>,
}

impl Entry {
    /// The one that is written: every path whole, since clients start it from anywhere.
    pub(super) fn new(program: &Path, config: &Path, role: Option<&str>) -> Self {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        Self {
            command: text(program),
            args: vec!["stdio".to_owned(), "--config".to_owned(), text(config)],
            role: role.map(str::to_owned),
        }
    }

    /// What stands in an entry; `None` where it starts something else.
    pub(super) fn of(entry: &Value) -> Option<Self> {
        let command = entry.get("command")?.as_str()?.to_owned();
        let args: Vec<String> =
            entry.get("args")?.as_array()?.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        // The program may go by another name, and be this one all the same.
        let same = std::env::current_exe().is_ok_and(|program| Path::new(&command) == program);
        let role = entry.get("env").and_then(|env| env.get(ROLE)).and_then(Value::as_str).map(str::to_owned);
        (import::is_our_own(entry) || same && args.iter().any(|arg| arg == "stdio")).then_some(Self {
            command,
            args,
            role,
        })
    }

    /// The configuration that it names.
    pub(super) fn config(&self) -> Option<&str> {
        let at = self.args.iter().position(|arg| arg == "--config" || arg == "-c")?;
        self.args.get(at + 1).map(String::as_str)
    }

    /// Its keys without the environment, as `client` has them.
    pub(super) fn fields(&self, client: Known) -> Vec<(&'static str, Value)> {
        let marks = client.marks().iter().map(|(key, value)| (*key, Value::from(*value)));
        let started = [("command", Value::from(self.command.as_str())), ("args", Value::from(self.args.clone()))];
        marks.chain(started).collect()
    }
}
