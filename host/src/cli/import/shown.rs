//! What `gateway import` says.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::apply::{Applied, Line, Outcome};
use crate::{config::Problem, import::NoteKind};

/// Everything that there is to say.
pub(super) struct Shown<'a> {
    pub(super) target: &'a Path,
    pub(super) applied: &'a [(PathBuf, Applied)],
    /// What the configuration's checks say about what was added.
    pub(super) problems: &'a [Problem],
    pub(super) changed: bool,
    pub(super) dry_run: bool,
    pub(super) diff: &'a str,
}

impl Shown<'_> {
    pub(super) fn json(&self) -> Value {
        let file = |(file, applied): &(PathBuf, Applied)| json!({ "file": file, "format": applied.format, "entries": applied.lines, "notes": applied.notes });
        let problem = |problem: &Problem| json!({ "message": problem.summary(), "hint": problem.hint });
        json!({
            "config": self.target,
            "changed": self.changed && !self.dry_run,
            "imported": self.applied.iter().map(file).collect::<Vec<_>>(),
            "problems": self.problems.iter().map(problem).collect::<Vec<_>>(),
            "diff": if self.changed { self.diff } else { "" },
        })
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (file, applied) in self.applied {
            let _ = writeln!(text, "{}: {}", file.display(), applied.format.title());
            lines(&mut text, "added", Outcome::Added, applied);
            lines(&mut text, "there already", Outcome::Present, applied);
            lines(&mut text, "not added", Outcome::Clash, applied);
            lines(&mut text, "not usable", Outcome::Refused, applied);
            for (heading, kind) in [
                ("written otherwise", NoteKind::Changed),
                ("without a counterpart", NoteKind::NoCounterpart),
                ("different here", NoteKind::Differs),
                ("secret", NoteKind::Secret),
            ] {
                for note in applied.notes.iter().filter(|note| note.kind == kind) {
                    let _ = writeln!(text, "  {heading}: {}: {}", note.at, note.text);
                }
            }
        }
        for problem in self.problems {
            let _ = writeln!(text, "still to do: {}", problem.summary());
            if let Some(hint) = &problem.hint {
                let _ = writeln!(text, "  hint: {hint}");
            }
        }
        let done = match (self.changed, self.dry_run) {
            (false, _) => "nothing changes",
            (true, true) => "would change as shown; secrets are not shown",
            (true, false) => "written; `gateway doctor` tries what was added",
        };
        let _ = writeln!(text, "{}: {done}", self.target.display());
        text
    }
}

fn lines(text: &mut String, heading: &str, outcome: Outcome, applied: &Applied) {
    for Line { key, was, reason, .. } in applied.lines.iter().filter(|line| line.outcome == outcome) {
        let was = was.as_ref().map(|was| format!(" (was {was:?})")).unwrap_or_default();
        let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let _ = writeln!(text, "  {heading}: {key}{was}{reason}");
    }
}
