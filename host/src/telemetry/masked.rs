//! Arguments of calls as they may be logged, where the operator wants that: without what looks secret, and not at any
//! length.

use gateway_core::payload::Json;
use serde_json::Value;

/// The most of a call's arguments that is kept, in bytes.
pub const LONGEST: usize = 2 << 10;

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// Parts of names of what is nobody's business.
const SECRET: [&str; 17] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "signingkey",
    "authorization",
    "credential",
    "cookie",
    "session",
    "bearer",
    "connectionstring",
    "otp",
];

/// What tokens of well-known services begin with, and what stands before one.
const PREFIXES: [&str; 11] =
    ["sk-", "sk_", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "AKIA", "eyJ"];

/// The arguments in one line, the values of members whose names look secret masked, and cut where they are long.
#[must_use]
pub fn arguments(arguments: &Json) -> Box<str> {
    let Ok(mut value) = arguments.to::<Value>() else { return MASK.into() };
    mask(&mut value, false);
    cut(value.to_string()).into()
}

/// The text, or its beginning where it is long.
#[must_use]
pub fn cut(mut text: String) -> String {
    if text.len() > LONGEST {
        let mut end = LONGEST;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Whether what goes by this name is better not shown.
#[must_use]
pub fn looks_secret(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    SECRET.iter().any(|part| plain.contains(part)) || plain == "key" || plain == "auth" || plain == "pin"
}

fn mask(value: &mut Value, secret: bool) {
    match value {
        Value::Object(members) => {
            members.iter_mut().for_each(|(name, value)| mask(value, secret || looks_secret(name)));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| mask(value, secret)),
        Value::Null => {}
        Value::String(text) if !secret && !is_token(text) && !has_password(text) => {}
        Value::Bool(_) | Value::Number(_) if !secret => {}
        other => *other = Value::String(MASK.to_owned()),
    }
}

/// Whether it is a token of a well-known service, or a header that holds one.
fn is_token(text: &str) -> bool {
    let text = text.trim();
    let bare = ["Bearer ", "bearer ", "Basic ", "basic "].iter().find_map(|scheme| text.strip_prefix(scheme));
    bare.is_some()
        || !text.contains(char::is_whitespace)
            && text.len() >= 16
            && PREFIXES.iter().any(|prefix| text.starts_with(prefix))
}

/// Whether it is an address with a password in it.
fn has_password(text: &str) -> bool {
    let rest = text.split_once("://").map(|(_, rest)| rest);
    let authority = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    authority.and_then(|authority| authority.rsplit_once('@')).is_some_and(|(user, _)| user.contains(':'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn masked(value: &Value) -> String {
        arguments(&Json::from_value(value)).into()
    }

    #[test]
    fn what_looks_secret_is_masked() {
        let given = json!({
            "path": "a.txt", "api_key": "abc", "Access-Token": 17, "nested": { "dbPassword": ["x", { "y": "z" }] },
            "headers": ["Bearer abcdef"], "url": "postgres://user:pass@host/db", "note": "sk-0123456789abcdef",
            "nothing": null, "ok": true, "page": 3,
        });
        let shown = masked(&given);
        assert_eq!(
            serde_json::from_str::<Value>(&shown).unwrap(),
            json!({
                "path": "a.txt", "api_key": MASK, "Access-Token": MASK, "nested": { "dbPassword": [MASK, { "y": MASK }] },
                "headers": [MASK], "url": MASK, "note": MASK, "nothing": null, "ok": true, "page": 3,
            }),
        );
    }

    #[test]
    fn ordinary_words_are_shown() {
        for name in ["keyword", "monkey", "author", "path", "keys_only", "pinned"] {
            assert!(!looks_secret(name), "{name}");
        }
        for name in ["API-Key", "client_secret", "X-Auth-Token", "key", "PASSWORD", "connectionString"] {
            assert!(looks_secret(name), "{name}");
        }
    }

    #[test]
    fn they_are_cut() {
        let shown = masked(&json!({ "text": "ü".repeat(LONGEST) }));
        assert!(shown.len() <= LONGEST + "…".len() && shown.ends_with('…'));
    }
}
