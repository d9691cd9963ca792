//! Plugins on this machine: a `.wasm` file, or a folder that one was built in.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tokio::io::AsyncReadExt as _;

use super::{
    MAX_SIZE,
    manifest::{self, ManifestError},
};

/// Why there is no plugin to read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// Nothing has that name.
    #[error("{}: there is no such file or folder", .0.display())]
    Missing(PathBuf),
    /// A file of another kind.
    #[error("{}: this is neither a .wasm file nor a folder", .0.display())]
    Other(PathBuf),
    /// A folder whose plugin has not been built.
    #[error("{}: there is no built plugin in this folder", folder.display())]
    NotBuilt {
        /// The folder.
        folder: PathBuf,
    },
    /// A folder with several components, and nothing that says which of them is the plugin.
    #[error("{}: which of {files} is the plugin?", folder.display())]
    Ambiguous {
        /// The folder.
        folder: PathBuf,
        /// Their names.
        files: String,
    },
    /// The folder's `plugin.yaml` is wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// More than [`MAX_SIZE`].
    #[error("{}: a plugin may have at most {} MiB", .0.display(), MAX_SIZE >> 20)]
    TooLarge(PathBuf),
    /// It cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

impl FileError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotBuilt { folder } => Some(format!("gateway plugin build {}", folder.display())),
            Self::Ambiguous { folder, .. } => {
                Some(format!("write its `name` in {}", folder.join("plugin.yaml").display()))
            }
            _ => None,
        }
    }
}

/// The component that `path` leads to: itself where it is a file; in a folder, the one that `plugin.yaml` names, else
/// the one that is called like the folder, else the only one.
///
/// # Errors
/// See [`FileError`].
pub fn component(path: &Path) -> Result<PathBuf, FileError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => in_folder(path),
        Ok(_) if path.extension().is_some_and(|extension| extension == "wasm") => Ok(path.to_owned()),
        Ok(_) => Err(FileError::Other(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(FileError::Missing(path.to_owned())),
        Err(source) => Err(FileError::Read { path: path.to_owned(), source }),
    }
}

/// Where the component of the plugin in `folder` is written by a build.
///
/// # Errors
/// Where its `plugin.yaml` is wrong.
pub fn built(folder: &Path) -> Result<PathBuf, ManifestError> {
    let name = match manifest::in_folder(folder)?.and_then(|manifest| manifest.name) {
        Some(name) => name,
        None => name_of(folder),
    };
    Ok(folder.join(format!("{name}.wasm")))
}

fn in_folder(folder: &Path) -> Result<PathBuf, FileError> {
    let expected = built(folder)?;
    if expected.is_file() {
        return Ok(expected);
    }
    let not_built = FileError::NotBuilt { folder: folder.to_owned() };
    if manifest::in_folder(folder)?.is_some_and(|manifest| manifest.name.is_some()) {
        return Err(not_built);
    }
    let mut files = components(folder).map_err(|source| FileError::Read { path: folder.to_owned(), source })?;
    match (files.pop(), files.is_empty()) {
        (None, _) => Err(not_built),
        (Some(only), true) => Ok(only),
        (Some(last), false) => {
            files.push(last);
            let names = files.iter().filter_map(|file| file.file_name()).map(|name| name.to_string_lossy());
            let files = names.collect::<Vec<_>>().join(", ");
            Err(FileError::Ambiguous { folder: folder.to_owned(), files })
        }
    }
}

/// The `.wasm` files in `folder`, by name.
fn components(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "wasm") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The name of a plugin whose `plugin.yaml` says none: its folder's.
fn name_of(folder: &Path) -> String {
    // `.` has a name only once it is looked up.
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    folder.file_name().map_or_else(|| "plugin".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// The bytes of `file`.
///
/// # Errors
/// See [`FileError`].
pub async fn read(file: &Path) -> Result<Vec<u8>, FileError> {
    let failed = |source| FileError::Read { path: file.to_owned(), source };
    let open = tokio::fs::File::open(file).await.map_err(failed)?;
    let mut bytes = Vec::new();
    open.take(MAX_SIZE + 1).read_to_end(&mut bytes).await.map_err(failed)?;
    match bytes.len() as u64 > MAX_SIZE {
        true => Err(FileError::TooLarge(file.to_owned())),
        false => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn the_manifest_says_which_component_it_is() {
        let folder = folder(&[("plugin.yaml", "name: good"), ("good.wasm", ""), ("other.wasm", "")]);
        assert_eq!(component(folder.path()).unwrap(), folder.path().join("good.wasm"));
    }

    #[test]
    fn without_a_name_it_is_the_only_one() {
        let only = folder(&[("plugin.yaml", "description: x"), ("only.wasm", "")]);
        assert_eq!(component(only.path()).unwrap(), only.path().join("only.wasm"));
        let none = folder(&[("Cargo.toml", "")]);
        let error = component(none.path()).unwrap_err();
        assert!(error.hint().unwrap().starts_with("gateway plugin build "), "{error}");
        let two = folder(&[("b.wasm", ""), ("a.wasm", "")]);
        let error = component(two.path()).unwrap_err().to_string();
        assert!(error.ends_with("which of a.wasm, b.wasm is the plugin?"), "{error}");
    }

    #[test]
    fn a_name_that_was_not_built_is_not_replaced_by_another() {
        let folder = folder(&[("plugin.yaml", "name: good"), ("old.wasm", "")]);
        assert!(matches!(component(folder.path()), Err(FileError::NotBuilt { .. })));
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = component(Path::new("/nowhere/x.wasm")).unwrap_err().to_string();
        assert_eq!(error, "/nowhere/x.wasm: there is no such file or folder");
        let folder = folder(&[("README.md", "")]);
        assert!(matches!(component(&folder.path().join("README.md")), Err(FileError::Other(_))));
    }
}
