//! What serde says about a mistake, in the words of whoever wrote the file, with the line to write.

use serde_yaml::Value;

use super::problem::{Key, KeyPath, Problem};

/// Keys of other programs' files, and what they are called here.
const FOREIGN: [(&str, &str); 27] = [
    ("mcpServers", "servers"),
    ("mcp_servers", "servers"),
    ("backend", "servers"),
    ("environment", "env"),
    ("environments", "env"),
    ("working_dir", "cwd"),
    ("workdir", "cwd"),
    ("workingDirectory", "cwd"),
    ("dir", "cwd"),
    ("timeout", "request_timeout"),
    ("startup_timeout", "start_timeout"),
    ("serverUrl", "url"),
    ("endpoint", "url"),
    ("uri", "url"),
    ("httpUrl", "url"),
    ("cmd", "command"),
    ("executable", "command"),
    ("arguments", "args"),
    ("desc", "description"),
    ("address", "host"),
    ("listen", "host"),
    ("network", "net"),
    ("filesystem", "files"),
    ("path", "source"),
    ("file", "source"),
    ("digest", "sha256"),
    ("loglevel", "log_level"),
];

/// Two names of one key: the one that the documentation uses, and the other.
const ALIASES: [(&str, &str); 3] = [("servers", "backends"), ("meta_tools", "enable_meta_mcp"), ("url", "http_url")];

/// Adds the other names of keys to the schema, which knows of the first ones alone.
pub(super) fn add_aliases(schema: &mut schemars::Schema) {
    let places = ["/properties", "/$defs/ServerConfig/properties"];
    for place in places {
        let Some(properties) = schema.pointer_mut(place).and_then(serde_json::Value::as_object_mut) else { continue };
        for (name, other) in ALIASES {
            if let Some(property) = properties.get(name).cloned() {
                properties.insert(other.to_owned(), property);
            }
        }
    }
}

/// The mistake that serde's `message` means, at `path`, where `found` stands. Its path is what has to go for the rest
/// to be read.
pub(super) fn mistake(message: &str, path: &KeyPath, found: Option<&Value>) -> Problem {
    if let Some(rest) = message.strip_prefix("unknown field ") {
        return unknown_key(rest, path, found);
    }
    if let Some(field) = quoted(message, "missing field ") {
        return Problem::error(path.clone(), format!("`{field}` is missing")).hint(missing_hint(field));
    }
    if let Some(field) = quoted(message, "duplicate field ") {
        return duplicate(field, path);
    }
    if let Some(rest) = message.strip_prefix("unknown variant ") {
        return unknown_value(rest, path, found);
    }
    if let Some((_, expected)) = message.split_once(", expected ")
        && (message.starts_with("invalid type: ") || message.starts_with("invalid value: "))
    {
        return wrong_type(expected, path, found);
    }
    if path.keys().is_empty() {
        return Problem::error(path.clone(), message);
    }
    let problem = custom(message, path);
    // A name is wrong as a key; a value where it stands.
    if matches!(found, Some(Value::Mapping(_) | Value::Sequence(_)) | None) { problem } else { problem.at_value() }
}

/// What one of our own types says, whose messages tell what to write after a colon.
fn custom(message: &str, path: &KeyPath) -> Problem {
    for advice in [": write ", ": use "] {
        if let Some((what, how)) = message.split_once(advice) {
            return Problem::error(path.clone(), what).hint(format!("{}{how}", &advice[2..]));
        }
    }
    let problem = Problem::error(path.clone(), message);
    match (message.contains("limit of 0"), path.keys()) {
        (true, _) => problem.hint("leave it out for the default"),
        (false, [.., Key::Name(list), Key::Index(_)]) if list == "net" => {
            problem.hint("write it like `https://api.github.com` or `*.example.com:443`")
        }
        _ => problem,
    }
}

/// What stands in backquotes after `prefix`.
fn quoted<'m>(message: &'m str, prefix: &str) -> Option<&'m str> {
    message.strip_prefix(prefix)?.split('`').nth(1)
}

/// `` `comand`, expected one of `command`, `args` ``
fn names(rest: &str) -> (&str, Vec<&str>) {
    let mut parts = rest.split('`').skip(1).step_by(2);
    (parts.next().unwrap_or_default(), parts.collect())
}

fn unknown_key(rest: &str, path: &KeyPath, found: Option<&Value>) -> Problem {
    let (key, known) = names(rest);
    let problem = Problem::error(path.clone(), format!("unknown key `{key}`")).about(path.parent().unwrap_or_default());
    problem.hint(known_key_hint(key, &known, found))
}

fn known_key_hint(key: &str, known: &[&str], found: Option<&Value>) -> String {
    match (key, found) {
        ("disabled", Some(Value::Bool(disabled))) if known.contains(&"enabled") => {
            return format!("write `enabled: {}`", !disabled);
        }
        ("type", _) if known.contains(&"command") => {
            return "leave it out: `command` or `url` says what kind of server it is".to_owned();
        }
        ("allow" | "deny", _) if known.contains(&"tools") => return format!("write it as `tools: {{ {key}: […] }}`"),
        ("net" | "files" | "env", _) if known.contains(&"permissions") => {
            return format!("write it below `permissions`: `permissions: {{ {key}: … }}`");
        }
        _ => {}
    }
    let foreign = FOREIGN.iter().find(|(name, own)| *name == key && known.contains(own)).map(|(_, own)| *own);
    match foreign.or_else(|| nearest(key, known)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known keys: {}", known.join(", ")),
    }
}

/// The one of the `known` names that `key` was probably meant to be.
#[must_use]
pub fn nearest<'n>(key: &str, known: &[&'n str]) -> Option<&'n str> {
    let plain = |name: &str| name.to_ascii_lowercase().replace('-', "_");
    let key = plain(key);
    let scored = known.iter().map(|name| (strsim::damerau_levenshtein(&key, &plain(name)), *name));
    let (distance, name) = scored.min_by_key(|(distance, _)| *distance)?;
    // A third of the letters may be wrong; of short names, one.
    (distance <= (key.chars().count() / 3).max(1)).then_some(name)
}

fn missing_hint(field: &str) -> String {
    match field {
        "source" => "write `source: ./plugins/NAME`, a plugin folder or a `.wasm` file".to_owned(),
        "steps" => "write `steps:` and below it `- { id: first, tool: SERVER__TOOL }`".to_owned(),
        "mount" => "write `mount: /data`, the folder as the plugin sees it".to_owned(),
        "path" => "write `path: ./data`, the folder on this machine".to_owned(),
        field => format!("write `{field}: …`"),
    }
}

fn duplicate(field: &str, path: &KeyPath) -> Problem {
    let other = ALIASES.iter().find(|(name, _)| *name == field).map_or(field, |(_, other)| *other);
    Problem::error(path.with(other), format!("`{other}` and `{field}` are two names of one key, and both are there"))
        .hint(format!("move everything below `{field}`, and remove `{other}`"))
        .about(path.clone())
}

fn unknown_value(rest: &str, path: &KeyPath, found: Option<&Value>) -> Problem {
    let (value, known) = names(rest);
    let found = found.map_or_else(|| format!("`{value}`"), describe);
    // Other spellings are understood, and not worth a list.
    let known: Vec<&str> = known.into_iter().filter(|name| !name.contains(|c: char| c.is_ascii_uppercase())).collect();
    let allowed = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let problem = Problem::error(path.clone(), format!("expected one of {allowed}, found {found}")).at_value();
    match (nearest(value, &known), path.keys().last()) {
        (Some(near), Some(Key::Name(key))) => problem.hint(format!("write `{key}: {}`", plain_scalar(near))),
        _ => problem,
    }
}

fn wrong_type(expected: &str, path: &KeyPath, found: Option<&Value>) -> Problem {
    let secret = path.is_secret();
    let shown = match found {
        None => "something else".to_owned(),
        Some(value) if secret => kind(value).to_owned(),
        Some(value) => describe(value),
    };
    let wanted = match expected {
        "a boolean" => "`true` or `false`",
        "a sequence" => "a list",
        "a map" => "keys with values",
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number",
        "a nonzero u32" | "a nonzero u64" => "a whole number from 1 on",
        "a Value::Tagged enum" => "a string",
        expected if expected.starts_with("struct ") => "keys with values",
        expected => expected,
    };
    if path.keys().is_empty() {
        return Problem::error(path.clone(), format!("the file has to begin with a key, found {shown}"))
            .hint("write sections such as `servers:` and `plugins:`, and their entries below them");
    }
    let problem = Problem::error(path.clone(), format!("expected {wanted}, found {shown}")).at_value();
    match found.and_then(|found| type_hint(wanted, path, found, secret)) {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

/// The line to write.
fn type_hint(wanted: &str, path: &KeyPath, found: &Value, secret: bool) -> Option<String> {
    let Some(Key::Name(key)) = path.keys().last() else {
        // An item of a list.
        return match (wanted, found) {
            ("a string", Value::Bool(_) | Value::Number(_)) => {
                Some(format!("put it in quotes: \"{}\"", scalar(found)?))
            }
            ("a string", Value::Mapping(_)) => Some("put a value that has `: ` in it in quotes".to_owned()),
            _ => None,
        };
    };
    match (wanted, found) {
        ("`true` or `false`", Value::String(text)) => {
            let yes = match text.to_ascii_lowercase().as_str() {
                "yes" | "on" | "y" | "true" | "1" => true,
                "no" | "off" | "n" | "false" | "0" => false,
                _ => return None,
            };
            Some(format!("write `{key}: {yes}`"))
        }
        ("a string", Value::Bool(_) | Value::Number(_)) if secret => Some("put the value in quotes".to_owned()),
        ("a string", Value::Bool(_) | Value::Number(_)) => {
            Some(format!("put it in quotes: `{key}: \"{}\"`", scalar(found)?))
        }
        ("a string", Value::Sequence(_)) if key == "command" => {
            Some("write the program as `command`, and the rest as `args: […]`".to_owned())
        }
        ("a list", Value::String(text)) if key == "args" => {
            let words = shell_words::split(text).ok()?;
            let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
            Some(format!("write it as a list: `args: [{}]`", words.join(", ")))
        }
        ("a list", found) => Some(format!("write it as a list: `{key}: [\"{}\"]`", scalar(found)?)),
        ("keys with values", Value::Sequence(_)) if secret => {
            Some("write a line `NAME: value` for each, in place of `- NAME=value`".to_owned())
        }
        ("keys with values", Value::Sequence(_)) => {
            Some(format!("write each of them below `{key}` under its own name, without the `-`"))
        }
        ("keys with values", Value::String(text)) if path.name(0).is_some_and(is_servers) => {
            Some(format!("write `{key}: {{ command: {} }}`", plain_scalar(text)))
        }
        (wanted, Value::String(text)) if wanted.contains("number") && text.parse::<u64>().is_ok() => {
            Some(format!("remove the quotes: `{key}: {text}`"))
        }
        (wanted, Value::String(text)) if wanted.starts_with("a list of globs") && (text == "all" || text == "*") => {
            Some(format!("write `{key}: null` for every tool"))
        }
        (wanted, Value::String(_)) if wanted.starts_with("a list of globs") => {
            Some(format!("write it as a list: `{key}: [\"{}\"]`", scalar(found)?))
        }
        _ => None,
    }
}

fn is_servers(section: &str) -> bool {
    section == "servers" || section == "backends"
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// `text` as it has to be written to stay a text.
fn plain_scalar(text: &str) -> String {
    serde_yaml::to_string(text).map_or_else(|_| text.to_owned(), |yaml| yaml.trim_end().to_owned())
}

/// What was found, with its value where that is short.
fn describe(value: &Value) -> String {
    match value {
        Value::String(text) if text.chars().count() > 40 => "a long string".to_owned(),
        Value::String(text) if text.is_empty() => "an empty string".to_owned(),
        Value::String(text) => format!("the string `{text}`"),
        Value::Bool(_) | Value::Number(_) => format!("`{}`", scalar(value).unwrap_or_default()),
        value => kind(value).to_owned(),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Sequence(_) => "a list",
        Value::Mapping(_) => "keys with values",
        Value::Tagged(_) => "a tag",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_near() {
        let known = ["command", "args", "env", "idle_timeout", "url"];
        assert_eq!(nearest("comand", &known), Some("command"));
        assert_eq!(nearest("idleTimeout", &known), Some("idle_timeout"));
        assert_eq!(nearest("idle-timeout", &known), Some("idle_timeout"));
        assert_eq!(nearest("arg", &known), Some("args"));
        assert_eq!(nearest("retries", &known), None);
        assert_eq!(nearest("x", &known), None);
    }

    #[test]
    fn secrets_are_not_shown() {
        let path = KeyPath::of(["servers", "a", "env", "TOKEN"]);
        let problem = mistake("invalid type: floating point `1.5`, expected a string", &path, Some(&Value::from(1.5)));
        let text = format!("{} {}", problem.message, problem.hint.unwrap_or_default());
        assert!(!text.contains("1.5"), "{text}");
    }
}
