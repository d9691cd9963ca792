//! Plugins that are built from sources by the built gateway, once for as long as these do not change.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use gateway_tests::{Gateway, place};

/// What a build leaves beside the sources, which no plugin is made of.
const LEFT: [&str; 4] = [".gateway", "__pycache__", "node_modules", "target"];

/// Where what was built for other runs lies.
fn kept() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("built")
}

/// Gives a command what is kept from test to test: tools that come from registries, and components that were compiled.
pub(crate) fn keeping(mut command: Command) -> Command {
    let home = kept().join("home");
    fs::create_dir_all(&home).unwrap();
    for variable in ["HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
        command.env(variable, &home);
    }
    command
}

/// `gateway plugin …` in a folder.
pub(crate) fn plugin(arguments: &[&str], folder: &Path) -> Command {
    let mut command = keeping(Gateway::new("{}\n").command(&[&["plugin"], arguments].concat()));
    command.current_dir(folder);
    command
}

/// Runs a command to its end, however long that takes: a first build compiles, or installs tools. Gives what it answered.
#[track_caller]
pub(crate) fn done(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:#?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The folder of a plugin of the repository, built: now, or before of the same sources and `made_with`.
pub(crate) fn built(folder: &str, made_with: &[&str]) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    for of in [&[folder], made_with].concat() {
        let of = place::repository().join(of);
        for path in files(&of) {
            path.strip_prefix(&of).unwrap().hash(&mut hasher);
            fs::read(&path).unwrap().hash(&mut hasher);
        }
    }
    let source = place::repository().join(folder);
    let name = source.file_name().unwrap();
    let target = kept().join(format!("{}-{:016x}", name.to_string_lossy(), hasher.finish())).join(name);
    fs::create_dir_all(target.parent().unwrap()).unwrap();
    // Other tests build too, each in a process of its own.
    let lock = File::create(target.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let marker = target.with_extension("built");
    if !marker.is_file() {
        for path in files(&source) {
            let copy = target.join(path.strip_prefix(&source).unwrap());
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            fs::copy(&path, copy).unwrap();
        }
        done(&mut plugin(&["build"], &target));
        fs::write(marker, "").unwrap();
    }
    target
}

/// The files that something is made of, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let is_left = |path: &Path| path.file_name().is_some_and(|name| LEFT.iter().any(|left| name == *left));
    entries.retain(|path| !is_left(path) && path.extension().is_none_or(|extension| extension != "wasm"));
    entries.into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
