//! Where things are.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

/// The folder of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a folder of the repository").to_owned()
}

/// The gateway under test: `GATEWAY_BIN`, or the binary that cargo built beside this test.
///
/// # Panics
/// Where it was not built.
#[must_use]
pub fn gateway() -> PathBuf {
    let path = env::var_os("GATEWAY_BIN").map_or_else(|| beside("gateway"), PathBuf::from);
    assert!(
        path.is_file(),
        "{} is missing: run `cargo build --workspace --bin gateway`, or ./tests/run",
        path.display()
    );
    path
}

/// A program of this package.
#[must_use]
pub fn fake_server() -> PathBuf {
    beside("fake-server")
}

/// A program of `host/examples`.
///
/// # Panics
/// Where it was not built.
#[must_use]
pub fn example(name: &str) -> PathBuf {
    let path = beside(&format!("examples/{name}"));
    assert!(path.is_file(), "{} is missing: run `cargo build --workspace --examples`, or ./tests/run", path.display());
    path
}

/// The server of this package that has everything, as a command that still wants its mode.
#[must_use]
pub fn fixture_server() -> Command {
    Command::new(beside("fixture-server"))
}

/// Says so where the gateway under test is older than its sources, as after `cargo test -p gateway-tests` alone.
#[must_use]
pub fn staleness() -> Option<&'static str> {
    let built = modified(&gateway())?;
    let newest = ["host/src", "host/core/src", "host/wasm/src", "wit"]
        .iter()
        .filter_map(|folder| newest(&repository().join(folder)))
        .max()?;
    (newest > built)
        .then_some("the gateway under test is older than its sources: `cargo build --workspace --bin gateway`")
}

/// The test runs as `target/<profile>/deps/<name>`, and binaries stand in `target/<profile>`.
fn beside(name: &str) -> PathBuf {
    let test = env::current_exe().expect("a test knows its own path");
    let profile = test.ancestors().find(|folder| folder.join("deps").is_dir()).expect("cargo runs the test");
    profile.join(format!("{name}{}", env::consts::EXE_SUFFIX))
}

fn newest(folder: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    entries
        .filter_map(|entry| if entry.path().is_dir() { newest(&entry.path()) } else { modified(&entry.path()) })
        .max()
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}
