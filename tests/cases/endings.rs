//! However the gateway ends, nothing that it started lives on.

use std::sync::Arc;

use gateway_tests::{Client, Fake, Gateway, Running, place};
use rustix::process::Signal;
use serde_json::json;

/// A session with calls in flight, a server, and a process that the server started and forgot.
struct Busy {
    client: Client,
    child: Arc<Running>,
    grandchild: Arc<Running>,
    _fake: Fake,
    _gateway: Gateway,
}

fn busy(flags: &[&str]) -> Busy {
    let fake = Fake::new();
    // The server ignores every signal that can be ignored, and so does what it starts.
    let script = "trap '' TERM INT HUP; exec \"$0\" \"$@\"";
    let entry = fake.entry(flags);
    let mut arguments = vec![json!("-c"), json!(script), entry["command"].clone()];
    arguments.extend(entry["args"].as_array().unwrap().iter().cloned());
    let gateway = Gateway::with(&json!({ "servers": { "fake": { "command": "sh", "args": arguments } } }));
    let client = gateway.client();
    client.call("fake__spawn", json!({})).text();
    let child = fake.process(1);
    let grandchild = fake.process(2);
    for key in ["a", "b", "c"] {
        client.send_call("fake__wait", json!({ "key": key }));
        child.waits(key);
    }
    Busy { client, child, grandchild, _fake: fake, _gateway: gateway }
}

#[test]
fn killed() {
    let busy = busy(&["--stubborn"]);
    busy.client.signal(Signal::KILL);
    busy.client.ended();
    busy.child.gone();
    busy.grandchild.gone();
}

#[test]
fn standard_input_closed() {
    let busy = busy(&["--stubborn"]);
    busy.client.finish();
    busy.child.gone();
    busy.grandchild.gone();
}

#[test]
fn terminated() {
    let busy = busy(&["--stubborn"]);
    busy.client.signal(Signal::TERM);
    assert_eq!(busy.client.ended().code(), Some(0), "{}", busy.client.log());
    busy.child.gone();
    busy.grandchild.gone();
}

#[test]
fn interrupted() {
    let busy = busy(&["--stubborn"]);
    busy.client.signal(Signal::INT);
    assert_eq!(busy.client.ended().code(), Some(0), "{}", busy.client.log());
    busy.child.gone();
    busy.grandchild.gone();
}

#[test]
fn killed_while_a_server_starts() {
    let fake = Fake::new();
    let gateway = Gateway::with(&json!({ "servers": { "fake": fake.entry(&["--mute", "--stubborn"]) } }));
    let client = gateway.client();
    client.send_call("fake__echo", json!({}));
    let child = fake.process(1);
    child.event("initialize");
    client.signal(Signal::KILL);
    client.ended();
    child.gone();
}

/// A well-behaved server is told by its standard input, and ends by itself.
#[test]
fn a_server_is_told_before_it_is_killed() {
    let fake = Fake::new();
    let gateway = Gateway::with(&json!({ "servers": { "fake": fake.entry(&[]) } }));
    let client = gateway.client();
    client.call("fake__echo", json!({ "text": "hello" })).text();
    let child = fake.process(1);
    client.finish();
    child.event("stdin-closed");
    child.gone();
}

/// Only its own: another gateway on the same configuration keeps its servers.
#[test]
fn another_gateway_keeps_its_servers() {
    let fake = Fake::new();
    let gateway = Gateway::with(&json!({ "servers": { "fake": fake.entry(&[]) } }));
    let (first, second) = (gateway.client(), gateway.client());
    first.call("fake__echo", json!({ "text": "hello" })).text();
    let of_first = fake.process(1);
    second.call("fake__echo", json!({ "text": "hello" })).text();
    let of_second = fake.process(2);
    first.signal(Signal::KILL);
    of_first.gone();
    assert_eq!(second.call("fake__echo", json!({ "text": "still here" })).text(), "still here");
    assert!(of_second.alive());
}

/// The shell in between, as with `npx`, does not keep the server from ending.
#[test]
fn a_shell_around_the_server() {
    let fake = Fake::new();
    let words: Vec<String> = fake.arguments(&["--stubborn"]);
    let script = format!("{} {}; true", place::fake_server().display(), words.join(" "));
    let gateway = Gateway::with(&json!({ "servers": { "fake": { "command": "sh", "args": ["-c", script] } } }));
    let client = gateway.client();
    client.send_call("fake__wait", json!({ "key": "x" }));
    let server = fake.process(1);
    server.waits("x");
    client.signal(Signal::KILL);
    server.gone();
}
