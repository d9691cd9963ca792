#![allow(clippy::needless_pass_by_value, reason = "a case reads better without a borrow")]

use serde_json::json;

use super::*;

const NONE: [(String, String, String); 0] = [];

/// What is wrong with steps, with two tools that there are: place, message and hint.
fn wrong(steps: Value) -> Vec<(String, String, String)> {
    let query = Tool {
        input: json!({ "type": "object", "additionalProperties": false, "required": ["sql"], "properties": {
            "sql": { "type": "string" }, "limit": { "type": "integer", "maximum": 100 },
            "tags": { "type": "array", "items": { "type": "string" } }, "how": { "$ref": "#/$defs/how" } },
            "$defs": { "how": { "type": "object", "properties": { "fast": { "type": "boolean" } }, "required": ["fast"] } } }),
        output: Some(json!({ "type": "object", "properties": {
            "rows": { "type": "array", "items": { "type": "object", "properties": { "id": { "type": "integer" } } } } } })),
    };
    let open =
        Tool { input: json!({ "type": "object", "properties": { "name": {} }, "required": ["name"] }), output: None };
    let tools = HashMap::from([("db__query".to_owned(), query), ("any__tool".to_owned(), open)]);
    let config = json!({ "steps": steps, "input": { "type": "object", "properties": {
        "sql": { "type": "string" }, "n": { "type": "integer" }, "names": { "type": "array", "items": { "type": "string" } } } } });
    let config: PipelineConfig = serde_json::from_value(config).unwrap();
    let (plan, flaws) = Plan::of(&config);
    assert!(flaws.is_empty(), "{flaws:?}");
    check(&config, &plan, &tools).into_iter().map(|flaw| (flaw.place(), flaw.message, flaw.hint)).collect()
}

#[track_caller]
fn one(steps: Value, expected: (&str, &str, &str)) {
    let (place, message, hint) = expected;
    assert_eq!(wrong(steps), [(place.to_owned(), message.to_owned(), hint.to_owned())]);
}

/// Arguments of the query.
#[track_caller]
fn query(arguments: Value, expected: (&str, &str, &str)) {
    one(json!([{ "tool": "db__query", "arguments": arguments }]), expected);
}

#[test]
fn what_fits_passes() {
    for arguments in [
        json!({ "sql": "x" }),
        json!({ "sql": "${input.sql}", "limit": "${input.n}", "tags": ["a", "${input.sql}"], "how": { "fast": true } }),
        json!({ "sql": "n is ${input.n}", "tags": "${input.names}" }),
        json!("${input}"),
    ] {
        assert_eq!(wrong(json!([{ "tool": "db__query", "arguments": arguments }])), NONE, "{arguments}");
    }
    let steps = json!([
        { "id": "q", "tool": "db__query", "arguments": { "sql": "x" } },
        { "tool": "any__tool", "for_each": "${steps.q.structured.rows}", "arguments": { "name": "${item.id}", "more": 1 } },
        { "id": "each", "tool": "db__query", "for_each": "${input.names}", "arguments": { "sql": "${item}" } },
        { "tool": "any__tool", "arguments": { "name": "${steps.each.structured.0.rows.0.id}" } },
    ]);
    assert_eq!(wrong(steps), NONE);
}

#[test]
fn unknown_tools() {
    one(
        json!([{ "tool": "db__qeury", "arguments": { "sql": "x" } }]),
        ("steps[0].tool", "there is no tool `db__qeury`", "did you mean `db__query`?"),
    );
    one(
        json!([{ "tool": "zzz" }]),
        ("steps[0].tool", "there is no tool `zzz`", "`gateway list` shows the tools of a role"),
    );
}

#[test]
fn wrong_arguments() {
    one(
        json!([{ "tool": "db__query" }]),
        ("steps[0]", "the tool `db__query` needs the argument `sql`", "write `sql: …` in the arguments of `step-1`"),
    );
    query(
        json!({ "sqll": "x" }),
        ("steps[0].arguments.sqll", "the tool `db__query` has no argument `sqll`", "did you mean `sql`?"),
    );
    query(
        json!({ "sql": "x", "zzzzzz": 1 }),
        (
            "steps[0].arguments.zzzzzz",
            "the tool `db__query` has no argument `zzzzzz`",
            "its arguments: sql, limit, tags, how",
        ),
    );
    query(json!({ "sql": 5 }), ("steps[0].arguments.sql", "5 is not of type \"string\"", "the tool takes string here"));
    query(
        json!({ "sql": "x", "limit": 200 }),
        ("steps[0].arguments.limit", "200 is greater than the maximum of 100", "the tool takes integer here"),
    );
    query(
        json!({ "sql": "${input.n}" }),
        ("steps[0].arguments.sql", "this is `${input.n}`, of type integer", "the tool takes string here"),
    );
    query(
        json!({ "sql": "x", "limit": "${input.n}0" }),
        ("steps[0].arguments.limit", "this is a text", "the tool takes integer here"),
    );
    query(
        json!({ "sql": "x", "tags": ["${input.names}"] }),
        ("steps[0].arguments.tags[0]", "this is `${input.names}`, of type array", "the tool takes string here"),
    );
    query(
        json!({ "sql": "x", "how": { "fsat": true } }),
        ("steps[0].arguments.how.fsat", "the tool `db__query` has no argument `fsat`", "did you mean `fast`?"),
    );
}

#[test]
fn unreachable_references() {
    let after = |arguments: Value| json!([{ "id": "q", "tool": "db__query", "arguments": { "sql": "x" } }, { "tool": "any__tool", "arguments": arguments }]);
    one(
        after(json!({ "name": "${steps.q.structured.row}" })),
        (
            "steps[1].arguments.name",
            "`${steps.q.structured.row}`: there is no `row` in it, by the tool's output schema",
            "did you mean `rows`?",
        ),
    );
    one(
        after(json!({ "name": "n: ${steps.q.structured.rows.0.id.x}" })),
        (
            "steps[1].arguments.name",
            "`${steps.q.structured.rows.0.id.x}`: there is nothing in it that could be called `x`",
            "leave the path out",
        ),
    );
    one(
        after(json!({ "name": "${steps.q.text.x}" })),
        (
            "steps[1].arguments.name",
            "`${steps.q.text.x}`: there is nothing in it that could be called `x`",
            "leave the path out",
        ),
    );
    assert_eq!(wrong(after(json!({ "name": "${steps.q.structured.row:-none}" }))), NONE);
}
