//! Instances that are used again, and what they may not remember.

use std::{sync::Arc, time::Duration};

use gateway_core::{
    call::{Call, Caller},
    payload::{Json, Request},
    role::{Role, RoleSet},
    source::Source,
};
use gateway_wasm::{PluginSettings, config::Instances};
use serde_json::{Value, json};

use crate::support::{LONG, Stage, engine, guest, settings, text};

fn warm(name: &str, permissions: Value, limits: Value) -> Stage {
    let settings = settings(permissions, limits, Value::Null);
    Stage::new(guest(name), name, PluginSettings { instances: Instances::Warm, ..settings }, engine())
}

/// A call of a caller in this role.
async fn call_as(stage: &Stage, role: &str, tool: &str, arguments: Value) -> String {
    let roles = RoleSet::new(vec![Role::unfiltered("one"), Role::unfiltered("other")], None);
    let caller = Caller { role: roles.resolve(Some(role)).unwrap() };
    let call = Arc::new(Call::root(caller, None, stage.client.clone(), stage.gateway.clone()));
    let reply = stage.plugin.call(Request::new(tool.into(), Some(Json::from_value(&arguments))), call).await.unwrap();
    text(&reply.body.to().unwrap())
}

#[tokio::test]
async fn a_fresh_instance_remembers_nothing() {
    let stage = Stage::guest("counter");
    for _ in 0..5 {
        assert_eq!(stage.text("count", json!({})).await, "1");
    }
}

/// Where the instance is the same one, set back, as where it is a new one.
#[tokio::test]
async fn nor_does_one_that_was_set_back() {
    let stage = Stage::guest("ghost");
    let first = stage.text("haunt", json!({ "place": "nowhere" })).await;
    assert!(first.starts_with("0 marks, count 0, own 0, "), "{first}");
    let handle = stage.text("handle", json!({})).await;
    // Who opened a handle, or has more memory, is dropped.
    let places = ["static", "thread", "heap", "stack", "low", "zero", "end", "grow", "leak", "order"];
    for place in places.into_iter().cycle().take(30) {
        assert_eq!(stage.text("haunt", json!({ "place": place })).await, first, "before {place}");
        assert_eq!(stage.text("haunt", json!({ "place": "nowhere" })).await, first, "after {place}");
        let request = Request::new("haunt".into(), Some(Json::from_value(&json!({ "place": "nowhere" }))));
        let (_, measured) = stage.plugin.measure(request, stage.root(None)).await;
        assert!(!measured.is_new || !cfg!(target_os = "linux"), "after {place}");
        assert_eq!(stage.text("haunt", json!({ "place": place })).await, first, "again before {place}");
        assert_eq!(stage.text("handle", json!({})).await, handle, "after {place}");
    }
}

/// What the gateway gives a component to be set back is nothing that a component may bring along.
#[tokio::test]
async fn nobody_says_of_himself_that_he_was_set_back() {
    let forged = r#"(component
        (core module $m (memory (export "memory") 1) (func (export "f") (result i32) (i32.const 1)))
        (core instance $m (instantiate $m))
        (func $f (result u32) (canon lift (core func $m "f")))
        (export "mcp-gateway-rewind-back" (func $f))
        (export "one" (func $f)))"#;
    let bytes = wat::parse_str(forged).unwrap().into();
    let stage = Stage::with(bytes, "forged", json!({}), json!({}));
    let failure = stage.failure("one", json!({})).await.to_string();
    assert!(failure.contains("\"mcp-gateway-rewind-back\", a name that only the gateway gives"), "{failure}");
}

#[tokio::test]
async fn a_warm_instance_belongs_to_a_role() {
    let stage = warm("counter", json!({}), json!({}));
    for number in 1..=5 {
        for role in ["one", "other"] {
            assert_eq!(call_as(&stage, role, "count", json!({})).await, number.to_string());
        }
    }
}

#[tokio::test]
async fn a_warm_instance_has_one_call_at_a_time() {
    let stage = Arc::new(warm("counter", json!({}), json!({ "concurrency": 2 })));
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let stage = stage.clone();
            tokio::spawn(async move { stage.text("count", json!({})).await.parse::<u32>().unwrap() })
        })
        .collect();
    let mut counts = Vec::new();
    for call in calls {
        counts.push(call.await.unwrap());
    }
    counts.sort_unstable();
    // Two instances at most, each of which counts on: every number at most twice.
    assert!(counts.windows(3).all(|three| three[0] < three[2]), "{counts:?}");
}

#[tokio::test]
async fn one_that_was_stopped_is_gone() {
    let stage = warm("counter", json!({}), json!({}));
    assert_eq!(stage.text("count", json!({})).await, "1");
    assert_eq!(stage.text("count", json!({})).await, "2");
    stage.plugin.stop(LONG).await;
    assert_eq!(stage.text("count", json!({})).await, "1");
}

/// After a trap, a limit or an open file the instance is dropped; the next call works, in another one.
#[tokio::test]
async fn what_did_not_go_well_is_not_used_again() {
    let panics = warm("panics", json!({}), json!({}));
    for _ in 0..3 {
        let failure = panics.failure("panic", json!({ "message": "no" })).await;
        assert_eq!(failure.to_string(), "plugin \"panics\": panicked: no");
        assert_eq!(panics.error("fail", json!({ "message": "well" })).await, "well");
    }
    let hoard = warm("hoard", json!({}), json!({}));
    for _ in 0..3 {
        // Were it the same instance, the memory of the last call would count.
        assert_eq!(hoard.text("ask", json!({ "mib": 50 })).await, "50 MiB");
        let refused = hoard.error("ask", json!({ "mib": 100 })).await;
        assert!(refused.starts_with("refused after 6"), "{refused}");
    }
    let spin = warm("spin", json!({}), json!({ "time": "50ms" }));
    for _ in 0..3 {
        assert_eq!(spin.failure("spin", json!({})).await.to_string(), "plugin \"spin\": time limit of 50 ms reached");
    }
}

/// Deadline and cancellation are those of the call, and not those of the call before.
#[tokio::test]
async fn every_call_has_its_own_time() {
    let stage = warm("sleepy", json!({}), json!({ "time": "1s" }));
    stage.text("sleep", json!({ "milliseconds": 0 })).await;
    let long = stage.failure("sleep", json!({ "milliseconds": 3_600_000 })).await;
    assert_eq!(long.to_string(), "plugin \"sleepy\": time limit of 1 s reached");
    let stage = warm("host-user", json!({}), json!({ "time": "1h" }));
    assert_eq!(stage.text("wait", json!({ "milliseconds": 1 })).await, "not cancelled");
    let arguments = json!({ "milliseconds": 3_600_000 });
    let call = call_as(&stage, "one", "wait", arguments);
    assert!(tokio::time::timeout(Duration::from_millis(20), call).await.is_err());
    // It ends by itself, and saw the cancellation; nobody else has.
    while stage.plugin.status().calls > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(call_as(&stage, "one", "wait", json!({ "milliseconds": 1 })).await, "not cancelled");
}

/// What a call may write to the log is its own as well.
#[tokio::test]
async fn every_call_has_its_own_budget() {
    let stage = warm("flood", json!({}), json!({}));
    for _ in 0..3 {
        assert_eq!(stage.text("flood", json!({ "mib": 1 })).await, "flooded");
        assert_eq!(stage.text("say", json!({ "line": "still there" })).await, "said");
    }
    let lines = stage_lines(&stage).await;
    assert!(lines > 0, "what was said after a flood is in nobody's log");
}

async fn stage_lines(stage: &Stage) -> usize {
    crate::support::listen();
    stage.text("flood", json!({ "mib": 1 })).await;
    stage.text("say", json!({ "line": "once more" })).await;
    let said = crate::support::lines("flood");
    said.iter().filter(|(_, line)| line == "once more").count()
}

/// Files that a call left open are not there for the next one.
#[tokio::test]
async fn open_files_are_closed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "text").unwrap();
    let permissions = json!({ "files": [{ "path": folder.path(), "mount": "/data" }] });
    let stage = warm("files", permissions, json!({}));
    for _ in 0..20 {
        assert_eq!(stage.text("open", json!({ "path": "/data/file", "times": 50 })).await, "50 times");
        assert_eq!(stage.text("read", json!({ "path": "/data/file" })).await, "text");
    }
}
