#![allow(clippy::needless_pass_by_value, reason = "a case reads better without a borrow")]

use serde_json::json;

use super::*;

const NONE: [(String, String, String); 0] = [];

/// Everything that is wrong: place, message, hint.
fn flaws(config: Value) -> Vec<(String, String, String)> {
    let config = serde_json::from_value(config).unwrap();
    Plan::of(&config).1.into_iter().map(|flaw| (flaw.place(), flaw.message, flaw.hint)).collect()
}

#[track_caller]
fn one(steps: Value, place: &str, message: &str, hint: &str) {
    let (config, shown) = (json!({ "steps": steps }), steps.to_string());
    let found = flaws(config);
    let expected = (place.to_owned(), message.to_owned(), hint.to_owned());
    assert_eq!(found, [expected], "{shown}");
}

#[test]
fn good_ones_have_no_flaws() {
    for steps in [
        json!([{ "tool": "a__b" }]),
        json!([{ "id": "a", "tool": "x" }, { "tool": "y", "arguments": { "t": "${steps.a.text}" } }]),
        json!([{ "tool": "x" }, { "tool": "y", "arguments": { "t": "${steps.step-1.text}" } }]),
        json!([{ "parallel": [{ "id": "a", "tool": "x" }, { "id": "b", "tool": "x" }] },
               { "tool": "y", "if": "${steps.a.status} == ok", "arguments": { "t": ["${steps.b.structured.x}"] } }]),
        json!([{ "tool": "x", "for_each": "${input.list}", "arguments": { "n": "${item.n}", "i": "${index}" } }]),
        json!([{ "tool": "x", "for_each": [1, "${input.x}"], "concurrency": 2, "arguments": "${item}" }]),
    ] {
        assert_eq!(flaws(json!({ "steps": steps })), NONE, "{steps}");
    }
}

#[test]
fn references_lead_back() {
    one(
        json!([{ "id": "a", "tool": "x", "arguments": { "t": "${steps.b.text}" } }, { "id": "b", "tool": "x" }]),
        "steps[0].arguments.t",
        "`${steps.b.text}`: the step `b` has not run by then",
        "move `b` before this step, and out of a group that both are in",
    );
    one(
        json!([{ "id": "schema", "tool": "x" }, { "tool": "x", "arguments": { "t": ["${steps.shema.text}"] } }]),
        "steps[1].arguments.t[0]",
        "`${steps.shema.text}`: there is no step `shema`",
        "did you mean `schema`?",
    );
    one(
        json!([{ "id": "a", "tool": "x", "if": "${steps.a.text}" }]),
        "steps[0].if",
        "`${steps.a.text}`: the step `a` has not run by then",
        "move `a` before this step, and out of a group that both are in",
    );
    one(
        json!([{ "parallel": [{ "id": "a", "tool": "x" }, { "tool": "x", "arguments": { "t": "${steps.a.text}" } }] }]),
        "steps[0].parallel[1].arguments.t",
        "`${steps.a.text}`: the step `a` has not run by then",
        "move `a` before this step, and out of a group that both are in",
    );
    one(
        json!([{ "id": "g", "parallel": [{ "tool": "x" }] }, { "tool": "x", "arguments": { "t": "${steps.g.text}" } }]),
        "steps[1].arguments.t",
        "`${steps.g.text}`: `g` is a group, and has no result of its own",
        "refer to one of the steps in it",
    );
    one(
        json!([{ "tool": "x", "arguments": { "t": "${item}" } }]),
        "steps[0].arguments.t",
        "`${item}` means something in the arguments of a loop alone",
        "write `for_each: […]` beside the arguments",
    );
}

#[test]
fn keys_fit_together() {
    one(
        json!([{ "tool": "x", "parallel": [{ "tool": "y" }] }]),
        "steps[0].parallel",
        "a step has a `tool` or is `parallel`, not both",
        "make the tool a step of its own, before it or in it",
    );
    one(
        json!([{ "id": "a" }]),
        "steps[0]",
        "the step has no `tool`",
        "write `tool: SERVER__TOOL`, or `parallel:` and below it the steps",
    );
    one(
        json!([{ "id": "a", "tool": "x" }, { "parallel": [{ "id": "a", "tool": "x" }] }]),
        "steps[1].parallel[0].id",
        "the id `a` is there twice",
        "give one of the two steps another id",
    );
    one(
        json!([{ "id": "a b", "tool": "x" }]),
        "steps[0].id",
        "`a b` cannot be referred to",
        "use letters, digits, `-` and `_`",
    );
    one(
        json!([{ "parallel": [{ "tool": "x" }], "arguments": {} }]),
        "steps[0].arguments",
        "`arguments` belongs to a step with a tool, and this one is `parallel`",
        "write it in each of the steps that need it",
    );
    one(
        json!([{ "tool": "x", "concurrency": 3 }]),
        "steps[0].concurrency",
        "only a loop has a `concurrency`",
        "write `for_each: […]`, or leave it out",
    );
    one(
        json!([{ "tool": "x", "for_each": "abc" }]),
        "steps[0].for_each",
        "this is no list",
        "write a list, or a reference to one: `for_each: \"${input.names}\"`",
    );
    one(
        json!([{ "tool": "x", "arguments": ["a"] }]),
        "steps[0].arguments",
        "arguments have names",
        "write them like `arguments: { name: value }`",
    );
    one(json!([]), "steps", "there are no steps", "write below it `- { id: first, tool: SERVER__TOOL }`");
    let many: Vec<Value> = (0..257).map(|_| json!({ "tool": "x" })).collect();
    assert_eq!(flaws(json!({ "steps": many }))[0].1, "there are 257 steps, and one call may cause 256 others");
}

#[test]
fn inputs_are_the_declared_ones() {
    let steps = json!([{ "tool": "x", "arguments": { "q": "${input.sqll}" } }]);
    let mut config = json!({ "input": { "type": "object", "properties": { "sql": {} } }, "steps": steps });
    let found = flaws(config.clone());
    assert_eq!(found[0].1, "`${input.sqll}`: the input declares no `sqll`");
    assert_eq!(found[0].2, "did you mean `sql`?");
    config["input"]["additionalProperties"] = json!(true);
    assert_eq!(flaws(config), NONE);
}
