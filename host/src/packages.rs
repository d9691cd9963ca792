//! Plugins as files, before they are WebAssembly: where they come from, whether they are the ones that were meant, and
//! how they are built. Nothing here runs a plugin.
//!
//! * [`reference`]: what stands as `source`: a file, a folder, an address, an image.
//! * [`file`]: files and folders of this machine.
//! * [`https`]: downloads, and those that are kept.
//! * [`oci`]: images of registries.
//! * [`lockfile`]: what was agreed to, `gateway.lock`.
//! * [`signature`]: who signed it; `signed` is where that is found.
//! * [`trust`]: a plugin of `gateway.yaml`, held against all of these.
//! * [`manifest`]: what a plugin says about itself, `plugin.yaml`.
//! * [`build`]: from a folder of sources to a component, with the language's own tool.
//! * [`embedded`]: what the gateway carries for that: the WIT and the SDKs.
//! * [`template`]: what a new plugin begins with.

pub mod build;
pub mod digest;
pub mod embedded;
pub mod error;
pub mod file;
pub mod https;
pub mod lockfile;
pub mod manifest;
pub mod oci;
pub mod reference;
pub mod signature;
mod signed;
pub mod template;
pub mod trust;

use bytes::Bytes;

pub use self::{
    digest::Digest,
    error::PackageError,
    https::Downloads,
    reference::Reference,
    trust::{Configured, Trust},
};

/// The largest component that is read, in bytes: several times what a language runtime inside of one takes.
pub const MAX_SIZE: u64 = 128 << 20;

/// The digest that a component has to have, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The digest.
    pub digest: Digest,
    /// The digest of the registry's manifest that it stands in, where that is known.
    pub manifest: Option<Digest>,
    /// Where that is written: `plugins.fetch.sha256`, `--sha256`.
    pub written: String,
    /// Whether that is the lock file.
    pub is_locked: bool,
}

/// A component, and what is known of where it was found.
#[derive(Debug, Clone)]
pub struct Retrieved {
    /// The component.
    pub bytes: Bytes,
    /// The digest of the registry's manifest; none where it was kept, or comes from elsewhere.
    pub manifest: Option<Digest>,
}

/// Is told how far a download is: bytes so far, and bytes in all where that is known.
pub type Watch<'a> = &'a (dyn Fn(u64, Option<u64>) + Send + Sync);

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
) -> Result<Retrieved, PackageError> {
    if reference.is_remote()
        && let Some(kept) = pin.and_then(|pin| downloads.get(pin.digest))
    {
        return Ok(Retrieved { bytes: kept.into(), manifest: None });
    }
    let (bytes, manifest) = match reference {
        Reference::Local(path) => (file::read(&file::component(path)?).await?, None),
        Reference::Web(url) => (https::download(url, watch).await?, None),
        Reference::Oci(image) => {
            // A tag may lead elsewhere by now; a manifest stays what it is.
            let pinned = pin.and_then(|pin| pin.manifest).map(|manifest| image.at(manifest));
            let pulled = oci::pull(pinned.as_ref().unwrap_or(image), downloads, watch).await?;
            (pulled.component, Some(pulled.manifest))
        }
    };
    let found = Digest::of(&bytes);
    if let Some(pin) = pin.filter(|pin| pin.digest != found) {
        return Err(PackageError::Changed { reference: reference.to_string(), pin: Box::new(pin.clone()), found });
    }
    if reference.is_remote() {
        downloads.keep(found, &bytes);
    }
    Ok(Retrieved { bytes: bytes.into(), manifest })
}
