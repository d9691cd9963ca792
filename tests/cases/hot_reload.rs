//! `gateway.yaml` changes while the gateway runs: what is new counts, what is the same does not notice.

use std::fs;

use gateway_tests::{Client, Fake, Gateway, Http, HttpSession, Serving, http::hello};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::registering::changed;

/// Said when a file was read and counts.
const COUNTS: &str = "the configuration counts as it is now";

fn rewrite(gateway: &Gateway, config: &Value) {
    gateway.write("new.yaml", &format!("{config:#}\n"));
    fs::rename(gateway.path("new.yaml"), gateway.path("gateway.yaml")).unwrap();
}

fn names(client: &Client) -> Vec<String> {
    client.tools().tool_names()
}

fn health(http: &Http) -> Value {
    serde_json::from_str(&http.at("/health").get().text()).unwrap()
}

#[test]
fn what_is_the_same_does_not_notice() {
    let (same, other) = (Fake::new(), Fake::new());
    let config = |other: Value| json!({ "servers": { "same": same.entry(&[]), "other": other } });
    let gateway = Gateway::with(&config(other.entry(&[])));
    let client = gateway.client();
    assert_eq!(client.call("same__echo", json!({ "text": "a" })).text(), "a");
    assert_eq!(client.call("other__echo", json!({ "text": "a" })).text(), "a");
    let in_flight = client.send_call("same__wait", json!({ "key": "same" }));
    let leaving = client.send_call("other__wait", json!({ "key": "other" }));
    same.process(1).waits("same");
    other.process(1).waits("other");
    // Comments, order, other settings, and another server.
    let mut changed_entry = other.entry(&[]);
    changed_entry["env"] = json!({ "NEW": "1" });
    let mut next = config(changed_entry);
    next["request_timeout"] = json!(60);
    next["description"] = Value::Null;
    next.as_object_mut().unwrap().remove("description");
    rewrite(&gateway, &next);
    client.logged(COUNTS);
    // The new one is another process; the old one goes on until its call is answered, and then goes.
    assert_eq!(client.call("other__echo", json!({ "text": "b" })).text(), "b");
    assert_eq!(other.count(), 2);
    assert!(other.process(1).alive());
    other.process(1).release("other");
    assert!(!client.answer(leaving).is_error());
    other.process(1).gone();
    // The same process as before, with the same call in it.
    same.process(1).release("same");
    assert!(!client.answer(in_flight).is_error());
    assert_eq!(client.call("same__echo", json!({ "text": "c" })).text(), "c");
    assert_eq!(same.count(), 1);
    client.finish();
}

#[test]
fn a_call_outlives_its_server() {
    let fake = Fake::new();
    let gateway = Gateway::with(&json!({ "servers": { "fake": fake.entry(&[]) } }));
    let client = gateway.client();
    let _ = client.call("fake__echo", json!({ "text": "a" }));
    let _ = client.tools();
    let in_flight = client.send_call("fake__wait", json!({ "key": "k" }));
    fake.process(1).waits("k");
    rewrite(&gateway, &json!({ "servers": {} }));
    changed(&client);
    assert_eq!(client.call("fake__echo", json!({ "text": "b" })).error()["code"], -32602);
    assert!(!names(&client).iter().any(|name| name.contains("fake")));
    fake.process(1).release("k");
    assert!(!client.answer(in_flight).is_error());
    fake.process(1).gone();
    client.finish();
}

/// What `gateway_status` says is wrong.
fn told(client: &Client) -> String {
    client.call("gateway_status", json!({})).result()["structuredContent"]["problems"].to_string()
}

#[test]
fn a_broken_file_changes_nothing_and_is_told_of() {
    let fake = Fake::new();
    let config = json!({ "servers": { "fake": fake.entry(&[]) } });
    let gateway = Gateway::with(&config);
    let serving = Serving::start(&gateway);
    let http = Http::new(&serving.address, "/mcp");
    let session = HttpSession::open(&http);
    assert_eq!(session.call("fake__echo", json!({ "text": "a" })).result().text(), "a");
    let client = gateway.client();
    let _ = client.tools();
    for broken in
        ["servers: { fake: { comand: x } }\n", "servers: [", "servers: { fake: { command: 'the-secret' 'b' } }"]
    {
        gateway.write("gateway.yaml", broken);
        // Told in the log, and once it counts, by the tool.
        client.logged("the configuration stays as it was");
        while !told(&client).contains("the configuration stays as it was") {}
        assert_eq!(session.call("fake__echo", json!({ "text": "b" })).result().text(), "b");
    }
    gateway.write("gateway.yaml", "servers: { fake: { comand: x } }\n");
    client.logged("comand");
    let health = loop {
        let health = health(&http);
        if health["problems"].to_string().contains("comand") {
            break health;
        }
    };
    assert_eq!(health["status"], "degraded");
    assert!(health["problems"].to_string().contains("gateway.yaml:1:"), "{health}");
    assert_eq!(session.call("fake__echo", json!({ "text": "c" })).result().text(), "c");
    assert_eq!(fake.count(), 1);
    rewrite(&gateway, &config);
    client.logged(COUNTS);
    assert!(client.call("gateway_status", json!({})).result()["structuredContent"].get("problems").is_none());
    client.finish();
}

#[test]
fn a_signal_is_enough() {
    let fake = Fake::new();
    let mut config = json!({ "watch": false, "servers": { "fake": fake.entry(&[]) } });
    let gateway = Gateway::with(&config);
    let client = gateway.client();
    let _ = client.tools();
    config["servers"]["more"] = Fake::new().entry(&[]);
    rewrite(&gateway, &config);
    client.signal(Signal::HUP);
    changed(&client);
    assert!(names(&client).contains(&"_more_connect".to_owned()));
    client.finish();
}

#[test]
fn roles_change() {
    let fake = Fake::new();
    let config =
        |role: Value| json!({ "servers": { "fake": fake.entry(&[]) }, "default_role": "r", "roles": { "r": role } });
    let gateway = Gateway::with(&config(json!(["fake_*"])));
    let client = gateway.client();
    let _ = client.call("fake__echo", json!({ "text": "a" }));
    assert!(names(&client).contains(&"fake__echo".to_owned()));
    rewrite(&gateway, &config(json!({ "allow": ["fake_*"], "deny": ["*__echo"] })));
    changed(&client);
    assert!(!names(&client).contains(&"fake__echo".to_owned()));
    assert_eq!(client.call("fake__echo", json!({ "text": "a" })).error()["code"], -32602);
    assert_eq!(fake.count(), 1, "its server is not concerned");
    // A role that is there no more sees nothing.
    rewrite(&gateway, &json!({ "servers": { "fake": fake.entry(&[]) }, "default_role": "s", "roles": { "s": null } }));
    changed(&client);
    assert_eq!(names(&client), Vec::<String>::new());
    client.finish();
}

#[test]
fn pins_and_meta_tools_change() {
    let fake = Fake::new();
    let config =
        |meta: bool, pin: Value| json!({ "servers": { "fake": fake.entry(&[]) }, "meta_tools": meta, "pin": pin });
    let gateway = Gateway::with(&config(false, json!([])));
    let client = gateway.client();
    let _ = client.call("fake__echo", json!({ "text": "a" }));
    let has = |name: &str| names(&client).iter().any(|tool| tool == name);
    assert!(has("fake__echo") && has("fake__wait"));
    rewrite(&gateway, &config(true, json!(["fake__echo"])));
    changed(&client);
    assert!(has("fake__echo") && !has("fake__wait") && has("gateway_invoke"));
    rewrite(&gateway, &config(true, json!([])));
    changed(&client);
    assert!(!has("fake__echo"));
    assert_eq!(fake.count(), 1);
    client.finish();
}

#[test]
fn what_the_command_line_says_goes_on_counting() {
    let fake = Fake::new();
    let config =
        |more: &str| json!({ "servers": { "fake": fake.entry(&[]), more: fake.entry(&[]) }, "meta_tools": true });
    let gateway = Gateway::with(&config("one"));
    let serving = Serving::start_with(&gateway, &["--no-meta-mcp"]);
    let session = HttpSession::open(&Http::new(&serving.address, "/mcp"));
    let mut told = session.listen();
    let has = |name: &str| session.request("tools/list", json!({})).tool_names().iter().any(|tool| tool == name);
    assert!(has("_one_connect"));
    rewrite(&gateway, &config("two"));
    assert_eq!(told.next_message().1.method(), Some("notifications/tools/list_changed"));
    assert!(has("_two_connect") && !has("_one_connect"));
}

const FIRST: &str = "first-0123456789abcdef";
const SECOND: &str = "second-0123456789abcdef";
const THIRD: &str = "third-0123456789abcdef";

#[test]
fn a_revoked_token_stops_working_at_once() {
    let fake = Fake::new();
    let config = |tokens: &[(&str, &str)]| {
        let tokens: Vec<_> = tokens.iter().map(|(role, token)| json!({ "role": role, "token": token })).collect();
        json!({
            "servers": { "fake": fake.entry(&[]) },
            "roles": { "all": null, "some": ["gateway_*"] },
            "auth": { "tokens": tokens },
        })
    };
    let gateway = Gateway::with(&config(&[("all", FIRST), ("all", SECOND), ("all", THIRD)]));
    let serving = Serving::start(&gateway);
    let http = Http::new(&serving.address, "/mcp");
    let bearer = |token: &str| http.with("Authorization", &format!("Bearer {token}"));
    let [first, second, third] = [FIRST, SECOND, THIRD].map(|token| HttpSession::open(&bearer(token)));
    let (mut open, mut stays) = (first.listen(), second.listen());
    let hello = hello("2025-11-25", &json!({}));
    // One is gone, the order is another, and one has another role.
    rewrite(&gateway, &config(&[("some", THIRD), ("all", SECOND)]));
    assert!(open.event().is_none(), "what was open for it is closed");
    bearer(FIRST).post(&hello).refused(401);
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    first.http.post(&ping).refused(401);
    // Nobody else comes by that session, and the other's is the other's still.
    let thief = first.http.without("Authorization").with("Authorization", &format!("Bearer {SECOND}"));
    thief.post(&ping).refused(404);
    assert_eq!(second.call("fake__echo", json!({ "text": "a" })).result().text(), "a");
    assert_eq!(stays.next_message().1.method(), Some("notifications/tools/list_changed"));
    third.http.post(&ping).refused(404);
    let third = HttpSession::open(&bearer(THIRD));
    assert!(!third.request("tools/list", json!({})).tool_names().iter().any(|name| name.starts_with("fake")));
    // Without any `auth` it stays as guarded as it was.
    let mut without = config(&[]);
    without.as_object_mut().unwrap().remove("auth");
    without["default_role"] = "all".into();
    rewrite(&gateway, &without);
    let client = gateway.client_as("all");
    let _ = client.tools();
    http.post(&hello).refused(401);
    client.finish();
    for secret in [FIRST, SECOND, THIRD] {
        assert!(!serving.said().contains(secret), "{}", serving.said());
    }
}

#[test]
fn another_default_role_counts_for_whoever_comes_over_http() {
    let fake = Fake::new();
    let config = |default: &str| {
        json!({
            "servers": { "fake": fake.entry(&[]) },
            "default_role": default,
            "roles": { "all": null, "some": ["gateway_*"] },
        })
    };
    let gateway = Gateway::with(&config("all"));
    let serving = Serving::start(&gateway);
    let http = Http::new(&serving.address, "/mcp");
    let session = HttpSession::open(&http);
    let mut open = session.listen();
    rewrite(&gateway, &config("some"));
    assert!(open.event().is_none(), "whoever was somebody else has to come in again");
    let names = HttpSession::open(&http).request("tools/list", json!({})).tool_names();
    assert!(names.iter().all(|name| name.starts_with("gateway_")), "{names:?}");
}
