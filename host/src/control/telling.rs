//! What plugins are, for whoever looks at a running gateway.

use std::{path::PathBuf, sync::Arc};

use gateway_core::{
    manage::{Refused, RefusedKind},
    name::SourceName,
    source::Source as _,
};
use gateway_wasm::{
    Limits,
    config::{Manifest, PluginConfig},
    inspect,
    plugin::About,
};

use super::{Control, allowed};
use crate::packages::{Digest, Reference, retrieve};

/// What a plugin would be, before it is registered.
#[derive(Debug, Clone)]
pub struct Inspected {
    /// SHA-256 of the component, in hexadecimal.
    pub sha256: String,
    /// Its bytes.
    pub size: usize,
    /// What it says about itself; `None`: nothing.
    pub manifest: Option<Manifest>,
}

impl Control {
    /// What the component of that plugin is; `None` while that is not known.
    pub async fn about_plugin(&self, name: &SourceName) -> Option<Arc<About>> {
        let plugins = self.plugins().await;
        plugins.iter().find(|plugin| plugin.name() == name)?.about().await
    }

    /// How much a plugin with this configuration may use.
    #[must_use]
    pub fn limits_of(&self, plugin: &PluginConfig) -> Limits {
        Limits::new(&plugin.limits).capped(&self.desired().config.plugin_limits)
    }

    /// Looks at a plugin that somebody may want to register, without running it.
    ///
    /// # Errors
    /// Where the operator does not allow its source, or there is no plugin.
    pub async fn inspect(&self, source: &str) -> Result<Inspected, Refused> {
        let invalid = |message: String| Refused::new(RefusedKind::Invalid, message);
        let folder = self.file.parent().map(PathBuf::from).unwrap_or_default();
        // As it would be registered.
        let read = super::registering::plugin(&super::registering::seen_from(source.into(), &folder))?;
        allowed::plugin(&self.desired().config, &read.0)?;
        let reference = Reference::parse(&read.0.source, &folder).map_err(|error| invalid(error.to_string()))?;
        let found = retrieve(&reference, None, self.builder.downloads(), &|_, _| {}).await;
        let bytes = found.map_err(|error| invalid(error.sentence()))?.bytes;
        let looked = tokio::task::spawn_blocking(move || {
            let component = inspect::component(&bytes).map_err(|error| error.to_string())?;
            let manifest = component.manifest.as_ref().map(gateway_core::payload::Json::to::<Manifest>).transpose();
            let manifest = manifest.map_err(|error| format!("what it says about itself is not understood: {error}"))?;
            Ok::<_, String>(Inspected { sha256: Digest::of(&bytes).to_string(), size: bytes.len(), manifest })
        });
        match looked.await {
            Ok(Ok(inspected)) => Ok(inspected),
            Ok(Err(error)) => Err(invalid(format!("{source:?} is no plugin: {error}"))),
            Err(error) => Err(Refused::new(RefusedKind::Storage, error.to_string())),
        }
    }
}
