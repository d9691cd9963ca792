//! Numbers for Prometheus.

use std::collections::HashMap;

use gateway_tests::{Fake, Gateway, Http, HttpSession, Serving};
use serde_json::json;

/// Each line's value, by what stands before it. Fails on what Prometheus would not read.
fn numbers(http: &Http) -> HashMap<String, f64> {
    let mut answer = http.at("/metrics").get();
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/plain; version=0.0.4")));
    let (mut numbers, mut families) = (HashMap::new(), Vec::new());
    for line in answer.text().lines() {
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            families.push(kind.split(' ').next().unwrap().to_owned());
        } else if !line.starts_with("# HELP ") {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(families.last().is_some_and(|family| name.starts_with(family.as_str())), "{line}");
            assert!(numbers.insert(name.to_owned(), value.parse().unwrap()).is_none(), "{line}");
        }
    }
    numbers
}

#[test]
fn calls_are_counted() {
    let fake = Fake::new();
    let gateway =
        Gateway::with(&json!({ "servers": { "fake": fake.entry(&[]), "bad": { "command": "no-such-command" } } }));
    let serving = Serving::start(&gateway);
    let http = Http::new(&serving.address, "/mcp");
    let session = HttpSession::open(&http);
    for text in ["a", "b", "c"] {
        session.call("fake__echo", json!({ "text": text })).result();
    }
    session.call("nothing__here", json!({})).result();
    assert_eq!(http.at("/api/backends/bad/reconnect").send("POST", "").status, 200);
    let numbers = numbers(&http);
    let of = |name: &str| numbers.get(name).copied().unwrap_or_else(|| panic!("{name} is missing: {numbers:?}"));
    assert_eq!(of(r#"mcp_gateway_calls_total{source="fake",kind="server",outcome="ok"}"#), 3.0);
    assert_eq!(of(r#"mcp_gateway_calls_total{source="fake",kind="server",outcome="failed"}"#), 0.0);
    assert_eq!(of(r#"mcp_gateway_call_duration_seconds_count{source="fake",kind="server"}"#), 3.0);
    assert_eq!(of(r#"mcp_gateway_call_duration_seconds_bucket{source="fake",kind="server",le="+Inf"}"#), 3.0);
    assert!(of(r#"mcp_gateway_call_duration_seconds_sum{source="fake",kind="server"}"#) > 0.0);
    assert_eq!(of("mcp_gateway_calls_in_flight"), 0.0);
    assert_eq!(of("mcp_gateway_unknown_total"), 1.0);
    assert_eq!(of(r#"mcp_gateway_sessions{transport="http"}"#), 1.0);
    assert_eq!(of(r#"mcp_gateway_backend_up{source="fake"}"#), 1.0);
    assert_eq!(of(r#"mcp_gateway_backend_up{source="bad"}"#), 0.0);
    assert_eq!(of(r#"mcp_gateway_backend_failed{source="bad"}"#), 1.0);
    assert_eq!(of(r#"mcp_gateway_starts_total{source="fake",kind="server"}"#), 1.0);
    // What is not there, or what is asked, makes no label.
    assert!(numbers.keys().all(|name| !name.contains("nothing") && !name.contains("echo")), "{numbers:?}");
}
