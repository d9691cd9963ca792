//! Plugins in Python: built by the built gateway, and called through it.

use std::{fs, path::PathBuf, process::Command};

use gateway_tests::{Client, Gateway, gateway::run, guests, place};
use serde_json::{Value, json};

use crate::built::{built, keeping, plugin};

/// A plugin of the repository, built with the SDK and the WIT as they are.
fn python(folder: &str) -> PathBuf {
    built(folder, &["sdk/python/gateway_sdk", "wit", "host/src/packages/build"])
}

/// A client of a gateway with this plugin. What is compiled is kept: the components are large.
fn client(gateway: &Gateway) -> Client {
    let client = Client::spawn(&mut keeping(gateway.command(&["stdio"])));
    client.initialize();
    client
}

fn kitchen(entry: Value) -> Gateway {
    let mut entry = entry;
    entry["source"] = python("tests/cases/python_plugin").display().to_string().into();
    Gateway::with(&json!({ "plugins": { "kitchen": entry, "calculator": guests::CALCULATOR.source() } }))
}

fn structured(client: &Client, tool: &str, arguments: Value) -> Value {
    client.call(tool, arguments).result()["structuredContent"].clone()
}

#[test]
fn the_example_is_called() {
    let source = python("plugins/dates").display().to_string();
    let gateway = Gateway::with(&json!({ "plugins": { "dates": source } }));
    let client = client(&gateway);
    let arguments = json!({ "start": "2026-03-28T12:00", "end": "2026-03-29T12:00", "zone": "Europe/Berlin" });
    let difference = structured(&client, "dates__difference", arguments);
    assert_eq!(difference, json!({ "seconds": 82800.0, "text": "1 day", "days": 0, "working_days": 0 }));
    let day = structured(&client, "dates__day", json!({ "date": "2027-01-01" }));
    assert_eq!((&day["iso_week"], &day["weekday"]), (&json!("2026-W53"), &json!("Friday")));
    assert_eq!(client.call("dates__zones", json!({ "contains": "kathmandu" })).text(), "Asia/Kathmandu");
    let failure = client.call("dates__now", json!({ "zone": "Europe/Berlinn" })).failure();
    assert!(failure.contains("there is no time zone"), "{failure}");
    // The gateway holds arguments against the schema that the type hints gave.
    let failure = client.call("dates__month", json!({ "year": 2026, "month": 13 })).failure();
    assert!(failure.contains("month"), "{failure}");
    // Each in an instance of its own.
    let calls: Vec<_> =
        (1..=28).map(|n| client.send_call("dates__day", json!({ "date": format!("2026-02-{n:02}") }))).collect();
    for (n, call) in (1..).zip(calls) {
        assert_eq!(client.answer(call).result()["structuredContent"]["day_of_year"], 31 + n);
    }
}

/// Its calls find what a new instance is, in one that was set back.
#[test]
fn few_instances_are_made() {
    let output = run(&mut plugin(&["bench", "--calls", "20", "--json"], &python("plugins/dates")));
    let report = output.json();
    assert!(report["new_instances"] == 0 || !cfg!(target_os = "linux"), "{report}");
}

#[test]
fn the_example_passes_its_own_cases() {
    let output = run(&mut plugin(&["test"], &python("plugins/dates")));
    assert!(output.answer().contains("6"), "{output:#?}");
}

#[test]
fn a_function_says_what_its_tool_is() {
    let gateway = kitchen(json!({}));
    let client = client(&gateway);
    let tools = client.tools().result()["tools"].clone();
    let loud = tools.as_array().unwrap().iter().find(|tool| tool["name"] == "kitchen__loud").unwrap();
    assert_eq!((&loud["title"], &loud["description"]), (&json!("Shout"), &json!("Shout.")));
    assert_eq!(loud["annotations"]["readOnlyHint"], true);
    let schema = json!({
        "type": "object",
        "properties": {
            "words": { "type": "string", "description": "what" },
            "times": { "type": "integer", "description": "how often", "default": 1 },
        },
        "required": ["words"],
        "additionalProperties": false,
    });
    assert_eq!(loud["inputSchema"], schema);
    assert_eq!(client.call("kitchen__loud", json!({ "words": "hi", "times": 3 })).text(), "HI!!!");
}

#[test]
fn a_call_has_an_instance_of_its_own() {
    let gateway = kitchen(json!({}));
    let client = client(&gateway);
    for _ in 0..2 {
        assert_eq!(client.call("kitchen__count", json!({})).text(), "1");
    }
    let random = || client.call("kitchen__numbers", json!({})).text();
    let numbers = [random(), random(), random()];
    assert!(numbers[0] != numbers[1] && numbers[1] != numbers[2], "{numbers:?}");
    // The standard library imports a module in this call, which was there before.
    assert_eq!(structured(&client, "kitchen__common", json!({ "text": "soup of onions" })), json!({ "o": 4 }));
}

#[test]
fn what_is_raised_is_for_the_model_to_read() {
    let gateway = kitchen(json!({}));
    let client = client(&gateway);
    let failure = |how: &str| client.call("kitchen__fails", json!({ "how": how })).failure();
    assert_eq!(failure("tool"), "it was late");
    assert_eq!(failure("bug"), "KeyError: 'soup'");
    client.logged("kitchen.py");
    assert!(failure("invalid").contains("how is wrong"), "{}", failure("invalid"));
}

#[test]
fn content_settings_progress_and_lines_arrive() {
    let gateway = kitchen(json!({ "config": { "soup": "hot" } }));
    let client = client(&gateway);
    assert_eq!(structured(&client, "kitchen__settings", json!({})), json!({ "soup": "hot" }));
    let content = client.call("kitchen__picture", json!({})).result()["content"].clone();
    let expected = json!([
        { "type": "text", "text": "a dot", "annotations": { "audience": ["user"] } },
        { "type": "image", "data": "AQI=", "mimeType": "image/png" },
    ]);
    assert_eq!(content, expected);
    let params = json!({ "name": "kitchen__reports", "arguments": {}, "_meta": { "progressToken": 7 } });
    client.request("tools/call", params).result();
    let progress = client.incoming("notifications/progress");
    assert_eq!(progress.params(), &json!({ "progressToken": 7, "progress": 1.0, "total": 2.0, "message": "half" }));
    client.logged("from the plugin");
}

#[test]
fn other_tools_and_the_store_are_reached_where_granted() {
    let gateway = kitchen(json!({ "permissions": { "tools": ["calculator__add"] }, "limits": { "storage": "1MiB" } }));
    let client = client(&gateway);
    assert_eq!(client.call("kitchen__nested", json!({ "name": "calculator__add" })).text(), "5");
    let denied = client.call("kitchen__nested", json!({ "name": "calculator__divide" })).text();
    assert!(denied.starts_with("denied: "), "{denied}");
    let remembers = |arguments: Value| structured(&client, "kitchen__remembers", arguments);
    assert_eq!(remembers(json!({ "key": "a", "value": "b" }))["old"], Value::Null);
    let second = remembers(json!({ "key": "a" }));
    assert_eq!(second, json!({ "old": "b", "visits": 2, "keys": ["a", "visits"] }));
}

#[test]
fn resources_prompts_and_completions_are_offered() {
    let gateway = kitchen(json!({}));
    let client = client(&gateway);
    let read = |uri: &str| client.request("resources/read", json!({ "uri": uri })).result()["contents"][0].clone();
    assert_eq!(read("kitchen:///menu"), json!({ "uri": "kitchen:///menu", "mimeType": "text/plain", "text": "soup" }));
    assert_eq!(read("kitchen:///soup/recipe")["blob"], "Ym9pbCBpdA==");
    client.request("resources/read", json!({ "uri": "kitchen:///salad/recipe" })).error();
    let filled = client.request("prompts/get", json!({ "name": "kitchen__review", "arguments": { "code": "x" } }));
    let messages = filled.result()["messages"].clone();
    assert_eq!(messages[0]["content"]["text"], "Review this code: x");
    assert_eq!(messages[1]["role"], "assistant");
    let argument = json!({ "name": "language", "value": "py" });
    let reference = json!({ "type": "ref/prompt", "name": "kitchen__review" });
    let completed = client.request("completion/complete", json!({ "ref": reference, "argument": argument }));
    assert_eq!(completed.result()["completion"]["values"], json!(["python", "pyret"]));
}

/// What a build of this module says, where it fails.
fn mistake(pyproject: &str, source: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("src")).unwrap();
    fs::write(folder.path().join("pyproject.toml"), pyproject).unwrap();
    fs::write(folder.path().join("src/plugin.py"), source).unwrap();
    run(&mut plugin(&["build"], folder.path())).complaint(1).to_owned()
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    for (source, word) in [
        ("", "nothing is declared: write `@tool` above a function"),
        ("def\n", "plugin.py:1: "),
        ("from gateway_sdk import tool\n@tool\ndef add(a): ...\n", "add: the parameter a has no type hint"),
        ("import gateway_sdk\nnone.such\n", "NameError: name 'none' is not defined"),
    ] {
        let said = mistake("", source);
        assert!(said.contains(word), "{word:?} is missing in {said}");
    }
    let said = mistake("[tool.gateway]\nmodule = \"other\"\n", "");
    assert!(said.contains("no Python module \"other\"") && said.contains("hint: name it with `module`"), "{said}");
}

#[test]
fn a_machine_without_python_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pyproject.toml"), "").unwrap();
    fs::write(folder.path().join("plugin.py"), "").unwrap();
    let output = run(plugin(&["build"], folder.path()).env("PATH", folder.path()));
    let said = output.complaint(output.code);
    assert!(
        said.contains("python3 cannot be started") && said.contains("hint: install Python 3.10 or newer"),
        "{said}"
    );
}

#[test]
fn the_sdk_passes_its_own_tests() {
    let mut tests = Command::new("python3");
    tests.args(["-B", "-m", "unittest", "discover", "-s", "tests"]).current_dir(place::repository().join("sdk/python"));
    assert_eq!(run(&mut tests).code, 0);
}

#[test]
fn the_types_of_the_sdk_hold() {
    let mypy = place::repository().join("sdk/python/.venv/bin/mypy");
    assert!(mypy.is_file(), "{} is missing: run `./tests/run --setup`", mypy.display());
    let mut check = Command::new(mypy);
    let output = run(check.arg("--no-incremental").current_dir(place::repository().join("sdk/python")));
    assert_eq!(output.code, 0, "{output:#?}");
}
