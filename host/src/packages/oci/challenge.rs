//! How a registry wants to be shown who asks: `WWW-Authenticate` (RFC 9110, 11.6.1), with the scheme of tokens that
//! registries share (distribution specification, "Token authentication").

/// What a registry wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password.
    Basic,
    /// A token, which is given out elsewhere.
    Bearer {
        /// Where.
        realm: String,
        /// For what registry.
        service: Option<String>,
        /// For what in it.
        scope: Option<String>,
    },
}

impl Challenge {
    /// Reads a header; `None` where it asks for something else.
    pub(super) fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let parameters = parameters(rest);
        let find = |name: &str| {
            parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
        };
        Some(Self::Bearer { realm: find("realm")?, service: find("service"), scope: find("scope") })
    }
}

/// `key="value"` or `key=value`, with commas between them and maybe within quotes.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some((key, after)) = rest.split_once('=') {
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let end = after.find(',').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        found.push((key.trim().to_owned(), value));
        rest = next.trim_start_matches([',', ' ']);
    }
    found
}

/// What stands before the next quote, and what after it.
fn unquote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return (value, &text[at + 1..]),
            c => {
                value.push(c);
                escaped = false;
            }
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_understood() {
        assert_eq!(Challenge::parse("Basic realm=\"x, y\""), Some(Challenge::Basic));
        assert_eq!(Challenge::parse("basic"), Some(Challenge::Basic));
        let bearer = |realm: &str, service: Option<&str>, scope: Option<&str>| {
            let text = |text: Option<&str>| text.map(str::to_owned);
            Some(Challenge::Bearer { realm: realm.to_owned(), service: text(service), scope: text(scope) })
        };
        assert_eq!(
            Challenge::parse(r#"Bearer realm="https://a/token",service="a",scope="repository:x:pull,push""#),
            bearer("https://a/token", Some("a"), Some("repository:x:pull,push"))
        );
        assert_eq!(
            Challenge::parse(r#"bearer service=a, realm="https://a/\"b\"""#),
            bearer("https://a/\"b\"", Some("a"), None)
        );
        for other in ["Negotiate abc", "", "Bearer", "Bearer realm", "Bearer service=\"a"] {
            assert_eq!(Challenge::parse(other), None, "{other}");
        }
    }
}
