//! `gateway plugin test` and `gateway plugin bench`: what a plugin does, held against what its author expects.

use std::fs;

use gateway_tests::{
    Gateway,
    guests::{self, Guest},
};
use serde_json::{Value, json};

/// A folder with a built plugin, its `plugin.yaml` and its `plugin.test.yaml`.
fn folder(guest: Guest, manifest: &Value, script: &Value) -> Gateway {
    let gateway = Gateway::new("");
    fs::create_dir_all(gateway.path("plugin")).unwrap();
    fs::copy(guest.path(), gateway.path("plugin/plugin.wasm")).unwrap();
    gateway.write("plugin/plugin.yaml", &manifest.to_string());
    gateway.write("plugin/plugin.test.yaml", &script.to_string());
    gateway
}

#[test]
fn cases_pass_or_fail_by_name() {
    let script = json!({ "cases": [
        { "name": "adds", "tool": "add", "arguments": { "a": 1, "b": 2 }, "expect": { "text": "3" } },
        { "name": "adds wrongly", "tool": "add", "arguments": { "a": 1, "b": 2 }, "expect": { "text": "4" } },
        { "name": "divides by zero", "tool": "divide", "arguments": { "a": 1, "b": 0 }, "expect": { "error": "zero" } },
        { "name": "forgets", "tool": "add", "arguments": { "a": 1 }, "expect": { "error": "argument \"b\" is missing" } },
    ] });
    let gateway = folder(guests::CALCULATOR, &json!({}), &script);
    let output = gateway.run(&["plugin", "test", "plugin"]);
    assert_eq!(output.code, 1, "{output:#?}");
    assert!(output.stdout.contains("3 passed, 1 failed"), "{output:#?}");
    assert!(output.stdout.contains(r#"expected the text "4", got "3""#), "{output:#?}");
    let some = gateway.run(&["plugin", "test", "plugin", "--case", "zero"]);
    assert!(some.answer().contains("1 passed, 0 failed"), "{some:#?}");
    assert_eq!(gateway.run(&["plugin", "test", "plugin", "--case", "nothing"]).code, 2);
}

#[test]
fn fuel_is_the_same_every_time() {
    let script = json!({ "cases": [
        { "name": "adds", "tool": "add", "arguments": { "a": 1, "b": 2 }, "expect": { "memory": "16MiB" } },
    ] });
    let gateway = folder(guests::CALCULATOR, &json!({}), &script);
    let fuel = || {
        let report = gateway.run(&["plugin", "test", "plugin", "--json"]).json();
        assert!(report["cases"][0]["memory_bytes"].as_u64().unwrap() > 0, "{report}");
        report["cases"][0]["fuel"].as_u64().unwrap()
    };
    let first = fuel();
    assert!(first > 0);
    assert_eq!(fuel(), first);
    let less = json!({ "cases": [{ "name": "adds", "tool": "add", "arguments": { "a": 1, "b": 2 },
        "expect": { "fuel": first - 1 } }] });
    gateway.write("plugin/plugin.test.yaml", &less.to_string());
    let output = gateway.run(&["plugin", "test", "plugin"]);
    assert_eq!(output.code, 1, "{output:#?}");
    assert!(output.stdout.contains(&format!("used {first}")), "{output:#?}");
}

/// The web is what was recorded; what was not asked for is denied before that.
#[test]
fn the_web_is_recorded() {
    let script = json!({
        "http": [{ "request": "GET http://example.com/a", "status": 404, "body": "not here" }],
        "cases": [
            { "name": "gets", "tool": "get", "arguments": { "url": "http://example.com/a" }, "expect": { "text": "404 not here" } },
            { "name": "is not recorded", "tool": "get", "arguments": { "url": "http://example.com/b" }, "expect": { "error": "" } },
            { "name": "was not asked for", "tool": "get", "arguments": { "url": "http://example.org/a" },
              "expect": { "denied": "example.org" } },
        ],
    });
    let manifest = json!({ "permissions": { "net": ["http://example.com"] } });
    let output = folder(guests::NET, &manifest, &script).run(&["plugin", "test", "plugin"]);
    assert!(output.answer().contains("3 passed, 0 failed"), "{output:#?}");
}

/// A plugin writes into a copy, and sees the variables that its file gives it.
#[test]
fn folders_and_variables_come_from_the_file() {
    let script = json!({
        "files": { "/data": "testdata" },
        "cases": [
            { "name": "reads", "tool": "read", "arguments": { "path": "/data/note.txt" }, "expect": { "text": "a note" } },
            { "name": "writes", "tool": "write", "arguments": { "path": "/data/note.txt", "text": "changed" } },
            { "name": "stays inside", "tool": "read", "arguments": { "path": "/etc/passwd" }, "expect": { "error": "" } },
        ],
    });
    let manifest = json!({ "permissions": { "files": [{ "path": ".", "mount": "/data", "write": true }] } });
    let gateway = folder(guests::FILES, &manifest, &script);
    gateway.write("plugin/testdata/note.txt", "a note");
    let output = gateway.run(&["plugin", "test", "plugin"]);
    assert!(output.answer().contains("3 passed"), "{output:#?}");
    assert_eq!(fs::read_to_string(gateway.path("plugin/testdata/note.txt")).unwrap(), "a note");

    let script = json!({
        "env": { "LANGUAGE": "en" },
        "cases": [{ "name": "sees", "tool": "environment", "expect": { "contains": r#""LANGUAGE":"en""# } }],
    });
    let manifest = json!({ "permissions": { "env": { "LANGUAGE": "" } } });
    let output = folder(guests::ENV, &manifest, &script).run(&["plugin", "test", "plugin"]);
    assert!(output.answer().contains("1 passed"), "{output:#?}");
}

/// Other tools are what the file says, as far as the plugin asks for them.
#[test]
fn other_tools_are_recorded() {
    let result = json!({ "content": [{ "type": "text", "text": "from elsewhere" }] });
    let call = |tool: &str| json!({ "tool": tool });
    let script = json!({
        "tools": { "files__read": result, "files__write": result },
        "cases": [
            { "name": "calls", "tool": "call", "arguments": call("files__read"), "expect": { "text": "from elsewhere" } },
            { "name": "may not", "tool": "call", "arguments": call("files__write"), "expect": { "denied": "files__write" } },
        ],
    });
    let manifest = json!({ "permissions": { "tools": ["files__read"] } });
    let output = folder(guests::HOST_USER, &manifest, &script).run(&["plugin", "test", "plugin"]);
    assert!(output.answer().contains("2 passed"), "{output:#?}");
}

#[test]
fn mistakes_in_the_file_are_named() {
    let gateway = folder(guests::CALCULATOR, &json!({}), &json!({ "cases": [{ "name": "a", "tol": "add" }] }));
    let output = gateway.run(&["plugin", "test", "plugin"]);
    let complaint = output.complaint(2);
    assert!(complaint.contains("plugin.test.yaml") && complaint.contains("tol"), "{complaint}");
    fs::remove_file(gateway.path("plugin/plugin.test.yaml")).unwrap();
    let output = gateway.run(&["plugin", "test", "plugin"]);
    assert!(output.complaint(2).contains("hint: write one"), "{output:#?}");
    assert_eq!(gateway.run(&["plugin", "test", "nowhere"]).code, 2);
}

#[test]
fn a_bench_says_what_calls_cost() {
    let script = json!({ "cases": [{ "name": "adds", "tool": "add", "arguments": { "a": 1, "b": 2 } }] });
    let gateway = folder(guests::CALCULATOR, &json!({}), &script);
    let report = gateway.run(&["plugin", "bench", "plugin", "--calls", "20", "--json"]).json();
    for figure in ["compile_ms", "cached_load_us", "call_p50_us", "call_cpu_us", "calls_per_second", "memory_bytes"] {
        assert!(report[figure].as_f64().unwrap() > 0.0, "{figure}: {report}");
    }
    assert_eq!((&report["tool"], &report["failed"]), (&json!("add"), &json!(0)));
    let other = gateway.run(&["plugin", "bench", "plugin", "--calls", "20", "--tool", "add", "--args", r#"{"a":1}"#]);
    assert_eq!(other.code, 1, "{other:#?}");
    assert!(other.stderr.contains("hint: choose a call"), "{other:#?}");
}
