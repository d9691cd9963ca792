//! A file of tokens: of this user alone, written all or nothing, renewed by one gateway at a time.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rmcp::transport::auth::{AuthError, CredentialRefreshGuard, CredentialStore, StoredCredentials};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where [`Extras`] stand in the file.
const EXTRAS: &str = "gateway";

/// The file of one server.
#[derive(Clone)]
pub(super) struct Store {
    path: PathBuf,
    /// What to write beside the tokens; `None`: what is there stays.
    extras: Option<Extras>,
}

/// What is kept beside the tokens.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Extras {
    /// The secret that came with the client's registration.
    pub(super) client_secret: Option<String>,
    /// What the server said to who was not logged in: it may be all that tells where its metadata is.
    pub(super) challenge: Option<String>,
    /// The scopes that a call has lacked since.
    pub(super) lacking: Vec<String>,
}

impl Store {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, extras: None }
    }

    /// Writes these beside the tokens.
    pub(super) fn with(self, extras: Extras) -> Self {
        Self { extras: Some(extras), ..self }
    }

    /// What is kept beside the tokens.
    pub(super) async fn extras(&self) -> Extras {
        self.text().await.map(|text| extras(&text)).unwrap_or_default()
    }

    /// Notes what a call lacked, for the next login. Without a login there is nothing to note.
    pub(super) async fn note(&self, scopes: Vec<String>) -> Result<(), AuthError> {
        self.blocking(move |path| {
            let _lock = lock(path)?;
            let text = match fs::read(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                text => text?,
            };
            let mut extras = extras(&text);
            let known = extras.lacking.len();
            for scope in scopes {
                if !extras.lacking.contains(&scope) {
                    extras.lacking.push(scope);
                }
            }
            if extras.lacking.len() == known {
                return Ok(());
            }
            write(path, serde_json::from_slice(&text)?, &extras)
        })
        .await
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
        let tokens = serde_json::to_value(&credentials).map_err(|error| failed(&self.path, &error.into()))?;
        let ours = self.extras.clone();
        self.blocking(move |path| {
            let kept = || fs::read(path).map(|text| extras(&text)).unwrap_or_default();
            write(path, tokens, &ours.unwrap_or_else(kept))
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
        Ok(Some(CredentialRefreshGuard::new(self.blocking(lock).await?)))
    }
}

fn extras(text: &[u8]) -> Extras {
    let file = serde_json::from_slice::<Value>(text).ok();
    file.and_then(|mut file| serde_json::from_value(file.get_mut(EXTRAS)?.take()).ok()).unwrap_or_default()
}

fn write(path: &Path, mut tokens: Value, extras: &Extras) -> io::Result<()> {
    if let Some(members) = tokens.as_object_mut() {
        members.insert(EXTRAS.to_owned(), serde_json::to_value(extras)?);
    }
    // A temporary file is readable by this user alone, and stays so.
    let mut file = tempfile::NamedTempFile::new_in(folder(path)?)?;
    file.write_all(&serde_json::to_vec(&tokens)?)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Waits until nobody else writes.
fn lock(path: &Path) -> io::Result<File> {
    folder(path)?;
    let lock = path.with_extension("lock");
    let lock: File = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(lock)?;
    lock.lock()?;
    Ok(lock)
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
