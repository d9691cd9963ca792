//! What the attributes beside `#[tool]` make of functions.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at what they do not expect")]

use gateway_sdk::__private::{
    Completes, Plugin, Prompt, PromptArguments, PromptFailure, PromptParameter, Resource, ResourceFailure, get,
    of_prompt, of_template, read,
};
use gateway_sdk::serde_json::{Value, json};
use gateway_sdk::{
    Chosen, Completion, Content, Decision, EmbeddedResource, Json, PromptMessage, PromptResult, ResourceBody, ToolCall,
    ToolResultJson, Verdict, completion, filter, prompt, resource,
};

/// The names of all notes.
#[resource(uri = "notes:///index", title = "Index", mime_type = "text/plain")]
fn index() -> &'static str {
    "a\nb"
}

/// A page.
#[resource(template = "notes:///page/{number}", name = "page", description = "One page of notes")]
fn by_number(number: u32) -> Result<Option<String>, String> {
    match number {
        0 => Err("pages begin with 1".to_owned()),
        1..=9 => Ok(Some(format!("page {number}"))),
        _ => Ok(None),
    }
}

#[resource(template = "notes:///{+path}")]
fn any(path: String) -> Vec<u8> {
    path.into_bytes()
}

#[resource(uri = "notes:///count")]
fn count() -> Json<Value> {
    Json(json!({ "count": 2 }))
}

#[resource(uri = "notes:///all")]
fn all() -> Vec<EmbeddedResource> {
    let text =
        |uri: &str| EmbeddedResource { uri: uri.to_owned(), mime_type: None, body: ResourceBody::Text(uri.to_owned()) };
    vec![text("notes:///a"), text("notes:///b")]
}

mod elsewhere {
    /// Review a change.
    #[gateway_sdk::prompt(title = "Code review")]
    pub(crate) fn review(
        /// the change
        diff: String,
        /// what to look at most
        r#type: Option<String>,
        lines: Option<u32>,
    ) -> String {
        format!("{diff} {type:?} {lines:?}", r#type = r#type)
    }
}

/// Two messages.
#[prompt(name = "two-messages")]
fn two() -> PromptResult {
    PromptResult::new([PromptMessage::user("1?"), PromptMessage::assistant(Content::text("2"))]).described("counting")
}

/// Fails.
#[prompt]
fn fails() -> Result<String, &'static str> {
    Err("not today")
}

#[completion(prompt = "review", argument = "type")]
fn types(typed: &str, chosen: &Chosen) -> Completion {
    match chosen.get("diff") {
        Some(diff) => Completion::matching([diff.to_owned()], typed),
        None => Completion::matching(["Style", "speed", "tests"], typed),
    }
}

#[completion(template = "notes:///page/{number}", argument = "number")]
fn numbers(_typed: String) -> Vec<String> {
    (1..=250).map(|number| number.to_string()).collect()
}

#[filter]
fn before(call: &ToolCall) -> Result<Decision, gateway_sdk::serde_json::Error> {
    let mut arguments: Value = call.parse()?;
    match arguments["text"].as_str() {
        Some("bad") => Ok(Decision::refuse("bad words")),
        Some(_) => Ok(Decision::Proceed),
        None => {
            arguments["text"] = call.role.clone().into();
            Ok(Decision::rewrite(&arguments))
        }
    }
}

#[filter]
fn after(call: &ToolCall, result: ToolResultJson) -> Verdict {
    match result.as_str().contains(&call.name) {
        true => Verdict::withhold("it tells its name"),
        false => Verdict::replace(&json!({ "content": [], "was": result.parse::<Value>().unwrap() })),
    }
}

gateway_sdk::export! {
    resources: [index, by_number, any, count, all],
    prompts: [elsewhere::review, two, fails],
    completions: [types, numbers],
    filter: [before, after],
}

/// The same lists, since those of `export!` have no name.
struct Listed;

impl Plugin for Listed {
    const RESOURCES: &'static [gateway_sdk::__private::ResourceEntry] = &[
        <__any_with_resource_attribute as Resource>::ENTRY,
        <__index_with_resource_attribute as Resource>::ENTRY,
        <__by_number_with_resource_attribute as Resource>::ENTRY,
        <__count_with_resource_attribute as Resource>::ENTRY,
        <__all_with_resource_attribute as Resource>::ENTRY,
    ];
    const PROMPTS: &'static [gateway_sdk::__private::PromptEntry] = &[
        <elsewhere::__review_with_prompt_attribute as Prompt>::ENTRY,
        <__two_with_prompt_attribute as Prompt>::ENTRY,
        <__fails_with_prompt_attribute as Prompt>::ENTRY,
    ];
    const COMPLETIONS: &'static [gateway_sdk::__private::CompletionEntry] = &[
        <__types_with_completion_attribute as gateway_sdk::__private::Completer>::ENTRY,
        <__numbers_with_completion_attribute as gateway_sdk::__private::Completer>::ENTRY,
    ];
}

fn text_at(uri: &str) -> Result<(String, Option<String>), ResourceFailure> {
    let contents = read(Listed::RESOURCES, uri)?;
    let [EmbeddedResource { uri: at, mime_type, body }] = contents.as_slice() else { panic!("{contents:?}") };
    assert_eq!(at, uri);
    let text = match body {
        ResourceBody::Text(text) => text.clone(),
        ResourceBody::Blob(bytes) => format!("{} bytes", bytes.len()),
    };
    Ok((text, mime_type.clone()))
}

#[test]
fn resources_are_described() {
    let entry = <__index_with_resource_attribute as Resource>::ENTRY;
    let (title, description) = (entry.title, entry.description);
    assert_eq!((entry.name, title, description), ("index", Some("Index"), Some("The names of all notes.")));
    let entry = <__by_number_with_resource_attribute as Resource>::ENTRY;
    assert_eq!((entry.name, entry.uri), ("page", "notes:///page/{number}"));
    assert_eq!(entry.description, Some("One page of notes"));
    assert_eq!(<__any_with_resource_attribute as Resource>::ENTRY.description, None);
}

#[test]
fn an_address_finds_its_function() {
    assert_eq!(text_at("notes:///index"), Ok(("a\nb".to_owned(), Some("text/plain".to_owned()))));
    let json = (r#"{"count":2}"#.to_owned(), Some("application/json".to_owned()));
    assert_eq!(text_at("notes:///count"), Ok(json));
    assert_eq!(text_at("notes:///a/b"), Ok(("3 bytes".to_owned(), None)));
    assert_eq!(read(Listed::RESOURCES, "notes:///all").unwrap().len(), 2);
    assert_eq!(text_at("other:///index"), Err(ResourceFailure::NotFound));
}

#[test]
fn a_template_without_something_leaves_the_address_to_the_next() {
    let pages = &Listed::RESOURCES[2..];
    let page = |number: &str| read(pages, &format!("notes:///page/{number}"));
    assert!(page("3").is_ok());
    for nothing in ["10", "-1", "three", ""] {
        assert_eq!(page(nothing), Err(ResourceFailure::NotFound), "{nothing}");
    }
    assert_eq!(page("0"), Err(ResourceFailure::Failed("pages begin with 1".to_owned())));
}

#[test]
fn prompts_are_described() {
    let entry = Listed::PROMPTS[0];
    assert_eq!((entry.name, entry.title, entry.description), ("review", Some("Code review"), "Review a change."));
    let parameter = |name, description, required| PromptParameter { name, description, required };
    let expected = [
        parameter("diff", "the change", true),
        parameter("type", "what to look at most", false),
        parameter("lines", "", false),
    ];
    assert_eq!(entry.parameters, expected);
}

#[test]
fn prompts_are_filled() {
    let fill = |name: &str, arguments: &[(&str, &str)]| {
        let arguments = arguments.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        get(Listed::PROMPTS, name, PromptArguments(arguments.collect()))
    };
    let review = fill("review", &[("lines", "3"), ("diff", "+1")]).unwrap();
    assert_eq!(review.messages, [PromptMessage::user("+1 None Some(3)")]);
    let two = fill("two-messages", &[]).unwrap();
    assert_eq!((two.messages.len(), two.description.as_deref()), (2, Some("counting")));
    let wrong = |why: &str| Err(PromptFailure::InvalidArguments(why.to_owned()));
    assert_eq!(fill("review", &[]), wrong("missing argument `diff`"));
    assert_eq!(fill("review", &[("diff", ""), ("lines", "x")]), wrong("`lines`: invalid digit found in string"));
    assert_eq!(fill("review", &[("diff", ""), ("line", "1")]), wrong("unknown argument `line`"));
    assert_eq!(fill("fails", &[]), Err(PromptFailure::Failed("not today".to_owned())));
    assert_eq!(fill("two", &[]), Err(PromptFailure::NotFound));
}

#[test]
fn arguments_are_completed() {
    let complete = |name: &str, argument: &str, typed: &str, chosen: Chosen| {
        of_prompt(Listed::COMPLETIONS, Listed::PROMPTS, name, (argument, typed.to_owned()), chosen)
    };
    assert_eq!(complete("review", "type", "S", Chosen::default()).unwrap().values, ["Style", "speed"]);
    let chosen = Chosen::from_iter([("diff", "same")]);
    assert_eq!(complete("review", "type", "s", chosen).unwrap().values, ["same"]);
    assert_eq!(complete("review", "diff", "s", Chosen::default()), Ok(Completion::default()));
    assert_eq!(complete("other", "type", "s", Chosen::default()), Err(PromptFailure::NotFound));

    let of = |template: &str| {
        let argument = ("number", "1".to_owned());
        of_template(Listed::COMPLETIONS, Listed::RESOURCES, template, argument, Chosen::default())
    };
    let completion = of("notes:///page/{number}").unwrap();
    assert_eq!((completion.values.len(), completion.total, completion.has_more), (100, Some(250), Some(true)));
    assert_eq!(of("notes:///index"), Err(PromptFailure::NotFound));
    assert_eq!(Listed::COMPLETIONS[0].of, Completes::Prompt("review"));
}

#[test]
fn calls_are_filtered() {
    let decide = |arguments: Value| before(&ToolCall::new("a__say", "user", &arguments).unwrap()).unwrap();
    assert_eq!(decide(json!({ "text": "good" })), Decision::Proceed);
    assert_eq!(decide(json!({ "text": "bad" })), Decision::Refuse("bad words".to_owned()));
    assert_eq!(decide(json!({})), Decision::Rewrite(r#"{"text":"user"}"#.to_owned()));
    let run = <__before_with_filter_attribute as gateway_sdk::__private::Before>::RUN;
    let broken = ToolCall { name: String::new(), role: String::new(), arguments: "{".to_owned() };
    assert!(matches!(run(&broken), Decision::Refuse(_)), "an error refuses the call");
}

#[test]
fn results_are_filtered() {
    let call = ToolCall::new("a__say", "user", &json!({})).unwrap();
    let verdict = |json: &str| after(&call, ToolResultJson::new(json));
    assert_eq!(verdict(r#"{"x":"a__say"}"#), Verdict::Withhold("it tells its name".to_owned()));
    assert_eq!(verdict("{}"), Verdict::Replace(r#"{"content":[],"was":{}}"#.to_owned()));
}
