//! Why a plugin was not built, and what to do about it.

use std::{io, path::PathBuf, process::ExitStatus};

use super::rust::TARGET;

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Nothing in the folder says which language it is.
    #[error("{}: none of Cargo.toml, pyproject.toml and package.json is in this folder", folder.display())]
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
    #[error("{}: {tool} ended with {status}", folder.display())]
    Failed {
        /// The folder.
        folder: PathBuf,
        /// The tool's name.
        tool: &'static str,
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
            Self::Tool { tool, source } if source.kind() == io::ErrorKind::NotFound => match *tool {
                "cargo" => "Rust is installed with https://rustup.rs".to_owned(),
                _ => return None,
            },
            _ => return None,
        };
        Some(hint)
    }
}
