//! What a plugin is held against before it is used: its pin, the lock file, and who has to have signed it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use gateway_core::{
    error::{Failure, FailureKind},
    name::SourceName,
    source::Fut,
};
use gateway_wasm::{
    PluginConfig, inspect,
    package::{Listed, Package, Stamp},
};

use super::{
    Digest, Downloads, PackageError, Pin, Reference, Retrieved, Watch, file,
    lockfile::{Difference, Entry, Lock, beside},
    retrieve,
    signature::{SignatureError, Signer},
    signed,
};

/// What the plugins of one configuration are held against. Copies share what was read.
#[derive(Debug, Clone)]
pub struct Trust {
    lock: Lock,
    folder: PathBuf,
    signers: Arc<[Signer]>,
}

/// A plugin as `gateway.yaml` names it. Nothing is looked at before the engine loads it.
#[derive(Debug, Clone)]
pub struct Configured {
    /// The plugin's name.
    pub plugin: SourceName,
    /// What `gateway.yaml` says of it.
    pub config: PluginConfig,
    /// The folder that relative paths start at.
    pub folder: PathBuf,
    /// Where downloads are kept.
    pub downloads: Downloads,
    /// What it is held against.
    pub trust: Trust,
}

/// A component that is the one that was agreed to.
#[derive(Debug)]
pub struct Verified {
    /// The component.
    pub bytes: Bytes,
    /// Who signed it, where somebody has to.
    pub signer: Option<String>,
}

// === impl Trust ===

impl Trust {
    /// What the configuration `file` and its lock file say, with these `signers`.
    #[must_use]
    pub fn new(file: &Path, signers: Vec<Signer>) -> Self {
        let lock = beside(file);
        let folder = lock.parent().map(Path::to_owned).unwrap_or_default();
        Self { lock: Lock::new(lock), folder, signers: signers.into() }
    }

    /// The lock file.
    #[must_use]
    pub fn lock(&self) -> &Lock {
        &self.lock
    }

    /// The configuration's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Who signed what `reference` led to; `None` where nobody has to.
    ///
    /// # Errors
    /// Why it does not count as signed.
    pub async fn signer(
        &self,
        config: &PluginConfig,
        reference: &Reference,
        found: &Retrieved,
        downloads: &Downloads,
    ) -> Result<Option<String>, PackageError> {
        if config.signed_by.is_empty() {
            return Ok(None);
        }
        let mut required = Vec::new();
        for name in &config.signed_by {
            let signer = self.signers.iter().find(|signer| signer.name == *name);
            required.push(signer.ok_or_else(|| SignatureError::Unknown { signer: name.clone() })?);
        }
        let signer = signed::check(reference, found.manifest, &found.bytes, &required, downloads).await?;
        Ok(Some(signer.name.clone()))
    }
}

// === impl Configured ===

impl Configured {
    /// The component, once it has been found to be the one that was agreed to.
    ///
    /// # Errors
    /// See [`PackageError`]; plugins from the web have to be pinned here.
    pub async fn retrieve(&self, watch: Watch<'_>) -> Result<Verified, PackageError> {
        let reference = Reference::parse(&self.config.source, &self.folder)?;
        let entry = self.trust.lock.entry(self.plugin.as_str())?;
        if let Some(entry) = &entry {
            self.agreed(entry.differences_in_config(&self.config, &self.trust.folder))?;
        }
        let pin = self.pin(entry.as_ref())?;
        let is_named = matches!(&reference, Reference::Oci(image) if image.digest.is_some());
        if pin.is_none() && reference.is_remote() && !is_named {
            return Err(PackageError::Unpinned { reference: reference.to_string(), plugin: self.plugin.clone() });
        }
        let found = retrieve(&reference, pin.as_ref(), &self.downloads, watch).await?;
        if let Some(entry) = &entry
            // What is no plugin is told with better words where it is compiled.
            && let Ok(component) = inspect::component(&found.bytes)
        {
            self.agreed(entry.differences_in_component(&found.bytes, &component.speaks()))?;
        }
        // The lock file knows the manifest of what was pinned, where a tag may have moved on.
        let manifest = found.manifest.or(entry.as_ref().and_then(|entry| entry.manifest));
        let found = Retrieved { manifest, ..found };
        let signer = self.trust.signer(&self.config, &reference, &found, &self.downloads).await?;
        if let Some(was) = entry.and_then(|entry| entry.signer)
            && signer.as_ref() != Some(&was)
        {
            self.agreed(vec![Difference { place: "signer".to_owned(), was: Some(was), is: signer.clone() }])?;
        }
        Ok(Verified { bytes: found.bytes, signer })
    }

    /// Its `sha256`, else what the lock file has. A file is held against that as a whole, which says more.
    fn pin(&self, entry: Option<&Entry>) -> Result<Option<Pin>, PackageError> {
        let manifest = entry.and_then(|entry| entry.manifest);
        if let Some(text) = &self.config.sha256 {
            let written = format!("plugins.{}.sha256", self.plugin);
            return match text.parse::<Digest>() {
                Ok(digest) => Ok(Some(Pin { digest, manifest, written, is_locked: false })),
                Err(source) => Err(PackageError::NoDigest { written, source }),
            };
        }
        let is_remote = self.config.source.contains("://");
        let digest = entry.and_then(|entry| entry.sha256).filter(|_| is_remote);
        Ok(digest.map(|digest| Pin { digest, manifest, written: self.lock_name(), is_locked: true }))
    }

    fn agreed(&self, differences: Vec<Difference>) -> Result<(), PackageError> {
        match differences.is_empty() {
            true => Ok(()),
            false => Err(PackageError::Differs { file: self.lock_name(), plugin: self.plugin.clone(), differences }),
        }
    }

    fn lock_name(&self) -> String {
        self.trust.lock.file().file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn failure(&self, error: &PackageError) -> Failure {
        let message = format!("plugin {:?}: {}", self.plugin.as_str(), error.sentence());
        let failure = Failure::new(FailureKind::Unavailable, message);
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl Package for Configured {
    fn load(&self) -> Fut<'_, Result<Bytes, Failure>> {
        Box::pin(async {
            let verified = self.retrieve(&|_, _| ()).await;
            verified.map(|verified| verified.bytes).map_err(|error| self.failure(&error))
        })
    }

    fn stamp(&self) -> Option<Stamp> {
        // Whether a signature counts is looked at each time: keys expire.
        if !self.config.signed_by.is_empty() {
            return None;
        }
        let reference = Reference::parse(&self.config.source, &self.folder).ok()?;
        let entry = self.trust.lock.entry(self.plugin.as_str()).ok()?;
        let path = match (&reference, self.pin(entry.as_ref()).ok()?) {
            (Reference::Local(path), _) => file::component(path).ok()?,
            (_, Some(pin)) => self.downloads.path(pin.digest),
            (_, None) => return None,
        };
        // All that the component is held against: with anything else it is looked at again.
        Stamp::of(&path, &format!("{:?} {entry:?} {}", self.config, self.trust.folder.display()))
    }

    fn accept(&self, listed: &Listed<'_>) -> Result<(), Failure> {
        let entry = self.trust.lock.entry(self.plugin.as_str());
        let checked = entry.map_err(PackageError::from).and_then(|entry| match entry {
            Some(entry) => self.agreed(entry.differences_in_tools(listed.tools)),
            None => Ok(()),
        });
        checked.map_err(|error| self.failure(&error))
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
            config: PluginConfig { sha256, ..PluginConfig::from_source(source) },
            folder: folder.path().to_owned(),
            downloads: Downloads::new(folder.path().join("downloads")),
            trust: Trust::new(&folder.path().join("gateway.yaml"), Vec::new()),
        };
        (folder, configured)
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
        assert!(
            hint.contains("plugin update") && hint.ends_with(&format!("write plugins.a.sha256: {right}")),
            "{hint}"
        );
    }

    #[tokio::test]
    async fn what_comes_from_the_web_is_pinned() {
        for source in ["https://example.invalid/a.wasm?token=hunter2", "oci://example.invalid/a:1"] {
            let (_folder, configured) = plugin(source, None);
            let failure = configured.load().await.unwrap_err();
            assert!(failure.hint.as_ref().unwrap().contains("plugins.a.sha256"), "{failure:?}");
            assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
        }
    }

    #[tokio::test]
    async fn what_was_kept_is_not_downloaded() {
        let digest = Digest::of(b"kept");
        for source in ["https://example.invalid/a.wasm", "oci://example.invalid/a:1"] {
            let (_folder, configured) = plugin(source, Some(digest.to_string()));
            configured.downloads.keep(digest, b"kept");
            assert_eq!(configured.load().await.unwrap(), "kept");
        }
    }

    #[tokio::test]
    async fn a_lock_file_that_cannot_be_read_stops_the_plugin() {
        let (folder, configured) = plugin("./a.wasm", None);
        std::fs::write(folder.path().join("gateway.lock"), "version: 1\nplugins: [").unwrap();
        let failure = configured.load().await.unwrap_err();
        assert!(failure.message.contains("gateway.lock: it is damaged"), "{failure}");
        assert!(configured.accept(&Listed { tools: &[] }).is_err());
        std::fs::write(folder.path().join("gateway.lock"), "version: 1\nplugins: {}\n").unwrap();
        assert!(configured.load().await.is_ok());
    }
}
