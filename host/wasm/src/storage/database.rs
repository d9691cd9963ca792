//! The values of one plugin in a file: an SQLite database, which several processes may use at once and which a crash at any
//! moment leaves whole.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use gateway_core::units::Size;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Transaction, TransactionBehavior, params};

use crate::limits::spoken_size;

/// The longest key, in bytes.
pub(crate) const KEY_BYTES: usize = 1024;
/// The largest value.
pub(crate) const VALUE_BYTES: usize = 1024 * 1024;
/// How many keys are listed in one go.
const PAGE: u32 = 1000;
/// How long a change waits for those of other processes.
const PATIENCE: Duration = Duration::from_secs(5);
/// How the file is laid out; another number is another layout.
const FORMAT: i64 = 1;

/// Every change of an entry gives it another version, and no version comes twice.
const LAYOUT: &str = "
    CREATE TABLE entries (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL UNIQUE,
        value BLOB NOT NULL,
        version INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE totals (id INTEGER PRIMARY KEY CHECK (id = 1), bytes INTEGER NOT NULL, version INTEGER NOT NULL) STRICT;
    INSERT INTO totals (id, bytes, version) VALUES (1, 0, 0);
    PRAGMA user_version = 1;
";

/// The open file.
#[derive(Debug)]
pub(crate) struct Database {
    connection: Connection,
    quota: Size,
}

/// The value of a key at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Versioned {
    pub(crate) version: i64,
    pub(crate) value: Vec<u8>,
}

/// What came of a swap.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Swap {
    /// The key has the new value.
    Done,
    /// The key was changed before; this is its state.
    Changed(Option<Versioned>),
}

/// Why something was not kept, or not found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("storage limit of {} reached", spoken_size(*.0))]
    Quota(Size),
    #[error("a key has 1 to {KEY_BYTES} bytes")]
    Key,
    #[error("a value has at most {} bytes", VALUE_BYTES)]
    Value,
    #[error("the value of this key is no number")]
    NoNumber,
    #[error("the sum is too large for 64 bits")]
    Overflow,
    /// It is kept under the name that is told, for a person to look at.
    #[error("the stored values were damaged: they were put aside as {}, and the store is empty now", .0.display())]
    Damaged(PathBuf),
    #[error("the store was written by a newer gateway")]
    Newer,
    #[error("the store cannot be used: {0}")]
    Io(#[from] io::Error),
    #[error("the store cannot be used: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

impl StoreError {
    /// Whether the file is to blame.
    pub(super) fn is_damage(&self) -> bool {
        let Self::Sqlite(error) = self else { return false };
        let code = error.sqlite_error_code();
        matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
    }
}

type Result<T, E = StoreError> = std::result::Result<T, E>;

impl Database {
    /// Opens the file, or makes it. One that is damaged is put aside first, and told: nobody is to believe that there
    /// was nothing.
    pub(super) fn open(file: &Path, quota: Size) -> Result<Self> {
        if let Some(folder) = file.parent() {
            private_folder(folder)?;
        }
        // Whoever finds the file damaged is alone with it.
        let _turn = lock(file)?;
        match Self::open_whole(file, quota) {
            Err(error) if error.is_damage() => Err(StoreError::Damaged(put_aside(file)?)),
            opened => opened,
        }
    }

    fn open_whole(file: &Path, quota: Size) -> Result<Self> {
        private_file(file)?;
        let mut connection = Connection::open(file)?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // What was kept is still there after a power cut.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "journal_size_limit", 1 << 20)?;
        let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if found != "ok" {
            let corrupt = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
            return Err(rusqlite::Error::SqliteFailure(corrupt, Some(found)).into());
        }
        let format =
            |connection: &Connection| connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
        if format(&connection)? == 0 {
            let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            // Another process may have done it in the meantime.
            if format(&change)? == 0 {
                change.execute_batch(LAYOUT)?;
            }
            change.commit()?;
        }
        match format(&connection)? {
            FORMAT => Ok(Self { connection, quota }),
            _ => Err(StoreError::Newer),
        }
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Versioned>> {
        entry(&self.connection, key)
    }

    /// Gives a key a value.
    pub(crate) fn set(&mut self, key: &str, value: &[u8]) -> Result<()> {
        self.change(|change, quota| write(change, quota, key, value))
    }

    /// Takes a key out, if it is there.
    pub(crate) fn delete(&mut self, key: &str) -> Result<()> {
        self.change(|change, _| {
            let removed = change.query_row(
                "DELETE FROM entries WHERE key = ?1 RETURNING octet_length(key) + octet_length(value)",
                [key],
                |row| row.get::<_, i64>(0),
            );
            if let Some(bytes) = removed.optional()? {
                change.execute("UPDATE totals SET bytes = bytes - ?1", [bytes])?;
            }
            Ok(())
        })
    }

    /// Keys from `cursor` on, in the order in which they came, and where the next ones begin.
    pub(crate) fn keys(&self, cursor: Option<u64>) -> Result<(Vec<String>, Option<u64>)> {
        let from = cursor.map_or(0, |cursor| i64::try_from(cursor).unwrap_or(i64::MAX));
        let mut found = self.connection.prepare("SELECT id, key FROM entries WHERE id > ?1 ORDER BY id LIMIT ?2")?;
        let rows = found.query_map(params![from, PAGE + 1], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))?;
        let mut keys: Vec<(i64, String)> = rows.collect::<Result<_, _>>()?;
        let page = PAGE as usize;
        let more = keys.len() > page;
        keys.truncate(page);
        let cursor = keys.last().filter(|_| more).and_then(|(id, _)| u64::try_from(*id).ok());
        Ok((keys.into_iter().map(|(_, key)| key).collect(), cursor))
    }

    /// Adds to the number under a key; none is 0.
    pub(crate) fn increment(&mut self, key: &str, delta: i64) -> Result<i64> {
        self.change(|change, quota| {
            let number = |found: Versioned| str::from_utf8(&found.value).ok()?.parse::<i64>().ok();
            let before = entry(change, key)?.map_or(Ok(0), |found| number(found).ok_or(StoreError::NoNumber))?;
            let sum = before.checked_add(delta).ok_or(StoreError::Overflow)?;
            write(change, quota, key, sum.to_string().as_bytes())?;
            Ok(sum)
        })
    }

    /// Gives a key a value, if it is still in the state of this version; `None`: without a value.
    pub(crate) fn swap(&mut self, key: &str, version: Option<i64>, value: &[u8]) -> Result<Swap> {
        self.change(|change, quota| {
            let now = entry(change, key)?;
            if now.as_ref().map(|now| now.version) != version {
                return Ok(Swap::Changed(now));
            }
            write(change, quota, key, value)?;
            Ok(Swap::Done)
        })
    }

    /// Does `work` as one change, which nothing comes between: all of it, or where it fails, nothing.
    fn change<T>(&mut self, work: impl FnOnce(&Transaction<'_>, Size) -> Result<T>) -> Result<T> {
        let change = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&change, self.quota)?;
        change.commit()?;
        Ok(done)
    }
}

fn entry(connection: &Connection, key: &str) -> Result<Option<Versioned>> {
    let read = |row: &rusqlite::Row<'_>| Ok(Versioned { version: row.get(0)?, value: row.get(1)? });
    let found = connection.query_row("SELECT version, value FROM entries WHERE key = ?1", [key], read);
    Ok(found.optional()?)
}

fn write(change: &Transaction<'_>, quota: Size, key: &str, value: &[u8]) -> Result<()> {
    if key.is_empty() || key.len() > KEY_BYTES {
        return Err(StoreError::Key);
    }
    if value.len() > VALUE_BYTES {
        return Err(StoreError::Value);
    }
    let length = "SELECT octet_length(key) + octet_length(value) FROM entries WHERE key = ?1";
    let before: i64 = change.query_row(length, [key], |row| row.get(0)).optional()?.unwrap_or(0);
    let total: i64 = change.query_row("SELECT bytes FROM totals", [], |row| row.get(0))?;
    let after = i64::try_from(key.len() + value.len()).unwrap_or(i64::MAX);
    let total = total - before + after;
    // What takes less than before is let through also where the limit was lowered since.
    if after > before && u64::try_from(total).is_ok_and(|total| total > quota.get()) {
        return Err(StoreError::Quota(quota));
    }
    change.execute("UPDATE totals SET bytes = ?1, version = version + 1", [total])?;
    change.execute(
        "INSERT INTO entries (key, value, version) SELECT ?1, ?2, version FROM totals WHERE true
         ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version",
        params![key, value],
    )?;
    Ok(())
}

/// Keeps other processes from opening the file at the same time.
fn lock(file: &Path) -> io::Result<File> {
    let lock = options().open(file.with_extension("lock"))?;
    lock.lock()?;
    Ok(lock)
}

/// Gives the damaged file, and what belongs to it, another name.
fn put_aside(file: &Path) -> io::Result<PathBuf> {
    let aside = |number: u32| file.with_extension(format!("damaged-{number}"));
    let free = (1..).map(aside).find(|name| !name.exists()).unwrap_or_else(|| aside(0));
    fs::rename(file, &free)?;
    for part in ["sqlite-wal", "sqlite-shm"] {
        let (part, name) = (file.with_extension(part), free.with_extension(format!("damaged.{part}")));
        match fs::rename(part, name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(free)
}

fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes the file, so that what SQLite makes beside it has the same permissions.
fn private_file(file: &Path) -> io::Result<()> {
    options().open(file).map(drop)
}

fn options() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
