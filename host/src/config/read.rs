//! From YAML values to types, past every mistake: each is noted and taken out, and the reading begins again, so that
//! one run finds them all.

use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use serde_yaml::{Mapping, Value};

use super::{
    Config, explain,
    problem::{Key, KeyPath, Problem},
};

/// Where nothing written after a key means something, or where the values belong to somebody else.
const KEEP_NULLS: [&str; 4] = ["roles", "config", "arguments", "input"];

/// Reads the configuration. Nothing comes back only where not even the outermost value can be used.
pub(super) fn config(root: &Value, problems: &mut Vec<Problem>) -> Option<Config> {
    let mut root = root.clone();
    prepare(&mut root);
    read(root, problems)
}

/// Takes out what the types need not know: empty keys (`env:` with every line below it commented out) and extension keys.
fn prepare(root: &mut Value) {
    let Value::Mapping(sections) = root else { return };
    sections.retain(|key, value| !value.is_null() && !key.as_str().is_some_and(|key| key.starts_with("x-")));
    for (section, value) in sections.iter_mut() {
        let section = section.as_str().unwrap_or_default();
        let Value::Mapping(entries) = value else { continue };
        if KEEP_NULLS.contains(&section) {
            continue;
        }
        for (_, entry) in entries.iter_mut() {
            // An entry without anything in it is there all the same, and lacks what it needs.
            if entry.is_null() {
                *entry = Value::Mapping(Mapping::new());
            }
            strip_nulls(entry);
        }
    }
}

fn strip_nulls(value: &mut Value) {
    match value {
        Value::Mapping(mapping) => {
            mapping.retain(|_, value| !value.is_null());
            let owned = |key: &Value| key.as_str().is_some_and(|key| KEEP_NULLS.contains(&key));
            mapping.iter_mut().filter(|(key, _)| !owned(key)).for_each(|(_, value)| strip_nulls(value));
        }
        Value::Sequence(items) => items.iter_mut().for_each(strip_nulls),
        _ => {}
    }
}

/// Reads `T` of what is left of `value` once every mistake is taken out of it.
fn read<T: DeserializeOwned>(mut value: Value, problems: &mut Vec<Problem>) -> Option<T> {
    let mut removed = Removed::default();
    loop {
        let error = match serde_path_to_error::deserialize(value.clone()) {
            Ok(config) => return Some(config),
            Err(error) => error,
        };
        let path = key_path(error.path());
        let found = lookup(&value, &path);
        let mut mistake = explain::mistake(&error.inner().to_string(), &path, found);
        let offender = mistake.path.clone();
        mistake.path = removed.original(&mistake.path);
        // A text whose variable is not set cannot be read either, and what is missing may be what was taken out: both
        // have been said.
        if !problems.iter().any(|problem| problem.path.is_within(&mistake.path)) {
            problems.push(mistake);
        }
        if !remove(&mut value, &offender) {
            return None;
        }
        removed.note(&offender);
    }
}

/// Items that were taken out of lists, so that the places of those behind them can still be told.
#[derive(Default)]
struct Removed(Vec<(KeyPath, usize)>);

impl Removed {
    fn note(&mut self, path: &KeyPath) {
        if let (Some(Key::Index(index)), Some(list)) = (path.keys().last(), path.parent()) {
            self.0.push((list, *index));
        }
    }

    /// The path before anything was taken out.
    fn original(&self, path: &KeyPath) -> KeyPath {
        let mut keys = path.keys().to_vec();
        for (list, index) in self.0.iter().rev() {
            let at = list.keys().len();
            if !KeyPath::from(keys.clone()).is_within(list) {
                continue;
            }
            if let Some(Key::Index(later)) = keys.get_mut(at)
                && *later >= *index
            {
                *later += 1;
            }
        }
        keys.into()
    }
}

fn key_path(path: &serde_path_to_error::Path) -> KeyPath {
    let key = |segment: &Segment| match segment {
        Segment::Seq { index } => Some(Key::Index(*index)),
        Segment::Map { key } => Some(Key::Name(key.clone())),
        Segment::Enum { .. } | Segment::Unknown => None,
    };
    path.iter().filter_map(key).collect::<Vec<_>>().into()
}

/// The value at `path`.
pub(super) fn lookup<'v>(value: &'v Value, path: &KeyPath) -> Option<&'v Value> {
    path.keys().iter().try_fold(value, |value, key| match key {
        Key::Name(name) => value.get(name.as_str()),
        Key::Index(index) => value.get(*index),
    })
}

/// Takes out what stands at `path`; false where that is everything, or nothing.
fn remove(value: &mut Value, path: &KeyPath) -> bool {
    let Some((last, outer)) = path.keys().split_last() else { return false };
    let outer = outer.iter().try_fold(value, |value, key| match key {
        Key::Name(name) => value.get_mut(name.as_str()),
        Key::Index(index) => value.get_mut(*index),
    });
    match (outer, last) {
        (Some(Value::Mapping(mapping)), Key::Name(name)) => mapping.shift_remove(name.as_str()).is_some(),
        (Some(Value::Sequence(items)), Key::Index(index)) if *index < items.len() => {
            items.remove(*index);
            true
        }
        _ => false,
    }
}
