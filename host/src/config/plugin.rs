//! `plugins` in `gateway.yaml`: what `gateway-wasm` reads, and a short form around it.

use std::{borrow::Cow, fmt, ops::Deref};

use gateway_core::{name::SourceName, role::Pattern};
use gateway_wasm::config::PluginConfig;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

use crate::packages::signature::{Signer, SignerError};

/// A plugin: its source alone, with nothing granted, or all about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Plugin(pub PluginConfig);

impl Deref for Plugin {
    type Target = PluginConfig;
    fn deref(&self) -> &PluginConfig {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Plugin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Plugin;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a source (`./plugins/name`), or `source` and the rest as keys")
            }
            fn visit_str<E: Error>(self, source: &str) -> Result<Plugin, E> {
                Ok(Plugin(PluginConfig::from_source(source)))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Plugin, A::Error> {
                PluginConfig::deserialize(MapAccessDeserializer::new(map)).map(Plugin)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl JsonSchema for Plugin {
    fn schema_name() -> Cow<'static, str> {
        "Plugin".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let long = PluginConfig::json_schema(generator);
        json_schema!({
            "description": "A plugin: its source alone, with nothing granted, or all about it.",
            "anyOf": [{ "type": "string", "minLength": 1 }, long],
        })
    }
}

/// A plugin that sees the calls of other tools.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilterConfig {
    /// The name of the plugin, whose component exports `gateway:plugin/filter`.
    pub plugin: SourceName,
    /// Globs of the tools whose calls it sees, by their public names. Default: all.
    #[serde(default = "every_tool")]
    pub tools: Vec<Pattern>,
}

/// Somebody who signs plugins: a public key, alone or with the day after which it no longer counts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, untagged)]
pub enum SignerConfig {
    /// The key: one of minisign, or one of cosign in PEM.
    Key(String),
    /// The key and its last day.
    Until {
        /// The key: one of minisign, or one of cosign in PEM.
        key: String,
        /// The last day on which it counts, such as `2027-12-31`.
        expires: Option<String>,
    },
}

impl SignerConfig {
    /// The signer of that name.
    ///
    /// # Errors
    /// Where the key or the day is none.
    pub fn read(&self, name: &str) -> Result<Signer, SignerError> {
        match self {
            Self::Key(key) => Signer::new(name, key, None),
            Self::Until { key, expires } => Signer::new(name, key, expires.as_deref()),
        }
    }
}

fn every_tool() -> Vec<Pattern> {
    Pattern::new("*").into_iter().collect()
}
