//! What a component says about itself, and what it does when it is asked for its tools.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use gateway_core::name::SourceName;
use gateway_wasm::{
    EngineOptions, Inspection, Observer, PluginConfig, PluginEngine, PluginSettings,
    config::Manifest,
    inspect::{self, Component},
};

use super::{broken, with_hint};
use crate::{
    cli::progress::Progress,
    folders::Folders,
    packages::{
        Retrieved, Trust,
        lockfile::{Entry, Facts},
    },
};

/// The engine with the cache that the gateway uses, so that what is learnt here is known there.
#[must_use]
pub(super) fn engine(folders: &Folders, progress: &Arc<Progress>) -> Arc<PluginEngine> {
    let observer: Arc<dyn Observer> = Arc::new(Compiling(progress.clone()));
    Arc::new(PluginEngine::new(EngineOptions {
        cache_dir: Some(folders.compiled.clone()),
        observer: Some(observer),
        ..EngineOptions::default()
    }))
}

/// Shows that a component is being compiled.
struct Compiling(Arc<Progress>);

impl Observer for Compiling {
    fn compiling(&self, plugin: &SourceName, bytes: usize) {
        self.0.say(&format!("compiling plugin {plugin} ({} KiB)", bytes.div_ceil(1024)));
    }

    fn compiled(&self, plugin: &SourceName, _took: Duration) {
        self.0.say(&format!("asking plugin {plugin} for its tools"));
    }
}

/// What `bytes` say without being run.
///
/// # Errors
/// Why `what` is no plugin.
pub(super) fn component(bytes: &[u8], what: &str) -> anyhow::Result<Component> {
    inspect::component(bytes).map_err(|error| {
        let hint = error.hint().to_owned();
        with_hint(anyhow::anyhow!("{what} is no plugin: {error}"), Some(hint))
    })
}

/// What the component carries of its `plugin.yaml`; `None` where it carries none.
///
/// # Errors
/// Where this gateway does not understand it: it might ask for something that nobody would be shown.
pub(super) fn manifest(component: &Component, what: &str) -> anyhow::Result<Option<Manifest>> {
    let Some(json) = &component.manifest else { return Ok(None) };
    json.to().map(Some).map_err(|error| {
        let hint = "build it again, or use the gateway that it was built for".to_owned();
        with_hint(anyhow::anyhow!("{what}: what it says about itself is not understood: {error}"), Some(hint))
    })
}

/// What the lock file says of a plugin that was looked at.
#[must_use]
pub(in crate::cli) fn entry(
    config: &PluginConfig,
    trust: &Trust,
    found: &Retrieved,
    manifest: &Manifest,
    inspection: &Inspection,
    signer: Option<&str>,
) -> Entry {
    Entry::new(&Facts {
        source: &config.source,
        component: &found.bytes,
        manifest: found.manifest,
        signer,
        interface: &inspection.component.speaks(),
        imports: &inspection.component.imports,
        asks: &manifest.permissions,
        config,
        folder: trust.folder(),
        tools: &inspection.tools,
    })
}

/// Compiles the component and has it list its tools, with nothing granted. Both are remembered.
///
/// # Errors
/// Why it is no plugin.
pub(super) async fn run(
    engine: &Arc<PluginEngine>,
    name: &SourceName,
    bytes: Bytes,
    settings: PluginSettings,
) -> anyhow::Result<Inspection> {
    gateway_wasm::inspect(engine, name, bytes, settings).await.map_err(|failure| broken(&failure))
}
