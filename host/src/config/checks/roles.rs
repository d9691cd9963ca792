//! Checks of `roles` and `default_role`.

use gateway_core::{
    name::{Naming, SEPARATOR, SourceName},
    role::Pattern,
};
use serde_yaml::Value;

use super::{Checks, SECTIONS};
use crate::config::{
    Config, Problem, RoleConfig, explain,
    problem::{Key, KeyPath},
    read::lookup,
};

pub(super) fn check(config: &Config, checks: &mut Checks<'_>) {
    default_role(config, checks);
    let starts = starts(config, checks);
    // Where nothing is configured yet, roles cannot be held against anything.
    if starts.is_empty() {
        return;
    }
    for (name, role) in config.roles.iter() {
        let path = KeyPath::of(["roles", name]);
        for (at, glob) in globs(role, &path, checks.root) {
            let own = GATEWAY.iter().any(|tool| glob.matches(&format!("gateway_{tool}")));
            if !own && !starts.iter().any(|start| glob.could_match(start)) {
                warn(glob, at, config, checks);
            }
        }
    }
}

fn default_role(config: &Config, checks: &mut Checks<'_>) {
    let Some(role) = config.default_role.as_deref() else { return };
    let known = checks.names("roles");
    if known.contains(&role) {
        return;
    }
    let hint = match (known.is_empty(), explain::nearest(role, &known)) {
        (true, _) => format!("add it (`roles: {{ {role}: null }}` sees everything), or remove `default_role`"),
        (false, Some(near)) => format!("did you mean `{near}`? configured roles: {}", known.join(", ")),
        (false, None) => format!("configured roles: {}", known.join(", ")),
    };
    let problem = Problem::error(KeyPath::of(["default_role"]), format!("the role `{role}` is not configured"));
    checks.push(problem.hint(hint).at_value());
}

/// The globs of a role, each with its place. One that could not be read is not among them, and shifts those behind it.
fn globs<'r>(role: &'r RoleConfig, path: &KeyPath, root: &Value) -> Vec<(KeyPath, &'r Pattern)> {
    let allow = match lookup(root, path) {
        Some(Value::Sequence(_)) => path.clone(),
        _ => path.with("allow"),
    };
    let lists = [(allow, role.allow.as_deref().unwrap_or_default()), (path.with("deny"), role.deny.as_slice())];
    let mut globs = Vec::new();
    for (list, patterns) in lists {
        for pattern in patterns {
            let items = lookup(root, &list).and_then(Value::as_sequence);
            let at = items.and_then(|items| items.iter().position(|item| item.as_str() == Some(pattern.as_str())));
            globs.push((at.map_or_else(|| list.clone(), |at| list.with(Key::Index(at))), pattern));
        }
    }
    globs
}

/// The gateway's own tools, after `gateway_`.
const GATEWAY: [&str; 8] = [
    "status",
    "list_servers",
    "list_tools",
    "search_tools",
    "invoke",
    "run_pipeline",
    "register_server",
    "remove_server",
];

/// What the names of all configured tools begin with, disabled sources included.
fn starts(config: &Config, checks: &Checks<'_>) -> Vec<String> {
    let mut starts: Vec<String> = Vec::new();
    let mut add =
        |stem: &str| starts.extend([format!("{stem}{SEPARATOR}"), format!("{stem}_"), format!("_{stem}_connect")]);
    for section in SECTIONS {
        for name in checks.names(section) {
            if section == "pipelines" {
                add("pipeline");
            }
            add(name);
        }
    }
    for (name, server) in config.servers.iter() {
        let Naming { prefix, .. } = server.naming(name, SEPARATOR);
        if let Some(prefix) = prefix.filter(|prefix| **prefix != *name.as_str()) {
            add(&prefix);
        }
    }
    starts
}

fn warn(glob: &Pattern, at: KeyPath, config: &Config, checks: &mut Checks<'_>) {
    let names: Vec<&str> = config.servers.names().chain(config.plugins.names()).map(SourceName::as_str).collect();
    let text = glob.as_str();
    let hint = match text.strip_prefix("gateway_") {
        Some(tool) => match explain::nearest(tool, &GATEWAY) {
            Some(near) => format!("did you mean `gateway_{near}`?"),
            None => format!("the gateway's own tools, after `gateway_`: {}", GATEWAY.join(", ")),
        },
        None => {
            // The glob's beginning is most likely the name of a source.
            let stem = text.split(['*', '?', '[', '{']).next().unwrap_or_default();
            let stem = stem.split(SEPARATOR).next().unwrap_or(stem).trim_end_matches('_');
            match explain::nearest(stem, &names).filter(|_| !stem.is_empty()) {
                Some(near) => format!("did you mean `{}`?", text.replacen(stem, near, 1)),
                None => format!("a tool's name begins with that of its server or plugin: {}", names.join(", ")),
            }
        }
    };
    let problem = Problem::warning(at, format!("the glob `{text}` matches nothing that is configured"));
    checks.push(problem.hint(hint).at_value());
}
