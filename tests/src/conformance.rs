//! The official conformance suite, which `tests/run` installs into `tests/conformance`.
//!
//! It prints passes even against an address where nobody listens: a run counts only with its exit code and the number of its
//! checks, and what the gateway changes shows only check by check, against the same run without it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize;
use tempfile::TempDir;

use crate::{foreign, gateway::run, place};

/// A run of the suite against a server.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// Which version of the suite, as `tests/conformance/package.json` calls it.
    pub package: &'static str,
    /// What it runs.
    pub arguments: &'static [&'static str],
    /// How many checks a server passes that has everything.
    pub passes: usize,
}

/// All that the stable version has.
pub const STABLE: Run = Run { package: "conformance-stable", arguments: &["--suite", "all"], passes: 46 };
/// All that the next version has for 2025-06-18.
pub const REVISION_2025_06_18: Run =
    Run { package: "conformance-next", arguments: &["--suite", "all", "--spec-version", "2025-06-18"], passes: 56 };
/// What 2025-11-25 requires, and what the suite has learnt of it since.
pub const REVISION_2025_11_25: Run =
    Run { package: "conformance-next", arguments: &["--requirements", "2025-11-25"], passes: 83 };
/// What 2026-07-28 requires, its extensions, and what the suite has learnt of it since.
pub const REVISION_2026_07_28: Run =
    Run { package: "conformance-next", arguments: &["--requirements", "2026-07-28"], passes: 197 };

/// What the suite found.
#[derive(Debug)]
pub struct Report {
    /// Each check; one that a scenario makes several times is numbered.
    pub checks: BTreeMap<Key, Found>,
    /// The exit code.
    pub code: i32,
    /// What it printed.
    pub printed: String,
}

/// Which check.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The scenario that makes it.
    pub scenario: String,
    /// Its name.
    pub check: String,
    /// How often the scenario made it before.
    pub before: usize,
}

/// How a check ended.
#[derive(Debug, Clone, Deserialize)]
pub struct Found {
    id: String,
    name: String,
    /// `SUCCESS`, `FAILURE`, `WARNING` or `SKIPPED`.
    pub status: String,
    /// Why it did not pass.
    #[serde(default, rename = "errorMessage")]
    pub message: String,
}

impl Run {
    /// Runs it against the server at this address.
    #[must_use]
    pub fn against(&self, url: &str) -> Report {
        suite(self.package, "server", &[self.arguments, &["--url", url]].concat())
    }
}

/// What the suite checks of a client.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// Which version of the suite.
    pub package: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The revision that it is checked in; extensions stand beside the revisions, and take none.
    pub revision: Option<&'static str>,
    /// How many different checks a client passes that does everything right.
    pub passes: usize,
}

impl Scenario {
    /// Runs it with the Python SDK as client: through this gateway, or directly.
    #[must_use]
    pub fn with(&self, gateway: Option<&Path>) -> Report {
        let mut client = vec![foreign::python(), foreign::folder().join("conformance.py")];
        client.push(self.revision.unwrap_or("2026-07-28").into());
        client.extend(gateway.map(Path::to_owned));
        let client = shell(&client);
        let mut arguments = vec!["--command", &client, "--scenario", self.name];
        arguments.extend(self.revision.iter().flat_map(|revision| ["--spec-version", revision]));
        suite(self.package, "client", &arguments)
    }
}

impl std::fmt::Display for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.name, self.package)?;
        self.revision.map_or(Ok(()), |revision| write!(f, " in {revision}"))
    }
}

/// The names of the scenarios for clients.
///
/// # Panics
/// Where the suite is not installed.
#[must_use]
pub fn client_scenarios(package: &str) -> Vec<String> {
    let listed = run(program(package).args(["list", "--client"]).env("NO_COLOR", "1"));
    let names = listed.answer().lines().filter_map(|line| line.trim().strip_prefix("- "));
    names.map(|name| name.split(" [").next().unwrap_or(name).to_owned()).collect()
}

fn program(package: &str) -> Command {
    let script = place::repository().join("tests/conformance/node_modules").join(package).join("dist/index.js");
    assert!(script.is_file(), "{} is missing: run `./tests/run --setup`", script.display());
    let mut command = Command::new(foreign::node_22());
    command.arg(script);
    command
}

fn suite(package: &str, role: &str, arguments: &[&str]) -> Report {
    let output = TempDir::with_prefix("conformance").expect("a temporary folder can be made");
    let mut command = program(package);
    command.arg(role).args(arguments).arg("-o").arg(output.path()).current_dir(output.path()).env("NO_COLOR", "1");
    let ended = run(&mut command);
    let checks = read(output.path());
    Report { checks, code: ended.code, printed: format!("{}{}", ended.stdout, ended.stderr) }
}

/// Reads the `checks.json` of each scenario.
fn read(folder: &Path) -> BTreeMap<Key, Found> {
    let mut checks = BTreeMap::new();
    for file in files(folder) {
        let scenario = file.parent().and_then(|scenario| scenario.strip_prefix(folder).ok());
        let scenario = without_time(&scenario.expect("a file stands in its folder").to_string_lossy());
        let text = fs::read_to_string(&file).expect("the suite wrote it");
        let found: Vec<Found> =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        // The others are what the suite saw on its way, not what it thinks of it.
        for found in found.into_iter().filter(|found| found.status != "INFO") {
            let mut key = Key { scenario: scenario.clone(), check: found.id.clone(), before: 0 };
            while checks.contains_key(&key) {
                key.before += 1;
            }
            checks.insert(key, found);
        }
    }
    checks
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the suite wrote it").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.ends_with("checks.json") {
            files.push(path);
        }
    }
    files
}

/// `server-tools-list-2026-11-21T07-19-09-007Z` is `server-tools-list`.
fn without_time(folder: &str) -> String {
    let time = folder.len().checked_sub("-2026-11-21T07-19-09-007Z".len());
    let time =
        time.filter(|&at| folder.is_char_boundary(at) && folder[at..].starts_with("-20") && folder.ends_with('Z'));
    folder[..time.unwrap_or(folder.len())].to_owned()
}

/// As a shell reads it: the suite starts the command by one.
fn shell(command: &[PathBuf]) -> String {
    let quote = |word: &PathBuf| format!("'{}'", word.to_string_lossy().replace('\'', r"'\''"));
    let quoted: Vec<_> = command.iter().map(quote).collect();
    quoted.join(" ")
}

impl Report {
    /// How many checks passed.
    #[must_use]
    pub fn passes(&self) -> usize {
        self.checks.values().filter(|found| found.status == "SUCCESS").count()
    }

    /// The checks that passed, each with what it was about.
    #[must_use]
    pub fn passed(&self) -> BTreeSet<(&str, &str)> {
        let passed = self.checks.values().filter(|found| found.status == "SUCCESS");
        passed.map(|found| (found.id.as_str(), found.name.as_str())).collect()
    }

    /// The checks that did not pass, a line for each.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let failed = |found: &Found| matches!(found.status.as_str(), "FAILURE" | "WARNING");
        self.checks.iter().filter(|(_, found)| failed(found)).map(|(key, found)| format!("{key}: {found}")).collect()
    }

    /// Where this and another differ, a line for each check.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let keys: BTreeSet<_> = self.checks.keys().chain(other.checks.keys()).collect();
        let line = |key: &Key| {
            let (one, two) = (self.checks.get(key), other.checks.get(key));
            let same = one.map(|found| &found.status) == two.map(|found| &found.status);
            let say = |found: Option<&Found>| found.map_or_else(|| "not checked".to_owned(), Found::to_string);
            (!same).then(|| format!("{key}: {} / {}", say(one), say(two)))
        };
        keys.into_iter().filter_map(line).collect()
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.scenario, self.check)?;
        if self.before > 0 { write!(f, " ({})", self.before + 1) } else { Ok(()) }
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.status)?;
        if self.message.is_empty() { Ok(()) } else { write!(f, " ({})", self.message) }
    }
}
