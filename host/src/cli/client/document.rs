//! A client's settings as a text that is changed at one place: comments, order and layout of the rest stay.

use std::path::Path;

use jsonc_parser::cst::{CstInputValue, CstObject, CstRootNode};
use serde_json::{Map, Value};
use toml_edit::{DocumentMut, Item, Table, TableLike};

use super::{
    entry::{Entry, ROLE},
    known::Known,
};
use crate::{cli::Usage, import};

/// Settings.
pub(super) enum Document {
    Json(CstRootNode),
    Toml(Box<DocumentMut>),
}

impl Document {
    /// Reads `text`; what is not even JSON or TOML is not touched.
    pub(super) fn parse(text: &str, file: &Path) -> Result<Self, Usage> {
        let broken = |error: &dyn std::fmt::Display| {
            Usage::new(format!("{}: {error}", file.display())).hint("mend the file first; nothing was written")
        };
        // Says the line, whichever it is.
        import::parse(text, file).map_err(|error| match error {
            import::ImportError::Syntax { file, cause } => {
                Usage::new(format!("{}: {cause}", file.display())).hint("mend the file first; nothing was written")
            }
            error => broken(&error),
        })?;
        if is_toml(file) {
            return Ok(Self::Toml(Box::new(text.parse().map_err(|error: toml_edit::TomlError| broken(&error))?)));
        }
        let root = CstRootNode::parse(text, &import::options()).map_err(|error| broken(&error))?;
        match root.value().is_none() || root.object_value().is_some() {
            true => Ok(Self::Json(root)),
            false => Err(broken(&"these are no settings: a JSON object was expected")),
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Json(root) => root.to_string(),
            Self::Toml(document) => document.to_string(),
        }
    }

    /// All that it says.
    pub(super) fn value(&self, file: &Path) -> Value {
        import::parse(&self.text(), file).unwrap_or_default()
    }

    /// The servers in it.
    pub(super) fn entries(&self, section: &str, file: &Path) -> Result<Map<String, Value>, Usage> {
        match self.value(file).get_mut(section).map(Value::take) {
            None | Some(Value::Null) => Ok(Map::new()),
            Some(Value::Object(entries)) => Ok(entries),
            Some(_) => {
                let message = format!("{}: `{section}` has no servers in it, but something else", file.display());
                Err(Usage::new(message).hint("mend the file first; nothing was written"))
            }
        }
    }

    /// Writes the entry `name`. Where there is one, what it has beside stays.
    pub(super) fn set(&mut self, client: Known, name: &str, entry: &Entry, file: &Path) -> Result<(), Usage> {
        let (section, fields) = (client.section(), entry.fields(client));
        let role = entry.role.as_deref();
        let done = match self {
            Self::Json(root) => set_json(&root.object_value_or_set(), section, name, &fields, role),
            Self::Toml(document) => set_toml(document.as_table_mut(), section, name, &fields, role),
        };
        done.ok_or_else(|| {
            let message =
                format!("{}: {section}.{name} is written in a way that cannot be changed from here", file.display());
            Usage::new(message).hint("take it out by hand, then run the command again")
        })
    }

    /// Takes the entry `name` out.
    pub(super) fn remove(&mut self, section: &str, name: &str) {
        match self {
            Self::Json(root) => {
                let entry = root.object_value().and_then(|root| root.object_value(section)?.get(name));
                entry.into_iter().for_each(jsonc_parser::cst::CstObjectProp::remove);
            }
            Self::Toml(document) => {
                if let Some(entries) = document.get_mut(section).and_then(Item::as_table_like_mut) {
                    entries.remove(name);
                }
            }
        }
    }
}

pub(super) fn is_toml(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "toml")
}

// === JSON ===

fn set_json(
    root: &CstObject,
    section: &str,
    name: &str,
    fields: &[(&'static str, Value)],
    role: Option<&str>,
) -> Option<()> {
    // `null` in place of a section is none.
    let section = match root.get(section) {
        Some(section) if section.value().is_some_and(|value| value.as_null_keyword().is_some()) => {
            section.object_value_or_set()
        }
        _ => root.object_value_or_create(section)?,
    };
    if section.get(name).is_none() {
        let mut whole: Vec<(String, CstInputValue)> =
            fields.iter().map(|(key, value)| ((*key).to_owned(), input(value))).collect();
        let env = |role: &str| CstInputValue::Object(vec![(ROLE.to_owned(), role.into())]);
        whole.extend(role.map(|role| ("env".to_owned(), env(role))));
        section.append(name, CstInputValue::Object(whole));
        return Some(());
    }
    let entry = section.object_value(name)?;
    for (key, value) in fields {
        set_value(&entry, key, value);
    }
    match (role, entry.get("env")) {
        (Some(role), _) => set_value(&entry.object_value_or_create("env")?, ROLE, &role.into()),
        (None, Some(env)) => {
            let variables = env.object_value()?;
            variables.get(ROLE).into_iter().for_each(jsonc_parser::cst::CstObjectProp::remove);
            if variables.properties().is_empty() {
                env.remove();
            }
        }
        (None, None) => {}
    }
    Some(())
}

fn set_value(object: &CstObject, key: &str, value: &Value) {
    match object.get(key) {
        Some(there) if there.to_serde_value().as_ref() == Some(value) => {}
        Some(there) => there.set_value(input(value)),
        None => drop(object.append(key, input(value))),
    }
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Array(items) => CstInputValue::Array(items.iter().map(input).collect()),
        Value::String(text) => CstInputValue::String(text.clone()),
        other => CstInputValue::String(other.to_string()),
    }
}

// === TOML ===

fn set_toml(
    root: &mut Table,
    section: &str,
    name: &str,
    fields: &[(&'static str, Value)],
    role: Option<&str>,
) -> Option<()> {
    let entries = root.entry(section).or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    let entry = entries.as_table_like_mut()?.entry(name).or_insert_with(toml_edit::table).as_table_like_mut()?;
    for (key, value) in fields {
        let new = toml(value);
        if entry.get(key).is_none_or(|there| there.to_string().trim() != new.to_string().trim()) {
            entry.insert(key, new);
        }
    }
    match role {
        Some(role) => {
            let env = entry.entry("env").or_insert_with(|| toml_edit::value(toml_edit::InlineTable::new()));
            let env = env.as_table_like_mut()?;
            if env.get(ROLE).and_then(Item::as_str) != Some(role) {
                env.insert(ROLE, toml_edit::value(role));
            }
        }
        None => {
            let empty = entry.get_mut("env").and_then(Item::as_table_like_mut).is_some_and(|env| {
                env.remove(ROLE);
                TableLike::is_empty(env)
            });
            if empty {
                entry.remove("env");
            }
        }
    }
    Some(())
}

fn toml(value: &Value) -> Item {
    match value {
        Value::Array(items) => toml_edit::value(items.iter().filter_map(Value::as_str).collect::<toml_edit::Array>()),
        other => toml_edit::value(other.as_str().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests;
