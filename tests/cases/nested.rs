//! A plugin that calls other tools has no more rights than its caller, and no more than it was granted.

use gateway_tests::{Client, Fake, Gateway, guests};
use serde_json::{Value, json};

fn configuration(fake: &Fake, tools: Value, roles: Value) -> Value {
    let mut configuration = json!({
        "servers": { "fake": fake.entry(&[]) },
        "plugins": {
            "guest": { "source": guests::HOST_USER.source(), "permissions": { "tools": tools }, "config": { "answer": 42 } },
            "calculator": guests::CALCULATOR.source(),
        },
    });
    if roles.is_object() {
        configuration["roles"] = roles;
        configuration["default_role"] = "user".into();
    }
    configuration
}

/// An honest guest gets what the gateway offers.
#[test]
pub(super) fn host_user() {
    let fake = Fake::new();
    let gateway = Gateway::with(&configuration(&fake, json!(["calculator__*", "fake__echo"]), Value::Null));
    let client = gateway.client();
    let add = json!({ "tool": "calculator__add", "arguments": { "a": 1, "b": 2 } });
    assert_eq!(client.call("guest__call", add).text(), "3");
    let echo = json!({ "tool": "fake__echo", "arguments": { "text": "from within" } });
    assert_eq!(client.call("guest__call", echo).text(), "from within");
    assert_eq!(client.call("guest__config", json!({})).result()["structuredContent"], json!({ "answer": 42 }));
    assert_eq!(
        client.call("guest__log", json!({ "level": "warning", "message": "a line from within" })).text(),
        "logged"
    );
    client.logged("a line from within");

    let id = client.send(
        "tools/call",
        json!({
            "name": "guest__progress", "arguments": { "steps": 5 }, "_meta": { "progressToken": "mine" },
        }),
    );
    let answer = client.answer(id);
    assert_eq!(answer.text(), "5 steps");
    for step in 1..=5 {
        let progress = client.incoming("notifications/progress");
        assert!(progress.at < answer.at, "progress after the answer");
        assert_eq!(progress.params()["progressToken"], "mine");
        assert_eq!(progress.params()["progress"].as_f64(), Some(f64::from(step)));
    }

    let kinds: Vec<Value> = client.call("guest__content", json!({})).result()["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part["type"].clone())
        .collect();
    assert_eq!(kinds, ["text", "image", "audio", "resource_link", "resource", "resource"]);
}

#[test]
fn a_tool_that_was_not_granted_is_denied() {
    let fake = Fake::new();
    let gateway = Gateway::with(&configuration(&fake, json!(["calculator__add"]), Value::Null));
    let client = gateway.client();
    let failure = client.call("guest__call", json!({ "tool": "fake__echo", "arguments": {} })).failure();
    assert!(failure.starts_with("denied: "), "{failure}");
    assert!(failure.contains("fake__echo"), "{failure}");
    client.logged("plugins.guest.permissions.tools");
    assert_eq!(fake.count(), 0, "the server was not even started");
}

#[test]
fn a_tool_that_the_caller_may_not_use_does_not_exist_for_the_plugin_either() {
    let fake = Fake::new();
    let roles = json!({ "user": ["guest_*", "calculator_add"] });
    let gateway = Gateway::with(&configuration(&fake, json!(["*"]), roles));
    let client = gateway.client();
    let add = json!({ "tool": "calculator__add", "arguments": { "a": 1, "b": 2 } });
    assert_eq!(client.call("guest__call", add).text(), "3");
    let hidden = client.call("guest__call", json!({ "tool": "fake__echo", "arguments": {} })).failure();
    let unknown = client.call("guest__call", json!({ "tool": "fake__nope", "arguments": {} })).failure();
    assert!(hidden.starts_with("unknown-tool: "), "{hidden}");
    assert_eq!(hidden, unknown.replace("nope", "echo"));
    assert_eq!(fake.count(), 0, "the server was not even started");
}

#[test]
fn calls_nest_only_so_deep() {
    let fake = Fake::new();
    let gateway = Gateway::with(&configuration(&fake, json!(["guest__call", "calculator__add"]), Value::Null));
    let client = gateway.client();
    let nested = |depth: usize| {
        let add = json!({ "tool": "calculator__add", "arguments": { "a": 1, "b": 2 } });
        (0..depth).fold(add, |inner, _| json!({ "tool": "guest__call", "arguments": inner }))
    };
    assert_eq!(client.call("guest__call", nested(1)).text(), "3");
    let failure = client.call("guest__call", nested(30)).failure();
    assert!(failure.contains("limit: "), "{failure}");
    assert_eq!(client.call("calculator__add", json!({ "a": 1, "b": 2 })).text(), "3");
}

/// Two plugins that call each other, many at once, wait for each other at no depth.
#[test]
fn many_nested_calls_do_not_lock_each_other_out() {
    let gateway = Gateway::with(&json!({ "plugins": {
        "one": { "source": guests::HOST_USER.source(), "permissions": { "tools": ["two__*"] }, "limits": { "concurrency": 2 } },
        "two": { "source": guests::HOST_USER.source(), "permissions": { "tools": ["one__*"] }, "limits": { "concurrency": 2 } },
    } }));
    let client = gateway.client();
    let calls: Vec<_> = (0..20)
        .map(|n| {
            let (outer, inner) = if n % 2 == 0 { ("one", "two") } else { ("two", "one") };
            let innermost = json!({ "tool": format!("{outer}__config") });
            client.send_call(
                &format!("{outer}__call"),
                json!({ "tool": format!("{inner}__call"), "arguments": innermost }),
            )
        })
        .collect();
    for call in calls {
        assert!(!client.answer(call).is_error());
    }
}

/// Each call says when it is over which one it was, and which one caused it; what is logged meanwhile says during which.
#[test]
fn nested_calls_can_be_followed_in_the_log() {
    let gateway = Gateway::with(&json!({ "plugins": {
        "one": { "source": guests::HOST_USER.source(), "permissions": { "tools": ["two__*"] } },
        "two": { "source": guests::HOST_USER.source(), "permissions": { "tools": ["one__*"] } },
    } }));
    let client = Client::spawn(&mut gateway.command(&["--log-level", "debug", "stdio"]));
    client.initialize();
    let log = json!({ "tool": "one__log", "arguments": { "message": "from deep within" } });
    assert_eq!(client.call("one__call", json!({ "tool": "two__call", "arguments": log })).text(), "logged");
    let log = client.logged("depth=0");
    let of = |words: &[&str]| {
        let mut lines = log.lines().filter(|line| words.iter().all(|word| line.contains(word)));
        lines.next().unwrap_or_else(|| panic!("no line with {words:?} in {log}")).to_owned()
    };
    let root = of(&["depth=0", "target=\"one__call\"", "ms="]);
    let id = root.split_once("call{id=").and_then(|(_, rest)| rest.split_once('}')).unwrap().0;
    let (first, second) = (format!("call{{id={id}.1}}"), format!("call{{id={id}.2}}"));
    of(&[&first, "depth=1", &format!("parent={id} "), "target=\"two__call\"", "error=false"]);
    of(&[&second, "depth=2", &format!("parent={id}.1 "), "target=\"one__log\""]);
    of(&[&format!("call{{id={id}}}:{first}:{second}"), "from deep within"]);
}
