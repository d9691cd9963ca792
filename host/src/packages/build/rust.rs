//! Plugins in Rust, with cargo.
//!
//! The crate `gateway-sdk` comes out of this binary, for those that take it from `.gateway/sdk/rust` in their folder.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

use super::{Artifact, BuildError, Job};
use crate::packages::embedded;

/// What plugins in Rust are compiled for.
pub const TARGET: &str = "wasm32-wasip2";

/// Builds the plugin and gives the component where cargo left it.
///
/// # Errors
/// See [`BuildError`].
pub(super) async fn build(job: &Job<'_>) -> Result<Artifact, BuildError> {
    let Job { folder, quiet, .. } = *job;
    let failed = |source| BuildError::Tool { tool: "cargo", source };
    give_sdk(folder)?;
    let mut cargo = Command::new("cargo");
    // Compiler messages are rendered on standard error and artifacts are told on standard output: the only way to find
    // them in workspaces and with target folders of one's own.
    cargo.args(["build", "--release", "--target", TARGET, "--message-format=json-render-diagnostics"]);
    cargo.args(quiet.then_some("--quiet")).current_dir(folder);
    cargo.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = cargo.spawn().map_err(failed)?;
    let manifest = folder.join("Cargo.toml");
    let manifest = fs::canonicalize(&manifest).map_err(|source| BuildError::Read { path: manifest, source })?;
    let mut component = None;
    if let Some(stdout) = child.stdout.take() {
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await.map_err(failed)? {
            component = component_of(&line, &manifest).or(component);
        }
    }
    let status = child.wait().await.map_err(failed)?;
    if !status.success() {
        return Err(match lacks_target(folder).await {
            true => BuildError::Target,
            false => BuildError::Failed { folder: folder.to_owned(), tool: "cargo", status },
        });
    }
    component.map(Artifact::kept).ok_or_else(|| BuildError::NoComponent { folder: folder.to_owned() })
}

/// Puts the SDK there, where the plugin takes it from there.
fn give_sdk(folder: &Path) -> Result<(), BuildError> {
    let manifest = folder.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).map_err(|source| BuildError::Read { path: manifest, source })?;
    match text.contains(embedded::rust::CRATE) {
        true => embedded::rust::write(folder).map_err(|source| BuildError::Write { path: folder.to_owned(), source }),
        false => Ok(()),
    }
}

/// The component that a line of cargo's tells of, where it is the library of the package with this `manifest`.
fn component_of(line: &str, manifest: &Path) -> Option<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        reason: String,
        manifest_path: PathBuf,
        target: Target,
        filenames: Vec<PathBuf>,
    }
    #[derive(Deserialize)]
    struct Target {
        kind: Vec<String>,
    }
    let message: Message = serde_json::from_str(line).ok()?;
    let is_ours = message.reason == "compiler-artifact"
        && message.target.kind.iter().any(|kind| kind == "cdylib")
        && fs::canonicalize(&message.manifest_path).is_ok_and(|path| path == manifest);
    let mut files = message.filenames.into_iter();
    files.find(|file| file.extension().is_some_and(|extension| extension == "wasm")).filter(|_| is_ours)
}

/// Whether the compiler that `folder` uses has no standard library for the target. Asked only after a failure, since
/// whoever builds the library along does without.
async fn lacks_target(folder: &Path) -> bool {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", TARGET]).current_dir(folder).stdin(Stdio::null());
    let Ok(output) = rustc.output().await else { return false };
    let libraries = String::from_utf8_lossy(&output.stdout);
    output.status.success() && !Path::new(libraries.trim()).is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_component_is_the_packages_own() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, other) = (folder.path().join("Cargo.toml"), folder.path().join("other.toml"));
        fs::write(&ours, "").unwrap();
        fs::write(&other, "").unwrap();
        let manifest = fs::canonicalize(&ours).unwrap();
        let line = |reason: &str, manifest: &Path, kind: &str, file: &str| {
            serde_json::json!({
                "reason": reason, "manifest_path": manifest, "target": { "kind": [kind] }, "filenames": [file],
            })
            .to_string()
        };
        let found = |line: String| component_of(&line, &manifest);
        let right = found(line("compiler-artifact", &ours, "cdylib", "/t/a.wasm"));
        assert_eq!(right.as_deref(), Some(Path::new("/t/a.wasm")));
        assert_eq!(found(line("compiler-artifact", &other, "cdylib", "/t/b.wasm")), None);
        assert_eq!(found(line("compiler-artifact", &ours, "bin", "/t/a.wasm")), None);
        assert_eq!(found(line("compiler-artifact", &ours, "cdylib", "/t/a.d")), None);
        assert_eq!(found(r#"{"reason":"build-finished","success":true}"#.to_owned()), None);
        assert_eq!(found("warning: no JSON".to_owned()), None);
    }
}
