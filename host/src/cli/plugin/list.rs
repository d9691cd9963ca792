//! `gateway plugin list`: the plugins of the configuration, and whether each of them runs.

use std::{fmt::Write as _, process::ExitCode, sync::Arc};

use gateway_core::{
    error::{CallError, Failure},
    name::{Naming, SourceName},
    source::{Events, Source as _},
};
use gateway_wasm::{Limits, Plugin, PluginConfig, PluginEngine, PluginSettings};
use serde::Serialize;

use super::{
    examine,
    grants::{Grants, Shown},
    place::seen_from,
    running, text,
};
use crate::{
    cli::{
        Global,
        open::{self, Logging},
        output,
        progress::Progress,
        running::Running,
    },
    config::Broken,
    folders::Folders,
    packages::{Configured, Downloads},
};

/// List the plugins of the configuration
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
    plugins: Vec<Listed>,
}

#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    enabled: bool,
    /// Missing: not known, since it is disabled or does not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<usize>,
    /// Whether it was compiled and its tools were known before this was asked. Missing: as `tools`.
    #[serde(skip_serializing_if = "Option::is_none")]
    cached: Option<bool>,
    granted: Shown,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl ListCommand {
    /// Runs the command. A plugin that was never compiled is compiled now, so that what is listed is what there is.
    ///
    /// # Errors
    /// Wrong configuration. That a plugin does not run is part of the list.
    pub async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        if let Some(api) = self.running.api(global)? {
            running::list(&api, self.json).await?;
            return Ok(ExitCode::SUCCESS);
        }
        let (file, loaded) = open::load(global, Logging::Quiet)?;
        let folder = std::path::absolute(&file)?.parent().map(ToOwned::to_owned).unwrap_or_default();
        let (folders, progress) = (Folders::discover()?, Arc::new(Progress::start("reading the plugins")));
        let engine = examine::engine(&folders, &progress);
        let trust = loaded.config.trust(&file);
        let mut plugins: Vec<Listed> = loaded.broken.into_iter().filter_map(Listed::broken).collect();
        for (name, plugin) in loaded.config.plugins.iter() {
            let source = match plugin.source.contains("://") {
                true => plugin.source.clone(),
                false => seen_from(plugin.source.as_ref(), &folder).display().to_string(),
            };
            let mut listed = Listed::of(name, &plugin.0, source);
            if plugin.enabled {
                let package = Configured {
                    plugin: name.clone(),
                    config: plugin.0.clone(),
                    folder: folder.clone(),
                    downloads: Downloads::new(folders.packages.clone()),
                    trust: trust.clone(),
                };
                listed.learn(name, package, &plugin.0, &engine).await;
            }
            plugins.push(listed);
        }
        progress.finish();
        let listing = Listing { plugins };
        match self.json {
            true => output::print_json(&listing)?,
            false => output::print(&listing.text())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Listed {
    fn of(name: &SourceName, plugin: &PluginConfig, source: String) -> Self {
        Self {
            name: name.to_string(),
            source: Some(source),
            enabled: plugin.enabled,
            tools: None,
            cached: None,
            granted: Shown::of(&Grants::granted(plugin)),
            error: None,
            hint: None,
        }
    }

    /// One that the configuration leaves out; `None` where it is no plugin.
    fn broken(entry: Broken) -> Option<Self> {
        (entry.section == "plugins").then(|| Self {
            name: entry.name.to_string(),
            source: None,
            enabled: true,
            tools: None,
            cached: None,
            granted: Shown::default(),
            error: Some(entry.reason),
            hint: entry.hint,
        })
    }

    async fn learn(
        &mut self,
        name: &SourceName,
        package: Configured,
        plugin: &PluginConfig,
        engine: &Arc<PluginEngine>,
    ) {
        // To list its tools it needs what it may take, and nothing else.
        let settings = PluginSettings {
            limits: Limits::new(&plugin.limits),
            config: gateway_core::payload::Json::from_value(&plugin.config),
            ..PluginSettings::default()
        };
        let (events, _) = Events::channel();
        let naming = Naming::canonical(name);
        let source = Plugin::new(name.clone(), naming, Arc::new(package), settings, engine.clone(), events);
        match source.learn().await {
            Ok(()) => {
                let status = source.status();
                (self.tools, self.cached) = (status.tools, Some(status.starts == 0));
            }
            Err(CallError::Failed(Failure { message, hint, .. })) => {
                (self.error, self.hint) = (Some(message.into()), hint.map(Into::into));
            }
            Err(error) => self.error = Some(error.to_string()),
        }
    }
}

impl Listing {
    fn text(&self) -> String {
        if self.plugins.is_empty() {
            return "no plugins; `gateway plugin add` adds one\n".to_owned();
        }
        let mut shown = String::new();
        for plugin in &self.plugins {
            let state = match (plugin.enabled, plugin.tools, plugin.cached) {
                (false, ..) => "disabled".to_owned(),
                (true, Some(count), Some(false)) => format!("{}, compiled just now", text::tools(count)),
                (true, Some(count), _) => text::tools(count),
                (true, None, _) => "does not run".to_owned(),
            };
            let source = plugin.source.as_deref().map(|source| format!("  {source}")).unwrap_or_default();
            let _ = writeln!(shown, "{}{source}  [{state}]", plugin.name);
            let mut details: Vec<String> = plugin.granted.lines.iter().map(|line| format!("may {line}")).collect();
            details.extend(plugin.error.iter().map(|error| format!("error: {error}")));
            details.extend(plugin.hint.iter().map(|hint| format!("hint: {hint}")));
            for line in details {
                let _ = writeln!(shown, "  {}", text::plain(&line));
            }
        }
        shown
    }
}
