//! What a client sees of a server, directly and through the gateway, and what may differ.
//!
//! A [`Driver`] (`tests/clients/matrix.{mjs,py}`) tries all that a [`Server`] offers and prints what it saw as one document.
//! [`differences`] compares two of them.

use std::{fmt, net::TcpListener, process::Command};

use serde_json::{Map, Value, json};

use crate::{Gateway, Listening, foreign, gateway::run, place};

/// Who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driver {
    /// The TypeScript SDK, which speaks up to 2025-11-25.
    TypeScript,
    /// The Python SDK, told to speak the same.
    PythonLegacy,
    /// The Python SDK, which speaks 2026-07-28 with whoever can.
    PythonAuto,
}

/// Who is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// The reference server of npm.
    Everything,
    /// `fastmcp_server.py`.
    FastMcp,
    /// `fixture-server`.
    Fixture,
}

/// How a client reaches a server, or the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// As a child.
    Stdio,
    /// Streamable HTTP.
    Http,
    /// HTTP with server-sent events, of 2024-11-05.
    Sse,
}

impl Transport {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Stdio, Self::Http, Self::Sse];
}

/// A server to connect to.
#[derive(Debug)]
pub struct Backend {
    /// How it is reached.
    pub transport: Transport,
    reached: Reached,
    /// Ends with this.
    _server: Option<Listening>,
}

#[derive(Debug)]
enum Reached {
    Command(Vec<String>),
    Url(String),
}

/// A difference between two documents.
#[derive(Debug)]
pub struct Difference {
    path: String,
    direct: Option<Value>,
    proxied: Option<Value>,
}

// === impl Driver ===

impl Driver {
    /// Lets it try all of a server, and gives its document.
    ///
    /// # Errors
    /// Where there is none: what the driver said.
    pub fn see(self, server: Server, target: &[String], home: &Gateway) -> Result<Value, String> {
        let mut command = match self {
            Self::TypeScript => Command::new("node"),
            Self::PythonLegacy | Self::PythonAuto => Command::new(foreign::python()),
        };
        match self {
            Self::TypeScript => command.arg(foreign::folder().join("matrix.mjs")),
            Self::PythonLegacy => command.arg(foreign::folder().join("matrix.py")).args(["--mode", "legacy"]),
            Self::PythonAuto => command.arg(foreign::folder().join("matrix.py")).args(["--mode", "auto"]),
        };
        command.arg(server.profile()).args(target);
        let output = run(as_at_home(&mut command, home));
        serde_json::from_str(&output.stdout).map_err(|_| format!("no document, but {output:#?}"))
    }
}

/// A command with the environment that the commands of a gateway have.
pub fn as_at_home<'a>(command: &'a mut Command, home: &Gateway) -> &'a mut Command {
    let ours = home.command(&[]);
    for (variable, value) in ours.get_envs() {
        match value {
            Some(value) => command.env(variable, value),
            None => command.env_remove(variable),
        };
    }
    command.current_dir(home.path(""))
}

// === impl Server ===

impl Server {
    /// Its entry in `matrix.json`.
    #[must_use]
    pub fn profile(self) -> &'static str {
        match self {
            Self::Everything => "everything",
            Self::FastMcp => "fastmcp",
            Self::Fixture => "fixture",
        }
    }

    /// Starts it, where clients do not start it themselves.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    #[track_caller]
    pub fn start(self, transport: Transport) -> Backend {
        let mut line = self.line(transport);
        if transport == Transport::Stdio {
            return Backend { transport, reached: Reached::Command(line), _server: None };
        }
        let mut command = Command::new(line.remove(0));
        command.args(line);
        if self == Self::Everything {
            // The others choose one themselves.
            command.env("PORT", free_port().to_string());
        }
        let server = Listening::start(&mut command);
        let url = server.url(if transport == Transport::Http { "/mcp" } else { "/sse" });
        Backend { transport, reached: Reached::Url(url), _server: Some(server) }
    }

    fn line(self, transport: Transport) -> Vec<String> {
        match self {
            Self::Everything => {
                let how = ["stdio", "streamableHttp", "sse"][transport as usize];
                foreign::node_server("everything", &[how])
            }
            Self::FastMcp => {
                let script = foreign::folder().join("fastmcp_server.py").display().to_string();
                let how = ["stdio", "http", "sse"][transport as usize].to_owned();
                vec![foreign::python().display().to_string(), script, "--transport".to_owned(), how]
            }
            Self::Fixture => {
                let mut line = vec![place::fixture_server().get_program().to_string_lossy().into_owned()];
                match transport {
                    Transport::Stdio => line.push("stdio".to_owned()),
                    Transport::Http => line.extend(["http".to_owned(), "127.0.0.1:0".to_owned()]),
                    Transport::Sse => line.extend(["sse".to_owned(), "127.0.0.1:0".to_owned()]),
                }
                line
            }
        }
    }
}

/// A port that was free a moment ago, for a server that cannot choose one itself.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port is free").port()
}

// === impl Backend ===

impl Backend {
    /// How a driver is told to connect.
    #[must_use]
    pub fn target(&self) -> Vec<String> {
        match (&self.reached, self.transport) {
            (Reached::Command(line), _) => stdio(line),
            (Reached::Url(url), Transport::Sse) => vec!["sse".to_owned(), url.clone()],
            (Reached::Url(url), _) => vec!["http".to_owned(), url.clone()],
        }
    }

    /// Its entry for `servers` of `gateway.yaml`, where it keeps the names that it has directly.
    #[must_use]
    pub fn entry(&self) -> Value {
        let mut entry = match &self.reached {
            Reached::Command(line) => foreign::entry(line),
            Reached::Url(url) => json!({ "url": url }),
        };
        entry["prefix"] = json!("none");
        entry
    }
}

/// How a driver is told to connect to a command.
#[must_use]
pub fn stdio(line: &[String]) -> Vec<String> {
    ["stdio", "--"].iter().map(|&part| part.to_owned()).chain(line.iter().cloned()).collect()
}

// === documents ===

/// What differs, in the order of the paths.
#[must_use]
pub fn differences(direct: &Value, proxied: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(String::new(), Some(direct), Some(proxied), &mut found);
    found
}

fn compare(path: String, direct: Option<&Value>, proxied: Option<&Value>, found: &mut Vec<Difference>) {
    match (direct, proxied) {
        // What failed in only one of them differs as a whole.
        (Some(Value::Object(direct)), Some(Value::Object(proxied)))
            if ["error", "did not come"].iter().all(|way| direct.contains_key(*way) == proxied.contains_key(*way)) =>
        {
            let more = proxied.keys().filter(|name| !direct.contains_key(*name));
            for name in direct.keys().chain(more) {
                compare(format!("{path}/{name}"), direct.get(name), proxied.get(name), found);
            }
        }
        (Some(Value::Array(direct)), Some(Value::Array(proxied))) if direct.len() == proxied.len() => {
            for (at, (direct, proxied)) in direct.iter().zip(proxied).enumerate() {
                compare(format!("{path}/{at}"), Some(direct), Some(proxied), found);
            }
        }
        (Some(Value::Array(direct)), Some(Value::Array(proxied))) => {
            let (direct, proxied) = (Some(in_short(direct)), Some(in_short(proxied)));
            found.push(Difference { path, direct, proxied });
        }
        _ if direct == proxied => {}
        _ => found.push(Difference { path, direct: direct.cloned(), proxied: proxied.cloned() }),
    }
}

/// Items by their names, where they have some.
fn in_short(items: &[Value]) -> Value {
    items.iter().map(|item| item.get("name").unwrap_or(item).clone()).collect()
}

/// The paths at which something did not come or went wrong in the driver itself.
#[must_use]
pub fn gaps(document: &Value) -> Vec<String> {
    fn look(path: &str, value: &Value, found: &mut Vec<String>) {
        let children: Vec<(String, &Value)> = match value {
            Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
            Value::Array(items) => items.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
            _ => return,
        };
        for (name, value) in children {
            if ["did not come", "not tried", "thrown"].contains(&name.as_str()) {
                found.push(format!("{path}: {name}: {value}"));
            }
            look(&format!("{path}/{name}"), value, found);
        }
    }
    let mut found = Vec::new();
    look("", document, &mut found);
    found
}

/// Changes each object in a document, innermost first.
pub fn each_object(value: &mut Value, change: &impl Fn(&mut Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(|value| each_object(value, change));
            change(members);
        }
        Value::Array(items) => items.iter_mut().for_each(|value| each_object(value, change)),
        _ => {}
    }
}

impl Difference {
    /// Where.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What the gateway made of it.
    #[must_use]
    pub fn proxied(&self) -> Option<&Value> {
        self.proxied.as_ref()
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |value: Option<&Value>| match value.map(Value::to_string) {
            Some(text) if text.chars().count() > 3000 => text.chars().take(3000).chain(['…']).collect(),
            Some(text) => text,
            None => "nothing".to_owned(),
        };
        let (direct, proxied) = (show(self.direct.as_ref()), show(self.proxied.as_ref()));
        write!(formatter, "{}\n      direct:  {direct}\n      proxied: {proxied}", self.path)
    }
}
