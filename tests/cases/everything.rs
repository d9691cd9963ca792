//! What server-everything can do beside tools, through the gateway as directly.

use gateway_tests::{Client, Gateway, Message, foreign};
use serde_json::{Value, json};

/// The server, directly and through the gateway.
struct Pair {
    direct: Client,
    through: Client,
    _gateway: Gateway,
}

impl Pair {
    fn new() -> Self {
        let server = foreign::node_server("everything", &["stdio"]);
        let gateway = Gateway::with(&json!({ "servers": { "it": foreign::entry(&server) } }));
        let pair = Self {
            direct: Client::spawn_other(&mut foreign::command(&server)),
            through: gateway.connect(),
            _gateway: gateway,
        };
        for client in [&pair.direct, &pair.through] {
            client.initialize_as("2025-11-25", json!({}));
        }
        pair.through.call("_it_connect", json!({})).text();
        pair
    }

    /// The answers to the same request; only names differ.
    #[track_caller]
    fn same(&self, method: &str, params: Value) -> Message {
        let public = params.to_string().replace("\"NAME:", "\"it__");
        let own = params.to_string().replace("\"NAME:", "\"");
        let [own, public]: [Value; 2] = [own, public].map(|text| serde_json::from_str(&text).unwrap());
        let (direct, through) = (self.direct.request(method, own), self.through.request(method, public));
        let timeless = |message: &Message| {
            let outcome = message.value.get("error").unwrap_or(&message.value["result"]);
            // Some resources tell the time.
            outcome.to_string().replace("it__", "").replace(|c: char| c.is_ascii_digit(), "")
        };
        assert_eq!(timeless(&through), timeless(&direct), "{method} {params}");
        through
    }
}

#[test]
fn prompts() {
    let pair = Pair::new();
    let list = pair.same("prompts/list", json!({}));
    assert!(list.raw.contains("it__simple-prompt"), "{}", list.raw);
    pair.same("prompts/get", json!({ "name": "NAME:simple-prompt" })).result();
    pair.same("prompts/get", json!({ "name": "NAME:args-prompt", "arguments": { "city": "Paris" } })).result();
    pair.same("prompts/get", json!({ "name": "NAME:args-prompt" })).error();
    let reference = json!({ "type": "ref/prompt", "name": "NAME:completable-prompt" });
    let argument = json!({ "name": "department", "value": "S" });
    let completed = pair.same("completion/complete", json!({ "ref": reference, "argument": argument }));
    assert!(!completed.result()["completion"]["values"].as_array().unwrap().is_empty(), "{}", completed.raw);
}

#[test]
fn resources() {
    let pair = Pair::new();
    let list = pair.same("resources/list", json!({}));
    let first = list.result()["resources"][0]["uri"].clone();
    assert!(!pair.same("resources/read", json!({ "uri": first })).result()["contents"].as_array().unwrap().is_empty());
    let templates = pair.same("resources/templates/list", json!({}));
    assert!(templates.raw.contains("demo://resource/dynamic/text/"), "{}", templates.raw);
    pair.same("resources/read", json!({ "uri": "demo://resource/dynamic/text/1" })).result();
    pair.same("resources/read", json!({ "uri": "demo://resource/dynamic/blob/2" })).result();
    pair.same("resources/read", json!({ "uri": "demo://nowhere" })).error();
}

#[test]
fn subscriptions() {
    let pair = Pair::new();
    let uri = "demo://resource/dynamic/text/1";
    pair.same("resources/subscribe", json!({ "uri": uri })).result();
    pair.through.call("it__toggle-subscriber-updates", json!({})).text();
    assert_eq!(pair.through.incoming("notifications/resources/updated").params()["uri"], uri);
    pair.same("resources/unsubscribe", json!({ "uri": uri })).result();
}

#[test]
fn logging() {
    let pair = Pair::new();
    for client in [&pair.direct, &pair.through] {
        client.request("logging/setLevel", json!({ "level": "debug" })).result();
    }
    pair.direct.call("toggle-simulated-logging", json!({})).text();
    pair.through.call("it__toggle-simulated-logging", json!({})).text();
    for client in [&pair.direct, &pair.through] {
        assert!(client.incoming("notifications/message").params()["level"].is_string());
    }
}
