//! Components of plain functions: each function is a tool.

use std::path::{Path, PathBuf};

use gateway_core::{error::FailureKind, name::SourceName};
use gateway_wasm::{PluginSettings, inspect};
use serde_json::{Map, Value, json};

use crate::support::{Stage, engine, example, guest, text};

/// The definitions of a plugin's tools, by name.
async fn definitions(stage: &Stage) -> Map<String, Value> {
    stage.plugin.learn().await.unwrap();
    let offer = stage.plugin.offer();
    let tools = offer.tools.iter().flatten();
    tools.map(|tool| (tool.name.to_string(), tool.definition.to().unwrap())).collect()
}

fn wit(guest: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/guests").join(guest).join("wit")
}

/// A guest that carries the comments of its WIT.
fn documented(name: &str) -> Stage {
    let bytes = inspect::with_docs(&guest(name), &wit(name)).unwrap();
    Stage::with(bytes.into(), name, json!({}), json!({}))
}

#[tokio::test]
async fn values_of_every_type_come_back() {
    let stage = Stage::guest("shapes");
    let point = json!({ "x": -1, "y": 2, "name": "a" });
    let table = [
        ("an-s8", json!([-128, 127])),
        ("a-u8", json!([0, 255])),
        ("an-s16", json!([-32768, 32767])),
        ("a-u16", json!([65535])),
        ("an-s32", json!([i32::MIN, i32::MAX])),
        ("a-u32", json!([u32::MAX])),
        // Past 2^53, where numbers that are not whole have no such digits any more.
        ("an-s64", json!([i64::MIN, i64::MAX, 9_007_199_254_740_993_i64])),
        ("a-u64", json!([u64::MAX, 18_446_744_073_709_551_557_u64])),
        ("an-f32", json!([0.1, -2, 3.25, 1e30])),
        ("an-f64", json!([0.1, -2, 1e300, 5e-324])),
        ("a-char", json!(["a", "é", "🦀", "\u{0}"])),
        ("bytes", json!(["", "AAECAw==", "/+7d"])),
        ("numbers", json!([[], [1, -2, 3]])),
        ("a-tuple", json!([[7, "seven", true]])),
        ("an-enum", json!(["red", "green"])),
        ("some-flags", json!([[], ["read"], ["read", "write"]])),
        ("a-variant", json!(["nothing", "everything", { "dot": point }, { "circle": [point, 0.5] }])),
        ("variants", json!([["nothing", { "dot": point }]])),
        ("an-option", json!([null, "", "some"])),
        ("an-option-of-an-option", json!([null, { "some": null }, { "some": 3 }])),
        ("a-result", json!([{ "ok": 1 }, { "error": "no" }])),
        ("a-result-of-nothing", json!([{ "ok": null }, { "error": null }])),
    ];
    for (tool, values) in table {
        for value in values.as_array().unwrap() {
            let result = stage.call(tool, json!({ "value": value })).await;
            assert_eq!(result["structuredContent"]["result"].to_string(), value.to_string(), "{tool}");
            let said = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
            assert_eq!(text(&result), said, "{tool}");
        }
    }
    for value in [point, json!({ "x": 0, "y": 0, "name": null })] {
        let result = stage.call("a-record", json!({ "value": value })).await;
        assert_eq!(result["structuredContent"], value);
        assert_eq!(text(&result), value.to_string());
    }
    let result = stage.call("a-string", json!({ "value": "\"text\"\n as it is" })).await;
    assert_eq!(result, json!({ "content": [{ "type": "text", "text": "\"text\"\n as it is" }] }));
    assert_eq!(stage.call("nothing", json!({})).await, json!({ "content": [] }));
    let none = json!(["NaN", "Infinity", "-Infinity"]);
    assert_eq!(stage.call("no-numbers", json!({})).await["structuredContent"]["result"], none);
}

#[tokio::test]
async fn what_can_be_written_in_several_ways_is_understood() {
    let stage = Stage::guest("shapes");
    let table = [
        ("an-option", json!({}), json!(null)),
        ("an-s32", json!({ "value": 3.0 }), json!(3)),
        ("bytes", json!({ "value": "AA" }), json!("AA==")),
        ("some-flags", json!({ "value": ["write", "read"] }), json!(["read", "write"])),
    ];
    for (tool, arguments, expected) in table {
        assert_eq!(stage.call(tool, arguments).await["structuredContent"]["result"], expected, "{tool}");
    }
    let partial = stage.call("a-record", json!({ "value": { "x": 1, "y": 2 } })).await;
    assert_eq!(partial["structuredContent"], json!({ "x": 1, "y": 2, "name": null }));
}

#[tokio::test]
async fn mistakes_in_arguments_are_found_before_the_call() {
    let stage = Stage::guest("shapes");
    let table = [
        ("an-s8", json!({}), "argument \"value\" is missing"),
        ("an-s8", json!({ "value": 1, "other": 2 }), "argument \"other\" is unknown"),
        ("an-s8", json!({ "value": 128 }), "argument \"value\": it is greater than the maximum of 127"),
        ("a-u64", json!({ "value": -1 }), "argument \"value\": it is less than the minimum of 0"),
        ("a-u64", json!({ "value": 1e20 }), "argument \"value\""),
        ("an-s64", json!({ "value": 1e17 }), "argument \"value\": it is no whole number, or not written as one"),
        ("an-s32", json!({ "value": 1.5 }), "argument \"value\": it is not of type \"integer\""),
        ("an-s32", json!({ "value": "1" }), "argument \"value\": it is not of type \"integer\""),
        ("an-f32", json!({ "value": 1e39 }), "argument \"value\": it is out of range"),
        ("a-char", json!({ "value": "ab" }), "argument \"value\": it is longer than 1 character"),
        ("a-char", json!({ "value": "" }), "argument \"value\": it is shorter than 1 character"),
        ("bytes", json!({ "value": "a?" }), "argument \"value\": it is no base64"),
        ("numbers", json!({ "value": [1, 40000] }), "argument \"value/1\": it is greater than the maximum of 32767"),
        ("a-tuple", json!({ "value": [1, "a"] }), "argument \"value\": it has less than 3 items"),
        ("a-record", json!({ "value": { "x": 1 } }), "argument \"value/y\" is missing"),
        ("a-record", json!({ "value": { "x": 1, "y": 1, "z": 1 } }), "argument \"value/z\" is unknown"),
        ("an-enum", json!({ "value": "blue" }), "argument \"value\": it is not one of \"red\" or \"green\""),
        ("some-flags", json!({ "value": ["read", "read"] }), "argument \"value\": it has non-unique elements"),
        ("a-variant", json!({ "value": { "dot": 1 } }), "argument \"value\""),
        ("a-variant", json!({ "value": { "nothing": null } }), "argument \"value\""),
        ("an-option-of-an-option", json!({ "value": 3 }), "argument \"value\""),
        ("a-result", json!({ "value": { "ok": 1, "error": "" } }), "argument \"value\""),
    ];
    for (tool, arguments, mistake) in table {
        let failure = stage.failure(tool, arguments.clone()).await;
        assert_eq!(failure.kind, FailureKind::Arguments, "{failure}");
        assert!(failure.message.starts_with(&format!("tool {tool:?}: {mistake}")), "{arguments}: {failure}");
    }
}

#[tokio::test]
async fn an_error_that_is_returned_is_an_error() {
    let stage = Stage::guest("shapes");
    let fails = |value: Value| stage.call("fails", json!({ "value": value }));
    let ok = fails(json!({ "ok": { "x": 1, "y": 2 } })).await;
    assert_eq!((&ok["isError"], &ok["structuredContent"]), (&json!(null), &json!({ "x": 1, "y": 2, "name": null })));
    let error = fails(json!({ "error": "nothing" })).await;
    assert_eq!((&error["isError"], &error["structuredContent"]), (&json!(true), &json!({ "error": "nothing" })));
    assert_eq!(text(&error), "nothing");
    let dot = json!({ "dot": { "x": 1, "y": 2, "name": null } });
    let error = fails(json!({ "error": dot })).await;
    assert_eq!((&error["isError"], &error["structuredContent"]), (&json!(true), &json!({ "error": dot })));
    assert_eq!(text(&error), dot.to_string());
    let said = stage.error("fails-without-a-reason", json!({ "value": { "error": null } })).await;
    assert_eq!(said, "the function returned an error without a reason");
    assert_eq!(
        stage.call("fails-without-a-reason", json!({ "value": { "ok": null } })).await,
        json!({ "content": [] })
    );
    assert_eq!(Stage::guest("plain").error("divide", json!({ "a": 1, "b": 0 })).await, "division by zero");
}

#[tokio::test]
async fn what_breaks_or_returns_too_much_is_ended() {
    let stage = Stage::granted("shapes", json!({}), json!({ "output": "1MiB" }));
    let failure = stage.failure("breaks", json!({ "message": "not today" })).await;
    assert_eq!(failure.kind, FailureKind::Broken);
    assert!(failure.message.contains("panicked: not today"), "{failure}");
    for (tool, count) in [("many-bytes", 10_000_000), ("many-nothings", 500_000)] {
        let failure = stage.failure(tool, json!({ "count": count })).await;
        assert_eq!(failure.kind, FailureKind::Limit, "{failure}");
        assert!(failure.message.contains("output limit of 1 MiB"), "{failure}");
    }
    let bytes = stage.text("many-bytes", json!({ "count": 100_000 })).await;
    assert_eq!(bytes.len(), 133_336);
}

#[tokio::test]
async fn types_are_schemas() {
    let tools = definitions(&Stage::guest("shapes")).await;
    let input = |tool: &str| tools[tool]["inputSchema"]["properties"]["value"].clone();
    let output = |tool: &str| tools[tool]["outputSchema"].clone();
    assert_eq!(input("an-s8"), json!({ "type": "integer", "minimum": -128, "maximum": 127 }));
    assert_eq!(input("a-u64"), json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX }));
    assert_eq!(input("an-f64"), json!({ "type": "number" }));
    assert_eq!(input("a-char"), json!({ "type": "string", "minLength": 1, "maxLength": 1 }));
    assert_eq!(input("bytes"), json!({ "type": "string", "contentEncoding": "base64" }));
    assert_eq!(input("an-option"), json!({ "type": ["string", "null"] }));
    assert_eq!(tools["an-option"]["inputSchema"].get("required"), None);
    assert_eq!(input("some-flags")["items"], json!({ "type": "string", "enum": ["read", "write"] }));
    assert_eq!(input("a-tuple")["prefixItems"].as_array().unwrap().len(), 3);
    let point = json!({
        "type": "object",
        "properties": {
            "x": { "type": "integer", "minimum": i32::MIN, "maximum": i32::MAX },
            "y": { "type": "integer", "minimum": i32::MIN, "maximum": i32::MAX },
            "name": { "type": ["string", "null"] },
        },
        "required": ["x", "y"],
        "additionalProperties": false,
    });
    assert_eq!(input("a-record"), point);
    assert_eq!(output("a-record"), point);
    assert_eq!(output("fails"), point);
    assert_eq!(
        tools["a-record"]["inputSchema"],
        json!({ "type": "object", "properties": { "value": point }, "required": ["value"], "additionalProperties": false })
    );
    let variant = input("a-variant");
    assert_eq!(variant["oneOf"][0], json!({ "type": "string", "enum": ["nothing", "everything"] }));
    assert_eq!(variant["oneOf"][1]["properties"]["dot"], point);
    assert_eq!(output("an-s32")["properties"]["result"]["type"], "integer");
    assert_eq!(output("an-s32")["required"], json!(["result"]));
    for tool in ["a-string", "nothing", "fails-without-a-reason"] {
        assert_eq!(output(tool), Value::Null, "{tool}");
    }
}

#[tokio::test]
async fn names_are_those_of_the_functions_and_what_cannot_be_called_is_left_out() {
    let tools = definitions(&Stage::guest("shapes")).await;
    for known in ["a-bool", "echo_a-bool", "others_a-bool", "an-s8", "fails"] {
        assert!(tools.contains_key(known), "{known}");
    }
    assert!(!tools.keys().any(|name| name.ends_with("a-thing") || name.contains('[')), "{:?}", tools.keys());
    let stage = Stage::guest("shapes");
    assert_eq!(stage.text("a-bool", json!({ "value": true })).await, "1");
    assert_eq!(stage.text("echo_a-bool", json!({ "value": true })).await, "true");
    assert_eq!(stage.call("others_a-bool", json!({ "value": true })).await.get("structuredContent"), None);
}

#[tokio::test]
async fn comments_become_descriptions() {
    let tools = definitions(&documented("plain-files")).await;
    let search = &tools["search-file"];
    assert!(search["description"].as_str().unwrap().starts_with("The lines of a file that hold a text."));
    assert_eq!(search["inputSchema"]["properties"]["limit"]["description"], "how many lines at most");
    let info = &tools["get-file-info"]["outputSchema"];
    assert_eq!(info["description"], "What is known of a file.");
    assert_eq!(info["properties"]["size"]["description"], "Bytes.");
    assert_eq!(info["properties"]["kind"]["description"], "What a name stands for.");
    assert_eq!(info["properties"]["modified"]["description"], "Seconds since 1970.");

    let tools = definitions(&documented("shapes")).await;
    assert_eq!(tools["a-bool"]["description"], "A function at the root.");
    assert_eq!(tools["an-s8"].get("description"), None);
    let variant = &tools["a-variant"]["inputSchema"]["properties"]["value"];
    assert_eq!(variant["description"], "Something to draw.");
    assert_eq!(variant["oneOf"][0]["description"], "`nothing`: Nothing at all.");
    assert_eq!(variant["oneOf"][1]["description"], "A dot.");
    assert_eq!(
        tools["an-enum"]["inputSchema"]["properties"]["value"]["description"],
        "A colour of the rainbow.\n`red`: The first."
    );

    let tools = definitions(&documented("plain")).await;
    assert_eq!(tools["greet"]["description"], "Greet somebody, by name where there is one.");
    assert_eq!(definitions(&Stage::guest("plain")).await["greet"].get("description"), None);
}

#[tokio::test]
async fn what_a_component_speaks_is_told() {
    let seen = inspect::component(&guest("plain-time")).unwrap();
    assert!(seen.is_plain());
    assert_eq!((seen.speaks().as_str(), seen.interfaces().count()), ("plain functions", 0));
    assert_eq!(seen.to_string(), "a component of plain functions");
    let seen = inspect::component(&example("calculator")).unwrap();
    assert_eq!(seen.interfaces().collect::<Vec<_>>(), ["tool"]);
    assert_eq!(seen.to_string(), "a component for gateway:plugin@0.1.0");
    // Where there are tools, functions beside them are none.
    let seen = inspect::component(&guest("both")).unwrap();
    assert!(!seen.is_plain());
    assert_eq!(definitions(&Stage::guest("both")).await.keys().collect::<Vec<_>>(), ["hello"]);
}

#[tokio::test]
async fn functions_of_resources_alone_are_no_plugin() {
    let name = SourceName::new("odd").unwrap();
    let failure =
        gateway_wasm::inspect(&engine(), &name, guest("handles"), PluginSettings::default()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Broken);
    assert!(failure.message.starts_with("plugin \"odd\": none of the functions that it exports can be a tool: "));
    assert!(failure.message.contains("`open`: it takes or returns a resource"), "{failure}");
    assert!(failure.message.contains("`[method]file.read`: it belongs to a resource"), "{failure}");
    assert!(failure.hint.unwrap().contains("no resources"));
}

#[tokio::test]
async fn damaged_documentation_is_none() {
    let whole = guest("plain");
    for docs in [&b""[..], b"\x07{}", b"\x01{\"worlds\":[]}", b"\x01{\"worlds\":{\"plain\":{\"types\":7}}}"] {
        let mut bytes = whole.to_vec();
        bytes.extend([0, 13 + docs.len() as u8, 12]);
        bytes.extend(b"package-docs");
        bytes.extend(docs);
        let tools = definitions(&Stage::with(bytes.into(), "plain", json!({}), json!({}))).await;
        assert_eq!(tools["greet"].get("description"), None);
    }
}
