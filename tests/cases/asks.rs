//! What a server asks of the client reaches the one client there is, and the answer finds its way back.

use gateway_tests::{Client, Fake, Gateway, HttpSession};
use serde_json::{Value, json};

fn session(fake: &Fake, abilities: Value) -> (Client, Gateway) {
    let gateway = Gateway::with(&json!({ "servers": { "fake": fake.entry(&[]) } }));
    let client = gateway.connect();
    client.initialize_as("2025-11-25", abilities);
    (client, gateway)
}

#[test]
fn sampling_elicitation_and_roots() {
    let fake = Fake::new();
    let abilities = json!({ "sampling": {}, "elicitation": {}, "roots": { "listChanged": true } });
    let (client, _gateway) = session(&fake, abilities);
    for (method, params, result) in [
        (
            "sampling/createMessage",
            json!({ "messages": [{ "role": "user", "content": { "type": "text", "text": "hi" } }], "maxTokens": 10 }),
            json!({ "role": "assistant", "content": { "type": "text", "text": "ho" }, "model": "m" }),
        ),
        (
            "elicitation/create",
            json!({ "message": "Which?", "requestedSchema": { "type": "object", "properties": {} } }),
            json!({ "action": "accept", "content": { "which": "this" } }),
        ),
        ("roots/list", json!({}), json!({ "roots": [{ "uri": "file:///work", "name": "work" }] })),
    ] {
        let call = client.send_call("fake__ask", json!({ "method": method, "params": params }));
        let question = client.incoming(method);
        assert_eq!(*question.params(), params, "{method}");
        client.respond(&question, &result);
        let answer: Value = serde_json::from_str(&client.answer(call).text()).unwrap();
        assert_eq!(answer, result, "{method}");
    }
    let told = fake.process(1).event("initialize");
    for ability in ["sampling", "elicitation", "roots"] {
        assert!(told["params"]["capabilities"][ability].is_object(), "the server was not told of {ability}: {told}");
    }
}

#[test]
fn two_questions_at_once_get_their_own_answers() {
    let (one, two) = (Fake::new(), Fake::new());
    let gateway = Gateway::with(&json!({ "servers": { "one": one.entry(&[]), "two": two.entry(&[]) } }));
    let client = gateway.connect();
    client.initialize_as("2025-11-25", json!({ "elicitation": {} }));
    let calls: Vec<_> = ["one", "two"]
        .map(|name| {
            client.send_call(
                &format!("{name}__ask"),
                json!({ "method": "elicitation/create", "params": { "message": name } }),
            )
        })
        .to_vec();
    let questions = [client.incoming("elicitation/create"), client.incoming("elicitation/create")];
    assert_ne!(questions[0].id(), questions[1].id());
    for question in questions.iter().rev() {
        client.respond(question, &json!({ "action": "accept", "content": { "of": question.params()["message"] } }));
    }
    for (name, call) in ["one", "two"].into_iter().zip(calls) {
        let answer: Value = serde_json::from_str(&client.answer(call).text()).unwrap();
        assert_eq!(answer["content"]["of"], name);
    }
}

#[test]
fn what_the_client_cannot_do_is_not_asked_of_it() {
    let fake = Fake::new();
    let (client, _gateway) = session(&fake, json!({}));
    for method in ["sampling/createMessage", "elicitation/create", "roots/list"] {
        let answer = client.call("fake__ask", json!({ "method": method, "params": {} })).text();
        let error: Value = serde_json::from_str(&answer).unwrap();
        assert!(error["code"].as_i64().is_some_and(|code| code < 0), "{method}: {answer}");
        assert!(client.messages().iter().all(|message| message.method() != Some(method)), "{method} was asked");
    }
    let told = fake.process(1).event("initialize");
    assert_eq!(told["params"]["capabilities"], json!({}));
}

#[test]
fn an_error_of_the_client_reaches_the_server() {
    let fake = Fake::new();
    let (client, _gateway) = session(&fake, json!({ "sampling": {} }));
    let call =
        client.send_call("fake__ask", json!({ "method": "sampling/createMessage", "params": { "messages": [] } }));
    let question = client.incoming("sampling/createMessage");
    let error = json!({ "code": -1, "message": "the user said no" });
    client.line(&json!({ "jsonrpc": "2.0", "id": question.id(), "error": error }).to_string());
    let answer = client.answer(call).text();
    assert!(answer.contains("the user said no"), "{answer}");
}

#[test]
fn a_server_hears_that_the_roots_have_changed() {
    let fake = Fake::new();
    let (client, _gateway) = session(&fake, json!({ "roots": { "listChanged": true } }));
    client.call("fake__echo", json!({ "text": "hello" })).text();
    client.notify("notifications/roots/list_changed", None);
    let process = fake.process(1);
    while process.event("note")["method"] != "notifications/roots/list_changed" {}
}

#[test]
fn a_ping_of_the_server_is_answered() {
    let fake = Fake::new();
    let (client, _gateway) = session(&fake, json!({}));
    assert_eq!(client.call("fake__ask", json!({ "method": "ping", "params": {} })).text(), "{}");
}

/// The time that a person takes to answer is not the server's.
#[test]
fn a_question_stops_the_clock_of_the_call() {
    let (fake, clock) = (Fake::new(), Fake::new());
    let mut entry = fake.entry(&[]);
    entry["request_timeout"] = 1.into();
    let mut ticking = clock.entry(&[]);
    ticking["request_timeout"] = 2.into();
    let gateway = Gateway::with(&json!({ "servers": { "fake": entry, "clock": ticking } }));
    let client = gateway.connect();
    client.initialize_as("2025-11-25", json!({ "elicitation": {} }));
    let call = client.send_call("fake__ask", json!({ "method": "elicitation/create", "params": { "message": "?" } }));
    let question = client.incoming("elicitation/create");
    // Twice the limit of the first goes by while this one runs into its own.
    client.call("clock__wait", json!({ "key": "for ever" })).failure();
    client.respond(&question, &json!({ "action": "decline" }));
    assert_eq!(client.answer(call).text(), r#"{"action":"decline"}"#);
}

/// Nobody else is asked, and the server goes when the session does.
#[test]
fn each_session_is_asked_by_a_server_of_its_own() {
    let served = crate::http::served(json!({}));
    let open = |_| HttpSession::open_as(&served.http, "2025-11-25", json!({ "elicitation": {} }));
    let sessions: Vec<_> = (0..2).map(open).collect();
    for (at, session) in sessions.iter().enumerate() {
        let arguments = json!({ "method": "elicitation/create", "params": { "message": format!("{at}?") } });
        let mut answer = session.call("fake__ask", arguments);
        let (_, question) = answer.next_message();
        assert_eq!(question.method(), Some("elicitation/create"));
        assert_eq!(question.params()["message"], format!("{at}?"));
        session.respond(&question, json!({ "action": "accept", "content": { "of": at } }));
        let said: Value = serde_json::from_str(&answer.result().text()).unwrap();
        assert_eq!(said["content"]["of"], at);
    }
    let unasked = HttpSession::open(&served.http);
    for _ in 0..2 {
        unasked.call("fake__echo", json!({ "text": "hello" })).message().text();
    }
    assert_eq!(served.fake.count(), 3, "those who cannot be asked share one");
    sessions[0].end();
    served.fake.process(1).event("stdin-closed");
    served.fake.process(1).gone();
    assert!(served.fake.process(2).alive() && served.fake.process(3).alive());
}
