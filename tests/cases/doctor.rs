//! `gateway doctor`: everything is really started, and what is wrong is told with what to do about it.

use gateway_tests::{Fake, Gateway, foreign, guests};
use serde_json::{Value, json};

fn of<'a>(found: &'a Value, name: &str) -> &'a Value {
    let sources = found["sources"].as_array().unwrap();
    sources.iter().find(|source| source["name"] == name).unwrap_or_else(|| panic!("{name} is missing in {found:#}"))
}

#[test]
fn where_everything_works() {
    let fake = Fake::new();
    let gateway = Gateway::with(&json!({
        "servers": {
            "fake": fake.entry(&[]),
            "everything": foreign::entry(&foreign::node_server("everything", &["stdio"])),
            "off": { "command": "nowhere", "enabled": false },
        },
        "plugins": { "calculator": guests::CALCULATOR.source() },
        "roles": { "reader": ["calculator_*", "everything__echo"] },
    }));
    let found = gateway.run(&["doctor", "--json"]).json();
    assert_eq!(found["ok"], true, "{found:#}");
    let everything = of(&found, "everything");
    assert_eq!((&everything["state"], &everything["kind"]), (&json!("works"), &json!("server")));
    assert_eq!(everything["protocol"], "2025-11-25", "{found:#}");
    assert!(everything["tools"].as_u64().unwrap() > 5 && everything["prompts"].as_u64().unwrap() > 0, "{found:#}");
    assert!(everything["introduced"].as_str().unwrap().contains("everything"), "{found:#}");
    assert_eq!(of(&found, "calculator")["state"], "works");
    assert_eq!(of(&found, "off")["state"], "disabled");
    assert_eq!(found["globs"], json!([]), "{found:#}");
    assert_eq!(fake.count(), 1, "it was really started");

    let text = gateway.run(&["doctor"]);
    let answer = text.answer();
    assert!(
        answer.contains("ok: server everything: ") && answer.contains("all that there is works: 3 sources"),
        "{answer}"
    );
}

#[test]
fn what_does_not_start_says_why() {
    let fake = Fake::new();
    let gateway = Gateway::with(&json!({
        "servers": {
            "fake": fake.entry(&[]),
            "missing": { "command": "no-such-program-here" },
            "remote": { "url": "http://127.0.0.1:1/mcp" },
            "ends": { "command": "/bin/false" },
        },
        "plugins": { "gone": "./nowhere.wasm" },
    }));
    let doctor = gateway.run(&["doctor", "--json"]);
    let found: Value = serde_json::from_str(&doctor.stdout).unwrap();
    assert_eq!(of(&found, "fake")["state"], "works");
    for name in ["missing", "remote", "ends"] {
        let source = of(&found, name);
        assert_eq!(source["state"], "failed", "{name}: {found:#}");
        assert!(source["error"].as_str().is_some_and(|error| error.len() > 10), "{name}: {found:#}");
    }
    assert!(of(&found, "missing")["error"].as_str().unwrap().contains("no-such-program-here"), "{found:#}");
    assert_ne!(of(&found, "gone")["state"], "works");
    assert_eq!(found["ok"], false);
    assert!([1, 2].contains(&doctor.code), "{doctor:#?}");

    let only = Gateway::with(&json!({ "servers": { "ends": { "command": "/bin/false" } } }));
    let doctor = only.run(&["doctor"]);
    assert_eq!(doctor.code, 1, "{doctor:#?}");
    assert!(
        doctor.stdout.contains("failed: server ends: ") && doctor.stdout.contains("1 of 1 source failed"),
        "{doctor:#?}"
    );
}

#[test]
fn mistakes_in_the_configuration_come_first() {
    let fake = Fake::new();
    let gateway = Gateway::with(&json!({
        "servers": { "fake": fake.entry(&[]), "keyed": { "command": "x", "env": { "KEY": "${NOT_SET_ANYWHERE}" } } },
    }));
    let doctor = gateway.run(&["doctor"]);
    assert_eq!(doctor.code, 2, "{doctor:#?}");
    assert!(doctor.stderr.contains("NOT_SET_ANYWHERE"), "{doctor:#?}");
    assert!(
        doctor.stdout.contains("ok: server fake: ") && doctor.stdout.contains("left out: server keyed: "),
        "{doctor:#?}"
    );

    let broken = Gateway::new("servers: { a: { comand: x } }\n");
    let doctor = broken.run(&["doctor"]);
    assert_eq!(doctor.code, 2);
    assert!(doctor.stderr.contains("command"), "{doctor:#?}");
    assert!(Gateway::new("").run(&["doctor", "--config", "nowhere.yaml"]).complaint(2).contains("nowhere.yaml"));
}

#[test]
fn globs_are_held_against_what_there_really_is() {
    let fake = Fake::new();
    let gateway = Gateway::with(&json!({
        "servers": { "fake": fake.entry(&[]), "silent": { "command": "/bin/false" } },
        "roles": {
            "reader": ["fake__echo", "fake_ehco", "gateway_status", "silent__anything"],
            "other": { "allow": ["fake__*"], "deny": ["fake__no_such_*"] },
        },
    }));
    let doctor = gateway.run(&["doctor", "--json"]);
    let found: Value = serde_json::from_str(&doctor.stdout).unwrap();
    let globs: Vec<&str> =
        found["globs"].as_array().unwrap().iter().map(|glob| glob["message"].as_str().unwrap()).collect();
    assert!(globs.len() == 2 && globs[0].contains("fake_ehco") && globs[1].contains("fake__no_such_*"), "{found:#}");
    assert_eq!(found["globs"][0]["path"], "roles.reader");
    assert!(found["globs"][0]["hint"].as_str().unwrap().contains("fake__echo"), "{found:#}");
}

#[test]
fn tools_that_clients_would_stumble_over_are_named() {
    let gateway = Gateway::with(&json!({
        "servers": { "everything": foreign::entry(&foreign::node_server("everything", &["stdio"])) },
        "plugins": { "odd": guests::BAD_SCHEMA.source() },
    }));
    let doctor = gateway.run(&["doctor"]);
    assert!(doctor.stdout.contains("schema") && doctor.stdout.contains("odd"), "{doctor:#?}");
}
