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
    /// The tool failed, and this is what it said.
    #[error("{}: {tool} ended with {status}\n{said}", folder.display())]
    Said {
        /// The folder.
        folder: PathBuf,
        /// The tool's name.
        tool: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// All of what it said.
        said: String,
    },
    /// The language's own file is not understood.
    #[error("{}: {why}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        why: String,
    },
    /// There is no such Python module.
    #[error("{}: there is no Python module {module:?} in src, nor beside pyproject.toml where there is no src", folder.display())]
    Module {
        /// The folder.
        folder: PathBuf,
        /// The module's name.
        module: String,
    },
    /// Python is older than what plugins are built with.
    #[error("plugins in Python are built with Python 3.10 or newer, and python3 is older")]
    OldPython,
    /// Node is older than what plugins are built with.
    #[error("plugins in JavaScript are built with Node 20 or newer, and this is {version}")]
    OldNode {
        /// What it says of itself.
        version: String,
    },
    /// Python cannot make virtual environments.
    #[error("python3 cannot make virtual environments")]
    NoVenv,
    /// A file or folder cannot be written.
    #[error("{} cannot be written", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
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
                "python3" => "install Python 3.10 or newer; on Debian: apt install python3-venv".to_owned(),
                "node" | "npm" => "install Node 20 or newer, with npm: https://nodejs.org".to_owned(),
                _ => return None,
            },
            Self::OldNode { .. } => "install a newer Node: https://nodejs.org".to_owned(),
            Self::Said { tool: "npm", .. } => "packages come from npm's registry, which has to be reached".to_owned(),
            Self::Module { .. } => "name it with `module` below `[tool.gateway]` in pyproject.toml".to_owned(),
            Self::NoVenv => "on Debian: apt install python3-venv".to_owned(),
            Self::Said { tool: "pip", .. } => {
                "packages come from PyPI, which has to be reached; in a component only those in pure Python run"
                    .to_owned()
            }
            _ => return None,
        };
        Some(hint)
    }
}
