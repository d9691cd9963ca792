//! A hint for every problem: what to write, where the check that found the problem did not say it.

use super::problem::{Key, Problem, Severity};

/// Keys with a value that is right.
const EXAMPLES: [(&str, &str); 17] = [
    ("port", "port: 39400"),
    ("log_level", "log_level: info"),
    ("separator", "separator: \"__\""),
    ("discovery", "discovery: lazy"),
    ("idle_timeout", "idle_timeout: 5m"),
    ("session_timeout", "session_timeout: 30m"),
    ("request_timeout", "request_timeout: 60"),
    ("start_timeout", "start_timeout: 30"),
    ("heartbeat", "heartbeat: 30"),
    ("transport", "transport: http"),
    ("per_session", "per_session: auto"),
    ("concurrency", "concurrency: 16"),
    ("memory", "memory: 64MiB"),
    ("output", "output: 4MiB"),
    ("time", "time: 10s"),
    ("on_error", "on_error: stop"),
    ("args", "args: [\"-y\", \"package\"]"),
];

/// Gives the problem a hint where it has none.
pub(super) fn ensure(problem: &mut Problem) {
    if problem.hint.is_none() {
        problem.hint = Some(hint(problem));
    }
}

fn hint(problem: &Problem) -> String {
    if problem.severity == Severity::Warning {
        return "leave it out, or keep it for the version that does".to_owned();
    }
    if problem.message.contains("the glob ") {
        return "write a glob such as `filesystem_*`; a bracket that is meant as such is written `[[]`".to_owned();
    }
    let name = problem.path.name(1).unwrap_or("NAME");
    match (problem.path.name(0), problem.path.keys()) {
        (Some("roles"), [_, Key::Name(_)]) => {
            format!("write `{name}: null` for every tool, or `{name}: [\"server_*\"]`")
        }
        (Some("plugins"), [_, Key::Name(_)]) if !problem.message.starts_with("the name ") => {
            format!("write `{name}: ./plugins/{name}`")
        }
        (Some("servers" | "backends" | "plugins" | "pipelines"), [_, Key::Name(_)]) => {
            "give it another name: letters, digits, `-` and `_`, at most 40".to_owned()
        }
        (_, [.., Key::Name(section), Key::Name(variable)]) if section == "env" || section == "headers" => {
            format!("write `{variable}: \"text\"`")
        }
        (_, keys) => example(keys),
    }
}

fn example(keys: &[Key]) -> String {
    let last = keys.iter().rev().find_map(|key| match key {
        Key::Name(name) => Some(name.as_str()),
        Key::Index(_) => None,
    });
    let known = last.and_then(|last| EXAMPLES.iter().find(|(key, _)| *key == last));
    match known {
        Some((_, example)) => format!("write it like `{example}`"),
        None => "`gateway schema` says what may stand there".to_owned(),
    }
}
