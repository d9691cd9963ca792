//! What a plugin asks the client: granted, possible, answered as it was asked, and at nobody's cost.

use gateway_tests::{Client, Fake, Gateway, Http, HttpSession, Message, Serving, guests};
use serde_json::{Value, json};

const ALL: [&str; 3] = ["elicitation", "sampling", "roots"];

fn entry(grants: &[&str], limits: Value) -> Value {
    json!({ "source": guests::ASKS.source(), "permissions": { "client": grants }, "limits": limits })
}

fn gateway(grants: &[&str], limits: Value) -> Gateway {
    Gateway::with(&json!({ "plugins": { "asks": entry(grants, limits) } }))
}

fn client(gateway: &Gateway, abilities: Value) -> Client {
    let client = gateway.connect();
    client.initialize_as("2025-11-25", abilities);
    client
}

fn able() -> Value {
    json!({ "elicitation": {}, "sampling": {}, "roots": {} })
}

fn say(text: &str) -> Value {
    json!({ "text": text })
}

fn accept(content: Value) -> Value {
    json!({ "action": "accept", "content": content })
}

#[track_caller]
fn says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is missing in {text:?}");
    }
}

#[test]
pub(super) fn asks() {
    let gateway = gateway(&ALL, json!({}));
    let client = client(&gateway, able());
    for (answer, told) in [
        (accept(json!({ "n": 5 })), r#"accept {"n":5}"#),
        (json!({ "action": "decline" }), "decline"),
        (json!({ "action": "cancel" }), "cancel"),
        (accept(json!({ "n": 10 })), "failed: the client's answer is not what was asked for: member \"n\""),
        (json!({ "action": "accept" }), "failed: the client's answer is not what was asked for"),
        (json!({ "action": "shrug" }), "failed: the client answered with the action \"shrug\""),
        (json!({}), "failed: the client's answer cannot be understood"),
    ] {
        let call = client.send_call("asks__elicit", say("How many?"));
        let question = client.incoming("elicitation/create");
        let schema =
            json!({ "type": "object", "properties": { "n": { "type": "integer", "maximum": 9 } }, "required": ["n"] });
        assert_eq!(question.params(), &json!({ "message": "How many?", "requestedSchema": schema }));
        client.respond(&question, &answer);
        says(&client.answer(call).text(), &[told]);
    }

    let request = json!({ "messages": [], "maxTokens": 5 });
    let call = client.send_call("asks__sample", say(&request.to_string()));
    let question = client.incoming("sampling/createMessage");
    assert_eq!(question.params(), &request);
    let sampled = json!({ "role": "assistant", "content": { "type": "text", "text": "ho" }, "model": "m" });
    client.respond(&question, &sampled);
    assert_eq!(serde_json::from_str::<Value>(&client.answer(call).text()).unwrap(), sampled);
    says(&client.call("asks__sample", say("{}")).text(), &["failed: the request has no array `messages`"]);

    let call = client.send_call("asks__roots", say(""));
    let question = client.incoming("roots/list");
    client.respond(&question, &json!({ "roots": [{ "uri": "file:///work", "name": "work" }, { "uri": "file:///x" }] }));
    assert_eq!(client.answer(call).text(), "file:///work=work file:///x=");

    let call = client.send_call("asks__roots", say(""));
    let question = client.incoming("roots/list");
    let error = json!({ "code": -1, "message": "not now" });
    client.line(&json!({ "jsonrpc": "2.0", "id": question.id(), "error": error }).to_string());
    assert_eq!(client.answer(call).text(), "failed: not now");
}

#[test]
fn what_was_not_granted_or_is_not_offered_is_not_asked() {
    let gateway = gateway(&["roots"], json!({}));
    let client = client(&gateway, able());
    says(
        &client.call("asks__elicit", say("?")).text(),
        &["denied: ", "add elicitation to plugins.asks.permissions.client"],
    );
    let sample = say(r#"{"messages":[],"maxTokens":5}"#);
    says(&client.call("asks__sample", sample).text(), &["denied: ", "add sampling to"]);
    client.logged("asking the client for elicitation is not allowed");

    let gateway = self::gateway(&ALL, json!({}));
    for abilities in [json!({ "sampling": {} }), json!({ "elicitation": { "url": {} } })] {
        let client = self::client(&gateway, abilities);
        says(&client.call("asks__elicit", say("?")).text(), &["unsupported: the client does not offer elicitation"]);
        says(&client.call("asks__roots", say("")).text(), &["unsupported: the client does not offer roots"]);
    }
    // Nobody is there.
    let output = gateway.run(&["call", "asks__elicit", "text=?"]);
    says(&output.stdout, &["unsupported: "]);
}

#[test]
fn nobody_is_asked_while_a_plugin_is_listed() {
    let mut entry = entry(&ALL, json!({}));
    entry["permissions"]["tools"] = json!(["*"]);
    let gateway = Gateway::with(&json!({
        "plugins": { "asks": entry, "calculator": guests::CALCULATOR.source() },
    }));
    let client = client(&gateway, able());
    let tools = client.tools();
    let asks = tools.result()["tools"].as_array().unwrap().iter().find(|tool| tool["name"] == "asks__elicit").unwrap();
    let told: Vec<&str> = asks["description"].as_str().unwrap().split("; ").collect();
    let unasked = "failed: the client is not asked while a plugin lists what it offers";
    let uncalled = "failed: no tool is called while a plugin lists what it offers";
    assert_eq!(told, [unasked, "failed: the request has no array `messages`", unasked, uncalled]);
    assert!(client.messages().iter().all(|message| message.value.get("id").is_none() || message.method().is_none()));
}

#[test]
fn questions_are_forms_and_of_some_size() {
    let gateway = gateway(&ALL, json!({}));
    let client = client(&gateway, able());
    for (schema, said) in [
        (r#"{"type":"#, "no JSON"),
        (r#"{"type":"array"}"#, r#"it needs "type": "object""#),
        (r#"{"type":"object","properties":{"a":{"type":"object"}}}"#, r#"member "a""#),
    ] {
        says(&client.call("asks__question", say(schema)).text(), &["failed: ", said]);
    }
    says(&client.call("asks__huge", say("2000000")).text(), &["limit: ", "bytes of questions"]);
    assert!(client.messages().iter().all(|message| message.method() != Some("elicitation/create")));
}

/// Questions and progress come in the order in which the plugin sent them.
#[test]
fn a_call_asks_only_so_often() {
    let gateway = gateway(&ALL, json!({}));
    let client = client(&gateway, able());
    let params = json!({ "name": "asks__many", "arguments": say("17"), "_meta": { "progressToken": "mine" } });
    let call = client.send("tools/call", params);
    let mut last = 0;
    for asked in 1..=16 {
        let question = client.incoming("elicitation/create");
        assert_eq!(question.params()["message"], format!("question {asked}"));
        let progress = client.incoming("notifications/progress");
        assert_eq!(progress.params()["progress"].as_f64(), Some(f64::from(asked)));
        assert!(last < progress.at && progress.at < question.at);
        last = question.at;
        client.respond(&question, &accept(json!({ "n": 1 })));
    }
    says(&client.answer(call).text(), &["limit: limit of 16 questions"]);
}

/// The time that a person takes to answer is nobody's: not the plugin's, nor that of the plugin that called it.
#[test]
fn a_question_stops_the_clock() {
    let clock = Fake::new();
    let mut ticking = clock.entry(&[]);
    ticking["request_timeout"] = 3.into();
    let caller = json!({
        "source": guests::HOST_USER.source(), "limits": { "time": "2s" }, "permissions": { "tools": ["*"] },
    });
    let gateway = Gateway::with(&json!({
        "servers": { "clock": ticking },
        "plugins": { "asks": entry(&ALL, json!({ "time": "2s" })), "caller": caller },
    }));
    let client = client(&gateway, able());
    let direct = client.send_call("asks__elicit", say("direct"));
    let nested = json!({ "tool": "asks__elicit", "arguments": say("nested") });
    let nested = client.send_call("caller__call", nested);
    let questions = [client.incoming("elicitation/create"), client.incoming("elicitation/create")];
    // More than the limit of both goes by while this one runs into its own.
    client.call("clock__wait", json!({ "key": "for ever" })).failure();
    for question in &questions {
        client.respond(question, &accept(json!({ "n": 1 })));
    }
    assert_eq!(client.answer(direct).text(), r#"accept {"n":1}"#);
    assert_eq!(client.answer(nested).text(), r#"accept {"n":1}"#);
}

#[test]
fn who_cancels_is_not_asked_any_more() {
    let gateway = gateway(&ALL, json!({}));
    let client = client(&gateway, able());
    let call = client.send_call("asks__wait", say("?"));
    let question = client.incoming("elicitation/create");
    client.notify("notifications/cancelled", Some(json!({ "requestId": call })));
    assert_eq!(client.incoming("notifications/cancelled").params()["requestId"], *question.id());
    client.logged("the question was withdrawn");
    assert!(client.messages().iter().all(|message| *message.id() != json!(call)), "it was answered");
}

#[test]
fn sessions_over_http_are_asked_by_the_stream_of_their_call() {
    let gateway = gateway(&ALL, json!({}));
    let serving = Serving::start(&gateway);
    let http = Http::new(&serving.address, "/mcp");
    let sessions: Vec<_> = (0..2).map(|_| HttpSession::open_as(&http, "2025-11-25", able())).collect();
    let mut calls: Vec<_> =
        sessions.iter().enumerate().map(|(at, session)| session.call("asks__elicit", say(&at.to_string()))).collect();
    for (at, (session, call)) in sessions.iter().zip(&mut calls).enumerate() {
        let (_, question) = call.next_message();
        assert_eq!(question.params()["message"], at.to_string());
        session.respond(&question, accept(json!({ "n": at })));
        assert_eq!(call.result().text(), format!(r#"accept {{"n":{at}}}"#));
    }
}

/// Clients of revision 2026-07-28 get the question as the answer, and send theirs with the same request again.
#[test]
fn clients_without_a_handshake_are_asked_by_the_answer() {
    let gateway = gateway(&ALL, json!({ "time": "2s" }));
    let client = gateway.connect();
    let call = |tool: &str, text: &str| json!({ "name": tool, "arguments": say(text) });
    let open = |asked: &Message| {
        assert_eq!(asked.result()["resultType"], "input_required", "{}", asked.raw);
        let questions = asked.result()["inputRequests"].as_object().unwrap();
        questions.iter().next().map(|(key, question)| (key.clone(), question.clone())).unwrap()
    };
    for (answer, told) in [
        (accept(json!({ "n": 5 })), r#"accept {"n":5}"#),
        (json!({ "action": "decline" }), "decline"),
        (json!({ "action": "cancel" }), "cancel"),
    ] {
        let call = call("asks__elicit", "How many?");
        let asked = client.answer(client.send_modern("tools/call", &able(), call.clone()));
        let (key, question) = open(&asked);
        assert_eq!(
            (&question["method"], &question["params"]["message"]),
            (&json!("elicitation/create"), &json!("How many?"))
        );
        let done = client.answer(client.go_on(&asked, "tools/call", &able(), call, json!({ key: answer })));
        assert_eq!(done.text(), told);
    }
    // One after the other, each as the answer to the last.
    let call_many = call("asks__many", "3");
    let mut asked = client.answer(client.send_modern("tools/call", &able(), call_many.clone()));
    for number in 1..=3 {
        let (key, question) = open(&asked);
        assert_eq!(question["params"]["message"], format!("question {number}"));
        let answers = json!({ key: accept(json!({ "n": number })) });
        asked = client.answer(client.go_on(&asked, "tools/call", &able(), call_many.clone(), answers));
    }
    assert_eq!(asked.text(), r#"accept {"n":3}"#);
    let roots = call("asks__roots", "");
    let asked = client.answer(client.send_modern("tools/call", &able(), roots.clone()));
    let (key, _) = open(&asked);
    let answers = json!({ key: { "roots": [{ "uri": "file:///work" }] } });
    let done = client.answer(client.go_on(&asked, "tools/call", &able(), roots, answers));
    assert_eq!(done.text(), "file:///work=");
    let unable = client.answer(client.send_modern("tools/call", &json!({}), call("asks__elicit", "?")));
    says(&unable.text(), &["unsupported: the client does not offer elicitation"]);
}
