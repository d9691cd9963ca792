//! The configuration and what was changed since are read again.

use gateway_core::name::SourceName;
use tracing::{error, info, warn};

use super::{Control, Held, desired, overlay::Overlay};
use crate::config::Config;

impl Control {
    /// Reads the configuration again and brings the gateway to it. One with mistakes changes nothing.
    pub async fn reload(&self) {
        let mut held = self.held.lock().await;
        if !self.in_memory {
            self.read_file(&mut held).await;
        }
        self.read_overlay(&mut held).await;
        self.bring(&mut held).await;
        if held.file_problem.is_none() {
            info!(sources = held.entries.len(), "the configuration counts as it is now");
        }
    }

    /// The same, where something else stands there by now than what counts: what changed before somebody watched.
    pub async fn catch_up(&self) {
        let text = match self.in_memory {
            true => None,
            false => tokio::fs::read_to_string(&self.file).await.ok(),
        };
        match text {
            Some(text) if *text != *self.held.lock().await.loaded.text => self.reload().await,
            _ => self.refresh().await,
        }
    }

    async fn read_file(&self, held: &mut Held) {
        let (file, optional) = (self.file.clone(), self.optional);
        let load = move || if optional { Config::load_or_empty(&file) } else { Config::load(&file) };
        let Ok(read) = tokio::task::spawn_blocking(load).await else { return };
        let mut loaded = match read {
            Ok(loaded) => loaded,
            Err(error) => {
                let problem = desired::file_problem(&error);
                error!("{problem}");
                held.file_problem = Some(problem);
                return;
            }
        };
        if let Some(adjust) = &self.adjust {
            adjust(&mut loaded);
        }
        for setting in held.loaded.config.fixed_since(&loaded.config) {
            warn!("`{setting}` has changed in {}: it counts from the next start on", self.file.display());
        }
        (held.loaded, held.file_problem) = (loaded, None);
        let stale = |name: &SourceName| !held.loaded.has_source(name);
        let Overlay { removed, disabled, .. } = &held.overlay.overlay;
        let stale: Vec<_> = removed.union(disabled).filter(|name| stale(name)).cloned().collect();
        if !stale.is_empty() {
            // What stands there no more was not removed while the gateway ran: one day it may be written again.
            self.forget(held, stale).await;
        }
    }

    /// Forgets that these were removed or switched off.
    async fn forget(&self, held: &mut Held, names: Vec<SourceName>) {
        let (overlay, known) = (self.overlay.clone(), held.overlay.overlay.clone());
        let forget = move |overlay: &mut Overlay| {
            for name in &names {
                let _ = (overlay.removed.remove(name), overlay.disabled.remove(name));
            }
            Ok::<_, std::io::Error>(())
        };
        match tokio::task::spawn_blocking(move || overlay.change(&known, forget)).await {
            Ok(Ok(read)) => held.overlay = read,
            Ok(Err(error)) => warn!("{}: {error}", self.overlay.path().display()),
            Err(error) => warn!("{error}"),
        }
    }

    /// Brings the gateway to what the overlay says now.
    pub async fn refresh(&self) {
        let mut held = self.held.lock().await;
        if self.read_overlay(&mut held).await {
            self.bring(&mut held).await;
        }
    }

    /// Whether it is another than before.
    async fn read_overlay(&self, held: &mut Held) -> bool {
        let (overlay, known) = (self.overlay.clone(), held.overlay.overlay.clone());
        match tokio::task::spawn_blocking(move || overlay.read(Some(&known))).await {
            Ok(read) if read != held.overlay => {
                held.overlay = read;
                true
            }
            _ => false,
        }
    }
}
