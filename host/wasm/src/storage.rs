//! `wasi:keyvalue`: what a plugin keeps from call to call, in a store of its own.
//!
//! The store is opened when it is first used, and never on a worker that runs guests: what waits for a disk or for another
//! process waits on a thread for that.

mod database;
#[cfg(test)]
mod tests;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use gateway_core::{name::SourceName, units::Size};
use wasmtime::component::Resource;
use wasmtime_wasi::WasiView as _;

use self::database::{Database, StoreError, Swap, Versioned};
use crate::{
    bindings::keyvalue::{
        atomics::{self, CasError},
        store::{self, Error, KeyResponse},
    },
    cache::Digest,
    guest::Guest,
    permissions::Denial,
};

/// What a call may hold of remembered states.
const REMEMBERED_BYTES: usize = 4 * 1024 * 1024;

/// The store of one plugin.
#[derive(Debug)]
pub(crate) struct Storage {
    file: PathBuf,
    quota: Size,
    database: Mutex<Option<Database>>,
}

/// An open bucket: the plugin's store.
#[derive(Debug)]
pub struct Bucket;

/// The remembered state of a key.
#[derive(Debug)]
pub struct Cas {
    key: String,
    state: Option<Versioned>,
}

/// Removes what the plugin `name` keeps below `folder`. Whether there was something.
///
/// # Errors
/// What the operating system says.
pub fn purge(folder: &Path, name: &SourceName) -> io::Result<bool> {
    let file = file(folder, name);
    let mut found = false;
    for extension in ["sqlite", "sqlite-wal", "sqlite-shm", "lock"] {
        match std::fs::remove_file(file.with_extension(extension)) {
            Ok(()) => found = true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// The file of a plugin. Its name has a digest, since not every file system tells upper case from lower case.
fn file(folder: &Path, plugin: &SourceName) -> PathBuf {
    let digest = Digest::of(plugin.as_str().as_bytes()).to_string();
    folder.join(format!("{plugin}-{}.sqlite", &digest[..8]))
}

impl Storage {
    /// The store of `plugin` below `folder`. Touches nothing yet.
    pub(crate) fn new(folder: &Path, plugin: &SourceName, quota: Size) -> Self {
        Self { file: file(folder, plugin), quota, database: Mutex::new(None) }
    }

    /// Does `work` with the open file. Blocks.
    fn with<T>(&self, work: impl FnOnce(&mut Database) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut open = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        let database = match open.as_mut() {
            Some(database) => database,
            None => open.insert(Database::open(&self.file, self.quota)?),
        };
        let done = work(database);
        if done.as_ref().is_err_and(StoreError::is_damage) {
            // Opened anew, it is looked at as a whole, and put aside.
            *open = None;
        }
        done
    }
}

impl Guest {
    /// Whether the plugin may keep anything in this call. While it says what it offers, it may not: what it offers is
    /// the same for every call.
    fn may_store(&self) -> Result<(), Error> {
        if self.call.is_none() {
            return Err(Error::AccessDenied);
        }
        self.context.permissions.check_storage(self.context.name.as_str()).map_err(|denial| {
            self.control.note_denial(denial);
            Error::AccessDenied
        })
    }

    /// Does `work` with the plugin's store.
    async fn stored<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Database) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Error> {
        let Some(store) = self.context.storage.clone() else {
            return Err(Error::Other("there is no place where values could be kept".to_owned()));
        };
        let done = self.home.spawn_blocking(move || store.with(work)).await;
        match done {
            Ok(done) => done.map_err(|error| self.told(&error)),
            Err(_) => Err(Error::Other("the gateway is stopping".to_owned())),
        }
    }

    /// What the guest is told of an error. What somebody has to look after is told in the log and with the result too.
    fn told(&self, error: &StoreError) -> Error {
        let name = &self.context.name;
        let hint = match error {
            StoreError::Quota(_) => format!("raise plugins.{name}.limits.storage"),
            StoreError::Damaged(_) | StoreError::Newer | StoreError::Io(_) | StoreError::Sqlite(_) => {
                "the plugin's files are in the gateway's state folder, below `storage`".to_owned()
            }
            _ => return Error::Other(error.to_string()),
        };
        self.control.note_denial(Denial { message: format!("plugin {name:?}: {error}"), hint });
        Error::Other(error.to_string())
    }

    /// Remembers the state of a key for the guest, as far as there is room for it.
    fn remember(&mut self, key: String, state: Option<Versioned>) -> wasmtime::Result<Result<Resource<Cas>, Error>> {
        let table = self.ctx().table;
        let size = |cas: &Cas| cas.key.len() + cas.state.as_ref().map_or(0, |state| state.value.len());
        let held: usize = table.iter_mut().filter_map(|entry| entry.downcast_ref::<Cas>()).map(size).sum();
        let cas = Cas { key, state };
        if held + size(&cas) > REMEMBERED_BYTES {
            return Ok(Err(Error::Other("too many states are remembered at once: drop some".to_owned())));
        }
        Ok(Ok(table.push(cas)?))
    }
}

impl store::Host for Guest {
    async fn open(&mut self, identifier: String) -> wasmtime::Result<Result<Resource<Bucket>, Error>> {
        if let Err(error) = self.may_store() {
            return Ok(Err(error));
        }
        if !matches!(identifier.as_str(), "" | "default") {
            return Ok(Err(Error::NoSuchStore));
        }
        Ok(Ok(self.ctx().table.push(Bucket)?))
    }
}

impl store::HostBucket for Guest {
    async fn get(&mut self, _: Resource<Bucket>, key: String) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        Ok(self.stored(move |store| Ok(store.get(&key)?.map(|found| found.value))).await)
    }

    async fn set(&mut self, _: Resource<Bucket>, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), Error>> {
        Ok(self.stored(move |store| store.set(&key, &value)).await)
    }

    async fn delete(&mut self, _: Resource<Bucket>, key: String) -> wasmtime::Result<Result<(), Error>> {
        Ok(self.stored(move |store| store.delete(&key)).await)
    }

    async fn exists(&mut self, _: Resource<Bucket>, key: String) -> wasmtime::Result<Result<bool, Error>> {
        Ok(self.stored(move |store| Ok(store.get(&key)?.is_some())).await)
    }

    async fn list_keys(
        &mut self,
        _: Resource<Bucket>,
        cursor: Option<u64>,
    ) -> wasmtime::Result<Result<KeyResponse, Error>> {
        let listed = self.stored(move |store| store.keys(cursor)).await;
        Ok(listed.map(|(keys, cursor)| KeyResponse { keys, cursor }))
    }

    async fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.ctx().table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for Guest {
    async fn increment(
        &mut self,
        _: Resource<Bucket>,
        key: String,
        delta: i64,
    ) -> wasmtime::Result<Result<i64, Error>> {
        Ok(self.stored(move |store| store.increment(&key, delta)).await)
    }

    async fn swap(&mut self, cas: Resource<Cas>, value: Vec<u8>) -> wasmtime::Result<Result<(), CasError>> {
        let Cas { key, state } = self.ctx().table.delete(cas)?;
        let (name, version) = (key.clone(), state.map(|state| state.version));
        let swapped = self.stored(move |store| store.swap(&name, version, &value)).await;
        Ok(match swapped {
            Ok(Swap::Done) => Ok(()),
            Ok(Swap::Changed(state)) => Err(match self.remember(key, state)? {
                Ok(cas) => CasError::CasFailed(cas),
                Err(error) => CasError::StoreError(error),
            }),
            Err(error) => Err(CasError::StoreError(error)),
        })
    }
}

impl atomics::HostCas for Guest {
    async fn new(&mut self, _: Resource<Bucket>, key: String) -> wasmtime::Result<Result<Resource<Cas>, Error>> {
        let name = key.clone();
        match self.stored(move |store| store.get(&name)).await {
            Ok(state) => self.remember(key, state),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn current(&mut self, cas: Resource<Cas>) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        let state = &self.ctx().table.get(&cas)?.state;
        Ok(Ok(state.as_ref().map(|state| state.value.clone())))
    }

    async fn drop(&mut self, cas: Resource<Cas>) -> wasmtime::Result<()> {
        self.ctx().table.delete(cas)?;
        Ok(())
    }
}
