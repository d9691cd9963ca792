//! Names of servers that every client takes.

use std::path::Path;

use gateway_core::name::{MAX_SOURCE_NAME, SourceName};
use serde_json::Value;

use super::{Imported, NoteKind};

/// The name of the server that was called `was`: legal, and of no other server of the file.
pub(super) fn legal(was: &str, at: &str, imported: &mut Imported) -> String {
    let wanted = made_legal(was);
    let taken = |name: &str| imported.servers.iter().any(|server| server.name == name);
    let name = match taken(&wanted) {
        false => wanted,
        true => (2..).map(|count| numbered(&wanted, count)).find(|name| !taken(name)).unwrap_or(wanted),
    };
    if name != was {
        imported.note(
            at,
            NoteKind::Changed,
            format!("is called {name} here: a server's name becomes part of its tools'"),
        );
    }
    name
}

fn numbered(name: &str, count: usize) -> String {
    let number = format!("-{count}");
    let kept = name.len().min(MAX_SOURCE_NAME - number.len());
    format!("{}{number}", &name[..kept])
}

fn made_legal(was: &str) -> String {
    if SourceName::new(was).is_ok() {
        return was.to_owned();
    }
    let replaced = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '-' };
    let name: String = was.chars().map(replaced).collect();
    let name = name.trim_matches(['-', '_']);
    let name = &name[..name.len().min(MAX_SOURCE_NAME)];
    match SourceName::new(name) {
        Ok(_) => name.to_owned(),
        // Empty, or one that the gateway keeps for itself.
        Err(_) => format!("server-{name}").trim_end_matches('-').to_owned(),
    }
}

/// Whether a server that somebody has configured is this gateway itself.
#[must_use]
pub fn is_our_own(entry: &Value) -> bool {
    let program = entry.get("command").and_then(Value::as_str).unwrap_or_default();
    let is_gateway = Path::new(program).file_stem().is_some_and(|stem| stem == "gateway");
    let mut args = entry.get("args").and_then(Value::as_array).into_iter().flatten();
    is_gateway && args.any(|arg| arg == "stdio")
}

/// What there is to say of a server that is a gateway: behind this one it would be in the way.
pub(super) fn gateway(entry: &Value) -> Option<&'static str> {
    if is_our_own(entry) {
        return Some("it is the gateway itself");
    }
    let program = Path::new(entry.get("command").and_then(Value::as_str).unwrap_or_default());
    let args = entry.get("args").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let replaced = program.file_stem().is_some_and(|stem| stem == "mcp-gateway")
        && args.clone().any(|arg| arg == "stdio")
        || args.clone().any(|arg| Path::new(arg).file_name().is_some_and(|name| name == "gateway.py"));
    replaced.then_some("it is a gateway that this one replaces: import that one's own configuration")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_legal() {
        for (was, name) in [
            ("files", "files"),
            ("my server", "my-server"),
            ("@scope/server.fs", "scope-server-fs"),
            ("_private", "private"),
            ("gateway", "server-gateway"),
            ("läuft", "l-uft"),
            ("---", "server"),
            (&"x".repeat(50), &"x".repeat(40)),
        ] {
            assert_eq!(made_legal(was), name, "{was}");
            assert!(SourceName::new(&made_legal(was)).is_ok(), "{was}");
        }
    }
}
