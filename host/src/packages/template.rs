//! What a new plugin begins with: a folder that is built and passes its test as it is.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use gateway_core::name::SourceName;

use super::{
    build::Language,
    embedded::{self, Carried, carried},
};

const JS: &[Carried] = carried!("src/packages/template/js":
    ".gitignore",
    "README.md",
    "jsconfig.json",
    "package.json",
    "plugin.test.yaml",
    "plugin.yaml",
    "src/plugin.js",
    "test/plugin.test.js",
);

const PYTHON: &[Carried] = carried!("src/packages/template/python":
    ".gitignore",
    "README.md",
    "plugin.test.yaml",
    "plugin.yaml",
    "pyproject.toml",
    "src/plugin.py",
    "tests/test_plugin.py",
);

const RUST: &[Carried] = carried!("src/packages/template/rust":
    ".gitignore",
    "Cargo.toml" => "Cargo.toml.kept",
    "README.md",
    "plugin.test.yaml",
    "plugin.yaml",
    "src/lib.rs",
);

/// Why a plugin was not begun.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// Something is there already.
    #[error("{}: something is in this folder already: {found}", folder.display())]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
        /// The first of what is there.
        found: String,
    },
    /// A file cannot stand there.
    #[error("{} cannot be written", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

/// Writes what a plugin of this name begins with into `folder`, which is made where it is missing.
///
/// # Errors
/// See [`TemplateError`]; nothing was written where something is there already.
pub fn write(language: Language, name: &SourceName, folder: &Path) -> Result<(), TemplateError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| TemplateError::Write { path, source }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    if let Some(found) = first_in(folder).map_err(failed(folder))? {
        return Err(TemplateError::NotEmpty { folder: folder.to_owned(), found });
    }
    for (path, bytes) in files(language) {
        let file = folder.join(path);
        fs::create_dir_all(file.parent().unwrap_or(folder)).map_err(failed(&file))?;
        fs::write(&file, filled(bytes, name)).map_err(failed(&file))?;
    }
    match language {
        // Cargo does not read a manifest that names a crate which is not there, whoever asks it.
        Language::Rust => embedded::rust::write(folder).map_err(failed(&folder.join(embedded::rust::CRATE))),
        Language::Python | Language::JavaScript => Ok(()),
    }
}

fn files(language: Language) -> &'static [Carried] {
    match language {
        Language::Rust => RUST,
        Language::Python => PYTHON,
        Language::JavaScript => JS,
    }
}

/// Something in the folder, apart from what `git init` leaves.
fn first_in(folder: &Path) -> io::Result<Option<String>> {
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if name != ".git" {
            return Ok(Some(name.to_string_lossy().into_owned()));
        }
    }
    Ok(None)
}

fn filled(bytes: &[u8], name: &SourceName) -> String {
    let name = name.as_str();
    // Packages of cargo do not begin with a digit, names of plugins may.
    let package = match name.starts_with(|first: char| first.is_ascii_digit()) {
        true => format!("plugin-{name}"),
        false => name.to_owned(),
    };
    String::from_utf8_lossy(bytes).replace("{{name}}", name).replace("{{package}}", &package)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Language; 3] = [Language::Rust, Language::Python, Language::JavaScript];

    fn written(language: Language, name: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        write(language, &SourceName::new(name).unwrap(), folder.path()).unwrap();
        folder
    }

    #[test]
    fn all_files_are_carried() {
        for (files, folder) in [(JS, "js"), (PYTHON, "python"), (RUST, "rust")] {
            let folder = format!("src/packages/template/{folder}");
            embedded::tests::assert_complete(files, &folder, &[""]);
        }
    }

    #[test]
    fn a_new_plugin_has_its_name_and_its_language() {
        for language in ALL {
            let folder = written(language, "notes");
            assert_eq!(super::super::build::language(folder.path()).unwrap(), language);
            let manifest = super::super::manifest::in_folder(folder.path()).unwrap().unwrap();
            assert_eq!(serde_json::to_value(&manifest).unwrap()["name"], "notes");
            for (path, _) in files(language) {
                let text = fs::read_to_string(folder.path().join(path)).unwrap();
                assert!(!text.contains("{{"), "{path}: {text}");
            }
        }
        let manifest = fs::read_to_string(written(Language::Rust, "7zip").path().join("Cargo.toml")).unwrap();
        assert!(manifest.contains("name = \"plugin-7zip\""), "{manifest}");
    }

    #[test]
    fn what_is_there_is_not_written_over() {
        let folder = written(Language::Rust, "notes");
        let error = write(Language::Python, &SourceName::new("notes").unwrap(), folder.path()).unwrap_err();
        assert!(matches!(error, TemplateError::NotEmpty { .. }), "{error}");
        assert!(!folder.path().join("pyproject.toml").exists());

        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".git")).unwrap();
        write(Language::Rust, &SourceName::new("notes").unwrap(), folder.path()).unwrap();
    }
}
