//! A file of tokens: of this user alone, written all or nothing, renewed by one gateway at a time.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rmcp::transport::auth::{AuthError, CredentialRefreshGuard, CredentialStore, StoredCredentials};

/// The file of one server.
#[derive(Debug, Clone)]
pub(super) struct Store {
    path: PathBuf,
}

impl Store {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// What is in it; `None` where there is none.
    pub(super) async fn text(&self) -> Option<Vec<u8>> {
        self.read().await.ok().flatten()
    }

    async fn read(&self) -> io::Result<Option<Vec<u8>>> {
        match tokio::fs::read(&self.path).await {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Runs what blocks, on the file.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, AuthError> {
        let path = self.path.clone();
        let done = tokio::task::spawn_blocking(move || work(&path).map_err(|error| failed(&path, &error))).await;
        done.unwrap_or_else(|error| Err(AuthError::CredentialStoreError(error.to_string())))
    }
}

#[async_trait::async_trait]
impl CredentialStore for Store {
    async fn load(&self) -> Result<Option<StoredCredentials>, AuthError> {
        let text = self.read().await.map_err(|error| failed(&self.path, &error))?;
        // A file that cannot be understood is as good as none: whoever logs in writes it anew.
        Ok(text.and_then(|text| serde_json::from_slice(&text).ok()))
    }

    async fn save(&self, credentials: StoredCredentials) -> Result<(), AuthError> {
        let text = serde_json::to_vec(&credentials).map_err(|error| failed(&self.path, &error.into()))?;
        self.blocking(move |path| {
            // A temporary file is readable by this user alone, and stays so.
            let mut file = tempfile::NamedTempFile::new_in(folder(path)?)?;
            file.write_all(&text)?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            Ok(())
        })
        .await
    }

    async fn clear(&self) -> Result<(), AuthError> {
        self.blocking(|path| match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
        .await
    }

    async fn on_refresh_token_rejected(&self, _: &StoredCredentials) -> Result<(), AuthError> {
        self.clear().await
    }

    async fn acquire_refresh_guard(&self) -> Result<Option<CredentialRefreshGuard>, AuthError> {
        let lock = self.blocking(|path| {
            folder(path)?;
            let lock = path.with_extension("lock");
            let lock: File = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(lock)?;
            lock.lock()?;
            Ok(lock)
        });
        Ok(Some(CredentialRefreshGuard::new(lock.await?)))
    }
}

/// The folder of the file, made where it is missing.
fn folder(path: &Path) -> io::Result<&Path> {
    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    Ok(folder)
}

fn failed(path: &Path, error: &io::Error) -> AuthError {
    AuthError::CredentialStoreError(format!("{}: {error}", path.display()))
}
