//! `gateway.lock`: what is not as it was agreed to does not run, and says what is different.

use std::fs;

use gateway_tests::{Gateway, guests};
use serde_json::json;

use super::oci::newer;

/// A gateway with two plugins: one in a file of its own folder, and another one.
fn gateway() -> Gateway {
    let gateway = Gateway::with(&json!({ "plugins": {
        "sums": { "source": "./sums.wasm", "permissions": { "net": ["example.com"], "env": { "LANG": "${LANG:-hunter2}" } } },
        "counter": guests::COUNTER.source(),
    } }));
    fs::copy(guests::CALCULATOR.path(), gateway.path("sums.wasm")).unwrap();
    gateway
}

/// Why `sums` does not run, while the other one does.
#[track_caller]
fn stopped(gateway: &Gateway) -> String {
    let refused = gateway.run(&["call", "sums__add", "a=1", "b=2"]);
    assert_eq!(refused.code, 1, "{refused:#?}");
    assert_eq!(gateway.run(&["call", "counter__count"]).answer(), "1\n");
    refused.stderr
}

#[track_caller]
fn runs(gateway: &Gateway) {
    assert_eq!(gateway.run(&["call", "sums__add", "a=1", "b=2"]).answer(), "3\n");
    gateway.run(&["lock", "--check"]).answer();
}

#[test]
fn nothing_is_locked_where_nobody_locked_it() {
    let gateway = gateway();
    assert_eq!(gateway.run(&["call", "sums__add", "a=1", "b=2"]).answer(), "3\n");
    assert!(!gateway.path("gateway.lock").exists());
    let checked = gateway.run(&["lock", "--check"]);
    assert_eq!(checked.code, 2, "{checked:#?}");
    assert!(checked.stdout.contains("sums: not locked"), "{checked:#?}");
    assert!(!gateway.path("gateway.lock").exists());
}

#[test]
fn another_component_is_refused() {
    let gateway = gateway();
    gateway.run(&["lock"]).answer();
    runs(&gateway);
    let first = fs::read_to_string(gateway.path("gateway.lock")).unwrap();
    assert!(!first.contains("hunter2") && first.contains("source: ./sums.wasm"), "{first}");
    gateway.run(&["lock"]).answer();
    assert_eq!(fs::read_to_string(gateway.path("gateway.lock")).unwrap(), first, "locked twice, it is the same");

    fs::write(gateway.path("sums.wasm"), newer()).unwrap();
    let said = stopped(&gateway);
    for part in ["gateway.lock", "sha256 was ", "hint: ", "gateway approve sums", "gateway lock"] {
        assert!(said.contains(part), "{part} is missing in {said}");
    }
    let checked = gateway.run(&["lock", "--check"]);
    assert_eq!(checked.code, 2, "{checked:#?}");
    let change = "tools.add.description was \"Add two numbers.\" and is \"Sum two numbers.\"";
    assert!(checked.stdout.contains(change) && !checked.stdout.contains("counter:"), "{checked:#?}");
    assert!(gateway.run(&["approve", "sums"]).answer().contains(change));
    runs(&gateway);
    // Only what was agreed to has changed.
    let second = fs::read_to_string(gateway.path("gateway.lock")).unwrap();
    let counter = |text: &str| text.split("  sums:").next().map(str::to_owned);
    assert_eq!(counter(&first), counter(&second));
}

#[test]
fn other_grants_are_refused() {
    let gateway = gateway();
    gateway.run(&["lock"]).answer();
    let yaml = fs::read_to_string(gateway.path("gateway.yaml")).unwrap();
    gateway.write("gateway.yaml", &yaml.replace("\"example.com\"", "\"example.com\", \"*\""));
    let said = stopped(&gateway);
    assert!(said.contains("granted.net: \"*\" is new"), "{said}");
    assert_eq!(gateway.run(&["lock", "--check"]).code, 2);
    gateway.write("gateway.yaml", &yaml);
    runs(&gateway);
    // The value of a variable is nobody's business.
    gateway.write("gateway.yaml", &yaml.replace("hunter2", "other"));
    runs(&gateway);
}

/// A folder is built again while one works on it: what it is may change, what it offers may not.
#[test]
fn other_tools_are_refused_where_the_component_may_change() {
    let gateway = Gateway::new("");
    fs::create_dir(gateway.path("sums")).unwrap();
    fs::copy(guests::CALCULATOR.path(), gateway.path("sums/sums.wasm")).unwrap();
    gateway.run(&["plugin", "add", "./sums"]).answer();
    let lock = fs::read_to_string(gateway.path("gateway.lock")).unwrap();
    assert!(!lock.contains("\n    sha256:"), "{lock}");
    // A custom section at the end makes it another component with the same tools.
    let mut bytes = fs::read(guests::CALCULATOR.path()).unwrap();
    bytes.extend([0, 2, 1, b'x']);
    fs::write(gateway.path("sums/sums.wasm"), bytes).unwrap();
    assert_eq!(gateway.run(&["call", "sums__add", "a=1", "b=2"]).answer(), "3\n");
    gateway.run(&["lock", "--check"]).answer();

    fs::write(gateway.path("sums/sums.wasm"), newer()).unwrap();
    let refused = gateway.run(&["call", "sums__add", "a=1", "b=2"]);
    assert_eq!(refused.code, 1, "{refused:#?}");
    assert!(refused.stderr.contains("tools.add.description was \"Add two numbers.\""), "{refused:#?}");
    // Not listed either, and not remembered as what may be listed.
    assert!(!gateway.run(&["list"]).answer().contains("sums__add"));
    assert!(gateway.run(&["approve", "sums/nothing"]).complaint(2).contains("no tool \"nothing\""));
    gateway.run(&["approve", "sums/add"]).answer();
    assert_eq!(gateway.run(&["call", "sums__add", "a=1", "b=2"]).answer(), "3\n");
    // Once it is locked as it is, it stays that.
    gateway.run(&["lock"]).answer();
    fs::copy(guests::CALCULATOR.path(), gateway.path("sums/sums.wasm")).unwrap();
    assert_eq!(gateway.run(&["call", "sums__add", "a=1", "b=2"]).code, 1);
}

#[test]
fn a_damaged_file_stops_the_plugins_that_it_names() {
    let gateway = gateway();
    gateway.run(&["lock"]).answer();
    let text = fs::read_to_string(gateway.path("gateway.lock")).unwrap();
    let write = |text: &str| gateway.write("gateway.lock", text);
    // One entry that was tampered with, in the definition or by a key.
    write(&text.replace("Add two numbers.", "Add any numbers."));
    let said = stopped(&gateway);
    assert!(said.contains("plugins.sums is damaged") && said.contains("gateway approve sums"), "{said}");
    assert_eq!(gateway.run(&["lock", "--check"]).code, 2);
    gateway.run(&["approve", "sums"]).answer();
    runs(&gateway);
    // All of it: nobody can tell whom it names.
    let half = &text[..text.len() / 2];
    let merge = format!("<<<<<<< a\n{text}=======\n{text}>>>>>>> b\n");
    for damaged in
        ["", "\0\u{1}", "[]", "version: 1\nplugins: 7\n", merge.as_str(), &text.replace("version: 1", "version: 9")]
    {
        write(damaged);
        for tool in ["sums__add", "counter__count"] {
            let refused = gateway.run(&["call", tool, "a=1", "b=2"]);
            assert_eq!(refused.code, 1, "{damaged:?}: {refused:#?}");
            assert!(refused.stderr.contains("gateway.lock"), "{damaged:?}: {refused:#?}");
        }
        assert_ne!(gateway.run(&["lock", "--check"]).code, 0, "{damaged:?}");
    }
    // Half of it is either nonsense or stops whom it cuts off.
    write(half);
    let refused = gateway.run(&["lock", "--check"]);
    assert_ne!(refused.code, 0, "{refused:#?}");
    write(&text);
    runs(&gateway);
}

/// Whoever runs reads the file again when it has changed.
#[test]
fn a_running_gateway_sees_what_was_agreed_to() {
    let gateway = gateway();
    gateway.run(&["lock"]).answer();
    fs::write(gateway.path("sums.wasm"), newer()).unwrap();
    let client = gateway.client();
    let refused = client.call("sums__add", json!({ "a": 1, "b": 2 })).failure();
    assert!(refused.contains("gateway approve sums"), "{refused}");
    gateway.run(&["approve", "sums"]).answer();
    assert_eq!(client.call("sums__add", json!({ "a": 1, "b": 2 })).text(), "3");
}

#[test]
fn two_at_once_lose_nothing() {
    let gateway = Gateway::new("");
    let names = ["a", "b", "c", "d"];
    for name in names {
        fs::copy(guests::COUNTER.path(), gateway.path(format!("{name}.wasm"))).unwrap();
    }
    let configuration = json!({ "plugins": { "a": "./a.wasm", "b": "./b.wasm", "c": "./c.wasm", "d": "./d.wasm" } });
    gateway.write("gateway.yaml", &configuration.to_string());
    std::thread::scope(|scope| {
        for name in names {
            scope.spawn(|| gateway.run(&["approve", name]).answer().len());
        }
    });
    gateway.run(&["lock", "--check"]).answer();
    let text = fs::read_to_string(gateway.path("gateway.lock")).unwrap();
    assert_eq!(names.iter().filter(|name| text.contains(&format!("\n  {name}:\n"))).count(), names.len(), "{text}");
}
