//! Where a plugin's component comes from.

use std::path::PathBuf;

use bytes::Bytes;
use gateway_core::{
    error::{Failure, FailureKind},
    source::Fut,
};

/// A component somewhere: a file, a download.
pub trait Package: Send + Sync + 'static {
    /// The component, checked against its pinned digest where there is one. Asked for whenever the plugin is loaded;
    /// what is far away is kept near by the package.
    ///
    /// # Errors
    /// Why it cannot be had, with a hint.
    fn load(&self) -> Fut<'_, Result<Bytes, Failure>>;
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
}

/// A component that is at hand.
impl Package for Bytes {
    fn load(&self) -> Fut<'_, Result<Bytes, Failure>> {
        Box::pin(async { Ok(self.clone()) })
    }
}
