//! What a plugin's component is, for people.

use std::sync::Arc;

use super::{Loader, Plugin};
use crate::{cache::Digest, config::Manifest, inspect};

/// What a plugin's component is.
#[derive(Debug, Clone)]
pub struct About {
    /// SHA-256 of the component, in hexadecimal.
    pub sha256: String,
    /// Its bytes.
    pub size: usize,
    /// What it says about itself; `None`: nothing.
    pub manifest: Option<Manifest>,
}

impl Plugin {
    /// What its component is; `None` while that is not known. Reads the component where it was not read before.
    pub async fn about(&self) -> Option<Arc<About>> {
        self.loader.about().await
    }
}

impl Loader {
    async fn about(&self) -> Option<Arc<About>> {
        let digest = self.known.load().as_ref()?.0;
        if let Some(told) = self.told.load_full().filter(|told| told.0 == digest) {
            return Some(told.1.clone());
        }
        let bytes = self.package.load().await.ok()?;
        let about = tokio::task::spawn_blocking(move || {
            let manifest = inspect::manifest(&bytes).ok()?;
            let about = About { sha256: Digest::of(&bytes).to_string(), size: bytes.len(), manifest };
            Some((Digest::of(&bytes), Arc::new(about)))
        });
        // Another component than the one whose tools are known is told of once its own are.
        let (found, about) = about.await.ok().flatten().filter(|(found, _)| *found == digest)?;
        self.told.store(Some(Arc::new((found, about.clone()))));
        Some(about)
    }
}
