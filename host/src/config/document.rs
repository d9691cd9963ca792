//! The text of a configuration: read as YAML, and searched for the place of a key.

use std::{cell::RefCell, fmt};

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_yaml::{Mapping, Value};
use yamlpath::{Component, Document as Tree, Route};

use super::problem::{Key, KeyPath, Place, Problem, Spot};

/// A configuration as it stands in the file.
#[derive(Debug)]
pub(super) struct Document<'a> {
    text: &'a str,
    /// What it says, with every key as a text.
    pub(super) value: Value,
    /// The second occurrence of each key that is there twice; the first is kept.
    duplicates: Vec<KeyPath>,
}

impl<'a> Document<'a> {
    /// Reads `text`.
    ///
    /// # Errors
    /// Where it is no YAML, with the place.
    pub(super) fn parse(text: &'a str) -> Result<Self, Box<Problem>> {
        let duplicates = RefCell::default();
        let seed = Node { path: KeyPath::default(), duplicates: &duplicates };
        let mut value =
            seed.deserialize(serde_yaml::Deserializer::from_str(text)).map_err(|error| syntax_error(text, &error))?;
        // A file of comments alone is an empty configuration.
        if value.is_null() {
            value = Value::Mapping(Mapping::new());
        }
        let merged = value.apply_merge();
        let duplicates = duplicates.into_inner();
        match merged {
            Ok(()) => Ok(Self { text, value, duplicates }),
            Err(error) => {
                let message = format!("a merge key (`<<`) cannot be used: {error}");
                Err(Box::new(Problem::error(KeyPath::default(), message).hint("write `<<: *anchor`")))
            }
        }
    }

    /// One problem for each key that is there twice.
    pub(super) fn duplicates(&self) -> Vec<Problem> {
        let problem = |path: &KeyPath| {
            let mut problem = Problem::error(path.clone(), "this key is there twice").hint("keep one of them");
            problem.place = self.second(path);
            problem
        };
        self.duplicates.iter().map(problem).collect()
    }

    /// Looks up where each problem is that has no place yet.
    pub(super) fn locate(&self, problems: &mut [Problem]) {
        let missing = problems.iter_mut().filter(|problem| problem.place.is_none() && !problem.path.keys().is_empty());
        let mut missing = missing.peekable();
        if missing.peek().is_none() {
            return;
        }
        let Ok(tree) = Tree::new(self.text) else { return };
        for problem in missing {
            problem.place = self.find(&tree, &problem.path, problem.spot);
        }
    }

    /// The place of `path`; of what is around it where it is not written out, as below an alias or a merge key.
    fn find(&self, tree: &Tree, path: &KeyPath, spot: Spot) -> Option<Place> {
        let route = route(path);
        let value = || tree.query_exact(&route).ok().flatten();
        let key = || tree.query_key_only(&route).ok();
        let short = || value().filter(|feature| !feature.is_multiline());
        let feature = match (spot, path.keys().last()?) {
            (_, Key::Index(_)) => value(),
            (Spot::Value, Key::Name(_)) => short().or_else(key),
            (Spot::Key | Spot::Secret, Key::Name(_)) => key(),
        };
        match feature {
            Some(feature) => {
                let (start, end) = feature.location.byte_span;
                Some(place(self.text, start, end, spot == Spot::Secret))
            }
            None => self.find(tree, &path.parent()?, if spot == Spot::Value { Spot::Key } else { spot }),
        }
    }

    /// The second occurrence of a key: the next place below or right of the first where it stands as a key, in the
    /// same column unless the mapping is written in one line.
    fn second(&self, path: &KeyPath) -> Option<Place> {
        let tree = Tree::new(self.text).ok()?;
        let (start, end) = tree.query_key_only(&route(path)).ok()?.location.byte_span;
        let key = &self.text[start..end];
        let column = |at: usize| at - self.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let is_key = |at: &usize| self.text[at + key.len()..].trim_start_matches([' ', '\t']).starts_with(':');
        let candidates = || self.text[end..].match_indices(key).map(|(at, _)| end + at).filter(is_key);
        let found = candidates().find(|at| column(*at) == column(start)).or_else(|| candidates().next())?;
        Some(place(self.text, found, found + key.len(), path.is_secret()))
    }
}

pub(super) fn route(path: &KeyPath) -> Route<'_> {
    let component = |key: &'_ Key| match key {
        Key::Name(name) => Component::from(name.clone()),
        Key::Index(index) => Component::from(*index),
    };
    Route::from(path.keys().iter().map(component).collect::<Vec<_>>())
}

/// The place of the bytes from `start` to `end`, or to the end of their first line. What follows on the line is left
/// out where `secret`.
fn place(text: &str, start: usize, end: usize, secret: bool) -> Place {
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
    let end = end.clamp(start, line_end);
    let whole = text[line_start..line_end].trim_end();
    let source =
        if secret && end < line_end { format!("{}…", cut(&text[line_start..end])) } else { whole.to_owned() };
    Place {
        line: text[..start].matches('\n').count() + 1,
        column: text[line_start..start].chars().count() + 1,
        width: text[start..end].trim_end().chars().count(),
        source,
    }
}

/// A key with its colon, so that a line that ends there still reads as one; anything else as it is.
fn cut(start: &str) -> String {
    let key = start.ends_with(|c: char| c.is_alphanumeric() || "_-".contains(c)) || start.trim_start().starts_with('"');
    if key { format!("{start}: ") } else { format!("{start} ") }
}

/// What the YAML reader says, in our words where its own are hard to follow.
fn syntax_error(text: &str, error: &serde_yaml::Error) -> Box<Problem> {
    let whole = error.to_string();
    // The place is shown by itself.
    let message = whole.split(" at line ").next().unwrap_or(&whole);
    let end = error.location().map(|location| floor(text, location.index()));
    let opened = opened(text, &whole);
    let said = match (opened, message) {
        (Some(_), _) => "a quote or bracket is opened here and not closed".to_owned(),
        (None, message) if message.contains("more than one document") => "there is more than one document".to_owned(),
        (None, message) => message.to_owned(),
    };
    let mut problem = Problem::error(KeyPath::default(), format!("this is no valid YAML: {said}"));
    let second = || text.match_indices("\n---").map(|(at, _)| at + 1).find(|at| !text[..*at].trim().is_empty());
    let at = opened.or(end).or_else(|| second().filter(|_| message.contains("more than one document")));
    problem.place = at.map(|at| {
        let place = place(text, at, at + 1, false);
        if looks_secret(&place.source) { self::place(text, at, at + 1, true) } else { place }
    });
    problem.hint = match (opened, end) {
        (Some(_), Some(end)) => {
            Some(format!("close it; the line at which it was missed is {}", place(text, end, end, false).line))
        }
        _ => syntax_hint(message, problem.place.as_ref()).map(str::to_owned),
    };
    Box::new(problem)
}

/// Whether the line names a variable or something that is kept to oneself. What it is part of cannot be told, since the
/// file cannot be read.
fn looks_secret(line: &str) -> bool {
    let key = line.split(':').next().unwrap_or_default().trim_matches([' ', '\t', '-', '"', '\'']);
    let variable = key.len() > 1 && key.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    let line = line.to_ascii_lowercase();
    variable || ["token", "secret", "password", "authorization", "key"].iter().any(|word| line.contains(word))
}

/// `index`, or the beginning of the character that it lies in.
fn floor(text: &str, index: usize) -> usize {
    (0..=index.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Where the quote or bracket stands that is not closed, of which the YAML reader says that it was inside of it.
fn opened(text: &str, message: &str) -> Option<usize> {
    let (_, context) = message.split_once(", while ")?;
    let inside = ["a quoted scalar", "a flow sequence", "a flow mapping"].iter().any(|kind| context.contains(kind));
    let mut numbers = context.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse::<usize>().ok());
    let (line, column) = numbers.next().zip(numbers.next()).filter(|_| inside)?;
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let at = text[start..].char_indices().nth(column - 1).map(|(at, _)| start + at)?;
    text[at..].starts_with(['[', '{', '"', '\'']).then_some(at)
}

fn syntax_hint(message: &str, place: Option<&Place>) -> Option<&'static str> {
    let source = place.map_or("", |place| place.source.as_str());
    if message.contains("cannot start any token") && source.contains('\t') {
        return Some("YAML is indented by spaces, not by tabs");
    }
    if message.contains("mapping values are not allowed") {
        return Some(
            "put a value that has `: ` in it in quotes, and check that the indentation is that of the line above",
        );
    }
    if message.contains("alphabetic or numeric") {
        return Some("put a value that begins with `*` or `&` in quotes: \"*\"");
    }
    if message.contains("did not find expected") {
        return Some("check that the lines are indented alike, and that each `[`, `{` and quote is closed");
    }
    if message.contains("unknown anchor") {
        return Some("put a value that begins with `*` in quotes: \"*\"");
    }
    if message.contains("more than one document") {
        return Some("remove the line `---`");
    }
    None
}

/// Builds a [`Value`] in which every key is a text, and notes the keys that are there twice: the library would give
/// up at the first of them.
struct Node<'d> {
    path: KeyPath,
    duplicates: &'d RefCell<Vec<KeyPath>>,
}

impl Node<'_> {
    fn at(&self, key: impl Into<Key>) -> Self {
        Self { path: self.path.with(key), duplicates: self.duplicates }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// A scalar key as text.
fn key_text(key: &Value) -> Option<String> {
    match key {
        Value::String(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    /// What a file of comments alone gives.
    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(self.at(items.len()))? {
            items.push(item);
        }
        Ok(Value::Sequence(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut mapping = Mapping::new();
        while let Some(key) = map.next_key::<Value>()? {
            let Some(key) = key_text(&key) else {
                return Err(A::Error::custom("a key has to be a text"));
            };
            let inner = self.at(key.as_str());
            let path = inner.path.clone();
            let value = map.next_value_seed(inner)?;
            if mapping.contains_key(key.as_str()) {
                self.duplicates.borrow_mut().push(path);
            } else {
                mapping.insert(Value::String(key), value);
            }
        }
        Ok(Value::Mapping(mapping))
    }

    fn visit_enum<A: serde::de::EnumAccess<'de>>(self, _: A) -> Result<Value, A::Error> {
        Err(A::Error::custom("a tag (`!name`) has no meaning here"))
    }
}
