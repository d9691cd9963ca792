//! What the gateway says about broken configurations: one file each in `tests/golden/config`, with the exact answer
//! beside it. `BLESS=1` writes the answers anew, for review in the diff.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails in a helper fails the test")]

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use gateway_host::config::{Config, LoadError};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/config")
}

/// The environment of every case.
fn environment(name: &str) -> Option<String> {
    (name == "HOME_TOKEN").then(|| "from-the-environment".to_owned())
}

/// What is said about the case, with the file's bare name and without this machine's folders.
fn answer(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let report = match Config::parse(&text, file, &environment) {
        Ok(loaded) => loaded.report,
        Err(LoadError::Invalid(report)) => *report,
        Err(other) => panic!("{other}"),
    };
    let shown = report.to_string();
    let folder = file.parent().unwrap();
    let absolute = std::path::absolute(folder).unwrap();
    let clean: PathBuf = absolute.components().collect();
    [folder, &absolute, &clean].iter().fold(shown, |shown, folder| shown.replace(&format!("{}/", folder.display()), ""))
}

#[test]
fn every_mistake_is_explained() {
    let mut wrong = BTreeMap::new();
    let mut cases = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        cases += 1;
        let (answer, golden) = (answer(&file), file.with_extension("err"));
        #[allow(clippy::disallowed_methods, reason = "a switch of this test alone")]
        if env::var_os("BLESS").is_some() {
            fs::write(&golden, &answer).unwrap();
        } else if fs::read_to_string(&golden).ok().as_ref() != Some(&answer) {
            wrong.insert(file.file_name().unwrap().to_owned(), answer);
        }
    }
    assert!(cases >= 20, "the cases are gone: {cases}");
    for (case, answer) in &wrong {
        println!("=== {}\n{answer}", case.display());
    }
    assert!(wrong.is_empty(), "{} of {cases} answers differ; BLESS=1 accepts them", wrong.len());
}

#[test]
fn every_case_is_a_mistake() {
    for entry in fs::read_dir(folder()).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_some_and(|extension| extension == "yaml") {
            assert!(!answer(&file).is_empty(), "{}: nothing is wrong with it", file.display());
        }
    }
}
