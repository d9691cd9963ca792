//! Clients that say with each request who they are (revision 2026-07-28), before servers that know nothing of that.

use gateway_tests::{Client, Fake, Gateway, Message, client::MODERN, foreign, gateway::run};
use serde_json::{Value, json};

const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

fn gateway(fake: &Fake, flags: &[&str]) -> (Client, Gateway) {
    let gateway = Gateway::with(&json!({ "servers": { "fake": fake.entry(flags) } }));
    (gateway.connect(), gateway)
}

fn code(message: &Message) -> i64 {
    message.error()["code"].as_i64().unwrap()
}

#[test]
fn the_gateway_introduces_itself_as_often_as_it_is_asked() {
    let fake = Fake::new();
    let (client, _gateway) = gateway(&fake, &[]);
    for _ in 0..2 {
        let answer = client.modern("server/discover", json!({}));
        let result = answer.result();
        assert_eq!(result["resultType"], "complete");
        assert_eq!(result["supportedVersions"][0], MODERN);
        assert!(result["supportedVersions"].as_array().unwrap().contains(&json!("2024-11-05")));
        assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "mcp-gateway");
        assert!(result["capabilities"]["resources"]["subscribe"] == true, "{}", answer.raw);
        assert_eq!(result["cacheScope"], "private");
        assert!(result["ttlMs"].is_u64());
    }
    assert_eq!(fake.count(), 0);
}

#[test]
fn without_servers_there_is_nothing_but_tools() {
    let gateway = Gateway::with(&json!({}));
    let client = gateway.connect();
    let answer = client.modern("server/discover", json!({}));
    assert_eq!(answer.result()["capabilities"], json!({ "tools": { "listChanged": true } }));
}

#[test]
fn requests_have_to_say_who_asks() {
    let fake = Fake::new();
    let (client, _gateway) = gateway(&fake, &[]);
    let with = |meta: Value| client.request("tools/list", json!({ "_meta": meta }));
    let (version, capabilities) =
        ("io.modelcontextprotocol/protocolVersion", "io.modelcontextprotocol/clientCapabilities");
    let refused = with(json!({ version: "1900-01-01", capabilities: {} }));
    assert_eq!(code(&refused), -32022);
    assert_eq!(refused.error()["data"]["requested"], "1900-01-01");
    assert_eq!(refused.error()["data"]["supported"][0], MODERN);
    for wrong in [
        json!({ version: MODERN }),
        json!({ version: MODERN, capabilities: [] }),
        json!({ version: 7, capabilities: {} }),
        json!({ version: MODERN, capabilities: {}, "io.modelcontextprotocol/logLevel": "loud" }),
    ] {
        assert_eq!(code(&with(wrong.clone())), -32602, "{wrong}");
    }
    assert_eq!(code(&client.request("server/discover", json!({}))), -32602);
    assert!(with(json!({ version: MODERN, capabilities: {} })).result()["tools"].is_array());
}

#[test]
fn methods_of_other_revisions_are_unknown() {
    let fake = Fake::new();
    let (client, _gateway) = gateway(&fake, &[]);
    for method in [
        "ping",
        "initialize",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
        "tasks/list",
        "tasks/result",
        "nope",
    ] {
        assert_eq!(
            code(&client.modern(method, json!({ "uri": "x", "level": "info", "taskId": "x" }))),
            -32601,
            "{method}"
        );
    }
    client.initialize();
    assert_eq!(code(&client.request("subscriptions/listen", json!({ "notifications": {} }))), -32601);
    // Both at once are served.
    assert_eq!(client.request("ping", json!({})).result(), &json!({}));
    assert_eq!(client.modern("tools/list", json!({})).result()["resultType"], "complete");
}

#[test]
fn results_say_what_they_are_and_servers_hear_nothing_of_it() {
    let fake = Fake::new();
    let (client, _gateway) = gateway(&fake, &["--resource", "memo://one"]);
    let params = json!({ "name": "fake__echo", "arguments": { "text": "hi" }, "_meta": { "vendor/trace": 1 } });
    let echoed = client.modern("tools/call", params);
    assert_eq!(echoed.member("result"), r#"{"resultType":"complete","content":[{"type":"text","text":"hi"}]}"#);
    let seen = fake.process(1).called("echo")["params"].clone();
    assert_eq!(seen["_meta"], json!({ "vendor/trace": 1 }));
    for (method, params) in [
        ("tools/list", json!({})),
        ("prompts/list", json!({})),
        ("resources/list", json!({})),
        ("resources/templates/list", json!({})),
        ("resources/read", json!({ "uri": "memo://one" })),
    ] {
        let answer = client.modern(method, params);
        let result = answer.result();
        assert_eq!(result["resultType"], "complete", "{method}");
        assert_eq!((&result["ttlMs"], &result["cacheScope"]), (&json!(0), &json!("private")), "{method}");
    }
    for uri in ["memo://missing", "memo://none"] {
        let missing = client.modern("resources/read", json!({ "uri": uri }));
        assert_eq!(code(&missing), -32602);
        assert_eq!(missing.error()["data"]["uri"], uri);
    }
}

#[test]
fn questions_of_a_server_are_the_answer_and_answers_come_with_the_next_request() {
    let fake = Fake::new();
    let (client, _gateway) = gateway(&fake, &[]);
    let can = json!({ "sampling": {}, "elicitation": {}, "roots": {} });
    for (method, params, answer) in [
        ("elicitation/create", json!({ "message": "Which?" }), json!({ "action": "accept", "content": { "n": 1.5 } })),
        (
            "sampling/createMessage",
            json!({ "messages": [], "maxTokens": 1 }),
            json!({ "role": "assistant", "model": "m" }),
        ),
        ("roots/list", json!({}), json!({ "roots": [] })),
    ] {
        let call = json!({ "name": "fake__ask", "arguments": { "method": method, "params": params } });
        let asked = client.answer(client.send_modern("tools/call", &can, call.clone()));
        let questions = asked.result()["inputRequests"].as_object().unwrap().clone();
        let (key, question) = questions.iter().next().unwrap();
        assert_eq!((questions.len(), &question["method"], &question["params"]), (1, &json!(method), &params));
        // Nobody is asked in any other way.
        assert!(
            client.messages().iter().all(|message| message.value.get("id").is_none() || message.method().is_none())
        );

        let other = json!({ "name": "fake__echo", "arguments": { "text": "x" } });
        let stolen = client.answer(client.go_on(&asked, "tools/call", &can, other, json!({})));
        assert_eq!(code(&stolen), -32602);
        let again = client.answer(client.go_on(&asked, "tools/call", &can, call.clone(), json!({ "unknown": 1 })));
        let done =
            client.answer(client.go_on(&again, "tools/call", &can, call.clone(), json!({ key.as_str(): answer })));
        assert_eq!(serde_json::from_str::<Value>(&done.text()).unwrap(), answer);
        assert_eq!(done.result()["resultType"], "complete");
        let used = client.answer(client.go_on(&again, "tools/call", &can, call, json!({ key.as_str(): answer })));
        assert_eq!(code(&used), -32602);
    }
    assert_eq!(fake.process(1).count("call"), 3);
}

/// Its call goes on meanwhile, and the client hears of that as soon as there is a request again by which it can.
#[test]
fn what_a_server_says_between_two_requests_is_told_with_the_second() {
    let fake = Fake::new();
    let (client, _gateway) = gateway(&fake, &[]);
    let can = json!({ "roots": {} });
    let call = |token: &str| {
        json!({ "name": "fake__ask", "arguments": { "method": "roots/list", "params": {} },
                "_meta": { "progressToken": token, "io.modelcontextprotocol/logLevel": "info" } })
    };
    let asked = client.answer(client.send_modern("tools/call", &can, call("first")));
    let server = fake.process(1);
    let token = server.called("ask")["params"]["_meta"]["progressToken"].clone();
    let wait = json!({ "name": "fake__wait", "arguments": { "key": "told" } });
    let told = client.send_modern("tools/call", &can, wait);
    server.waits("told");
    server.say("notifications/progress", &json!({ "progressToken": token, "progress": 1 }));
    server.release("told");
    // It comes after the report, so the gateway has both.
    client.answer(told);

    let key = asked.result()["inputRequests"].as_object().unwrap().keys().next().unwrap().clone();
    let done = client.go_on(&asked, "tools/call", &can, call("second"), json!({ key: { "roots": [] } }));
    assert_eq!(client.answer(done).result()["resultType"], "complete");
    let heard = client.messages();
    let reports: Vec<_> = heard
        .iter()
        .filter(|message| message.method() == Some("notifications/progress"))
        .map(Message::params)
        .collect();
    assert_eq!(reports, [&json!({ "progressToken": "second", "progress": 1 })]);
}

#[test]
fn a_client_is_asked_for_what_it_has_declared_alone() {
    let fake = Fake::new();
    let (client, _gateway) = gateway(&fake, &[]);
    let call =
        json!({ "name": "fake__ask", "arguments": { "method": "elicitation/create", "params": { "message": "?" } } });
    for can in [json!({}), json!({ "sampling": {} })] {
        let answer = client.answer(client.send_modern("tools/call", &can, call.clone()));
        assert!(answer.text().contains("-32601"), "{}", answer.raw);
    }
}

#[test]
fn rounds_of_a_server_that_knows_them_are_passed_on() {
    let server = gateway_tests::place::fixture_server();
    let entry = json!({ "command": server.get_program().to_str(), "args": ["stdio"] });
    let gateway = Gateway::with(&json!({ "servers": { "it": entry } }));
    let client = gateway.connect();
    let can = json!({ "elicitation": {} });
    let call = json!({ "name": "it__test_input_required_result_request_state", "arguments": {} });
    let asked = client.answer(client.send_modern("tools/call", &can, call.clone()));
    assert_eq!(asked.result()["inputRequests"]["confirm"]["method"], "elicitation/create", "{}", asked.raw);
    let answers = json!({ "confirm": { "action": "accept", "content": { "ok": true } } });
    let done = client.answer(client.go_on(&asked, "tools/call", &can, call, answers));
    assert_eq!(done.text(), "state-ok");
}

#[test]
fn tasks_are_for_clients_that_know_them() {
    let server = gateway_tests::place::fixture_server();
    let entry = json!({ "command": server.get_program().to_str(), "args": ["stdio"] });
    let gateway = Gateway::with(&json!({ "servers": { "it": entry } }));
    let client = gateway.connect();
    let can = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
    let call = json!({ "name": "it__slow_compute", "arguments": { "seconds": 0.0 } });
    assert!(client.modern("tools/call", call.clone()).text().contains("computed"));
    let made = client.answer(client.send_modern("tools/call", &can, call));
    assert_eq!(made.result()["resultType"], "task", "{}", made.raw);
    let task = json!({ "taskId": made.result()["taskId"] });
    let got = client.answer(client.send_modern("tasks/get", &can, task.clone()));
    assert_eq!((&got.result()["resultType"], &got.result()["taskId"]), (&json!("complete"), &task["taskId"]));
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let unknown = json!({ "taskId": "nobody's", "inputResponses": {} });
        assert_eq!(code(&client.answer(client.send_modern(method, &can, unknown))), -32602, "{method}");
        let refused = client.modern(method, task.clone());
        assert_eq!(code(&refused), -32021, "{method}");
        assert_eq!(refused.error()["data"]["requiredCapabilities"], can);
    }
    let only = json!({ "name": "it__failing_job", "arguments": {} });
    assert_eq!(code(&client.modern("tools/call", only)), -32021);
}

#[test]
fn a_call_is_cancelled_alone() {
    let fake = Fake::new();
    let (client, _gateway) = gateway(&fake, &[]);
    let wait = |key: &str| {
        client.send_modern("tools/call", &json!({}), json!({ "name": "fake__wait", "arguments": { "key": key } }))
    };
    let (one, two) = (wait("one"), wait("two"));
    let process = fake.process(1);
    process.waits("one");
    process.waits("two");
    client.notify("notifications/cancelled", Some(json!({ "requestId": one, "reason": "enough" })));
    assert_eq!(process.event("cancelled")["key"], "one");
    process.release("two");
    assert_eq!(client.answer(two).text(), "released two");
    assert!(client.messages().iter().all(|message| *message.id() != json!(one)));
}

#[test]
fn log_messages_come_to_those_who_want_them() {
    let fake = Fake::new();
    let (client, _gateway) = gateway(&fake, &[]);
    let log = |text: &str, level: Option<&str>| {
        let meta = level.map_or(json!({}), |level| json!({ "io.modelcontextprotocol/logLevel": level }));
        let params = json!({ "name": "fake__log", "arguments": { "text": text }, "_meta": meta });
        client.modern("tools/call", params).text();
    };
    log("unwanted", None);
    log("not severe enough", Some("error"));
    log("wanted", Some("info"));
    assert_eq!(client.incoming("notifications/message").params()["data"], "wanted");
    // A server that runs for this client alone, since it can be asked.
    let meta = json!({ "io.modelcontextprotocol/logLevel": "info" });
    let params = json!({ "name": "fake__log", "arguments": { "text": "of its own" }, "_meta": meta });
    client.answer(client.send_modern("tools/call", &json!({ "elicitation": {} }), params)).text();
    assert_eq!(client.incoming("notifications/message").params()["data"], "of its own");
    let logged = client.messages().iter().filter(|message| message.method() == Some("notifications/message")).count();
    assert_eq!(logged, 2);
}

#[test]
fn a_request_stays_open_to_hear_of_changes() {
    let fake = Fake::new();
    let (client, _gateway) = gateway(&fake, &["--resource", "memo://one", "--resource", "memo://two"]);
    client.modern("tools/call", json!({ "name": "_fake_connect" })).text();
    let wants = json!({ "notifications": {
        "toolsListChanged": true, "resourceSubscriptions": ["memo://one", "memo://none"],
    } });
    let listen = client.send_modern("subscriptions/listen", &json!({}), wants);
    let acknowledged = client.incoming("notifications/subscriptions/acknowledged");
    assert_eq!(acknowledged.params()["_meta"][SUBSCRIPTION], listen);
    let honoured = &acknowledged.params()["notifications"];
    assert_eq!(*honoured, json!({ "toolsListChanged": true, "resourceSubscriptions": ["memo://one"] }));

    let process = fake.process(1);
    assert_eq!(process.asked("resources/subscribe")["uri"], "memo://one");
    for uri in ["memo://two", "memo://one"] {
        process.say("notifications/resources/updated", &json!({ "uri": uri, "_meta": { "vendor/x": 1 } }));
    }
    let updated = client.incoming("notifications/resources/updated");
    assert_eq!(*updated.params(), json!({ "uri": "memo://one", "_meta": { SUBSCRIPTION: listen, "vendor/x": 1 } }));
    client.modern("tools/call", json!({ "name": "fake__change", "arguments": { "key": "more" } })).text();
    let changed = client.incoming("notifications/tools/list_changed");
    assert_eq!(changed.params()["_meta"][SUBSCRIPTION], listen);

    client.notify("notifications/cancelled", Some(json!({ "requestId": listen })));
    assert_eq!(process.asked("resources/unsubscribe")["uri"], "memo://one");
    process.say("notifications/resources/updated", &json!({ "uri": "memo://one" }));
    client.modern("tools/call", json!({ "name": "fake__echo", "arguments": { "text": "x" } })).text();
    let updates =
        client.messages().iter().filter(|message| message.method() == Some("notifications/resources/updated")).count();
    assert_eq!(updates, 1);
    assert!(client.messages().iter().all(|message| *message.id() != json!(listen)));
}

#[test]
fn what_is_open_ends_with_an_answer_when_the_gateway_does() {
    let gateway = Gateway::with(&json!({}));
    let client = gateway.connect();
    let listen = client.send_modern(
        "subscriptions/listen",
        &json!({}),
        json!({ "notifications": { "toolsListChanged": true } }),
    );
    client.incoming("notifications/subscriptions/acknowledged");
    client.close_stdin();
    let ended = client.answer(listen);
    assert_eq!(*ended.result(), json!({ "resultType": "complete", "_meta": { SUBSCRIPTION: listen } }));
}

#[test]
fn the_python_sdk_needs_no_handshake() {
    let fake = Fake::new();
    let gateway = Gateway::with(
        &json!({ "servers": { "fake": fake.entry(&["--prompt", "hello", "--resource", "memo://one"]) } }),
    );
    let mut script = std::process::Command::new(foreign::python());
    script.arg(foreign::folder().join("modern.py")).arg(gateway_tests::place::gateway());
    script.current_dir(gateway.path("")).env("HOME", gateway.path("home"));
    let seen = run(&mut script).json();
    assert_eq!(seen["version"], MODERN);
    assert_eq!(seen["echo"], "hi");
    assert_eq!(seen["elicited"], json!({ "action": "accept", "content": { "which": "this" } }));
    assert_eq!(seen["resource"], "text of memo://one");
    assert_eq!(seen["prompt"], "prompt hello");
    assert_eq!(seen["progress"], json!([1.0, 2.0, 3.0]));
}
