//! What looks like a secret.

use serde_json::{Map, Value};

use super::{Imported, NoteKind};

/// Parts of names that secrets have.
const NAMES: [&str; 10] = [
    "token",
    "secret",
    "password",
    "passwd",
    "apikey",
    "authorization",
    "credential",
    "privatekey",
    "cookie",
    "accesskey",
];

/// What the tokens of well-known services begin with.
const BEGINNINGS: [&str; 10] =
    ["sk-", "ghp_", "gho_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "AKIA", "tvly-", "Bearer "];

/// Notes what in `entry` looks like a secret, without showing it.
pub(super) fn find(entry: &Map<String, Value>, at: &str, imported: &mut Imported) {
    for section in ["env", "headers"] {
        for (name, value) in entry.get(section).and_then(Value::as_object).into_iter().flatten() {
            if let Some(value) = value.as_str().filter(|value| is_secret(name, value)) {
                tell(&format!("{at}.{section}.{name}"), &variable(name), value, imported);
            }
        }
    }
    let args: Vec<&str> =
        entry.get("args").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let mut before = "";
    for (index, arg) in args.iter().enumerate() {
        let (name, value) = arg.split_once('=').filter(|_| arg.starts_with('-')).unwrap_or((before, arg));
        if is_secret(name, value) && !value.starts_with('-') {
            tell(&format!("{at}.args[{index}]"), &variable(name), value, imported);
        }
        before = if arg.starts_with('-') { arg } else { "" };
    }
    let url = entry.get("url").and_then(Value::as_str).and_then(|url| url::Url::parse(url).ok());
    if let Some(url) = url {
        for (name, value) in url.query_pairs().filter(|(name, value)| is_secret(name, value)) {
            tell(&format!("{at}.url"), &variable(&name), &value, imported);
        }
        if let Some(password) = url.password() {
            tell(&format!("{at}.url"), "PASSWORD", password, imported);
        }
    }
}

fn tell(at: &str, variable: &str, value: &str, imported: &mut Imported) {
    imported.note(
        at,
        NoteKind::Secret,
        format!("looks like a secret and is kept as it is: write `${{{variable}}}`, and set the variable where the gateway is started"),
    );
    // Short ones would blot out other text.
    if value.len() > 3 {
        imported.secrets.push(value.to_owned());
    }
}

/// Whether `value` looks like a secret, under that name. What refers to a variable is none.
fn is_secret(name: &str, value: &str) -> bool {
    let plain: String = name.to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    let named = NAMES.iter().any(|part| plain.contains(part)) || plain == "key" || plain == "pat";
    let begins = BEGINNINGS.iter().any(|beginning| value.starts_with(beginning) && value.len() > beginning.len() + 4);
    !value.is_empty() && !value.contains("${") && (begins || named)
}

/// The name that a variable for it could have.
fn variable(name: &str) -> String {
    let name: String = name
        .trim_matches('-')
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect();
    match name.as_str() {
        "" => "TOKEN".to_owned(),
        name if name.starts_with(|c: char| c.is_ascii_digit()) => format!("_{name}"),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_by_their_names_and_beginnings() {
        for (name, value) in [
            ("GITHUB_TOKEN", "x"),
            ("Authorization", "Basic eA=="),
            ("X-Api-Key", "1"),
            ("", "sk-abcdefgh"),
            ("--api-key", "v"),
        ] {
            assert!(is_secret(name, value), "{name}: {value}");
        }
        for (name, value) in [
            ("GITHUB_TOKEN", "${GITHUB_TOKEN}"),
            ("PATH", "/bin"),
            ("TOKEN", ""),
            ("--root", "/data"),
            ("Accept", "text/html"),
        ] {
            assert!(!is_secret(name, value), "{name}: {value}");
        }
        assert_eq!(variable("--api-key"), "API_KEY");
    }
}
