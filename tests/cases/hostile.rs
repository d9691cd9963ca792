//! Guests that do harm on purpose: each hears what it may not, and whoever calls somebody else is served meanwhile.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
};

use gateway_tests::{Gateway, guests};
use serde_json::json;

use super::guests::{Session, is_refused, says};

#[test]
pub(super) fn start_spin() {
    let entry = json!({ "source": guests::START_SPIN.source(), "limits": { "time": "1s" } });
    is_refused(entry, &["plugin \"guest\"", "time limit of 1 s"]);
}

/// A plugin may cause so many calls and no more, however it asks for them.
#[test]
pub(super) fn storm() {
    let session =
        Session::with(guests::STORM, json!({ "permissions": { "tools": ["*"] }, "limits": { "time": "60s" } }));
    let text = session.call("storm", json!({ "tool": "calculator__add", "times": 1000 })).text();
    says(&text, &["256 went well", "one call may cause 256 others"]);
    assert_eq!(session.call("fork", json!({ "tool": "guest__fork" })).text(), "forked");
}

#[test]
pub(super) fn chatter() {
    let session = Session::new(guests::CHATTER, json!({ "time": "60s" }));
    assert_eq!(session.call("chatter", json!({ "steps": 1000, "kib": 16 })).text(), "told");
    assert!(session.client.log().len() < 1024 * 1024, "16 MiB of chatter went into the log");
}

#[test]
pub(super) fn dice() {
    let session = Session::new(guests::DICE, json!({ "time": "2s" }));
    session.fails("all", json!({}), &["plugin \"guest\""]);
    session.fails("often", json!({}), &["time limit of 2 s"]);
}

#[test]
pub(super) fn clock() {
    let session = Session::new(guests::CLOCK, json!({ "time": "1s" }));
    session.fails("watch", json!({}), &["plugin \"guest\"", "time limit of 1 s"]);
    assert_eq!(session.call("watch", json!({ "milliseconds": 1 })).text(), "true");
}

/// A guest that goes on after it was told to stop is ended: its place is free again.
#[test]
pub(super) fn deaf() {
    let session = Session::new(guests::DEAF, json!({ "time": "600s", "concurrency": 1 }));
    for by in ["waiting", "working", "waiting"] {
        let call = session.client.send_call("guest__go_on", json!({ "by": by }));
        session.client.logged(&format!("I go on by {by}"));
        session.others_are_served();
        session.client.notify("notifications/cancelled", Some(json!({ "requestId": call })));
        session.others_are_served();
    }
    session.client.logged("I was told to stop, and go on");
    // With room for one, this one waits for the others to be gone.
    let last = session.client.send_call("guest__go_on", json!({}));
    session.client.notify("notifications/cancelled", Some(json!({ "requestId": last })));
    session.client.finish();
}

#[test]
pub(super) fn mojibake() {
    let session = Session::new(guests::MOJIBAKE, json!({}));
    session.fails("answer", json!({}), &["plugin \"guest\""]);
    session.fails("log", json!({}), &["plugin \"guest\""]);
}

#[test]
pub(super) fn grow() {
    let session = Session::new(guests::GROW, json!({ "memory": "16MiB" }));
    assert_eq!(session.call("grow", json!({})).text(), "true");
}

/// What a guest writes stays its own: no line of the log and no message is anybody else's.
#[test]
pub(super) fn forge() {
    let session = Session::new(guests::FORGE, json!({}));
    let text = session.call("forge", json!({})).text();
    assert!(text.starts_with("forged\r\n{"), "{text:?}");
    let log = session.client.logged("harmless");
    assert!(log.contains("forged line"), "in one line: {log:?}");
    session.others_are_served();
    assert!(!session.client.log().chars().any(|c| c.is_control() && c != '\n'), "{:?}", session.client.log());
    assert!(session.client.messages().iter().all(|message| message.method() != Some("forged")));
}

/// A name that is somebody else's is found behind the plugin's own, and what no client takes is no name.
#[test]
pub(super) fn impostor() {
    let gateway = Gateway::with(&json!({
        "plugins": { "guest": guests::IMPOSTOR.source(), "calculator": guests::CALCULATOR.source() },
    }));
    let client = gateway.client();
    let names = client.tools().tool_names();
    for name in &names {
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        assert!((1..=64).contains(&name.len()) && name.chars().all(legal), "{name:?}");
    }
    assert_eq!(client.call("calculator__add", json!({ "a": 1, "b": 2 })).text(), "3");
    assert!(client.call("gateway_status", json!({})).result()["structuredContent"].is_object());
}

/// Arguments are held against what a plugin says of them within a bounded time.
#[test]
pub(super) fn schema_bomb() {
    let session = Session::new(guests::SCHEMA_BOMB, json!({}));
    assert!(session.call("run", json!({ "text": "a".repeat(50_000) })).is_error());
    // References without an end fit everything or nothing, and end.
    let gateway = Gateway::with(&json!({
        "plugins": {
            "guest": { "source": guests::SCHEMA_BOMB.source(), "config": "loop" },
            "calculator": guests::CALCULATOR.source(),
        },
    }));
    let client = gateway.client();
    client.call("guest__run", json!({ "text": "a" }));
    assert_eq!(client.call("calculator__add", json!({ "a": 1, "b": 2 })).text(), "3");
}

#[test]
pub(super) fn many_tools() {
    is_refused(json!(guests::MANY_TOOLS.source()), &["plugin \"guest\"", "limit"]);
    let some = json!({ "plugins": { "guest": { "source": guests::MANY_TOOLS.source(), "config": 100 } } });
    assert_eq!(
        Gateway::with(&some).client().tools().tool_names().iter().filter(|name| name.starts_with("guest__")).count(),
        100
    );
}

#[test]
pub(super) fn nan() {
    let session = Session::new(guests::NAN, json!({}));
    let answer = session.call("run", json!({}));
    // Either it is refused by name, or what cannot be said is left out; never something that is no JSON.
    for block in answer.result()["content"].as_array().unwrap() {
        let priority = &block["annotations"]["priority"];
        assert!(priority.is_null() || (0.0..=1.0).contains(&priority.as_f64().unwrap()), "{block}");
    }
}

/// Bytes over HTTP are counted both ways.
#[test]
pub(super) fn pour() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let (mut input, mut output) = (stream.try_clone().unwrap(), stream);
                let mut buffer = [0; 65536];
                let begun = input.read(&mut buffer).unwrap_or_default();
                if buffer[..begun].starts_with(b"POST") {
                    while input.read(&mut buffer).is_ok_and(|read| read > 0) {}
                    return;
                }
                let _ = output.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n");
                while output.write_all(&buffer).is_ok() {}
            });
        }
    });
    let entry = json!({
        "permissions": { "net": [url.trim_end_matches('/')] },
        "limits": { "network": "1MiB", "memory": "128MiB", "time": "60s" },
    });
    let session = Session::with(guests::POUR, entry);
    session.fails("drink", json!({ "url": url }), &["network limit of 1 MiB", "plugins.guest.limits.network"]);
    session.fails("pour", json!({ "url": url, "mib": 8 }), &["network limit of 1 MiB", "plugins.guest.limits.network"]);
}

#[test]
pub(super) fn packrat() {
    let session = Session::with(guests::PACKRAT, json!({ "limits": { "storage": "4MiB", "time": "60s" } }));
    session.fails("hoard", json!({}), &["storage limit of 4 MiB", "plugins.guest.limits.storage"]);
    assert!(session.call("long-key", json!({})).is_error());
    assert!(session.call("buckets", json!({})).is_error());
    // Without a quota there is no store.
    let none = Session::new(guests::PACKRAT, json!({}));
    none.fails("hoard", json!({}), &["AccessDenied", "plugins.guest.limits.storage"]);
}

/// Nobody is asked without a grant, nor without the client's consent.
#[test]
pub(super) fn nag() {
    let session = Session::new(guests::NAG, json!({}));
    for tool in ["user", "model", "roots"] {
        let text = session.call(tool, json!({})).text();
        says(&text, &["0 times, then", "Denied", "plugins.guest.permissions.client"]);
    }
    let client = json!({ "client": ["elicitation", "sampling", "roots"] });
    let session = Session::with(guests::NAG, json!({ "permissions": client }));
    for tool in ["user", "model", "roots"] {
        says(&session.call(tool, json!({})).text(), &["0 times, then", "Unsupported"]);
    }
    let asked =
        session.client.messages().into_iter().any(|message| !message.id().is_null() && message.method().is_some());
    assert!(!asked, "a client that takes no questions was asked one");
}
