//! Values as text, and text as a file.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, absolute},
};

use serde_yaml::Value;

/// What stands after a key that begins in column `indent`: a scalar on the same line, a mapping on the lines below.
pub(super) fn value(value: &Value, indent: usize) -> String {
    match value {
        Value::Mapping(mapping) if !mapping.is_empty() => {
            let inner = indent + 2;
            mapping.iter().map(|(key, value)| format!("\n{}{}", " ".repeat(inner), pair(key, value, inner))).collect()
        }
        other => format!(" {}", flow(other)),
    }
}

/// `key: value`, for a key that begins in column `indent`.
pub(super) fn pair(key: &Value, inner: &Value, indent: usize) -> String {
    format!("{}:{}", scalar(key), value(inner, indent))
}

/// In one line.
pub(super) fn flow(value: &Value) -> String {
    match value {
        Value::Sequence(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Mapping(mapping) if mapping.is_empty() => "{}".to_owned(),
        Value::Mapping(mapping) => {
            let pairs: Vec<String> =
                mapping.iter().map(|(key, value)| format!("{}: {}", scalar(key), flow(value))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        other => scalar(other),
    }
}

/// A scalar, in quotes unless it is a plain word.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        // What is JSON is also YAML.
        Value::String(text) => serde_json::to_string(text).unwrap_or_default(),
        other => serde_yaml::to_string(other).unwrap_or_default().trim_end().to_owned(),
    }
}

/// Whether `text` reads as itself without quotes, in a list as well: a word that YAML takes for nothing else.
fn is_plain(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        || text.strip_prefix("./").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric()));
    // Older readers of YAML take these for booleans.
    let word = ["y", "n", "yes", "no", "on", "off"].contains(&text.to_ascii_lowercase().as_str());
    begins
        && !word
        && text.chars().all(legal)
        && serde_yaml::from_str::<Value>(text).is_ok_and(|value| value.is_string())
}

/// Writes `text` to `file` by way of a new file beside it, so that nobody ever sees half of it. Permissions stay.
///
/// # Errors
/// What the operating system says.
pub fn replace(file: &Path, text: &str) -> io::Result<()> {
    let absolute = absolute(file)?;
    let folder = absolute.parent().unwrap_or_else(|| Path::new("/"));
    fs::create_dir_all(folder)?;
    let mut new = builder(file).tempfile_in(folder)?;
    new.write_all(text.as_bytes())?;
    if let Ok(old) = fs::metadata(file) {
        new.as_file().set_permissions(old.permissions())?;
    }
    new.as_file().sync_all()?;
    new.persist(file)?;
    Ok(())
}

fn builder(file: &Path) -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".gateway-").suffix(".yaml");
    #[cfg(unix)]
    if !file.exists() {
        // As any program makes a file; without this it could be read by its owner alone.
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder
}
