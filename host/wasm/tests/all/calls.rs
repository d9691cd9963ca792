//! What a call gives.

use gateway_core::{
    error::{CallError, FailureKind},
    source::{Source, State},
};
use serde_json::{Value, json};

use crate::support::{LONG, Stage, example, lines, listen};

fn calculator() -> Stage {
    Stage::with(example("calculator"), "calculator", json!({}), json!({}))
}

#[tokio::test]
async fn the_calculator_adds() {
    let stage = calculator();
    assert_eq!(stage.plugin.status().state, State::Idle);
    assert_eq!(stage.text("add", json!({ "a": 2, "b": 40 })).await, "42");
    assert_eq!(stage.error("divide", json!({ "a": 1, "b": 0 })).await, "division by zero");
    let status = stage.plugin.status();
    assert_eq!((status.kind, status.state, status.starts, status.calls), ("plugin", State::Running, 1, 0));
    assert_eq!(status.tools, Some(7));
}

#[tokio::test]
async fn tools_are_learnt_once() {
    let stage = calculator();
    assert!(stage.plugin.offer().tools.is_none());
    assert!(stage.plugin.learns_at_once());
    stage.plugin.learn().await.unwrap();
    let offer = stage.plugin.offer();
    let tools = offer.tools.as_ref().unwrap();
    assert_eq!(tools[0].name.as_ref(), "add");
    let definition: Value = tools[0].definition.to().unwrap();
    assert_eq!(definition["name"], "add");
    assert_eq!(definition["description"], "Add two numbers.");
    assert_eq!(definition["inputSchema"]["required"], json!(["a", "b"]));
    assert_eq!(definition["annotations"]["readOnlyHint"], true);
    assert!(stage.events.lock().unwrap().try_recv().is_ok());
    stage.plugin.learn().await.unwrap();
    stage.call("add", json!({ "a": 2, "b": 40 })).await;
    assert!(std::sync::Arc::ptr_eq(&offer, &stage.plugin.offer()));
    assert!(stage.events.lock().unwrap().try_recv().is_err());
}

#[tokio::test]
async fn arguments_are_checked_before_anything_runs() {
    let stage = calculator();
    let failure = stage.failure("add", json!({ "a": 1 })).await;
    assert_eq!(failure.kind, FailureKind::Arguments);
    assert_eq!(failure.to_string(), r#"tool "add": argument "b" is missing"#);
    let unknown = stage.try_call("subtrakt", json!({})).await.unwrap_err();
    assert!(matches!(unknown, CallError::UnknownTool(name) if &*name == "subtrakt"));
}

#[tokio::test]
async fn every_call_has_an_instance_of_its_own() {
    let stage = Stage::guest("counter");
    for _ in 0..3 {
        assert_eq!(stage.text("count", json!({})).await, "1");
    }
}

#[tokio::test]
async fn all_kinds_of_content_arrive() {
    let result = Stage::guest("host-user").call("content", json!({})).await;
    let content = result["content"].as_array().unwrap();
    let kinds: Vec<&str> = content.iter().map(|block| block["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["text", "image", "audio", "resource_link", "resource", "resource"]);
    assert_eq!(
        content[0]["annotations"],
        json!({ "audience": ["user", "assistant"], "priority": 0.5, "lastModified": "2026-01-31T12:00:00Z" })
    );
    assert!(content[1]["data"].as_str().unwrap().starts_with("iVBORw0KGgo"));
    assert_eq!(content[1]["mimeType"], "image/png");
    assert_eq!(content[3]["size"], 1234);
    assert_eq!(content[4]["resource"], json!({ "uri": "memory://note", "mimeType": "text/plain", "text": "a note" }));
    assert_eq!(content[5]["resource"]["blob"], "AAEC/w==");
}

#[tokio::test]
async fn the_configuration_is_read() {
    let result = Stage::guest("host-user").text("config", json!({})).await;
    assert_eq!(serde_json::from_str::<Value>(&result).unwrap(), json!({ "key": [1, 2] }));
}

#[tokio::test]
async fn progress_is_passed_on() {
    let stage = Stage::guest("host-user");
    stage.call("progress", json!({ "steps": 3 })).await;
    let told = stage.client.progress.lock().unwrap().clone();
    assert_eq!(told.len(), 3);
    assert_eq!(told[0], json!({ "progress": 1.0, "total": 3.0, "message": "step 1" }));
}

#[tokio::test]
async fn the_log_has_levels_and_a_limit() {
    listen();
    let stage = Stage::with(crate::support::guest("host-user"), "logger", json!({}), json!({}));
    for level in ["debug", "notice", "warning", "emergency"] {
        stage.call("log", json!({ "level": level, "message": "a line" })).await;
    }
    let levels: Vec<tracing::Level> = lines("logger").into_iter().map(|(level, _)| level).collect();
    use tracing::Level;
    assert_eq!(levels, [Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR]);
    stage.call("log", json!({ "message": "x".repeat(1000), "times": 100 })).await;
    assert_eq!(lines("logger").len(), 4 + 66);
}

#[tokio::test]
async fn output_goes_to_the_log() {
    listen();
    let stage = Stage::with(crate::support::guest("flood"), "writer", json!({}), json!({ "time": "60s" }));
    assert_eq!(stage.text("say", json!({ "line": "hello" })).await, "said");
    let said = lines("writer");
    assert_eq!(said.len(), 2);
    assert!(said.iter().all(|(_, line)| line == "hello"));
    assert_eq!(stage.text("flood", json!({ "mib": 2 })).await, "flooded");
    let said = lines("writer");
    assert!(said.iter().any(|(_, line)| line == "(what follows is left out: a call may write 65536 bytes)"));
    assert!(said.len() < 2 + 2 * 1100, "{}", said.len());
}

#[tokio::test]
async fn broken_promises_are_told() {
    let stage = Stage::guest("lies");
    assert_eq!(stage.call("keep", json!({})).await["structuredContent"], json!({ "count": 1 }));
    for (tool, problem) in [
        ("break-json", "returned structured content that is no JSON object"),
        ("return-a-list", "returned structured content that is no JSON object"),
        ("return-nothing", "promises structured content, and returned none"),
        (
            "return-another-type",
            "returned other structured content than it promises: member \"count\": it is not of type \"integer\"",
        ),
    ] {
        let failure = stage.failure(tool, json!({})).await;
        assert_eq!(failure.kind, FailureKind::Broken);
        assert_eq!(failure.to_string(), format!("plugin \"lies\": tool {tool:?} {problem}"));
    }
}

#[tokio::test]
async fn errors_of_tools_have_kinds() {
    let stage = Stage::guest("lies");
    assert_eq!(stage.error("fail", json!({})).await, "the guest gave up");
    let failure = |kind: &'static str| stage.failure("fail", json!({ "kind": kind }));
    assert_eq!(failure("invalid-arguments").await.kind, FailureKind::Arguments);
    assert_eq!(failure("unknown-tool").await.kind, FailureKind::Broken);
    assert_eq!(failure("cancelled").await.kind, FailureKind::Cancelled);
}

#[tokio::test]
async fn a_stopped_plugin_can_be_called_again() {
    let stage = calculator();
    stage.call("add", json!({ "a": 2, "b": 40 })).await;
    stage.plugin.stop(LONG).await;
    assert_eq!(stage.plugin.status().state, State::Idle);
    assert_eq!(stage.text("add", json!({ "a": 2, "b": 40 })).await, "42");
    assert_eq!(stage.plugin.status().starts, 2);
}

#[tokio::test]
async fn plugins_that_cannot_be_listed_are_refused() {
    for (name, problem) in [
        ("bad-names", "it lists the tool \"run\" twice"),
        ("bad-schema", "tool \"run\": its input schema is no JSON"),
        ("bad-list", "panicked: the guest does not like to be listed"),
        ("no-tool", "it exports no interface of `gateway:plugin`"),
    ] {
        let stage = Stage::guest(name);
        let error = stage.plugin.learn().await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("plugin {name:?}: {problem}")), "{error}");
        assert_eq!(stage.plugin.status().state, State::Failed);
        assert_eq!(stage.plugin.status().error, Some(error.clone()));
        assert_eq!(stage.failure("run", json!({})).await.to_string(), error);
    }
}
