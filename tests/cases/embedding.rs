//! The gateway as a part of other programs: the examples of `host/examples`, run as what they are.

use std::{fs, process::Command};

use gateway_tests::{Client, Fake, Gateway, Http, HttpSession, Listening, gateway::run, place};
use rustix::process::Signal;
use serde_json::{Value, json};

/// An example, in the folder and the environment of a gateway.
fn example(name: &str, gateway: &Gateway, arguments: &[&str]) -> Command {
    let mut command = Command::new(place::example(name));
    let around = gateway.command(&[]);
    command.args(arguments).current_dir(gateway.path(""));
    for (variable, value) in around.get_envs() {
        match value {
            Some(value) => command.env(variable, value),
            None => command.env_remove(variable),
        };
    }
    command
}

/// A client of the example `functions` on this configuration.
fn functions(gateway: &Gateway) -> Client {
    let client = Client::spawn(&mut example("functions", gateway, &["gateway.yaml"]));
    client.initialize();
    client
}

fn definition(client: &Client, tool: &str) -> Value {
    let tools = client.tools();
    let found = tools.result()["tools"].as_array().unwrap().iter().find(|definition| definition["name"] == tool);
    found.unwrap_or_else(|| panic!("{tool} is missing in {tools:#?}")).clone()
}

#[test]
fn functions_are_tools() {
    let gateway = Gateway::new("");
    let client = functions(&gateway);
    let keep = definition(&client, "keep");
    assert_eq!(keep["description"], "Keep a note for as long as the server runs.");
    assert_eq!(keep["annotations"], json!({ "destructiveHint": false }));
    assert_eq!(keep["inputSchema"]["required"], json!(["text"]));
    assert_eq!(keep["inputSchema"]["properties"]["text"]["description"], "What is to be remembered.");
    assert_eq!(keep["outputSchema"]["required"], json!(["notes"]));
    let list = definition(&client, "list");
    assert_eq!(list["inputSchema"], json!({ "type": "object", "properties": {} }));
    assert!(list.get("outputSchema").is_none(), "{list:#}");

    let kept = client.call("keep", json!({ "text": "milk" }));
    assert_eq!(kept.result()["structuredContent"], json!({ "notes": 1 }));
    assert_eq!(kept.text(), r#"{"notes":1}"#);
    assert_eq!(client.call("list", json!({})).text(), r#"["milk"]"#);
    let shown = client.tools().tool_names().len();
    assert_eq!(client.call("count", json!({})).text(), shown.to_string());

    assert_eq!(client.call("keep", json!({ "text": " " })).failure(), "an empty note says nothing");
    assert!(client.call("keep", json!({})).failure().contains("missing field `text`"));
    assert!(client.call("keep", json!({ "text": 1 })).failure().contains("argument `text`"));
    assert!(client.call("keep", json!({ "text": "a", "more": 1 })).failure().contains("unknown field `more`"));
    client.finish();
}

#[test]
fn functions_obey_roles() {
    let gateway = Gateway::new("roles: { reader: [program_list] }\ndefault_role: reader\n");
    let client = functions(&gateway);
    assert_eq!(client.tools().tool_names(), ["list"]);
    let (hidden, unknown) = (client.call("keep", json!({ "text": "x" })), client.call("kept", json!({ "text": "x" })));
    assert_eq!(hidden.error().to_string().replace("keep", "kept"), unknown.error().to_string());
    client.finish();
}

/// What the configuration brings and takes goes around them.
#[test]
fn functions_stay_when_the_configuration_changes() {
    let fake = Fake::new();
    let gateway = Gateway::new("");
    let client = functions(&gateway);
    client.tools();
    client.call("keep", json!({ "text": "milk" })).text();
    // The program has the name `program`: a server of that name is left out, and nothing else.
    let config = json!({ "servers": { "fake": fake.entry(&[]), "program": fake.entry(&[]) } });
    let next = gateway.write("next.yaml", &config.to_string());
    fs::rename(next, gateway.path("gateway.yaml")).unwrap();
    client.incoming("notifications/tools/list_changed");
    assert_eq!(client.call("fake__echo", json!({ "text": "hello" })).text(), "hello");
    assert_eq!(client.call("keep", json!({ "text": "bread" })).text(), r#"{"notes":2}"#);
    assert_eq!(fake.count(), 1, "the other one was not started");
    assert!(!client.tools().tool_names().contains(&"_program_connect".to_owned()));
    client.finish();
}

#[test]
fn a_name_that_is_taken_is_told_at_once() {
    let fake = Fake::new();
    let gateway = Gateway::with(&json!({ "servers": { "program": fake.entry(&[]) } }));
    let failed = run(&mut example("functions", &gateway, &["gateway.yaml"]));
    assert!(failed.complaint(1).contains("Taken { name: \"program\" }"), "{failed:#?}");
}

#[test]
fn servers_end_with_the_program() {
    let fake = Fake::new();
    let gateway = Gateway::with(&json!({ "servers": { "fake": fake.entry(&["--stubborn"]) } }));
    let client = functions(&gateway);
    client.send_call("fake__wait", json!({ "key": "a" }));
    let server = fake.process(1);
    server.waits("a");
    client.signal(Signal::KILL);
    client.ended();
    server.gone();
}

#[test]
fn the_http_side_is_mounted_into_another_server() {
    let gateway = Gateway::new("");
    let mut shop = Listening::start(&mut example("mounted", &gateway, &["127.0.0.1:0"]));
    let http = Http::new(&shop.address, "/mcp");
    assert_eq!(http.at("/").get().text(), "a shop\n");
    let session = HttpSession::open(&http);
    let price = session.call("price", json!({ "number": 1 })).message();
    assert_eq!(price.result()["structuredContent"], json!({ "cents": 250 }));
    assert_eq!(session.call("price", json!({ "number": 2 })).message().failure(), "there is no article 2");

    // Its guard stands before its own routes, and before no others.
    let foreign = http.with("Host", "evil.example");
    assert_eq!(foreign.get().status, 403);
    assert_eq!(foreign.at("/").get().status, 200);
    assert_eq!(http.with("Origin", "https://evil.example").get().status, 403);

    // A stream that is open does not keep it from ending.
    let stream = session.http.get();
    assert!(stream.is_stream(), "{stream:?}");
    let exit = shop.end();
    assert_eq!(exit.code(), Some(0), "{exit}: {}", shop.said());
}

#[test]
fn tools_are_called_in_process() {
    let gateway = Gateway::new("");
    let ran = run(&mut example("in_process", &gateway, &[]));
    assert_eq!(ran.answer(), "staff: 1 tools; order 7 is refunded\nguest: 0 tools; unknown tool: shop__refund\n");
}
