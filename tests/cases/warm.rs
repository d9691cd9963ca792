//! `instances`: what a plugin remembers from call to call, and of whom.

use gateway_tests::{Gateway, Http, HttpSession, Serving, guests};
use serde_json::{Value, json};

const ONE: &str = "one-0123456789abcdef-0123456789abcdef";
const OTHER: &str = "other-0123456789abcdef-0123456789abcdef";

fn gateway(entry: Value) -> Gateway {
    Gateway::with(&json!({
        "plugins": { "counter": entry },
        "roles": { "one": ["*"], "other": ["*"] },
        "auth": { "tokens": [{ "role": "one", "token": ONE }, { "role": "other", "token": OTHER }] },
    }))
}

/// The counts that callers of two roles see, one after the other, each in a session of its own.
fn counts(entry: Value) -> Vec<String> {
    let gateway = gateway(entry);
    let serving = Serving::start(&gateway);
    let sessions = [ONE, OTHER, ONE, OTHER].map(|token| {
        let http = Http::new(&serving.address, "/mcp").with("Authorization", &format!("Bearer {token}"));
        HttpSession::open(&http)
    });
    let counts = sessions
        .iter()
        .chain(&sessions)
        .map(|session| session.request("tools/call", json!({ "name": "counter__count", "arguments": {} })).text());
    counts.collect()
}

#[test]
fn a_plugin_remembers_nothing() {
    assert_eq!(counts(guests::COUNTER.source().into()), ["1"; 8]);
}

#[test]
fn a_warm_plugin_remembers_what_its_role_did() {
    let entry = json!({ "source": guests::COUNTER.source(), "instances": "warm" });
    assert_eq!(counts(entry), ["1", "1", "2", "2", "3", "3", "4", "4"]);
}
