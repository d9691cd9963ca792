//! The official clients, each in its own language, against the gateway over stdio.

use std::process::{Command, Stdio};

use gateway_tests::{Fake, Gateway, foreign, gateway::run, guests, place};
use serde_json::{Value, json};

fn gateway(fake: &Fake) -> Gateway {
    Gateway::with(&json!({
        "servers": {
            "fake": fake.entry(&[]),
            "everything": foreign::entry(&foreign::node_server("everything", &["stdio"])),
        },
        "plugins": { "calculator": guests::CALCULATOR.source() },
    }))
}

/// Runs a client that starts the gateway itself, and gives the JSON that it printed.
#[track_caller]
pub(super) fn seen_by(gateway: &Gateway, mut client: Command) -> Value {
    // The client's own environment is what it gives to the gateway.
    let ours = gateway.command(&[]);
    for (variable, value) in ours.get_envs() {
        match value {
            Some(value) => client.env(variable, value),
            None => client.env_remove(variable),
        };
    }
    let output = run(client.current_dir(gateway.path("")).stdin(Stdio::null()));
    serde_json::from_str(output.answer()).unwrap_or_else(|error| panic!("{error}: {output:#?}"))
}

/// What the TypeScript and the Python client have both to see.
#[track_caller]
fn is_as_it_should_be(seen: &Value) {
    assert_eq!(seen["server"]["name"], "mcp-gateway", "{seen:#}");
    assert_eq!(seen["version"], "2025-11-25");
    assert_eq!(seen["pinged"], true);
    let before = seen["before"].as_array().unwrap();
    for tool in ["gateway_status", "calculator__add", "_fake_connect", "_everything_connect"] {
        assert!(before.contains(&json!(tool)), "{tool} is missing in {before:?}");
    }
    assert_eq!(seen["sum"]["content"], json!([{ "type": "text", "text": "42" }]), "{seen:#}");
    assert_eq!(seen["echo"]["content"], json!([{ "type": "text", "text": "through the gateway" }]));
    assert_eq!(seen["told"], true, "the client was not told that the tools have changed");
    let after = seen["after"].as_array().unwrap();
    assert!(after.contains(&json!("fake__echo")) && !after.contains(&json!("_fake_connect")), "{after:?}");
    assert_eq!(seen["failed"]["isError"], true);
    assert_eq!(seen["failed"]["content"][0]["text"], "the fake tool failed");
    assert_eq!(seen["unknown"]["code"], -32602, "{seen:#}");
    assert!(seen["unknown"]["message"].as_str().unwrap().contains("Unknown tool: no_such_tool"), "{seen:#}");
    assert_eq!(seen["structured"]["structuredContent"]["conditions"], "Light rain / drizzle", "{seen:#}");
    assert_eq!(seen["image"]["content"][1]["type"], "image");
    let progress: Vec<_> = seen["progress"].as_array().unwrap().iter().map(|step| step.as_f64().unwrap()).collect();
    assert_eq!(progress, (1..=20).map(f64::from).collect::<Vec<_>>());
    assert_eq!(seen["sampled"], "sampled by the client", "{seen:#}");
}

#[test]
fn typescript_sdk() {
    let fake = Fake::new();
    let gateway = gateway(&fake);
    let mut client = Command::new("node");
    client.arg(foreign::folder().join("typescript.mjs")).arg(place::gateway()).arg("stdio");
    is_as_it_should_be(&seen_by(&gateway, client));
}

#[test]
fn python_sdk() {
    let fake = Fake::new();
    let gateway = gateway(&fake);
    let mut client = Command::new(foreign::python());
    client.arg(foreign::folder().join("python.py")).arg(place::gateway()).arg("stdio");
    is_as_it_should_be(&seen_by(&gateway, client));
}

#[test]
fn inspector() {
    let fake = Fake::new();
    let gateway = gateway(&fake);
    let inspect = |arguments: &[&str]| {
        let mut client = foreign::inspector();
        client.args(["--format", "json", "-q"]).args(arguments).arg("--").arg(place::gateway()).arg("stdio");
        seen_by(&gateway, client)
    };
    let listed = inspect(&["--method", "tools/list"]).to_string();
    assert!(listed.contains("calculator__add") && listed.contains("_fake_connect"), "{listed}");
    let sum = inspect(&[
        "--method",
        "tools/call",
        "--tool-name",
        "calculator__add",
        "--tool-arg",
        "a=40",
        "--tool-arg",
        "b=2",
    ]);
    assert!(sum.to_string().contains(r#""text":"42""#), "{sum}");
    // It calls only what is listed.
    inspect(&["--method", "tools/call", "--tool-name", "_fake_connect"]);
    let echo = inspect(&["--method", "tools/call", "--tool-name", "fake__echo", "--tool-arg", "text=hello"]);
    assert!(echo.to_string().contains(r#""text":"hello""#), "{echo}");
}
