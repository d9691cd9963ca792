//! Changes to `gateway.yaml` that a person asked for: comments, order and everything else in it stay as they are.
//!
//! The change is made in the text, at the places that `yamlpath` finds. Each is held against what it should have
//! done: the new text has to say exactly what the old one said and the change, or nothing is changed. The library made
//! for this, `yamlpatch`, loses the indentation of what stands two levels below a new key.

mod splice;
mod write;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_yaml::Value;

pub use self::write::replace;
use super::{
    Config, Environment,
    document::Document,
    find,
    problem::{KeyPath, Problem, Report, Severity},
    read::lookup,
};

/// What a file begins with that this program makes.
const HEAD: &str = "\
# MCP Gateway. `gateway check` finds mistakes; `gateway schema` prints the JSON Schema of this file.
";

/// A configuration file that is being changed. Nothing is written before [`save`](Edit::save).
#[derive(Debug, Clone)]
pub struct Edit {
    /// The file as it was named.
    named: PathBuf,
    /// The file itself, where that was a link.
    file: PathBuf,
    /// As it was read; `None`: there was no file.
    before: Option<String>,
    text: String,
}

/// Why a file could not be changed. It is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The file cannot be read or written.
    #[error("{}: the configuration cannot be {what}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// `read` or `written`.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The file has mistakes already that keep it from being changed, or would have them afterwards.
    #[error("{0}")]
    Invalid(Box<Report>),
    /// The place is written in a way that cannot be changed without changing more.
    #[error("{}: {path} is written in a way that cannot be changed from here", file.display())]
    Unsupported {
        /// The file.
        file: PathBuf,
        /// The place.
        path: KeyPath,
    },
    /// Somebody else changed the file in the meantime.
    #[error("{}: the file was changed by somebody else in the meantime", file.display())]
    Changed {
        /// The file.
        file: PathBuf,
    },
}

impl EditError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unsupported { path, .. } => {
                Some(format!("edit {path} by hand: it is an alias, has a tag, or stands below a merge key"))
            }
            Self::Changed { .. } => Some("run the command again".to_owned()),
            Self::Io { .. } | Self::Invalid(_) => None,
        }
    }
}

impl Edit {
    /// Reads `file`. Where there is none, one is begun.
    ///
    /// # Errors
    /// Where it cannot be read, or is no YAML.
    pub fn open(file: &Path) -> Result<Self, EditError> {
        let before = match fs::read_to_string(file) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(EditError::Io { file: file.to_owned(), what: "read", source }),
        };
        // A link keeps pointing where it does; what it points at is changed.
        let target = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
        let text = before.clone().unwrap_or_else(|| HEAD.to_owned());
        let edit = Self { named: file.to_owned(), file: target, before, text };
        edit.value()?;
        Ok(edit)
    }

    /// The entry `name` of `section`, as it stands in the file, variables and all.
    #[must_use]
    pub fn entry(&self, section: &str, name: &str) -> Option<Value> {
        let root = self.value().ok()?;
        lookup(&root, &KeyPath::of([written(&root, section), name])).cloned()
    }

    /// What stands at `path` in the file, variables and all.
    #[must_use]
    pub fn value_at(&self, path: &[&str]) -> Option<Value> {
        let root = self.value().ok()?;
        lookup(&root, &self.path(&root, path)).cloned()
    }

    /// The names in `section`, in the file's order.
    #[must_use]
    pub fn names(&self, section: &str) -> Vec<String> {
        let root = self.value().unwrap_or_default();
        let entries = root.get(written(&root, section)).and_then(Value::as_mapping);
        entries.into_iter().flat_map(|entries| entries.keys()).filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Adds the entry `name` to `section`, or puts it in place of the one that is there.
    ///
    /// # Errors
    /// See [`EditError`].
    pub fn set_entry(&mut self, section: &str, name: &str, entry: &Value) -> Result<(), EditError> {
        self.set(&[section, name], entry)
    }

    /// Sets one value, such as `["servers", "files", "enabled"]`.
    ///
    /// # Errors
    /// See [`EditError`].
    pub fn set_scalar(&mut self, path: &[&str], value: &Value) -> Result<(), EditError> {
        self.set(path, value)
    }

    /// Takes the entry `name` out of `section`; false where there is none.
    ///
    /// # Errors
    /// See [`EditError`].
    pub fn remove_entry(&mut self, section: &str, name: &str) -> Result<bool, EditError> {
        self.remove(&[section, name])
    }

    /// Takes out what stands at `path`; false where there is nothing.
    ///
    /// # Errors
    /// See [`EditError`].
    pub fn remove(&mut self, path: &[&str]) -> Result<bool, EditError> {
        let root = self.value()?;
        let path = self.path(&root, path);
        if lookup(&root, &path).is_none() {
            return Ok(false);
        }
        let mut expected = root;
        take(&mut expected, &path);
        let text = splice::remove(&self.text, &path);
        self.accept(&path, text, &expected)?;
        Ok(true)
    }

    /// The text as it would be written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text as it was read; empty where there was no file.
    #[must_use]
    pub fn before(&self) -> &str {
        self.before.as_deref().unwrap_or_default()
    }

    /// What there is to say about the text as it would be written.
    ///
    /// # Errors
    /// As [`save`](Edit::save), where there are mistakes in it that were not in the old.
    pub fn review(&self) -> Result<Report, EditError> {
        self.check(&find::variable)
    }

    /// Checks the new text and writes it in place of the old, at once or not at all. What is said about the text is
    /// given back: a variable that is not set keeps nobody from writing its name.
    ///
    /// # Errors
    /// See [`EditError`]; above all where there are mistakes in the new text that were not in the old.
    pub fn save(self) -> Result<Report, EditError> {
        self.save_with(&find::variable)
    }

    fn save_with(self, environment: Environment<'_>) -> Result<Report, EditError> {
        let report = self.check(environment)?;
        let failed = |source| EditError::Io { file: self.named.clone(), what: "written", source };
        let now = match fs::read_to_string(&self.file) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(failed(source)),
        };
        if now != self.before {
            return Err(EditError::Changed { file: self.named });
        }
        write::replace(&self.file, &self.text).map_err(failed)?;
        Ok(report)
    }

    /// What there is to say about the new text.
    fn check(&self, environment: Environment<'_>) -> Result<Report, EditError> {
        let (_, mut report) = Config::examine(&self.text, &self.named, environment);
        let (_, before) = Config::examine(self.before.as_deref().unwrap_or(HEAD), &self.named, environment);
        let known = |problem: &Problem| {
            before.problems.iter().any(|old| (&old.path, &old.message) == (&problem.path, &problem.message))
        };
        // A file that is wrong elsewhere can be mended step by step.
        let fresh = |problem: &Problem| problem.severity == Severity::Error && !known(problem);
        if report.problems.iter().any(fresh) {
            report.problems.retain(fresh);
            return Err(EditError::Invalid(Box::new(report)));
        }
        Ok(report)
    }

    fn value(&self) -> Result<Value, EditError> {
        parse(&self.text).map_err(|mut problem| {
            problem.severity = Severity::Error;
            EditError::Invalid(Box::new(Report { file: self.named.clone(), problems: vec![*problem] }))
        })
    }

    fn set(&mut self, path: &[&str], value: &Value) -> Result<(), EditError> {
        let root = self.value()?;
        let path = self.path(&root, path);
        let mut expected = root.clone();
        if !put(&mut expected, &path, value) {
            return Err(self.unsupported(path));
        }
        let text = splice::set(&self.text, &root, &path, value);
        self.accept(&path, text, &expected)
    }

    /// The path with the section's name as it is written in the file.
    fn path(&self, root: &Value, path: &[&str]) -> KeyPath {
        let section = path.first().map(|section| written(root, section));
        KeyPath::of(section.into_iter().chain(path.iter().copied().skip(1)))
    }

    /// Takes `text` over where it says `expected`.
    fn accept(&mut self, path: &KeyPath, text: Option<String>, expected: &Value) -> Result<(), EditError> {
        let text = text.filter(|text| parse(text).is_ok_and(|value| same(&value, expected)));
        self.text = text.ok_or_else(|| self.unsupported(path.clone()))?;
        Ok(())
    }

    fn unsupported(&self, path: KeyPath) -> EditError {
        EditError::Unsupported { file: self.named.clone(), path }
    }
}

fn parse(text: &str) -> Result<Value, Box<Problem>> {
    Document::parse(text).map(|document| document.value)
}

/// Whichever of the two names of a section the file has.
fn written<'s>(root: &Value, section: &'s str) -> &'s str {
    let other = section == "servers" && root.get("servers").is_none() && root.get("backends").is_some();
    if other { "backends" } else { section }
}

/// Whether two values are the same, an empty section and one without a value included.
fn same(left: &Value, right: &Value) -> bool {
    let empty = |value: &Value| value.is_null() || value.as_mapping().is_some_and(serde_yaml::Mapping::is_empty);
    match (left, right) {
        (Value::Mapping(left), Value::Mapping(right)) => {
            // In the same order, too: the equality of mappings does not look at it.
            left.len() == right.len()
                && left.iter().zip(right).all(|((key, value), (other, expected))| key == other && same(value, expected))
        }
        (left, right) => left == right || (empty(left) && empty(right)),
    }
}

/// Puts `value` at `path`; false where something else than a mapping is in the way.
fn put(root: &mut Value, path: &KeyPath, value: &Value) -> bool {
    let names: Vec<&str> = (0..path.keys().len()).filter_map(|at| path.name(at)).collect();
    let mut at = root;
    for name in names {
        if at.is_null() {
            *at = Value::Mapping(serde_yaml::Mapping::new());
        }
        let Value::Mapping(mapping) = at else { return false };
        at = mapping.entry(name.into()).or_insert(Value::Null);
    }
    *at = value.clone();
    true
}

fn take(root: &mut Value, path: &KeyPath) {
    let outer = path.parent().unwrap_or_default();
    let names = (0..outer.keys().len()).filter_map(|at| outer.name(at));
    let at = names.into_iter().try_fold(root, |value, name| value.get_mut(name));
    if let (Some(Value::Mapping(mapping)), Some(name)) = (at, path.name(outer.keys().len())) {
        mapping.shift_remove(name);
    }
}

#[cfg(test)]
mod tests;
