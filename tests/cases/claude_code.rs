//! Claude Code's own client says that it is connected, after `claude mcp add` as its users type it; that needs no login.

use std::process::Command;

use gateway_tests::{
    Fake, Gateway, Serving, foreign,
    gateway::{Output, run},
    matrix::as_at_home,
    place,
};
use serde_json::json;

/// Has no home but the test's, and talks to nobody but the servers that it is told of.
fn claude(gateway: &Gateway, arguments: &[&str]) -> Output {
    let mut command = Command::new(foreign::claude_code());
    command.args(arguments);
    command.env("DISABLE_AUTOUPDATER", "1").env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1");
    run(as_at_home(&mut command, gateway))
}

/// It ends with 0 in any case: the line of a server tells.
#[track_caller]
fn is_connected(gateway: &Gateway, name: &str) {
    let listed = claude(gateway, &["mcp", "list"]);
    let line = listed.answer().lines().find(|line| line.starts_with(&format!("{name}: ")));
    assert!(line.is_some_and(|line| line.ends_with("✔ Connected")), "{listed:#?}");
    let nobody = listed.answer().lines().find(|line| line.starts_with("nobody: "));
    assert!(nobody.is_some_and(|line| line.contains("✘ Failed to connect")), "{listed:#?}");
}

fn gateway(fake: &Fake) -> Gateway {
    let gateway = Gateway::with(&json!({ "servers": { "fake": fake.entry(&[]) } }));
    // So that the mark is known to be able to be another.
    claude(&gateway, &["mcp", "add", "nobody", "--", "/bin/false"]).answer();
    gateway
}

#[test]
fn over_stdio() {
    let fake = Fake::new();
    let gateway = gateway(&fake);
    let binary = place::gateway().display().to_string();
    let config = gateway.path("gateway.yaml").display().to_string();
    claude(&gateway, &["mcp", "add", "through", "--", &binary, "stdio", "--config", &config]).answer();
    is_connected(&gateway, "through");
}

#[test]
fn over_http() {
    let fake = Fake::new();
    let gateway = gateway(&fake);
    let serving = Serving::start(&gateway);
    claude(&gateway, &["mcp", "add", "--transport", "http", "all", &serving.url("/mcp")]).answer();
    claude(&gateway, &["mcp", "add", "--transport", "http", "one", &serving.url("/mcp/fake")]).answer();
    is_connected(&gateway, "all");
    is_connected(&gateway, "one");
}

#[test]
fn over_sse() {
    let fake = Fake::new();
    let gateway = gateway(&fake);
    let serving = Serving::start(&gateway);
    claude(&gateway, &["mcp", "add", "--transport", "sse", "through", &serving.url("/sse")]).answer();
    is_connected(&gateway, "through");
}
