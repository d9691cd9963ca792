//! `plugin.yaml`: what a plugin says about itself and asks for.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use gateway_core::name::{NameError, SourceName};
use gateway_wasm::config::Manifest;

/// The manifest's name in a plugin's folder.
pub const FILE: &str = "plugin.yaml";

/// Why a `plugin.yaml` cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// It cannot be read.
    #[error("{} cannot be read", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// It says what is not understood.
    #[error("{}: {message}", place(file, *line))]
    Invalid {
        /// The file.
        file: PathBuf,
        /// From 1, where it is known.
        line: Option<usize>,
        /// What is wrong, beginning with the key.
        message: String,
    },
    /// The name is none.
    #[error("{}: name {name:?}", file.display())]
    Name {
        /// The file.
        file: PathBuf,
        /// The name.
        name: String,
        /// What is wrong with it.
        source: NameError,
    },
}

/// The manifest in `folder`; `None` where there is none, which means: no name, and nothing asked for.
///
/// # Errors
/// See [`ManifestError`].
pub fn in_folder(folder: &Path) -> Result<Option<Manifest>, ManifestError> {
    let file = folder.join(FILE);
    match fs::read_to_string(&file) {
        Ok(text) => parse(&text, &file).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ManifestError::Read { file, source }),
    }
}

fn parse(text: &str, file: &Path) -> Result<Manifest, ManifestError> {
    let mut documents = serde_yaml::Deserializer::from_str(text);
    // An empty file asks for nothing; a second document would be overlooked.
    let (Some(document), None) = (documents.next(), documents.next()) else {
        let message = "a manifest is one YAML document".to_owned();
        return Err(ManifestError::Invalid { file: file.to_owned(), line: None, message });
    };
    let manifest: Option<Manifest> =
        serde_path_to_error::deserialize(document).map_err(|error| invalid(&error, file))?;
    let manifest = manifest.unwrap_or_default();
    if let Some(name) = &manifest.name {
        // It becomes a file's name as well: what is no name here must not lead out of the folder.
        SourceName::new(name).map_err(|source| ManifestError::Name {
            file: file.to_owned(),
            name: name.clone(),
            source,
        })?;
    }
    Ok(manifest)
}

fn invalid(error: &serde_path_to_error::Error<serde_yaml::Error>, file: &Path) -> ManifestError {
    let cause = error.inner();
    let line = cause.location().map(|location| location.line());
    let path = error.path().to_string();
    // The YAML library writes key and place into its message, each in its own way; both are said once here.
    let text = cause.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    let text = match text.split_once(": ") {
        Some((key, rest)) if path.starts_with(key) => rest,
        _ => text,
    };
    let message = if path == "." { text.to_owned() } else { format!("{path}: {text}") };
    ManifestError::Invalid { file: file.to_owned(), line, message }
}

fn place(file: &Path, line: Option<usize>) -> String {
    match line {
        Some(line) => format!("{}:{line}", file.display()),
        None => file.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        let error = parse(text, Path::new("plugin.yaml")).unwrap_err();
        let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
        format!("{error}{}", source.unwrap_or_default())
    }

    #[test]
    fn what_a_plugin_asks_for_is_read() {
        let text = "name: fetch\npermissions:\n  net: [\"*.example.com\"]\nlimits: { memory: 16MiB }\n";
        let manifest = parse(text, Path::new("plugin.yaml")).unwrap();
        assert_eq!(manifest.name.as_deref(), Some("fetch"));
        assert_eq!(manifest.permissions.net.len(), 1);
        assert_eq!(parse("", Path::new("plugin.yaml")).unwrap(), Manifest::default());
        assert_eq!(parse("# nothing yet\n", Path::new("plugin.yaml")).unwrap(), Manifest::default());
    }

    #[test]
    fn mistakes_have_a_place() {
        let unknown = error("name: a\npermissions:\n  network: []\n");
        assert!(unknown.starts_with("plugin.yaml:3: permissions.network: unknown field `network`"), "{unknown}");
        let limit = error("limits:\n  memory: 0\n");
        assert!(limit.starts_with("plugin.yaml:2: limits.memory: a limit of 0"), "{limit}");
        assert!(error("a: [").starts_with("plugin.yaml:"), "{}", error("a: ["));
        assert!(error("name: a\n---\nname: b\n").ends_with("a manifest is one YAML document"));
    }

    #[test]
    fn a_name_stays_in_the_folder() {
        assert!(error("name: ../x\n").contains("name \"../x\": the character '.' may not stand there"));
        assert!(error("name: gateway\n").contains("is kept for the gateway itself"));
    }
}
