//! `plugin.test.yaml`: what a plugin is tested with, and what is expected of it.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use gateway_core::units::Size;
use gateway_wasm::rehearsal::{Recorded, Rehearsal};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

/// The file's name in a plugin's folder.
pub(super) const FILE: &str = "plugin.test.yaml";

/// Seconds from 1970 to the beginning of 2026, where the clock stands unless the file says otherwise.
const CLOCK: u64 = 1_767_225_600;

/// A whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Script {
    /// The time that the plugin sees, as RFC 3339 has it.
    #[serde(default = "clock", deserialize_with = "time")]
    clock: SystemTime,
    /// Where its random numbers begin.
    #[serde(default)]
    seed: u64,
    /// What it reads with `config`.
    #[serde(default)]
    pub config: Option<Value>,
    /// The values of the variables that it asks for.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// The folders that stand behind the mounts that it asks for; it gets a copy. Without one, a mount is empty.
    #[serde(default)]
    pub files: BTreeMap<String, PathBuf>,
    /// What the web gives.
    #[serde(default)]
    http: Vec<Exchange>,
    /// What other tools give, by their public names: MCP's `CallToolResult`.
    #[serde(default)]
    pub tools: BTreeMap<String, Value>,
    /// The cases, run in this order, each in an instance of its own.
    pub cases: Vec<Case>,
}

/// A request to the web and its answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    /// `GET https://example.com/`.
    request: String,
    /// The body that it has to have. Default: any.
    #[serde(default)]
    sent: Option<String>,
    /// The status of the answer. Default: 200.
    #[serde(default)]
    status: Option<u16>,
    /// Its headers.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Its body.
    #[serde(default)]
    body: Option<String>,
    /// Its body, as JSON.
    #[serde(default)]
    json: Option<Value>,
}

/// Something that is asked of the plugin: a tool, a prompt, a resource or a filter's opinion.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Case {
    /// What it shows.
    pub name: String,
    /// The plugin's own name of a tool.
    #[serde(default)]
    pub tool: Option<String>,
    /// The plugin's own name of a prompt.
    #[serde(default)]
    pub prompt: Option<String>,
    /// The address of a resource.
    #[serde(default)]
    pub resource: Option<String>,
    /// A call of another tool that the plugin, a filter, sees.
    #[serde(default)]
    pub filter: Option<FilterCase>,
    /// The arguments of the tool or prompt. Default: none.
    #[serde(default)]
    pub arguments: Option<Value>,
    /// What has to come of it.
    #[serde(default)]
    pub expect: Expect,
}

/// What a filter sees.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct FilterCase {
    /// The public name of the tool.
    pub tool: String,
    /// Its arguments.
    #[serde(default)]
    pub arguments: Option<Value>,
    /// The caller's role. Default: all.
    #[serde(default)]
    pub role: Option<String>,
    /// What it gave: then the filter sees the result, else the call.
    #[serde(default)]
    pub result: Option<Value>,
}

/// What has to come of a case; whatever is written has to hold. Nothing written: it has to go well.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Expect {
    /// The texts of the result, one after the other on lines of their own.
    #[serde(default)]
    pub text: Option<String>,
    /// Something that stands in them.
    #[serde(default)]
    pub contains: Option<String>,
    /// The structured content.
    #[serde(default)]
    pub structured: Option<Value>,
    /// The whole result; of a filter: what it puts in the result's place.
    #[serde(default)]
    pub result: Option<Value>,
    /// It fails, and this stands in the reason.
    #[serde(default)]
    pub error: Option<String>,
    /// It fails since something was not granted, and this stands in the reason.
    #[serde(default)]
    pub denied: Option<String>,
    /// A filter lets it pass as it is.
    #[serde(default)]
    pub unchanged: Option<bool>,
    /// The arguments that a filter puts in the place of the call's.
    #[serde(default)]
    pub arguments: Option<Value>,
    /// A filter refuses the call or withholds the result, and this stands in the reason.
    #[serde(default)]
    pub refused: Option<String>,
    /// It takes at most so many WebAssembly operations.
    #[serde(default)]
    pub fuel: Option<u64>,
    /// It takes at most so much memory.
    #[serde(default)]
    pub memory: Option<Size>,
}

/// Why there is nothing to test with.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum ScriptError {
    /// There is no file, or it cannot be read.
    #[error("{} cannot be read: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// It says what is not understood.
    #[error("{}: {message}", file.display())]
    Invalid {
        /// The file.
        file: PathBuf,
        /// What is wrong, beginning with the place.
        message: String,
    },
}

impl Default for Script {
    fn default() -> Self {
        Self {
            clock: clock(),
            seed: 0,
            config: None,
            env: BTreeMap::new(),
            files: BTreeMap::new(),
            http: Vec::new(),
            tools: BTreeMap::new(),
            cases: Vec::new(),
        }
    }
}

impl Script {
    /// Reads the file of the plugin in `folder`.
    pub(in super::super) fn in_folder(folder: &Path) -> Result<Self, ScriptError> {
        let file = folder.join(FILE);
        let text = fs::read_to_string(&file).map_err(|source| ScriptError::Read { file: file.clone(), source })?;
        Self::parse(&text).map_err(|message| ScriptError::Invalid { file, message })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let script: Self = serde_path_to_error::deserialize(serde_yaml::Deserializer::from_str(text))
            .map_err(|error| format!("{}: {}", error.path(), error.inner()))?;
        for case in &script.cases {
            let asked = [case.tool.is_some(), case.prompt.is_some(), case.resource.is_some(), case.filter.is_some()];
            if asked.into_iter().filter(|asked| *asked).count() != 1 {
                return Err(format!("case {:?}: it needs one of tool, prompt, resource and filter", case.name));
            }
        }
        for exchange in &script.http {
            exchange.recorded()?;
        }
        Ok(script)
    }

    /// What the plugin sees in place of the world.
    pub(super) fn rehearsal(&self) -> Rehearsal {
        let http = self.http.iter().filter_map(|exchange| exchange.recorded().ok()).collect();
        Rehearsal { now: self.clock, seed: self.seed, http }
    }
}

impl Exchange {
    fn recorded(&self) -> Result<Recorded, String> {
        let wrong = |why: &str| format!("http: request {:?}: {why}", self.request);
        let (method, url) = self.request.split_once(' ').ok_or_else(|| wrong("write METHOD URL"))?;
        let method = method.parse().map_err(|_| wrong("there is no such method"))?;
        // As the request comes out of the plugin.
        let url: http::Uri = url.trim().parse().map_err(|_| wrong("this is no address"))?;
        let body = match (&self.body, &self.json) {
            (Some(_), Some(_)) => return Err(wrong("its answer has a body and json; write one of them")),
            (Some(text), None) => Bytes::from(text.clone()),
            (None, Some(json)) => Bytes::from(json.to_string()),
            (None, None) => Bytes::new(),
        };
        let mut answer = http::Response::builder().status(self.status.unwrap_or(200));
        if self.json.is_some() && !self.headers.keys().any(|name| name.eq_ignore_ascii_case("content-type")) {
            answer = answer.header("content-type", "application/json");
        }
        for (name, value) in &self.headers {
            answer = answer.header(name, value);
        }
        let answer = answer.body(body).map_err(|error| wrong(&error.to_string()))?;
        Ok(Recorded { method, url: url.to_string(), sent: self.sent.clone().map(Bytes::from), answer })
    }
}

fn clock() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(CLOCK)
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_rfc3339_weak(&text)
        .map_err(|error| D::Error::custom(format!("{text:?} is no time such as 2026-01-31T12:00:00Z: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Script::parse(text).map(drop).unwrap_err()
    }

    #[test]
    fn mistakes_are_named() {
        assert!(error("cases: [{ name: a, expect: { txt: b } }]").contains("cases[0].expect"));
        assert!(error("cases: [{ name: a }]").contains("case \"a\": it needs one of"));
        assert!(error("cases: [{ name: a, tool: b, prompt: c }]").contains("one of"));
        assert!(error("clock: noon\ncases: []").contains("no time such as"));
        assert!(error("http: [{ request: nowhere }]\ncases: []").contains("write METHOD URL"));
        assert!(error("http: [{ request: GET https://a/, body: a, json: {} }]\ncases: []").contains("one of them"));
    }

    #[test]
    fn what_is_missing_has_a_default() {
        let script = Script::parse("cases: [{ name: a, tool: b }]").unwrap();
        let stage = script.rehearsal();
        assert_eq!(humantime::format_rfc3339(stage.now).to_string(), "2026-01-01T00:00:00Z");
        assert_eq!((stage.seed, stage.http.len()), (0, 0));
    }

    #[test]
    fn answers_are_made() {
        let text = "http: [{ request: GET https://example.com/a, status: 404, json: { a: 1 } }]\ncases: []";
        let stage = Script::parse(text).unwrap().rehearsal();
        let answer = &stage.http[0].answer;
        assert_eq!((answer.status().as_u16(), &**answer.body()), (404, br#"{"a":1}"#.as_slice()));
        assert_eq!(answer.headers()["content-type"], "application/json");
    }
}
