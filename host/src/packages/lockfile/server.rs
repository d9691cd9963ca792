//! What was agreed to for one external server: what its tools are.

use std::collections::BTreeMap;

use gateway_core::payload::Json;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Difference,
    entry::{Tool, accept, check, differences_of_tools},
};

/// What of a definition is agreed to: what people and models read of a tool, what it takes and what it gives. The rest,
/// icons and `_meta`, may change.
const MEMBERS: [&str; 6] = ["name", "title", "description", "inputSchema", "outputSchema", "annotations"];

/// What was agreed to for one external server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerEntry {
    /// Its tools.
    tools: BTreeMap<String, Tool>,
}

impl ServerEntry {
    /// The server with these tools. Of two that have the same name, the first one counts, as it does for clients.
    #[must_use]
    pub fn new<'a>(listed: impl IntoIterator<Item = &'a Json>) -> Self {
        let mut tools = BTreeMap::new();
        for (name, tool) in listed.into_iter().filter_map(tool) {
            tools.entry(name).or_insert(tool);
        }
        Self { tools }
    }

    /// Whether it holds together.
    pub(super) fn check(&self) -> Result<(), String> {
        check(&self.tools)
    }

    /// How many tools it has.
    #[must_use]
    pub fn count(&self) -> usize {
        self.tools.len()
    }

    /// Whether a tool of this definition was agreed to.
    #[must_use]
    pub fn agrees(&self, definition: &Json) -> bool {
        tool(definition).is_some_and(|(name, is)| self.tools.get(&name).is_some_and(|was| was.is(&is)))
    }

    /// All that differs in `now`, which is to take its place.
    #[must_use]
    pub fn differences(&self, now: &Self) -> Vec<Difference> {
        differences_of_tools(&self.tools, &now.tools)
    }

    /// Takes one tool's definition over from `now`; false where neither has it.
    pub fn accept_tool(&mut self, now: &Self, tool: &str) -> bool {
        accept(&mut self.tools, &now.tools, tool)
    }
}

/// The tool of a definition; `None` where that can be read in more than one way: a member that is there twice may be
/// another one for the client than it is here.
fn tool(definition: &Json) -> Option<(String, Tool)> {
    definition.to::<serde_yaml::Value>().ok()?;
    let Value::Object(mut members) = definition.to::<Value>().ok()? else { return None };
    members.retain(|member, _| MEMBERS.contains(&member.as_str()));
    Some((members.get("name")?.as_str()?.to_owned(), Tool::new(Value::Object(members))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(definitions: &[&'static str]) -> ServerEntry {
        let listed: Vec<Json> = definitions.iter().map(|text| Json::parse(*text).unwrap()).collect();
        ServerEntry::new(&listed)
    }

    #[test]
    fn what_a_model_reads_is_agreed_to() {
        let was = entry(&[r#"{"name":"a","description":"d","inputSchema":{"x":1,"y":[1,2]},"_meta":{"n":1}}"#]);
        let agrees = |text: &'static str| was.agrees(&Json::parse(text).unwrap());
        assert!(agrees(r#"{"inputSchema":{"y":[1,2],"x":1}, "description":"\u0064","name":"a","icons":[]}"#));
        for other in [
            r#"{"name":"b","description":"d","inputSchema":{"x":1,"y":[1,2]}}"#,
            r#"{"name":"a","description":"D","inputSchema":{"x":1,"y":[1,2]}}"#,
            r#"{"name":"a","description":"d","inputSchema":{"x":1,"y":[2,1]}}"#,
            r#"{"name":"a","description":"d","inputSchema":{"x":1,"y":[1,2]},"annotations":{}}"#,
            r#"{"name":"a","description":"d","inputSchema":{"x":1,"y":[1,2]},"outputSchema":{}}"#,
            r#"{"name":"a","title":"t","description":"d","inputSchema":{"x":1,"y":[1,2]}}"#,
            // What is there twice counts the last time here, and elsewhere the first time.
            r#"{"name":"a","description":"D","description":"d","inputSchema":{"x":1,"y":[1,2]}}"#,
            r#"{"name":"a","description":"d","inputSchema":{"x":2,"x":1,"y":[1,2]}}"#,
            "7",
        ] {
            assert!(!agrees(other), "{other}");
        }
    }

    #[test]
    fn the_first_of_two_counts() {
        let both = entry(&[r#"{"name":"a","description":"1"}"#, r#"{"name":"a","description":"2"}"#]);
        assert_eq!(both.count(), 1);
        assert!(both.agrees(&Json::from_value(&json!({ "name": "a", "description": "1" }))));
    }
}
