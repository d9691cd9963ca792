//! One server: each key of it that there is, as the key of `gateway.yaml` that means the same.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{Format, Imported, NoteKind, Places, variables};
use crate::import::variables::Dialect;

/// The keys of an entry as we write it, in that order.
const ORDER: [&str; 14] = [
    "command",
    "args",
    "env",
    "cwd",
    "url",
    "transport",
    "headers",
    "description",
    "enabled",
    "idle_timeout",
    "request_timeout",
    "start_timeout",
    "prefix",
    "tools",
];

/// What belongs to a server that is started, and to one that is reached.
const LOCAL: [&str; 4] = ["args", "env", "cwd", "start_timeout"];
const REMOTE: [&str; 2] = ["headers", "transport"];

/// An entry that is being read.
pub(super) struct Reading<'a> {
    format: Format,
    places: &'a Places,
    at: &'a str,
    out: Map<String, Value>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(format: Format, places: &'a Places, at: &'a str) -> Self {
        Self { format, places, at, out: Map::new() }
    }

    /// The entry as we write it; `None` where nothing can be made of it, which is then noted.
    pub(super) fn read(mut self, value: &Value, imported: &mut Imported) -> Option<Map<String, Value>> {
        let Some(entry) = value.as_object() else {
            imported.note(self.at, NoteKind::NoCounterpart, "this is no server: keys and values were expected");
            return None;
        };
        for (key, value) in entry.iter().filter(|(_, value)| !value.is_null()) {
            self.key(key, value, imported);
        }
        self.finish(imported)
    }

    fn key(&mut self, key: &str, value: &Value, imported: &mut Imported) {
        match key {
            // Of lists, whose items say it; of Zed, that a server was written by hand.
            "name" => {}
            "source" if value == "custom" => {}
            "command" => self.command(value, imported),
            "args" => self.args(value, imported),
            "env" | "headers" | "http_headers" => {
                let key = if key == "env" { "env" } else { "headers" };
                self.values(key, value, imported);
            }
            "env_http_headers" => {
                let wrapped =
                    value.as_object().into_iter().flatten().filter_map(|(name, variable)| {
                        Some((name.clone(), json!(format!("${{{}}}", variable.as_str()?))))
                    });
                self.merge("headers", wrapped.collect());
            }
            "bearer_token_env_var" => {
                let bearer = format!("Bearer ${{{}}}", value.as_str().unwrap_or_default());
                self.merge("headers", Map::from_iter([("Authorization".to_owned(), json!(bearer))]));
            }
            "cwd" => {
                let cwd = self.text("cwd", value, imported);
                self.put("cwd", json!(self.path(&cwd)));
            }
            "url" | "http_url" | "serverUrl" | "httpUrl" => self.url(key, value, imported),
            "type" | "transport" => self.transport(value, imported),
            "description" => self.put("description", value.clone()),
            "enabled" => self.put("enabled", value.clone()),
            "disabled" => self.put("enabled", json!(value != &Value::Bool(true))),
            "idle_timeout" => self.put("idle_timeout", seconds(value, 1.0)),
            "request_timeout" | "tool_timeout_sec" => self.put("request_timeout", seconds(value, 1.0)),
            "startup_timeout_sec" => self.put("start_timeout", seconds(value, 1.0)),
            "startup_timeout_ms" => self.put("start_timeout", seconds(value, 1e-3)),
            "timeout" => self.timeout(value, imported),
            "includeTools" | "enabled_tools" => self.tools("allow", value),
            "excludeTools" | "disabled_tools" | "disabledTools" => self.tools("deny", value),
            _ => self.without_counterpart(key, value, imported),
        }
    }

    fn command(&mut self, value: &Value, imported: &mut Imported) {
        match value {
            // The program with its arguments, as a list or as Zed once wrote it.
            Value::Array(words) => {
                let words = self.texts("command", words, imported);
                let (program, args) = words
                    .split_first()
                    .map_or((String::new(), Vec::new()), |(program, args)| (program.clone(), args.to_vec()));
                self.put("command", json!(self.program(&program)));
                self.put("args", json!(args));
            }
            Value::Object(parts) => {
                for (key, value) in parts {
                    self.key(if key == "path" { "command" } else { key }, value, imported);
                }
            }
            value => {
                let command = self.text("command", value, imported);
                self.put("command", json!(self.program(&command)));
            }
        }
    }

    fn args(&mut self, value: &Value, imported: &mut Imported) {
        let args = match value {
            Value::Array(args) => self.texts("args", args, imported),
            value => {
                let line = self.text("args", value, imported);
                shell_words::split(&line).unwrap_or_else(|_| {
                    let at = format!("{}.args", self.at);
                    imported.note(&at, NoteKind::Changed, "a quote in it is not closed: it was split at spaces");
                    line.split_whitespace().map(str::to_owned).collect()
                })
            }
        };
        self.put("args", json!(args));
    }

    fn values(&mut self, key: &str, value: &Value, imported: &mut Imported) {
        let Some(values) = value.as_object() else {
            imported.note(&format!("{}.{key}", self.at), NoteKind::NoCounterpart, "names and values were expected");
            return;
        };
        let mut read = Map::new();
        for (name, value) in values {
            let at = format!("{key}.{name}");
            match value {
                Value::Null => imported.note(&format!("{}.{at}", self.at), NoteKind::NoCounterpart, "it has no value"),
                value => drop(read.insert(name.clone(), json!(self.text(&at, value, imported)))),
            }
        }
        self.merge(key, read);
    }

    fn url(&mut self, key: &str, value: &Value, imported: &mut Imported) {
        let url = self.text(key, value, imported);
        // Of Gemini CLI, `url` is the older transport.
        if self.format == Format::GeminiCli {
            self.put("transport", json!(if key == "url" { "sse" } else { "http" }));
        }
        self.put("url", json!(url));
    }

    fn transport(&mut self, value: &Value, imported: &mut Imported) {
        match value.as_str().unwrap_or_default().to_ascii_lowercase().replace('_', "-").as_str() {
            "stdio" | "local" => {}
            "http" | "streamable-http" | "streamablehttp" | "remote" => self.put("transport", json!("http")),
            "sse" => self.put("transport", json!("sse")),
            other => {
                let text = format!("`{other}` is no transport of the gateway: it speaks stdio, http and sse");
                imported.note(&format!("{}.type", self.at), NoteKind::NoCounterpart, text);
            }
        }
    }

    /// Clients do not agree on its unit: what would be too long in seconds is meant in milliseconds.
    fn timeout(&mut self, value: &Value, imported: &mut Imported) {
        let is_milliseconds = self.format == Format::GeminiCli || value.as_f64().is_some_and(|value| value >= 1000.0);
        let time = seconds(value, if is_milliseconds { 1e-3 } else { 1.0 });
        let unit = if is_milliseconds { "milliseconds" } else { "seconds" };
        let text = format!("taken as {unit}: `request_timeout: {time}`");
        imported.note(&format!("{}.timeout", self.at), NoteKind::Changed, text);
        self.put("request_timeout", time);
    }

    fn tools(&mut self, list: &str, value: &Value) {
        let mut tools = self.out.remove("tools").and_then(|tools| tools.as_object().cloned()).unwrap_or_default();
        tools.insert(list.to_owned(), value.clone());
        self.put("tools", Value::Object(tools));
    }

    fn without_counterpart(&mut self, key: &str, value: &Value, imported: &mut Imported) {
        let text = match key {
            "lazy" if value == &Value::Bool(true) => return,
            "lazy" => {
                "every server is started when it is first needed: `discovery: eager` learns the tools of all at start"
            }
            "alwaysAllow" | "autoApprove" | "trust" | "autoApproveTools" | "default_tools_approval_mode" => {
                "approving calls is the client's business: set it there for the tools of the gateway"
            }
            "envFile" => "the gateway reads no such files: set the variables where it is started",
            "env_vars" => return,
            "oauth" | "auth" | "authProviderType" | "auth_provider_type" => {
                "`gateway server login NAME` logs in to a remote server; a client of your own stands in `oauth`"
            }
            "required" | "dev" | "sandbox" | "sandboxEnabled" | "gallery" | "version" => "it concerns the client alone",
            _ => "nothing here is like it",
        };
        imported.note(&format!("{}.{key}", self.at), NoteKind::NoCounterpart, text);
    }

    fn finish(mut self, imported: &mut Imported) -> Option<Map<String, Value>> {
        let (local, remote) = (self.out.contains_key("command"), self.out.contains_key("url"));
        if !local && !remote {
            imported.note(self.at, NoteKind::NoCounterpart, "it has neither a command nor an address");
            return None;
        }
        if local && remote {
            self.out.remove("url");
            imported.note(
                &format!("{}.url", self.at),
                NoteKind::Changed,
                "it has a command as well, which is what counts",
            );
        }
        for key in if local { &REMOTE[..] } else { &LOCAL[..] } {
            if let Some(value) = self.out.remove(*key)
                && *key != "transport"
                && value.as_object().is_none_or(|values| !values.is_empty())
            {
                let text = format!("it belongs to a server with {}", if local { "an address" } else { "a command" });
                imported.note(&format!("{}.{key}", self.at), NoteKind::NoCounterpart, text);
            }
        }
        self.drop_defaults();
        let key = |key: &&str| Some(((**key).to_owned(), self.out.get(*key)?.clone()));
        Some(ORDER.iter().filter_map(key).collect())
    }

    /// What holds in any case need not be written.
    fn drop_defaults(&mut self) {
        // A command without arguments would be split as a shell does it, which is what one gateway does as well.
        if self.format != Format::MetaGateway && self.out.contains_key("command") && !self.out.contains_key("args") {
            self.put("args", json!([]));
        }
        let url = self.out.get("url").and_then(Value::as_str).unwrap_or_default();
        let path = url.split(['?', '#']).next().unwrap_or_default();
        let usual = if path.trim_end_matches('/').ends_with("/sse") { "sse" } else { "http" };
        self.out.retain(|key, value| match key.as_str() {
            "transport" => value != usual,
            "enabled" => value != true,
            "env" | "headers" => value.as_object().is_none_or(|values| !values.is_empty()),
            _ => true,
        });
        // Its tools had their own names there.
        if self.format == Format::McpUnify {
            self.put("prefix", json!("none"));
        }
    }

    fn put(&mut self, key: &str, value: Value) {
        self.out.insert(key.to_owned(), value);
    }

    fn merge(&mut self, key: &str, more: Map<String, Value>) {
        let values = self.out.entry(key).or_insert_with(|| json!({}));
        if let Some(values) = values.as_object_mut() {
            values.extend(more);
        }
    }

    fn texts(&self, key: &str, values: &[Value], imported: &mut Imported) -> Vec<String> {
        values.iter().enumerate().map(|(at, value)| self.text(&format!("{key}[{at}]"), value, imported)).collect()
    }

    /// A value as text, with its variables as we write them.
    fn text(&self, key: &str, value: &Value, imported: &mut Imported) -> String {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let (text, notes) = variables::ours(&text, self.dialect(key), &self.places.workspace);
        for note in notes {
            imported.note(&format!("{}.{key}", self.at), NoteKind::Changed, note);
        }
        text
    }

    fn dialect(&self, key: &str) -> Dialect {
        let is_value = key.starts_with("env.") || key.starts_with("headers.");
        match self.format {
            Format::AutoRegister | Format::McpGw | Format::Zed | Format::Codex => Dialect::Plain,
            Format::MetaGateway => Dialect::Shell,
            Format::McpUnify | Format::GeminiCli if is_value => Dialect::Shell,
            Format::McpUnify | Format::GeminiCli => Dialect::Plain,
            Format::McpServers | Format::VsCode => Dialect::Editor,
        }
    }

    /// A program that is named by a relative path, as seen from anywhere.
    fn program(&self, program: &str) -> String {
        let first = program.split_whitespace().next().unwrap_or_default();
        if first.contains('/') { self.path(program) } else { program.to_owned() }
    }

    fn path(&self, path: &str) -> String {
        if path.starts_with(['/', '~', '$']) || path.contains(":\\") {
            return path.to_owned();
        }
        let relative = Path::new(path.strip_prefix("./").unwrap_or(path));
        let folder = if self.format.is_gateway() { &self.places.folder } else { &self.places.workspace };
        let path = if relative == Path::new(".") { folder.clone() } else { folder.join(relative) };
        path.to_string_lossy().into_owned()
    }
}

/// A time in seconds, without a fraction where there is none.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "held to be positive and small")]
pub(super) fn seconds(value: &Value, unit: f64) -> Value {
    let Some(time) = value.as_f64().map(|value| value * unit).filter(|time| (0.0..1e12).contains(time)) else {
        return value.clone();
    };
    if time.fract() == 0.0 { json!(time as u64) } else { json!(format!("{}ms", (time * 1e3).ceil() as u64)) }
}
