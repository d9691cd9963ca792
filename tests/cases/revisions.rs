//! Every revision with a handshake is spoken as the client asks for it.

use gateway_tests::{Gateway, client::LATEST};
use serde_json::json;

#[test]
fn a_known_revision_is_echoed() {
    let gateway = Gateway::with(&json!({}));
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let client = gateway.connect();
        let answer = client.initialize_as(version, json!({}));
        assert_eq!(answer.result()["protocolVersion"], version);
        assert_eq!(answer.result()["serverInfo"]["name"], "mcp-gateway");
        assert!(answer.result()["capabilities"]["tools"].is_object(), "{}", answer.raw);
        assert_eq!(client.request("ping", json!({})).result(), &json!({}));
        assert!(client.tools().tool_names().contains(&"gateway_status".to_owned()));
    }
}

#[test]
fn an_unknown_revision_gets_the_newest() {
    let gateway = Gateway::with(&json!({}));
    for version in ["2023-01-01", "2099-12-31", "", "latest"] {
        let client = gateway.connect();
        assert_eq!(
            client.initialize_as(version, json!({})).result()["protocolVersion"],
            LATEST,
            "asked for {version:?}"
        );
    }
}

#[test]
fn each_server_is_asked_for_a_revision_that_it_can_speak() {
    let fake = gateway_tests::Fake::new();
    let gateway = Gateway::with(&json!({ "servers": { "fake": fake.entry(&[]) } }));
    let client = gateway.connect();
    client.initialize_as("2024-11-05", json!({}));
    assert_eq!(client.call("fake__echo", json!({ "text": "hello" })).text(), "hello");
    let asked = fake.process(1).event("initialize");
    assert!(asked["params"]["protocolVersion"].as_str().is_some_and(|version| version <= LATEST), "{asked}");
    assert!(asked["params"]["clientInfo"]["name"].is_string(), "{asked}");
}

#[test]
fn a_batch_is_answered_in_the_one_revision_that_has_them() {
    let gateway = Gateway::with(&json!({}));
    let client = gateway.connect();
    client.initialize_as("2025-03-26", json!({}));
    client.line(
        r#"[{"jsonrpc":"2.0","id":"a","method":"ping"},{"jsonrpc":"2.0","method":"notifications/x"},{"jsonrpc":"2.0","id":"b","method":"nope"}]"#,
    );
    // The answers may come together or each by itself, and in any order.
    let answered = client.answers_in_batch(&["a", "b"]);
    assert_eq!(answered[0]["result"], json!({}));
    assert_eq!(answered[1]["error"]["code"], -32601);
}
