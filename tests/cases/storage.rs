//! What a plugin keeps from call to call: nothing, unless it was granted a store.

use std::fs;

use gateway_tests::{Client, Gateway, guests};
use rustix::process::Signal;
use serde_json::{Value, json};

fn plugins(limits: Value) -> Gateway {
    let plugin = json!({ "source": guests::KEEPER.source(), "limits": limits });
    Gateway::with(&json!({ "plugins": { "a": plugin, "b": plugin } }))
}

#[track_caller]
fn set(client: &Client, key: &str, value: &str) {
    assert_eq!(client.call("a__set", json!({ "key": key, "value": value })).text(), "kept");
}

#[track_caller]
fn get(client: &Client, plugin: &str, key: &str) -> String {
    client.call(&format!("{plugin}__get"), json!({ "key": key })).text()
}

#[test]
fn without_a_grant_nothing_is_remembered() {
    // Not in memory, since every call has an instance of its own.
    let gateway = Gateway::with(&json!({ "plugins": { "counter": guests::COUNTER.source() } }));
    let client = gateway.client();
    for _ in 0..3 {
        assert_eq!(client.call("counter__count", json!({})).text(), "1");
    }
    // And not in a store.
    let gateway = plugins(json!({}));
    let client = gateway.client();
    for (tool, arguments) in [
        ("a__set", json!({ "key": "k", "value": "v" })),
        ("a__get", json!({ "key": "k" })),
        ("a__add", json!({ "key": "k" })),
        ("a__keys", json!({})),
    ] {
        let failure = client.call(tool, arguments).failure();
        assert!(failure.contains("access denied"), "{failure}");
        assert!(failure.contains(r#"plugin "a": keeping values in a store is not allowed"#), "{failure}");
        assert!(failure.contains("hint: set plugins.a.limits.storage, such as to 1MiB"), "{failure}");
    }
    client.finish();
    let kept = walk(&gateway.path("home/state"));
    assert!(!kept.iter().any(|file| file.contains("sqlite")), "{kept:?}");
}

/// The files below a folder.
fn walk(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(walk(&path)),
            path => found.push(path.display().to_string()),
        }
    }
    found
}

/// Values survive a restart and a kill.
#[test]
pub(super) fn keeper() {
    let gateway = plugins(json!({ "storage": "1MiB" }));
    let client = gateway.client();
    set(&client, "greeting", "hello");
    assert_eq!(client.call("a__add", json!({ "key": "n", "times": 20 })).text(), "20");
    client.finish();

    let client = gateway.client();
    assert_eq!(get(&client, "a", "greeting"), "hello");
    set(&client, "greeting", "good bye");
    client.signal(Signal::KILL);
    client.ended();

    let client = gateway.client();
    assert_eq!(get(&client, "a", "greeting"), "good bye");
    assert_eq!(client.call("a__add", json!({ "key": "n" })).text(), "21");
    assert_eq!(client.call("a__keys", json!({})).text(), r#"{"result":["greeting","n"]}"#);
    assert_eq!(client.call("a__delete", json!({ "key": "greeting" })).text(), "false");
    assert_eq!(get(&client, "a", "greeting"), "nothing");
    assert_eq!(client.call("a__swap", json!({ "key": "s" })).text(), "between");
    assert_eq!(get(&client, "a", "s"), "swapped");
    // The plugin beside it has the same code, and a store of its own.
    assert_eq!(get(&client, "b", "n"), "nothing");
    let other = client.call("a__other", json!({ "name": "b" })).failure();
    assert!(other.contains("no such store"), "{other}");
}

#[test]
fn several_gateways_share_a_store() {
    let gateway = plugins(json!({ "storage": "1MiB", "time": "60s" }));
    let clients = [gateway.client(), gateway.client(), gateway.client()];
    let calls: Vec<Vec<i64>> = clients
        .iter()
        .map(|client| (0..4).map(|_| client.send_call("a__add", json!({ "key": "n", "times": 10 }))).collect())
        .collect();
    for (client, calls) in clients.iter().zip(calls) {
        for call in calls {
            assert!(!client.answer(call).is_error());
        }
    }
    assert_eq!(get(&clients[0], "a", "n"), "120");
}

#[test]
fn a_store_has_limits() {
    let gateway = plugins(json!({ "storage": "64KiB" }));
    let client = gateway.client();
    let fill = |key: &str, times: u32| client.call("a__set", json!({ "key": key, "value": "x", "times": times }));
    assert_eq!(fill("one", 40_000).text(), "kept");
    let failure = fill("two", 40_000).failure();
    assert!(failure.contains("storage limit of 64 KiB reached"), "{failure}");
    assert!(failure.contains("hint: raise plugins.a.limits.storage"), "{failure}");
    assert_eq!(get(&client, "a", "two"), "nothing");
    assert_eq!(fill("one", 10).text(), "kept");
    assert_eq!(fill("two", 40_000).text(), "kept");
    let failure = client.call("a__remember", json!({ "key": "two", "times": 250 })).failure();
    assert!(failure.contains("after 104: too many states"), "{failure}");
    let failure = client.call("a__set", json!({ "key": "k".repeat(2000), "value": "" })).failure();
    assert!(failure.contains("a key has 1 to 1024 bytes"), "{failure}");
}

#[test]
fn what_is_damaged_is_told_and_put_aside() {
    let gateway = plugins(json!({ "storage": "1MiB" }));
    let client = gateway.client();
    set(&client, "k", "v");
    client.finish();
    let file = walk(&gateway.path("home/state")).into_iter().find(|file| file.ends_with(".sqlite")).unwrap();
    fs::write(&file, "no database at all, whatever it was before").unwrap();
    let client = gateway.client();
    let failure = client.call("a__get", json!({ "key": "k" })).failure();
    assert!(failure.contains("the stored values were damaged: they were put aside"), "{failure}");
    client.logged("the stored values were damaged");
    assert_eq!(get(&client, "a", "k"), "nothing");
    let kept = walk(&gateway.path("home/state"));
    assert!(kept.iter().any(|file| file.ends_with(".damaged-1")), "{kept:?}");
}

#[test]
fn a_removed_plugin_is_forgotten_where_that_is_asked_for() {
    let gateway = plugins(json!({ "storage": "1MiB" }));
    let client = gateway.client();
    set(&client, "k", "v");
    client.finish();
    gateway.run(&["plugin", "remove", "b", "--purge"]).answer();
    let stores = |gateway: &Gateway| {
        walk(&gateway.path("home/state")).into_iter().filter(|file| file.ends_with(".sqlite")).count()
    };
    assert_eq!(stores(&gateway), 1);
    let removed = gateway.run(&["plugin", "remove", "a", "--purge"]);
    assert!(removed.answer().contains("with what it kept"), "{removed:?}");
    assert_eq!(stores(&gateway), 0);
}
