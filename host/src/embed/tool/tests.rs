use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;

/// Add two numbers.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Terms {
    /// The first one.
    a: i64,
    b: Option<Inner>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Inner {
    value: i64,
}

async fn add(terms: Terms) -> Result<Inner, String> {
    Ok(Inner { value: terms.a + terms.b.map_or(0, |inner| inner.value) })
}

#[test]
fn the_definition_is_made_from_the_types() {
    let tool = Tool::new("add", add).title("Sum").read_only().open_world(false);
    let definition = tool.definition();
    assert_eq!(definition["description"], "Add two numbers.");
    assert_eq!(definition["title"], "Sum");
    assert_eq!(definition["annotations"], json!({ "readOnlyHint": true, "openWorldHint": false }));
    let input = &definition["inputSchema"];
    assert_eq!(input["type"], "object");
    assert_eq!(input["required"], json!(["a"]));
    assert_eq!(input["additionalProperties"], false);
    assert_eq!(input["properties"]["a"]["description"], "The first one.");
    assert!(input["properties"]["b"].to_string().contains("value"), "in one piece: {input}");
    for key in ["title", "$schema", "$defs", "description"] {
        assert!(input.get(key).is_none(), "{key}: {input}");
    }
    // A format of Rust's own would be one that clients do not know.
    assert_eq!(definition["outputSchema"]["properties"]["value"], json!({ "type": "integer" }));
    assert_eq!(Tool::new("add", add).description("More").definition()["description"], "More");
}

#[test]
fn only_objects_have_output_schemas() {
    let schema = |tool: Tool| tool.definition().get("outputSchema").is_some();
    assert!(schema(Tool::new("x", async |_: ()| Ok::<BTreeMap<String, u8>, String>(BTreeMap::new()))));
    assert!(!schema(Tool::new("x", async |_: ()| Ok::<Vec<u8>, String>(Vec::new()))));
    assert!(!schema(Tool::new("x", async |_: ()| Ok::<Value, String>(json!({})))));
    assert!(!schema(Tool::new("x", async |_: ()| Ok::<(), String>(()))));
}

#[test]
fn what_cannot_be_a_tool_is_refused() {
    let of = |name: &str| Tool::new(name, add).function().map(|function| function.item.name);
    assert_eq!(&*of("add-2_B").unwrap(), "add-2_B");
    for name in ["", "a b", "a.b", "ä", &"x".repeat(65)] {
        assert_eq!(of(name), Err(ToolError::Name { tool: name.to_owned() }), "{name}");
    }
    let list = Tool::new("x", async |_: Vec<u8>| Ok::<(), String>(()));
    assert_eq!(list.function().err(), Some(ToolError::Arguments { tool: "x".to_owned() }));
}

#[test]
fn mistakes_in_arguments_are_told_with_their_place() {
    let read = |text: &'static str| {
        let read = read::<Terms>("add", &Json::parse(text).unwrap(), false);
        read.map(|terms| terms.a).map_err(|error| error.to_string())
    };
    assert_eq!(read(r#"{"a":1}"#), Ok(1));
    for (text, word) in [
        (r#"{"a":"x"}"#, "argument `a`: invalid type"),
        (r#"{"a":1,"b":{"value":"x"}}"#, "argument `b.value`: invalid type"),
        (r"{}", "missing field `a`"),
        (r#"{"a":1,"c":2}"#, "unknown field `c`"),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.starts_with("tool \"add\": ") && error.contains(word), "{error}");
    }
}

#[test]
fn results_are_what_clients_read() {
    let body = |value: Value| answer("x", &value).unwrap().body.to::<Value>().unwrap();
    assert_eq!(body(json!(null)), json!({ "content": [] }));
    assert_eq!(body(json!("a")), json!({ "content": [{ "type": "text", "text": "a" }] }));
    assert_eq!(body(json!([1])), json!({ "content": [{ "type": "text", "text": "[1]" }] }));
    let object = body(json!({ "a": 1 }));
    assert_eq!(object["structuredContent"], json!({ "a": 1 }));
    assert_eq!(object["content"][0]["text"], r#"{"a":1}"#);
    let odd = BTreeMap::from([(vec![1], 1)]);
    assert!(answer("x", &odd).is_err(), "a key that is no text has no JSON");
}
