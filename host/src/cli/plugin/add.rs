//! `gateway plugin add`: looked at, agreed to, and written into `gateway.yaml`; in this order, so that a plugin that
//! fails on the way leaves nothing behind.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal as _, Write as _, stderr, stdin},
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use gateway_core::{
    name::{Naming, SourceName},
    payload::Json,
    units::{Seconds, Size},
};
use gateway_wasm::{
    Inspection, Limits, PluginEngine, PluginSettings,
    config::{LimitsConfig, Manifest},
    inspect::Component,
};

use super::{
    bad_manifest, build, examine,
    grants::{Decision, GrantFlags, Grants},
    place::{Entry, Place, configured, seen_from},
    text, unavailable,
};
use crate::{
    cli::{Global, Usage, output, progress::Progress},
    folders::Folders,
    packages::{self, Digest, Downloads, Pin, Reference, manifest, retrieve},
};

/// What a plugin may take while it lists its tools, before a person has agreed to what it asks for.
const MEMORY: Size = Size::mib(1024);
/// The same for its time.
const TIME: Duration = Duration::from_secs(60);

/// Add a plugin to the configuration
#[derive(Debug, clap::Args)]
pub struct AddCommand {
    /// A `.wasm` file, a plugin's folder, or an https address
    #[arg(value_name = "REF")]
    reference: String,
    /// The plugin's name in the configuration [default: what it calls itself]
    #[arg(long)]
    name: Option<String>,
    /// The SHA-256 that it has to have
    #[arg(long, value_name = "DIGEST")]
    sha256: Option<Digest>,
    #[command(flatten)]
    grants: GrantFlags,
    /// Replace the plugin of that name
    #[arg(long)]
    force: bool,
}

/// A plugin that could be added.
struct Candidate {
    reference: Reference,
    bytes: Bytes,
    manifest: Manifest,
}

impl AddCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Why it was not added; then nothing has changed.
    pub async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let place = Place::open(global)?;
        if let Some(name) = &self.name {
            // Known early, it is refused early.
            place.check_free(&source_name(name)?, self.force)?;
        }
        let (folders, progress) = (Folders::discover()?, Arc::new(Progress::idle()));
        let engine = examine::engine(&folders, &progress);
        let candidate = self.fetch(&engine, &folders, &progress, global.quiet).await?;
        let name = self.name_of(&candidate)?;
        place.check_free(&name, self.force)?;

        let asked = Grants::asked(&candidate.manifest);
        let decision = self.grants.decide(&asked, &place.folder(), stdin().is_terminal() && stderr().is_terminal())?;
        let limits = match &decision {
            Decision::Grant(grants) => grants.limits.clone(),
            Decision::Ask => bounded(&asked.limits),
            Decision::Refuse => return Err(refusal(&name, &asked).into()),
        };
        let known = configured(&place.config, &name).and_then(|plugin| plugin.config.clone());
        let settings = PluginSettings {
            limits: Limits::new(&limits),
            config: Json::from_value(&known),
            ..PluginSettings::default()
        };
        let inspection = examine::run(&engine, &name, candidate.bytes.clone(), settings).await?;
        progress.finish();
        let naming = place.naming(&name);
        let grants = match decision {
            Decision::Grant(grants) => grants,
            _ => match agreed(&candidate.manifest, &name, &asked, &inspection, &naming)? {
                true => asked.clone(),
                false => anyhow::bail!("{name} was not added"),
            },
        };
        grants.check_folders(&place.folder())?;
        let file = place.file.clone();
        let entry = self.entry(&candidate, grants, &place.folder())?;
        let report = place.add(&name, &entry)?;
        if !report.problems.is_empty() {
            // The plugin is added, and will not run before this is mended.
            let _ = stderr().write_all(report.to_string().as_bytes());
        }
        output::print(&added(&name, &file, &inspection, &naming, &asked, &entry.grants))?;
        Ok(ExitCode::SUCCESS)
    }

    /// The plugin, built where that is needed.
    async fn fetch(
        &self,
        engine: &Arc<PluginEngine>,
        folders: &Folders,
        progress: &Progress,
        quiet: bool,
    ) -> anyhow::Result<Candidate> {
        let reference = Reference::parse(&self.reference, Path::new("")).map_err(|error| unavailable(error.into()))?;
        if let Reference::Local(path) = &reference
            && path.is_dir()
            && packages::build::is_stale(path).map_err(|error| unavailable(error.into()))?
        {
            build::run(path, folders, engine, progress, quiet).await?;
        }
        let pin = self.sha256.map(|digest| Pin { digest, written: "--sha256".to_owned() });
        if matches!(reference, Reference::Web(_)) {
            progress.say(&format!("downloading {reference}"));
        }
        let watch = |done: u64, total: Option<u64>| progress.bytes(done, total);
        let downloads = Downloads::new(folders.packages.clone());
        let bytes = retrieve(&reference, pin.as_ref(), &downloads, &watch).await.map_err(unavailable)?;
        let component = examine::component(&bytes, &reference.to_string())?;
        let manifest = manifest_of(&reference, &component)?;
        Ok(Candidate { reference, bytes, manifest })
    }

    /// The name: what the command says, else the plugin, else the reference.
    fn name_of(&self, candidate: &Candidate) -> Result<SourceName, Usage> {
        let named = self.name.clone().or_else(|| candidate.manifest.name.clone());
        source_name(&named.or_else(|| candidate.reference.stem()).unwrap_or_default())
    }

    fn entry(&self, candidate: &Candidate, grants: Grants, folder: &Path) -> Result<Entry, Usage> {
        let (source, pinned) = match &candidate.reference {
            Reference::Local(path) => {
                let path = seen_from(path, folder);
                let source = path.to_str().ok_or_else(|| {
                    Usage::new(format!("{}: a name that is no text cannot be written down", path.display()))
                })?;
                (source.to_owned(), path.extension().is_some_and(|extension| extension == "wasm"))
            }
            Reference::Web(_) => (self.reference.trim().to_owned(), true),
        };
        // A folder is built again while one works on it, and is pinned only where that is asked for.
        let sha256 = self.sha256.or_else(|| pinned.then(|| Digest::of(&candidate.bytes)));
        Ok(Entry { source, sha256, grants })
    }
}

/// What the plugin says about itself: inside of the component, else beside it.
///
/// # Errors
/// Where that is not understood.
pub(super) fn manifest_of(reference: &Reference, component: &Component) -> anyhow::Result<Manifest> {
    if let Some(manifest) = examine::manifest(component, &reference.to_string())? {
        return Ok(manifest);
    }
    let beside = match reference {
        Reference::Local(path) => manifest::in_folder(path.parent().filter(|_| path.is_file()).unwrap_or(path)),
        Reference::Web(_) => Ok(None),
    };
    Ok(beside.map_err(bad_manifest)?.unwrap_or_default())
}

fn source_name(name: &str) -> Result<SourceName, Usage> {
    SourceName::new(name).map_err(|error| Usage::new(format!("{name:?}: {error}")).hint("name it with --name NAME"))
}

/// The limits that it may have before anybody agreed to them.
pub(super) fn bounded(limits: &LimitsConfig) -> LimitsConfig {
    LimitsConfig {
        memory: limits.memory.map(|memory| memory.min(MEMORY)),
        time: limits.time.map(|time| time.min(Seconds::new(TIME.as_secs()))),
        ..LimitsConfig::default()
    }
}

fn refusal(name: &SourceName, asked: &Grants) -> Usage {
    let lines: Vec<String> = asked.lines().iter().map(|line| text::plain(line)).collect();
    Usage::new(format!("{name} asks to {}, and there is no terminal to agree on", lines.join(", to "))).hint(
        "--yes grants all of it; --allow-net, --allow-dir, --allow-env and --allow-tool grant exactly what they name",
    )
}

/// Shows what the plugin is and asks for, and asks whether that is granted.
fn agreed(
    manifest: &Manifest,
    name: &SourceName,
    asked: &Grants,
    inspection: &Inspection,
    naming: &Naming,
) -> io::Result<bool> {
    let mut shown = String::new();
    let description = manifest.description.as_deref().map(|text| format!(" ({})", text::plain(text)));
    let (description, tools) = (description.unwrap_or_default(), text::tools(inspection.tools.len()));
    let _ = writeln!(shown, "{name}{description} has {tools}:");
    shown.push_str(&text::tool_lines(&inspection.tools, naming));
    shown.push_str(&text::section("It asks to", &asked.lines()));
    shown.push_str("Grant all of this? [y/N] ");
    stderr().write_all(shown.as_bytes())?;
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn added(
    name: &SourceName,
    file: &Path,
    inspection: &Inspection,
    naming: &Naming,
    asked: &Grants,
    granted: &Grants,
) -> String {
    let tools = text::tools(inspection.tools.len());
    let mut shown = format!("added {name} to {}, with {tools}:\n", file.display());
    shown.push_str(&text::tool_lines(&inspection.tools, naming));
    shown.push_str(&text::section("granted: it may", &granted.lines()));
    shown.push_str(&text::section("not granted, though it asks to", &asked.without(granted).lines()));
    shown
}
