//! Checks of `pipelines`.

use std::{fs, path::Path};

use super::Checks;
use crate::{
    config::{
        Config, Problem, Report,
        document::Document,
        problem::{Key, KeyPath},
    },
    sources::pipeline::{
        self,
        flaw::{At, Flaw},
    },
};

pub(super) fn check(config: &Config, checks: &mut Checks<'_>) {
    for (name, pipeline) in config.pipelines.iter() {
        let path = KeyPath::of(["pipelines", name.as_str()]);
        // What is missing may be what could not be read.
        if checks.is_broken(&path) {
            continue;
        }
        for flaw in pipeline::look(pipeline).1 {
            checks.push(problem(name.as_str(), &flaw));
        }
    }
}

/// The flaws of the pipeline `name`, with their places in `file`.
#[must_use]
pub fn report(file: &Path, name: &str, flaws: &[Flaw]) -> Report {
    let mut problems: Vec<Problem> = flaws.iter().map(|flaw| problem(name, flaw)).collect();
    if let Ok(text) = fs::read_to_string(file)
        && let Ok(document) = Document::parse(&text)
    {
        document.locate(&mut problems);
    }
    let mut report = Report { file: file.to_owned(), problems };
    report.sort();
    report
}

fn problem(name: &str, flaw: &Flaw) -> Problem {
    let path = flaw.at.iter().fold(KeyPath::of(["pipelines", name]), |path, at| match at {
        At::Name(name) => path.with(Key::Name(name.clone())),
        At::Index(index) => path.with(Key::Index(*index)),
    });
    let problem = match flaw.fatal {
        true => Problem::entry(path, flaw.message.as_str()),
        false => Problem::warning(path, flaw.message.as_str()),
    };
    problem.hint(flaw.hint.as_str()).at_value()
}
