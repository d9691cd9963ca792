//! Values that stay from one call to the next.
//!
//! Every call of a plugin has an instance of its own, so what is to be remembered is kept here. The store is the
//! plugin's own; it needs `storage` in the plugin's `limits`, which says how much may be kept.
//!
//! Outside of the gateway it is one in memory, of the thread that uses it: unit tests do not see each other's.
//!
//! ```
//! use gateway_sdk::store::{Store, StoreError};
//! use gateway_sdk::tool;
//!
//! /// Count how often this was called.
//! #[tool]
//! fn count() -> Result<i64, StoreError> {
//!     Store::open()?.increment("calls", 1)
//! }
//!
//! assert_eq!((count(), count()), (Ok(1), Ok(2)));
//! ```

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

#[cfg(target_family = "wasm")]
use crate::component::store as backend;

/// The plugin's store: values by key.
#[derive(Debug)]
pub struct Store(backend::Bucket);

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no store of that name.
    NoSuchStore,
    /// The plugin was not granted storage (`limits.storage`).
    AccessDenied,
    /// The value under this key is not what it was read as.
    Malformed(String),
    /// Anything else, such as a quota that is used up.
    Other(String),
}

impl Store {
    /// The store.
    ///
    /// # Errors
    ///
    /// The plugin was not granted one.
    pub fn open() -> Result<Self, StoreError> {
        backend::open("").map(Self)
    }

    /// The value of a key, if it has one.
    ///
    /// # Errors
    ///
    /// It could not be read.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.get(key)
    }

    /// Gives a key a value, in place of any before; all of it or nothing.
    ///
    /// # Errors
    ///
    /// It could not be kept, for instance because the quota is used up.
    pub fn set(&self, key: &str, value: impl AsRef<[u8]>) -> Result<(), StoreError> {
        self.0.set(key, value.as_ref())
    }

    /// Takes a key out, if it is there.
    ///
    /// # Errors
    ///
    /// It could not be taken out.
    pub fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.0.delete(key)
    }

    /// Whether a key has a value.
    ///
    /// # Errors
    ///
    /// That could not be found out.
    pub fn exists(&self, key: &str) -> Result<bool, StoreError> {
        self.0.exists(key)
    }

    /// All keys.
    ///
    /// # Errors
    ///
    /// They could not be read.
    pub fn keys(&self) -> Result<Vec<String>, StoreError> {
        self.0.keys()
    }

    /// The JSON value of a key as a `T`, if it has one.
    ///
    /// ```
    /// use gateway_sdk::store::{Store, StoreError};
    ///
    /// let store = Store::open()?;
    /// store.set_json("primes", &[2, 3, 5])?;
    /// assert_eq!(store.get_json::<Vec<u8>>("primes")?, Some(vec![2, 3, 5]));
    /// # Ok::<(), StoreError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// It could not be read, or it is no `T`.
    pub fn get_json<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StoreError> {
        let Some(value) = self.get(key)? else { return Ok(None) };
        serde_json::from_slice(&value).map(Some).map_err(|error| malformed(key, &error))
    }

    /// Gives a key a value as JSON.
    ///
    /// # Errors
    ///
    /// It could not be kept, or has no JSON form.
    pub fn set_json<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<(), StoreError> {
        let value = serde_json::to_vec(value).map_err(|error| malformed(key, &error))?;
        self.set(key, value)
    }

    /// Adds to the number of a key, which is 0 where there is none, and gives the sum. Calls at the same time do not
    /// lose each other's.
    ///
    /// # Errors
    ///
    /// What is there is no number, or the sum could not be kept.
    pub fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError> {
        self.0.increment(key, delta)
    }

    /// Gives a key a value if it still has the one that is expected (`None`: no value), and tells whether it did.
    ///
    /// # Errors
    ///
    /// It could not be kept.
    pub fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<bool, StoreError> {
        self.0.compare_and_swap(key, expected, value.as_ref())
    }

    /// Makes a new value of the one that a key has, as often as another call comes between, and gives the new one.
    ///
    /// ```
    /// use gateway_sdk::store::{Store, StoreError};
    ///
    /// let store = Store::open()?;
    /// let log = |line: &str| store.update("log", |log| [log.unwrap_or_default(), line.into()].concat());
    /// log("one ")?;
    /// assert_eq!(log("two ")?, b"one two ");
    /// # Ok::<(), StoreError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// It could not be kept.
    pub fn update(&self, key: &str, mut change: impl FnMut(Option<Vec<u8>>) -> Vec<u8>) -> Result<Vec<u8>, StoreError> {
        loop {
            let current = self.get(key)?;
            let value = change(current.clone());
            if self.compare_and_swap(key, current.as_deref(), &value)? {
                return Ok(value);
            }
        }
    }
}

fn malformed(key: &str, error: &serde_json::Error) -> StoreError {
    StoreError::Malformed(format!("the value of `{key}`: {error}"))
}

// === impl StoreError ===

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchStore => f.write_str("there is no such store"),
            Self::AccessDenied => {
                f.write_str("the plugin was not granted storage (`limits.storage` of the plugin in gateway.yaml)")
            }
            Self::Malformed(why) | Self::Other(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for StoreError {}

/// What stands in for the gateway where there is none, as in a unit test.
#[cfg(not(target_family = "wasm"))]
mod backend {
    use std::{cell::RefCell, collections::BTreeMap};

    use super::StoreError;

    thread_local! {
        static VALUES: RefCell<BTreeMap<String, Vec<u8>>> = const { RefCell::new(BTreeMap::new()) };
    }

    #[derive(Debug)]
    pub(super) struct Bucket(());

    pub(super) fn open(_: &str) -> Result<Bucket, StoreError> {
        Ok(Bucket(()))
    }

    impl Bucket {
        pub(super) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
            Ok(VALUES.with_borrow(|values| values.get(key).cloned()))
        }

        pub(super) fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
            VALUES.with_borrow_mut(|values| values.insert(key.to_owned(), value.to_owned()));
            Ok(())
        }

        pub(super) fn delete(&self, key: &str) -> Result<(), StoreError> {
            VALUES.with_borrow_mut(|values| values.remove(key));
            Ok(())
        }

        pub(super) fn exists(&self, key: &str) -> Result<bool, StoreError> {
            Ok(VALUES.with_borrow(|values| values.contains_key(key)))
        }

        pub(super) fn keys(&self) -> Result<Vec<String>, StoreError> {
            Ok(VALUES.with_borrow(|values| values.keys().cloned().collect()))
        }

        pub(super) fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError> {
            let no_number = || StoreError::Other(format!("the value of `{key}` is no number"));
            let current = match self.get(key)? {
                None => 0,
                Some(value) => str::from_utf8(&value).ok().and_then(|text| text.parse().ok()).ok_or_else(no_number)?,
            };
            let too_large = || StoreError::Other(format!("the value of `{key}` would be too large"));
            let sum: i64 = i64::checked_add(current, delta).ok_or_else(too_large)?;
            self.set(key, sum.to_string().as_bytes())?;
            Ok(sum)
        }

        pub(super) fn compare_and_swap(
            &self,
            key: &str,
            expected: Option<&[u8]>,
            value: &[u8],
        ) -> Result<bool, StoreError> {
            let is_expected = self.get(key)?.as_deref() == expected;
            if is_expected {
                self.set(key, value)?;
            }
            Ok(is_expected)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_kept() {
        let store = Store::open().unwrap();
        assert_eq!(store.get("a"), Ok(None));
        store.set("a", "one").unwrap();
        assert_eq!(store.get("a"), Ok(Some(b"one".to_vec())));
        assert_eq!(Store::open().unwrap().keys(), Ok(vec!["a".to_owned()]));
        assert_eq!(store.compare_and_swap("a", None, "two"), Ok(false));
        assert_eq!(store.compare_and_swap("a", Some(b"one"), "two"), Ok(true));
        assert_eq!(
            store.get_json::<u8>("a").unwrap_err().to_string(),
            "the value of `a`: expected ident at line 1 column 2"
        );
        assert_eq!(store.increment("a", 1).unwrap_err().to_string(), "the value of `a` is no number");
        store.delete("a").unwrap();
        assert_eq!((store.exists("a"), store.increment("a", -2)), (Ok(false), Ok(-2)));
    }

    #[test]
    fn every_test_has_a_store_of_its_own() {
        assert_eq!(Store::open().unwrap().keys(), Ok(vec![]));
    }
}
