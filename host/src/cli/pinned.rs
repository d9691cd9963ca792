//! External servers, looked at as they are now: for the commands that agree to their tools.

use std::{path::Path, sync::Arc};

use futures_util::stream::{self, StreamExt as _};
use gateway_core::{
    error::CallError,
    name::SourceName,
    source::{Client, Nobody, Source},
};

use super::{
    Hint,
    open::{build_unpinned, observer},
    plugin::cannot_lock,
    progress::Progress,
};
use crate::{
    app::App,
    config::Config,
    packages::lockfile::{Lock, LockError, ServerEntry},
};

/// Servers that are started at the same time.
const AT_ONCE: usize = 4;

/// The servers of a configuration, with what was registered since.
pub(super) struct Servers {
    app: App,
    progress: Arc<Progress>,
}

impl Servers {
    /// Starts nothing.
    ///
    /// # Errors
    /// Where the configuration cannot be used.
    pub(super) fn open(file: &Path) -> anyhow::Result<Self> {
        // What it warns of was shown already.
        let loaded = Config::load(file)?;
        // Which role it is makes no difference: nothing is asked in its name.
        let role = loaded.config.roles.names().next().cloned();
        let progress = Arc::new(Progress::idle());
        let app = build_unpinned(file, loaded, role.as_deref(), &observer(&progress))?;
        Ok(Self { app, progress })
    }

    /// Those that are switched on and can be used.
    pub(super) fn names(&self) -> Vec<SourceName> {
        let all = self.app.gateway().sources();
        all.iter().filter(|source| source.status().kind == "server").map(|source| source.name().clone()).collect()
    }

    /// Whether there is one of that name, be it disabled or broken.
    pub(super) fn is_there(&self, name: &str) -> bool {
        let desired = self.app.desired();
        let is_broken = desired.broken.iter().any(|entry| entry.section == "servers" && entry.name.as_str() == name);
        is_broken || desired.config.servers.names().any(|known| known.as_str() == name)
    }

    /// Starts those of these names.
    pub(super) async fn look(&self, names: &[SourceName]) -> Vec<(SourceName, anyhow::Result<ServerEntry>)> {
        let look = |name: SourceName| async {
            let looked = match self.app.gateway().source(name.as_str()) {
                Some(source) => look(&source).await,
                None => Err(anyhow::anyhow!("server {:?} is not there any more", name.as_str())),
            };
            (name, looked)
        };
        stream::iter(names.iter().cloned()).map(look).buffered(AT_ONCE).collect().await
    }

    /// Ends what was started.
    pub(super) async fn stop(self) {
        self.progress.finish();
        self.app.stop().await;
    }
}

async fn look(source: &Arc<dyn Source>) -> anyhow::Result<ServerEntry> {
    let nobody: Arc<dyn Client> = Arc::new(Nobody);
    source.learn(&nobody).await.map_err(|error| match error {
        CallError::Failed(failure) => {
            let error = anyhow::anyhow!("{}", failure.message);
            match failure.hint {
                Some(hint) => error.context(Hint(hint.into())),
                None => error,
            }
        }
        error => error.into(),
    })?;
    let offer = source.offer(nobody.abilities());
    Ok(ServerEntry::new(offer.tools.iter().flatten().map(|tool| &tool.definition)))
}

/// What the lock file says of a server, where that can be read; what cannot is agreed to anew.
///
/// # Errors
/// Where the whole file cannot be read.
pub(super) fn locked(lock: &Lock, name: &SourceName) -> anyhow::Result<Option<ServerEntry>> {
    match lock.server(name.as_str()) {
        Ok(entry) => Ok(entry),
        Err(LockError::Entry { .. }) => Ok(None),
        Err(error) => Err(cannot_lock(error)),
    }
}
