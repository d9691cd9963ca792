//! Where a plugin's component comes from.

use std::path::PathBuf;

use bytes::Bytes;
use gateway_core::{
    error::{Failure, FailureKind},
    payload::Json,
    source::Fut,
};

pub use crate::cache::Stamp;

/// A component somewhere: a file, a download.
pub trait Package: Send + Sync + 'static {
    /// The component, checked against its pinned digest where there is one. Asked for whenever the plugin is loaded;
    /// what is far away is kept near by the package.
    ///
    /// # Errors
    /// Why it cannot be had, with a hint.
    fn load(&self) -> Fut<'_, Result<Bytes, Failure>>;

    /// What tells that [`load`](Self::load) would give the same bytes as when it told the same: nothing is read then.
    /// `None`: that cannot be told. Must not wait for long.
    fn stamp(&self) -> Option<Stamp> {
        None
    }

    /// Whether what the component listed is what was agreed to. Asked after each [`load`](Self::load), also where its
    /// [`stamp`](Self::stamp) spared that, and before anybody sees or calls one of its tools: an error keeps them from
    /// being offered. Must not wait for long.
    ///
    /// # Errors
    /// What is different, with how it is accepted.
    fn accept(&self, _listed: &Listed<'_>) -> Result<(), Failure> {
        Ok(())
    }
}

/// What a component says that it offers.
#[derive(Debug, Clone, Copy)]
pub struct Listed<'a> {
    /// The definitions of its tools, as `tools/list` shows them.
    pub tools: &'a [Json],
}

/// A `.wasm` file.
#[derive(Debug, Clone)]
pub struct WasmFile(pub PathBuf);

impl Package for WasmFile {
    fn load(&self) -> Fut<'_, Result<Bytes, Failure>> {
        Box::pin(async {
            tokio::fs::read(&self.0).await.map(Bytes::from).map_err(|error| {
                let message = format!("{} cannot be read: {error}", self.0.display());
                Failure::new(FailureKind::Unavailable, message)
            })
        })
    }

    fn stamp(&self) -> Option<Stamp> {
        Stamp::of(&self.0, "")
    }
}

/// A component that is at hand.
impl Package for Bytes {
    fn load(&self) -> Fut<'_, Result<Bytes, Failure>> {
        Box::pin(async { Ok(self.clone()) })
    }
}
