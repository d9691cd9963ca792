//! Filters see the calls of tools before they run and what they gave, and nothing passes one that could not look.

use gateway_tests::{Fake, Gateway, Http, HttpSession, Serving, guests};
use serde_json::{Value, json};

/// Two honest filters around everything, in this order.
fn configuration(fake: &Fake) -> Value {
    let usher = |mark: &str| json!({ "source": guests::USHER.source(), "config": { "mark": mark } });
    json!({
        "servers": { "fake": fake.entry(&[]) },
        "plugins": { "a": usher("a"), "b": usher("b"), "calculator": guests::CALCULATOR.source() },
        "filters": [{ "plugin": "a", "tools": ["*"] }, { "plugin": "b", "tools": ["fake__*"] }],
    })
}

/// Honest filters change what they see, in order, and end what they are asked to end.
#[test]
pub(super) fn usher() {
    let fake = Fake::new();
    let gateway = Gateway::with(&configuration(&fake));
    let client = gateway.client();

    let answer = client.call("fake__echo", json!({ "text": "hello", "more": 1 }));
    let lines: Vec<String> = answer.text().lines().map(str::to_owned).collect();
    assert_eq!(lines[0], "hello >a(all) >b(all)", "the arguments went through both, in order");
    assert!(lines[1].starts_with("<b saw {") && lines[2].starts_with("<a saw {"), "{lines:?}");
    assert!(lines[2].contains("hello >a(all) >b(all)") && lines[2].contains("\"more\":1"), "{lines:?}");

    // The other tool is seen by the one alone whose glob it fits.
    let sum = client.call("calculator__add", json!({ "a": 1, "b": 2 })).text();
    assert_eq!(sum.lines().count(), 2, "{sum}");
    assert!(sum.starts_with("3\n<a saw {"), "{sum}");

    let refused = client.call("fake__echo", json!({ "text": "refuse me" })).failure();
    assert!(refused.contains("filter \"a\" refused the call: fake__echo asked for it"), "{refused}");
    let withheld = client.call("fake__echo", json!({ "text": "withhold me" })).failure();
    assert!(withheld.contains("filter \"b\" withheld the result: it asked for it"), "{withheld}");
    assert!(!withheld.contains("withhold me"), "{withheld}");
    let seen = fake.process(1).events().iter().filter(|event| event.to_string().contains("refuse me")).count();
    assert_eq!(seen, 0, "what is refused never reaches the tool");
}

/// A filter that cannot look, or answers with what is none, ends the call, and only the calls that it should see.
#[test]
pub(super) fn bad_filter() {
    let habits: [(&str, &[&str]); 7] = [
        ("panics", &["could not look", "refused"]),
        ("spins", &["could not look", "time"]),
        ("writes what is no JSON", &["could not look", "no JSON"]),
        ("writes a list", &["something else than a JSON object as the arguments"]),
        ("panics afterwards", &["could not look"]),
        ("gives what is no JSON", &["could not look", "no JSON"]),
        ("gives a text", &["something else than a JSON object as the result"]),
    ];
    for (habit, words) in habits {
        let fake = Fake::new();
        let bad = json!({
            "source": guests::BAD_FILTER.source(), "config": { "habit": habit }, "limits": { "time": "1s" },
        });
        let gateway = Gateway::with(&json!({
            "servers": { "fake": fake.entry(&[]) },
            "plugins": { "bad": bad, "calculator": guests::CALCULATOR.source() },
            "filters": [{ "plugin": "bad", "tools": ["fake__*"] }],
        }));
        let client = gateway.client();
        let failure = client.call("fake__echo", json!({ "text": "secret" })).failure();
        assert!(failure.contains("filter \"bad\""), "{habit}: {failure}");
        for word in words {
            assert!(failure.contains(*word), "{habit}: {failure}");
        }
        assert!(!failure.contains("secret"), "{habit}: {failure}");
        assert_eq!(client.call("calculator__add", json!({ "a": 1, "b": 2 })).text(), "3", "{habit}");
    }
}

#[test]
fn a_filter_that_does_not_load_lets_nothing_through() {
    let fake = Fake::new();
    let gateway = Gateway::with(&json!({
        "servers": { "fake": fake.entry(&[]) },
        "plugins": { "gone": "./gone.wasm", "tools": guests::CALCULATOR.source() },
        "filters": [{ "plugin": "gone", "tools": ["fake__echo"] }, { "plugin": "tools", "tools": ["tools__add"] }],
    }));
    let client = gateway.client();
    let failure = client.call("fake__echo", json!({ "text": "hello" })).failure();
    assert!(failure.contains("filter \"gone\""), "{failure}");
    // A plugin without the interface is no filter.
    let failure = client.call("tools__add", json!({ "a": 1, "b": 2 })).failure();
    assert!(failure.contains("filter \"tools\""), "{failure}");
}

/// What a role does not see does not exist, whatever a filter would say.
#[test]
fn roles_hold_as_without_filters() {
    let fake = Fake::new();
    let mut configuration = configuration(&fake);
    configuration["roles"] = json!({ "user": ["calculator_*"] });
    configuration["default_role"] = "user".into();
    let gateway = Gateway::with(&configuration);
    let client = gateway.client();
    let sum = client.call("calculator__add", json!({ "a": 1, "b": 2 })).text();
    assert!(sum.starts_with("3\n<a saw"), "{sum}");
    let id = client.send_call("fake__echo", json!({ "text": "refuse me" }));
    assert_eq!(client.answer(id).error()["message"], "Unknown tool: fake__echo");
    assert_eq!(fake.count(), 0, "the server was not even started");
}

/// A tool that a plugin calls is seen as one that a client calls.
#[test]
fn nested_calls_are_filtered() {
    let fake = Fake::new();
    let mut configuration = configuration(&fake);
    configuration["plugins"]["guest"] =
        json!({ "source": guests::HOST_USER.source(), "permissions": { "tools": ["fake__echo"] } });
    configuration["filters"] = json!([{ "plugin": "b", "tools": ["fake__*"] }]);
    let gateway = Gateway::with(&configuration);
    let client = gateway.client();
    let nested =
        |text: &str| client.call("guest__call", json!({ "tool": "fake__echo", "arguments": { "text": text } }));
    assert!(nested("hello").text().starts_with("hello >b(all)\n<b saw"));
    let refused = nested("refuse me").failure();
    assert!(refused.contains("fake__echo asked for it"), "{refused}");
}

/// The endpoint of one server has other names for its tools, and the same filters.
#[test]
fn the_endpoint_of_a_server_is_filtered() {
    let fake = Fake::new();
    let gateway = Gateway::with(&configuration(&fake));
    let serving = Serving::start(&gateway);
    let session = HttpSession::open(&Http::new(&serving.address, "/mcp/fake"));
    let text = session.call("echo", json!({ "text": "hello" })).result().text();
    assert!(text.starts_with("hello >a(all) >b(all)\n<b saw"), "{text}");
    assert_eq!(session.end(), 204);
}

/// The example: secrets and addresses are taken out of all texts of a result, and the rest stays as it was.
#[test]
fn redact_takes_secrets_out() {
    let fake = Fake::new();
    let gateway = Gateway::with(&json!({
        "servers": { "fake": fake.entry(&[]) },
        "plugins": {
            "redact": { "source": guests::REDACT.source(), "config": { "patterns": { "customer": r"K-\d{4}" } } },
            "guest": { "source": guests::HOST_USER.source(), "config": {
                "password": "hunter2", "mail": ["ann@example.com"], "count": 1e100, "kept": "K-1 @ home",
            } },
        },
        "filters": [{ "plugin": "redact", "tools": ["*"] }],
    }));
    let client = gateway.client();
    let token = format!("ghp_{}", "aB3".repeat(12));
    let answer = client.call("fake__echo", json!({ "text": format!("{token} K-1234 \"bob@example.org\" ok") }));
    assert_eq!(answer.text(), "[redacted github] [redacted customer] \"[redacted email]\" ok");

    let answer = client.call("guest__config", json!({}));
    let expected = json!({
        "password": "[redacted password]", "mail": ["[redacted email]"], "count": 1e100, "kept": "K-1 @ home",
    });
    assert_eq!(answer.result()["structuredContent"], expected);
    assert!(!answer.text().contains("hunter2"), "{}", answer.text());
    let content = client.call("guest__content", json!({}));
    assert_eq!(content.result()["content"].as_array().unwrap().len(), 6, "files pass as they are");
}

/// A configuration that it does not understand lets nothing through.
#[test]
fn redact_with_a_wrong_configuration_withholds() {
    let fake = Fake::new();
    for config in [json!({ "kind": ["email"] }), json!({ "patterns": { "bad": "(" } })] {
        let gateway = Gateway::with(&json!({
            "servers": { "fake": fake.entry(&[]) },
            "plugins": { "redact": { "source": guests::REDACT.source(), "config": config } },
            "filters": [{ "plugin": "redact", "tools": ["*"] }],
        }));
        let failure = gateway.client().call("fake__echo", json!({ "text": "hello" })).failure();
        assert!(failure.contains("withheld the result: config"), "{failure}");
        assert!(!failure.contains("hello"), "{failure}");
    }
}
