//! What was read goes into the configuration, entry by entry; nothing that is there is changed.

use serde::Serialize;
use serde_yaml::Value;

use crate::{
    config::{
        edit::{Edit, EditError},
        problem::KeyPath,
    },
    import::{Format, Imported, Note, Server, Setting},
};

/// The sections whose names no two entries may share.
const NAMED: [&str; 3] = ["servers", "plugins", "pipelines"];

/// What came of one file.
pub(in crate::cli) struct Applied {
    pub(super) format: Format,
    pub(super) lines: Vec<Line>,
    pub(super) notes: Vec<Note>,
}

/// What came of one entry or setting.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    /// Where it stands in the configuration.
    pub(super) key: String,
    /// What it is called in the other file, where that is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) was: Option<String>,
    pub(super) outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    #[serde(skip)]
    path: KeyPath,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// It stands in the configuration now.
    Added,
    /// It stood there before, just so.
    Present,
    /// Something else stands there, and stays.
    Clash,
    /// The gateway cannot use it.
    Refused,
}

impl Applied {
    pub(super) fn apply(imported: Imported, edit: &mut Edit) -> Self {
        let Imported { format, settings, servers, notes, .. } = imported;
        let mut lines: Vec<Line> = settings.iter().map(|setting| Line::setting(setting, edit)).collect();
        lines.extend(servers.into_iter().map(|server| Line::server(server, edit)));
        Self { format, lines, notes }
    }

    /// Whether something stands in the configuration that did not before.
    pub(super) fn changes(&self) -> bool {
        self.lines.iter().any(|line| line.outcome == Outcome::Added)
    }

    /// Whether what stands at `path` was added.
    pub(super) fn is_about(&self, path: &KeyPath) -> bool {
        let as_written = |line: &Line| {
            // Both names of the section.
            let section = line.path.name(0) == Some("servers") && path.name(0) == Some("backends");
            path.is_within(&line.path) || section && path.name(1) == line.path.name(1)
        };
        self.lines.iter().any(|line| line.outcome == Outcome::Added && as_written(line))
    }
}

impl Line {
    fn setting(setting: &Setting, edit: &mut Edit) -> Self {
        let path: Vec<&str> = setting.path.iter().map(String::as_str).collect();
        let value = serde_yaml::to_value(&setting.value).unwrap_or_default();
        let (outcome, reason) = match setting_there(edit, &path) {
            Some(there) if there == value => (Outcome::Present, None),
            Some(_) => {
                (Outcome::Clash, Some(format!("another value stands there; the other file has {}", setting.value)))
            }
            None => put(edit, &path, &value),
        };
        Self::new(&path, None, outcome, reason)
    }

    fn server(server: Server, edit: &mut Edit) -> Self {
        let Server { name, was, entry } = server;
        let entry = serde_yaml::to_value(&entry).unwrap_or_default();
        let taken = NAMED.into_iter().find_map(|section| Some((section, edit.entry(section, &name)?)));
        let (outcome, reason) = match taken {
            Some(("servers", there)) if there == entry => (Outcome::Present, None),
            Some((section, _)) => {
                let reason = format!(
                    "{section}.{name} is something else, and stays as it is; rename one of them, then import again"
                );
                (Outcome::Clash, Some(reason))
            }
            None => put(edit, &["servers", &name], &entry),
        };
        Self::new(&["servers", &name], (was != name).then_some(was), outcome, reason)
    }

    fn new(path: &[&str], was: Option<String>, outcome: Outcome, reason: Option<String>) -> Self {
        let path = KeyPath::of(path.iter().copied());
        Self { key: path.to_string(), was, outcome, reason, path }
    }
}

/// The value of a setting, by either of its names.
fn setting_there(edit: &Edit, path: &[&str]) -> Option<Value> {
    let alias = (path == ["meta_tools"]).then(|| edit.value_at(&["enable_meta_mcp"])).flatten();
    alias.or_else(|| edit.value_at(path))
}

/// Writes one thing, unless that would be a mistake.
fn put(edit: &mut Edit, path: &[&str], value: &Value) -> (Outcome, Option<String>) {
    let mut tried = edit.clone();
    let reviewed = tried.set_scalar(path, value).and_then(|()| tried.review());
    match reviewed {
        Ok(_) => {
            *edit = tried;
            (Outcome::Added, None)
        }
        Err(EditError::Invalid(report)) => {
            let reasons: Vec<String> = report.problems.iter().map(|problem| problem.message.clone()).collect();
            (Outcome::Refused, Some(reasons.join("; ")))
        }
        Err(error) => (Outcome::Refused, Some(error.to_string())),
    }
}
