//! A role sees its tools, and of the others not even that they exist.

use gateway_tests::{Client, Gateway, foreign, gateway::run};
use serde_json::json;

use super::golden;

fn gateway(roles: &str) -> Gateway {
    let gateway = Gateway::new("");
    gateway.write("files/note.txt", "a note\n");
    let files = gateway.path("files").canonicalize().unwrap();
    let filesystem = foreign::entry(&foreign::node_server("filesystem", &[files.to_str().unwrap()]));
    let memory = foreign::entry(&foreign::node_server("memory", &[]));
    gateway.write("gateway.yaml", &format!("servers:\n  filesystem: {filesystem}\n  memory: {memory}\n{roles}"));
    gateway
}

const READONLY: &str = "roles:\n  admin: null\n  readonly: [\"filesystem_*\", \"gateway_status\"]\n";

#[test]
fn a_role_lists_and_calls_exactly_its_tools() {
    let gateway = gateway(READONLY);
    let admin = gateway.client_as("admin");
    for placeholder in ["_filesystem_connect", "_memory_connect"] {
        admin.call(placeholder, json!({})).text();
    }
    let all = admin.tools().tool_names();
    assert!(all.contains(&"memory__read_graph".to_owned()), "{all:?}");
    let mut wanted: Vec<_> = all.iter().filter(|name| name.starts_with("filesystem__")).cloned().collect();
    assert!(wanted.len() > 5, "{all:?}");
    wanted.push("gateway_status".to_owned());
    wanted.sort();

    let readonly = gateway.client_as("readonly");
    let mut seen = readonly.tools().tool_names();
    seen.sort();
    assert_eq!(seen, wanted);

    let note = gateway.path("files/note.txt").canonicalize().unwrap();
    let read = readonly.call("filesystem__read_text_file", json!({ "path": note }));
    assert_eq!(read.text(), "a note\n");
    assert!(!readonly.call("gateway_status", json!({})).is_error());
    for hidden in all.iter().filter(|name| !wanted.contains(name)) {
        is_unknown(&readonly, hidden);
    }
    // By no other way either.
    for hidden in ["_memory_connect", "memory_read_graph", "memory__read_graph", "gateway_invoke", "call_backend"] {
        is_unknown(&readonly, hidden);
    }
    let status = readonly.call("gateway_status", json!({})).raw;
    assert!(!status.contains("read_graph"), "{status}");
}

/// Before anything is known of the servers, too.
#[test]
fn a_role_sees_the_placeholders_that_may_be_for_it() {
    let gateway = gateway(READONLY);
    let readonly = gateway.client_as("readonly");
    let mut seen = readonly.tools().tool_names();
    seen.sort();
    assert_eq!(seen, ["_filesystem_connect", "gateway_status"]);
    is_unknown(&readonly, "_memory_connect");
    is_unknown(&readonly, "memory__read_graph");
    readonly.call("_filesystem_connect", json!({})).text();
    assert!(readonly.tools().tool_names().contains(&"filesystem__read_text_file".to_owned()));
}

/// The answer to a hidden tool is the answer to a tool that nobody has, to the byte.
#[track_caller]
fn is_unknown(client: &Client, hidden: &str) {
    let unknown = "x".repeat(hidden.len());
    let theirs = client.call(&unknown, json!({}));
    let ours = client.call(hidden, json!({}));
    assert_eq!(ours.error()["code"], -32602);
    assert_eq!(ours.member("error"), theirs.member("error").replace(&unknown, hidden));
}

#[test]
fn a_role_that_is_not_configured() {
    let output = run(gateway(READONLY).command(&["stdio"]).env("MCP_GATEWAY_ROLE", "readonyl"));
    golden::check("roles/misspelt", output.complaint(2));
    let output = gateway(READONLY).run(&["stdio", "--role", "readonyl"]);
    golden::check("roles/misspelt", output.complaint(2));
}

#[test]
fn no_role_where_there_is_no_default() {
    golden::check("roles/none", gateway(READONLY).run(&["stdio"]).complaint(2));
}

#[test]
fn a_glob_that_is_none() {
    let roles = "default_role: readonly\nroles:\n  readonly: [\"filesystem_[\", \"gateway_status\"]\n";
    golden::check("roles/bad_glob", gateway(roles).run(&["stdio"]).complaint(2));
}

#[test]
fn the_default_role_serves_who_names_none() {
    let gateway = gateway(&format!("default_role: readonly\n{READONLY}"));
    let client = gateway.client();
    let mut seen = client.tools().tool_names();
    seen.sort();
    assert_eq!(seen, ["_filesystem_connect", "gateway_status"]);
    // A flag wins over the variable, and both over the default.
    let client = Client::spawn(gateway.command(&["stdio", "--role", "admin"]).env("MCP_GATEWAY_ROLE", "readonly"));
    client.initialize();
    assert!(client.tools().tool_names().contains(&"_memory_connect".to_owned()));
}
