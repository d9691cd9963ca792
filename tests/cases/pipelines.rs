//! Pipelines: several tools as one, under the caller's role.

use gateway_tests::{Client, Fake, Gateway, guests};
use serde_json::{Value, json};

/// A gateway with the fake server, the calculator and these pipelines.
fn gateway(fake: &Fake, pipelines: Value) -> Gateway {
    Gateway::with(&configuration(fake, pipelines))
}

fn configuration(fake: &Fake, pipelines: Value) -> Value {
    json!({ "servers": { "fake": fake.entry(&[]) }, "plugins": { "calculator": guests::CALCULATOR.source() },
            "pipelines": pipelines })
}

/// Id and status of each step.
#[track_caller]
fn steps(result: &Value) -> Vec<(String, String)> {
    let steps = result["structuredContent"]["steps"].as_array().unwrap_or_else(|| panic!("no steps in {result}"));
    let text = |step: &Value, key: &str| step[key].as_str().unwrap().to_owned();
    steps.iter().map(|step| (text(step, "id"), text(step, "status"))).collect()
}

#[track_caller]
fn went(result: &Value, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected.iter().map(|(id, status)| ((*id).to_owned(), (*status).to_owned())).collect();
    assert_eq!(steps(result), expected, "{result}");
}

#[test]
fn results_are_passed_on_and_keep_their_types() {
    let fake = Fake::new();
    let gateway = gateway(
        &fake,
        json!({ "sum": {
        "description": "Adds twice",
        "input": { "type": "object", "properties": { "a": { "type": "number" }, "b": { "type": "number", "default": 10 } }, "required": ["a"] },
        "steps": [
            { "id": "first", "tool": "calculator__add", "arguments": { "a": "${input.a}", "b": "${input.b}" } },
            { "id": "second", "tool": "calculator__add", "arguments": { "a": "${steps.first.structured}", "b": 0.5 } },
            { "id": "last", "tool": "fake__arguments",
              "arguments": { "text": "it is ${steps.second.text}", "whole": "${input}", "not": "$${input}" } },
        ],
    } }),
    );
    let client = gateway.client();
    let listed = client.tools();
    let tool =
        listed.result()["tools"].as_array().unwrap().iter().find(|tool| tool["name"] == "pipeline__sum").cloned();
    let tool = tool.unwrap_or_else(|| panic!("{}", listed.raw));
    assert_eq!(tool["description"], "Adds twice");
    assert_eq!(tool["inputSchema"]["required"], json!(["a"]));

    let answer = client.call("pipeline__sum", json!({ "a": 1 }));
    went(answer.result(), &[("first", "ok"), ("second", "ok"), ("last", "ok")]);
    let got: Value = serde_json::from_str(&answer.text()).unwrap();
    assert_eq!(got, json!({ "text": "it is 11.5", "whole": { "a": 1, "b": 10 }, "not": "${input}" }));
    let shown = &answer.result()["structuredContent"]["steps"][1]["result"]["content"][0]["text"];
    assert_eq!(shown, "11.5", "{}", answer.raw);
}

#[test]
fn arguments_are_checked_before_anything_runs() {
    let fake = Fake::new();
    let gateway = gateway(
        &fake,
        json!({ "say": {
        "input": { "properties": { "text": { "type": "string" } }, "required": ["text"], "additionalProperties": false },
        "steps": [{ "tool": "fake__echo", "arguments": { "text": "${input.text}" } }],
    } }),
    );
    let client = gateway.client();
    for (arguments, words) in [
        (json!({}), "\"text\" is missing"),
        (json!({ "text": 5 }), "not of type \"string\""),
        (json!({ "text": "a", "txet": "b" }), "\"txet\" is unknown"),
    ] {
        let failure = client.call("pipeline__say", arguments.clone()).failure();
        assert!(failure.contains(words), "{arguments}: {failure}");
    }
    assert_eq!(fake.count(), 0, "the server was not even started");
    assert_eq!(client.call("pipeline__say", json!({ "text": "a" })).text(), "a");
}

#[test]
fn what_fails_ends_it_and_what_was_done_is_told() {
    let fake = Fake::new();
    let gateway = gateway(
        &fake,
        json!({
            "stops": { "steps": [
                { "id": "a", "tool": "fake__echo", "arguments": { "text": "done" } },
                { "id": "b", "tool": "fake__fail" },
                { "id": "c", "tool": "fake__echo", "arguments": { "text": "never" } },
            ] },
            "goes-on": { "steps": [
                { "id": "a", "tool": "fake__fail", "on_error": "continue" },
                { "id": "b", "tool": "fake__echo", "arguments": { "text": "a said: ${steps.a.text}" } },
                { "id": "c", "tool": "fake__echo", "if": "${steps.a.status} == ok", "arguments": { "text": "never" } },
            ] },
            "misses": { "steps": [
                { "id": "a", "tool": "fake__echo", "arguments": { "text": "x" } },
                { "id": "b", "tool": "fake__echo", "arguments": { "text": "${steps.a.structured.nowhere}" } },
            ] },
            "breaks": { "steps": [{ "id": "a", "tool": "fake__error" }] },
        }),
    );
    let client = gateway.client();
    let stopped = client.call("pipeline__stops", json!({}));
    assert_eq!(stopped.failure(), "step \"b\" failed: the fake tool failed");
    went(stopped.result(), &[("a", "ok"), ("b", "error"), ("c", "skipped")]);
    assert_eq!(stopped.result()["structuredContent"]["steps"][0]["result"]["content"][0]["text"], "done");

    let went_on = client.call("pipeline__goes-on", json!({}));
    assert_eq!(went_on.text(), "a said: the fake tool failed");
    went(went_on.result(), &[("a", "error"), ("b", "ok"), ("c", "skipped")]);

    let missed = client.call("pipeline__misses", json!({})).failure();
    assert!(missed.starts_with("step \"b\" failed: there is no value for `${steps.a.structured.nowhere}`"), "{missed}");
    let broke = client.call("pipeline__breaks", json!({})).failure();
    assert_eq!(broke, "step \"a\" failed: the fake tool wants more");
}

/// Steps in a group run at the same time: each waits until the other has begun.
#[test]
fn groups_run_together() {
    let fake = Fake::new();
    let gateway = gateway(
        &fake,
        json!({ "both": { "steps": [
        { "parallel": [
            { "id": "a", "tool": "fake__wait", "arguments": { "key": "a" } },
            { "id": "b", "tool": "fake__wait", "arguments": { "key": "b" } },
        ] },
        { "id": "c", "tool": "fake__echo", "arguments": { "text": "${steps.a.text}, ${steps.b.text}" } },
    ] } }),
    );
    let client = gateway.client();
    let call = client.send_call("pipeline__both", json!({}));
    let server = fake.process(1);
    server.waits("a");
    server.waits("b");
    server.release("b");
    server.release("a");
    assert_eq!(client.answer(call).text(), "released a, released b");
}

#[test]
fn loops_run_so_many_at_once_and_keep_their_order() {
    let fake = Fake::new();
    let gateway = gateway(
        &fake,
        json!({ "each": {
        "steps": [
            { "id": "each", "tool": "fake__wait", "for_each": "${input.keys}", "concurrency": 2, "arguments": { "key": "${item.k}" } },
            { "id": "sum", "tool": "fake__arguments", "for_each": [1, 2], "arguments": { "n": "${item}", "at": "${index}",
              "of": "${steps.each.result.0.content.0.text}" } },
        ],
    } }),
    );
    let client = gateway.client();
    let call = client.send_call("pipeline__each", json!({ "keys": [{ "k": "a" }, { "k": "b" }, { "k": "c" }] }));
    let server = fake.process(1);
    server.waits("a");
    server.waits("b");
    assert_eq!(server.count("call"), 2, "two at a time");
    server.release("b");
    server.release("a");
    server.waits("c");
    server.release("c");
    let answer = client.answer(call);
    assert_eq!(answer.text(), "{\"n\":1,\"at\":0,\"of\":\"released a\"}\n{\"n\":2,\"at\":1,\"of\":\"released a\"}");
    let results = &answer.result()["structuredContent"]["steps"][0]["result"];
    let texts: Vec<&Value> = results.as_array().unwrap().iter().map(|result| &result["content"][0]["text"]).collect();
    assert_eq!(texts, ["released a", "released b", "released c"]);
    let failure = client.call("pipeline__each", json!({ "keys": "abc" })).failure();
    assert!(failure.contains("`for_each` stands for a text"), "{failure}");
}

/// Every step runs under the caller's role: what that may not see does not exist, and neither does a pipeline.
#[test]
fn roles_hold_within() {
    let fake = Fake::new();
    let mut configuration = configuration(
        &fake,
        json!({
            "say": { "steps": [{ "id": "a", "tool": "fake__echo", "arguments": { "text": "hidden" } }] },
            "nothing": { "steps": [{ "id": "a", "tool": "fake__nope", "arguments": { "text": "hidden" } }] },
        }),
    );
    configuration["roles"] =
        json!({ "all": null, "some": ["pipeline_*", "calculator_*", "gateway_*"], "other": ["fake_*", "gateway_*"] });
    let gateway = Gateway::with(&configuration);
    assert_eq!(gateway.client_as("all").call("pipeline__say", json!({})).text(), "hidden");

    let some = gateway.client_as("some");
    let hidden = some.call("pipeline__say", json!({})).failure();
    let unknown = some.call("pipeline__nothing", json!({})).failure();
    assert_eq!(hidden, "step \"a\" failed: unknown tool: fake__echo");
    assert_eq!(unknown, hidden.replace("echo", "nope"));
    let custom = json!({ "steps": [{ "id": "a", "tool": "fake__echo" }] });
    assert_eq!(some.call("gateway_run_pipeline", custom).failure(), hidden);

    let other = gateway.client_as("other");
    assert!(!other.tools().raw.contains("pipeline__"));
    let hidden = other.call("pipeline__say", json!({})).error().to_string();
    assert_eq!(hidden, other.call("pipeline__nay", json!({})).error().to_string().replace("nay", "say"));
    let hidden = other.call("gateway_run_pipeline", json!({ "pipeline": "say" })).error().to_string();
    let unknown = other.call("gateway_run_pipeline", json!({ "pipeline": "nay" })).error().to_string();
    assert_eq!(hidden, unknown.replace("nay", "say"));
}

#[test]
fn by_name_and_with_steps_of_ones_own() {
    let fake = Fake::new();
    let gateway = gateway(
        &fake,
        json!({ "say": { "steps": [
        { "id": "a", "tool": "fake__echo", "arguments": { "text": "hello ${input.to:-world}" } },
    ] } }),
    );
    let client = gateway.client();
    let steps = json!([
        { "id": "a", "tool": "calculator__add", "arguments": { "a": 1, "b": "${input.b:-2}" } },
        { "id": "b", "tool": "fake__echo", "arguments": { "text": "sum ${steps.a.text}" } },
    ]);
    for (tool, arguments, expected) in [
        ("gateway_run_pipeline", json!({ "pipeline": "say", "input": { "to": "you" } }), "hello you"),
        ("gateway_run_pipeline", json!({ "pipeline": "say", "input": "{\"to\":\"you\"}" }), "hello you"),
        ("gateway_run_pipeline", json!({ "steps": steps, "input": { "b": 5 } }), "sum 6"),
        ("gateway_run_pipeline", json!({ "steps": steps.to_string() }), "sum 3"),
        ("route_pipeline", json!({ "scenario": "say" }), "hello world"),
        ("route_pipeline", json!({ "scenario": "custom", "steps": steps }), "sum 3"),
    ] {
        assert_eq!(client.call(tool, arguments.clone()).text(), expected, "{tool} {arguments}");
    }
    for (steps, words) in [
        (json!([{ "id": "a", "tol": "x" }]), "unknown field `tol`"),
        (json!([{ "id": "a", "tool": "x", "arguments": { "t": "${steps.b.text}" } }]), "there is no step `b`"),
        (json!([]), "there are no steps"),
    ] {
        let failure = client.call("gateway_run_pipeline", json!({ "steps": steps })).failure();
        assert!(failure.contains(words), "{failure}");
    }
    assert!(client.call("route_pipeline", json!({})).error()["message"].as_str().unwrap().contains("pipeline"));
}

#[test]
fn progress_is_told_step_by_step() {
    let fake = Fake::new();
    let steps = json!([
        { "id": "a", "tool": "fake__echo", "arguments": { "text": "x" } },
        { "id": "b", "tool": "fake__echo", "if": false },
        { "id": "c", "tool": "fake__progress", "arguments": { "steps": 5 } },
    ]);
    let gateway = gateway(&fake, json!({ "three": { "steps": steps } }));
    let client = gateway.client();
    for (name, arguments) in [
        ("pipeline__three", json!({})),
        ("gateway_run_pipeline", json!({ "pipeline": "three" })),
        ("gateway_run_pipeline", json!({ "steps": steps })),
    ] {
        let call = json!({ "name": name, "arguments": arguments, "_meta": { "progressToken": "mine" } });
        let id = client.send("tools/call", call);
        for (at, message) in [(1, "step a: done"), (2, "step b: skipped"), (3, "step c: done")] {
            let progress = client.incoming("notifications/progress");
            let expected = json!({ "progressToken": "mine", "progress": at, "total": 3, "message": message });
            assert_eq!(*progress.params(), expected, "{name}");
        }
        assert_eq!(client.answer(id).text(), "5 steps");
    }
}

#[test]
fn a_step_has_its_time_and_cancelling_reaches_it() {
    let fake = Fake::new();
    let gateway = gateway(
        &fake,
        json!({
            "late": { "steps": [
                { "id": "a", "tool": "fake__wait", "arguments": { "key": "a" }, "timeout": 1, "on_error": "continue" },
                { "id": "b", "tool": "fake__echo", "arguments": { "text": "${steps.a.status}" } },
            ] },
            "waits": { "steps": [{ "id": "a", "tool": "fake__wait", "arguments": { "key": "b" } }] },
        }),
    );
    let client = gateway.client();
    assert_eq!(client.call("pipeline__late", json!({})).text(), "error");
    let server = fake.process(1);
    assert_eq!(server.event("cancelled")["key"], "a");
    let call = client.send_call("pipeline__waits", json!({}));
    server.waits("b");
    client.notify("notifications/cancelled", Some(json!({ "requestId": call })));
    assert_eq!(server.event("cancelled")["key"], "b");
}

#[test]
fn one_that_calls_itself_comes_to_an_end() {
    let fake = Fake::new();
    let steps = json!([{ "id": "again", "tool": "pipeline__round" }]);
    let gateway = gateway(&fake, json!({ "round": { "steps": steps } }));
    let failure = gateway.client().call("pipeline__round", json!({})).failure();
    assert!(failure.contains("calls may nest 4 deep"), "{failure}");
}

/// All that one call causes can be followed in the log.
#[test]
fn steps_are_of_one_trace() {
    let fake = Fake::new();
    let gateway = gateway(
        &fake,
        json!({ "two": { "steps": [
        { "tool": "calculator__add", "arguments": { "a": 1, "b": 2 } }, { "tool": "fake__echo", "arguments": { "text": "x" } },
    ] } }),
    );
    let client = Client::spawn(&mut gateway.command(&["--log-level", "debug", "stdio"]));
    client.initialize();
    client.call("pipeline__two", json!({})).text();
    let log = client.logged("target=\"pipeline__two\"");
    let line = |words: &str| {
        log.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("{words} is not in {log}"))
    };
    let root = line("target=\"pipeline__two\"");
    let id = root.split_once("call{id=").and_then(|(_, rest)| rest.split_once('}')).unwrap().0;
    for tool in ["calculator__add", "fake__echo"] {
        let step = line(&format!("target=\"{tool}\""));
        assert!(step.contains(&format!("parent={id} ")), "{step}");
    }
}
