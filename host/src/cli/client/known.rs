//! The clients that are known, and where each of them keeps its servers.

use std::path::{Path, PathBuf};

use crate::{folders, import::Format};

/// A client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Known {
    #[value(alias = "claude")]
    ClaudeCode,
    ClaudeDesktop,
    Cursor,
    #[value(name = "vscode", alias = "code")]
    VsCode,
    Windsurf,
    Zed,
    Codex,
    #[value(alias = "gemini")]
    GeminiCli,
}

/// Whose settings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Scope {
    /// Those of the user
    #[default]
    User,
    /// Those of the project in the working folder
    Project,
}

/// Where things are on this machine.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    pub(super) home: PathBuf,
    /// `~/.config`, or what stands for it.
    config: PathBuf,
    is_mac: bool,
    /// The working folder.
    project: PathBuf,
}

impl Machine {
    pub(super) fn here() -> anyhow::Result<Self> {
        let (home, config) = folders::user()?;
        Ok(Self { home, config, is_mac: cfg!(target_os = "macos"), project: std::env::current_dir()? })
    }

    /// Where programs of the desktop keep their settings.
    fn applications(&self) -> PathBuf {
        if self.is_mac { self.home.join("Library/Application Support") } else { self.config.clone() }
    }
}

impl Known {
    pub(super) const ALL: [Self; 8] = [
        Self::ClaudeCode,
        Self::ClaudeDesktop,
        Self::Cursor,
        Self::VsCode,
        Self::Windsurf,
        Self::Zed,
        Self::Codex,
        Self::GeminiCli,
    ];

    /// As it is called on the command line.
    pub(super) fn id(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::ClaudeDesktop => "claude-desktop",
            Self::Cursor => "cursor",
            Self::VsCode => "vscode",
            Self::Windsurf => "windsurf",
            Self::Zed => "zed",
            Self::Codex => "codex",
            Self::GeminiCli => "gemini-cli",
        }
    }

    /// As its makers call it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code",
            Self::ClaudeDesktop => "Claude Desktop",
            Self::Cursor => "Cursor",
            Self::VsCode => "VS Code",
            Self::Windsurf => "Windsurf",
            Self::Zed => "Zed",
            Self::Codex => "Codex",
            Self::GeminiCli => "Gemini CLI",
        }
    }

    /// The file with its servers; `None` where it has none of that scope.
    pub(super) fn file(self, scope: Scope, machine: &Machine) -> Option<PathBuf> {
        let Machine { home, config, project, .. } = machine;
        Some(match (self, scope) {
            (Self::ClaudeCode, Scope::User) => home.join(".claude.json"),
            (Self::ClaudeCode, Scope::Project) => project.join(".mcp.json"),
            (Self::ClaudeDesktop, Scope::User) => machine.applications().join("Claude/claude_desktop_config.json"),
            (Self::Cursor, Scope::User) => home.join(".cursor/mcp.json"),
            (Self::Cursor, Scope::Project) => project.join(".cursor/mcp.json"),
            (Self::VsCode, Scope::User) => machine.applications().join("Code/User/mcp.json"),
            (Self::VsCode, Scope::Project) => project.join(".vscode/mcp.json"),
            (Self::Windsurf, Scope::User) => home.join(".codeium/windsurf/mcp_config.json"),
            // On macOS too, whatever the variable says there.
            (Self::Zed, Scope::User) if machine.is_mac => home.join(".config/zed/settings.json"),
            (Self::Zed, Scope::User) => config.join("zed/settings.json"),
            (Self::Zed, Scope::Project) => project.join(".zed/settings.json"),
            (Self::Codex, Scope::User) => home.join(".codex/config.toml"),
            (Self::Codex, Scope::Project) => project.join(".codex/config.toml"),
            (Self::GeminiCli, Scope::User) => home.join(".gemini/settings.json"),
            (Self::GeminiCli, Scope::Project) => project.join(".gemini/settings.json"),
            (Self::ClaudeDesktop | Self::Windsurf, Scope::Project) => return None,
        })
    }

    /// The key with its servers.
    pub(super) fn section(self) -> &'static str {
        match self {
            Self::VsCode => "servers",
            Self::Zed => "context_servers",
            Self::Codex => "mcp_servers",
            _ => "mcpServers",
        }
    }

    /// What an entry has in it beside what is started.
    pub(super) fn marks(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::ClaudeCode | Self::VsCode => &[("type", "stdio")],
            Self::Zed => &[("source", "custom")],
            _ => &[],
        }
    }

    /// How its servers are written.
    pub(super) fn format(self) -> Format {
        match self {
            Self::VsCode => Format::VsCode,
            Self::Zed => Format::Zed,
            Self::Codex => Format::Codex,
            Self::GeminiCli => Format::GeminiCli,
            _ => Format::McpServers,
        }
    }

    /// Every file with servers of it, and the path to them in the file.
    pub(super) fn servers(self, machine: &Machine) -> Vec<(PathBuf, Vec<String>)> {
        let section = vec![self.section().to_owned()];
        let files = [Scope::User, Scope::Project].into_iter().filter_map(|scope| self.file(scope, machine));
        let mut servers: Vec<_> = files.map(|file| (file, section.clone())).collect();
        if self == Self::ClaudeCode {
            // What `claude mcp add` writes unless told otherwise: for the user, in this project alone.
            let project = machine.project.to_string_lossy().into_owned();
            servers.push((machine.home.join(".claude.json"), vec!["projects".to_owned(), project, section[0].clone()]));
        }
        servers
    }

    /// Whether there are signs of it.
    pub(super) fn is_there(self, machine: &Machine) -> bool {
        let file = self.file(Scope::User, machine);
        let folder = match self {
            Self::ClaudeCode => Some(machine.home.join(".claude")),
            // `User` is made when it is first started.
            _ => file.as_deref().and_then(Path::parent).map(Path::to_owned),
        };
        folder.is_some_and(|folder| folder.is_dir()) || file.is_some_and(|file| file.exists())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_where_clients_look_for_them() {
        let machine = |is_mac| Machine { home: "/h".into(), config: "/h/.config".into(), is_mac, project: "/p".into() };
        let file = |client: Known, scope, is_mac| {
            client.file(scope, &machine(is_mac)).map(|file| file.to_string_lossy().into_owned())
        };
        for (client, linux, mac, project) in [
            (Known::ClaudeCode, "/h/.claude.json", "/h/.claude.json", Some("/p/.mcp.json")),
            (
                Known::ClaudeDesktop,
                "/h/.config/Claude/claude_desktop_config.json",
                "/h/Library/Application Support/Claude/claude_desktop_config.json",
                None,
            ),
            (Known::Cursor, "/h/.cursor/mcp.json", "/h/.cursor/mcp.json", Some("/p/.cursor/mcp.json")),
            (
                Known::VsCode,
                "/h/.config/Code/User/mcp.json",
                "/h/Library/Application Support/Code/User/mcp.json",
                Some("/p/.vscode/mcp.json"),
            ),
            (Known::Windsurf, "/h/.codeium/windsurf/mcp_config.json", "/h/.codeium/windsurf/mcp_config.json", None),
            (Known::Zed, "/h/.config/zed/settings.json", "/h/.config/zed/settings.json", Some("/p/.zed/settings.json")),
            (Known::Codex, "/h/.codex/config.toml", "/h/.codex/config.toml", Some("/p/.codex/config.toml")),
            (
                Known::GeminiCli,
                "/h/.gemini/settings.json",
                "/h/.gemini/settings.json",
                Some("/p/.gemini/settings.json"),
            ),
        ] {
            assert_eq!(file(client, Scope::User, false).as_deref(), Some(linux));
            assert_eq!(file(client, Scope::User, true).as_deref(), Some(mac));
            assert_eq!(file(client, Scope::Project, false).as_deref(), project);
        }
    }
}
