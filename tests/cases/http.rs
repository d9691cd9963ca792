//! Streamable HTTP and HTTP+SSE, byte by byte.

use std::thread;

use gateway_tests::{Fake, Gateway, Http, HttpSession, Running, Serving, http::hello};
use serde_json::{Value, json};

/// A gateway over HTTP in front of one server.
pub(crate) struct Served {
    pub(crate) fake: Fake,
    pub(crate) gateway: Gateway,
    pub(crate) serving: Serving,
    pub(crate) http: Http,
}

pub(crate) fn served(more: Value) -> Served {
    let fake = Fake::new();
    let mut config = json!({ "servers": { "fake": fake.entry(&[]) } });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let gateway = Gateway::with(&config);
    let serving = Serving::start(&gateway);
    let http = Http::new(&serving.address, "/mcp");
    Served { fake, gateway, serving, http }
}

impl Served {
    pub(crate) fn child(&self) -> std::sync::Arc<Running> {
        self.fake.process(1)
    }
}

fn ping() -> Value {
    json!({ "jsonrpc": "2.0", "id": 7, "method": "ping" })
}

#[test]
fn a_session_from_its_beginning_to_its_end() {
    let served = served(json!({}));
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let session = HttpSession::open_as(&served.http, version, json!({}));
        assert!(session.id.len() >= 32 && session.id.bytes().all(|byte| byte.is_ascii_graphic()), "{}", session.id);
        let mut answer = session.call("fake__echo", json!({ "text": "hello" }));
        assert_eq!((answer.status, answer.is_stream()), (200, false), "an answer alone is JSON");
        assert_eq!(answer.message().text(), "hello");
        assert_eq!(session.end(), 204);
        session.http.post(&ping()).refused(404);
        session.http.get().refused(404);
        assert_eq!(session.end(), 404);
    }
    let ids: Vec<String> = (0..4).map(|_| HttpSession::open(&served.http).id).collect();
    assert!(ids.iter().all(|id| ids.iter().filter(|other| *other == id).count() == 1), "{ids:?}");
}

#[test]
fn what_is_not_as_it_should_be_is_refused() {
    let served = served(json!({}));
    let http = &served.http;
    let session = HttpSession::open(http);
    let ping = ping();
    assert_eq!(http.post(&ping).refused(400)["code"], -32600);
    http.with("Mcp-Session-Id", "0123456789abcdef0123456789abcdef").post(&ping).refused(404);
    session.http.with("MCP-Protocol-Version", "1999-01-01").post(&ping).refused(400);
    session.http.with("Accept", "application/json").post(&ping).refused(406);
    session.http.with("Accept", "text/event-stream").post(&ping).refused(406);
    session.http.with("Accept", "application/json").get().refused(406);
    session.http.with("Content-Type", "text/plain").post(&ping).refused(415);
    session.http.without("Content-Type").post(&ping).refused(415);
    assert_eq!(session.http.send("POST", "{\"jsonrpc\":").refused(400)["code"], -32700);
    assert_eq!(session.http.send("POST", "{\"id\":1}").refused(400)["code"], -32600);
    assert_eq!(session.http.send("POST", "").refused(400)["code"], -32700);
    let answer = session.http.send("PUT", "{}");
    assert_eq!(answer.header("allow"), Some("GET, POST, DELETE"));
    answer.refused(405);
    http.at("/mcp/nothing").post(&hello("2025-11-25", &json!({}))).refused(404);
    http.with("MCP-Protocol-Version", "2025-06-18").post(&hello("2025-11-25", &json!({}))).refused(400);
    // A client that says nothing of what it accepts takes everything.
    assert_eq!(session.http.without("Accept").post(&ping).message().result(), &json!({}));
    assert_eq!(session.http.with("Accept", "*/*").post(&ping).message().result(), &json!({}));
}

#[test]
fn what_comes_before_the_answer_makes_it_a_stream() {
    let served = served(json!({}));
    for (version, primed) in [("2025-11-25", true), ("2025-06-18", false)] {
        let session = HttpSession::open_as(&served.http, version, json!({}));
        let params =
            json!({ "name": "fake__progress", "arguments": { "steps": 5 }, "_meta": { "progressToken": "mine" } });
        let (id, mut answer) = session.send("tools/call", params);
        assert!(answer.is_stream());
        if primed {
            let first = answer.event().unwrap();
            assert!(first.data.is_empty() && first.id.is_some(), "{first:?}");
        }
        for step in 1..=5 {
            let (event, message) = answer.next_message();
            assert_eq!(message.method(), Some("notifications/progress"));
            assert_eq!(message.params()["progressToken"], "mine");
            assert_eq!(message.params()["progress"], step);
            assert!(event.id.is_some());
        }
        let (_, last) = answer.next_message();
        assert_eq!((last.id(), last.text().as_str()), (&json!(id), "5 steps"));
        assert_eq!(answer.event(), None, "the stream ends with the answer");
    }
}

#[test]
fn a_silent_answer_begins_as_a_stream() {
    let served = served(json!({}));
    let session = HttpSession::open(&served.http);
    let child = thread::scope(|scope| {
        let call = scope.spawn(|| session.call("fake__wait", json!({ "key": "a" })));
        let child = served.child();
        child.waits("a");
        // The head comes before the answer.
        let mut answer = call.join().unwrap();
        assert!(answer.is_stream());
        assert_eq!(answer.event().unwrap().data, "");
        child.release("a");
        assert_eq!(answer.next_message().1.text(), "released a");
        child
    });
    assert_eq!(child.count("cancelled"), 0);
}

#[test]
fn notifications_and_answers_are_accepted() {
    let served = served(json!({}));
    let session = HttpSession::open(&served.http);
    session.notify("notifications/cancelled", json!({ "requestId": 12345 }));
    let answer = json!({ "jsonrpc": "2.0", "id": 99, "result": {} });
    assert_eq!(session.http.post(&answer).status, 202);
}

#[test]
fn cancelling_reaches_the_call_alone() {
    let served = served(json!({}));
    let session = HttpSession::open(&served.http);
    thread::scope(|scope| {
        let calls = ["a", "b"].map(|key| {
            let session = &session;
            let id = json!({ "jsonrpc": "2.0", "id": key, "method": "tools/call",
                "params": { "name": "fake__wait", "arguments": { "key": key } } });
            scope.spawn(move || session.http.post(&id))
        });
        let child = served.child();
        child.waits("a");
        child.waits("b");
        session.notify("notifications/cancelled", json!({ "requestId": "a" }));
        assert_eq!(child.event("cancelled")["key"], "a");
        child.release("b");
        let [mut a, mut b] = calls.map(|call| call.join().unwrap());
        assert!(a.is_stream());
        while let Some(event) = a.event() {
            assert_eq!(event.data, "", "a cancelled request has no answer");
        }
        assert_eq!(b.result().text(), "released b");
    });
}

#[test]
fn a_batch_is_of_its_revision() {
    let served = served(json!({}));
    let batch = json!([
        { "jsonrpc": "2.0", "id": "a", "method": "ping" },
        { "jsonrpc": "2.0", "method": "notifications/initialized" },
        { "jsonrpc": "2.0", "id": "b", "method": "tools/call", "params": { "name": "fake__echo", "arguments": { "text": "x" } } },
    ]);
    let session = HttpSession::open_as(&served.http, "2025-03-26", json!({}));
    let mut answer = session.http.post(&batch);
    let answers: Value = serde_json::from_str(&answer.text()).unwrap();
    let ids: Vec<_> = answers.as_array().unwrap().iter().map(|answer| answer["id"].clone()).collect();
    assert_eq!(ids, ["a", "b"]);
    let notes = json!([{ "jsonrpc": "2.0", "method": "notifications/initialized" }]);
    assert_eq!(session.http.post(&notes).status, 202);
    let many: Vec<_> = (0..2000).map(|id| json!({ "jsonrpc": "2.0", "id": id, "method": "ping" })).collect();
    session.http.post(&Value::Array(many)).refused(400);
    HttpSession::open(&served.http).http.post(&batch).refused(400);
}

#[test]
fn questions_come_with_the_call_that_asks() {
    let served = served(json!({ "servers": {} }));
    let fake = Fake::new();
    let mut entry = fake.entry(&[]);
    entry["per_session"] = json!(true);
    drop(served);
    let gateway = Gateway::with(&json!({ "servers": { "fake": entry } }));
    let serving = Serving::start(&gateway);
    let http = Http::new(&serving.address, "/mcp");
    let session = HttpSession::open_as(&http, "2025-11-25", json!({ "sampling": {} }));
    let arguments = json!({ "method": "sampling/createMessage", "params": { "messages": [], "maxTokens": 1 } });
    let mut answer = session.call("fake__ask", arguments);
    assert!(answer.is_stream());
    let (_, question) = answer.next_message();
    assert_eq!(question.method(), Some("sampling/createMessage"));
    session.respond(&question, json!({ "role": "assistant", "content": { "type": "text", "text": "hi" } }));
    assert!(answer.next_message().1.text().contains("\"hi\""));
}

#[test]
fn what_belongs_to_no_request_goes_to_who_listens() {
    let served = served(json!({}));
    let session = HttpSession::open(&served.http);
    session.request("tools/list", json!({}));
    let mut first = session.listen();
    assert!(first.is_stream());
    session.call("fake__change", json!({ "key": "new" })).result().text();
    let (event, message) = first.next_message();
    assert_eq!(message.method(), Some("notifications/tools/list_changed"));
    // The second takes over.
    let mut second = session.listen();
    while first.event().is_some() {}
    session.call("fake__change", json!({ "key": "newer" })).result().text();
    let (later, message) = second.next_message();
    assert_eq!(message.method(), Some("notifications/tools/list_changed"));
    assert_ne!(event.id, later.id);
    drop(second);
    // Whoever missed something gets it by going on where it was.
    let mut third = session.resume(event.id.as_deref().unwrap());
    assert_eq!(third.next_message().0.id, later.id);
}

#[test]
fn one_server_alone_has_its_own_names() {
    let served = served(json!({}));
    let session = HttpSession::open(&served.http.at("/mcp/fake"));
    let names = session.request("tools/list", json!({})).tool_names();
    assert!(names.contains(&"echo".to_owned()), "{names:?}");
    assert_eq!(session.call("echo", json!({ "text": "x" })).result().text(), "x");
    // It is no session of the whole gateway.
    session.http.at("/mcp").post(&ping()).refused(404);
}

#[test]
fn the_old_transport() {
    let served = served(json!({}));
    for (path, tool) in [("/sse", "fake__progress"), ("/sse/fake", "progress")] {
        let mut stream = served.http.at(path).get();
        assert!(stream.status == 200 && stream.is_stream());
        let first = stream.event().unwrap();
        assert_eq!(first.kind.as_deref(), Some("endpoint"));
        let messages = served.http.at(&first.data);
        let mut accepted = messages.post(&hello("2024-11-05", &json!({})));
        assert_eq!((accepted.status, accepted.text()), (202, String::new()));
        let (event, hello) = stream.next_message();
        assert_eq!((event.id, &hello.result()["protocolVersion"]), (None, &json!("2024-11-05")));
        let params = json!({ "name": tool, "arguments": { "steps": 2 }, "_meta": { "progressToken": 5 } });
        let call = json!({ "jsonrpc": "2.0", "id": "c", "method": "tools/call", "params": params });
        assert_eq!(messages.post(&call).status, 202);
        assert_eq!(stream.next_message().1.params()["progress"], 1);
        assert_eq!(stream.next_message().1.params()["progress"], 2);
        assert_eq!(stream.next_message().1.text(), "2 steps");
        messages.send("POST", "nonsense").refused(400);
    }
    served.http.at("/sse/nothing").get().refused(404);
    served.http.at("/messages?sessionId=00").post(&ping()).refused(404);
    served.http.at("/messages").post(&ping()).refused(400);
    let mut answer = served.http.at("/sse").post(&ping());
    assert_eq!((answer.status, answer.text()), (405, String::new()));
}

#[test]
fn health() {
    let served = served(json!({ "idle_timeout": 77 }));
    let session = HttpSession::open(&served.http);
    session.call("fake__echo", json!({})).result().text();
    let mut answer = served.http.at("/health").get();
    let health: Value = serde_json::from_str(&answer.text()).unwrap();
    assert_eq!(health["status"], "healthy", "{health:#}");
    let backend = &health["backends"]["fake"];
    assert_eq!((&backend["running"], &backend["restart_count"]), (&json!(true), &json!(1)), "{health:#}");
    assert!(backend["tools_cached"].as_u64().unwrap() > 5 && health["tools_total"].as_u64().unwrap() > 5, "{health:#}");
    assert_eq!(health["servers_connected"], json!(["fake"]));
    assert_eq!((&health["servers_configured"], &health["idle_timeout"]), (&json!(1), &json!(77)));
    assert!(health["uptime_s"].is_u64() && health["plugins"].is_object());
    for path in ["/livez", "/readyz"] {
        assert_eq!(served.http.at(path).get().status, 200);
    }
    drop(served.gateway);
}

#[test]
fn pages_of_others_get_nothing() {
    let served = served(json!({ "allowed_hosts": ["gw.example.com", "app.example.com:8443"] }));
    let http = served.http.at("/livez");
    let address = &served.serving.address;
    for (name, value) in [
        ("Host", "evil.example"),
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
        ("Origin", "https://app.example.com"),
    ] {
        let error = http.with(name, value).get().refused(403);
        assert!(error["message"].as_str().unwrap().contains("allowed_hosts"), "{error}");
    }
    let port = address.rsplit(':').next().unwrap();
    for (name, value) in [
        ("Host", format!("localhost:{port}").as_str()),
        ("Host", "gw.example.com"),
        ("Origin", "http://localhost:6274"),
        ("Origin", "https://app.example.com:8443"),
    ] {
        let answer = http.with(name, value).get();
        let allowed = answer.header("access-control-allow-origin");
        assert_eq!((answer.status, allowed), (200, (name == "Origin").then_some(value)), "{name}: {value}");
    }
    assert_eq!(http.get().header("access-control-expose-headers"), None);
    let asking = served.http.with("Origin", "http://localhost:6274").with("Access-Control-Request-Method", "POST");
    let answer = asking.send("OPTIONS", "");
    assert_eq!(answer.status, 204);
    assert!(answer.header("access-control-allow-headers").unwrap().contains("mcp-session-id"));
}
