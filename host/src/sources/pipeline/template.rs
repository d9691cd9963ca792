//! Arguments with references in them: read once, and filled in for each call.
//!
//! Values stay the JSON text that they came in: a number that no machine type holds passes through unharmed.

use std::{collections::HashMap, fmt};

use gateway_core::payload::Json;
use serde_json::{Value, value::RawValue};

use super::flaw::At;
use crate::arguments::nearest;

/// JSON in which some texts are, or hold, references.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Template {
    /// Nothing to fill in.
    Constant(Json),
    /// A reference alone, whose value keeps its type.
    Reference(Reference),
    /// A text with references in it.
    Text(Vec<Part>),
    List(Vec<Template>),
    Object(Vec<(String, Template)>),
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    Text(String),
    Reference(Reference),
}

/// `${root.path}` or `${root/pointer}`, with `:-default` behind it or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    /// What stands between the braces.
    pub(super) written: String,
    pub(super) root: Root,
    pub(super) path: Vec<String>,
    /// In place of a value that is missing: JSON, or else a text.
    pub(super) default: Option<String>,
}

/// Where a reference begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Root {
    Input,
    Item,
    Index,
    Step(String, Field),
}

/// What of a step's result is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// Its texts, a line end between two.
    Text,
    /// Its structured content; where it has none, its text read as JSON.
    Structured,
    /// The whole result, as MCP has it.
    Result,
    /// `ok`, `error` or `skipped`.
    Status,
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) message: String,
    pub(super) hint: String,
}

/// What a template is filled in from.
pub(super) trait Scope {
    /// The value of what `root` is; `None`: there is none.
    fn root(&self, root: &Root) -> Option<Json>;
}

/// Why a template could not be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unfilled {
    /// There is no such value.
    Missing(Reference),
    /// What came of it is larger than [`LARGEST`].
    Huge,
}

/// The most that a template may become: a text that doubles from step to step would else fill the memory.
pub(super) const LARGEST: usize = 16 << 20;

/// The names that a reference may begin with, and those of what a step gave.
pub(super) const ROOTS: [&str; 4] = ["input", "steps", "item", "index"];
pub(super) const FIELDS: [&str; 4] = ["text", "structured", "result", "status"];

// === impl Template ===

impl Template {
    /// Reads a value, in which each text may hold references. All that is wrong goes to `wrong`, with its path.
    pub(super) fn read(value: &Value, path: &mut Vec<At>, wrong: &mut dyn FnMut(&[At], Malformed)) -> Self {
        let template = match value {
            Value::String(text) => Self::text(text).unwrap_or_else(|malformed| {
                wrong(path, malformed);
                Self::Constant(Json::from_value(value))
            }),
            Value::Array(items) => {
                let items = items.iter().enumerate().map(|(at, item)| {
                    path.push(At::Index(at));
                    let item = Self::read(item, path, wrong);
                    path.pop();
                    item
                });
                Self::List(items.collect())
            }
            Value::Object(members) => {
                let members = members.iter().map(|(name, member)| {
                    path.push(At::Name(name.clone()));
                    let member = Self::read(member, path, wrong);
                    path.pop();
                    (name.clone(), member)
                });
                Self::Object(members.collect())
            }
            _ => Self::Constant(Json::from_value(value)),
        };
        if template.references().is_empty() {
            return Self::Constant(template.constant(value));
        }
        template
    }

    /// The value where nothing in it is to be filled in; a text in it may still have had a `$${`.
    fn constant(&self, value: &Value) -> Json {
        let nothing = |_: &Root| None;
        self.fill(&nothing).unwrap_or_else(|_| Json::from_value(value))
    }

    /// Reads a text.
    ///
    /// # Errors
    /// Where a `${` in it begins no reference.
    pub(super) fn text(text: &str) -> Result<Self, Malformed> {
        let mut parts = parts(text)?;
        match parts.as_slice() {
            [] => Ok(Self::Constant(Json::from_value(""))),
            [Part::Text(text)] => Ok(Self::Constant(Json::from_value(text))),
            [Part::Reference(_)] => match parts.pop() {
                Some(Part::Reference(reference)) => Ok(Self::Reference(reference)),
                _ => Ok(Self::Text(parts)),
            },
            _ => Ok(Self::Text(parts)),
        }
    }

    /// All references in it.
    pub(super) fn references(&self) -> Vec<&Reference> {
        match self {
            Self::Constant(_) => Vec::new(),
            Self::Reference(reference) => vec![reference],
            Self::Text(parts) => {
                fn reference(part: &Part) -> Option<&Reference> {
                    if let Part::Reference(reference) = part { Some(reference) } else { None }
                }
                parts.iter().filter_map(reference).collect()
            }
            Self::List(items) => items.iter().flat_map(Self::references).collect(),
            Self::Object(members) => members.iter().flat_map(|(_, member)| member.references()).collect(),
        }
    }

    /// What it becomes.
    ///
    /// # Errors
    /// Where a value is missing that it refers to.
    pub(super) fn fill(&self, scope: &dyn Scope) -> Result<Json, Unfilled> {
        let mut text = String::new();
        self.write(scope, &mut text)?;
        // Composed of nothing but JSON.
        Ok(Json::parse(text).unwrap_or(Json::empty_object()))
    }

    fn write(&self, scope: &dyn Scope, out: &mut String) -> Result<(), Unfilled> {
        match self {
            Self::Constant(json) => out.push_str(json.as_str()),
            Self::Reference(reference) => out.push_str(reference.value(scope)?.as_str()),
            Self::Text(parts) => {
                let mut text = String::new();
                for part in parts {
                    match part {
                        Part::Text(part) => text.push_str(part),
                        Part::Reference(reference) => text.push_str(&plain(&reference.value(scope)?)),
                    }
                    if text.len() > LARGEST {
                        return Err(Unfilled::Huge);
                    }
                }
                out.push_str(Json::from_value(&text).as_str());
            }
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    item.write(scope, out)?;
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (at, (name, member)) in members.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    out.push_str(Json::from_value(name).as_str());
                    out.push(':');
                    member.write(scope, out)?;
                }
                out.push('}');
            }
        }
        if out.len() > LARGEST { Err(Unfilled::Huge) } else { Ok(()) }
    }
}

/// A text is itself within another, and anything else its JSON.
pub(super) fn plain(json: &Json) -> String {
    json.to::<String>().unwrap_or_else(|_| json.to_string())
}

fn parts(text: &str) -> Result<Vec<Part>, Malformed> {
    let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            plain.push_str(&rest[..at - 1]);
            plain.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        plain.push_str(&rest[..at]);
        let Some(end) = rest[at..].find('}').map(|end| at + end) else {
            return Err(Malformed {
                message: format!("`{}` is not closed", shortened(&rest[at..])),
                hint: "write `}` behind the reference, or `$${` where the text itself is meant".to_owned(),
            });
        };
        if !plain.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut plain)));
        }
        parts.push(Part::Reference(Reference::read(&rest[at + 2..end])?));
        rest = &rest[end + 1..];
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    Ok(parts)
}

fn shortened(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    if short.len() < text.len() { short + "…" } else { short }
}

// === impl Reference ===

impl Reference {
    /// Reads what stands between the braces.
    fn read(inner: &str) -> Result<Self, Malformed> {
        let (place, default) = match inner.split_once(":-") {
            Some((place, default)) => (place.trim(), Some(default.to_owned())),
            None => (inner.trim(), None),
        };
        let (name, rest) = word(place);
        let (root, rest) = match name {
            "input" => (Root::Input, rest),
            "item" => (Root::Item, rest),
            "index" => (Root::Index, rest),
            "steps" => step(inner, rest)?,
            other => return Err(unknown(inner, other, &ROOTS, "a reference begins with")),
        };
        let path = path(rest).ok_or_else(|| Malformed {
            message: format!("`${{{inner}}}` has a path that cannot be read"),
            hint: "write it like `${input.rows.0.name}`, or as a JSON pointer: `${input/rows/0/name}`".to_owned(),
        })?;
        Ok(Self { written: inner.to_owned(), root, path, default })
    }

    /// Its value, or its default.
    ///
    /// # Errors
    /// Where there is neither.
    pub(super) fn value(&self, scope: &dyn Scope) -> Result<Json, Unfilled> {
        let missing = || match &self.default {
            Some(default) => Ok(Json::parse(default.clone()).unwrap_or_else(|_| Json::from_value(default))),
            None => Err(Unfilled::Missing(self.clone())),
        };
        self.found(scope).map_or_else(missing, Ok)
    }

    /// Its value, where there is one.
    pub(super) fn found(&self, scope: &dyn Scope) -> Option<Json> {
        let root = scope.root(&self.root)?;
        self.path.iter().try_fold(root, |value, key| member(&value, key))
    }
}

/// What is behind `steps`: an id, and what of its result is meant.
fn step<'t>(inner: &str, rest: &'t str) -> Result<(Root, &'t str), Malformed> {
    let (id, rest) = word(rest.trim_start_matches(['.', '/']));
    let (field, rest) = word(rest.trim_start_matches(['.', '/']));
    if id.is_empty() || field.is_empty() {
        return Err(Malformed {
            message: format!("`${{{inner}}}` does not say what of which step is meant"),
            hint: "write `${steps.ID.text}`, or `${steps.ID.structured.path}`".to_owned(),
        });
    }
    let fields = [Field::Text, Field::Structured, Field::Result, Field::Status];
    match FIELDS.iter().position(|known| *known == field) {
        Some(at) => Ok((Root::Step(id.to_owned(), fields[at]), rest)),
        None => Err(unknown(inner, field, &FIELDS, "a step has")),
    }
}

fn unknown(inner: &str, name: &str, known: &[&str], what: &str) -> Malformed {
    let names = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let hint = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? {what} {names}"),
        None => format!("{what} {names}; write `$${{` where the text itself is meant"),
    };
    Malformed { message: format!("`${{{inner}}}` refers to `{name}`, which there is not"), hint }
}

/// The text up to the next step of a path.
fn word(text: &str) -> (&str, &str) {
    text.split_at(text.find(['.', '/', '[']).unwrap_or(text.len()))
}

/// `.a.0`, `.a[0]` or `/a/0`.
fn path(text: &str) -> Option<Vec<String>> {
    if let Some(pointer) = text.strip_prefix('/') {
        return Some(pointer.split('/').map(|key| key.replace("~1", "/").replace("~0", "~")).collect());
    }
    let (mut keys, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let (key, after) = if let Some(inside) = rest.strip_prefix('[') {
            let (key, after) = inside.split_once(']')?;
            (key.chars().all(|c| c.is_ascii_digit()).then_some(key)?, after)
        } else {
            let after = rest.strip_prefix('.')?;
            after.split_at(after.find(['.', '[']).unwrap_or(after.len()))
        };
        if key.is_empty() {
            return None;
        }
        keys.push(key.to_owned());
        rest = after;
    }
    Some(keys)
}

/// What is at `key` of an object or list.
pub(super) fn member(json: &Json, key: &str) -> Option<Json> {
    let part = |raw: &RawValue| Json::part(json.bytes(), raw);
    match json.as_bytes().first()? {
        b'{' => {
            let members: HashMap<String, &RawValue> = serde_json::from_slice(json.as_bytes()).ok()?;
            members.get(key).map(|raw| part(raw))
        }
        b'[' => items(json)?.into_iter().nth(key.parse().ok()?),
        _ => None,
    }
}

/// The items of a list.
pub(super) fn items(json: &Json) -> Option<Vec<Json>> {
    let items: Vec<&RawValue> = serde_json::from_slice(json.as_bytes()).ok()?;
    Some(items.into_iter().map(|raw| Json::part(json.bytes(), raw)).collect())
}

impl<F: Fn(&Root) -> Option<Json>> Scope for F {
    fn root(&self, root: &Root) -> Option<Json> {
        self(root)
    }
}

impl fmt::Display for Unfilled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(reference) => write!(f, "there is no value for `${{{}}}`", reference.written),
            Self::Huge => write!(f, "what its references become is larger than {} MiB", LARGEST >> 20),
        }
    }
}

#[cfg(test)]
mod tests;
