//! `${VAR}` and `${VAR:-default}` in the strings of `servers`, `plugins` and `auth`.

use serde_yaml::Value;

use super::problem::{KeyPath, Problem};

/// Looks up an environment variable.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The sections that variables expand in: a plain one, and those whose entries can be disabled.
const WHOLE: &str = "auth";
const ENTRIES: [&str; 3] = ["servers", "backends", "plugins"];

/// Expands what there is to expand. Disabled entries are left as they are, since their variables need not be set.
pub(super) fn expand(root: &mut Value, environment: Environment<'_>, problems: &mut Vec<Problem>) {
    if let Some(auth) = root.get_mut(WHOLE) {
        expand_value(auth, &KeyPath::of([WHOLE]), environment, problems);
    }
    for section in ENTRIES {
        let Some(Value::Mapping(entries)) = root.get_mut(section) else { continue };
        for (name, entry) in entries.iter_mut() {
            let path = KeyPath::of([section, name.as_str().unwrap_or_default()]);
            if entry.get("enabled") != Some(&Value::Bool(false)) {
                expand_value(entry, &path, environment, problems);
            }
        }
    }
}

fn expand_value(value: &mut Value, path: &KeyPath, environment: Environment<'_>, problems: &mut Vec<Problem>) {
    match value {
        Value::String(text) => match expand_text(text, environment) {
            Ok(expanded) => *text = expanded,
            Err(error) => problems.push(error.problem(path)),
        },
        Value::Sequence(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                expand_value(item, &path.with(at), environment, problems);
            }
        }
        Value::Mapping(mapping) => {
            for (key, item) in mapping.iter_mut() {
                expand_value(item, &path.with(key.as_str().unwrap_or_default()), environment, problems);
            }
        }
        _ => {}
    }
}

/// Why a text cannot be expanded.
#[derive(Debug, PartialEq, Eq)]
enum ExpandError {
    /// The variable has no value, and the text no default.
    Unset(String),
    /// `${` and what follows is no variable.
    Syntax(String),
}

impl ExpandError {
    fn problem(&self, path: &KeyPath) -> Problem {
        match self {
            Self::Unset(name) => {
                let entry = match path.name(0) {
                    Some(WHOLE) | None => String::new(),
                    Some(_) => {
                        let entry = path.keys().iter().take(2).cloned().collect::<Vec<_>>();
                        format!(", or `enabled: false` in {}", KeyPath::from(entry))
                    }
                };
                Problem::entry(path.clone(), format!("the environment variable {name} is not set"))
                    .hint(format!("set {name}, or write `${{{name}:-default}}`{entry}"))
                    .at_value()
            }
            Self::Syntax(_) if path.is_secret() => {
                Problem::error(path.clone(), "a `${` here begins no variable: `${VAR}` or `${VAR:-default}`")
                    .hint("write `$${` where the text itself is meant")
            }
            Self::Syntax(text) => {
                Problem::error(path.clone(), format!("`{text}` is no variable: `${{VAR}}` or `${{VAR:-default}}`"))
                    .hint(format!("write `${text}` where the text itself is meant"))
                    .at_value()
            }
        }
    }
}

/// Expands each `${VAR}` and `${VAR:-default}`; `$${` stands for `${` itself. Any other `$` is left alone.
fn expand_text(text: &str, environment: Environment<'_>) -> Result<String, ExpandError> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            expanded.push_str(&rest[..at - 1]);
            expanded.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        expanded.push_str(&rest[..at]);
        let end = rest[at..].find('}').map(|end| at + end);
        let Some(end) = end else { return Err(ExpandError::Syntax(rest[at..].to_owned())) };
        expanded.push_str(&variable(&rest[at + 2..end], environment)?);
        rest = &rest[end + 1..];
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// The value of what stands between the braces. As in a shell, `:-` also holds for a variable that is empty.
fn variable(inner: &str, environment: Environment<'_>) -> Result<String, ExpandError> {
    let (name, default) = match inner.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    };
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(legal) {
        return Err(ExpandError::Syntax(format!("${{{inner}}}")));
    }
    let value = environment(name);
    match default {
        Some(default) => Ok(value.filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned())),
        None => value.ok_or_else(|| ExpandError::Unset(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> Option<String> {
        match name {
            "HOST" => Some("example.com".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    fn expanded(text: &str) -> Result<String, ExpandError> {
        expand_text(text, &environment)
    }

    #[test]
    fn variables_and_defaults() {
        assert_eq!(expanded("https://${HOST}/${HOST}!").unwrap(), "https://example.com/example.com!");
        assert_eq!(expanded("${PORT:-8080}").unwrap(), "8080");
        assert_eq!(expanded("${HOST:-other}").unwrap(), "example.com");
        assert_eq!(expanded("[${EMPTY}] [${EMPTY:-x}] [${PORT:-}]").unwrap(), "[] [x] []");
        assert_eq!(expanded("${TOKEN}"), Err(ExpandError::Unset("TOKEN".to_owned())));
    }

    #[test]
    fn dollars_that_are_no_variables() {
        assert_eq!(expanded("pa$$word $HOST 5$").unwrap(), "pa$$word $HOST 5$");
        assert_eq!(expanded("$${HOST} and ${HOST}").unwrap(), "${HOST} and example.com");
        for bad in ["${", "${HOST", "${}", "${1A}", "${A-b}", "${A B}"] {
            assert!(matches!(expanded(bad), Err(ExpandError::Syntax(_))), "{bad}");
        }
    }

    #[test]
    fn disabled_entries_are_left_alone() {
        let text = "servers: {a: {command: '${X}', enabled: false}, b: {args: ['${X}']}}\nname: ${X}";
        let mut root: Value = serde_yaml::from_str(text).unwrap();
        let mut problems = Vec::new();
        expand(&mut root, &environment, &mut problems);
        let paths: Vec<String> = problems.iter().map(|problem| problem.path.to_string()).collect();
        assert_eq!(paths, ["servers.b.args[0]"]);
    }
}
