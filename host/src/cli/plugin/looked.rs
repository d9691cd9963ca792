//! A plugin of the configuration, looked at as it is now: for the commands that agree to it.

use std::sync::Arc;

use gateway_core::{name::SourceName, payload::Json};
use gateway_wasm::{Inspection, Limits, PluginConfig, PluginEngine, PluginSettings, config::Manifest};

use super::{add::manifest_of, build, examine, unavailable, with_hint};
use crate::{
    cli::{Global, progress::Progress},
    folders::Folders,
    packages::{
        self, Downloads, PackageError, Pin, Reference, Retrieved, Trust,
        lockfile::{Entry, LockError},
        retrieve,
    },
};

/// Looks at plugins.
pub(in crate::cli) struct Looker {
    engine: Arc<PluginEngine>,
    folders: Folders,
    downloads: Downloads,
    progress: Arc<Progress>,
    quiet: bool,
}

/// What was seen.
pub(in crate::cli) struct Looked {
    /// What the lock file would say of it.
    pub entry: Entry,
    /// What it asks for.
    pub manifest: Manifest,
}

impl Looker {
    pub(in crate::cli) fn new(global: &Global) -> anyhow::Result<Self> {
        let (folders, progress) = (Folders::discover()?, Arc::new(Progress::idle()));
        let engine = examine::engine(&folders, &progress);
        let downloads = Downloads::new(folders.packages.clone());
        Ok(Self { engine, folders, downloads, progress, quiet: global.quiet })
    }

    /// Takes the line away that says what takes long.
    pub(in crate::cli) fn finish(&self) {
        self.progress.finish();
    }

    /// Builds the plugin in a folder where its sources are newer.
    ///
    /// # Errors
    /// Where that fails.
    pub(in crate::cli) async fn build(&self, config: &PluginConfig, trust: &Trust) -> anyhow::Result<()> {
        let reference = reference(config, trust)?;
        if let Reference::Local(path) = &reference
            && path.is_dir()
            && packages::build::is_stale(path).map_err(|error| unavailable(error.into()))?
        {
            build::run(path, &self.folders, &self.engine, &self.progress, self.quiet).await?;
        }
        Ok(())
    }

    /// Looks at a plugin: at the one that `pin` names, or at what its source gives now.
    ///
    /// # Errors
    /// Where it cannot be had, is no plugin, or does not count as signed.
    pub(in crate::cli) async fn look(
        &self,
        trust: &Trust,
        name: &SourceName,
        config: &PluginConfig,
        pin: Option<&Pin>,
    ) -> anyhow::Result<Looked> {
        let failed = |error: PackageError| {
            let hint = error.hint();
            with_hint(anyhow::anyhow!("plugin {:?}: {}", name.as_str(), error.sentence()), hint)
        };
        let reference = reference(config, trust)?;
        if reference.is_remote() {
            self.progress.say(&format!("looking at {reference}"));
        }
        let watch = |done: u64, total: Option<u64>| self.progress.bytes(done, total);
        let found = retrieve(&reference, pin, &self.downloads, &watch).await.map_err(failed)?;
        let found = Retrieved { manifest: found.manifest.or(pin.and_then(|pin| pin.manifest)), ..found };
        let component = examine::component(&found.bytes, &reference.to_string())?;
        let manifest = manifest_of(&reference, &component)?;
        let signer = trust.signer(config, &reference, &found, &self.downloads).await.map_err(failed)?;
        let settings = PluginSettings {
            limits: Limits::new(&config.limits),
            config: Json::from_value(&config.config),
            ..PluginSettings::default()
        };
        let inspection: Inspection = examine::run(&self.engine, name, found.bytes.clone(), settings).await?;
        let entry = examine::entry(config, trust, &found, &manifest, &inspection, signer.as_deref());
        Ok(Looked { entry, manifest })
    }
}

impl Looked {
    /// The entry as it takes the place of `old`: what is built again and again stays without a digest.
    pub(in crate::cli) fn entry_after(&self, old: Option<&Entry>) -> Entry {
        let built_again = old.is_some_and(|old| old.sha256.is_none());
        Entry { sha256: self.entry.sha256.filter(|_| !built_again), ..self.entry.clone() }
    }
}

/// What the lock file says of a plugin, where that can be read; what cannot is agreed to anew.
///
/// # Errors
/// Where the whole file cannot be read.
pub(in crate::cli) fn locked(trust: &Trust, name: &SourceName) -> anyhow::Result<Option<Entry>> {
    match trust.lock().entry(name.as_str()) {
        Ok(entry) => Ok(entry),
        Err(LockError::Entry { .. }) => Ok(None),
        Err(error) => Err(unavailable(error.into())),
    }
}

/// What a plugin has to be: what `gateway.yaml` says, or for one from elsewhere what was agreed to, while its source is
/// the same.
///
/// # Errors
/// Where `sha256` is none.
pub(in crate::cli) fn pin(
    trust: &Trust,
    name: &SourceName,
    config: &PluginConfig,
    old: Option<&Entry>,
) -> anyhow::Result<Option<Pin>> {
    let moved = |old: &&Entry| {
        old.differences_in_config(config, trust.folder()).iter().all(|difference| difference.place != "source")
    };
    let old = old.filter(moved);
    let manifest = old.and_then(|old| old.manifest);
    let written = format!("plugins.{name}.sha256");
    if let Some(text) = &config.sha256 {
        return match text.parse() {
            Ok(digest) => Ok(Some(Pin { digest, manifest, written, is_locked: false })),
            Err(source) => Err(unavailable(PackageError::NoDigest { written, source })),
        };
    }
    let digest = old.and_then(|old| old.sha256).filter(|_| config.source.contains("://"));
    let written = trust.lock().file().display().to_string();
    Ok(digest.map(|digest| Pin { digest, manifest, written, is_locked: true }))
}

fn reference(config: &PluginConfig, trust: &Trust) -> anyhow::Result<Reference> {
    Reference::parse(&config.source, trust.folder()).map_err(|error| unavailable(error.into()))
}
