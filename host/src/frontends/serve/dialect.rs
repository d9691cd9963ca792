//! What a result says beside itself, which clients of one revision need and those of another have never heard of.

use gateway_core::{
    payload::Json,
    wire::{
        json::{Members, Object, replace},
        message::{INVALID_PARAMS, Outgoing, RESOURCE_NOT_FOUND},
    },
};

use super::modern::SERVER;

/// For how long a client may keep what the gateway lists, in milliseconds: not at all. A server that starts, and every
/// `_<server>_connect`, changes lists; asking again costs a copy.
const TTL: &[u8] = b"0";

/// Lists depend on the role, and what was read may.
const SCOPE: &[u8] = br#""private""#;

/// The answer as a client that speaks `modern`ly, or one that does not, expects it. `cacheable`: MCP 2026-07-28,
/// "Caching", wants hints with it.
pub(super) fn fit(answer: Outgoing, modern: bool, cacheable: bool) -> Outgoing {
    match answer {
        Outgoing::Result { id, result } if modern => Outgoing::Result { id, result: tagged(result, cacheable) },
        Outgoing::Result { id, result } => Outgoing::Result { id, result: untagged(result) },
        Outgoing::Error { id, error } if modern => Outgoing::Error { id, error: renumbered(error) },
        other => other,
    }
}

/// With `resultType`, and hints where they are wanted; no other byte is touched.
fn tagged(result: Json, cacheable: bool) -> Json {
    let mut front = Vec::new();
    let lacks = |name: &str| {
        let quoted = format!("\"{name}\"");
        let stands = memchr::memmem::find(result.as_bytes(), quoted.as_bytes()).is_some();
        !stands || Members::read(result.as_bytes()).is_ok_and(|members| members.get(name).is_none())
    };
    let (lacks_kind, lacks_ttl, lacks_scope) =
        (lacks("resultType"), cacheable && lacks("ttlMs"), cacheable && lacks("cacheScope"));
    let interim = cacheable && !lacks_kind && {
        let members = Members::read(result.as_bytes()).unwrap_or_default();
        members.text("resultType").is_none_or(|kind| kind != "complete")
    };
    let mut add = |name: &str, value: &[u8]| {
        front.push(b'"');
        front.extend_from_slice(name.as_bytes());
        front.extend_from_slice(b"\":");
        front.extend_from_slice(value);
        front.push(b',');
    };
    if lacks_kind {
        add("resultType", br#""complete""#);
    }
    if lacks_ttl && !interim {
        add("ttlMs", TTL);
    }
    if lacks_scope && !interim {
        add("cacheScope", SCOPE);
    }
    if front.is_empty() { result } else { prefixed(&result, front) }
}

/// The object with members before its own. `front` ends with a comma.
fn prefixed(result: &Json, mut front: Vec<u8>) -> Json {
    let Some(inside) = result.as_bytes().strip_prefix(b"{") else { return result.clone() };
    if inside.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'}') {
        front.pop();
    }
    let mut text = Vec::with_capacity(front.len() + inside.len() + 1);
    text.push(b'{');
    text.extend_from_slice(&front);
    text.extend_from_slice(inside);
    Json::parse(text).unwrap_or_else(|_| result.clone())
}

/// Without what only clients of 2026-07-28 know.
fn untagged(result: Json) -> Json {
    if memchr::memmem::find(result.as_bytes(), b"\"resultType\"").is_none() {
        return result;
    }
    let Ok(members) = Members::read(result.as_bytes()) else { return result };
    // Any other kind is none that could be left out.
    if members.text("resultType").as_deref() != Some("complete") {
        return result.clone();
    }
    let mut rest = Object::with_capacity(result.as_bytes().len());
    for (name, value) in members.iter() {
        match name {
            "resultType" | "ttlMs" | "cacheScope" => {}
            "_meta" => {
                if let Some(meta) = without(value.get(), SERVER) {
                    rest.raw(name, meta.as_bytes());
                }
            }
            _ => drop(rest.raw(name, value.get().as_bytes())),
        }
    }
    rest.finish()
}

/// The object without a member; `None` where nothing is left.
fn without(object: &str, name: &str) -> Option<Json> {
    let Ok(members) = Members::read(object.as_bytes()) else { return Json::parse(object.to_owned()).ok() };
    let mut rest = Object::with_capacity(object.len());
    let mut empty = true;
    for (key, value) in members.iter().filter(|(key, _)| *key != name) {
        rest.raw(key, value.get().as_bytes());
        empty = false;
    }
    (!empty).then(|| rest.finish())
}

/// The code for a resource that is not there is a new one (MCP 2026-07-28, "Error Codes").
fn renumbered(error: Json) -> Json {
    let old = RESOURCE_NOT_FOUND.to_string();
    let is_old =
        Members::read(error.as_bytes()).is_ok_and(|members| members.get("code").is_some_and(|code| code.get() == old));
    let new = || replace(&error, "code", INVALID_PARAMS.to_string().as_bytes());
    is_old.then(new).flatten().unwrap_or(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(text: &'static str, modern: bool, cacheable: bool) -> String {
        let answer = Outgoing::Result { id: Json::from_value(&1), result: Json::parse(text).unwrap() };
        match fit(answer, modern, cacheable) {
            Outgoing::Result { result, .. } => result.as_str().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn modern_clients_are_told_the_kind() {
        let complete = r#""resultType":"complete""#;
        assert_eq!(result(r#"{"x": 1.50}"#, true, false), format!(r#"{{{complete},"x": 1.50}}"#));
        assert_eq!(result("{ }", true, false), format!("{{{complete} }}"));
        assert_eq!(result(r#"{"resultType":"task"}"#, true, false), r#"{"resultType":"task"}"#);
        let nested = r#"{"x":{"resultType":"task"}}"#;
        assert_eq!(result(nested, true, false), format!("{{{complete},{}", &nested[1..]));
    }

    #[test]
    fn hints_are_given_where_the_server_gave_none() {
        let hinted = |text| result(text, true, true);
        let given = r#"{"resultType":"complete","ttlMs":5,"cacheScope":"public"}"#;
        assert_eq!(hinted(given), given);
        let none = hinted(r#"{"resultType":"complete"}"#);
        assert_eq!(none, r#"{"ttlMs":0,"cacheScope":"private","resultType":"complete"}"#);
        let interim = r#"{"resultType":"input_required","requestState":"x"}"#;
        assert_eq!(hinted(interim), interim);
    }

    #[test]
    fn older_clients_hear_nothing_of_it() {
        let old = |text| result(text, false, true);
        let nested = r#"{"x": 1.50, "y":{"resultType":"complete"}}"#;
        assert_eq!(old(nested), nested);
        let tagged = r#"{"resultType":"complete","ttlMs":0,"cacheScope":"private","x":1.50,"_meta":{"io.modelcontextprotocol/serverInfo":{}}}"#;
        assert_eq!(old(tagged), r#"{"x":1.50}"#);
        let more = r#"{"_meta":{"io.modelcontextprotocol/serverInfo":{},"a":1},"resultType":"complete"}"#;
        assert_eq!(old(more), r#"{"_meta":{"a":1}}"#);
        let task = r#"{"resultType":"task","taskId":"x"}"#;
        assert_eq!(old(task), task);
    }
}
