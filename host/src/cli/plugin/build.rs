//! `gateway plugin build`: from sources to `DIR/<name>.wasm`, with what the plugin asks for inside.

use std::{
    fmt::Write as _,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context as _;
use bytes::Bytes;
use gateway_core::{name::SourceName, payload::Json};
use gateway_wasm::{Inspection, Limits, PluginEngine, PluginSettings, inspect};

use super::{
    bad_manifest, examine, not_built,
    text::{self, Head},
    unavailable,
};
use crate::{
    cli::{Global, Usage, output, progress::Progress},
    folders::Folders,
    packages::{PackageError, build, file, manifest},
};

/// Build the plugin in a folder
#[derive(Debug, clap::Args)]
pub struct BuildCommand {
    /// The plugin's folder
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
}

/// A plugin that was just built.
pub(super) struct Built {
    /// The component.
    pub file: PathBuf,
    /// What it is.
    pub inspection: Inspection,
}

impl BuildCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Why there is no plugin now; one that was built before stays as it is.
    pub async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let folders = Folders::discover()?;
        let progress = Arc::new(Progress::idle());
        let engine = examine::engine(&folders, &progress);
        let built = run(&self.folder, &folders, &engine, &progress, global.quiet).await?;
        progress.finish();
        output::print(&built.text())?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Builds the plugin in `folder`, and looks at it before it takes the place of the one before.
///
/// # Errors
/// Why there is no plugin now.
pub(super) async fn run(
    folder: &Path,
    folders: &Folders,
    engine: &Arc<PluginEngine>,
    progress: &Progress,
    quiet: bool,
) -> anyhow::Result<Built> {
    if !folder.is_dir() {
        return Err(Usage::new(format!("{}: there is no such folder", folder.display())).into());
    }
    // Looked at first: it takes less time than a build.
    let manifest = manifest::in_folder(folder).map_err(bad_manifest)?;
    let file = file::built(folder).map_err(bad_manifest)?;
    let say = |what: &str| progress.say(what);
    let job = build::Job { folder, tools: &folders.tools, quiet, say: &say };
    let artifact = build::build(&job).await.map_err(not_built)?;
    progress.say("looking at the plugin");
    let what = file.display().to_string();
    let bytes = file::read(&artifact.file).await.map_err(|error| unavailable(PackageError::File(error)))?;
    let component = examine::component(&bytes, &what)?;
    // What its functions are said to do stands in their WIT, of which compilers leave the comments out.
    let wit = folder.join("wit");
    let bytes = match component.is_plain() && wit.is_dir() {
        true => inspect::with_docs(&bytes, &wit).with_context(|| format!("{what} cannot carry its documentation"))?,
        false => bytes,
    };
    let limits = manifest.as_ref().map(|manifest| Limits::new(&manifest.limits)).unwrap_or_default();
    let bytes = match manifest {
        None => bytes,
        Some(manifest) => inspect::with_manifest(&bytes, &Json::from_value(&manifest))
            .with_context(|| format!("{what} cannot carry its plugin.yaml"))?,
    };
    let bytes = Bytes::from(bytes);
    let name = file.file_stem().and_then(|stem| SourceName::new(stem.to_str()?).ok());
    let name = name.map_or_else(|| SourceName::new("plugin"), Ok)?;
    // Whoever builds a plugin wants it to run as it asks to.
    let settings = PluginSettings { limits, ..PluginSettings::default() };
    let inspection = examine::run(engine, &name, bytes.clone(), settings).await?;
    replace(&file, &bytes).with_context(|| format!("{what} cannot be written"))?;
    Ok(Built { file, inspection })
}

/// Writes `file` beside its place and then puts it there, so that a gateway that runs never reads half of it.
fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    // A file like any other of the folder, as far as this user's mask lets it.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut written = builder.prefix(".plugin").tempfile_in(folder)?;
    written.write_all(bytes)?;
    written.persist(file)?;
    // Newer than what it was built from, also where nothing in it changed.
    fs::File::options().write(true).open(file)?.set_modified(std::time::SystemTime::now())
}

impl Built {
    fn text(&self) -> String {
        let Inspection { sha256, size, component, tools } = &self.inspection;
        let names: Vec<String> = tools.iter().filter_map(Head::of).map(|head| text::plain(&head.name)).collect();
        let mut text = String::new();
        let _ = writeln!(text, "{}", self.file.display());
        let _ = writeln!(text, "  size       {}", text::size(*size));
        let _ = writeln!(text, "  sha256     {sha256}");
        let _ = writeln!(text, "  interface  {}", component.speaks());
        let _ = writeln!(text, "  tools      {}", names.join(", "));
        text
    }
}
