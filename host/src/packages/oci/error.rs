//! Why a plugin does not come from its registry.

use reqwest::StatusCode;

use super::credentials::CredentialsError;
use crate::packages::{Digest, MAX_SIZE, https::DownloadError};

/// Why a plugin does not come from its registry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OciError {
    /// It cannot be reached, or breaks off.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// There is nothing of that name, or nothing that is shown to whoever asks.
    #[error("{image}: the registry has no such image")]
    Missing {
        /// What was asked for.
        image: String,
    },
    /// It wants to know who asks, or does not let this one.
    #[error("{image}: the registry refuses {}: {status}", if *named { "the credentials that it was shown" } else { "to be read by anybody" })]
    Denied {
        /// What was asked for.
        image: String,
        /// The registry.
        host: String,
        /// Whether it was told who asks.
        named: bool,
        /// Its answer.
        status: StatusCode,
    },
    /// Another answer.
    #[error("{image}: the registry answers {status}")]
    Status {
        /// What was asked for.
        image: String,
        /// The answer.
        status: StatusCode,
    },
    /// It sent something else than what has that digest.
    #[error("{image}: the registry sends other bytes than those of sha256:{expected}: theirs is sha256:{found}")]
    Digest {
        /// What was asked for.
        image: String,
        /// What it was asked for.
        expected: Digest,
        /// What it sent.
        found: Digest,
    },
    /// What it says is no manifest.
    #[error("{image}: what the registry says of it is not understood: {cause}")]
    Malformed {
        /// What was asked for.
        image: String,
        /// What is wrong.
        cause: String,
    },
    /// A list in which none or several could be meant.
    #[error("{image}: there {} in its list, and it does not say which is meant", manifests(*found))]
    Index {
        /// What was asked for.
        image: String,
        /// How many could be meant.
        found: usize,
    },
    /// An image of something else.
    #[error("{image}: there is no WebAssembly in it, {}", layers(found))]
    NoWasm {
        /// What was asked for.
        image: String,
        /// The kinds of its layers.
        found: String,
    },
    /// More than one component.
    #[error("{image}: it has {found} layers of WebAssembly, and a plugin is one")]
    Several {
        /// What was asked for.
        image: String,
        /// How many.
        found: usize,
    },
    /// More than [`MAX_SIZE`].
    #[error("{image}: a plugin may have at most {} MiB", MAX_SIZE >> 20)]
    TooLarge {
        /// What was asked for.
        image: String,
    },
    /// It wants the credentials to be sent where they could be overheard.
    #[error("{image}: the registry wants to be shown who asks at {realm}, which is no https")]
    Insecure {
        /// What was asked for.
        image: String,
        /// Where.
        realm: String,
    },
    /// What docker keeps cannot be used.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
}

impl OciError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Missing { .. } => {
                "look at the name and the tag; a registry may hide from whoever is not logged in".to_owned()
            }
            Self::Denied { host, .. } => format!("docker login {host}"),
            Self::Digest { .. } => "try again; where it stays so, do not use this registry".to_owned(),
            Self::Index { .. } => "name the manifest by its digest: oci://HOST/NAME@sha256:…".to_owned(),
            Self::NoWasm { .. } | Self::Several { .. } => {
                "a plugin is pushed as one layer of the type application/wasm".to_owned()
            }
            Self::Credentials(error) => error.hint(),
            _ => return None,
        };
        Some(hint)
    }
}

fn manifests(count: usize) -> String {
    if count == 0 { "is no manifest".to_owned() } else { format!("are {count} manifests") }
}

fn layers(found: &str) -> String {
    if found.is_empty() { "since it has no layers".to_owned() } else { format!("but {found}") }
}
