//! A plugin that somebody names on the command line: one of the configuration, or what a reference leads to.

use std::path::Path;

use bytes::Bytes;
use gateway_core::name::SourceName;
use gateway_wasm::{PluginConfig, config::LimitsConfig};

use super::{place::configured, unavailable};
use crate::{
    cli::{
        Global, Usage,
        open::{self, Logging},
        progress::Progress,
    },
    folders::Folders,
    packages::{Configured, Downloads, Reference, Trust, retrieve},
    telemetry,
};

/// A plugin's bytes and where they come from.
pub(super) struct Found {
    /// The name in the configuration, else the one that the reference suggests.
    pub name: SourceName,
    /// Where it comes from.
    pub reference: Reference,
    /// The component.
    pub bytes: Bytes,
    /// Who signed it, where that is asked for.
    pub signer: Option<String>,
    /// What the configuration says of it, if it stands there.
    pub config: Option<PluginConfig>,
    /// What no plugin may use more than.
    pub caps: LimitsConfig,
}

/// The plugin of that name in the configuration, else what the reference leads to.
///
/// # Errors
/// Why there is none.
pub(super) async fn find(
    plugin: &str,
    global: &Global,
    folders: &Folders,
    progress: &Progress,
) -> anyhow::Result<Found> {
    let downloads = Downloads::new(folders.packages.clone());
    let watch = |done: u64, total: Option<u64>| progress.bytes(done, total);
    if let Some((name, config, caps, trust)) = in_configuration(plugin, global)? {
        let folder = trust.folder().to_owned();
        let reference = Reference::parse(&config.source, &folder).map_err(|error| unavailable(error.into()))?;
        let package = Configured { plugin: name.clone(), config: config.clone(), folder, downloads, trust };
        let verified = package.retrieve(&watch).await.map_err(unavailable)?;
        return Ok(Found {
            name,
            reference,
            bytes: verified.bytes,
            signer: verified.signer,
            config: Some(config),
            caps,
        });
    }
    telemetry::start(global.level().unwrap_or("warn"));
    let reference = Reference::parse(plugin, Path::new("")).map_err(|error| unavailable(error.into()))?;
    if reference.is_remote() {
        progress.say(&format!("downloading {reference}"));
    }
    let bytes = retrieve(&reference, None, &downloads, &watch).await.map_err(unavailable)?.bytes;
    let name = reference.stem().and_then(|stem| SourceName::new(&stem).ok());
    let name = name.map_or_else(|| SourceName::new("plugin"), Ok)?;
    Ok(Found { name, reference, bytes, signer: None, config: None, caps: LimitsConfig::default() })
}

/// The plugin of that name in the configuration, and what it is held against. `None`: it is a reference, which is looked
/// at also where there is no configuration, or a broken one.
fn in_configuration(
    plugin: &str,
    global: &Global,
) -> anyhow::Result<Option<(SourceName, PluginConfig, LimitsConfig, Trust)>> {
    let Ok(name) = SourceName::new(plugin) else { return Ok(None) };
    let is_reference = Path::new(plugin).exists();
    let (file, loaded) = match open::load(global, Logging::Quiet) {
        Err(_) if is_reference => return Ok(None),
        loaded => loaded?,
    };
    if let Some(config) = configured(&loaded.config, &name).cloned() {
        return Ok(Some((name, config, loaded.config.plugin_limits.clone(), loaded.config.trust(&file))));
    }
    if is_reference {
        return Ok(None);
    }
    let broken = loaded.broken.into_iter().find(|entry| entry.name == name);
    let (reason, hint) = match broken {
        Some(entry) => (entry.reason, entry.hint),
        None => {
            let reason = format!("{}: there is no plugin {name:?}, and no such file or folder", file.display());
            (reason, Some("`gateway plugin list` shows those that there are".to_owned()))
        }
    };
    let usage = Usage::new(reason);
    Err(match hint {
        Some(hint) => usage.hint(hint),
        None => usage,
    }
    .into())
}
