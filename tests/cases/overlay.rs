//! What was changed while a gateway ran is kept in a file of its own: shared, safe, and believed no more than it has to be.

use std::fs;

use gateway_tests::{Client, Fake, Gateway, Http, Serving, place};
use serde_json::{Value, json};

use super::registering::{Managed, changed, config, kept, managed, overlay, register, registration, until};

fn has(client: &Client, tool: &str) -> bool {
    client.tools().tool_names().iter().any(|name| name == tool)
}

fn problems(client: &Client) -> String {
    client.call("gateway_status", json!({})).result()["structuredContent"]["problems"].to_string()
}

/// A gateway that has registered `new` and ended.
fn registered() -> Managed {
    let managed = managed(json!({}));
    let client = managed.gateway.client();
    assert!(!register(&client, registration(&managed.fake, "new")).is_error());
    client.finish();
    managed
}

fn write(gateway: &Gateway, change: impl FnOnce(&mut Value)) {
    let file = overlay(gateway);
    let mut overlay = kept(gateway);
    change(&mut overlay);
    fs::write(file.with_extension("new"), overlay.to_string()).unwrap();
    fs::rename(file.with_extension("new"), file).unwrap();
}

#[test]
fn what_was_removed_of_the_file_comes_back_when_it_is_written_anew() {
    let Managed { fake, gateway } = managed(json!({}));
    let text = fs::read_to_string(gateway.path("gateway.yaml")).unwrap();
    let client = gateway.client();
    assert!(has(&client, "_fake_connect"));
    assert!(!client.call("gateway_remove_server", json!({ "name": "fake" })).is_error());
    changed(&client);
    assert!(!has(&client, "_fake_connect"));
    assert_eq!(fs::read_to_string(gateway.path("gateway.yaml")).unwrap(), text, "it is nobody's to write");
    client.finish();
    let client = gateway.client();
    assert!(!has(&client, "_fake_connect"), "it was removed");
    let mut without = config(&fake, json!({}));
    without["servers"] = json!({});
    gateway.write("gateway.yaml", &without.to_string());
    client.logged("the configuration counts as it is now");
    gateway.write("gateway.yaml", &text);
    changed(&client);
    assert!(has(&client, "_fake_connect"));
    client.finish();
}

#[test]
fn a_corrupt_file_is_told_of_and_kept() {
    let Managed { gateway, fake } = registered();
    let (file, half) = (overlay(&gateway), "{ \"version\": 1, \"servers\": { \"new\": {");
    fs::write(&file, half).unwrap();
    let client = gateway.client();
    assert!(!has(&client, "_new_connect"));
    assert!(problems(&client).contains("corrupt"), "{}", problems(&client));
    assert!(!register(&client, registration(&fake, "other")).is_error());
    client.finish();
    let aside = fs::read_dir(file.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let aside: Vec<_> = aside.filter(|path| path.to_string_lossy().contains("corrupt")).collect();
    assert_eq!(aside.len(), 1);
    assert_eq!(fs::read_to_string(&aside[0]).unwrap(), half);
    let client = gateway.client();
    assert!(has(&client, "_other_connect"));
    assert!(problems(&client).contains("corrupt"), "until somebody has looked: {}", problems(&client));
    fs::remove_file(&aside[0]).unwrap();
    client.finish();
    let client = gateway.client();
    assert_eq!(problems(&client), "null");
    client.finish();
}

#[test]
fn a_gateway_that_runs_writes_again_what_it_knows() {
    let Managed { gateway, .. } = registered();
    let client = gateway.client();
    assert!(has(&client, "_new_connect"));
    fs::write(overlay(&gateway), "garbage").unwrap();
    client.logged("corrupt");
    assert!(has(&client, "_new_connect"));
    assert!(kept(&gateway)["servers"]["new"].is_object());
    client.finish();
}

#[test]
fn what_a_newer_gateway_wrote_is_left_alone() {
    let Managed { gateway, fake } = registered();
    let newer = r#"{"version": 2, "servers": [], "something": "else"}"#;
    fs::write(overlay(&gateway), newer).unwrap();
    let client = gateway.client();
    assert!(problems(&client).contains("version 2"), "{}", problems(&client));
    let failure = register(&client, registration(&fake, "other")).failure();
    assert!(failure.contains("version 2"), "{failure}");
    client.finish();
    assert_eq!(fs::read_to_string(overlay(&gateway)).unwrap(), newer);
}

#[test]
fn what_somebody_writes_into_it_is_held_against_the_same_rules() {
    let Managed { gateway, fake } = registered();
    let proof = gateway.path("proof");
    let client = gateway.client();
    let _ = client.tools();
    write(&gateway, |overlay| {
        let evil = json!({ "command": "/bin/sh", "args": ["-c", format!("touch {}", proof.display())] });
        overlay["servers"] = json!({
            "evil": evil,
            "gateway2": registration(&fake, "x").as_object().map(|new| json!({ "command": new["command"], "args": new["args"] })),
            "inner": { "url": "http://127.0.0.1:1/mcp" },
            "fake": evil,
        });
        overlay["disabled"] = json!([]);
    });
    client.logged("allow_commands");
    changed(&client);
    assert!(has(&client, "_gateway2_connect"));
    for name in ["evil", "inner"] {
        assert!(!has(&client, &format!("_{name}_connect")), "{name}");
        assert_eq!(client.call(&format!("{name}__x"), json!({})).error()["code"], -32602);
    }
    assert_eq!(client.call("fake__echo", json!({ "text": "mine" })).text(), "mine");
    assert!(!proof.exists());
    client.finish();
}

#[test]
fn what_is_not_allowed_any_more_does_not_run() {
    let Managed { gateway, fake } = registered();
    let client = gateway.client();
    assert_eq!(client.call("new__echo", json!({ "text": "x" })).text(), "x");
    let child = fake.process(1);
    gateway.write("gateway.yaml", &config(&fake, json!({ "allow_commands": [] })).to_string());
    child.gone();
    assert_eq!(client.call("new__echo", json!({ "text": "x" })).error()["code"], -32602);
    assert!(problems(&client).contains("allow_commands"), "{}", problems(&client));
    gateway.write("gateway.yaml", &config(&fake, json!({})).to_string());
    until(|| client.tools().tool_names().iter().any(|name| name.contains("new")));
    assert_eq!(client.call("new__echo", json!({ "text": "x" })).text(), "x");
    client.finish();
}

#[test]
fn what_the_file_has_by_now_counts() {
    let Managed { gateway, fake } = registered();
    let other = Fake::new();
    let servers = json!({ "fake": fake.entry(&[]), "new": other.entry(&[]) });
    gateway.write("gateway.yaml", &config(&fake, json!({ "servers": servers })).to_string());
    let client = gateway.client();
    assert_eq!(client.call("new__echo", json!({ "text": "x" })).text(), "x");
    assert_eq!((fake.count(), other.count()), (0, 1));
    assert!(problems(&client).contains("stands in gateway.yaml"), "{}", problems(&client));
    // Removed, it is gone, and not the other of that name instead.
    assert!(!client.call("gateway_remove_server", json!({ "name": "new" })).is_error());
    assert_eq!(client.call("new__echo", json!({ "text": "x" })).error()["code"], -32602);
    client.finish();
}

#[test]
fn several_gateways_follow_each_other() {
    let Managed { gateway, fake } = managed(json!({}));
    let (one, two) = (gateway.client(), gateway.client());
    let _ = (one.tools(), two.tools());
    for (number, (from, to)) in [(&one, &two), (&two, &one)].into_iter().enumerate() {
        let name = format!("new{number}");
        assert!(!register(from, registration(&fake, &name)).is_error());
        until(|| has(to, &format!("_{name}_connect")));
    }
    // Neither has written over what the other one did.
    assert_eq!(kept(&gateway)["servers"].as_object().unwrap().len(), 2);
    one.finish();
    two.finish();
}

#[test]
fn switching_off_and_on() {
    let fake = Fake::new();
    let servers = json!({ "fake": fake.entry(&[]), "off": { "command": place::fake_server(), "enabled": false } });
    let gateway = Gateway::with(&config(&fake, json!({ "servers": servers })));
    let serving = Serving::start(&gateway);
    let http = Http::new(&serving.address, "").with("Content-Type", "application/json");
    let switch = |name: &str, on: bool| {
        let mut answer = http.at(&format!("/api/backends/{name}")).send("PATCH", json!({ "enabled": on }).to_string());
        (answer.status, answer.text())
    };
    let client = gateway.client();
    assert!(has(&client, "_fake_connect"));
    assert_eq!(switch("fake", false).0, 200);
    until(|| !has(&client, "_fake_connect"));
    assert_eq!(switch("fake", true).0, 200);
    // Under its placeholder, or by what the other gateway has learnt of it already.
    until(|| has(&client, "_fake_connect") || has(&client, "fake__echo"));
    // What the operator has switched off, no page switches on.
    let (status, said) = switch("off", true);
    assert_eq!(status, 403, "{said}");
    assert!(said.contains("gateway.yaml") && !has(&client, "_off_connect"), "{said}");
    assert_eq!(switch("nothing", true).0, 404);
    client.finish();
}
