//! `--running`: the command line changes a gateway that runs, by its REST API.

use gateway_tests::{Fake, Gateway, Serving, gateway::run, guests, place};
use serde_json::{Value, json};

use super::registering::{Managed, config, kept, managed};

const TOKEN: &str = "operator-0123456789abcdef";

fn names(gateway: &Gateway, serving: &Serving, what: &str) -> Vec<String> {
    let url = format!("--running={}", serving.url(""));
    let listed = gateway.run(&[what, "list", &url, "--json"]).json();
    listed.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn servers_of_a_gateway_that_runs() {
    let Managed { fake, gateway } = managed(json!({}));
    let before = std::fs::read_to_string(gateway.path("gateway.yaml")).unwrap();
    let serving = Serving::start(&gateway);
    let url = format!("--running={}", serving.url("/mcp"));
    let (program, arguments) = (place::fake_server().display().to_string(), fake.arguments(&[]));
    let add = |more: &[&str]| {
        let mut line = vec!["server", "add", "new", &url, "--description", "a new one"];
        line.extend(more);
        line.extend(["--", &program]);
        line.extend(arguments.iter().map(String::as_str));
        gateway.run(&line)
    };
    assert!(add(&[]).answer().contains("added the server new"));
    assert_eq!(names(&gateway, &serving, "server"), ["fake", "new"]);
    assert!(add(&[]).complaint(2).contains("--force"));
    assert!(add(&["--force"]).answer().contains("replaced the server new"));
    let text = gateway.run(&["server", "list", &url]);
    assert!(text.answer().contains("new"), "{text:?}");
    gateway.run(&["server", "disable", "new", &url]).answer();
    assert_eq!(kept(&gateway)["servers"]["new"]["enabled"], false);
    gateway.run(&["server", "enable", "new", &url]).answer();
    gateway.run(&["server", "remove", "new", &url]).answer();
    assert_eq!(names(&gateway, &serving, "server"), ["fake"]);
    assert!(gateway.run(&["server", "remove", "new", &url]).complaint(2).contains("new"));
    let refused = gateway.run(&["server", "add", "evil", &url, "--", "sh", "-c", "true"]);
    assert!(refused.complaint(2).contains("hint: add to gateway.yaml: allow_commands: ["), "{refused:?}");
    let refused = gateway.run(&["server", "add", "evil", &url, "-e", "A=${HOME}", "--", &program]);
    assert!(refused.complaint(2).contains("fills no variable in"), "{refused:?}");
    assert_eq!(std::fs::read_to_string(gateway.path("gateway.yaml")).unwrap(), before);
}

#[test]
fn a_token_is_brought_along() {
    let fake = Fake::new();
    let more = json!({ "roles": { "all": null }, "auth": { "tokens": [{ "role": "all", "token": TOKEN }] } });
    let gateway = Gateway::with(&config(&fake, more));
    let serving = Serving::start(&gateway);
    let url = format!("--running={}", serving.url(""));
    let line = ["server", "list", &url, "--json"];
    let refused = gateway.run(&line);
    assert!(refused.complaint(2).contains("MCP_GATEWAY_TOKEN"), "{refused:?}");
    let listed: Value = run(gateway.command(&line).env("MCP_GATEWAY_TOKEN", TOKEN)).json();
    assert_eq!(listed[0]["name"], "fake");
    gateway.write("token", &format!("{TOKEN}\n"));
    let listed = gateway.run(&["server", "list", &url, "--token-file", "token", "--json"]).json();
    assert_eq!(listed[0]["name"], "fake");
}

#[test]
fn where_nothing_runs() {
    let Managed { gateway, .. } = managed(json!({ "port": 1 }));
    let said = gateway.run(&["server", "list", "--running"]);
    assert!(said.complaint(1).contains("http://127.0.0.1:1/") && said.stderr.contains("gateway serve"), "{said:?}");
    let said = gateway.run(&["server", "remove", "--running", "fake"]);
    assert!(said.complaint(2).contains("NAME"), "{said:?}");
}

#[test]
fn plugins_of_a_gateway_that_runs() {
    let folder = guests::VERSIONED.path();
    let allowed = format!("{}/*", folder.parent().unwrap().display());
    let Managed { gateway, .. } = managed(json!({ "allow_plugins": [allowed] }));
    let serving = Serving::start(&gateway);
    let url = format!("--running={}", serving.url(""));
    let file = folder.display().to_string();
    gateway.run(&["plugin", "add", &file, "--name", "guest", &url]).answer();
    assert_eq!(names(&gateway, &serving, "plugin"), ["guest"]);
    let client = gateway.client();
    assert!(!client.call("guest__version", json!({})).is_error());
    client.finish();
    let other = gateway.write("other.wasm", "");
    let refused = gateway.run(&["plugin", "add", &other.display().to_string(), "--name", "other", &url]);
    assert!(refused.complaint(2).contains("allow_plugins: ["), "{refused:?}");
    let refused =
        gateway.run(&["plugin", "add", &file, "--name", "guest", &url, "--force", "--allow-net", "a.example"]);
    assert!(refused.complaint(2).contains("no grants"), "{refused:?}");
    gateway.run(&["plugin", "remove", "guest", &url]).answer();
    assert_eq!(names(&gateway, &serving, "plugin"), Vec::<String>::new());
}
