//! Servers start when they are needed, end when they are not, and break without breaking anything else.

use gateway_tests::{Client, Fake, Gateway, Http, HttpSession, Serving};
use serde_json::{Value, json};

fn with(entries: &[(&str, Value)]) -> Gateway {
    let servers: serde_json::Map<_, _> =
        entries.iter().map(|(name, entry)| ((*name).to_owned(), entry.clone())).collect();
    Gateway::with(&json!({ "servers": servers }))
}

/// An entry with further keys.
fn entry(fake: &Fake, flags: &[&str], further: Value) -> Value {
    let mut entry = fake.entry(flags);
    entry.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    entry
}

fn tools_of(client: &Client, prefix: &str) -> Vec<String> {
    client.tools().tool_names().into_iter().filter(|name| name.contains(prefix)).collect()
}

#[test]
fn a_placeholder_until_the_tools_are_known() {
    let fake = Fake::new();
    let gateway = with(&[("fake", fake.entry(&[]))]);
    let client = gateway.client();
    assert_eq!(tools_of(&client, "fake"), ["_fake_connect"]);
    assert_eq!(fake.count(), 0, "listing starts nothing");

    assert!(!client.call("_fake_connect", json!({})).is_error());
    client.incoming("notifications/tools/list_changed");
    let tools = tools_of(&client, "fake");
    assert!(tools.contains(&"fake__echo".to_owned()), "{tools:?}");
    assert!(!tools.contains(&"_fake_connect".to_owned()), "{tools:?}");
    assert_eq!(fake.count(), 1);
    client.finish();

    // What was learnt is remembered: nothing has to start for a list any more.
    let client = gateway.client();
    assert_eq!(tools_of(&client, "fake"), tools);
    assert_eq!(fake.count(), 1);
    assert_eq!(client.call("fake__echo", json!({ "text": "again" })).text(), "again");
    assert_eq!(fake.count(), 2);
}

#[test]
fn a_call_by_name_starts_the_server() {
    let fake = Fake::new();
    let gateway = with(&[("fake", fake.entry(&[]))]);
    let client = gateway.client();
    assert_eq!(client.call("fake__echo", json!({ "text": "hello" })).text(), "hello");
    client.incoming("notifications/tools/list_changed");
    assert!(tools_of(&client, "fake").contains(&"fake__echo".to_owned()));
    assert_eq!(client.call("fake__nope", json!({})).error()["message"], "Unknown tool: fake__nope");
    assert_eq!(fake.count(), 1);
}

#[test]
fn a_server_that_changes_its_tools_is_listed_anew() {
    let fake = Fake::new();
    let gateway = with(&[("fake", fake.entry(&[]))]);
    let client = gateway.client();
    client.call("fake__echo", json!({ "text": "hello" })).text();
    client.incoming("notifications/tools/list_changed");
    client.call("fake__change", json!({ "key": "added" })).text();
    client.incoming("notifications/tools/list_changed");
    assert!(tools_of(&client, "fake").contains(&"fake__added".to_owned()));
    assert_eq!(client.call("fake__added", json!({})).text(), "called added");
}

#[test]
fn a_server_that_crashes_is_started_again() {
    let fake = Fake::new();
    let gateway = with(&[("fake", fake.entry(&[]))]);
    let client = gateway.client();
    client.call("fake__echo", json!({ "text": "hello" })).text();
    let beside = client.send_call("fake__wait", json!({ "key": "beside" }));
    fake.process(1).waits("beside");
    for failure in [client.call("fake__crash", json!({})).failure(), client.answer(beside).failure()] {
        assert!(failure.contains("server \"fake\""), "{failure}");
        assert!(failure.contains("exit"), "{failure}");
    }
    fake.process(1).gone();
    assert_eq!(client.call("fake__echo", json!({ "text": "again" })).text(), "again");
    assert_eq!(fake.count(), 2);
}

#[test]
fn a_server_that_is_killed_is_started_again() {
    let fake = Fake::new();
    let gateway = with(&[("fake", fake.entry(&[]))]);
    let client = gateway.client();
    client.call("fake__echo", json!({ "text": "hello" })).text();
    let process = fake.process(1);
    let pid = rustix::process::Pid::from_raw(i32::try_from(process.pid()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    process.gone();
    // Until the gateway has seen it too, a call may still be sent to it, and be lost.
    client.logged("server \"fake\" ended");
    assert_eq!(client.call("fake__echo", json!({ "text": "again" })).text(), "again");
}

/// The idle clock of one server is seen in another, which has the same and is idle indeed.
#[test]
fn idleness_ends_a_server_but_no_call() {
    let (busy, clock) = (Fake::new(), Fake::new());
    let soon = json!({ "idle_timeout": 1 });
    let gateway = with(&[("busy", entry(&busy, &[], soon.clone())), ("clock", entry(&clock, &[], soon))]);
    let client = gateway.client();
    let call = client.send_call("busy__wait", json!({ "key": "long" }));
    busy.process(1).waits("long");
    client.call("clock__echo", json!({ "text": "tick" })).text();
    clock.process(1).event("stdin-closed");
    clock.process(1).gone();
    assert!(busy.process(1).alive(), "the server was ended in the middle of a call");
    busy.process(1).release("long");
    assert_eq!(client.answer(call).text(), "released long");
    // Now it is idle too.
    busy.process(1).gone();
    assert_eq!(client.call("busy__echo", json!({ "text": "again" })).text(), "again");
    assert_eq!(busy.count(), 2);
}

#[test]
fn a_cancellation_reaches_one_call() {
    let fake = Fake::new();
    let gateway = with(&[("fake", fake.entry(&[]))]);
    let client = gateway.client();
    let ids: Vec<_> = ["a", "b", "c"].map(|key| client.send_call("fake__wait", json!({ "key": key }))).to_vec();
    let process = fake.process(1);
    let backend_ids: Vec<_> = ["a", "b", "c"].map(|key| process.waits(key)["id"].clone()).to_vec();
    client.notify("notifications/cancelled", Some(json!({ "requestId": ids[1], "reason": "changed my mind" })));
    let cancelled = process.event("cancelled");
    assert_eq!(cancelled["key"], "b");
    assert_eq!(cancelled["id"], backend_ids[1]);
    for key in ["a", "c"] {
        process.release(key);
    }
    assert_eq!(client.answer(ids[0]).text(), "released a");
    assert_eq!(client.answer(ids[2]).text(), "released c");
    assert_eq!(process.count("cancelled"), 1);
    // A cancelled call is not answered, and one that is over or never was cannot be cancelled.
    for id in [json!(ids[0]), json!(4711), json!("a"), Value::Null] {
        client.notify("notifications/cancelled", Some(json!({ "requestId": id })));
    }
    assert_eq!(client.call("fake__echo", json!({ "text": "still here" })).text(), "still here");
    assert_eq!(process.count("cancelled"), 1);
    assert!(client.messages().iter().all(|message| *message.id() != ids[1]), "a cancelled call was answered");
}

#[test]
fn progress_comes_in_order_under_the_callers_token() {
    let fake = Fake::new();
    let gateway = with(&[("fake", fake.entry(&[]))]);
    let client = gateway.client();
    let tokens = [json!("a text"), json!(7)];
    let calls: Vec<_> = tokens
        .iter()
        .map(|token| {
            let params =
                json!({ "name": "fake__progress", "arguments": { "steps": 20 }, "_meta": { "progressToken": token } });
            client.send("tools/call", params)
        })
        .collect();
    for (token, call) in tokens.iter().zip(calls) {
        let answer = client.answer(call);
        assert_eq!(answer.text(), "20 steps");
        let before = client.messages().into_iter().take(answer.at);
        let steps: Vec<_> = before.filter(|message| message.params()["progressToken"] == *token).collect();
        let numbers: Vec<_> = steps.iter().map(|message| message.params()["progress"].as_i64().unwrap()).collect();
        assert_eq!(numbers, (1..=20).collect::<Vec<_>>(), "token {token}");
        assert_eq!(steps[4].params()["total"], 20);
        assert_eq!(steps[4].params()["message"], "step 5");
        assert!(steps.iter().all(|message| message.method() == Some("notifications/progress")));
    }
}

#[test]
fn progress_that_nobody_asked_for_is_not_passed_on() {
    let fake = Fake::new();
    let gateway = with(&[("fake", fake.entry(&[]))]);
    let client = gateway.client();
    assert_eq!(client.call("fake__progress", json!({ "steps": 3 })).text(), "3 steps");
    assert!(client.messages().iter().all(|message| message.method() != Some("notifications/progress")));
}

#[test]
fn garbage_on_a_servers_standard_output_is_passed_over() {
    let fake = Fake::new();
    let gateway = with(&[("fake", fake.entry(&[]))]);
    let client = gateway.client();
    for _ in 0..2 {
        assert_eq!(client.call("fake__garbage", json!({})).text(), "after garbage");
    }
    assert_eq!(client.call("fake__echo", json!({ "text": "still here" })).text(), "still here");
    assert_eq!(fake.count(), 1);
}

#[test]
fn a_missing_command_is_one_clear_error() {
    let fake = Fake::new();
    let gateway = with(&[("missing", json!({ "command": "no-such-command-here" })), ("fake", fake.entry(&[]))]);
    let client = gateway.client();
    for tool in ["_missing_connect", "missing__anything"] {
        let failure = client.call(tool, json!({})).failure();
        assert!(failure.contains("server \"missing\" cannot be started"), "{failure}");
        assert!(failure.contains("\"no-such-command-here\" was not found"), "{failure}");
        assert!(failure.contains("servers.missing.command"), "{failure}");
    }
    assert_eq!(client.call("fake__echo", json!({ "text": "hello" })).text(), "hello");
}

#[test]
fn a_server_that_ends_at_once_is_quoted() {
    let fake = Fake::new();
    let gateway = with(&[("fake", fake.entry(&["--refuse"]))]);
    let client = gateway.client();
    let failure = client.call("fake__echo", json!({})).failure();
    assert!(failure.contains("server \"fake\" ended during its start"), "{failure}");
    assert!(failure.contains("no license for today"), "{failure}");
}

#[test]
fn a_server_that_never_answers_the_handshake() {
    let (mute, fake) = (Fake::new(), Fake::new());
    let gateway =
        with(&[("mute", entry(&mute, &["--mute"], json!({ "start_timeout": 1 }))), ("fake", fake.entry(&[]))]);
    let client = gateway.client();
    let call = client.send_call("mute__echo", json!({}));
    mute.process(1).event("initialize");
    assert_eq!(client.call("fake__echo", json!({ "text": "meanwhile" })).text(), "meanwhile");
    let failure = client.answer(call).failure();
    assert!(failure.contains("server \"mute\" did not finish its start within 1"), "{failure}");
    assert!(failure.contains("servers.mute.start_timeout"), "{failure}");
    mute.process(1).gone();
}

#[test]
fn a_call_that_hangs_runs_into_its_limit() {
    let fake = Fake::new();
    let gateway = with(&[("fake", entry(&fake, &[], json!({ "request_timeout": 1 })))]);
    let client = gateway.client();
    let failure = client.call("fake__wait", json!({ "key": "for ever" })).failure();
    assert!(failure.contains("servers.fake.request_timeout"), "{failure}");
    assert_eq!(fake.process(1).event("cancelled")["key"], "for ever", "the server is told that nobody waits");
    assert_eq!(client.call("fake__echo", json!({ "text": "still here" })).text(), "still here");
    assert_eq!(fake.count(), 1);
}

#[test]
fn errors_of_a_server_are_passed_on_as_they_are() {
    let fake = Fake::new();
    let gateway = with(&[("fake", fake.entry(&[]))]);
    let client = gateway.client();
    assert_eq!(client.call("fake__fail", json!({})).failure(), "the fake tool failed");
    let error = client.call("fake__error", json!({}));
    assert_eq!(error.member("error"), r#"{"code":-32602,"message":"the fake tool wants more","data":{"field":"x"}}"#);
}

#[test]
fn a_disabled_server_is_not_there() {
    let fake = Fake::new();
    let gateway = with(&[("fake", entry(&fake, &[], json!({ "enabled": false })))]);
    let client = gateway.client();
    assert_eq!(tools_of(&client, "fake"), [""; 0]);
    assert_eq!(client.call("fake__echo", json!({})).error()["message"], "Unknown tool: fake__echo");
    assert_eq!(fake.count(), 0);
}

#[test]
fn the_configuration_says_whether_sessions_share_a_server() {
    let (each, all) = (Fake::new(), Fake::new());
    let gateway = with(&[
        ("each", entry(&each, &[], json!({ "per_session": true }))),
        ("all", entry(&all, &[], json!({ "per_session": false }))),
    ]);
    let serving = Serving::start(&gateway);
    let http = Http::new(&serving.address, "/mcp");
    let asked = HttpSession::open_as(&http, "2025-11-25", json!({ "elicitation": {}, "roots": {} }));
    let unasked = HttpSession::open(&http);
    for session in [&asked, &unasked] {
        for server in ["each", "all"] {
            session.call(&format!("{server}__echo"), json!({ "text": "hello" })).message().text();
        }
    }
    assert_eq!((each.count(), all.count()), (2, 1));
    let told = all.process(1).event("initialize");
    assert_eq!(told["params"]["capabilities"], json!({}), "a shared one can ask nobody");
    let told = each.process(1).event("initialize");
    assert!(told["params"]["capabilities"]["roots"].is_object(), "{told}");
    unasked.end();
    each.process(2).gone();
    assert!(each.process(1).alive() && all.process(1).alive());
}

/// What a server knows how to be greeted is remembered: the next start is told nothing that it does not understand.
#[test]
fn a_server_is_greeted_in_its_own_way() {
    let fake = Fake::new();
    let gateway = with(&[("fake", fake.entry(&[]))]);
    for _ in 0..2 {
        let client = gateway.client();
        client.call("fake__echo", json!({ "text": "hello" })).text();
        client.finish();
    }
    for process in [fake.process(1), fake.process(2)] {
        assert_eq!(process.count("initialize"), 1);
        assert_eq!(process.event("initialize")["params"]["protocolVersion"], "2025-11-25");
    }
}

/// Eager servers are learnt before anybody asks, though not before the client has its first answer.
#[test]
fn an_eager_gateway_learns_what_servers_offer_by_itself() {
    let (one, two, broken) = (Fake::new(), Fake::new(), Fake::new());
    let servers = json!({ "one": one.entry(&[]), "two": two.entry(&[]), "broken": broken.entry(&["--refuse"]) });
    let gateway = Gateway::with(&json!({ "discovery": "eager", "servers": servers }));
    let client = gateway.client();
    one.process(1).event("initialize");
    two.process(1).event("initialize");
    broken.process(1).gone();
    let known = |name: &str| tools_of(&client, name).contains(&format!("{name}__echo"));
    while !known("one") || !known("two") {
        client.incoming("notifications/tools/list_changed");
    }
    client.finish();

    let alone = Fake::new();
    let gateway = Gateway::with(&json!({ "discovery": "eager", "servers": { "alone": alone.entry(&[]) } }));
    let _serving = Serving::start(&gateway);
    alone.process(1).event("initialize");
}
