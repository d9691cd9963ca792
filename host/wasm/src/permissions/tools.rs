//! Which other tools a plugin may call.

use std::borrow::Cow;

use gateway_core::role::Pattern;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::{Denial, Permissions};

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

impl Permissions {
    /// Whether the tool with this public name may be called; the caller's role decides besides.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn check_tool(&self, plugin: &str, name: &str) -> Result<(), Denial> {
        let lists = |globs: &[ToolPattern]| globs.iter().any(|glob| glob.matches(name));
        if !lists(&self.tools) {
            let message = format!("plugin {plugin:?}: tool {name:?} is not allowed");
            return Err(Denial { message, hint: format!("add {name:?} to plugins.{plugin}.permissions.tools") });
        }
        match &self.asked {
            Some(asked) if !lists(&asked.tools) => {
                let what = format!("tool {name:?}");
                Err(Denial::not_asked(plugin, &what, &format!("{name:?} to permissions.tools")))
            }
            _ => Ok(()),
        }
    }
}

/// The grants of which nothing is asked for, as far as that can be told: two globs may meet in names that neither shows.
pub(super) fn unasked<'g>(granted: &'g [ToolPattern], asked: &'g [ToolPattern]) -> impl Iterator<Item = String> + 'g {
    let is_name = |glob: &ToolPattern| !glob.as_str().contains(['*', '?', '[', '{', '\\']);
    let meets = move |grant: &ToolPattern, ask: &ToolPattern| {
        grant == ask || grant.matches(ask.as_str()) || ask.matches(grant.as_str()) || !(is_name(grant) || is_name(ask))
    };
    granted
        .iter()
        .filter(move |grant| !asked.iter().any(|ask| meets(grant, ask)))
        .map(|grant| format!("tools {:?}", grant.as_str()))
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
    use std::sync::Arc;

    use super::*;
    use crate::permissions::Asked;

    fn globs(globs: &[&str]) -> Box<[ToolPattern]> {
        globs.iter().map(|glob| serde_json::from_value(serde_json::json!(glob)).unwrap()).collect()
    }

    fn granted(tools: &[&str]) -> Permissions {
        Permissions { tools: globs(tools), ..Permissions::default() }
    }

    #[test]
    fn nothing_is_allowed_unless_a_glob_matches_the_whole_name() {
        granted(&[]).check_tool("p", "files__read").unwrap_err();
        let some = granted(&["files__read*", "memory__{get,list}"]);
        for (name, allowed) in [
            ("files__read", true),
            ("files__read_all", true),
            ("files__write", false),
            ("my_files__read", false),
            ("memory__get", true),
            ("memory__set", false),
        ] {
            assert_eq!(some.check_tool("p", name).is_ok(), allowed, "{name}");
        }
        let denial = some.check_tool("p", "memory__set").unwrap_err();
        assert_eq!(denial.hint, r#"add "memory__set" to plugins.p.permissions.tools"#);
    }

    #[test]
    fn grants_and_asks_have_to_agree() {
        let asked = Asked { tools: globs(&["files__read", "memory__*"]), ..Asked::default() };
        let both = Permissions { asked: Some(Arc::new(asked)), ..granted(&["files__*", "memory__get"]) };
        for (name, allowed) in
            [("files__read", true), ("files__write", false), ("memory__get", true), ("memory__set", false)]
        {
            assert_eq!(both.check_tool("p", name).is_ok(), allowed, "{name}");
        }
        let denial = both.check_tool("p", "files__write").unwrap_err();
        assert_eq!(denial.message, r#"plugin "p": tool "files__write" is granted, and the plugin does not ask for it"#);
    }

    #[test]
    fn what_has_no_effect_is_told() {
        let unasked = |grant: &str, ask: &str| unasked(&globs(&[grant]), &globs(&[ask])).next();
        assert_eq!(unasked("files__read", "memory__*"), Some(r#"tools "files__read""#.to_owned()));
        assert_eq!(unasked("files__*", "memory__get"), Some(r#"tools "files__*""#.to_owned()));
        for (grant, ask) in [("files__*", "files__read"), ("files__read", "files__*"), ("a*", "*b"), ("a", "a")] {
            assert_eq!(unasked(grant, ask), None, "{grant} {ask}");
        }
    }
}
