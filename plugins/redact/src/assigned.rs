//! Secrets that are known by their names: `password=hunter2`, `"api_key": "..."`, `Authorization: Bearer ...`.

use std::ops::Range;

use crate::shapes::run;

/// How such names end, without `_` and `-`, in small letters.
const NAMES: [&str; 11] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "secretkey",
    "authorization",
    "credentials",
];
/// What ends like one, and is none: places in a list.
const OTHERS: [&str; 5] = ["pagetoken", "nexttoken", "continuationtoken", "synctoken", "progresstoken"];
/// The longest name that is looked at, in bytes.
const LONGEST: usize = 64;

/// Whether something of this name is to be hidden.
pub(crate) fn is_secret(name: &str) -> bool {
    if name.len() > LONGEST {
        return false;
    }
    let letters = name.chars().filter(|letter| !matches!(letter, '_' | '-' | ' '));
    let plain: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
    NAMES.iter().any(|secret| plain.ends_with(secret)) && !OTHERS.iter().any(|other| plain.ends_with(other))
}

/// The values that stand behind such names, and passwords in addresses.
pub(crate) fn values(text: &str, found: &mut impl FnMut(Range<usize>)) {
    for (at, _) in text.match_indices(['=', ':']) {
        let name = name_before(text, at);
        if text[at..].starts_with("://") {
            in_address(text, at + 3, found);
        } else if is_secret(name) {
            let range = value_after(text, at + 1);
            if !range.is_empty() {
                found(range);
            }
        }
    }
}

/// The name that ends before `at`, apart from spaces and a quotation mark.
fn name_before(text: &str, at: usize) -> &str {
    let before = text[..at].trim_end_matches([' ', '\t']);
    let before = before.strip_suffix(['"', '\'', '`']).unwrap_or(before);
    // In JSON inside of a text the quotation mark has a stroke before it.
    let before = before.strip_suffix('\\').unwrap_or(before);
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(**byte, b'_' | b'-');
    let length = before.as_bytes().iter().rev().take(LONGEST).take_while(is_name).count();
    &before[before.len() - length..]
}

/// The value that begins at `at`: what is between quotation marks, or up to where a value ends in a shell, a header, an
/// address or JSON.
fn value_after(text: &str, mut at: usize) -> Range<usize> {
    at += run(text, at, |byte| matches!(byte, b' ' | b'\t' | b'='));
    at += usize::from(text[at..].starts_with('\\'));
    let quote = text.as_bytes().get(at).copied().filter(|byte| matches!(byte, b'"' | b'\'' | b'`'));
    at += usize::from(quote.is_some());
    for scheme in ["Bearer ", "Basic ", "Token "] {
        let length = scheme.len();
        if text.as_bytes()[at..].get(..length).is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes())) {
            at += length;
        }
    }
    let end = at
        + match quote {
            Some(quote) => run(text, at, |byte| byte != quote && byte != b'\n' && byte != b'\\'),
            None => run(text, at, |byte| !byte.is_ascii_whitespace() && !b"\"'`&;,<>(){}[]\\".contains(&byte)),
        };
    at..end
}

/// The password in `user:password@host`, which begins at `at`.
fn in_address(text: &str, at: usize, found: &mut impl FnMut(Range<usize>)) {
    let authority = &text[at..at + run(text, at, |byte| !byte.is_ascii_whitespace() && !b"/?#\"'<>".contains(&byte))];
    let Some((user, _)) = authority.rsplit_once('@') else { return };
    if let Some(colon) = user.find(':')
        && colon + 1 < user.len()
    {
        found(at + colon + 1..at + user.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        values(text, &mut |range| found.push(&text[range]));
        found
    }

    #[test]
    fn values_are_found_by_their_names() {
        for (text, value) in [
            ("password=hunter2", "hunter2"),
            ("DB_PASSWORD = 'two words' # x", "two words"),
            ("https://x/?api_key=abc&b=1", "abc"),
            (r#"{"client-secret": "abc", "b": 1}"#, "abc"),
            (r#"{\"clientSecret\":\"abc\"}"#, "abc"),
            ("Authorization: Bearer abc.def\r\n", "abc.def"),
            ("authorization: basic QWxh", "QWxh"),
            ("secret := x", "x"),
            ("pwd: ä€", "ä€"),
            ("postgres://bob:p@ss@db/x", "p@ss"),
        ] {
            assert_eq!(found(text), [value], "{text}");
        }
    }

    #[test]
    fn other_values_are_left() {
        for text in [
            "the password is long",
            "password=",
            "nextPageToken=abc",
            "tokenize: x",
            "https://host:8080/a@b",
            "https://bob@host/",
            "a=1 b:2",
            "ä:ö",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
