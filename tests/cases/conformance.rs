//! The official conformance suite, through the gateway as without it.

mod clients;

use std::thread;

use gateway_tests::{
    Gateway, Listening, Serving,
    conformance::{REVISION_2025_06_18, REVISION_2025_11_25, REVISION_2026_07_28, Report, Run, STABLE},
    place,
};
use serde_json::{Value, json};

/// The fixture on a port.
fn fixture() -> Listening {
    Listening::start(place::fixture_server().args(["http", "127.0.0.1:0"]))
}

/// What the suite finds at the fixture itself, which has everything.
#[track_caller]
fn directly(run: Run) -> Report {
    let report = run.against(&fixture().url("/mcp"));
    assert_eq!(report.failures(), Vec::<String>::new());
    assert_eq!((report.code, report.passes()), (0, run.passes), "{}", report.printed);
    report
}

/// What it finds at the fixture behind a gateway.
fn through(run: Run, entry: &Value) -> Report {
    let gateway = Gateway::with(&json!({ "servers": { "fixture": entry } }));
    let serving = Serving::start(&gateway);
    let mut report = run.against(&serving.url("/mcp/fixture"));
    report.printed.push_str(&serving.said());
    report
}

#[track_caller]
fn is_the_same_through_the_gateway(run: Run) {
    let stdio = json!({ "command": place::fixture_server().get_program().to_string_lossy(), "args": ["stdio"] });
    let backend = fixture();
    let http = json!({ "url": backend.url("/mcp") });
    let (direct, over_stdio, over_http) = thread::scope(|scope| {
        let over_stdio = scope.spawn(|| through(run, &stdio));
        let over_http = scope.spawn(|| through(run, &http));
        (directly(run), over_stdio.join().unwrap(), over_http.join().unwrap())
    });
    let differences: Vec<_> = [("stdio", &over_stdio), ("HTTP", &over_http)]
        .into_iter()
        .flat_map(|(backend, report)| {
            let differences = direct.differences(report).into_iter();
            let code = (report.code != direct.code).then(|| format!("exit code {}:\n{}", report.code, report.printed));
            differences.chain(code).map(move |line| format!("fixture over {backend}: {line}"))
        })
        .collect();
    assert!(differences.is_empty(), "directly / through the gateway:\n{}", differences.join("\n"));
}

#[test]
fn gateway_passes_2025_06_18() {
    is_the_same_through_the_gateway(REVISION_2025_06_18);
}

#[test]
fn gateway_passes_stable() {
    is_the_same_through_the_gateway(STABLE);
}

#[test]
fn gateway_passes_2025_11_25() {
    is_the_same_through_the_gateway(REVISION_2025_11_25);
}

#[test]
fn gateway_passes_2026_07_28() {
    is_the_same_through_the_gateway(REVISION_2026_07_28);
}

/// The suite has to tell a server from nobody, or this comparison holds nothing.
#[test]
fn nobody_passes_nothing() {
    let address = fixture().address.clone();
    let report = STABLE.against(&format!("http://{address}/mcp"));
    assert_ne!(report.code, 0, "{}", report.printed);
    let differences = directly(STABLE).differences(&report);
    assert!(differences.iter().any(|line| line.contains("tools-call-simple-text")), "{differences:#?}");
}
