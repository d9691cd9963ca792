//! `roles` in `gateway.yaml`.

use std::{borrow::Cow, fmt};

use gateway_core::role::{Pattern, Role};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

/// What a role sees: nothing written after it means every tool; a list of globs the tools that match one of them.
#[derive(Debug, Clone, Default)]
pub struct RoleConfig {
    /// Globs of what it may see; `None`: everything.
    pub allow: Option<Vec<Pattern>>,
    /// Globs of what it may not see all the same.
    pub deny: Vec<Pattern>,
}

/// The long form.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RoleGlobs")]
struct Long {
    /// Globs of the tools that the role sees. Default: all.
    allow: Option<Vec<Pattern>>,
    /// Globs of the tools that it does not see all the same.
    #[serde(default)]
    deny: Vec<Pattern>,
}

impl RoleConfig {
    /// The role called `name`.
    #[must_use]
    pub fn role(&self, name: &str) -> Role {
        Role { name: name.into(), allow: self.allow.clone().map(Into::into), deny: self.deny.clone().into() }
    }
}

impl<'de> Deserialize<'de> for RoleConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = RoleConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of globs, `allow` and `deny`, or nothing for every tool")
    }

    fn visit_unit<E: Error>(self) -> Result<RoleConfig, E> {
        Ok(RoleConfig::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<RoleConfig, A::Error> {
        let mut allow = Vec::new();
        while let Some(glob) = list.next_element()? {
            allow.push(glob);
        }
        Ok(RoleConfig { allow: Some(allow), deny: Vec::new() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RoleConfig, A::Error> {
        let Long { allow, deny } = Long::deserialize(MapAccessDeserializer::new(map))?;
        // `role: {}` or a block that lost its lines must not turn into "everything".
        if allow.is_none() && deny.is_empty() {
            return Err(A::Error::custom("neither `allow` nor `deny` says what the role sees"));
        }
        Ok(RoleConfig { allow, deny })
    }
}

impl JsonSchema for RoleConfig {
    fn schema_name() -> Cow<'static, str> {
        "Role".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (glob, long) = (generator.subschema_for::<Pattern>(), generator.subschema_for::<Long>());
        json_schema!({
            "description": "What a role sees: nothing (every tool), a list of globs, or `allow` and `deny`.",
            "anyOf": [{ "type": "null" }, { "type": "array", "items": glob }, long],
        })
    }
}
