//! Calls whose callers go away.

use std::time::Duration;

use gateway_core::{
    payload::{Json, Request},
    source::Source,
};
use serde_json::json;

use crate::support::{LONG, Stage, guest, lines, listen};

/// Begins a call, and drops it once the guest runs.
async fn begin_and_drop(stage: &Stage, tool: &str) {
    stage.plugin.learn().await.unwrap();
    let arguments = Json::from_value(&json!({ "milliseconds": 3_600_000 }));
    let mut call = stage.plugin.call(Request::new(tool.into(), Some(arguments)), stage.root(None));
    while stage.plugin.status().calls == 0 {
        tokio::select! {
            biased;
            _ = &mut call => panic!("it ended"),
            () = tokio::task::yield_now() => {}
        }
    }
    drop(call);
}

#[tokio::test]
async fn a_guest_that_asks_ends_by_itself() {
    listen();
    let stage = Stage::with(guest("host-user"), "waiter", json!({}), json!({ "time": "1h" }));
    begin_and_drop(&stage, "wait").await;
    // Waits for the guest; that it is told to stop besides changes nothing, since it was told before.
    stage.plugin.stop(LONG).await;
    assert_eq!(lines("waiter").last().unwrap().1, "saw the cancellation");
}

#[tokio::test]
async fn a_guest_that_does_not_is_ended() {
    let stage = Stage::granted("spin", json!({}), json!({ "time": "1h" }));
    stage.plugin.learn().await.unwrap();
    let call = stage.plugin.call(Request::new("spin".into(), None), stage.root(None));
    let waited = tokio::time::timeout(Duration::from_millis(20), call).await;
    assert!(waited.is_err());
    while stage.plugin.status().calls > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_guest_that_sleeps_is_ended() {
    let stage = Stage::granted("sleepy", json!({}), json!({ "time": "1h" }));
    begin_and_drop(&stage, "sleep").await;
    while stage.plugin.status().calls > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn stopping_asks_first() {
    let stage = Stage::granted("host-user", json!({}), json!({ "time": "1h" }));
    stage.plugin.learn().await.unwrap();
    let arguments = json!({ "milliseconds": 3_600_000 });
    let waiting = async {
        while stage.plugin.status().calls == 0 {
            tokio::task::yield_now().await;
        }
        stage.plugin.stop(LONG).await;
    };
    let (text, ()) = tokio::join!(stage.text("wait", arguments), waiting);
    assert_eq!(text, "cancelled");
}

#[tokio::test]
async fn a_nested_call_ends_with_its_caller() {
    let stage = Stage::granted("host-user", json!({ "tools": ["*"] }), json!({ "time": "1h" }));
    let sleepy = Stage::granted("sleepy", json!({}), json!({ "time": "1h" }));
    stage.gateway.sources.lock().unwrap().insert("sleepy".to_owned(), sleepy.plugin.clone());
    stage.plugin.learn().await.unwrap();
    sleepy.plugin.learn().await.unwrap();
    let arguments = json!({ "tool": "sleepy__sleep", "arguments": { "milliseconds": 3_600_000 } });
    let request = Request::new("call".into(), Some(Json::from_value(&arguments)));
    let mut call = stage.plugin.call(request, stage.root(None));
    while sleepy.plugin.status().calls == 0 {
        tokio::select! {
            biased;
            _ = &mut call => panic!("it ended"),
            () = tokio::task::yield_now() => {}
        }
    }
    drop(call);
    while stage.plugin.status().calls + sleepy.plugin.status().calls > 0 {
        tokio::task::yield_now().await;
    }
}
