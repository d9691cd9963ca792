//! The strings of a JSON text, changed in place: everything between them stays as it is, byte for byte, whatever the
//! numbers are and whatever stands twice.

use gateway_sdk::serde_json;

/// A string in JSON.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JsonString<'a> {
    /// Of a value, the name of the member that it is.
    pub(crate) member: Option<&'a str>,
    /// What it says.
    pub(crate) text: &'a str,
}

/// Where the reader is.
enum Inside {
    List,
    Object {
        /// The member whose value is read.
        member: String,
        /// The next string is a name.
        wants_name: bool,
    },
}

/// The JSON with other strings where `change` gives some, names of members among them; `None` where it gives none.
///
/// # Errors
/// It is no JSON.
pub(crate) fn rewrite(
    json: &str,
    mut change: impl FnMut(&JsonString<'_>) -> Option<String>,
) -> Result<Option<String>, String> {
    let mut written = String::new();
    let mut kept = 0;
    let mut inside: Vec<Inside> = Vec::new();
    let mut at = 0;
    while let Some(byte) = json.as_bytes().get(at) {
        at += 1;
        match byte {
            b'[' => inside.push(Inside::List),
            b'{' => inside.push(Inside::Object { member: String::new(), wants_name: true }),
            b']' | b'}' => {
                inside.pop();
            }
            b',' | b':' => {
                if let Some(Inside::Object { wants_name, .. }) = inside.last_mut() {
                    *wants_name = *byte == b',';
                }
            }
            b'"' => {
                let token = at - 1..end(json, at).ok_or("the result is no JSON: a string has no end")?;
                at = token.end;
                if let Some(other) = string(&json[token.clone()], &mut inside, &mut change)? {
                    written.push_str(&json[kept..token.start]);
                    written.push_str(&other);
                    kept = token.end;
                }
            }
            _ => {}
        }
    }
    if kept == 0 {
        return Ok(None);
    }
    written.push_str(&json[kept..]);
    Ok(Some(written))
}

/// The JSON of what stands in the place of a string, where something does.
fn string(
    token: &str,
    inside: &mut [Inside],
    change: &mut impl FnMut(&JsonString<'_>) -> Option<String>,
) -> Result<Option<String>, String> {
    let text: String = serde_json::from_str(token).map_err(|error| format!("the result is no JSON: {error}"))?;
    if is_binary(inside) {
        return Ok(None);
    }
    let member = match inside.last() {
        Some(Inside::Object { member, wants_name: false }) => Some(member.as_str()),
        _ => None,
    };
    let other = change(&JsonString { member, text: &text });
    if let Some(Inside::Object { member, wants_name: true }) = inside.last_mut() {
        *member = text;
    }
    other.map(|other| serde_json::to_string(&other).map_err(|error| error.to_string())).transpose()
}

/// Where the string that begins before `at` ends.
fn end(json: &str, mut at: usize) -> Option<usize> {
    loop {
        match json.as_bytes().get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Whether the string is the base64 of an image, a sound or a binary resource: `content[].data`,
/// `content[].resource.blob`. What looks like a secret in there is none, and a change would break the file.
fn is_binary(inside: &[Inside]) -> bool {
    let is =
        |inside: &Inside, name: &str| matches!(inside, Inside::Object { member, wants_name: false } if member == name);
    match inside {
        [root, Inside::List, piece] => is(root, "content") && is(piece, "data"),
        [root, Inside::List, piece, resource] => is(root, "content") && is(piece, "resource") && is(resource, "blob"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shout(json: &str) -> Option<String> {
        rewrite(json, |string| string.text.starts_with('x').then(|| string.text.to_uppercase())).unwrap()
    }

    #[test]
    fn everything_but_the_strings_stays() {
        let json = r#" { "a" : [1e400, 12345678901234567890123, "x\"1\u00e4"], "xa":{"b":"x\\"} , "c":-0.0,"c":null} "#;
        let expected = r#" { "a" : [1e400, 12345678901234567890123, "X\"1Ä"], "XA":{"b":"X\\"} , "c":-0.0,"c":null} "#;
        assert_eq!(shout(json).as_deref(), Some(expected));
        assert_eq!(shout(r#"{"a":["b"]}"#), None);
    }

    #[test]
    fn files_are_left_alone() {
        let json = r#"{"content":[{"type":"image","data":"x"},{"resource":{"blob":"x"}}]}"#;
        assert_eq!(shout(json), None);
        for other in [r#"{"data":"x"}"#, r#"{"structuredContent":[{"data":"x"}]}"#, r#"{"content":[{"text":"x"}]}"#] {
            assert!(shout(other).is_some(), "{other}");
        }
    }

    #[test]
    fn a_string_is_told_the_name_of_its_member() {
        let mut seen = Vec::new();
        let json = r#"{"a":"1","b":["2",{"c":"3"}],"d":{"e":"4"},"f":"5"}"#;
        let change = |string: &JsonString<'_>| {
            seen.extend(string.member.map(|member| format!("{member}={}", string.text)));
            None
        };
        assert_eq!(rewrite(json, change), Ok(None));
        assert_eq!(seen, ["a=1", "c=3", "e=4", "f=5"]);
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for bad in [r#"{"a"#, r#""\"#, r#""\x""#] {
            assert!(rewrite(bad, |_| None).is_err(), "{bad}");
        }
    }
}
