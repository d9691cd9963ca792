//! What `#[tool]` makes of functions: their schemas, and calls to them with JSON.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "tests stop at what they do not expect"
)]

use std::collections::BTreeMap;

use gateway_sdk::__private::{CallFailure, Entry, Hints, Tool, call};
use gateway_sdk::schemars::JsonSchema;
use gateway_sdk::serde::{Deserialize, Serialize};
use gateway_sdk::serde_json::{Value, json};
use gateway_sdk::{Content, Json, ToolResult, tool};

/// Add two numbers.
///
/// Both may be negative.
#[tool(title = "Add", read_only, idempotent, destructive = false, open_world = false)]
fn add(
    /** the first */
    a: f64,
    /** the second */
    b: f64,
) -> f64 {
    a + b
}

/// Takes everything.
#[tool(name = "take-all")]
#[allow(clippy::too_many_arguments, reason = "one of each")]
fn take_all(
    /// how many
    #[default(10)]
    #[schema(minimum = 1, maximum = 100)]
    limit: u32,
    #[default("plain")] style: String,
    #[default] tags: Vec<String>,
    #[default(Unit::Metre)] unit: Unit,
    /// Anything in it is kept.
    place: Option<Place>,
    mut small: i8,
    r#type: Option<u64>,
) -> String {
    small += 1;
    format!("{limit} {style} {tags:?} {unit:?} {place:?} {small} {type:?}")
}

/// A unit without a way to JSON: its default stays out of the schema.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(crate = "gateway_sdk::serde", rename_all = "snake_case")]
#[schemars(crate = "gateway_sdk::schemars")]
enum Unit {
    Metre,
    Foot,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(crate = "gateway_sdk::serde")]
#[schemars(crate = "gateway_sdk::schemars")]
struct Place {
    /// Where it is.
    points: Vec<Point>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(crate = "gateway_sdk::serde", deny_unknown_fields)]
#[schemars(crate = "gateway_sdk::schemars")]
struct Point {
    x: i32,
    y: i32,
}

/// Fails where it is told to.
#[tool]
fn fail(why: Option<String>) -> Result<(), String> {
    why.map_or(Ok(()), Err)
}

/// A structured result.
#[tool]
fn locate() -> Json<Place> {
    Json(Place { points: vec![Point { x: 1, y: 2 }] })
}

/// A list, which is no object.
#[tool]
fn count() -> Result<(&'static str, Json<Vec<u8>>), String> {
    Ok(("one, two", Json(vec![1, 2])))
}

/// An object or none.
#[tool]
fn maybe(place: bool) -> Json<Option<BTreeMap<String, u8>>> {
    Json(place.then(BTreeMap::new))
}

/// Nothing to take.
#[tool]
fn pieces() -> Vec<Content> {
    vec![Content::text("a"), Content::text("b")]
}

mod elsewhere {
    /// A tool of another module, beside a module of its name.
    #[gateway_sdk::tool]
    pub(crate) fn elsewhere(call: String) -> String {
        call
    }
}

gateway_sdk::export!(add, take_all, fail, locate, count, maybe, pieces, elsewhere::elsewhere);

macro_rules! entry {
    ($marker:path) => {
        <$marker as Tool>::ENTRY
    };
}

const ADD: Entry = entry!(__add_with_tool_attribute);
const TAKE_ALL: Entry = entry!(__take_all_with_tool_attribute);
const FAIL: Entry = entry!(__fail_with_tool_attribute);
const LOCATE: Entry = entry!(__locate_with_tool_attribute);
const COUNT: Entry = entry!(__count_with_tool_attribute);
const MAYBE: Entry = entry!(__maybe_with_tool_attribute);
const PIECES: Entry = entry!(__pieces_with_tool_attribute);

fn run(tool: Entry, arguments: Value) -> ToolResult {
    call(&[tool], tool.name, &arguments.to_string()).expect("the arguments fit")
}

fn refuse(tool: Entry, arguments: Value) -> String {
    match call(&[tool], tool.name, &arguments.to_string()) {
        Err(CallFailure::InvalidArguments(why)) => why,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn the_definition_comes_from_the_function() {
    assert_eq!(ADD.name, "add");
    assert_eq!(ADD.title, Some("Add"));
    assert_eq!(ADD.description, "Add two numbers.\n\nBoth may be negative.");
    let hints =
        Hints { read_only: Some(true), destructive: Some(false), idempotent: Some(true), open_world: Some(false) };
    assert_eq!(ADD.hints, hints);
    assert_eq!(FAIL.hints, Hints::default());
    assert_eq!(TAKE_ALL.name, "take-all");
}

#[test]
fn the_input_schema_comes_from_the_parameters() {
    let number = |description| json!({ "type": "number", "description": description });
    let expected = json!({
        "type": "object",
        "properties": { "a": number("the first"), "b": number("the second") },
        "required": ["a", "b"],
        "additionalProperties": false,
    });
    assert_eq!(ADD.input_schema(), expected);
    let nothing = json!({ "type": "object", "properties": {}, "additionalProperties": false });
    assert_eq!(PIECES.input_schema(), nothing);
}

#[test]
fn defaults_bounds_options_enums_and_structs_are_inlined() {
    let integer = json!({ "type": "integer", "minimum": i32::MIN, "maximum": i32::MAX });
    let point = json!({
        "type": "object",
        "properties": { "x": integer, "y": integer },
        "required": ["x", "y"],
        "additionalProperties": false,
    });
    let points = json!({ "description": "Where it is.", "type": "array", "items": point });
    let expected = json!({
        "type": "object",
        "properties": {
            "limit": { "type": "integer", "minimum": 1, "maximum": 100, "description": "how many", "default": 10 },
            "style": { "type": "string", "default": "plain" },
            "tags": { "type": "array", "items": { "type": "string" }, "default": [] },
            "unit": {
                "description": "A unit without a way to JSON: its default stays out of the schema.",
                "type": "string",
                "enum": ["metre", "foot"],
            },
            "place": {
                "description": "Anything in it is kept.",
                "type": ["object", "null"],
                "properties": { "points": points },
                "required": ["points"],
            },
            "small": { "type": "integer", "minimum": -128, "maximum": 127 },
            "type": { "type": ["integer", "null"], "minimum": 0, "maximum": u64::MAX },
        },
        "required": ["small"],
        "additionalProperties": false,
    });
    assert_eq!(TAKE_ALL.input_schema(), expected);
    let names: Vec<String> =
        TAKE_ALL.input_schema()["properties"].as_object().expect("an object").keys().cloned().collect();
    assert_eq!(names, ["limit", "style", "tags", "unit", "place", "small", "type"], "in the order of the parameters");
}

#[test]
fn arguments_reach_the_function() {
    assert_eq!(run(ADD, json!({ "a": 1, "b": 2.5 })).text(), "3.5");
    let all = run(
        TAKE_ALL,
        json!({ "small": 1, "unit": "foot", "place": { "points": [{ "x": 1, "y": -1 }], "more": 1 }, "type": 7 }),
    );
    assert_eq!(all.text(), "10 plain [] Foot Some(Place { points: [Point { x: 1, y: -1 }] }) 2 Some(7)");
}

#[test]
fn arguments_that_do_not_fit_are_named() {
    assert_eq!(refuse(ADD, json!({ "a": 1 })), "missing field `b`");
    assert_eq!(refuse(ADD, json!({ "a": 1, "b": "x" })), "`b`: invalid type: string \"x\", expected f64");
    assert_eq!(refuse(ADD, json!({ "a": 1, "b": 1, "c": 1 })), "unknown field `c`, expected one of `a`, `b`");
    assert_eq!(refuse(PIECES, json!({ "c": 1 })), "unknown field `c`, there are no fields");
    assert_eq!(refuse(TAKE_ALL, json!({ "small": 200 })), "`small`: invalid value: integer `200`, expected i8");
    let nested = json!({ "small": 1, "place": { "points": [{ "x": 1, "y": 1 }, { "x": 1 }] } });
    assert_eq!(refuse(TAKE_ALL, nested), "`place.points[1]`: missing field `y`");
}

#[test]
fn an_error_is_a_result_that_the_model_reads() {
    let failed = run(FAIL, json!({ "why": "no luck" }));
    assert!(failed.is_error);
    assert_eq!(failed.text(), "no luck");
    assert_eq!(run(FAIL, json!({})), ToolResult::new());
}

#[test]
fn structured_content_is_an_object_and_has_a_schema() {
    let located = run(LOCATE, json!({}));
    assert_eq!(located.text(), r#"{"points":[{"x":1,"y":2}]}"#);
    assert_eq!(located.structured::<Value>().expect("structured").expect("JSON")["points"][0]["y"], 2);
    let schema = (LOCATE.output_schema)().expect("a schema");
    assert_eq!(schema["type"], "object");
    assert_eq!(schema["properties"]["points"]["items"]["required"], json!(["x", "y"]));
    assert_eq!((ADD.output_schema)(), None);
}

#[test]
fn what_is_no_object_stands_in_one() {
    let counted = run(COUNT, json!({}));
    assert_eq!(counted.text(), "one, two");
    assert_eq!(counted.structured::<Value>().expect("structured").expect("JSON"), json!({ "result": [1, 2] }));
    let bytes = json!({ "type": "integer", "minimum": 0, "maximum": 255 });
    let expected = json!({
        "type": "object",
        "properties": { "result": { "type": "array", "items": bytes } },
        "required": ["result"],
    });
    assert_eq!((COUNT.output_schema)().expect("a schema")["properties"]["result"]["type"], "array");
    assert_eq!((COUNT.output_schema)().expect("a schema")["required"], expected["required"]);
}

#[test]
fn what_may_be_an_object_is_described_as_both() {
    let schema = (MAYBE.output_schema)().expect("a schema");
    assert_eq!(schema["type"], "object");
    assert_eq!(schema["anyOf"].as_array().expect("two forms").len(), 2);
    let structured =
        |place| run(MAYBE, json!({ "place": place })).structured::<Value>().expect("structured").expect("JSON");
    assert_eq!(structured(true), json!({}));
    assert_eq!(structured(false), json!({ "result": null }));
}

#[test]
fn an_unknown_tool_is_none() {
    assert_eq!(call(&[ADD, LOCATE], "subtract", "{}"), Err(CallFailure::UnknownTool));
}

#[test]
fn numbers_are_written_short() {
    use gateway_sdk::ToolOutput;
    let text = |number: f64| number.into_result().text();
    assert_eq!(
        [text(3.0), text(0.1), text(-0.0), text(1e300), text(f64::NAN), text(f64::NEG_INFINITY)],
        ["3", "0.1", "-0", "1e+300", "NaN", "-Infinity"]
    );
}

#[cfg(feature = "async")]
mod asynchronous {
    use super::*;

    /// Comes back at once.
    #[tool]
    async fn double(number: u8) -> u8 {
        std::future::ready(number).await * 2
    }

    #[test]
    fn an_async_tool_is_run_to_its_end() {
        assert_eq!(run(entry!(__double_with_tool_attribute), json!({ "number": 4 })).text(), "8");
    }
}
