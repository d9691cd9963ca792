//! Which other tools a plugin may call.

use std::borrow::Cow;

use gateway_core::role::Pattern;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A glob over the public names of tools, such as `filesystem__read_*`.
#[derive(Debug, Clone)]
pub struct ToolPattern(Pattern);

impl ToolPattern {
    /// Whether it matches the tool's public name as a whole.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.0.matches(name)
    }

    /// The glob as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl PartialEq for ToolPattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl<'de> Deserialize<'de> for ToolPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Pattern::new(&text).map(Self).map_err(D::Error::custom)
    }
}

impl Serialize for ToolPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl JsonSchema for ToolPattern {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ToolPattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "examples": ["filesystem__read_*"] })
    }
}

#[cfg(test)]
mod tests {
    use crate::permissions::Permissions;

    #[test]
    fn nothing_is_allowed_unless_a_glob_matches_the_whole_name() {
        let permissions = |globs: &[&str]| Permissions {
            tools: globs.iter().map(|glob| serde_json::from_value(serde_json::json!(glob)).unwrap()).collect(),
            ..Permissions::default()
        };
        assert!(!permissions(&[]).allows_tool("files__read"));
        let some = permissions(&["files__read*", "memory__{get,list}"]);
        for (name, allowed) in [
            ("files__read", true),
            ("files__read_all", true),
            ("files__write", false),
            ("my_files__read", false),
            ("memory__get", true),
            ("memory__set", false),
        ] {
            assert_eq!(some.allows_tool(name), allowed, "{name}");
        }
    }
}
