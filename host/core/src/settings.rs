//! What the configurations of several parts have in common.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};

use crate::{
    name::{MAX_SOURCE_NAME, SourceName},
    role::Pattern,
};

/// Names and values that may be secret: environment variables, HTTP headers. They are printed without the values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<String, String>);

impl Values {
    /// Name and value of each, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(String, String)> for Values {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A text, or a whole number that stands for its digits. A boolean or a fraction is refused: `True` and `1.10` would
/// arrive as `true` and `1.1`.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<Text, E> {
                Ok(Text(value.to_owned()))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// Reads a list of texts, in which a whole number stands for its digits.
///
/// # Errors
/// Where it is none.
pub fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let texts = Option::<Vec<Text>>::deserialize(deserializer)?;
    Ok(texts.map(|texts| texts.into_iter().map(|Text(text)| text).collect()))
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Values;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values, A::Error> {
                let mut values = BTreeMap::new();
                while let Some((name, Text(value))) = map.next_entry()? {
                    values.insert(name, value);
                }
                Ok(Values(values))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

impl JsonSchema for Values {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Values".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": { "type": ["string", "integer"] } })
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(D::Error::custom)
    }
}

impl JsonSchema for Pattern {
    fn schema_name() -> Cow<'static, str> {
        "Glob".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A glob: `*` stands for any characters, `?` for one, `[ab]` and `{a,b}` for a choice.",
            "type": "string",
            "minLength": 1,
        })
    }
}

impl JsonSchema for SourceName {
    fn schema_name() -> Cow<'static, str> {
        "Name".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]*$",
            "maxLength": MAX_SOURCE_NAME,
            "not": { "enum": crate::name::RESERVED },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_never_printed() {
        let values: Values = serde_json::from_str(r#"{"TOKEN": "hunter2", "PORT": 8080}"#).unwrap();
        assert_eq!(values.get("PORT"), Some("8080"));
        assert_eq!(format!("{values:?}"), r#"{"PORT", "TOKEN"}"#);
    }

    #[test]
    fn what_yaml_would_change_is_refused() {
        assert!(serde_json::from_str::<Values>(r#"{"DEBUG": true}"#).is_err());
        assert!(serde_json::from_str::<Values>(r#"{"VERSION": 1.10}"#).is_err());
    }

    #[test]
    fn globs_are_checked_where_they_are_read() {
        assert!(serde_json::from_str::<Pattern>(r#""read_*""#).is_ok());
        assert!(serde_json::from_str::<Pattern>(r#""read_[""#).is_err());
    }
}
