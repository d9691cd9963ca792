//! What clients are told of the gateway's own tools. Each word here is read by a model with every request.

use std::sync::Arc;

use gateway_core::{
    payload::Json,
    source::{Item, Offer, Shown},
};
use serde_json::{Value, json};

/// One of the gateway's own tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    Status,
    ListServers,
    ListTools,
    SearchTools,
    Invoke,
    RunPipeline,
    RegisterServer,
    RemoveServer,
}

impl Tool {
    const ALL: [Self; 8] = [
        Self::ListServers,
        Self::ListTools,
        Self::SearchTools,
        Self::Invoke,
        Self::RunPipeline,
        Self::Status,
        Self::RegisterServer,
        Self::RemoveServer,
    ];

    /// The name behind `gateway_`.
    const fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::ListServers => "list_servers",
            Self::ListTools => "list_tools",
            Self::SearchTools => "search_tools",
            Self::Invoke => "invoke",
            Self::RunPipeline => "run_pipeline",
            Self::RegisterServer => "register_server",
            Self::RemoveServer => "remove_server",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// Where it is listed.
    pub(super) const fn shown(self) -> Shown {
        match self {
            Self::Status | Self::RegisterServer | Self::RemoveServer => Shown::Always,
            Self::ListServers | Self::ListTools | Self::SearchTools | Self::Invoke | Self::RunPipeline => {
                Shown::AsMetaTool
            }
        }
    }

    /// Only there where the gateway may be changed by tools.
    const fn changes(self) -> bool {
        matches!(self, Self::RegisterServer | Self::RemoveServer)
    }

    /// What users of a gateway that this one replaces call it.
    const fn alias(self) -> Option<&'static str> {
        match self {
            Self::ListServers => Some("list_servers"),
            Self::Invoke => Some("call_backend"),
            Self::RunPipeline => Some("route_pipeline"),
            Self::RegisterServer => Some("register_server"),
            Self::RemoveServer => Some("remove_server"),
            Self::Status | Self::ListTools | Self::SearchTools => None,
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::Status => "Gateway status: servers, plugins, tool count, uptime.",
            Self::ListServers => "List the servers and plugins behind this gateway, with what they are for.",
            Self::ListTools => "List the tools of one server, with their schemas. May start the server.",
            Self::SearchTools => {
                "Find tools by what they do, best first. With `schemas` each comes with all that gateway_invoke needs."
            }
            Self::Invoke => "Call a tool of a server. The arguments are checked against the tool's schema first.",
            Self::RunPipeline => {
                "Run a configured pipeline by its name, or steps given here: several tools in one call, with results passed \
                 on by references such as ${steps.ID.text}."
            }
            Self::RegisterServer => "Register an MCP server with this gateway, by a command or a URL. Starts nothing.",
            Self::RemoveServer => "Remove a server or plugin from this gateway.",
        }
    }

    fn input(self) -> Value {
        let text = || json!({ "type": "string" });
        let one_of_all = |properties: Value, required: Value| {
            let mut schema = json!({ "type": "object", "properties": properties });
            if required.as_array().is_some_and(|required| !required.is_empty()) {
                schema["required"] = required;
            }
            schema
        };
        match self {
            Self::Status | Self::ListServers => one_of_all(json!({}), json!([])),
            Self::ListTools => one_of_all(json!({ "server": text() }), json!(["server"])),
            Self::SearchTools => one_of_all(
                json!({
                    "query": { "type": "string", "description": "A few words" },
                    "limit": { "type": "integer", "default": 10, "minimum": 1, "maximum": 100 },
                    "schemas": { "type": "boolean", "default": false },
                    "server": { "type": "string", "description": "Only tools of this server" },
                }),
                json!(["query"]),
            ),
            Self::Invoke => one_of_all(
                json!({
                    "server": { "type": "string", "description": "Not needed with a tool's public_name" },
                    "tool": text(),
                    "arguments": { "type": "object" },
                }),
                json!(["tool"]),
            ),
            Self::RunPipeline => one_of_all(
                json!({
                    "pipeline": { "type": "string", "description": "Its name; this or steps" },
                    "input": { "type": "object" },
                    "steps": { "type": "array", "items": step() },
                }),
                json!([]),
            ),
            Self::RegisterServer => one_of_all(
                json!({
                    "name": text(),
                    "command": { "type": "string", "description": "The program; this or url" },
                    "args": { "type": ["array", "string"], "items": { "type": "string" } },
                    "env": { "type": "object", "additionalProperties": { "type": "string" } },
                    "url": text(),
                    "transport": { "type": "string", "enum": ["http", "sse"] },
                    "headers": { "type": "object", "additionalProperties": { "type": "string" } },
                    "description": text(),
                }),
                json!(["name"]),
            ),
            Self::RemoveServer => one_of_all(json!({ "name": text() }), json!(["name"])),
        }
    }

    fn annotations(self) -> Value {
        match self {
            Self::Status => json!({ "title": "Gateway status", "readOnlyHint": true, "openWorldHint": false }),
            // It starts a server, which changes nothing that anybody would miss.
            Self::ListServers | Self::ListTools | Self::SearchTools => {
                json!({ "readOnlyHint": true, "openWorldHint": false })
            }
            Self::Invoke | Self::RunPipeline => json!({ "openWorldHint": true }),
            Self::RegisterServer => json!({ "destructiveHint": false, "openWorldHint": true }),
            Self::RemoveServer => json!({ "destructiveHint": true, "openWorldHint": false }),
        }
    }

    fn item(self) -> Item {
        let definition = json!({
            "name": self.name(),
            "description": self.description(),
            "inputSchema": self.input(),
            "annotations": self.annotations(),
        });
        Item { name: self.name().into(), definition: Json::from_value(&definition) }
    }
}

/// What `gateway_run_pipeline` takes as a step.
fn step() -> Value {
    json!({
        "type": "object",
        "properties": {
            "id": { "type": "string" },
            "tool": { "type": "string", "description": "Its public name" },
            "arguments": { "type": "object", "description": "With ${input.x}, ${steps.ID.text}, ${steps.ID.structured.x}" },
            "if": { "type": ["string", "boolean"] },
            "for_each": { "type": ["array", "string"], "description": "A list; ${item} and ${index} in arguments" },
            "concurrency": { "type": "integer" },
            "timeout": { "type": ["number", "string"] },
            "on_error": { "type": "string", "enum": ["stop", "continue"] },
            "parallel": { "type": "array", "items": { "type": "object" }, "description": "Steps at once, in place of a tool" },
        },
    })
}

/// All of them that there are.
pub(super) fn offer(management: bool) -> Offer {
    let there = || Tool::ALL.into_iter().filter(|tool| management || !tool.changes());
    let alias = |tool: Tool| Some((Arc::from(tool.alias()?), Arc::from(tool.name())));
    Offer {
        tools: Some(there().map(Tool::item).collect()),
        aliases: there().filter_map(alias).collect(),
        ..Offer::default()
    }
}
