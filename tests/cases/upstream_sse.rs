//! Servers that are reached over the older HTTP with server-sent events.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use gateway_tests::{
    Gateway,
    fake_http::{Asked, FakeHttp, server},
    wait::Watched,
};
use serde_json::{Value, json};

/// What is to be written on the stream that is open; `None` ends it.
type Out = Arc<Watched<Vec<Option<Value>>>>;

/// A server that names `endpoint` for messages, and answers them with `answer` on its stream.
fn legacy(endpoint: &str, answer: impl Fn(&Asked) -> Option<Value> + Send + Sync + 'static) -> FakeHttp {
    let (endpoint, out) = (endpoint.to_owned(), Out::default());
    FakeHttp::new(move |asked, exchange| {
        if asked.method == "GET" {
            exchange.stream();
            exchange.write(&format!("event: endpoint\ndata: {endpoint}\n\n"));
            out.change(Vec::clear);
            while let Some(Some(message)) = out.until(|out| (!out.is_empty()).then(|| out.remove(0))) {
                exchange.event(&message);
            }
            return;
        }
        exchange.status("202 Accepted");
        if let Some(message) = usual(asked) {
            out.change(|out| out.push(Some(message)));
        } else if asked.tool().is_some() {
            let message = answer(asked);
            out.change(|out| out.push(message));
        }
    })
}

/// Answers to everything but calls.
fn usual(asked: &Asked) -> Option<Value> {
    let hello = json!({
        "protocolVersion": "2024-11-05", "capabilities": { "tools": {} }, "serverInfo": { "name": "old", "version": "1" },
    });
    match asked.method() {
        "initialize" => Some(asked.result(&hello)),
        "tools/list" => Some(asked.result(&json!({ "tools": [{ "name": "t", "inputSchema": { "type": "object" } }] }))),
        "ping" => Some(asked.result(&json!({}))),
        _ => None,
    }
}

fn gateway(server: &FakeHttp) -> Gateway {
    let headers = json!({ "Authorization": "Bearer s3cret-token" });
    Gateway::with(&json!({ "servers": { "old": { "url": server.url("/deep/sse"), "headers": headers } } }))
}

#[test]
fn messages_are_posted_where_the_server_says() {
    for (endpoint, path) in
        [("/messages?id=1", "/messages?id=1"), ("messages", "/deep/messages"), ("?x=1", "/deep/sse?x=1")]
    {
        let server = legacy(endpoint, |asked| Some(asked.says("old but well")));
        assert_eq!(gateway(&server).run(&["call", "old__t"]).answer(), "old but well\n");
        for asked in server.all() {
            assert_eq!(asked.target, if asked.method == "GET" { "/deep/sse" } else { path });
            assert_eq!(asked.header("authorization"), Some("Bearer s3cret-token"));
        }
    }
}

#[test]
fn messages_go_to_no_other_server() {
    let other = server(|_, _| ());
    let server = legacy(&other.url("/messages"), |_| None);
    let output = gateway(&server).run(&["call", "old__t"]);
    assert!(output.complaint(1).contains("another server's"), "{output:#?}");
    assert!(other.all().is_empty(), "{:#?}", other.all());
}

#[test]
fn an_answer_in_the_body_of_its_post_counts() {
    let streamed = Arc::new(AtomicUsize::new(0));
    let streams = streamed.clone();
    let server = FakeHttp::new(move |asked, exchange| match (asked.method.as_str(), usual(asked)) {
        ("GET", _) => {
            streams.fetch_add(1, Ordering::SeqCst);
            exchange.stream();
            exchange.write("event: endpoint\ndata: /messages\n\n");
            exchange.until_gone();
        }
        (_, Some(answer)) => exchange.json(&answer),
        _ if asked.tool().is_some() => exchange.json(&asked.says("in the body")),
        _ => exchange.status("202 Accepted"),
    });
    assert_eq!(gateway(&server).run(&["call", "old__t"]).answer(), "in the body\n");
    assert_eq!(streamed.load(Ordering::SeqCst), 1);
}

#[test]
fn a_stream_that_ends_fails_its_calls_and_is_made_anew() {
    let calls = AtomicUsize::new(0);
    let server =
        legacy("/messages", move |asked| (calls.fetch_add(1, Ordering::SeqCst) > 0).then(|| asked.says("again")));
    let gateway = gateway(&server);
    let client = gateway.client();
    let failure = client.call("old__t", json!({})).failure();
    assert!(failure.contains("the call may have had its effect"), "{failure}");
    assert_eq!(client.call("old__t", json!({})).text(), "again");
    assert_eq!(server.count("initialize"), 2);
}

#[test]
fn what_is_no_stream_is_refused_with_what_it_is() {
    let server =
        FakeHttp::new(|_, exchange| exchange.answer("404 Not Found", &[("Content-Type", "text/plain")], "nothing"));
    let output = gateway(&server).run(&["call", "old__t"]);
    assert!(output.complaint(1).contains("HTTP 404: nothing"), "{output:#?}");
    assert!(output.stderr.contains("servers.old.url"), "{output:#?}");
}
