//! Secrets that are known by how they look. The shapes are those that the services document.

use std::ops::Range;

use crate::config::Kind;

/// How the tokens of a service begin, what may follow, and how much of it.
struct Shape {
    kind: Kind,
    prefixes: &'static [&'static str],
    follows: fn(u8) -> bool,
    least: usize,
    most: usize,
}

const SHAPES: [Shape; 4] = [
    Shape {
        kind: Kind::Github,
        prefixes: &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        follows: |byte| byte.is_ascii_alphanumeric(),
        least: 36,
        most: usize::MAX,
    },
    Shape {
        kind: Kind::Github,
        prefixes: &["github_pat_"],
        follows: |byte| byte.is_ascii_alphanumeric() || byte == b'_',
        least: 22,
        most: usize::MAX,
    },
    Shape {
        kind: Kind::Aws,
        prefixes: &["AKIA", "ASIA"],
        follows: |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit(),
        least: 16,
        most: 16,
    },
    Shape {
        kind: Kind::Slack,
        prefixes: &["xoxa-", "xoxb-", "xoxe-", "xoxp-", "xoxr-", "xoxs-", "xapp-"],
        follows: |byte| byte.is_ascii_alphanumeric() || byte == b'-',
        least: 10,
        most: usize::MAX,
    },
];

/// Tokens of one service.
pub(crate) fn tokens(text: &str, kind: Kind, found: &mut impl FnMut(Range<usize>)) {
    for shape in SHAPES.iter().filter(|shape| shape.kind == kind) {
        for prefix in shape.prefixes {
            for (start, _) in text.match_indices(prefix) {
                let end = start + prefix.len() + run(text, start + prefix.len(), shape.follows);
                let length = end - start - prefix.len();
                // Otherwise any long line of capitals would hold a key.
                let is_apart = !before(text, start).is_some_and(|byte| byte.is_ascii_alphanumeric());
                if is_apart && (shape.least..=shape.most).contains(&length) {
                    found(start..end);
                }
            }
        }
    }
}

/// JSON Web Tokens: header and payload are JSON objects, so both begin alike.
pub(crate) fn web_tokens(text: &str, found: &mut impl FnMut(Range<usize>)) {
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let mut from = 0;
    while let Some(start) = text[from..].find("eyJ").map(|at| from + at) {
        let header = start + run(text, start, is_base64);
        from = header;
        if !text[header..].starts_with(".eyJ") {
            continue;
        }
        let payload = header + 1 + run(text, header + 1, is_base64);
        from = payload;
        if text[payload..].starts_with('.') {
            // The signature may be empty.
            from = payload + 1 + run(text, payload + 1, is_base64);
            found(start..from);
        }
    }
}

/// Private keys, as far as they go: one without an end is cut off, and no less secret.
pub(crate) fn private_keys(text: &str, found: &mut impl FnMut(Range<usize>)) {
    const BEGIN: &str = "-----BEGIN ";
    const KEY: &str = "PRIVATE KEY";
    let mut from = 0;
    while let Some(start) = text[from..].find(BEGIN).map(|at| from + at) {
        from = start + BEGIN.len();
        let label = &text[from..];
        let Some(label) = label.find("-----").map(|end| &label[..end]).filter(|label| label.len() < 64) else {
            continue;
        };
        if !label.contains(KEY) {
            continue;
        }
        let end = format!("-----END {label}-----");
        from = text[from..].find(&end).map_or(text.len(), |at| from + at + end.len());
        found(start..from);
    }
}

/// E-mail addresses.
pub(crate) fn addresses(text: &str, found: &mut impl FnMut(Range<usize>)) {
    let is_local = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-');
    let is_domain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    for (at, _) in text.match_indices('@') {
        let local = text.as_bytes()[..at].iter().rev().take_while(|byte| is_local(**byte)).count();
        let domain = &text[at + 1..at + 1 + run(text, at + 1, is_domain)];
        // What ends a sentence is none of it.
        let domain = domain.trim_end_matches(['.', '-']);
        let is_host = domain.rsplit_once('.').is_some_and(|(host, top)| {
            !host.is_empty() && top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_alphabetic())
        });
        if local > 0 && is_host {
            found(at - local..at + 1 + domain.len());
        }
    }
}

/// How many bytes from `start` on are as they have to be.
pub(crate) fn run(text: &str, start: usize, is: impl Fn(u8) -> bool) -> usize {
    text.as_bytes()[start..].iter().take_while(|byte| is(**byte)).count()
}

fn before(text: &str, at: usize) -> Option<u8> {
    text.as_bytes()[..at].last().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, find: impl Fn(&str, &mut dyn FnMut(Range<usize>))) -> Vec<String> {
        let mut found = Vec::new();
        find(text, &mut |range| found.push(text[range].to_owned()));
        found
    }

    fn of(kind: Kind, text: &str) -> Vec<String> {
        all(text, |text, mut found| tokens(text, kind, &mut found))
    }

    #[test]
    fn tokens_are_found() {
        let github = format!("ghp_{}", "aB3".repeat(12));
        assert_eq!(of(Kind::Github, &format!("({github}) ä{github}.")), [github.as_str(), &github]);
        assert_eq!(of(Kind::Github, &format!("x{github} ghp_short")), [""; 0]);
        let fine = format!("github_pat_{}_x", "a".repeat(22));
        assert_eq!(of(Kind::Github, &fine), [fine.as_str()]);
        assert_eq!(of(Kind::Aws, "AKIAABCDEFGHIJKLMNOP"), ["AKIAABCDEFGHIJKLMNOP"]);
        assert_eq!(of(Kind::Aws, "AKIAABCDEFGHIJKLMNOPQ BAKIAABCDEFGHIJKLMNOP"), [""; 0]);
        assert_eq!(of(Kind::Slack, "<xoxb-123456-abcdef>"), ["xoxb-123456-abcdef"]);
    }

    #[test]
    fn web_tokens_are_found() {
        let find = |text: &str| all(text, |text, mut found| web_tokens(text, &mut found));
        assert_eq!(find("Bearer eyJhbGciOi.eyJzdWIi.c2ln-_ x"), ["eyJhbGciOi.eyJzdWIi.c2ln-_"]);
        assert_eq!(find("eyJh.eyJz. eyJh.other.c eyJ"), ["eyJh.eyJz."]);
    }

    #[test]
    fn private_keys_are_found() {
        let find = |text: &str| all(text, |text, mut found| private_keys(text, &mut found));
        let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----";
        assert_eq!(find(&format!("a\n{key}\nb")), [key]);
        let cut = "-----BEGIN PRIVATE KEY-----\nMIIE";
        assert_eq!(find(cut), [cut]);
        assert_eq!(find("-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----"), [""; 0]);
    }

    #[test]
    fn addresses_are_found() {
        let find = |text: &str| all(text, |text, mut found| addresses(text, &mut found));
        assert_eq!(find("<a.b+c@mail.example.org>, ü@example.com."), ["a.b+c@mail.example.org"]);
        assert_eq!(find("ann@example.com. Bob@x.co"), ["ann@example.com", "Bob@x.co"]);
        assert_eq!(find("@example.com a@b user@localhost a@1.2 v@1.0.0"), [""; 0]);
    }
}
