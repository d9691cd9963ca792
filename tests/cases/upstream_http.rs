//! Servers that are reached over Streamable HTTP, well-behaved and otherwise.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use gateway_tests::{
    Client, Gateway,
    fake_http::{Asked, Exchange, FakeHttp, behaviour, server},
    wait::Watched,
};
use serde_json::{Value, json};

fn gateway(server: &FakeHttp) -> Gateway {
    Gateway::with(&json!({ "servers": { "web": entry(server) } }))
}

fn entry(server: &FakeHttp) -> Value {
    json!({ "url": server.url("/mcp"), "headers": { "Authorization": "Bearer s3cret-token", "X-Team": "a" } })
}

/// Lets a thread go on when a test says so.
#[derive(Clone, Default)]
struct Gate(Arc<Watched<bool>>);

impl Gate {
    fn open(&self) {
        self.0.change(|open| *open = true);
    }
    fn pass(&self) {
        self.0.until(|open| open.then_some(())).expect("the gate was never opened");
    }
}

fn hit(client: &Client) -> String {
    client.call("web__t", json!({})).text()
}

#[test]
fn every_request_says_who_asks_and_in_which_session() {
    let server = server(|asked, exchange| exchange.json(&asked.says("hello")));
    let gateway = gateway(&server);
    let output = gateway.run(&["call", "web__t", "x=1"]);
    assert_eq!(output.answer(), "hello\n");
    for asked in server.all() {
        assert_eq!(asked.header("authorization"), Some("Bearer s3cret-token"), "{asked:#?}");
        assert_eq!(asked.header("x-team"), Some("a"), "{asked:#?}");
        let first = ["initialize", "server/discover"].contains(&asked.method());
        assert_eq!(asked.header("mcp-session-id"), (!first).then_some("session-1"), "{asked:#?}");
        if !first {
            assert_eq!(asked.header("mcp-protocol-version"), Some("2025-11-25"), "{asked:#?}");
        }
        if asked.method == "POST" {
            assert_eq!(asked.header("accept"), Some("application/json, text/event-stream"), "{asked:#?}");
            assert_eq!(asked.header("content-type"), Some("application/json"), "{asked:#?}");
        }
    }
    let initialized = server.all().iter().position(|asked| asked.method() == "notifications/initialized");
    let listed = server.all().iter().position(|asked| asked.method() == "tools/list");
    assert!(initialized < listed, "{:#?}", server.all());
    server.asked("to end the session", |asked| asked.method == "DELETE");
}

#[test]
fn progress_comes_before_the_answer_on_its_stream() {
    let server = server(|asked, exchange| {
        let token = &asked.json["params"]["_meta"]["progressToken"];
        exchange.stream();
        exchange.write(": a comment\n\nid: 1\ndata:\n\n");
        for at in 1..=3 {
            let params = json!({ "progressToken": token, "progress": at });
            exchange.event(&json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params }));
        }
        exchange.event(&asked.says("done"));
        exchange.end();
    });
    let gateway = gateway(&server);
    let client = gateway.client();
    let id = client.send("tools/call", json!({ "name": "web__t", "_meta": { "progressToken": "mine" } }));
    assert_eq!(client.answer(id).text(), "done");
    let progress: Vec<_> =
        client.messages().into_iter().filter(|m| m.method() == Some("notifications/progress")).collect();
    let seen: Vec<_> =
        progress.iter().map(|m| (m.params()["progressToken"].clone(), m.params()["progress"].clone())).collect();
    assert_eq!(seen, [1, 2, 3].map(|at| (json!("mine"), json!(at))));
}

/// Answers in the way that the arguments name.
fn oddly(asked: &Asked, exchange: &mut Exchange) {
    let note = json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": { "level": "info", "data": 1 } });
    let answer = asked.says("ok");
    match asked.json["params"]["arguments"]["way"].as_str().unwrap() {
        "batch" => exchange.json(&json!([note, answer])),
        "lines" => exchange.answer("200 OK", &[("Content-Type", "application/json")], &format!("{note}\n{answer}\n")),
        "pretty" => exchange.answer("200 OK", &[("Content-Type", "application/json")], &format!("{answer:#}\n")),
        "charset" => {
            exchange.answer("200 OK", &[("Content-Type", "application/json; charset=utf-8")], &answer.to_string());
        }
        "untyped" => exchange.answer("200 OK", &[], &answer.to_string()),
        "open" => {
            // A stream that stays open after the answer.
            exchange.stream();
            exchange.event(&answer);
            exchange.until_gone();
        }
        "accepted" => exchange.status("202 Accepted"),
        "page" => exchange.answer("200 OK", &[("Content-Type", "text/html")], "<html>hello</html>"),
        "garbage" => exchange.answer("200 OK", &[("Content-Type", "application/json")], "{\"half\":"),
        "error" => exchange
            .json(&json!({ "jsonrpc": "2.0", "id": asked.json["id"], "error": { "code": -5, "message": "no" } })),
        "denied" => exchange.status("401 Unauthorized"),
        "forbidden" => exchange.answer("403 Forbidden", &[], "not for Bearer s3cret-token"),
        "broken" => exchange.answer("500 Internal Server Error", &[("Content-Type", "text/html")], "<h1>Oops</h1>"),
        "refused" => exchange.answer(
            "400 Bad Request",
            &[("Content-Type", "application/json")],
            &json!({ "jsonrpc": "2.0", "id": asked.json["id"], "error": { "code": -32602, "message": "bad" } })
                .to_string(),
        ),
        _ => {}
    }
}

#[test]
fn odd_answers_are_understood() {
    let server = server(oddly);
    let gateway = gateway(&server);
    let client = gateway.client();
    for way in ["batch", "lines", "pretty", "charset", "untyped", "open"] {
        assert_eq!(client.call("web__t", json!({ "way": way })).text(), "ok", "{way}");
    }
}

#[test]
fn what_is_no_answer_fails_its_call_alone() {
    let server = server(oddly);
    let gateway = gateway(&server);
    let client = gateway.client();
    for (way, said, hint) in [
        ("accepted", "HTTP 202", ""),
        ("page", "<html>hello</html>", ""),
        ("garbage", "{\"half\":", ""),
        ("denied", "HTTP 401: Unauthorized", "gateway server login web"),
        ("forbidden", "HTTP 403: not for (the value of Authorization)", "servers.web.headers"),
        ("broken", "HTTP 500: Internal Server Error", ""),
        ("dropped", "the connection broke", "hint: the call may have had its effect"),
    ] {
        let failure = client.call("web__t", json!({ "way": way })).failure();
        assert!(failure.contains(said) && failure.contains(hint), "{way}: {failure}");
        assert!(!failure.contains("s3cret"), "{failure}");
    }
    for (way, code) in [("error", -5), ("refused", -32602)] {
        let answer = client.call("web__t", json!({ "way": way }));
        assert_eq!(answer.error()["code"], code, "{way}");
    }
    assert_eq!(client.call("web__t", json!({ "way": "batch" })).text(), "ok");
    assert_eq!(server.count("initialize"), 1, "{:#?}", server.all());
}

#[test]
fn a_dropped_answer_disturbs_no_other_call() {
    let gate = Gate::default();
    let held = gate.clone();
    let server = server(move |asked, exchange| {
        exchange.stream();
        exchange.write(": begun\n\n");
        if asked.json["params"]["arguments"]["wait"] == true {
            held.pass();
            exchange.event(&asked.says("patience"));
            exchange.end();
        }
    });
    let gateway = gateway(&server);
    let client = gateway.client();
    let patient = client.send_call("web__t", json!({ "wait": true }));
    server.asked("to wait", |asked| asked.json["params"]["arguments"]["wait"] == true);
    let failure = client.call("web__t", json!({})).failure();
    assert!(failure.contains("the connection broke"), "{failure}");
    gate.open();
    assert_eq!(client.answer(patient).text(), "patience");
}

#[test]
fn a_stream_that_breaks_is_gone_on_with() {
    for how in ["drop", "end"] {
        let (plain, pending) = (behaviour(|_, _| ()), Arc::new(Watched::new(Value::Null)));
        let server = FakeHttp::new(move |asked, exchange| {
            if asked.tool().is_some() {
                pending.change(|pending| *pending = asked.says("resumed"));
                exchange.stream();
                exchange.write("id: here/1\nretry: 10\ndata:\n\n");
                if how == "end" {
                    exchange.end();
                }
            } else if asked.header("last-event-id") == Some("here/1") {
                exchange.stream();
                exchange.event(&pending.lock());
                exchange.end();
            } else {
                plain(asked, exchange);
            }
        });
        let gateway = gateway(&server);
        assert_eq!(hit(&gateway.client()), "resumed", "{how}");
        assert_eq!(server.count("tools/call"), 1, "{how}");
    }
}

#[test]
fn a_session_that_is_forgotten_begins_anew_once_for_all() {
    let unknown =
        json!({ "jsonrpc": "2.0", "id": null, "error": { "code": -32000, "message": "No valid session ID" } });
    for (status, body) in [("404 Not Found", String::new()), ("400 Bad Request", unknown.to_string())] {
        let both = Arc::new(Watched::new(0));
        let arrived = both.clone();
        let server = server(move |asked, exchange| {
            if asked.header("mcp-session-id") == Some("session-1") {
                arrived.change(|count| *count += 1);
                arrived.until(|count| (*count >= 2).then_some(())).unwrap();
                exchange.answer(status, &[("Content-Type", "application/json")], &body);
            } else {
                exchange.json(&asked.says("again"));
            }
        });
        let gateway = gateway(&server);
        let client = gateway.client();
        let calls = [client.send_call("web__t", json!({})), client.send_call("web__t", json!({}))];
        for id in calls {
            assert_eq!(client.answer(id).text(), "again", "{status}");
        }
        assert_eq!(server.count("initialize"), 2, "{status}: {:#?}", server.all());
        assert!(!client.log().contains("WARN"), "{}", client.log());
    }
}

#[test]
fn redirects_are_followed_within_the_origin_alone() {
    let elsewhere = server(|asked, exchange| exchange.json(&asked.says("stolen")));
    let outside = elsewhere.url("/mcp");
    let plain = behaviour(|asked, exchange| exchange.json(&asked.says("moved")));
    let server = FakeHttp::new(move |asked, exchange| match (asked.target.as_str(), asked.method()) {
        ("/mcp", _) => exchange.answer("307 Temporary Redirect", &[("Location", "/new?x=1")], ""),
        ("/new?x=1", _) => plain(asked, exchange),
        ("/out", _) => exchange.answer("307 Temporary Redirect", &[("Location", &outside)], ""),
        ("/found", _) => exchange.answer("302 Found", &[("Location", "/new?x=1")], ""),
        _ => exchange.answer("308 Permanent Redirect", &[("Location", "/round")], ""),
    });
    assert_eq!(hit(&gateway(&server).client()), "moved");
    for (path, said) in
        [("/out", elsewhere.url("/mcp")), ("/found", server.url("/new")), ("/round", server.url("/round"))]
    {
        let entry = json!({ "url": server.url(path), "headers": { "Authorization": "Bearer s3cret-token" } });
        let gateway = Gateway::with(&json!({ "servers": { "web": entry } }));
        let output = gateway.run(&["call", "web__t"]);
        assert_eq!(output.code, 1, "{output:#?}");
        assert!(output.stderr.contains(&said) && output.stderr.contains("servers.web.url"), "{output:#?}");
    }
    assert!(elsewhere.all().is_empty(), "{:#?}", elsewhere.all());
}

#[test]
fn slow_headers_hold_up_nobody_else() {
    let gate = Gate::default();
    let held = gate.clone();
    let server = server(move |asked, exchange| {
        if asked.json["params"]["arguments"]["slow"] == true {
            held.pass();
        }
        exchange.json(&asked.says("here"));
    });
    let gateway = gateway(&server);
    let client = gateway.client();
    let slow = client.send_call("web__t", json!({ "slow": true }));
    server.asked("slowly", |asked| asked.json["params"]["arguments"]["slow"] == true);
    assert_eq!(hit(&client), "here");
    gate.open();
    assert_eq!(client.answer(slow).text(), "here");
}

#[test]
fn a_cancelled_call_is_cancelled_there() {
    let server = server(|_, exchange| {
        exchange.stream();
        exchange.write(": working\n\n");
        exchange.until_gone();
    });
    let gateway = gateway(&server);
    let client = gateway.client();
    let id = client.send_call("web__t", json!({}));
    let call = server.asked("to work", |asked| asked.tool().is_some());
    client.notify("notifications/cancelled", Some(json!({ "requestId": id })));
    let cancelled = server.asked("to cancel", |asked| asked.method() == "notifications/cancelled");
    assert_eq!(cancelled.json["params"]["requestId"], call.json["id"]);
    assert_eq!(cancelled.header("mcp-session-id"), Some("session-1"));
}

#[test]
fn a_server_that_is_not_there_is_named_and_found_when_it_comes() {
    let address = server(|_, _| ()).address;
    let entry = json!({ "url": format!("http://{address}/mcp") });
    let gateway = Gateway::with(&json!({ "servers": { "web": entry } }));
    let client = gateway.client();
    let failure = client.call("web__t", json!({})).failure();
    assert!(failure.contains("connection refused") && failure.contains("servers.web.url"), "{failure}");
    let _server = FakeHttp::at(address, behaviour(|asked, exchange| exchange.json(&asked.says("there"))));
    assert_eq!(hit(&client), "there");
}

#[test]
fn what_a_server_says_by_itself_is_heard() {
    let (plain, round) = (behaviour(|asked, exchange| exchange.json(&asked.says("x"))), AtomicUsize::new(0));
    let lists = AtomicUsize::new(0);
    let server = FakeHttp::new(move |asked, exchange| match (asked.method.as_str(), asked.method()) {
        ("GET", _) => {
            exchange.stream();
            if round.fetch_add(1, Ordering::SeqCst) == 0 {
                // Broken off at once: asked for again, from where it was.
                exchange.write("id: 7\nretry: 10\ndata:\n\n");
            } else {
                exchange.event(&json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" }));
                exchange.until_gone();
            }
        }
        ("POST", "tools/list") if lists.fetch_add(1, Ordering::SeqCst) > 0 => {
            let tools = ["t", "new"].map(|name| json!({ "name": name, "inputSchema": { "type": "object" } }));
            exchange.json(&asked.result(&json!({ "tools": tools })));
        }
        _ => plain(asked, exchange),
    });
    let gateway = gateway(&server);
    let client = gateway.client();
    hit(&client);
    server.asked("to go on", |asked| asked.method == "GET" && asked.header("last-event-id") == Some("7"));
    client.incoming("notifications/tools/list_changed");
    while !client.tools().tool_names().contains(&"web__new".to_owned()) {
        client.incoming("notifications/tools/list_changed");
    }
}

#[test]
fn a_server_that_goes_away_is_noticed_without_a_call() {
    let server = server(|asked, exchange| exchange.json(&asked.says("x")));
    let entry = json!({ "url": server.url("/mcp"), "heartbeat": 1 });
    let gateway = Gateway::with(&json!({ "servers": { "web": entry } }));
    let client = gateway.client();
    hit(&client);
    server.asked("whether it is there", |asked| asked.method() == "ping");
    server.stop();
    let log = client.logged("server \"web\" ended (connection refused)");
    assert!(log.contains("WARN"), "{log}");
}

#[test]
fn a_question_on_the_stream_of_a_call_is_answered_by_who_called() {
    let (plain, given) = (behaviour(|_, _| ()), Watched::new(None));
    let server = FakeHttp::new(move |asked, exchange| {
        if asked.tool().is_some() {
            exchange.stream();
            let params = json!({ "message": "Which?", "requestedSchema": { "type": "object", "properties": {} } });
            exchange.event(&json!({ "jsonrpc": "2.0", "id": "q", "method": "elicitation/create", "params": params }));
            let answer: Value = given.until(Option::take).unwrap();
            exchange.event(&asked.says(answer["content"]["which"].as_str().unwrap()));
            exchange.end();
        } else if asked.json["id"] == "q" {
            given.change(|given| *given = Some(asked.json["result"].clone()));
            exchange.status("202 Accepted");
        } else {
            plain(asked, exchange);
        }
    });
    let gateway = gateway(&server);
    let client = gateway.connect();
    client.initialize_as("2025-11-25", json!({ "elicitation": {} }));
    let call = client.send_call("web__t", json!({}));
    client.answer_with("elicitation/create", json!({ "action": "accept", "content": { "which": "this one" } }));
    assert_eq!(client.answer(call).text(), "this one");
}
