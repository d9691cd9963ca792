//! What a 2026-07-28 server wants to see of a request in its headers (SEP-2243), so that whoever stands in between need
//! not read the body.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use gateway_core::{payload::Json, wire::json::Members};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, value::RawValue};

/// How a value begins and ends that cannot stand in a header as it is.
const ENCODED: (&str, &str) = ("=?base64?", "?=");

/// The annotation of a property whose value goes into a header.
const ANNOTATION: &str = "x-mcp-header";

/// Arguments that go into headers, by tool.
pub(super) type Promoted = HashMap<Box<str>, Arc<[Promotion]>>;

/// An argument that goes into a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Promotion {
    /// Where it stands: names of members, from the outermost.
    path: Box<[Box<str>]>,
    header: HeaderName,
}

/// Adds the headers of a request or notification.
pub(super) fn add(headers: &mut HeaderMap, method: &str, params: Option<&Json>, promoted: &Promoted) {
    let mut add = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(&encode(value)) {
            headers.insert(name, value);
        }
    };
    add(HeaderName::from_static("mcp-method"), method);
    let Some(members) = params.and_then(|params| Members::read(params.as_bytes()).ok()) else { return };
    let named = match method {
        "tools/call" | "prompts/get" => members.text("name"),
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => members.text("uri"),
        "tasks/get" | "tasks/update" | "tasks/cancel" | "tasks/result" => members.text("taskId"),
        _ => None,
    };
    let Some(named) = named else { return };
    add(HeaderName::from_static("mcp-name"), &named);
    let promotions = promoted.get(&*named).filter(|_| method == "tools/call");
    for promotion in promotions.map(|promotions| &promotions[..]).unwrap_or_default() {
        if let Some(value) = members.get("arguments").and_then(|arguments| value_at(arguments, &promotion.path)) {
            add(promotion.header.clone(), &value);
        }
    }
}

/// The text of a primitive value at the end of a path.
fn value_at<'a>(object: &'a RawValue, path: &[Box<str>]) -> Option<Cow<'a, str>> {
    let (last, before) = path.split_last()?;
    let mut members = Members::read(object.get().as_bytes()).ok()?;
    for name in before {
        members = Members::read(members.get(name)?.get().as_bytes()).ok()?;
    }
    let value = members.get(last)?.get();
    match value.as_bytes().first()? {
        b'"' => members.text(last),
        b't' | b'f' | b'-' | b'0'..=b'9' => Some(Cow::Borrowed(value)),
        _ => None,
    }
}

/// A value as it can stand in a header.
fn encode(value: &str) -> Cow<'_, str> {
    let (begin, end) = ENCODED;
    let blank = |c: char| matches!(c, ' ' | '\t');
    let readable = value.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
    let padded = value.starts_with(blank) || value.ends_with(blank);
    // What looks like an encoded value would be decoded.
    let taken_for_encoded = value.starts_with(begin) && value.ends_with(end);
    let plain = readable && !padded && !taken_for_encoded;
    match plain {
        true => Cow::Borrowed(value),
        false => Cow::Owned(format!("{begin}{}{end}", BASE64_STANDARD.encode(value))),
    }
}

/// What a page of `tools/list` says of arguments that go into headers.
pub(super) fn promoted(page: &Json) -> Promoted {
    let mut all = Promoted::new();
    if memchr::memmem::find(page.as_bytes(), ANNOTATION.as_bytes()).is_none() {
        return all;
    }
    let members = Members::read(page.as_bytes()).unwrap_or_default();
    let tools = members.get("tools").and_then(|raw| serde_json::from_str::<Vec<&RawValue>>(raw.get()).ok());
    for tool in tools.unwrap_or_default() {
        let Ok(tool) = Members::read(tool.get().as_bytes()) else { continue };
        let (Some(name), Some(schema)) = (tool.text("name"), tool.get("inputSchema")) else { continue };
        let mut found = Vec::new();
        collect(schema, &mut Vec::new(), &mut found);
        if !found.is_empty() {
            all.insert(name.into(), found.into());
        }
    }
    all
}

/// What is wrong with the annotations of a tool: one that has such must not be called (SEP-2243), since those in
/// between would understand it otherwise than the server.
pub(in crate::sources::upstream) fn problem(definition: &Json) -> Option<String> {
    memchr::memmem::find(definition.as_bytes(), ANNOTATION.as_bytes())?;
    let definition: Value = serde_json::from_slice(definition.as_bytes()).ok()?;
    let mut seen = HashSet::new();
    check(definition.get("inputSchema")?, Place::Root, &mut seen).err()
}

/// Where in the input schema something stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    /// A property, reached from the root by `properties` alone.
    Property,
    Elsewhere,
}

fn check(schema: &Value, place: Place, seen: &mut HashSet<String>) -> Result<(), String> {
    let Value::Object(members) = schema else {
        let items = schema.as_array().into_iter().flatten();
        return items.into_iter().try_for_each(|item| check(item, Place::Elsewhere, seen));
    };
    if let Some(header) = members.get(ANNOTATION) {
        annotation(header, members.get("type").and_then(Value::as_str), place, seen)?;
    }
    for (name, value) in members {
        let named = |place| (value.as_object().into_iter().flatten().map(|(_, schema)| schema), place);
        let (schemas, place) = match name.as_str() {
            "properties" if place != Place::Elsewhere => named(Place::Property),
            "properties" | "$defs" | "definitions" | "dependentSchemas" | "patternProperties" => {
                named(Place::Elsewhere)
            }
            // Values, and no schemas.
            ANNOTATION | "default" | "const" | "enum" | "examples" => continue,
            _ => {
                check(value, Place::Elsewhere, seen)?;
                continue;
            }
        };
        for schema in schemas {
            check(schema, place, seen)?;
        }
    }
    Ok(())
}

fn annotation(header: &Value, of: Option<&str>, place: Place, seen: &mut HashSet<String>) -> Result<(), String> {
    if place != Place::Property {
        return Err(format!("`{ANNOTATION}` stands where no single argument is meant"));
    }
    let name = header.as_str().ok_or_else(|| format!("`{ANNOTATION}` is {header}, and no text"))?;
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Err(format!("`{ANNOTATION}` is {name:?}, which is no name of a header"));
    }
    if !matches!(of, Some("string" | "integer" | "boolean")) {
        return Err(format!("`{ANNOTATION}` {name:?} belongs to an argument that is no text, integer or boolean"));
    }
    if !seen.insert(name.to_ascii_lowercase()) {
        return Err(format!("`{ANNOTATION}` {name:?} stands there twice"));
    }
    Ok(())
}

/// Annotations along `properties` alone; elsewhere they mean nothing.
fn collect(schema: &RawValue, path: &mut Vec<Box<str>>, found: &mut Vec<Promotion>) {
    /// Schemas do not nest deeper than this, unless to do harm.
    const DEEPEST: usize = 32;
    let members = |raw: &RawValue| Members::read(raw.get().as_bytes()).is_ok();
    let Ok(schema) = Members::read(schema.get().as_bytes()) else { return };
    let Some(properties) = schema.get("properties").filter(|raw| members(raw) && path.len() < DEEPEST) else { return };
    for (name, property) in Members::read(properties.get().as_bytes()).unwrap_or_default().iter() {
        path.push(name.into());
        let annotation = Members::read(property.get().as_bytes()).ok().and_then(|of| of.text(ANNOTATION));
        let header = annotation.filter(|name| !name.is_empty()).map(|name| format!("mcp-param-{name}"));
        if let Some(header) = header.and_then(|name| HeaderName::from_bytes(name.as_bytes()).ok()) {
            found.push(Promotion { path: path.clone().into(), header });
        }
        collect(property, path, found);
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_cannot_stand_in_a_header_are_encoded() {
        for (value, header) in [
            ("plain-value", "plain-value"),
            ("two words", "two words"),
            ("", ""),
            (" padded", "=?base64?IHBhZGRlZA==?="),
            ("padded\t", "=?base64?cGFkZGVkCQ==?="),
            ("Grüße", "=?base64?R3LDvMOfZQ==?="),
            ("line\nbreak", "=?base64?bGluZQpicmVhaw==?="),
            ("=?base64?eA==?=", "=?base64?PT9iYXNlNjQ/ZUE9PT89?="),
        ] {
            assert_eq!(encode(value), header);
        }
    }

    #[test]
    fn annotated_arguments_become_headers() {
        let page = r#"{"tools":[{"name":"t","inputSchema":{"type":"object","properties":{
            "region":{"type":"string","x-mcp-header":"Region"},
            "deep":{"type":"object","properties":{"n":{"type":"integer","x-mcp-header":"N"}}},
            "list":{"type":"array","items":{"type":"string","x-mcp-header":"Never"}},
            "plain":{"type":"string"}}}},{"name":"u","inputSchema":{}}]}"#;
        let promoted = promoted(&Json::parse(page).unwrap());
        let headers = |params: &str| {
            let mut headers = HeaderMap::new();
            add(&mut headers, "tools/call", Some(&Json::parse(params.to_owned()).unwrap()), &promoted);
            let mut all: Vec<_> = headers.iter().map(|(n, v)| format!("{n}: {}", v.to_str().unwrap())).collect();
            all.sort();
            all
        };
        assert_eq!(
            headers(r#"{"name":"t","arguments":{"region":"us-west1","deep":{"n":42},"plain":"x","list":["y"]}}"#),
            ["mcp-method: tools/call", "mcp-name: t", "mcp-param-n: 42", "mcp-param-region: us-west1"]
        );
        assert_eq!(headers(r#"{"name":"t","arguments":{"region":null}}"#), ["mcp-method: tools/call", "mcp-name: t"]);
        assert_eq!(headers(r#"{"name":"u","arguments":{"region":"a"}}"#), ["mcp-method: tools/call", "mcp-name: u"]);
    }

    #[test]
    fn names_come_from_where_the_method_has_them() {
        let named = |method: &str, params: &str| {
            let mut headers = HeaderMap::new();
            add(&mut headers, method, Some(&Json::parse(params.to_owned()).unwrap()), &Promoted::new());
            headers.get("mcp-name").map(|name| name.to_str().unwrap().to_owned())
        };
        assert_eq!(named("resources/read", r#"{"uri":"a://b","name":"x"}"#).as_deref(), Some("a://b"));
        assert_eq!(named("prompts/get", r#"{"name":"p"}"#).as_deref(), Some("p"));
        assert_eq!(named("tasks/get", r#"{"taskId":"7"}"#).as_deref(), Some("7"));
        assert_eq!(named("tools/list", r#"{"name":"x"}"#), None);
    }

    #[test]
    fn annotations_that_mislead_are_found() {
        let problem = |properties: &str| {
            let schema = format!(r#"{{"type":"object","properties":{properties}}}"#);
            problem(&Json::parse(format!(r#"{{"name":"t","inputSchema":{schema}}}"#)).unwrap())
        };
        assert_eq!(problem(r#"{"a":{"type":"string","x-mcp-header":"A"},"b":{"type":"integer"}}"#), None);
        assert_eq!(
            problem(r#"{"a":{"type":"object","properties":{"b":{"type":"boolean","x-mcp-header":"B"}}}}"#),
            None
        );
        assert_eq!(problem(r#"{"a":{"type":"string","default":{"x-mcp-header":7}}}"#), None);
        for (properties, said) in [
            (r#"{"a":{"type":"string","x-mcp-header":""}}"#, "no name"),
            (r#"{"a":{"type":"string","x-mcp-header":"A B"}}"#, "no name"),
            (r#"{"a":{"type":"string","x-mcp-header":7}}"#, "no text"),
            (r#"{"a":{"type":"object","x-mcp-header":"A"}}"#, "no text, integer or boolean"),
            (r#"{"a":{"type":"number","x-mcp-header":"A"}}"#, "no text, integer or boolean"),
            (r#"{"a":{"type":"string","x-mcp-header":"A"},"b":{"type":"string","x-mcp-header":"a"}}"#, "twice"),
            (r#"{"a":{"type":"array","items":{"type":"string","x-mcp-header":"A"}}}"#, "no single argument"),
            (r#"{"a":{"anyOf":[{"type":"string","x-mcp-header":"A"}]}}"#, "no single argument"),
        ] {
            let found = problem(properties);
            assert!(found.as_ref().is_some_and(|found| found.contains(said)), "{properties}: {found:?}");
        }
        let root = r#"{"name":"t","inputSchema":{"type":"object","x-mcp-header":"A"}}"#;
        assert!(super::problem(&Json::parse(root).unwrap()).is_some());
    }
}
