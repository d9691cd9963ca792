//! `plugins` in `gateway.yaml`: what `gateway-wasm` reads, and a short form around it.

use std::{borrow::Cow, fmt, ops::Deref};

use gateway_wasm::config::PluginConfig;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

/// A plugin: its source alone, with nothing granted, or all about it.
#[derive(Debug, Clone)]
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
        let mut long = PluginConfig::json_schema(generator);
        add_later(long.get_mut("properties"), &LATER);
        let limits = generator.definitions_mut().get_mut("LimitsConfig");
        add_later(limits.and_then(|limits| limits.get_mut("properties")), &LATER_LIMITS);
        json_schema!({
            "description": "A plugin: its source alone, with nothing granted, or all about it.",
            "anyOf": [{ "type": "string", "minLength": 1 }, long],
        })
    }
}

/// Keys that are documented and that this version does not act on yet.
pub(super) const LATER: [&str; 2] = ["secrets", "instances"];

/// The same below `limits`.
pub(super) const LATER_LIMITS: [&str; 3] = ["fuel", "storage", "files"];

fn add_later(properties: Option<&mut serde_json::Value>, keys: &[&str]) {
    let Some(properties) = properties.and_then(serde_json::Value::as_object_mut) else { return };
    for key in keys {
        let schema = json_schema!({ "description": "Not acted on in this version yet." });
        properties.insert((*key).to_owned(), schema.into());
    }
}
