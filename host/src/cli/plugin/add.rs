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

use gateway_core::{
    name::{Naming, SourceName},
    payload::Json,
    units::{Seconds, Size},
};
use gateway_wasm::{
    Inspection, Limits, PluginConfig, PluginEngine, PluginSettings,
    config::{LimitsConfig, Manifest},
    inspect::Component,
};

use super::{
    bad_manifest, build, examine,
    grants::{Decision, GrantFlags, Grants},
    place::{Entry, Place, configured, seen_from},
    running, text, unavailable,
};
use crate::{
    cli::{Global, Usage, output, progress::Progress, running::Running},
    folders::Folders,
    packages::{self, Digest, Downloads, Pin, Reference, Retrieved, lockfile, manifest, retrieve},
};

/// What a plugin may take while it lists its tools, before a person has agreed to what it asks for.
const MEMORY: Size = Size::mib(1024);
/// The same for its time.
const TIME: Duration = Duration::from_secs(60);

/// Add a plugin to the configuration
#[derive(Debug, clap::Args)]
pub struct AddCommand {
    /// A `.wasm` file, a plugin's folder, an https address, or oci://HOST/NAME:TAG
    #[arg(value_name = "REF")]
    reference: String,
    /// The plugin's name in the configuration [default: what it calls itself]
    #[arg(long)]
    name: Option<String>,
    /// The SHA-256 that it has to have
    #[arg(long, value_name = "DIGEST")]
    sha256: Option<Digest>,
    /// Who has to have signed it: a name in `signers`; once for each who may
    #[arg(long, value_name = "SIGNER")]
    signed_by: Vec<String>,
    #[command(flatten)]
    grants: GrantFlags,
    /// Replace the plugin of that name
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    running: Running,
}

/// A plugin that could be added.
struct Candidate {
    reference: Reference,
    found: Retrieved,
    manifest: Manifest,
}

impl AddCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Why it was not added; then nothing has changed.
    pub async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        if let Some(api) = self.running.api(global)? {
            if !self.grants.is_empty() || self.sha256.is_some() || !self.signed_by.is_empty() {
                let message = "a plugin that is added to a gateway that runs gets no grants and no pins";
                return Err(Usage::new(message)
                    .hint("leave --running out: a gateway that runs follows its file")
                    .into());
            }
            running::add(&api, &self.reference, self.name.as_deref(), self.force).await?;
            return Ok(ExitCode::SUCCESS);
        }
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
        let before = configured(&place.config, &name).cloned();
        let before = before.unwrap_or_else(|| PluginConfig::from_source(self.reference.trim()));
        let signer = self.signer(&place, &before, &candidate, &folders).await?;
        let settings = PluginSettings {
            limits: Limits::new(&limits),
            config: Json::from_value(&before.config),
            ..PluginSettings::default()
        };
        let inspection = examine::run(&engine, &name, candidate.found.bytes.clone(), settings).await?;
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
        let locked = self.locked(&place, &entry, before, &candidate, &inspection, signer.as_deref());
        let mut lock = lockfile::Edit::open(place.trust().lock().file()).map_err(|error| unavailable(error.into()))?;
        lock.set(name.as_str(), &locked).and_then(|()| lock.save()).map_err(|error| unavailable(error.into()))?;
        let report = place.add(&name, &entry).inspect_err(|_| {
            // The error is what is told.
            let _ = lock.undo();
        })?;
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
        let pin =
            self.sha256.map(|digest| Pin { digest, manifest: None, written: "--sha256".to_owned(), is_locked: false });
        if reference.is_remote() {
            progress.say(&format!("downloading {reference}"));
        }
        let watch = |done: u64, total: Option<u64>| progress.bytes(done, total);
        let downloads = Downloads::new(folders.packages.clone());
        let found = retrieve(&reference, pin.as_ref(), &downloads, &watch).await.map_err(unavailable)?;
        let component = examine::component(&found.bytes, &reference.to_string())?;
        let manifest = manifest_of(&reference, &component)?;
        Ok(Candidate { reference, found, manifest })
    }

    /// The name: what the command says, else the plugin, else the reference.
    fn name_of(&self, candidate: &Candidate) -> Result<SourceName, Usage> {
        let named = self.name.clone().or_else(|| candidate.manifest.name.clone());
        source_name(&named.or_else(|| candidate.reference.stem()).unwrap_or_default())
    }

    /// Who signed it, where somebody has to.
    async fn signer(
        &self,
        place: &Place,
        before: &PluginConfig,
        candidate: &Candidate,
        folders: &Folders,
    ) -> anyhow::Result<Option<String>> {
        let mut config = before.clone();
        if !self.signed_by.is_empty() {
            config.signed_by.clone_from(&self.signed_by);
        }
        let downloads = Downloads::new(folders.packages.clone());
        let signer = place.trust().signer(&config, &candidate.reference, &candidate.found, &downloads);
        signer.await.map_err(unavailable)
    }

    /// What is written into the lock file.
    fn locked(
        &self,
        place: &Place,
        entry: &Entry,
        before: PluginConfig,
        candidate: &Candidate,
        inspection: &Inspection,
        signer: Option<&str>,
    ) -> lockfile::Entry {
        let config =
            PluginConfig { source: entry.source.clone(), permissions: entry.grants.permissions.clone(), ..before };
        let locked = examine::entry(&config, place.trust(), &candidate.found, &candidate.manifest, inspection, signer);
        // A folder is built again while one works on it.
        let is_folder = matches!(&candidate.reference, Reference::Local(path) if path.is_dir());
        let sha256 = locked.sha256.filter(|_| !is_folder || self.sha256.is_some());
        lockfile::Entry { sha256, ..locked }
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
            // Its tag is what it is updated by, and the lock file says which one it is.
            Reference::Oci(_) => (self.reference.trim().to_owned(), false),
        };
        // A folder is built again while one works on it, and is pinned only where that is asked for.
        let sha256 = self.sha256.or_else(|| pinned.then(|| Digest::of(&candidate.found.bytes)));
        Ok(Entry { source, sha256, grants, signed_by: self.signed_by.clone() })
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
        Reference::Web(_) | Reference::Oci(_) => Ok(None),
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
