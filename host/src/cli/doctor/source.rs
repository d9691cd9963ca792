//! One server or plugin: whether it starts, and whether what it offers can be used.

use std::{collections::BTreeSet, fmt::Write as _, sync::Arc};

use gateway_core::{
    error::CallError,
    name::{MAX_TOOL_NAME, Naming},
    source::{Client, Item, Nobody, Offer, Source},
};
use serde::Serialize;
use serde_json::Value;

use crate::config::Broken;

/// What was found about one.
#[derive(Debug, Serialize)]
pub(super) struct Examined {
    name: String,
    kind: &'static str,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// How it introduced itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    introduced: Option<String>,
    /// The revision of MCP that is spoken.
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<String>,
    tools: usize,
    prompts: usize,
    resources: usize,
    /// What is wrong with its tools.
    warnings: Vec<Warning>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Works,
    Failed,
    Disabled,
    /// It cannot be used as it stands in the configuration.
    LeftOut,
}

/// Something about one tool.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Warning {
    tool: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl Examined {
    /// Starts `source` and looks at what it offers.
    pub(super) async fn of(source: &Arc<dyn Source>) -> Self {
        let nobody: Arc<dyn Client> = Arc::new(Nobody);
        let learnt = source.learn(&nobody).await;
        let status = source.status();
        let mut examined = Self::new(source.name().as_str(), status.kind, State::Works);
        if let Err(error) = learnt {
            examined.state = State::Failed;
            (examined.error, examined.hint) = match error {
                CallError::Failed(failure) => (Some(failure.message.into()), failure.hint.map(Into::into)),
                error => (Some(error.to_string()), None),
            };
            return examined;
        }
        let offer = source.offer(nobody.abilities());
        examined.look_at(&offer, source.naming());
        // A plugin whose list could not be had offers nothing, and says why.
        if offer.tools.is_none() {
            examined.state = State::Failed;
            examined.error =
                status.error.or_else(|| Some("it started, and its tools are not known all the same".to_owned()));
        }
        examined
    }

    fn new(name: &str, kind: &'static str, state: State) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            state,
            error: None,
            hint: None,
            introduced: None,
            protocol: None,
            tools: 0,
            prompts: 0,
            resources: 0,
            warnings: Vec::new(),
        }
    }

    pub(super) fn disabled(name: &str, kind: &'static str) -> Self {
        Self::new(name, kind, State::Disabled)
    }

    pub(super) fn broken(broken: &Broken) -> Self {
        let kind = if broken.section == "plugins" { "plugin" } else { "server" };
        let (error, hint) = (Some(broken.reason.clone()), broken.hint.clone());
        Self { error, hint, ..Self::new(broken.name.as_str(), kind, State::LeftOut) }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.state == State::Failed
    }

    pub(super) fn is_enabled(&self) -> bool {
        matches!(self.state, State::Works | State::Failed)
    }

    fn look_at(&mut self, offer: &Offer, naming: &Naming) {
        let tools = offer.tools.as_deref().unwrap_or_default();
        (self.tools, self.prompts) = (tools.len(), offer.prompts.len());
        self.resources = offer.resources.len() + offer.templates.len();
        self.warnings = warnings(tools, naming, &self.name);
        let Some(greeting) = offer.greeting.as_ref().and_then(|greeting| greeting.to::<Value>().ok()) else { return };
        let text = |pointer: &str| greeting.pointer(pointer).and_then(Value::as_str);
        self.protocol = text("/protocolVersion").map(str::to_owned);
        self.introduced = text("/serverInfo/name").map(|name| match text("/serverInfo/version") {
            Some(version) => format!("{name} {version}"),
            None => name.to_owned(),
        });
    }

    pub(super) fn write(&self, text: &mut String) {
        let Self { name, kind, error, hint, .. } = self;
        let error = error.as_deref().unwrap_or_default();
        let _ = match self.state {
            State::Works => writeln!(text, "ok: {kind} {name}: {}", self.offers()),
            State::Failed => writeln!(text, "failed: {kind} {name}: {error}"),
            State::Disabled => writeln!(text, "disabled: {kind} {name}"),
            State::LeftOut => writeln!(text, "left out: {kind} {name}: {error}"),
        };
        if let Some(hint) = hint {
            let _ = writeln!(text, "  hint: {hint}");
        }
        for Warning { tool, message, hint } in &self.warnings {
            let _ = writeln!(text, "  warning: tool {tool:?} {message}");
            if let Some(hint) = hint {
                let _ = writeln!(text, "    hint: {hint}");
            }
        }
    }

    fn offers(&self) -> String {
        let mut parts: Vec<String> = self.introduced.iter().cloned().collect();
        parts.extend(self.protocol.iter().map(|protocol| format!("MCP {protocol}")));
        for (count, what) in [(self.tools, "tool"), (self.prompts, "prompt"), (self.resources, "resource")] {
            if count > 0 || what == "tool" {
                parts.push(super::counted(count, what));
            }
        }
        parts.join(", ")
    }
}

fn warnings(tools: &[Item], naming: &Naming, source: &str) -> Vec<Warning> {
    let (mut warnings, mut names) = (Vec::new(), BTreeSet::new());
    for tool in tools {
        let mut warn = |message: String, hint: Option<String>| {
            warnings.push(Warning { tool: tool.name.to_string(), message, hint });
        };
        if !names.insert(tool.name.clone()) {
            warn("is there twice: the first one is used".to_owned(), None);
        }
        let (public, whole) =
            (naming.public(&tool.name), format!("{}{}", naming.stem().unwrap_or_default(), tool.name));
        if *public != *whole && whole.len() > MAX_TOOL_NAME {
            let hint = format!("a short `prefix` in servers.{source} leaves room for it");
            warn(format!("has a name that is too long for clients, and is called {public}"), Some(hint));
        } else if *public != *whole {
            warn(format!("has characters in its name that clients refuse, and is called {public}"), None);
        }
        match tool.definition.to::<Value>() {
            Ok(definition) => schemas(&definition).into_iter().for_each(|message| warn(message, None)),
            Err(error) => warn(format!("has a definition that is no JSON: {error}"), None),
        }
    }
    warnings
}

/// What is wrong with the schemas of a definition.
fn schemas(definition: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    match definition.get("inputSchema") {
        None => wrong.push("has no `inputSchema`, which clients expect".to_owned()),
        Some(schema) if schema.get("type").and_then(Value::as_str) != Some("object") => {
            wrong.push("has an `inputSchema` that is not of the type object, which clients expect".to_owned());
        }
        Some(_) => {}
    }
    for key in ["inputSchema", "outputSchema"] {
        let Some(schema) = definition.get(key) else { continue };
        let error = jsonschema::meta::validate(schema).err().map(|error| error.to_string());
        let error = error.or_else(|| jsonschema::validator_for(schema).err().map(|error| error.to_string()));
        wrong.extend(error.map(|error| format!("has an `{key}` that is no JSON Schema: {error}")));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use gateway_core::{name::SourceName, payload::Json};
    use serde_json::json;

    use super::*;

    fn item(name: &str, definition: &Value) -> Item {
        Item { name: name.into(), definition: Json::from_value(definition) }
    }

    #[test]
    fn tools_that_clients_would_stumble_over() {
        let good =
            json!({ "name": "a", "inputSchema": { "type": "object", "properties": { "x": { "type": "string" } } } });
        let tools = [
            item("good", &good),
            item("good", &good),
            item("bad name", &good),
            item(&"x".repeat(70), &good),
            item("none", &json!({ "name": "none" })),
            item("list", &json!({ "name": "list", "inputSchema": { "type": "array" } })),
            item(
                "odd",
                &json!({ "name": "odd", "inputSchema": { "type": "object", "properties": { "x": { "type": "text" } } } }),
            ),
        ];
        let naming = Naming::canonical(&SourceName::new("files").unwrap());
        let said: Vec<String> = warnings(&tools, &naming, "files")
            .into_iter()
            .map(|warning| format!("{}: {}", warning.tool, warning.message))
            .collect();
        for (tool, part) in [
            ("good", "is there twice"),
            ("bad name", "called files__bad_name_"),
            (&*"x".repeat(70), "too long"),
            ("none", "no `inputSchema`"),
            ("list", "type object"),
            ("odd", "no JSON Schema"),
        ] {
            assert!(
                said.iter().any(|said| said.starts_with(&format!("{tool}: ")) && said.contains(part)),
                "{tool}: {said:#?}"
            );
        }
        assert_eq!(said.len(), 6, "{said:#?}");
    }
}
