//! The headers by which revision 2026-07-28 lets those in between route a message without reading it: `Mcp-Method`,
//! `Mcp-Name`, and `Mcp-Param-*` for arguments whose schema has `x-mcp-header`. They have to say what the message says,
//! or what was let through by the one would not be what is done by the other (SEP-2243).

use std::borrow::Cow;

use axum::http::HeaderMap;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use gateway_core::{payload::Json, wire::json::Members};
use serde_json::{Map, Value};

/// The error code for headers that say something else than the message.
pub const HEADER_MISMATCH: i32 = -32020;

/// The method.
pub const METHOD: &str = "mcp-method";
/// What the method is about.
pub const NAME: &str = "mcp-name";
/// An argument.
const PARAM: &str = "mcp-param-";

/// The member of a schema that names the header which repeats the argument.
const ANNOTATION: &str = "x-mcp-header";

/// Holds `Mcp-Method` and `Mcp-Name` against a message.
///
/// # Errors
/// What does not fit.
pub fn check(headers: &HeaderMap, method: &str, params: Option<&Json>) -> Result<(), String> {
    match sole(headers, METHOD)? {
        None => return Err("the header `Mcp-Method` is missing".to_owned()),
        Some(said) if said != method => {
            return Err(format!("the header `Mcp-Method` says {said:?}, the message {method:?}"));
        }
        Some(_) => {}
    }
    let Some(name) = name(method, params) else { return Ok(()) };
    let said = sole(headers, NAME)?.ok_or_else(|| format!("the header `Mcp-Name` is missing, for {method}"))?;
    let said = decoded(said).ok_or("the header `Mcp-Name` is no valid Base64")?;
    match said == name {
        true => Ok(()),
        false => Err(format!("the header `Mcp-Name` says {said:?}, the message {name:?}")),
    }
}

/// What `Mcp-Name` has to repeat: what the method is about.
fn name(method: &str, params: Option<&Json>) -> Option<String> {
    let key = match method {
        "tools/call" | "prompts/get" => "name",
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => "uri",
        "tasks/get" | "tasks/update" | "tasks/cancel" => "taskId",
        _ => return None,
    };
    Members::read(params?.as_bytes()).ok()?.text(key).map(Cow::into_owned)
}

/// Holds `Mcp-Param-*` against the arguments of a call of a tool with this definition.
///
/// # Errors
/// What does not fit.
pub fn check_arguments(headers: &HeaderMap, definition: &Json, arguments: Option<&Json>) -> Result<(), String> {
    // Hardly any tool has such arguments: the schema is read where one does.
    if !definition.as_str().contains(ANNOTATION) {
        return Ok(());
    }
    let Ok(definition) = definition.to::<Map<String, Value>>() else { return Ok(()) };
    let mut annotated = Vec::new();
    annotations(definition.get("inputSchema"), &mut Vec::new(), &mut annotated);
    let arguments = arguments.and_then(|arguments| arguments.to::<Value>().ok());
    for (path, name) in annotated {
        let header = format!("{PARAM}{}", name.to_ascii_lowercase());
        let value = arguments.as_ref().and_then(|all| path.iter().try_fold(all, |value, key| value.get(key)));
        let argument = path.join(".");
        match (sole(headers, &header)?, value.and_then(as_text)) {
            (None, None) => {}
            (Some(_), None) => {
                return Err(format!("the header `{header}` is there, and the argument {argument} is not"));
            }
            (None, Some(_)) => return Err(format!("the header `{header}` is missing, for the argument {argument}")),
            (Some(said), Some(value)) => {
                let said = decoded(said).ok_or_else(|| format!("the header `{header}` is no valid Base64"))?;
                if said != value {
                    return Err(format!("the header `{header}` says {said:?}, the argument {argument} is {value:?}"));
                }
            }
        }
    }
    Ok(())
}

/// Every annotation that is reached through `properties` alone, with the path to it.
fn annotations<'s>(schema: Option<&'s Value>, path: &mut Vec<&'s str>, found: &mut Vec<(Vec<&'s str>, &'s str)>) {
    let Some(Value::Object(properties)) = schema.and_then(|schema| schema.get("properties")) else { return };
    for (name, schema) in properties {
        path.push(name);
        if let Some(Value::String(header)) = schema.get(ANNOTATION)
            && !header.is_empty()
        {
            found.push((path.clone(), header));
        }
        annotations(Some(schema), path, found);
        path.pop();
    }
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The one value of a header. Twice would let those in between and us read different ones.
fn sole<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, String> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(format!("the header `{name}` is there twice"));
    }
    first.map(|value| value.to_str().map_err(|_| format!("the header `{name}` is no plain text"))).transpose()
}

/// What a header says that may be wrapped as `=?base64?…?=`.
fn decoded(value: &str) -> Option<Cow<'_, str>> {
    match value.strip_prefix("=?base64?").and_then(|value| value.strip_suffix("?=")) {
        None => Some(Cow::Borrowed(value)),
        Some(wrapped) => String::from_utf8(BASE64_STANDARD.decode(wrapped).ok()?).ok().map(Cow::Owned),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};
    use serde_json::json;

    use super::*;

    fn headers(list: &[(&str, &str)]) -> HeaderMap {
        let header = |(name, value): &(&str, &str)| {
            (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
        };
        let mut map = HeaderMap::new();
        for (name, value) in list.iter().map(header) {
            map.append(name, value);
        }
        map
    }

    #[test]
    fn methods_and_names() {
        let call = Json::parse(r#"{"name":"żółw"}"#).unwrap();
        let wrapped = format!("=?base64?{}?=", BASE64_STANDARD.encode("żółw"));
        let both = |name: &str| headers(&[("Mcp-Method", "tools/call"), ("Mcp-Name", name)]);
        assert_eq!(check(&both(&wrapped), "tools/call", Some(&call)), Ok(()));
        assert_eq!(check(&headers(&[("Mcp-Method", "tools/list")]), "tools/list", None), Ok(()));
        let read = Json::parse(r#"{"uri":"a://b"}"#).unwrap();
        let right = headers(&[("Mcp-Method", "resources/read"), ("Mcp-Name", "a://b")]);
        assert_eq!(check(&right, "resources/read", Some(&read)), Ok(()));
        for (wrong, why) in [
            (headers(&[]), "`Mcp-Method` is missing"),
            (headers(&[("Mcp-Method", "tools/list")]), "says \"tools/list\""),
            (headers(&[("Mcp-Method", "tools/call")]), "`Mcp-Name` is missing"),
            (both("other"), "says \"other\""),
            (both("=?base64?!!?="), "no valid Base64"),
            (headers(&[("Mcp-Method", "tools/call"), ("Mcp-Method", "tools/call")]), "there twice"),
        ] {
            let error = check(&wrong, "tools/call", Some(&call)).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    fn checked(said: &[(&str, &str)], arguments: &Value) -> Result<(), String> {
        let definition = json!({ "name": "deploy", "inputSchema": { "type": "object", "properties": {
            "region": { "type": "string", "x-mcp-header": "Region" },
            "count": { "type": "integer", "x-mcp-header": "Count" },
            "outer": { "type": "object", "properties": { "deep": { "type": "boolean", "x-mcp-header": "Deep" } } },
            "list": { "type": "array", "items": { "type": "string", "x-mcp-header": "Item" } },
        } } });
        check_arguments(&headers(said), &Json::from_value(&definition), Some(&Json::from_value(arguments)))
    }

    #[test]
    fn arguments() {
        let all = [("Mcp-Param-Region", "eu"), ("mcp-param-count", "3"), ("Mcp-Param-Deep", "true")];
        assert_eq!(checked(&all, &json!({ "region": "eu", "count": 3, "outer": { "deep": true } })), Ok(()));
        assert_eq!(checked(&[], &json!({ "region": null, "list": ["x"] })), Ok(()));
        assert_eq!(checked(&[], &json!({})), Ok(()));
        for (said, arguments) in [
            (&all[..1], json!({ "region": "us" })),
            (&all[..1], json!({})),
            (&[][..], json!({ "region": "eu" })),
            (&[("mcp-param-region", "eu"), ("mcp-param-region", "eu")], json!({ "region": "eu" })),
            (&[("mcp-param-region", "=?base64?%?=")], json!({ "region": "eu" })),
        ] {
            assert!(checked(said, &arguments).is_err(), "{said:?} {arguments}");
        }
    }
}
