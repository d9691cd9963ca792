//! What a plugin asks for, and how it is granted without a terminal.

use serde_json::json;

use super::bench::{Bench, asking};

fn greedy() -> Bench {
    let bench = Bench::new("# mine\nport: 39400\n");
    let manifest = json!({
        "name": "greedy",
        "description": "Wants it all",
        "permissions": {
            "net": ["https://example.com"],
            "files": [{ "path": "./data", "mount": "/data" }],
            "env": { "LANG": "", "NAME": "${SECRET:-none}" },
            "tools": ["files__*"],
        },
        "limits": { "time": "30s", "memory": "16MiB" },
    });
    bench.write("greedy.wasm", asking(&manifest));
    bench
}

#[test]
fn without_a_terminal_the_flags_decide() {
    let bench = greedy();
    let flags = ["--yes", "--allow-net", "--allow-dir", "--allow-env", "--allow-tool"];
    bench.fails(2, &["plugin", "add", "greedy.wasm"], &flags);
    bench.fails(2, &["plugin", "add", "greedy.wasm"], &["to reach https://example.com", "to take 30s for a call"]);
    let none = ["there is no folder ./data", "--allow-dir DIR:/data"];
    bench.fails(2, &["plugin", "add", "greedy.wasm", "--yes"], &none);
}

#[test]
fn yes_grants_what_is_asked() {
    let bench = greedy();
    bench.write("data/file", "");
    let added = bench.ok(&["plugin", "add", "greedy.wasm", "--yes"]);
    assert!(added.contains("see \"${SECRET:-none}\" as the variable NAME"), "{added}");
    assert!(!added.contains("not granted"), "{added}");
    let config: serde_json::Value = serde_yaml::from_str(&bench.config()).unwrap();
    let plugin = &config["plugins"]["greedy"];
    let expected = json!({
        "net": ["https://example.com"],
        "files": [{ "path": "./data", "mount": "/data", "write": false }],
        "env": { "LANG": "${LANG}", "NAME": "${SECRET:-none}" },
        "tools": ["files__*"],
    });
    assert_eq!(plugin["permissions"], expected);
    assert_eq!(plugin["limits"], json!({ "time": 30 }));
    assert!(bench.config().starts_with("# mine\nport: 39400\n"), "{}", bench.config());
}

#[test]
fn flags_grant_exactly_what_they_name() {
    let bench = greedy();
    bench.write("data/file", "");
    let dir = format!("{}:/data:rw", bench.path("data").display());
    let tools = ["--allow-tool", "files__read"];
    let added = bench.ok(&[&["plugin", "add", "greedy.wasm", "--allow-dir", &dir], &tools[..]].concat());
    let granted = "granted: it may:\n  read and change the folder ./data, as /data\n  call the tools files__read\n";
    assert!(added.contains(granted), "{added}");
    assert!(added.contains("not granted, though it asks to:\n  reach https://example.com\n"), "{added}");
    let config: serde_json::Value = serde_yaml::from_str(&bench.config()).unwrap();
    let files = json!([{ "path": "./data", "mount": "/data", "write": true }]);
    assert_eq!(config["plugins"]["greedy"]["permissions"], json!({ "files": files, "tools": ["files__read"] }));
    assert!(config["plugins"]["greedy"].get("limits").is_none());
    let list = bench.ok(&["plugin", "list"]);
    assert!(list.contains("may read and change the folder"), "{list}");
}

#[test]
fn mistakes_in_flags_are_wrong_usage() {
    let bench = greedy();
    for (flag, value, part) in [
        ("--allow-net", "ftp://example.com", "neither http nor https"),
        ("--allow-dir", "data", "write HOST:GUEST"),
        ("--allow-dir", "nowhere:/data", "--allow-dir: nowhere"),
        ("--allow-env", "A=b", "name of a variable"),
        ("--allow-tool", "files__[", "files__["),
    ] {
        bench.fails(2, &["plugin", "add", "greedy.wasm", flag, value], &[part]);
    }
}

#[test]
fn nothing_asked_is_no_question() {
    let bench = Bench::new("");
    bench.write("modest.wasm", asking(&json!({ "permissions": {}, "limits": { "memory": "16MiB" } })));
    let added = bench.ok(&["plugin", "add", "modest.wasm"]);
    assert!(!added.contains("granted"), "{added}");
}

#[test]
fn what_is_not_understood_is_not_granted() {
    let bench = Bench::new("");
    bench.write("future.wasm", asking(&json!({ "permissions": { "camera": true } })));
    bench.fails(1, &["plugin", "add", "future.wasm", "--yes"], &["is not understood", "camera"]);
}

#[test]
fn a_variable_that_is_not_set_is_said_at_once() {
    let bench = Bench::new("");
    bench.write("calculator.wasm", asking(&json!({})));
    let ran = bench.run(&["plugin", "add", "calculator.wasm", "--allow-env", "SURELY_NOT_SET"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("SURELY_NOT_SET"), "{ran:?}");
}
