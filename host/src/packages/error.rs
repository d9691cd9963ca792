//! Why there is no component.

use std::error::Error;

use gateway_core::name::SourceName;

use super::{
    Digest, Pin,
    digest::NoDigest,
    file::FileError,
    https::DownloadError,
    lockfile::{Difference, LockError, sentence},
    oci::OciError,
    reference::ReferenceError,
    signature::SignatureError,
};

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackageError {
    /// The source is none.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It cannot be downloaded.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// It does not come from its registry.
    #[error(transparent)]
    Oci(#[from] OciError),
    /// The lock file cannot be used.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// It does not count as signed.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The pin is none.
    #[error("{written}: {source}")]
    NoDigest {
        /// Where it is written.
        written: String,
        /// What is wrong with it.
        source: NoDigest,
    },
    /// It is another component than was meant.
    #[error("{reference}: the SHA-256 is {found}, and {} says {}", pin.written, pin.digest)]
    Changed {
        /// Where it comes from.
        reference: String,
        /// What it has to be.
        pin: Box<Pin>,
        /// What it is.
        found: Digest,
    },
    /// It is not what was agreed to.
    #[error("it is not as {file} says: {}", sentence(differences))]
    Differs {
        /// The lock file's name.
        file: String,
        /// The plugin.
        plugin: SourceName,
        /// What differs.
        differences: Vec<Difference>,
    },
    /// A plugin from the web, and nothing says which.
    #[error(
        "{reference}: a plugin from the web is not used without its SHA-256, since it could be another one tomorrow"
    )]
    Unpinned {
        /// Where it comes from.
        reference: String,
        /// The plugin.
        plugin: SourceName,
    },
}

impl PackageError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Reference(error) => Some(error.hint().to_owned()),
            Self::File(error) => error.hint(),
            Self::Oci(error) => error.hint(),
            Self::Lock(error) => Some(error.hint()),
            Self::Signature(error) => Some(error.hint()),
            Self::Download(_) | Self::NoDigest { .. } => None,
            Self::Changed { pin, found, .. } if pin.written.starts_with("--") => Some(format!(
                "where you trust this file and not the digest that you were told: {} {found}",
                pin.written
            )),
            Self::Changed { pin, .. } if pin.is_locked => {
                Some("`gateway plugin update` shows what changes before it is agreed to".to_owned())
            }
            Self::Changed { pin, found, .. } => Some(format!(
                "where the change is meant: `gateway plugin update` shows it and writes it down, or write {}: {found}",
                pin.written
            )),
            Self::Differs { plugin, .. } => Some(format!(
                "where the change is meant: `gateway approve {plugin}` agrees to it, `gateway lock` to that of all plugins"
            )),
            Self::Unpinned { plugin, .. } => {
                Some(format!("`gateway lock` pins what is there now, or write plugins.{plugin}.sha256"))
            }
        }
    }

    /// The error and its causes in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut sentence = self.to_string();
        let mut cause = match self {
            // Their text holds the cause already.
            Self::NoDigest { .. } => None,
            error => error.source(),
        };
        while let Some(error) = cause {
            sentence.push_str(": ");
            sentence.push_str(&error.to_string());
            cause = error.source();
        }
        sentence
    }
}
