//! The meta-tools within a role: what it may not see is not found, not counted and not run.

use gateway_tests::{Fake, Gateway, guests, place};
use serde_json::{Value, json};

use super::meta_tools::{LISTED, answer, invoke, names};

const ROLES: [&str; 2] = ["limited", "blind"];

fn scoped(fake: &Fake, other: &Fake) -> Gateway {
    let gateway = Gateway::with(&json!({
        "meta_tools": true,
        "management": true,
        "servers": { "fake": fake.entry(&[]), "hidden": other.entry(&[]) },
        "plugins": { "calculator": guests::CALCULATOR.source() },
        "pin": ["*"],
        "roles": {
            "admin": null,
            "limited": { "allow": ["gateway_*", "fake__echo", "fake__wait"], "deny": [] },
            "blind": ["fake__echo"],
        },
    }));
    // All is known, so that there is something to be hidden.
    let admin = gateway.client_as("admin");
    for server in ["fake", "hidden", "calculator"] {
        answer(&admin, "gateway_list_tools", json!({ "server": server }));
    }
    gateway
}

/// What is hidden is answered like what does not exist, to the byte, by each of them.
#[test]
fn a_role_finds_and_runs_nothing_that_it_may_not_see() {
    let (fake, other) = (Fake::new(), Fake::new());
    let gateway = scoped(&fake, &other);
    let before = (fake.count(), other.count());
    let client = gateway.client_as("limited");
    let calls: [(&str, Value); 16] = [
        ("gateway_list_tools", json!({ "server": "HIDDEN" })),
        ("gateway_search_tools", json!({ "query": "x", "server": "HIDDEN" })),
        ("gateway_invoke", json!({ "server": "HIDDEN", "tool": "echo" })),
        ("gateway_invoke", json!({ "server": "fake", "tool": "HIDDEN" })),
        ("gateway_invoke", json!({ "server": "fake", "tool": "fake__HIDDEN" })),
        ("gateway_invoke", json!({ "tool": "HIDDEN" })),
        ("gateway_invoke", json!({ "tool": "HIDDEN__echo" })),
        ("gateway_invoke", json!({ "tool": "HIDDEN__add", "arguments": { "a": 1 } })),
        ("gateway_invoke", json!({ "tool": "fake__HIDDEN" })),
        ("gateway_invoke", json!({ "tool": "_HIDDEN_connect" })),
        ("call_backend", json!({ "server": "HIDDEN", "tool": "add", "params": "{}" })),
        ("call_backend", json!({ "server": "fake", "tool": "HIDDEN", "params": {} })),
        ("gateway_remove_server", json!({ "name": "HIDDEN" })),
        ("remove_server", json!({ "name": "HIDDEN" })),
        ("gateway_register_server", json!({ "name": "HIDDEN", "command": "y" })),
        ("register_server", json!({ "name": "HIDDEN", "command": "y", "args": "z" })),
    ];
    for (tool, arguments) in calls {
        for hidden in ["hidden", "calculator", "fail", "add"] {
            let unknown = "x".repeat(hidden.len());
            let call = |name: &str| {
                let arguments: Value = serde_json::from_str(&arguments.to_string().replace("HIDDEN", name)).unwrap();
                let answer = client.call(tool, arguments);
                let member = if answer.value.get("error").is_some() { "error" } else { "result" };
                let refused = member == "error" || answer.is_error();
                assert!(refused, "{tool}: {}", answer.raw);
                answer.member(member).to_owned()
            };
            assert_eq!(call(hidden), call(&unknown).replace(&unknown, hidden), "{tool} {arguments} {hidden}");
        }
    }
    assert_eq!((fake.count(), other.count()), before, "a hidden server was started");
}

#[test]
fn a_role_is_told_nothing_of_what_it_may_not_see() {
    let (fake, other) = (Fake::new(), Fake::new());
    let gateway = scoped(&fake, &other);
    let client = gateway.client_as("limited");
    let mut said = vec![client.tools().raw];
    for (tool, arguments) in [
        ("gateway_list_servers", json!({})),
        ("list_servers", json!({})),
        ("gateway_status", json!({})),
        ("gateway_list_tools", json!({ "server": "fake" })),
        ("gateway_search_tools", json!({ "query": "add numbers", "limit": 100, "schemas": true })),
        ("gateway_search_tools", json!({ "query": "the fake tool", "limit": 100, "schemas": true })),
        ("gateway_search_tools", json!({ "query": "craash", "limit": 100 })),
        ("gateway_search_tools", json!({ "query": "calcul", "limit": 100 })),
    ] {
        said.push(client.call(tool, arguments).raw);
    }
    for answer in &said {
        for hidden in ["hidden", "calculator", "crash", "fail", "garbage", "multiply"] {
            let echoed = answer.replace("calcul\\\"", "").replace("craash", "");
            assert!(!echoed.contains(hidden), "{hidden} is told: {answer}");
        }
    }
    let listed = answer(&client, "gateway_list_tools", json!({ "server": "fake" }));
    assert_eq!(names(&listed, "tools"), ["echo", "wait"]);
    let found = answer(&client, "gateway_search_tools", json!({ "query": "the fake tool", "limit": 100 }));
    assert_eq!(found["total"], 2, "{found}");
    assert_eq!(names(&answer(&client, "gateway_list_servers", json!({})), "servers"), ["fake"]);
    assert_eq!(invoke(&client, "fake", "echo", json!({ "text": "mine" })).text(), "mine");
    // Who may not use the meta-tools has none, by no name.
    let blind = gateway.client_as(ROLES[1]);
    assert_eq!(blind.tools().tool_names(), ["fake__echo"]);
    for tool in LISTED.iter().chain(&["call_backend", "list_servers", "register_server", "gateway_remove_server"]) {
        let error = blind.call(tool, json!({ "server": "fake", "tool": "echo", "query": "x", "name": "fake" }));
        assert_eq!(*error.error(), json!({ "code": -32602, "message": format!("Unknown tool: {tool}") }));
    }
}

/// Scores depend on nothing that is hidden: else they would tell of it.
#[test]
fn what_is_hidden_changes_no_score() {
    let (fake, other) = (Fake::new(), Fake::new());
    let gateway = scoped(&fake, &other);
    let alone = Gateway::with(&json!({ "meta_tools": true, "servers": { "fake": { "command": place::fake_server(),
        "args": fake.arguments(&[]), "tools": { "allow": ["echo", "wait"] } } } }));
    let (limited, alone) = (gateway.client_as("limited"), alone.client());
    answer(&alone, "gateway_list_tools", json!({ "server": "fake" }));
    for query in ["echo", "fake tool", "wiat", "ech", "the fake tool that waits"] {
        let search = |client| answer(client, "gateway_search_tools", json!({ "query": query, "schemas": true }));
        assert_eq!(search(&limited), search(&alone), "{query}");
    }
}

#[test]
fn problems_are_told_to_who_sees_everything() {
    let gateway = Gateway::with(&json!({
        "servers": { "broken": { "command": "${NOT_SET_ANYWHERE}" } },
        "roles": { "admin": null, "limited": ["gateway_*"] },
    }));
    let status = gateway.client_as("admin").call("gateway_status", json!({}));
    assert!(status.result()["structuredContent"]["problems"][0].as_str().unwrap().contains("broken"), "{}", status.raw);
    let status = gateway.client_as("limited").call("gateway_status", json!({}));
    assert!(!status.raw.contains("broken") && !status.raw.contains("problems"), "{}", status.raw);
}
