//! From a folder of sources to a component, with the language's own tool.
//!
//! * [`rust`], `python`, `js`: one file for each language; `run` is what the latter two share.

mod error;
mod js;
mod python;
mod run;
pub mod rust;

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use tempfile::TempDir;

pub use self::error::BuildError;
use super::file;

/// The languages that plugins are built from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Told by `Cargo.toml`.
    Rust,
    /// Told by `pyproject.toml`.
    Python,
    /// Told by `package.json`.
    JavaScript,
}

/// Folders that the languages' tools leave beside the sources.
const LEFT_BEHIND: [&str; 4] = ["__pycache__", "dist", "node_modules", "target"];

/// What is to be built, and with what.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// The plugin's folder.
    pub folder: &'a Path,
    /// Where the tools are kept that a language has to be given first
    /// ([`Folders::tools`](crate::folders::Folders::tools)).
    pub tools: &'a Path,
    /// Whether the language's tool says nothing but what is wrong.
    pub quiet: bool,
    /// Is told what is being done, where that takes long and the tool does not show it.
    pub say: &'a (dyn Fn(&str) + Send + Sync),
}

/// A component as the tool left it.
#[derive(Debug)]
pub struct Artifact {
    /// Its file.
    pub file: PathBuf,
    /// The folder that it was built in, which goes with this.
    _work: Option<TempDir>,
}

/// The language of the plugin in `folder`. Where files of several are there, the one that is compiled is meant, and the
/// others stand beside it for other tools.
///
/// # Errors
/// [`BuildError::Language`] and [`BuildError::Workspace`].
pub fn language(folder: &Path) -> Result<Language, BuildError> {
    if let Ok(manifest) = fs::read_to_string(folder.join("Cargo.toml")) {
        // Otherwise all its packages would be built before it turns out that none of them was meant.
        return match manifest.lines().any(|line| line.trim_start().starts_with("[package]")) {
            true => Ok(Language::Rust),
            false => Err(BuildError::Workspace { folder: folder.to_owned() }),
        };
    }
    let others = [("pyproject.toml", Language::Python), ("package.json", Language::JavaScript)];
    let found = others.into_iter().find(|(file, _)| folder.join(file).is_file());
    found.map(|(_, language)| language).ok_or_else(|| BuildError::Language { folder: folder.to_owned() })
}

/// Builds the plugin in the job's folder. What the tool says goes to standard error, nothing but mistakes where the job
/// is quiet.
///
/// # Errors
/// See [`BuildError`].
pub async fn build(job: &Job<'_>) -> Result<Artifact, BuildError> {
    match language(job.folder)? {
        Language::Rust => rust::build(job).await,
        Language::Python => python::build(job).await,
        Language::JavaScript => js::build(job).await,
    }
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
        if name.starts_with('.') || LEFT_BEHIND.contains(&&*name) || name.ends_with(".wasm") {
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

// === impl Artifact ===

impl Artifact {
    /// A component that stays where it is.
    fn kept(file: PathBuf) -> Self {
        Self { file, _work: None }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_language_is_told_by_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = language(folder.path()).unwrap_err().to_string();
        assert!(error.contains("none of Cargo.toml, pyproject.toml and package.json"), "{error}");
        fs::write(folder.path().join("package.json"), "{}").unwrap();
        assert_eq!(language(folder.path()).unwrap(), Language::JavaScript);
        fs::write(folder.path().join("pyproject.toml"), "").unwrap();
        assert_eq!(language(folder.path()).unwrap(), Language::Python);
        fs::write(folder.path().join("Cargo.toml"), "[workspace]\n").unwrap();
        assert!(matches!(language(folder.path()), Err(BuildError::Workspace { .. })));
        fs::write(folder.path().join("Cargo.toml"), "[package]\nname = \"a\"\n").unwrap();
        assert_eq!(language(folder.path()).unwrap(), Language::Rust);
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
