//! The gateway's own tools, by which the rest is found and called; what a list shows beside them.

use std::process::Command;

use gateway_tests::{Client, Fake, Gateway, Message, foreign, guests, place};
use serde_json::{Value, json};

use super::clients::seen_by;

/// What is listed with `meta_tools`, whatever there is behind it.
pub(super) const LISTED: [&str; 5] =
    ["gateway_list_servers", "gateway_list_tools", "gateway_search_tools", "gateway_invoke", "gateway_status"];

fn with(fake: &Fake, more: &Value) -> Gateway {
    let mut config = json!({
        "meta_tools": true,
        "servers": {
            "fake": fake.entry(&[]),
            "everything": foreign::entry(&foreign::node_server("everything", &["stdio"])),
        },
        "plugins": { "calculator": guests::CALCULATOR.source() },
    });
    for (key, value) in more.as_object().unwrap() {
        config[key] = value.clone();
    }
    config["servers"]["fake"]["description"] = json!("A fake");
    Gateway::with(&config)
}

/// What a meta-tool answers, which is the same as text and as structure.
#[track_caller]
pub(super) fn answer(client: &Client, tool: &str, arguments: Value) -> Value {
    let answer = client.call(tool, arguments);
    let text: Value = serde_json::from_str(&answer.text()).unwrap();
    assert_eq!(text, answer.result()["structuredContent"], "{}", answer.raw);
    text
}

#[track_caller]
pub(super) fn invoke(client: &Client, server: &str, tool: &str, arguments: Value) -> Message {
    client.call("gateway_invoke", json!({ "server": server, "tool": tool, "arguments": arguments }))
}

pub(super) fn names(listed: &Value, member: &str) -> Vec<String> {
    listed[member].as_array().unwrap().iter().map(|of| of["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn only_the_gateways_own_tools_are_listed() {
    let fake = Fake::new();
    let gateway = with(&fake, &json!({}));
    let client = gateway.client();
    let listed = client.tools().tool_names();
    for tool in LISTED {
        assert!(listed.contains(&tool.to_owned()), "{tool} is missing in {listed:?}");
    }
    let management = ["gateway_register_server", "gateway_remove_server"];
    for tool in &listed {
        assert!(tool.starts_with("gateway_") && !management.contains(&tool.as_str()), "{listed:?}");
    }
    // All the same, what is not listed can be called, and the other way round.
    assert_eq!(client.call("calculator__add", json!({ "a": 40, "b": 2 })).text(), "42");
    let plain = with(&fake, &json!({ "meta_tools": false }));
    let plain = plain.client();
    let listed = plain.tools().tool_names();
    for tool in &LISTED[..4] {
        assert!(!listed.contains(&(*tool).to_owned()), "{listed:?}");
    }
    assert!(listed.contains(&"calculator__add".to_owned()) && listed.contains(&"gateway_status".to_owned()));
    assert_eq!(names(&answer(&plain, "gateway_list_servers", json!({})), "servers").len(), 3);
    assert_eq!(fake.count(), 0);
}

#[test]
fn servers_and_their_tools() {
    let fake = Fake::new();
    let gateway = with(&fake, &json!({}));
    let client = gateway.client();
    client.tools();
    let servers = answer(&client, "gateway_list_servers", json!({}))["servers"].take();
    let of = |name: &str| servers.as_array().unwrap().iter().find(|server| server["name"] == name).unwrap();
    assert_eq!(
        *of("fake"),
        json!({ "name": "fake", "description": "A fake", "transport": "stdio", "running": false, "tools_count": 0,
            "tools_known": false })
    );
    assert_eq!(of("calculator")["transport"], "plugin", "{servers}");
    assert!(of("calculator")["tools_count"].as_u64().unwrap() > 0, "{servers}");
    assert_eq!(fake.count(), 0);

    let listed = answer(&client, "gateway_list_tools", json!({ "server": "fake" }));
    assert_eq!(listed["server"], "fake");
    let echo = listed["tools"].as_array().unwrap().iter().find(|tool| tool["name"] == "echo").unwrap();
    assert_eq!(
        *echo,
        json!({ "name": "echo", "public_name": "fake__echo", "description": "The fake tool echo",
            "inputSchema": { "type": "object" } })
    );
    let servers = answer(&client, "gateway_list_servers", json!({}))["servers"].take();
    let fake = &servers.as_array().unwrap().iter().find(|server| server["name"] == "fake").unwrap();
    assert_eq!((&fake["running"], fake["tools_count"].as_u64()), (&json!(true), Some(13)), "{fake}");
    assert!(fake.get("tools_known").is_none(), "{fake}");
    assert_eq!(answer(&client, "gateway_list_tools", json!({ "server": "calculator" }))["server"], "calculator");
}

/// The server's own result, byte for byte, whichever way it is called.
#[test]
fn a_result_is_passed_on_as_it_is() {
    let fake = Fake::new();
    let gateway = with(&fake, &json!({}));
    let client = gateway.client();
    for (server, tool, arguments) in [
        ("fake", "echo", json!({ "text": "straße 🦀 \u{1}" })),
        ("fake", "fail", json!({})),
        ("everything", "get-structured-content", json!({ "location": "Chicago" })),
        ("everything", "get-tiny-image", json!({})),
        ("everything", "get-sum", json!({ "a": 1, "b": 2 })),
        ("calculator", "add", json!({ "a": 1, "b": 2 })),
    ] {
        let through = invoke(&client, server, tool, arguments.clone());
        let public = format!("{server}__{tool}");
        let directly = client.call(&public, arguments.clone());
        assert_eq!(through.member("result"), directly.member("result"), "{public}");
        for other in [json!({ "tool": public }), json!({ "server": server, "tool": public })] {
            let mut given = other;
            given["arguments"] = arguments.clone();
            assert_eq!(client.call("gateway_invoke", given).member("result"), directly.member("result"), "{public}");
        }
    }
    let error = invoke(&client, "fake", "error", json!({}));
    assert_eq!(error.member("error"), client.call("fake__error", json!({})).member("error"));
    // Arguments too.
    client.line(
        r#"{"jsonrpc":"2.0","id":"bytes","method":"tools/call","params":{"name":"gateway_invoke","arguments":{"server":"fake","tool":"arguments","arguments":{"b": 1.0, "a": 123456789012345678901234567890}}}}"#,
    );
    assert_eq!(client.answer("bytes").text(), r#"{"b": 1.0, "a": 123456789012345678901234567890}"#);
    client.call("gateway_invoke", json!({ "tool": "fake__echo" })).text();
}

/// Progress, questions and log messages of a tool reach the client as if it had called the tool itself.
#[test]
fn what_a_tool_says_meanwhile_reaches_the_client() {
    let fake = Fake::new();
    let gateway = with(&fake, &json!({}));
    let client = gateway.connect();
    client.initialize_as("2025-11-25", json!({ "sampling": {} }));
    client.answer_with(
        "sampling/createMessage",
        json!({ "role": "assistant", "model": "m",
        "content": { "type": "text", "text": "sampled" } }),
    );
    let arguments = json!({ "server": "fake", "tool": "progress", "arguments": { "steps": 3 } });
    let params = json!({ "name": "gateway_invoke", "arguments": arguments, "_meta": { "progressToken": "p" } });
    assert_eq!(client.request("tools/call", params).text(), "3 steps");
    for step in 1..=3 {
        let told = client.incoming("notifications/progress");
        assert_eq!((&told.params()["progressToken"], &told.params()["progress"]), (&json!("p"), &json!(step)));
    }
    let question = json!({ "messages": [], "maxTokens": 1 });
    let asked = invoke(&client, "fake", "ask", json!({ "method": "sampling/createMessage", "params": question }));
    assert!(asked.text().contains("sampled"), "{}", asked.raw);
    client.call("fake__log", json!({ "text": "hear" })).text();
    invoke(&client, "fake", "log", json!({ "text": "hear" })).text();
    client.incoming("notifications/message");
}

/// Questions and tasks of clients without a handshake are those of the tool that was meant.
#[test]
fn rounds_and_tasks_are_those_of_the_tool() {
    let (fake, server) = (Fake::new(), place::fixture_server());
    let entry = json!({ "command": server.get_program().to_str(), "args": ["stdio"] });
    let gateway = with(&fake, &json!({ "servers": { "it": entry, "fake": fake.entry(&[]) } }));
    let client = gateway.connect();
    let can = json!({ "elicitation": {}, "extensions": { "io.modelcontextprotocol/tasks": {} } });
    let call = |server: &str, tool: &str, arguments: Value| {
        json!({ "name": "gateway_invoke",
            "arguments": { "server": server, "tool": tool, "arguments": arguments } })
    };
    let accepted = json!({ "action": "accept", "content": { "ok": true } });
    // A server that asks in rounds, and one that asks in between.
    let question = json!({ "method": "elicitation/create", "params": { "message": "?" } });
    for (call, done) in [
        (call("it", "test_input_required_result_request_state", json!({})), "state-ok"),
        (call("fake", "ask", question), "accept"),
    ] {
        let asked = client.answer(client.send_modern("tools/call", &can, call.clone()));
        let key = asked.result()["inputRequests"].as_object().unwrap().keys().next().unwrap().clone();
        let answers = json!({ key: accepted });
        let answer = client.answer(client.go_on(&asked, "tools/call", &can, call, answers));
        assert!(answer.text().contains(done), "{}", answer.raw);
    }
    let made =
        client.answer(client.send_modern("tools/call", &can, call("it", "slow_compute", json!({ "seconds": 0.0 }))));
    assert_eq!(made.result()["resultType"], "task", "{}", made.raw);
    let task = json!({ "taskId": made.result()["taskId"] });
    let got = client.answer(client.send_modern("tasks/get", &can, task.clone()));
    assert_eq!(got.result()["taskId"], task["taskId"], "{}", got.raw);
}

/// Each caller gets its own answer, and a slow tool holds up nobody.
#[test]
fn calls_run_side_by_side() {
    let fake = Fake::new();
    let gateway = with(&fake, &json!({}));
    let client = gateway.client();
    let wait = |key: &str| json!({ "server": "fake", "tool": "wait", "arguments": { "key": key } });
    let (a, b) = (client.send_call("gateway_invoke", wait("a")), client.send_call("gateway_invoke", wait("b")));
    let server = fake.process(1);
    server.waits("a");
    server.waits("b");
    assert_eq!(invoke(&client, "calculator", "add", json!({ "a": 1, "b": 1 })).text(), "2");
    answer(&client, "gateway_list_servers", json!({}));
    server.release("b");
    let (b, a) = (client.answer(b).text(), {
        server.release("a");
        client.answer(a).text()
    });
    assert!(a.contains('a') && b.contains('b'), "{a} {b}");
    assert_eq!(fake.count(), 1);
    // Cancelling reaches the tool.
    let cancelled = client.send_call("gateway_invoke", wait("c"));
    let request = server.waits("c");
    client.notify("notifications/cancelled", Some(json!({ "requestId": cancelled })));
    let told = server.event("cancelled");
    assert_eq!(told["params"]["requestId"], request["id"], "{told}");
}

#[test]
fn mistakes_are_answered_with_what_would_be_right() {
    let fake = Fake::new();
    let tool = |name: &str| {
        json!([{ "name": name, "inputSchema": { "type": "object", "properties": {
            "path": { "type": "string", "description": "Which file" }, "head": { "type": "integer" } },
            "required": ["path"], "additionalProperties": false } }])
    };
    let gateway = Gateway::new("");
    gateway.write("tools.json", &tool("read").to_string());
    let file = gateway.path("tools.json");
    let config = json!({ "servers": { "fake": fake.entry(&["--tools", file.to_str().unwrap()]) } });
    gateway.write("gateway.yaml", &config.to_string());
    let client = gateway.client();
    for (arguments, said) in [
        (json!({}), r#"argument "path" is missing"#),
        (json!({ "pth": "a" }), r#"argument "pth" is unknown: did you mean "path"?"#),
        (json!({ "path": "a", "haed": 3 }), r#"argument "haed" is unknown: did you mean "head"?"#),
        (json!({ "path": 1 }), r#"argument "path": it is not of type "string""#),
    ] {
        let failure = invoke(&client, "fake", "read", arguments.clone()).failure();
        assert!(failure.starts_with(&format!("tool \"fake__read\" was not called: {said}")), "{failure}");
        assert!(failure.contains("\nhint: its schema says: {\"properties\":{"), "{failure}");
    }
    // The server was never asked.
    assert_eq!(fake.process(1).count("call"), 0);
    // By its public name too, and before anything is known of the server.
    let client = gateway.client();
    assert!(client.call("gateway_invoke", json!({ "tool": "fake__read" })).failure().contains("is missing"));
    // A call without the meta-tool is the server's to judge.
    client.call("fake__read", json!({}));
    assert_eq!(fake.process(2).called("read")["arguments"], json!({}));
}

#[test]
fn what_is_missing_or_unknown() {
    let fake = Fake::new();
    let gateway = with(&fake, &json!({}));
    let client = gateway.client();
    for (tool, arguments, message) in [
        ("gateway_list_tools", json!({}), "Missing 'server' parameter"),
        ("gateway_list_tools", json!({ "server": "" }), "Missing 'server' parameter"),
        ("gateway_search_tools", json!({}), "Missing 'query' parameter"),
        (
            "gateway_search_tools",
            json!({ "query": "x", "limit": 0 }),
            "Invalid 'limit' parameter: it has to be a number from 1 on",
        ),
        ("gateway_search_tools", json!({ "query": ["x"] }), "Invalid 'query' parameter: it has to be a string"),
        ("gateway_search_tools", json!({ "query": "x", "server": "nobody" }), "Unknown server: nobody"),
        ("gateway_invoke", json!({}), "Missing 'tool' parameter"),
        ("gateway_invoke", json!({ "server": "fake" }), "Missing 'tool' parameter"),
        ("gateway_invoke", json!({ "server": "nobody", "tool": "echo" }), "Unknown server: nobody"),
        ("gateway_invoke", json!({ "server": "calculator", "tool": "nothing" }), "Unknown tool: nothing"),
        ("gateway_invoke", json!({ "tool": "nothing" }), "Unknown tool: nothing"),
        ("gateway_list_tools", json!({ "server": "nobody" }), "Unknown server: nobody"),
        ("call_backend", json!({ "server": "fake" }), "Missing 'tool' parameter"),
        (
            "call_backend",
            json!({ "server": "fake", "tool": "echo", "params": "no json" }),
            "Invalid 'params' parameter: it has to be an object",
        ),
        (
            "call_backend",
            json!({ "server": "fake", "tool": "echo", "params": "[]" }),
            "Invalid 'params' parameter: it has to be an object",
        ),
        ("register_server", json!({ "name": "x", "command": "y" }), "Unknown tool: register_server"),
        ("gateway_remove_server", json!({ "name": "fake" }), "Unknown tool: gateway_remove_server"),
    ] {
        let error = client.call(tool, arguments.clone());
        assert_eq!(*error.error(), json!({ "code": -32602, "message": message }), "{tool} {arguments}");
    }
    assert_eq!(fake.count(), 0);
}

/// The names of the gateway that had these tools first.
#[test]
fn further_names() {
    let fake = Fake::new();
    let gateway = with(&fake, &json!({ "management": true }));
    let client = gateway.client();
    assert_eq!(names(&answer(&client, "list_servers", json!({})), "servers").len(), 3);
    for arguments in [
        json!({ "server": "fake", "tool": "echo", "params": { "text": "hello" } }),
        json!({ "server": "fake", "tool": "echo", "params": "{\"text\": \"hello\"}" }),
        json!({ "server": "fake", "tool": "echo", "arguments": { "text": "hello" } }),
        json!({ "server": "fake", "tool": "echo", "arguments": "{\"text\": \"hello\"}" }),
    ] {
        assert_eq!(client.call("call_backend", arguments.clone()).text(), "hello", "{arguments}");
        assert_eq!(client.call("gateway_invoke", arguments.clone()).text(), "hello", "{arguments}");
    }
    client.call("call_backend", json!({ "server": "fake", "tool": "echo", "params": "" })).text();
    let listed = client.tools().tool_names();
    for name in ["register_server", "remove_server", "list_servers", "call_backend"] {
        assert!(!listed.contains(&name.to_owned()), "{listed:?}");
        let found = answer(&client, "gateway_search_tools", json!({ "query": name }));
        assert!(!found["matches"].to_string().contains(name), "{found}");
    }
    assert!(listed.contains(&"gateway_register_server".to_owned()), "{listed:?}");
}

/// A tool that has the name is the one that is called.
#[test]
fn a_further_name_that_is_taken() {
    let fake = Fake::new();
    let gateway = Gateway::new("");
    let tool = json!([{ "name": "list_servers", "description": "The fake tool list_servers",
        "inputSchema": { "type": "object" } }]);
    gateway.write("tools.json", &tool.to_string());
    let mut entry = fake.entry(&["--tools", gateway.path("tools.json").to_str().unwrap()]);
    entry["prefix"] = json!("none");
    gateway.write("gateway.yaml", &json!({ "servers": { "fake": entry } }).to_string());
    let client = gateway.client();
    client.call("_fake_connect", json!({})).text();
    assert_eq!(client.call("list_servers", json!({})).text(), "called list_servers");
}

#[test]
fn pinned_tools_are_listed_beside() {
    let fake = Fake::new();
    let gateway = with(&fake, &json!({ "pin": ["fake__echo", "calculator_*"] }));
    let client = gateway.client();
    let listed = client.tools().tool_names();
    assert!(listed.contains(&"calculator__add".to_owned()), "{listed:?}");
    // Its tools are not known yet, and one of them may be pinned.
    assert!(listed.contains(&"_fake_connect".to_owned()), "{listed:?}");
    assert!(!listed.contains(&"_everything_connect".to_owned()), "{listed:?}");
    answer(&client, "gateway_list_tools", json!({ "server": "fake" }));
    client.incoming("notifications/tools/list_changed");
    let listed = client.tools().tool_names();
    assert!(listed.contains(&"fake__echo".to_owned()) && !listed.contains(&"_fake_connect".to_owned()), "{listed:?}");
    assert!(!listed.contains(&"fake__fail".to_owned()), "{listed:?}");
    // What changes is told.
    let echo = fake.process(1);
    echo.say("notifications/tools/list_changed", &json!({}));
    assert_eq!(client.call("fake__echo", json!({ "text": "pinned" })).text(), "pinned");
    assert_eq!(invoke(&client, "fake", "echo", json!({ "text": "both ways" })).text(), "both ways");
}

/// The official client finds a tool, learns its schema and calls it, in two calls.
#[test]
fn typescript_sdk() {
    let fake = Fake::new();
    let gateway = with(&fake, &json!({ "pin": ["fake__echo"] }));
    let mut client = Command::new("node");
    client.arg(foreign::folder().join("meta.mjs")).arg(place::gateway()).arg("stdio");
    let seen = seen_by(&gateway, client);
    let before = seen["before"].as_array().unwrap();
    assert!(before.contains(&json!("gateway_invoke")) && !before.contains(&json!("calculator__add")), "{before:?}");
    assert_eq!(seen["found"]["matches"][0]["public_name"], "calculator__add", "{seen:#}");
    assert_eq!(seen["found"]["matches"][0]["inputSchema"]["type"], "object", "{seen:#}");
    let unknown = seen["found"]["unknown_servers"].as_array().unwrap();
    assert!(unknown.contains(&json!("fake")), "{unknown:?}");
    assert_eq!(seen["sum"]["content"], json!([{ "type": "text", "text": "42" }]), "{seen:#}");
    assert_eq!(seen["wrong"]["isError"], true, "{seen:#}");
    assert_eq!(seen["told"], true, "the client was not told that a pinned tool is known");
    assert!(seen["after"].as_array().unwrap().contains(&json!("fake__echo")), "{seen:#}");
}
