//! Whose configuration a file is, and where in it the servers stand.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

/// Whose configuration it is: what decides how its variables are written and what holds where nothing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// `--auto-register` of MCP Multi-Server Gateway.
    AutoRegister,
    /// `servers.yaml` of the Python MCP Gateway with the four meta-tools.
    MetaGateway,
    /// `gateway.yaml` of mcp-unify.
    McpUnify,
    /// `backends.json` of mcp-gw.
    McpGw,
    /// `mcpServers`, as most clients have it.
    McpServers,
    /// `servers` of VS Code.
    VsCode,
    /// `context_servers` of Zed.
    Zed,
    /// `mcp_servers` of Codex.
    Codex,
    /// `mcpServers` of Gemini CLI.
    GeminiCli,
}

impl Format {
    /// As a person calls it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::AutoRegister => "an --auto-register file of MCP Multi-Server Gateway",
            Self::MetaGateway => "a configuration of MCP Gateway for Python",
            Self::McpUnify => "a configuration of mcp-unify",
            Self::McpGw => "the backends of mcp-gw",
            Self::McpServers => "a list of `mcpServers`",
            Self::VsCode => "servers of VS Code",
            Self::Zed => "context servers of Zed",
            Self::Codex => "servers of Codex",
            Self::GeminiCli => "servers of Gemini CLI",
        }
    }

    /// Whether it is the configuration of another gateway, and not of a client.
    #[must_use]
    pub fn is_gateway(self) -> bool {
        matches!(self, Self::AutoRegister | Self::MetaGateway | Self::McpUnify | Self::McpGw)
    }
}

/// The servers of a file.
pub(super) struct Found {
    pub(super) format: Format,
    /// What their section is called.
    pub(super) section: String,
    /// Names and what is written about them.
    pub(super) entries: Vec<(String, Value)>,
}

/// Finds the servers.
pub(super) fn find(root: &Value, file: &Path) -> Option<Found> {
    if let Some(list) = root.as_array() {
        return named(Format::AutoRegister, "", list);
    }
    let maps: [(&str, &str, Format); 6] = [
        ("mcpServers", "/mcpServers", Format::McpServers),
        ("context_servers", "/context_servers", Format::Zed),
        ("mcp_servers", "/mcp_servers", Format::Codex),
        ("mcp.servers", "/mcp/servers", Format::VsCode),
        ("backends", "/backends", Format::MetaGateway),
        ("servers", "/servers", Format::McpUnify),
    ];
    for (section, pointer, format) in maps {
        match root.pointer(pointer) {
            Some(Value::Object(servers)) => {
                let entries = servers.iter().map(|(name, entry)| (name.clone(), entry.clone())).collect();
                let mut found = Found { format, section: section.to_owned(), entries };
                found.format = found.narrowed(root, file);
                return Some(found);
            }
            Some(Value::Array(list)) if section == "backends" => return named(Format::McpGw, section, list),
            Some(Value::Array(list)) => return named(Format::AutoRegister, section, list),
            // A section with every line below it commented out.
            Some(Value::Null) => return Some(Found { format, section: section.to_owned(), entries: Vec::new() }),
            _ => {}
        }
    }
    bare(root)
}

impl Found {
    /// Which of those that have a section of that name it is.
    fn narrowed(&self, root: &Value, file: &Path) -> Format {
        let any = |key: &str| self.entries.iter().any(|(_, entry)| entry.get(key).is_some());
        let below = |folder: &str| file.parent().is_some_and(|parent| parent.ends_with(folder));
        let is_json = file.extension().is_some_and(|extension| extension == "json" || extension == "jsonc");
        let has = |keys: &[&str]| keys.iter().any(|key| root.get(*key).is_some());
        match self.format {
            Format::McpServers if any("httpUrl") || below(".gemini") => Format::GeminiCli,
            Format::McpUnify if has(&["plugins", "roles", "registry", "idle_timeout"]) || any("lazy") => {
                Format::McpUnify
            }
            Format::McpUnify if has(&["enable_meta_mcp", "health_check_interval"]) || any("http_url") => {
                Format::MetaGateway
            }
            Format::McpUnify if is_json || root.get("inputs").is_some() => Format::VsCode,
            other => other,
        }
    }
}

/// A list whose items say their names.
fn named(format: Format, section: &str, list: &[Value]) -> Option<Found> {
    let name = |(at, entry): (usize, &Value)| {
        let name =
            entry.get("name").and_then(Value::as_str).map_or_else(|| format!("server-{}", at + 1), str::to_owned);
        (name, entry.clone())
    };
    let entries: Vec<_> = list.iter().enumerate().map(name).collect();
    let any = entries.is_empty() || entries.iter().any(|(_, entry)| is_server(entry));
    any.then(|| Found { format, section: section.to_owned(), entries })
}

/// A file of nothing but servers.
fn bare(root: &Value) -> Option<Found> {
    let servers = root.as_object().filter(|servers| !servers.is_empty() && servers.values().all(is_server))?;
    let entries = servers.iter().map(|(name, entry)| (name.clone(), entry.clone())).collect();
    Some(Found { format: Format::AutoRegister, section: String::new(), entries })
}

fn is_server(entry: &Value) -> bool {
    ["command", "url", "http_url", "serverUrl", "httpUrl"].iter().any(|key| entry.get(*key).is_some())
}
