//! What is said to a server, and what becomes of what it says.

use std::sync::Arc;

use gateway_core::{
    error::{CallError, FailureKind},
    payload::{Json, Request},
    role::Pattern,
    source::{Abilities, Client, Source as _},
};
use serde_json::{Value, json};

use crate::harness::{Recorder, failure, fixture};

fn json(text: &'static str) -> Json {
    Json::parse(text).unwrap()
}

#[tokio::test]
async fn arguments_and_results_keep_their_bytes() {
    let fake = fixture("plain", |_| {});
    let mut request = Request::new("add".into(), Some(json(r#"{"n": 12345678901234567890123, "f":1.50}"#)));
    request.meta = Some(json(r#"{"trace":"t"}"#));
    request.rest = vec![("task".into(), json(r#"{"ttl":1}"#))];
    let reply = fake.run(request, None).await.unwrap();
    // Python's JSON keeps big integers.
    let expected =
        r#""arguments": {"n": 12345678901234567890123, "f": 1.5}, "_meta": {"trace": "t"}, "task": {"ttl": 1}"#;
    assert!(reply.body.as_str().contains(expected), "{}", reply.body);
    let without = fake.run(Request::new("add".into(), None), None).await.unwrap();
    assert_eq!(without.body.to::<Value>().unwrap()["structuredContent"], json!({ "params": { "name": "add" } }));
    let tools = fake.upstream.offer(&Abilities::NONE).tools.as_ref().unwrap()[0].definition.clone();
    assert_eq!(tools.as_str(), r#"{"name": "add", "inputSchema": {"type": "object"}, "x-odd": 1.5}"#);
}

#[tokio::test]
async fn errors_of_the_server_pass_unchanged() {
    let fake = fixture("plain", |_| {});
    let Err(CallError::Backend(error)) = fake.call("fail").await else { panic!() };
    assert_eq!(error.as_str(), r#"{"code": -32602, "message": "no", "data": [1.5]}"#);
}

#[tokio::test]
async fn garbage_is_skipped() {
    let fake = fixture("plain", |_| {});
    fake.call("garbage").await.unwrap();
    fake.call("pid").await.unwrap();
    assert_eq!(fake.started().len(), 1);
}

#[tokio::test]
async fn progress_comes_to_who_asked_for_it() {
    let fake = fixture("plain", |_| {});
    let mut request = Request::new("progress".into(), None);
    request.meta = Some(json(r#"{"trace":"t"}"#));
    let reply = fake.run(request, Some(json("\"mine\""))).await.unwrap();
    assert_eq!(reply.body.to::<Value>().unwrap()["structuredContent"], "t");
    let told = fake.client.progress.lock().unwrap().clone();
    assert_eq!(told, [r#""mine" {"progress":0}"#, r#""mine" {"progress":1}"#, r#""mine" {"progress":2}"#]);
}

#[tokio::test]
async fn the_handshake_says_what_the_client_can() {
    let fake = fixture("old", |_| {});
    let client = Recorder::new(r#"{"roots":{"listChanged":true},"experimental":{}}"#);
    fake.learn_as(&client).await.unwrap();
    let told: Arc<dyn Client> = client.clone();
    fake.upstream.tell(&told, "notifications/roots/list_changed", None);
    let asked = fake.call_as(&client, "ask").await.unwrap();
    assert_eq!(asked["result"]["asked"], "roots/list");
    let seen = fake.call_as(&client, "seen").await.unwrap();
    let seen: Vec<_> = seen.as_array().unwrap().iter().filter(|what| what.get("greeted").is_none()).collect();
    assert_eq!(seen[0]["protocolVersion"], "2025-11-25", "{seen:#?}");
    assert_eq!(seen[0]["clientInfo"]["name"], "mcp-gateway");
    assert_eq!(seen[0]["capabilities"], json!({ "roots": { "listChanged": true }, "experimental": {} }));
    assert_eq!(seen[1]["method"], "notifications/initialized");
    assert_eq!(seen[2]["method"], "notifications/roots/list_changed");
}

#[tokio::test]
async fn a_server_that_may_not_ask_is_refused() {
    let fake = fixture("plain", |_| {});
    let asked = fake.call("ask").await.unwrap();
    assert_eq!(asked["error"]["code"], -32601);
}

#[tokio::test]
async fn pages_are_read_to_the_end() {
    let fake = fixture("pages", |_| {});
    fake.learn().await.unwrap();
    assert_eq!(fake.offered(), Some(3));
}

#[tokio::test]
async fn only_what_is_allowed_is_offered_or_called() {
    let glob = |text| vec![Pattern::new(text).unwrap()];
    let fake = fixture("plain", |settings| {
        settings.allow = Some(glob("{add,pid,hold}"));
        settings.deny = glob("h*");
    });
    fake.learn().await.unwrap();
    assert_eq!(fake.offered(), Some(2));
    assert!(matches!(fake.call("hold").await, Err(CallError::UnknownTool(_))));
    fake.call("pid").await.unwrap();
}

#[tokio::test]
async fn changed_tools_are_read_anew() {
    let mut fake = fixture("plain", |_| {});
    fake.learn().await.unwrap();
    fake.changed().await;
    let before = fake.offered().unwrap();
    fake.call("grow").await.unwrap();
    fake.changed().await;
    assert_eq!(fake.offered(), Some(before + 1));
}

#[tokio::test]
async fn a_message_that_is_too_long_fails_its_call_alone() {
    let fake = fixture("plain", |settings| settings.max_message = 4000);
    let long = Json::parse(format!("\"{}\"", "x".repeat(8000))).unwrap();
    let failed = failure(fake.run(Request::new("add".into(), Some(long)), None).await);
    assert_eq!(failed.kind, FailureKind::Broken);
    assert!(failed.message.contains("4000 bytes"), "{failed}");
    fake.call("pid").await.unwrap();
    assert_eq!(fake.started().len(), 1);
}
