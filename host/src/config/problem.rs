//! What is wrong with a configuration, and how it is shown: the one place that renders it.

use std::{
    cmp::Ordering,
    fmt::{self, Write as _},
    path::PathBuf,
};

/// Where in the configuration something stands: `servers.filesystem.args[0]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyPath(Vec<Key>);

/// One step of a [`KeyPath`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// Into a mapping.
    Name(String),
    /// Into a list.
    Index(usize),
}

/// How bad a [`Problem`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// One server or plugin cannot be used; the rest can.
    Entry,
    /// Nothing is broken, and yet it is not what was meant.
    Warning,
}

/// What the caret points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    /// The key.
    Key,
    /// The value, where it is short enough to be pointed at.
    Value,
    /// The key, and its value is not shown: it may be secret.
    Secret,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Where it is.
    pub path: KeyPath,
    /// What it is said about, where that is not the same.
    pub about: Option<KeyPath>,
    /// What it is: lower case, no full stop.
    pub message: String,
    /// What to do about it, with the line to write.
    pub hint: Option<String>,
    /// What to point at.
    pub spot: Spot,
    /// Where that is in the file, once it has been looked for.
    pub place: Option<Place>,
}

/// A place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// How many characters the caret stands under.
    pub width: usize,
    /// The line.
    pub source: String,
}

/// Everything that was found in one file, in the file's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The file, as it was named.
    pub file: PathBuf,
    /// What was found.
    pub problems: Vec<Problem>,
}

// === impl KeyPath ===

impl KeyPath {
    /// The path of these names.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().map(|name| Key::Name(name.to_owned())).collect())
    }

    /// The path one step further in.
    #[must_use]
    pub fn with(&self, key: impl Into<Key>) -> Self {
        Self(self.0.iter().cloned().chain([key.into()]).collect())
    }

    /// The steps.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.0
    }

    /// The name at step `at`, unless that is an index.
    #[must_use]
    pub fn name(&self, at: usize) -> Option<&str> {
        match self.0.get(at)? {
            Key::Name(name) => Some(name),
            Key::Index(_) => None,
        }
    }

    /// Whether it leads to `outer` or into it.
    #[must_use]
    pub fn is_within(&self, outer: &Self) -> bool {
        self.0.starts_with(&outer.0)
    }

    /// The path one step less far in; `None` at the top.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, outer) = self.0.split_last()?;
        Some(Self(outer.to_vec()))
    }

    /// Whether values there may be secret.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        let secret = |key: &Key| matches!(key, Key::Name(name) if SECRETS.contains(&name.as_str()));
        // Somebody may write the private key in place of the public one.
        let is_key = self.name(0) == Some("signers") && self.0.len() > 1;
        // A section or an entry may be called so; what matters is what stands in an entry.
        is_key || self.0.iter().skip(2).any(secret)
    }
}

/// Keys below which values may be secret.
const SECRETS: [&str; 5] = ["env", "headers", "oauth", "secrets", "token"];

impl From<Vec<Key>> for KeyPath {
    fn from(keys: Vec<Key>) -> Self {
        Self(keys)
    }
}

impl From<&str> for Key {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<usize> for Key {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
        for (at, key) in self.0.iter().enumerate() {
            let dot = if at == 0 { "" } else { "." };
            match key {
                Key::Name(name) if plain(name) => write!(f, "{dot}{name}")?,
                Key::Name(name) => write!(f, "{dot}{name:?}")?,
                Key::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

// === impl Problem ===

impl Problem {
    fn new(severity: Severity, path: KeyPath, message: impl Into<String>) -> Self {
        let spot = if path.is_secret() { Spot::Secret } else { Spot::Key };
        Self { severity, path, about: None, message: message.into(), hint: None, spot, place: None }
    }

    /// The configuration cannot be used.
    pub fn error(path: KeyPath, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, path, message)
    }

    /// The server or plugin at `path` cannot be used.
    pub fn entry(path: KeyPath, message: impl Into<String>) -> Self {
        Self::new(Severity::Entry, path, message)
    }

    /// Not what was meant.
    pub fn warning(path: KeyPath, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, path, message)
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, said about another place than it is in.
    #[must_use]
    pub fn about(mut self, path: KeyPath) -> Self {
        self.about = Some(path);
        self
    }

    /// The same, pointing at the value, unless that may be secret.
    #[must_use]
    pub fn at_value(mut self) -> Self {
        if self.spot == Spot::Key {
            self.spot = Spot::Value;
        }
        self
    }

    /// What it is, in one line and without the place: for a log.
    #[must_use]
    pub fn summary(&self) -> String {
        let about = self.about.as_ref().unwrap_or(&self.path);
        if about.keys().is_empty() { self.message.clone() } else { format!("{about}: {}", self.message) }
    }

    fn by_place(&self, other: &Self) -> Ordering {
        let key = |problem: &Self| problem.place.as_ref().map(|place| (place.line, place.column));
        key(self).cmp(&key(other))
    }
}

// === impl Report ===

impl Report {
    /// Whether the configuration cannot be used.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// Whether there is more than warnings.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity != Severity::Warning)
    }

    /// How many problems of that severity there are.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.problems.iter().filter(|problem| problem.severity == severity).count()
    }

    /// The warnings.
    pub fn warnings(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().filter(|problem| problem.severity == Severity::Warning)
    }

    /// Brings the problems into the file's order.
    pub(super) fn sort(&mut self) {
        self.problems.sort_by(Problem::by_place);
    }

    fn write_problem(&self, f: &mut fmt::Formatter<'_>, problem: &Problem) -> fmt::Result {
        let kind = if problem.severity == Severity::Warning { "warning" } else { "error" };
        writeln!(f, "{kind}: {}", problem.summary())?;
        let file = self.file.display();
        match &problem.place {
            None => writeln!(f, "  --> {file}")?,
            Some(place) => {
                let margin = " ".repeat(place.line.to_string().len());
                writeln!(f, "{margin}--> {file}:{}:{}", place.line, place.column)?;
                writeln!(f, "{margin} |")?;
                writeln!(f, "{} | {}", place.line, place.source)?;
                writeln!(f, "{margin} | {}", place.caret())?;
            }
        }
        match &problem.hint {
            Some(hint) => writeln!(f, "  hint: {}", hint.replace('\n', "\n        ")),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.problems.iter().enumerate() {
            if at > 0 {
                f.write_char('\n')?;
            }
            self.write_problem(f, problem)?;
        }
        Ok(())
    }
}

impl Place {
    /// The line below the source line, with tabs where that has tabs, so that both are as wide.
    fn caret(&self) -> String {
        let before = self.source.chars().take(self.column - 1);
        let margin: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        margin + &"^".repeat(self.width.max(1))
    }
}
