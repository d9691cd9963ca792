//! The annotated `gateway.yaml` of this repository, and the keys that it documents.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails in a helper fails the test")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use gateway_host::config::{Config, Loaded};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn text() -> String {
    fs::read_to_string(root().join("gateway.yaml")).unwrap()
}

/// Loads `text` beside plugins that are built, which those of a fresh copy are not, with no variable set.
fn load(text: &str) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    for plugin in ["calculator", "text", "fetch"] {
        let built = folder.path().join("plugins").join(plugin);
        fs::create_dir_all(&built).unwrap();
        fs::write(built.join(format!("{plugin}.wasm")), "").unwrap();
    }
    Config::parse(text, &folder.path().join("gateway.yaml"), &|_| None).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn it_is_right() {
    let loaded = load(&text());
    assert_eq!(loaded.report.to_string(), "");
    assert!(loaded.broken.is_empty());
}

#[test]
fn it_runs_out_of_the_box() {
    let Config { servers, plugins, roles, default_role, .. } = load(&text()).config;
    assert!(servers.iter().all(|(_, server)| !server.enabled), "a server needs more than this repository");
    let names: Vec<&str> = plugins.names().map(|name| name.as_str()).collect();
    assert_eq!(names, ["calculator", "text", "fetch"]);
    for name in names {
        assert!(root().join("plugins").join(name).join("plugin.yaml").is_file(), "{name}");
    }
    assert_eq!(default_role.as_deref(), Some("admin"));
    let readonly: Vec<&str> = roles.get("readonly").unwrap().allow.iter().flatten().map(|glob| glob.as_str()).collect();
    assert_eq!(readonly, ["filesystem_*", "gateway_status"]);
}

/// The defaults that it names are the defaults.
#[test]
fn its_values_are_the_defaults() {
    let (example, default) = (load(&text()).config, Config::default());
    assert_eq!(example.name, default.name);
    assert_eq!(example.separator, default.separator);
    assert_eq!(example.idle_timeout, default.idle_timeout);
    assert_eq!(example.request_timeout, default.request_timeout);
    assert_eq!(example.log_level, default.log_level);
}

/// With every commented key switched on, nothing in it is wrong either: warnings say what is not acted on yet.
#[test]
fn its_comments_are_right_too() {
    let is_key = |line: &str| line.starts_with('#') && line[1..].contains(": ") && !line.starts_with("# ");
    let uncommented: Vec<String> = text()
        .lines()
        .map(|line| match is_key(line) {
            true => line[1..].to_owned(),
            false => line.to_owned(),
        })
        .filter(|line| line != "auth:" && !line.starts_with("  tokens"))
        .collect();
    let loaded = load(&uncommented.join("\n"));
    assert!(!loaded.report.has_errors(), "{}", loaded.report);
}

/// Every key of the schema stands in the example, so that there is one place to look it up.
#[test]
fn every_key_is_documented_in_it() {
    let schema = serde_json::to_value(Config::schema()).unwrap();
    let mut keys = BTreeSet::new();
    collect(&schema, &mut keys);
    let other_names = ["backends", "enable_meta_mcp", "http_url"];
    let later = ["secrets", "instances", "fuel", "storage"];
    let text = text();
    let missing: Vec<&String> = keys
        .iter()
        .filter(|key| !other_names.iter().chain(&later).any(|known| known == key))
        .filter(|key| !text.contains(&format!("{key}:")))
        .collect();
    assert!(missing.is_empty(), "not in gateway.yaml: {missing:?}");
}

fn collect(schema: &serde_json::Value, keys: &mut BTreeSet<String>) {
    if let Some(properties) = schema.get("properties").and_then(|properties| properties.as_object()) {
        keys.extend(properties.keys().cloned());
    }
    match schema {
        serde_json::Value::Object(members) => members.values().for_each(|member| collect(member, keys)),
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, keys)),
        _ => {}
    }
}
