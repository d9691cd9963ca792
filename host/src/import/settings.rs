//! What stands beside the servers of another gateway, and what holds there where nothing is written.

use serde_json::{Map, Value, json};

use super::{Format, Imported, NoteKind, Setting, entry::seconds, format::Found, variables};

/// Takes the settings of `root`.
pub(super) fn take(root: &Value, found: &Found, imported: &mut Imported) {
    let section = found.section.split('.').next().unwrap_or_default();
    for (key, value) in root.as_object().into_iter().flatten().filter(|(key, _)| *key != section) {
        match found.format {
            Format::MetaGateway => meta_gateway(key, value, imported),
            Format::McpUnify => mcp_unify(key, value, imported),
            Format::VsCode if key == "inputs" => inputs(value, imported),
            // A file of nothing but servers has them as its keys.
            Format::AutoRegister | Format::McpGw if !section.is_empty() => unknown(key, imported),
            // Settings of a client are its own business.
            _ => {}
        }
    }
    differences(root, found.format, imported);
}

fn set(key: &str, value: Value, imported: &mut Imported) {
    imported.settings.push(Setting { path: vec![key.to_owned()], value });
}

fn unknown(key: &str, imported: &mut Imported) {
    imported.note(key, NoteKind::NoCounterpart, "nothing here is like it");
}

fn meta_gateway(key: &str, value: &Value, imported: &mut Imported) {
    match key {
        "port" => set("port", value.clone(), imported),
        "host" => host(value, imported),
        "enable_meta_mcp" => set("meta_tools", value.clone(), imported),
        "log_level" => {
            let level = value.as_str().unwrap_or_default().to_ascii_lowercase();
            set("log_level", json!(if level == "warning" { "warn" } else { &level }), imported);
        }
        "request_timeout" => set("request_timeout", seconds(value, 1.0), imported),
        // Taken over into the servers that it is about.
        "health_check_interval" => {
            imported.note(key, NoteKind::Changed, "is `heartbeat` of each remote server");
        }
        _ => unknown(key, imported),
    }
}

fn mcp_unify(key: &str, value: &Value, imported: &mut Imported) {
    match key {
        "name" => set("name", value.clone(), imported),
        "idle_timeout" => set("idle_timeout", seconds(value, 1.0), imported),
        "roles" => roles(value, imported),
        "plugins" => plugins(value, imported),
        "registry" => imported.note(
            key,
            NoteKind::NoCounterpart,
            "it was written and never read; the gateway keeps what it learns in the user's own folders",
        ),
        // Read by nobody there either, and meant all the same.
        "host" => host(value, imported),
        "port" => set("port", value.clone(), imported),
        _ => unknown(key, imported),
    }
}

/// Without `auth` the gateway listens on this machine alone.
fn host(value: &Value, imported: &mut Imported) {
    match value.as_str().unwrap_or_default() {
        "127.0.0.1" | "localhost" | "::1" => set("host", value.clone(), imported),
        other => {
            let text = format!(
                "{other} can be reached by others: write `host: {other}` together with `auth`, without which whoever reaches it could use every tool"
            );
            imported.note("host", NoteKind::Differs, text);
        }
    }
}

fn roles(value: &Value, imported: &mut Imported) {
    for (name, globs) in value.as_object().into_iter().flatten() {
        imported.settings.push(Setting { path: vec!["roles".to_owned(), name.clone()], value: globs.clone() });
    }
    imported.note(
        "roles",
        NoteKind::Differs,
        "where no role was named, everything was seen; here nothing is served then: name one with MCP_GATEWAY_ROLE, or write `default_role: ROLE`",
    );
}

/// Modules of Python run in the other gateway's process; plugins here are WebAssembly.
fn plugins(value: &Value, imported: &mut Imported) {
    for (at, plugin) in value.as_array().into_iter().flatten().enumerate() {
        let module = plugin.get("module").unwrap_or(plugin).as_str().unwrap_or_default();
        let name = module.rsplit('.').next().unwrap_or_default().replace('_', "-");
        let text = format!(
            "the Python module {module} is no plugin here: `gateway plugin new {name} --lang python` begins one, into which its functions go"
        );
        imported.note(&format!("plugins[{at}]"), NoteKind::NoCounterpart, text);
    }
}

fn inputs(value: &Value, imported: &mut Imported) {
    for (at, input) in value.as_array().into_iter().flatten().enumerate() {
        let id = input.get("id").and_then(Value::as_str).unwrap_or_default();
        let text = format!("nobody is asked for it here: `${{{}}}` stands for it", variables::input(id));
        imported.note(&format!("inputs[{at}]"), NoteKind::Changed, text);
    }
}

/// What holds there where nothing is written, and otherwise here.
fn differences(root: &Value, format: Format, imported: &mut Imported) {
    let mut differs = |at: &str, text: &str| imported.note(at, NoteKind::Differs, text);
    match format {
        Format::AutoRegister => {
            differs(
                "port",
                "it listened on 8003 with --transport streamable-http; `gateway serve` listens on 39400: `port: 8003` keeps the address",
            );
            differs("timeout", "a call ended after 10 seconds; here it has 60: `request_timeout: 10` keeps that");
            differs(
                "register_server",
                "registering while running is off by default, since it lets a model start programs: `management: true` and `allow_commands: [python]` allow it",
            );
        }
        Format::MetaGateway if root.get("enable_meta_mcp").is_none() => {
            differs("enable_meta_mcp", "it was on where nothing was written, so `meta_tools: true` is written here");
            set("meta_tools", json!(true), imported);
        }
        Format::McpUnify => {
            differs("port", "it listened on 8765; `gateway serve` listens on 39400: `port: 8765` keeps the address");
            differs(
                "host",
                "it listened on 0.0.0.0 without any check; `gateway serve` listens on 127.0.0.1, and elsewhere only with `auth`",
            );
            differs(
                "servers",
                "tools keep their own names, as there, by `prefix: none`: without it they are called SERVER__TOOL",
            );
        }
        Format::McpGw => {
            differs(
                "PORT",
                "it listened on port 3000; `gateway serve` listens on 39400: `port: 3000` keeps the address",
            );
            differs(
                "host",
                "it listened on all addresses without any check; `gateway serve` listens on 127.0.0.1, and elsewhere only with `auth`",
            );
        }
        _ => {}
    }
}

/// What was said of all servers, and is said of each here.
pub(super) fn complete(root: &Value, format: Format, entry: &mut Map<String, Value>) {
    let interval = root.get("health_check_interval").filter(|_| format == Format::MetaGateway);
    if let Some(interval) = interval.filter(|_| entry.contains_key("url")) {
        entry.insert("heartbeat".to_owned(), seconds(interval, 1.0));
    }
}
