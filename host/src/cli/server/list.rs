//! `gateway server list`.

use std::{fmt::Write as _, path::Path};

use serde::Serialize;
use serde_yaml::Value;

use super::{not_edited, running};
use crate::{
    cli::{
        Global,
        open::{self, Logging},
        output,
        running::Running,
    },
    config::{Loaded, edit::Edit},
};

/// List the servers of the configuration
///
/// Shows them as they are written: variables are not filled in, and values of `env` and `headers` are left out.
#[derive(Debug, clap::Args)]
pub struct ListCommand {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    running: Running,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Listing {
    servers: Vec<Listed>,
}

#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    args: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// The names alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    env: Vec<String>,
    /// The names alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    headers: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Why it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl ListCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Where there is no configuration, or it cannot be used.
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        if let Some(api) = self.running.api(global)? {
            return running::list(&api, self.json).await;
        }
        let (file, loaded) = open::load(global, Logging::Quiet)?;
        let listing = Listing::of(&file, &loaded)?;
        match self.json {
            true => output::print_json(&listing)?,
            false => output::print(&listing.text())?,
        }
        Ok(())
    }
}

impl Listing {
    fn of(file: &Path, loaded: &Loaded) -> anyhow::Result<Self> {
        let edit = Edit::open(file).map_err(not_edited)?;
        let listed = |name: String| {
            let entry = edit.entry("servers", &name).unwrap_or_default();
            let broken =
                loaded.broken.iter().find(|broken| broken.section == "servers" && broken.name.as_str() == name);
            Listed::of(name, &entry, broken.map(|broken| broken.reason.clone()))
        };
        Ok(Self { servers: edit.names("servers").into_iter().map(listed).collect() })
    }

    fn text(&self) -> String {
        if self.servers.is_empty() {
            return "No servers are configured; `gateway server add` adds one.\n".to_owned();
        }
        let width = self.servers.iter().map(|server| server.name.len()).max().unwrap_or_default();
        let mut text = String::new();
        for server in &self.servers {
            let _ = writeln!(text, "{:width$}  {}", server.name, server.text());
        }
        text
    }
}

impl Listed {
    fn of(name: String, entry: &Value, error: Option<String>) -> Self {
        let text = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
        let names = |key: &str| {
            let names = entry.get(key).and_then(Value::as_mapping).into_iter().flat_map(|mapping| mapping.keys());
            names.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let args = entry.get("args").and_then(Value::as_sequence).into_iter().flatten();
        let arg =
            |arg: &Value| arg.as_str().map_or_else(|| arg.as_i64().unwrap_or_default().to_string(), str::to_owned);
        Self {
            name,
            enabled: entry.get("enabled") != Some(&Value::Bool(false)),
            command: text("command"),
            args: args.map(arg).collect(),
            url: text("url").or_else(|| text("http_url")),
            env: names("env"),
            headers: names("headers"),
            description: text("description"),
            error,
        }
    }

    fn text(&self) -> String {
        let mut text = match (&self.url, &self.command) {
            (Some(url), _) => url.clone(),
            (None, Some(command)) => {
                let args = self.args.iter().map(|arg| shell_words::quote(arg));
                std::iter::once(command.as_str().into()).chain(args).collect::<Vec<_>>().join(" ")
            }
            (None, None) => String::new(),
        };
        if !self.enabled {
            text.push_str(" [disabled]");
        }
        if let Some(error) = &self.error {
            let _ = write!(text, " [{error}]");
        }
        if let Some(description) = &self.description {
            let _ = write!(text, " - {description}");
        }
        text
    }
}
