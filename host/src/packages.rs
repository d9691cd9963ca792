//! Plugins as files, before they are WebAssembly: where they come from, whether they are the ones that were meant, and
//! how they are built. Nothing here runs a plugin.
//!
//! * [`reference`]: what stands as `source`: a file, a folder, an address.
//! * [`file`]: files and folders of this machine.
//! * [`https`]: downloads, and those that are kept.
//! * [`manifest`]: what a plugin says about itself, `plugin.yaml`.
//! * [`build`]: from a folder of sources to a component, with the language's own tool.
//! * [`embedded`]: what the gateway carries for that: the WIT and the SDKs.

pub mod build;
pub mod embedded;
pub mod file;
pub mod https;
pub mod manifest;
pub mod reference;

use std::{error::Error, fmt, path::PathBuf, str::FromStr};

use bytes::Bytes;
use gateway_core::{
    error::{Failure, FailureKind},
    name::SourceName,
    source::Fut,
};
use gateway_wasm::package::Package;
use sha2::{Digest as _, Sha256};

use self::{file::FileError, https::DownloadError, reference::ReferenceError};
pub use self::{https::Downloads, reference::Reference};

/// The largest component that is read, in bytes: several times what a language runtime inside of one takes.
pub const MAX_SIZE: u64 = 128 << 20;

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

/// A text is no SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no SHA-256, which has 64 hexadecimal digits")]
pub struct NoDigest(String);

/// The digest that a component has to have, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The digest.
    pub digest: Digest,
    /// Where that is written: `plugins.fetch.sha256`, `--sha256`.
    pub written: String,
}

/// A plugin as `gateway.yaml` names it. Nothing is looked at before the engine loads it.
#[derive(Debug, Clone)]
pub struct Configured {
    /// The plugin's name.
    pub plugin: SourceName,
    /// Its `source`.
    pub source: String,
    /// Its `sha256`.
    pub sha256: Option<String>,
    /// The folder that relative paths start at.
    pub folder: PathBuf,
    /// Where downloads are kept.
    pub downloads: Downloads,
}

/// Is told how far a download is: bytes so far, and bytes in all where that is known.
pub type Watch<'a> = &'a (dyn Fn(u64, Option<u64>) + Send + Sync);

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
        pin: Pin,
        /// What it is.
        found: Digest,
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

/// The component that `reference` leads to. Where it comes from the web, it is kept, and not downloaded again while
/// `pin` names it.
///
/// # Errors
/// See [`PackageError`].
pub async fn retrieve(
    reference: &Reference,
    pin: Option<&Pin>,
    downloads: &Downloads,
    watch: Watch<'_>,
) -> Result<Bytes, PackageError> {
    let bytes = match reference {
        Reference::Local(path) => file::read(&file::component(path)?).await?,
        Reference::Web(url) => match pin.and_then(|pin| downloads.get(pin.digest)) {
            Some(kept) => return Ok(kept.into()),
            None => https::download(url, watch).await?,
        },
    };
    let found = Digest::of(&bytes);
    if let Some(pin) = pin.filter(|pin| pin.digest != found) {
        return Err(PackageError::Changed { reference: reference.to_string(), pin: pin.clone(), found });
    }
    if matches!(reference, Reference::Web(_)) {
        downloads.keep(found, &bytes);
    }
    Ok(bytes.into())
}

// === impl Digest ===

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl FromStr for Digest {
    type Err = NoDigest;
    /// Reads 64 hexadecimal digits, also behind `sha256:`, as registries write it.
    fn from_str(text: &str) -> Result<Self, NoDigest> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        let error = || NoDigest(text.to_owned());
        // Otherwise `from_str_radix` would take a sign.
        if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(error());
        }
        let mut digest = [0; 32];
        for (at, byte) in digest.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).map_err(|_| error())?;
        }
        Ok(Self(digest))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// === impl Configured ===

impl Configured {
    /// The component, once it has been found to be the one that was pinned.
    ///
    /// # Errors
    /// See [`PackageError`]; plugins from the web have to be pinned here.
    pub async fn retrieve(&self, watch: Watch<'_>) -> Result<Bytes, PackageError> {
        let reference = Reference::parse(&self.source, &self.folder)?;
        let pin = self.pin()?;
        if pin.is_none() && matches!(reference, Reference::Web(_)) {
            return Err(PackageError::Unpinned { reference: reference.to_string(), plugin: self.plugin.clone() });
        }
        retrieve(&reference, pin.as_ref(), &self.downloads, watch).await
    }

    fn pin(&self) -> Result<Option<Pin>, PackageError> {
        let Some(text) = &self.sha256 else { return Ok(None) };
        let written = format!("plugins.{}.sha256", self.plugin);
        match text.parse() {
            Ok(digest) => Ok(Some(Pin { digest, written })),
            Err(source) => Err(PackageError::NoDigest { written, source }),
        }
    }
}

impl Package for Configured {
    fn load(&self) -> Fut<'_, Result<Bytes, Failure>> {
        Box::pin(async {
            self.retrieve(&|_, _| ()).await.map_err(|error| {
                let message = format!("plugin {:?}: {}", self.plugin.as_str(), error.sentence());
                let failure = Failure::new(FailureKind::Unavailable, message);
                match error.hint() {
                    Some(hint) => failure.hint(hint),
                    None => failure,
                }
            })
        })
    }
}

// === impl PackageError ===

impl PackageError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Reference(error) => Some(error.hint().to_owned()),
            Self::File(error) => error.hint(),
            Self::Download(_) | Self::NoDigest { .. } => None,
            Self::Changed { pin, found, .. } if pin.written.starts_with("--") => Some(format!(
                "where you trust this file and not the digest that you were told: {} {found}",
                pin.written
            )),
            Self::Changed { pin, found, .. } => {
                Some(format!("where the change is meant, write {}: {found}", pin.written))
            }
            Self::Unpinned { reference, plugin } => Some(format!(
                "write plugins.{plugin}.sha256, or let `gateway plugin add {reference} --name {plugin} --force` do it"
            )),
        }
    }

    /// The error and its causes in one sentence.
    fn sentence(&self) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(source: &str, sha256: Option<String>) -> (tempfile::TempDir, Configured) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.wasm"), "component").unwrap();
        let configured = Configured {
            plugin: SourceName::new("a").unwrap(),
            source: source.to_owned(),
            sha256,
            folder: folder.path().to_owned(),
            downloads: Downloads::new(folder.path().join("downloads")),
        };
        (folder, configured)
    }

    #[test]
    fn digests_are_read_and_written() {
        let digest = Digest::of(b"");
        let text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(digest.to_string(), text);
        assert_eq!(text.parse(), Ok(digest));
        assert_eq!(text.to_uppercase().parse(), Ok(digest));
        assert_eq!(format!("sha256:{text}").parse(), Ok(digest));
        for bad in ["", "e3b0", &text[1..], &format!("{text}0"), &"ä".repeat(32), &"+1".repeat(32)] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn only_the_pinned_component_is_used() {
        let right = Digest::of(b"component").to_string();
        for sha256 in [None, Some(right.clone())] {
            let (_folder, configured) = plugin("./a.wasm", sha256);
            assert_eq!(configured.load().await.unwrap(), "component");
        }
        let wrong = Digest::of(b"other").to_string();
        let (_folder, configured) = plugin("./a.wasm", Some(wrong.clone()));
        let failure = configured.load().await.unwrap_err();
        assert!(failure.message.starts_with("plugin \"a\": "), "{failure}");
        assert!(failure.message.contains(&right) && failure.message.contains(&wrong), "{failure}");
        let hint = failure.hint.unwrap();
        assert_eq!(*hint, *format!("where the change is meant, write plugins.a.sha256: {right}"));
    }

    #[tokio::test]
    async fn what_comes_from_the_web_is_pinned() {
        let (_folder, configured) = plugin("https://example.invalid/a.wasm?token=hunter2", None);
        let failure = configured.load().await.unwrap_err();
        assert!(failure.hint.as_ref().unwrap().starts_with("write plugins.a.sha256"), "{failure:?}");
        assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
    }

    #[tokio::test]
    async fn what_was_kept_is_not_downloaded() {
        let digest = Digest::of(b"kept");
        let (_folder, configured) = plugin("https://example.invalid/a.wasm", Some(digest.to_string()));
        configured.downloads.keep(digest, b"kept");
        assert_eq!(configured.load().await.unwrap(), "kept");
    }
}
