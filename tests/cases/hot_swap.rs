//! A plugin whose file changes is replaced while it is called: nobody notices but by the answers.

use std::{
    fs,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::Instant,
};

use gateway_tests::{Client, Gateway, guests, wait::PATIENCE};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Callers at the same time, how often they call in all, and how often the plugin is replaced meanwhile.
const CALLERS: usize = 8;
const CALLS: usize = 10_000;
const SWAPS: usize = 50;

const FIRST: &str = "the version 0001";

/// A version of the guest that says which one it is.
fn version(name: &str) -> Vec<u8> {
    assert_eq!(name.len(), FIRST.len());
    let mut bytes = fs::read(guests::VERSIONED.path()).unwrap();
    let at = bytes.windows(FIRST.len()).position(|part| part == FIRST.as_bytes()).unwrap();
    bytes[at..at + name.len()].copy_from_slice(name.as_bytes());
    bytes
}

/// The same component in other bytes: with a further custom section.
fn padded(mut bytes: Vec<u8>, name: &str) -> Vec<u8> {
    let length = u8::try_from(name.len()).unwrap();
    bytes.extend([0, length + 1, length]);
    bytes.extend(name.as_bytes());
    bytes
}

/// Replaces the plugin's file, as programs do that do not want it read half-written.
fn replace(gateway: &Gateway, bytes: &[u8]) {
    fs::write(gateway.path("new"), bytes).unwrap();
    fs::rename(gateway.path("new"), gateway.path("plugin.wasm")).unwrap();
}

fn gateway(entry: Value) -> Gateway {
    let mut entry = entry;
    entry["source"] = "./plugin.wasm".into();
    let gateway = Gateway::with(&json!({ "plugins": { "guest": entry } }));
    replace(&gateway, &version(FIRST));
    gateway
}

/// Looks again and again, for something that nobody is told of.
#[track_caller]
fn until(mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "it did not come to be");
        thread::yield_now();
    }
}

#[track_caller]
fn ask(client: &Client) -> String {
    let answer = client.call("guest__version", json!({}));
    let version = &answer.result()["structuredContent"]["version"];
    version.as_str().unwrap_or_else(|| panic!("no version: {answer:?}")).to_owned()
}

/// The version in the description, and the one that is promised.
fn listed(client: &Client) -> (String, String) {
    let tools = client.tools().result()["tools"].clone();
    let tool = tools.as_array().unwrap().iter().find(|tool| tool["name"] == "guest__version").unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&tool["description"]), text(&tool["outputSchema"]["properties"]["version"]["const"]))
}

fn status(client: &Client) -> Value {
    client.call("gateway_status", json!({})).result()["structuredContent"]["plugins"]["guest"].clone()
}

fn told(client: &Client) -> usize {
    client.messages().iter().filter(|message| message.method() == Some("notifications/tools/list_changed")).count()
}

/// Every answer is whole: a version whose definition promised another one's answer would be told that it broke its promise.
#[test]
pub(super) fn versioned() {
    let gateway = gateway(json!({}));
    let client = gateway.client();
    assert_eq!(ask(&client), FIRST);
    let (calls, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) || calls.load(Ordering::Relaxed) < CALLS {
                    ask(&client);
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for swap in 0..SWAPS {
            let name = if swap % 2 == 0 { "the version 0002" } else { FIRST };
            replace(&gateway, &version(name));
            until(|| ask(&client) == name);
            // From the first answer on, everybody has the new version.
            assert_eq!(ask(&client), name);
            assert_eq!(listed(&client), (name.to_owned(), name.to_owned()));
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(calls.into_inner() >= CALLS);
    assert_eq!(listed(&client), (FIRST.to_owned(), FIRST.to_owned()));
    assert_eq!(status(&client)["starts"], SWAPS + 1);
}

/// What cannot be used changes nothing, and the status says why, until it is mended.
#[test]
fn what_fails_is_not_swapped_in() {
    let gateway = gateway(json!({}));
    let client = gateway.client();
    assert_eq!(ask(&client), FIRST);
    let whole = version("the version 0002");
    let unlisted = fs::read(guests::BAD_LIST.path()).unwrap();
    for broken in [&whole[..whole.len() / 2], b"not a component", &unlisted] {
        let before = client.log().matches("is not replaced").count();
        // In place, as a program writes that does not care.
        fs::write(gateway.path("plugin.wasm"), broken).unwrap();
        until(|| client.log().matches("is not replaced").count() > before);
        assert_eq!(ask(&client), FIRST);
        let status = status(&client);
        assert_eq!(status["state"], "running");
        assert!(status["error"].is_string(), "{status}");
    }
    fs::remove_file(gateway.path("plugin.wasm")).unwrap();
    client.logged("there is no such file");
    assert_eq!(ask(&client), FIRST);
    replace(&gateway, &whole);
    client.logged("its new version runs");
    assert_eq!(ask(&client), "the version 0002");
    assert_eq!(status(&client).get("error"), None);
}

/// The pin holds for what comes later as well.
#[test]
fn what_was_not_meant_is_not_swapped_in() {
    let digest: String = Sha256::digest(version(FIRST)).iter().map(|byte| format!("{byte:02x}")).collect();
    let gateway = gateway(json!({ "sha256": digest }));
    let client = gateway.client();
    assert_eq!(ask(&client), FIRST);
    replace(&gateway, &version("the version 0002"));
    client.logged("plugins.guest.sha256 says");
    assert_eq!(ask(&client), FIRST);
    assert!(status(&client)["error"].as_str().unwrap().contains("plugins.guest.sha256"));
}

/// Clients are told where the list is another one, and only there.
#[test]
fn clients_are_told_of_other_lists() {
    let gateway = gateway(json!({}));
    let client = gateway.client();
    assert_eq!(listed(&client).0, FIRST);
    assert_eq!(ask(&client), FIRST);
    let (before, mut starts) = (told(&client), 1);
    for name in ["padding one", "padding two"] {
        replace(&gateway, &padded(version(FIRST), name));
        starts += 1;
        until(|| status(&client)["starts"] == starts);
    }
    replace(&gateway, &version("the version 0002"));
    until(|| told(&client) > before);
    assert_eq!(listed(&client), ("the version 0002".to_owned(), "the version 0002".to_owned()));
    assert_eq!(told(&client), before + 1);
}

/// Without `watch` everything stays as it was.
#[test]
fn nothing_is_watched_where_that_is_not_wanted() {
    let entry = json!({ "source": "./plugin.wasm" });
    let gateway = Gateway::with(&json!({ "watch": false, "plugins": { "guest": entry } }));
    replace(&gateway, &version(FIRST));
    let client = gateway.client();
    assert_eq!(ask(&client), FIRST);
    replace(&gateway, &version("the version 0002"));
    for _ in 0..100 {
        assert_eq!(ask(&client), FIRST);
    }
}
