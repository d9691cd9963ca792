use serde_json::json;

use super::*;

/// The input, one step with a result, and an item.
fn scope(root: &Root) -> Option<Json> {
    let text = match root {
        Root::Input => {
            r#"{"n":7,"f":1.50,"t":"a \"b\"","no":null,"yes":true,"list":[1,{"x":"y"}],"big":123456789012345678901234567890,
                "a/b":{"~":1},"a.b":2,"empty":"","deep":{"deep":{"deep":[[["found"]]]}}}"#
        }
        Root::Item => r#"{"name":"first"}"#,
        Root::Index => "3",
        Root::Step(id, field) if id == "one" => match field {
            Field::Text => r#""line\nline""#,
            Field::Structured => r#"{"rows":[{"id":1},{"id":2}]}"#,
            Field::Result => r#"{"content":[]}"#,
            Field::Status => r#""ok""#,
        },
        Root::Step(..) => return None,
    };
    Some(Json::parse(text).unwrap())
}

fn read(value: &Value) -> (Template, Vec<String>) {
    let mut wrong = Vec::new();
    let template = Template::read(value, &mut Vec::new(), &mut |_, malformed| wrong.push(malformed.message));
    (template, wrong)
}

#[track_caller]
fn filled(value: &Value) -> Result<String, Unfilled> {
    let (template, wrong) = read(value);
    assert_eq!(wrong, [""; 0], "{value}");
    template.fill(&scope).map(|json| json.to_string())
}

#[test]
fn a_reference_alone_keeps_its_type() {
    let cases = [
        ("${input.n}", "7"),
        ("${input.f}", "1.50"),
        ("${input.t}", r#""a \"b\"""#),
        ("${input.no}", "null"),
        ("${input.yes}", "true"),
        ("${input.list}", r#"[1,{"x":"y"}]"#),
        ("${input.list.1}", r#"{"x":"y"}"#),
        ("${input.list[1].x}", r#""y""#),
        ("${input/list/1/x}", r#""y""#),
        ("${input/a~1b/~0}", "1"),
        ("${input/a.b}", "2"),
        ("${input.big}", "123456789012345678901234567890"),
        ("${input.deep.deep.deep.0.0.0}", r#""found""#),
        ("${item}", r#"{"name":"first"}"#),
        ("${item.name}", r#""first""#),
        ("${index}", "3"),
        ("${steps.one.text}", r#""line\nline""#),
        ("${steps.one.structured.rows.1.id}", "2"),
        ("${steps.one.structured/rows/1}", r#"{"id":2}"#),
        ("${steps.one.result}", r#"{"content":[]}"#),
        ("${steps.one.status}", r#""ok""#),
        ("${ input.n }", "7"),
    ];
    for (text, expected) in cases {
        assert_eq!(filled(&json!(text)).unwrap(), expected, "{text}");
    }
}

#[test]
fn within_a_text_values_become_text() {
    let cases = [
        ("n is ${input.n}", "n is 7"),
        ("${input.n}${input.n}", "77"),
        ("${input.f} ", "1.50 "),
        ("say ${input.t}", "say a \"b\""),
        ("[${input.empty}]", "[]"),
        ("no: ${input.no}, list: ${input.list}", "no: null, list: [1,{\"x\":\"y\"}]"),
        ("> ${steps.one.text}", "> line\nline"),
        ("${input.big}!", "123456789012345678901234567890!"),
    ];
    for (text, expected) in cases {
        assert_eq!(filled(&json!(text)).unwrap(), Json::from_value(expected).to_string(), "{text}");
    }
}

#[test]
fn what_is_no_reference_stays() {
    for (text, expected) in [
        ("", ""),
        ("plain", "plain"),
        ("$5 and $x {y}", "$5 and $x {y}"),
        ("$${input.n}", "${input.n}"),
        ("$${input.n} is ${input.n}", "${input.n} is 7"),
        ("$$${input.n}", "$${input.n}"),
        ("a $${", "a ${"),
    ] {
        assert_eq!(filled(&json!(text)).unwrap(), Json::from_value(expected).to_string(), "{text}");
    }
}

#[test]
fn everything_nests() {
    let value =
        json!({ "a": [1, "${input.n}", { "b": "x${input.n}", "c": null }], "${input.n}": "$${k}", "e": [], "f": {} });
    assert_eq!(
        filled(&value).unwrap(),
        r#"{"a":[1,7,{"b":"x7","c":null}],"${input.n}":"${k}","e":[],"f":{}}"#,
        "keys are no templates"
    );
}

#[test]
fn what_is_missing_is_said() {
    for text in
        ["${input.nope}", "${input.n.x}", "${input.list.9}", "${input.list.x}", "${steps.two.text}", "a ${item.x}"]
    {
        let Err(Unfilled::Missing(reference)) = filled(&json!([text])) else { panic!("{text}") };
        assert!(text.contains(&reference.written), "{text}");
    }
}

#[test]
fn defaults_take_the_place_of_what_is_missing() {
    for (text, expected) in [
        ("${input.nope:-5}", "5"),
        ("${input.nope:-five}", "\"five\""),
        ("${input.nope:-}", "\"\""),
        ("${input.nope:-[1, 2]}", "[1, 2]"),
        ("${input.n:-5}", "7"),
        ("${input.no:-5}", "null"),
        ("is ${input.nope:-a b}", "\"is a b\""),
    ] {
        assert_eq!(filled(&json!(text)).unwrap(), expected, "{text}");
    }
}

#[test]
fn mistakes_are_named() {
    for (text, expected) in [
        ("${input.n", "`${input.n` is not closed"),
        ("${inptu.n}", "`${inptu.n}` refers to `inptu`, which there is not"),
        ("${}", "`${}` refers to ``, which there is not"),
        ("${steps.one}", "`${steps.one}` does not say what of which step is meant"),
        ("${steps}", "`${steps}` does not say what of which step is meant"),
        ("${steps.one.txt}", "`${steps.one.txt}` refers to `txt`, which there is not"),
        ("${input..x}", "`${input..x}` has a path that cannot be read"),
        ("${input.}", "`${input.}` has a path that cannot be read"),
        ("${input[x]}", "`${input[x]}` has a path that cannot be read"),
    ] {
        assert_eq!(read(&json!({ "a": [text] })).1, [expected], "{text}");
    }
}

#[test]
fn mistakes_have_a_place() {
    let mut places = Vec::new();
    let value = json!({ "a": ["x", { "b": "${" }] });
    Template::read(&value, &mut Vec::new(), &mut |path, _| places.push(path.to_vec()));
    assert_eq!(places, [vec![At::Name("a".into()), At::Index(1), At::Name("b".into())]]);
}

#[test]
fn huge_values_pass_and_huger_ones_do_not() {
    let large = Json::from_value(&"x".repeat(LARGEST / 2));
    let scope = |_: &Root| Some(large.clone());
    let (once, _) = read(&json!({ "a": "${input}" }));
    assert_eq!(once.fill(&scope).unwrap().as_str().len(), LARGEST / 2 + 8);
    for huge in [json!("${input}${input}${input}"), json!(["${input}", "${input}"])] {
        assert_eq!(read(&huge).0.fill(&scope), Err(Unfilled::Huge));
    }
}
