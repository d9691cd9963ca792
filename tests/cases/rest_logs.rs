//! What happened of late, over the REST API: the log, its stream, and calls with what they caused.

use gateway_tests::{Fake, Gateway, Http, Serving, http::Event};
use serde_json::{Value, json};

fn read(http: &Http, path: &str) -> Value {
    let mut answer = http.at(path).get();
    assert_eq!(answer.status, 200, "{path}");
    serde_json::from_str(&answer.text()).unwrap()
}

fn call(http: &Http, text: &str) {
    let answer =
        http.at("/api/tools/fake__echo/call").post(&json!({ "arguments": { "text": text, "password": "hunter2" } }));
    assert_eq!(answer.status, 200);
}

fn entry(event: &Event) -> Value {
    let entry: Value = serde_json::from_str(&event.data).unwrap();
    assert_eq!(event.id, Some(entry["id"].to_string()));
    entry
}

#[test]
fn what_happens_is_told() {
    let fake = Fake::new();
    let gateway = Gateway::with(&json!({ "servers": { "fake": fake.entry(&[]) } }));
    let serving = Serving::start(&gateway);
    let http = Http::new(&serving.address, "/api/logs/stream");
    let mut stream = http.get();
    assert_eq!(stream.header("content-type"), Some("text/event-stream"));
    call(&http, "given-argument");
    let mut seen = Vec::new();
    while seen.last().is_none_or(|last: &Value| last["type"] != "tool_result") {
        seen.push(entry(&stream.event().unwrap()));
    }
    let kinds: Vec<_> = seen.iter().map(|entry| entry["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["backend_event", "backend_event", "tool_call", "tool_result"], "{seen:?}");
    assert_eq!(seen[2]["message"], "-> fake::echo");
    assert!(seen[3]["message"].as_str().unwrap().starts_with("<- fake::echo OK "), "{seen:?}");
    assert_eq!(
        (&seen[3]["status"], &seen[3]["backend"], &seen[3]["tool"]),
        (&json!("ok"), &json!("fake"), &json!("echo"))
    );
    // Nothing of the arguments is kept, unless that is wanted.
    for path in ["/api/logs", "/api/calls"] {
        let text = read(&http, path).to_string();
        assert!(!text.contains("given-argument") && !text.contains("hunter2"), "{text}");
    }
    // Whoever comes back gets what was missed.
    let first = seen[0]["id"].to_string();
    let mut again = http.with("Last-Event-ID", &first).get();
    let missed: Vec<Value> = (1..seen.len()).map(|_| entry(&again.event().unwrap())).collect();
    assert_eq!(missed, seen[1..]);
    let mut failed = http.at("/api/logs/stream?type=tool_result").with("Last-Event-ID", "0").get();
    assert_eq!(entry(&failed.event().unwrap()), seen[3]);
    assert_eq!(http.with("Last-Event-ID", "x").get().status, 400);
    // The newest, oldest first.
    for at in 0..120 {
        call(&http, &at.to_string());
    }
    let logs = read(&http, "/api/logs");
    let ids: Vec<u64> = logs["entries"].as_array().unwrap().iter().map(|entry| entry["id"].as_u64().unwrap()).collect();
    assert!(ids.len() == 200 && ids.is_sorted(), "{ids:?}");
    let some = read(&http, "/api/logs?limit=3&type=tool_call&backend=fake");
    assert_eq!(some["entries"].as_array().unwrap().len(), 3);
    assert!(read(&http, "/api/logs?level=error")["entries"].as_array().unwrap().is_empty());
    for wrong in ["limit=0", "limit=201", "limit=x", "level=loud", "colour=red"] {
        assert_eq!(http.at(&format!("/api/logs?{wrong}")).get().status, 400, "{wrong}");
    }
}

#[test]
fn arguments_are_kept_where_that_is_wanted() {
    let fake = Fake::new();
    let gateway = Gateway::with(&json!({ "servers": { "fake": fake.entry(&[]) }, "log_arguments": true }));
    let serving = Serving::start(&gateway);
    let http = Http::new(&serving.address, "/api/calls");
    call(&http, "given-argument");
    let calls = read(&http, "/api/calls");
    let arguments: Value = serde_json::from_str(calls["calls"][0]["arguments"].as_str().unwrap()).unwrap();
    assert_eq!(arguments, json!({ "text": "given-argument", "password": "***" }));
    assert!(!read(&http, "/api/logs").to_string().contains("hunter2"));
}

#[test]
fn a_call_is_shown_with_what_it_caused() {
    let fake = Fake::new();
    let gateway = Gateway::with(&json!({ "servers": { "fake": fake.entry(&[]) } }));
    let serving = Serving::start(&gateway);
    let http = Http::new(&serving.address, "/api/calls");
    let invoke = json!({ "arguments": { "tool": "fake__echo", "arguments": { "text": "x" } } });
    assert_eq!(http.at("/api/tools/gateway_invoke/call").post(&invoke).status, 200);
    let calls = read(&http, "/api/calls");
    let (cause, nested) = (&calls["calls"][0], &calls["calls"][0]["nested"][0]);
    assert_eq!(
        (&cause["tool"], &cause["depth"], &cause["status"]),
        (&json!("gateway_invoke"), &json!(0), &json!("ok"))
    );
    assert_eq!((&nested["tool"], &nested["depth"], &nested["parent"]), (&json!("fake__echo"), &json!(1), &cause["id"]));
    assert_eq!(read(&http, "/api/calls?backend=fake")["calls"].as_array().unwrap().len(), 1);
    assert!(read(&http, "/api/calls?status=error")["calls"].as_array().unwrap().is_empty());
}
