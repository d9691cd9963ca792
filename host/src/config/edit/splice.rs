//! Where in the text a change goes. Whoever calls this checks the outcome: what is unusual may come out wrong here.

use std::ops::Range;

use serde_yaml::{Mapping, Value};
use yamlpath::Document;

use super::write;
use crate::config::{document::route, problem::KeyPath, read::lookup};

/// The text with `value` at `path`; `None` where the place is written in a way that is not understood.
pub(super) fn set(text: &str, root: &Value, path: &KeyPath, value: &Value) -> Option<String> {
    let names: Vec<&str> = (0..path.keys().len()).filter_map(|at| path.name(at)).collect();
    // The longest part of the path that there is; what is missing of the rest goes around the value.
    let exists = |length: &usize| lookup(root, &KeyPath::of(names[..*length].iter().copied())).is_some();
    let depth = (0..=names.len()).rev().find(exists)?;
    let outer = KeyPath::of(names[..depth].iter().copied());
    let text = with_newline(text);
    let edit = Splice::new(&text)?;
    if depth == names.len() {
        return edit.replace(&outer, value);
    }
    let wrapped = names[depth + 1..]
        .iter()
        .rev()
        .fold(value.clone(), |value, name| Value::Mapping(Mapping::from_iter([(Value::from(*name), value)])));
    edit.add(lookup(root, &outer)?, &outer, &Value::from(names[depth]), &wrapped)
}

/// The text without what stands at `path`.
pub(super) fn remove(text: &str, path: &KeyPath) -> Option<String> {
    Splice::new(&with_newline(text))?.remove(path)
}

/// A last line without an end could not be followed by another.
fn with_newline(text: &str) -> String {
    let missing = !text.is_empty() && !text.ends_with('\n');
    format!("{text}{}", if missing { "\n" } else { "" })
}

struct Splice<'t> {
    text: &'t str,
    tree: Document,
}

impl<'t> Splice<'t> {
    fn new(text: &'t str) -> Option<Self> {
        Some(Self { text, tree: Document::new(text).ok()? })
    }

    fn key(&self, path: &KeyPath) -> Option<Range<usize>> {
        let (start, end) = self.tree.query_key_only(&route(path)).ok()?.location.byte_span;
        Some(start..end)
    }

    /// What is written after the key, without comments behind it; `None` where there is nothing, or something that
    /// only stands for it.
    fn value(&self, path: &KeyPath) -> Option<Range<usize>> {
        let (start, end) = match path.keys() {
            [] => self.tree.top_feature().ok()?.location.byte_span,
            _ => self.tree.query_exact(&route(path)).ok()??.location.byte_span,
        };
        let after_key = path.keys().is_empty() || self.key(path)?.end <= start;
        let plain = !self.text[start..].starts_with(['*', '&', '!']);
        (after_key && plain).then(|| start..self.content_end(start, end))
    }

    /// The end of the last line before `end` that is neither empty nor a comment, as long as that is behind `start`.
    fn content_end(&self, start: usize, end: usize) -> usize {
        let mut end = start + self.text[start..end].trim_end().len();
        loop {
            let line = self.line_start(end);
            if line <= start || !self.text[line..end].trim_start().starts_with('#') {
                return end;
            }
            end = start + self.text[start..line].trim_end().len();
        }
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// Where the line with `at` ends, before its line end.
    fn line_end(&self, at: usize) -> usize {
        let line = self.text[at..].split('\n').next().unwrap_or_default();
        at + line.trim_end_matches('\r').len()
    }

    /// Where the line below the one with `at` begins.
    fn next_line(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |newline| at + newline + 1)
    }

    fn column(&self, at: usize) -> usize {
        at - self.line_start(at)
    }

    fn is_flow(&self, value: &Range<usize>) -> bool {
        self.text[value.start..].starts_with('{')
    }

    /// Whether the key begins its line: only then there can be lines below it.
    fn is_block(&self, key: &Range<usize>) -> bool {
        self.text[self.line_start(key.start)..key.start].trim().is_empty()
    }

    /// Puts `new` in place of `range`, with the line ends that the file has.
    fn splice(&self, range: Range<usize>, new: &str) -> String {
        let new = if self.text.contains("\r\n") { new.replace('\n', "\r\n") } else { new.to_owned() };
        format!("{}{new}{}", &self.text[..range.start], &self.text[range.end..])
    }

    /// Puts `value` after the key at `path`.
    fn replace(&self, path: &KeyPath, value: &Value) -> Option<String> {
        let key = self.key(path)?;
        let colon = key.end + self.text[key.end..].find(':')? + 1;
        let old = self.value(path).map_or(colon..colon, |old| colon..old.end);
        if self.is_block(&key) {
            Some(self.splice(old, &write::value(value, self.column(key.start))))
        } else {
            Some(self.splice(old, &format!(" {}", write::flow(value))))
        }
    }

    /// Adds `key: value` to the mapping at `outer`, which is `there`.
    fn add(&self, there: &Value, outer: &KeyPath, key: &Value, value: &Value) -> Option<String> {
        let empty = there.is_null() || there.as_mapping().is_some_and(Mapping::is_empty);
        if empty && outer.keys().is_empty() {
            // A file without anything, or of comments alone, or `{}`.
            let at = self.value(outer).unwrap_or(self.text.len()..self.text.len());
            let line = format!("{}\n", write::pair(key, value, 0));
            return Some(self.splice(at, &line));
        }
        if empty {
            return self.replace(outer, &Value::Mapping(Mapping::from_iter([(key.clone(), value.clone())])));
        }
        let mapping = self.value(outer)?;
        let (first, last) = {
            let keys: Vec<&str> = there.as_mapping()?.keys().filter_map(Value::as_str).collect();
            (outer.with(*keys.first()?), outer.with(*keys.last()?))
        };
        if self.is_flow(&mapping) {
            let end = self.value(&last).or_else(|| self.key(&last))?.end;
            let pair = Value::Mapping(Mapping::from_iter([(key.clone(), value.clone())]));
            let pair = write::flow(&pair);
            let pair = pair.strip_prefix("{ ")?.strip_suffix(" }")?;
            return Some(self.splice(end..end, &format!(", {pair}")));
        }
        let indent = self.column(self.key(&first)?.start);
        let end = self.line_end(mapping.end);
        Some(self.splice(end..end, &format!("\n{}{}", " ".repeat(indent), write::pair(key, value, indent))))
    }

    fn remove(&self, path: &KeyPath) -> Option<String> {
        let key = self.key(path)?;
        let end = self
            .value(path)
            .map_or_else(|| self.text[key.end..].find(':').map(|at| key.end + at + 1), |value| Some(value.end))?;
        if !self.is_block(&key) {
            return Some(self.remove_flow(key.start, end));
        }
        let line = self.line_start(key.start);
        let after = self.next_line(end);
        let outer = path.parent()?;
        let text = self.splice(line..after, "");
        // A section without entries says so: without a value it would look forgotten.
        let alone = self.value(&outer).is_some_and(|mapping| mapping.start == key.start && mapping.end <= end);
        match (alone, self.key(&outer)) {
            (true, Some(section)) => {
                let colon = section.end + self.text[section.end..].find(':')? + 1;
                Some(format!("{} {{}}{}", &text[..colon], &text[colon..]))
            }
            _ => Some(text),
        }
    }

    /// Takes one pair and one comma out of `{ a: 1, b: 2 }`.
    fn remove_flow(&self, start: usize, end: usize) -> String {
        let rest = &self.text[end..];
        if let Some(rest) = rest.trim_start().strip_prefix(',') {
            return self.splice(start..self.text.len() - rest.trim_start_matches(' ').len(), "");
        }
        let before = self.text[..start].trim_end();
        let start = before.strip_suffix(',').map_or(before.len(), str::len);
        self.splice(start..end, "")
    }
}
