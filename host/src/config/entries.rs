//! A section of named entries, in the file's order.

use std::{
    borrow::{Borrow, Cow},
    fmt,
    marker::PhantomData,
};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

/// Named entries, in the file's order.
#[derive(Clone)]
pub struct Entries<K, T>(Vec<(K, T)>);

impl<K, T> Entries<K, T> {
    /// Name and entry, in the file's order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &T)> {
        self.0.iter().map(|(name, entry)| (name, entry))
    }

    /// The same, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut T)> {
        self.0.iter_mut().map(|(name, entry)| (&*name, entry))
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &K> {
        self.0.iter().map(|(name, _)| name)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds an entry at the end.
    pub fn push(&mut self, name: K, entry: T) {
        self.0.push((name, entry));
    }

    /// Drops the entries that `keep` says no to.
    pub fn retain(&mut self, keep: impl Fn(&K, &T) -> bool) {
        self.0.retain(|(name, entry)| keep(name, entry));
    }
}

impl<K: Borrow<str>, T> Entries<K, T> {
    /// The entry of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(key, _)| key.borrow() == name).map(|(_, entry)| entry)
    }
}

impl<K, T> Default for Entries<K, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: fmt::Debug, T: fmt::Debug> fmt::Debug for Entries<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K, T> IntoIterator for Entries<K, T> {
    type Item = (K, T);
    type IntoIter = std::vec::IntoIter<(K, T)>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'de, K: Deserialize<'de>, T: Deserialize<'de>> Deserialize<'de> for Entries<K, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<K, T>(PhantomData<(K, T)>);
        impl<'de, K: Deserialize<'de>, T: Deserialize<'de>> Visitor<'de> for Reader<K, T> {
            type Value = Entries<K, T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Reader(PhantomData))
    }
}

impl<K: JsonSchema, T: JsonSchema> JsonSchema for Entries<K, T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Entries".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (names, entries) = (generator.subschema_for::<K>(), generator.subschema_for::<T>());
        json_schema!({ "type": ["object", "null"], "propertyNames": names, "additionalProperties": entries })
    }
}
