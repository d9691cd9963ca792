//! From a folder of sources to a component, with the language's own tool.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::SystemTime,
};

use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

use super::file;

/// What plugins are compiled for.
pub const TARGET: &str = "wasm32-wasip2";

/// The languages that plugins are built from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Told by `Cargo.toml`.
    Rust,
}

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Nothing in the folder says which language it is.
    #[error("{}: no Cargo.toml in this folder; plugins are built from Rust in this version", folder.display())]
    Language {
        /// The folder.
        folder: PathBuf,
    },
    /// The `Cargo.toml` holds a workspace and no package.
    #[error("{}: this is a workspace and no plugin", folder.display())]
    Workspace {
        /// The folder.
        folder: PathBuf,
    },
    /// The language's tool cannot be started.
    #[error("{tool} cannot be started")]
    Tool {
        /// Its name.
        tool: &'static str,
        /// What the operating system says.
        source: io::Error,
    },
    /// The compiler has no standard library for the target.
    #[error("the Rust target {TARGET} is not installed")]
    Target,
    /// The tool said why, on standard error.
    #[error("{}: cargo ended with {status}", folder.display())]
    Failed {
        /// The folder.
        folder: PathBuf,
        /// How it ended.
        status: ExitStatus,
    },
    /// It was built, and is no plugin.
    #[error("{}: the package builds no component", folder.display())]
    NoComponent {
        /// The folder.
        folder: PathBuf,
    },
    /// A file or folder cannot be looked at.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

impl BuildError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Target => format!("rustup target add {TARGET}"),
            Self::Workspace { .. } => "name the folder of a package in it".to_owned(),
            Self::NoComponent { .. } => "write `crate-type = [\"cdylib\"]` below `[lib]` in Cargo.toml".to_owned(),
            Self::Tool { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "Rust is installed with https://rustup.rs".to_owned()
            }
            _ => return None,
        };
        Some(hint)
    }
}

/// The language of the plugin in `folder`.
///
/// # Errors
/// [`BuildError::Language`] and [`BuildError::Workspace`].
pub fn language(folder: &Path) -> Result<Language, BuildError> {
    let Ok(manifest) = fs::read_to_string(folder.join("Cargo.toml")) else {
        return Err(BuildError::Language { folder: folder.to_owned() });
    };
    // Otherwise all its packages would be built before it turns out that none of them was meant.
    match manifest.lines().any(|line| line.trim_start().starts_with("[package]")) {
        true => Ok(Language::Rust),
        false => Err(BuildError::Workspace { folder: folder.to_owned() }),
    }
}

/// Builds the plugin in `folder` and gives the component where the tool left it. What the tool says goes to standard
/// error, nothing of it where `quiet`.
///
/// # Errors
/// See [`BuildError`].
pub async fn build(folder: &Path, quiet: bool) -> Result<PathBuf, BuildError> {
    let Language::Rust = language(folder)?;
    let failed = |source| BuildError::Tool { tool: "cargo", source };
    let mut cargo = Command::new("cargo");
    // Compiler messages are rendered on standard error and artifacts are told on standard output: the only way to find
    // them in workspaces and with target folders of one's own.
    cargo.args(["build", "--release", "--target", TARGET, "--message-format=json-render-diagnostics"]);
    cargo.args(quiet.then_some("--quiet")).current_dir(folder);
    cargo.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = cargo.spawn().map_err(failed)?;
    let manifest = folder.join("Cargo.toml");
    let manifest = fs::canonicalize(&manifest).map_err(|source| BuildError::Read { path: manifest, source })?;
    let mut component = None;
    if let Some(stdout) = child.stdout.take() {
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await.map_err(failed)? {
            component = component_of(&line, &manifest).or(component);
        }
    }
    let status = child.wait().await.map_err(failed)?;
    if !status.success() {
        return Err(match lacks_target(folder).await {
            true => BuildError::Target,
            false => BuildError::Failed { folder: folder.to_owned(), status },
        });
    }
    component.ok_or_else(|| BuildError::NoComponent { folder: folder.to_owned() })
}

/// Whether a built plugin would be an old one: there is none, or a source is newer. Where there are no sources there is
/// nothing to build.
///
/// # Errors
/// Where the folder cannot be read, or its `plugin.yaml` is wrong.
pub fn is_stale(folder: &Path) -> Result<bool, file::FileError> {
    if language(folder).is_err() {
        return Ok(false);
    }
    let built = file::built(folder)?;
    let Ok(written) = fs::metadata(&built).and_then(|metadata| metadata.modified()) else { return Ok(true) };
    newer(folder, written).map_err(|source| file::FileError::Read { path: folder.to_owned(), source })
}

/// Whether something in `folder` is newer than `written`, apart from what builds leave there.
fn newer(folder: &Path, written: SystemTime) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (name, kind) = (entry.file_name(), entry.file_type()?);
        let name = name.to_string_lossy();
        if name.starts_with('.') || name == "target" || name.ends_with(".wasm") {
            continue;
        }
        let changed = match kind.is_dir() {
            true => newer(&entry.path(), written)?,
            false => entry.metadata()?.modified()? > written,
        };
        if changed {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The component that a line of cargo's tells of, where it is the library of the package with this `manifest`.
fn component_of(line: &str, manifest: &Path) -> Option<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        reason: String,
        manifest_path: PathBuf,
        target: Target,
        filenames: Vec<PathBuf>,
    }
    #[derive(Deserialize)]
    struct Target {
        kind: Vec<String>,
    }
    let message: Message = serde_json::from_str(line).ok()?;
    let is_ours = message.reason == "compiler-artifact"
        && message.target.kind.iter().any(|kind| kind == "cdylib")
        && fs::canonicalize(&message.manifest_path).is_ok_and(|path| path == manifest);
    let mut files = message.filenames.into_iter();
    files.find(|file| file.extension().is_some_and(|extension| extension == "wasm")).filter(|_| is_ours)
}

/// Whether the compiler that `folder` uses has no standard library for the target. Asked only after a failure, since
/// whoever builds the library along does without.
async fn lacks_target(folder: &Path) -> bool {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", TARGET]).current_dir(folder).stdin(Stdio::null());
    let Ok(output) = rustc.output().await else { return false };
    let libraries = String::from_utf8_lossy(&output.stdout);
    output.status.success() && !Path::new(libraries.trim()).is_dir()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_language_is_told_by_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = language(folder.path()).unwrap_err().to_string();
        assert!(error.contains("plugins are built from Rust"), "{error}");
        fs::write(folder.path().join("Cargo.toml"), "[workspace]\n").unwrap();
        assert!(matches!(language(folder.path()), Err(BuildError::Workspace { .. })));
        fs::write(folder.path().join("Cargo.toml"), "[package]\nname = \"a\"\n").unwrap();
        assert_eq!(language(folder.path()).unwrap(), Language::Rust);
    }

    #[test]
    fn the_component_is_the_packages_own() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, other) = (folder.path().join("Cargo.toml"), folder.path().join("other.toml"));
        fs::write(&ours, "").unwrap();
        fs::write(&other, "").unwrap();
        let manifest = fs::canonicalize(&ours).unwrap();
        let line = |reason: &str, manifest: &Path, kind: &str, file: &str| {
            serde_json::json!({
                "reason": reason, "manifest_path": manifest, "target": { "kind": [kind] }, "filenames": [file],
            })
            .to_string()
        };
        let found = |line: String| component_of(&line, &manifest);
        let right = found(line("compiler-artifact", &ours, "cdylib", "/t/a.wasm"));
        assert_eq!(right.as_deref(), Some(Path::new("/t/a.wasm")));
        assert_eq!(found(line("compiler-artifact", &other, "cdylib", "/t/b.wasm")), None);
        assert_eq!(found(line("compiler-artifact", &ours, "bin", "/t/a.wasm")), None);
        assert_eq!(found(line("compiler-artifact", &ours, "cdylib", "/t/a.d")), None);
        assert_eq!(found(r#"{"reason":"build-finished","success":true}"#.to_owned()), None);
        assert_eq!(found("warning: no JSON".to_owned()), None);
    }

    #[test]
    fn a_plugin_is_stale_once_a_source_is_newer() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let write = |name: &str, age: u64| {
            fs::write(path(name), if name == "Cargo.toml" { "[package]\n" } else { "" }).unwrap();
            let file = fs::File::options().write(true).open(path(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
        };
        let name = folder.path().file_name().unwrap().to_string_lossy().into_owned() + ".wasm";
        let stale = || is_stale(folder.path()).unwrap();
        write(&name, 100);
        assert!(!stale(), "no sources");
        for sub in ["src", "target"] {
            fs::create_dir(path(sub)).unwrap();
        }
        write("Cargo.toml", 200);
        write("src/lib.rs", 200);
        write("target/x", 0);
        assert!(!stale(), "older sources");
        write("src/lib.rs", 50);
        assert!(stale(), "a newer source");
        write("src/lib.rs", 200);
        fs::remove_file(path(&name)).unwrap();
        assert!(stale(), "nothing built");
    }
}
