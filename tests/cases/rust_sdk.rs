//! What a plugin in Rust has and uses beside tools, through the gateway: each export of the SDK, and each of its questions.

use gateway_tests::{Gateway, guests};
use serde_json::{Value, json};

fn gateway() -> Gateway {
    let notebook = json!({
        "source": guests::NOTEBOOK.source(),
        "permissions": { "client": ["elicitation", "sampling", "roots"] },
        "limits": { "storage": "64KiB" },
    });
    Gateway::with(&json!({ "plugins": { "notebook": notebook, "calculator": guests::CALCULATOR.source() } }))
}

#[test]
pub(super) fn notebook() {
    let gateway = gateway();
    let client = gateway.client();
    let write = |name: &str, text: &str| client.call("notebook__write", json!({ "name": name, "text": text })).text();
    assert_eq!((write("milk", "Buy milk."), write("ä b", "Ünder.")), ("1".to_owned(), "2".to_owned()));

    let read = |uri: &str| client.request("resources/read", json!({ "uri": uri }));
    let text = |uri: &str| read(uri).result()["contents"][0]["text"].as_str().unwrap().to_owned();
    assert_eq!(text("notebook:///index"), "milk ä b");
    assert_eq!(text("notebook:///notes/milk"), "Buy milk.");
    assert_eq!(text("notebook:///notes/%C3%A4%20b"), "Ünder.");
    assert_eq!(read("notebook:///notes/bread").error()["code"], -32002);
    let listed = client.request("resources/list", json!({})).result()["resources"].clone();
    let index = json!([{
        "uri": "notebook:///index", "name": "index", "title": "Index", "mimeType": "text/plain",
        "description": "The names of all notes, in the order in which they were written.",
    }]);
    assert_eq!(listed, index);

    let rewrite = |arguments: Value| {
        client.request("prompts/get", json!({ "name": "notebook__rewrite", "arguments": arguments }))
    };
    let filled = rewrite(json!({ "name": "milk", "style": "proud" })).result()["messages"].clone();
    let text = "Rewrite this in a proud style: Buy milk.";
    assert_eq!(filled, json!([{ "role": "user", "content": { "type": "text", "text": text } }]));
    let why = rewrite(json!({ "name": "bread" })).error()["message"].to_string();
    assert!(why.contains("there is no such note"), "{why}");

    let complete = |reference: Value, argument: Value, chosen: Value| {
        let context = json!({ "arguments": chosen });
        let params = json!({ "ref": reference, "argument": argument, "context": context });
        client.request("completion/complete", params).result()["completion"]["values"].clone()
    };
    let style = json!({ "name": "style", "value": "P" });
    let prompt = json!({ "type": "ref/prompt", "name": "notebook__rewrite" });
    assert_eq!(complete(prompt.clone(), style, json!({})), json!(["plain", "proud"]));
    let style = json!({ "name": "style", "value": "" });
    assert_eq!(complete(prompt, style, json!({ "name": "milk" })), json!(["creamy"]));
    let template = json!({ "type": "ref/resource", "uri": "notebook:///notes/{name}" });
    assert_eq!(complete(template, json!({ "name": "name", "value": "m" }), json!({})), json!(["milk"]));

    assert_eq!(client.call("notebook__forget", json!({ "name": "milk" })).text(), "true");
    assert_eq!(client.call("notebook__forget", json!({ "name": "milk" })).text(), "false");
}

#[test]
fn the_client_is_asked() {
    let gateway = gateway();
    let client = gateway.connect();
    client.initialize_as("2025-11-25", json!({ "elicitation": {}, "sampling": {}, "roots": {} }));
    for (answer, told) in [
        (json!({ "action": "accept", "content": { "name": "milk", "weight": 3 } }), "milk Some(3)"),
        (json!({ "action": "accept", "content": { "name": "milk" } }), "milk None"),
        (json!({ "action": "decline" }), "declined"),
        (json!({ "action": "cancel" }), "cancelled"),
    ] {
        let call = client.send_call("notebook__ask", json!({}));
        let question = client.incoming("elicitation/create");
        assert_eq!(question.params()["message"], "Which note?");
        let schema = &question.params()["requestedSchema"];
        assert_eq!(schema["properties"]["weight"]["type"], "integer", "{schema}");
        assert_eq!(schema["required"], json!(["name"]));
        client.respond(&question, &answer);
        assert_eq!(client.answer(call).text(), told);
    }

    let call = client.send_call("notebook__muse", json!({}));
    let question = client.incoming("sampling/createMessage");
    let content = json!({ "type": "text", "text": "Hm." });
    client.respond(&question, &json!({ "role": "assistant", "content": content, "model": "m" }));
    let question = client.incoming("roots/list");
    client.respond(&question, &json!({ "roots": [{ "uri": "file:///work" }] }));
    assert_eq!(client.answer(call).text(), "Hm. (m) in file:///work");
}

/// A component carries what its `export!` names, and imports what it calls.
#[test]
fn a_component_has_what_it_lists_and_nothing_else() {
    let gateway = gateway();
    let inspect = |component: String| gateway.run(&["plugin", "inspect", &component]).answer().to_owned();
    let calculator = inspect(guests::CALCULATOR.source());
    for other in ["wasi:keyvalue", "gateway:plugin/host"] {
        assert!(!calculator.contains(other), "{calculator}");
    }
    assert!(inspect(guests::NOTEBOOK.source()).contains("wasi:keyvalue/store"));
    let exports = |component: std::path::PathBuf, name: &str| {
        let bytes = std::fs::read(component).unwrap();
        let name = format!("gateway:plugin/{name}@").into_bytes();
        bytes.windows(name.len()).any(|window| window == name)
    };
    let of = |component: fn() -> std::path::PathBuf| {
        ["tool", "resources", "prompts", "completions", "filter"].map(|name| exports(component(), name))
    };
    assert_eq!(of(|| guests::CALCULATOR.path()), [true, false, false, false, false]);
    assert_eq!(of(|| guests::REDACT.path()), [true, false, false, false, true]);
    assert_eq!(of(|| guests::USHER.path()), [false, false, false, false, true]);
    assert_eq!(of(|| guests::NOTEBOOK.path()), [true, true, true, true, false]);
}
