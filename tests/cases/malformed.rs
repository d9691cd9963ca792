//! A client may write what it likes: the session lives on, and nothing reaches a server in two readings.

use gateway_tests::{Fake, Gateway};
use serde_json::{Value, json};

#[test]
fn what_is_no_message_is_refused_and_the_session_lives_on() {
    let gateway = Gateway::with(&json!({}));
    let client = gateway.client();
    for (line, code) in [
        ("{", -32700),
        ("not json", -32700),
        (r#"{"jsonrpc":"2.0","id":"x","method":"ping""#, -32700),
        ("\"text\"", -32600),
        ("42", -32600),
        ("{}", -32600),
        (r#"{"jsonrpc":"1.0","method":"ping"}"#, -32600),
        ("[]", -32600),
    ] {
        client.line(line);
        let answer = client.answer(Value::Null);
        assert_eq!(answer.error()["code"], code, "{line}");
        client.request("ping", json!({})).result();
    }
    // Without an answer: blank lines, answers to nothing, unknown notifications.
    for line in
        ["", "   ", r#"{"jsonrpc":"2.0","id":99,"result":{}}"#, r#"{"jsonrpc":"2.0","method":"notifications/nope"}"#]
    {
        client.line(line);
    }
    client.request("ping", json!({})).result();
}

#[test]
fn wrong_parameters_are_refused() {
    let fake = Fake::new();
    let gateway = Gateway::with(&json!({ "servers": { "fake": fake.entry(&[]) } }));
    let client = gateway.client();
    client.call("fake__echo", json!({ "text": "hello" })).text();
    fake.process(1).called("echo");
    for params in [
        json!([]),
        json!("fake__echo"),
        json!({}),
        json!({ "name": 7 }),
        json!({ "name": null, "arguments": {} }),
        json!({ "name": "fake__echo", "arguments": [] }),
        json!({ "name": "fake__echo", "arguments": "text" }),
    ] {
        let answer = client.request("tools/call", params.clone());
        assert_eq!(answer.error()["code"], -32602, "{params}: {}", answer.raw);
    }
    assert_eq!(client.request("tools/nope", json!({})).error()["code"], -32601);
    assert_eq!(client.call("nope", json!({})).error()["message"], "Unknown tool: nope");
    assert_eq!(client.call("", json!({})).error()["message"], "Unknown tool: ");
    assert_eq!(client.call("fake__echo", json!({ "text": "still here" })).text(), "still here");
    fake.process(1).called("echo");
    assert_eq!(fake.process(1).count("call"), 2, "what was refused reached the server");
}

/// Go's decoder takes `Name` for `name`, and the last of two: such a message has more than one reading.
#[test]
fn members_that_others_read_otherwise_are_refused() {
    let fake = Fake::new();
    let gateway = Gateway::with(&json!({ "servers": { "fake": fake.entry(&[]) } }));
    let client = gateway.client();
    client.call("fake__echo", json!({ "text": "hello" })).text();
    let _ = fake.process(1).event("call");
    for (id, params) in [
        r#"{"name":"fake__echo","Name":"fake__crash","arguments":{}}"#,
        r#"{"name":"fake__echo","name":"fake__crash","arguments":{}}"#,
        r#"{"name":"fake__echo","NAME":"fake__crash"}"#,
        r#"{"name":"fake__echo","arguments":{},"Arguments":{}}"#,
        r#"{"name":"fake__echo","argument\u017f":{}}"#,
    ]
    .into_iter()
    .enumerate()
    {
        client.line(&format!(r#"{{"jsonrpc":"2.0","id":"folded {id}","method":"tools/call","params":{params}}}"#));
        assert_eq!(client.answer(format!("folded {id}")).error()["code"], -32602, "{params}");
    }
    client.line(r#"{"jsonrpc":"2.0","id":"twice","method":"ping","Method":"tools/list"}"#);
    assert_eq!(client.answer("twice").error()["code"], -32600);
    assert_eq!(client.call("fake__echo", json!({ "text": "still here" })).text(), "still here");
    let _ = fake.process(1).event("call");
    assert_eq!(fake.process(1).count("call"), 2, "what was refused reached the server");
}

#[test]
fn the_id_comes_back_as_it_was_written() {
    let gateway = Gateway::with(&json!({}));
    let client = gateway.client();
    for id in [r#""text""#, r#""7""#, "7", "-1", "0", "9007199254740993", r#""\u00e9""#] {
        client.line(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#));
        let answer = client.answer(serde_json::from_str::<Value>(id).unwrap());
        assert_eq!(answer.member("id"), id);
    }
}

#[test]
fn a_message_may_be_large_and_come_in_pieces() {
    let fake = Fake::new();
    let gateway = Gateway::with(&json!({ "servers": { "fake": fake.entry(&[]) } }));
    let client = gateway.client();
    let text = "grüße ".repeat(300_000);
    assert_eq!(client.call("fake__echo", json!({ "text": text })).text(), text);
}
