//! What the program that builds runs on: Node, and packages that are kept for the gateway.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;

use super::super::{
    BuildError, Job,
    run::{lock, run},
};
use crate::packages::{Digest, embedded};

/// The oldest Node that will do.
const NODE: u32 = 20;

/// Finds Node, and the folder with the packages, which are installed there where they are not yet.
///
/// # Errors
/// See [`BuildError`].
pub(super) async fn find(job: &Job<'_>) -> Result<PathBuf, BuildError> {
    check().await?;
    // Other versions are other folders: a gateway of another version may be building.
    let versions: Vec<u8> = embedded::js::TOOLS.iter().flat_map(|(_, bytes)| *bytes).copied().collect();
    let name = format!("js-{:.16}", Digest::of(&versions).to_string());
    let folder = job.tools.join(&name);
    let write = |source| BuildError::Write { path: folder.clone(), source };
    crate::folders::private(job.tools).map_err(write)?;
    // Held while this lives: builds that begin together wait for the first.
    let _lock = lock(job.tools.join(format!("{name}.lock"))).await.map_err(write)?;
    if !folder.is_dir() {
        install(job, &folder).await?;
    }
    Ok(folder)
}

/// Installs the packages beside `folder`, which is there as soon as they are.
async fn install(job: &Job<'_>, folder: &Path) -> Result<(), BuildError> {
    (job.say)("installing what plugins in JavaScript are built with");
    let write = |source| BuildError::Write { path: folder.to_owned(), source };
    let made = tempfile::Builder::new().prefix(".installing").tempdir_in(job.tools).map_err(write)?;
    let packages = made.path().join("packages");
    embedded::write(embedded::js::TOOLS, &packages).map_err(write)?;
    let mut npm = Command::new("npm");
    npm.args(["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--no-progress", "--loglevel=error"]);
    npm.current_dir(&packages);
    run(npm, "npm", job).await?;
    fs::rename(&packages, folder).map_err(write)
}

/// Whether there is a Node that will do.
async fn check() -> Result<(), BuildError> {
    let mut node = Command::new("node");
    node.arg("--version").stdin(Stdio::null()).kill_on_drop(true);
    let output = node.output().await.map_err(|source| BuildError::Tool { tool: "node", source })?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    match is_new_enough(&version) {
        true => Ok(()),
        false => Err(BuildError::OldNode { version }),
    }
}

/// Whether a version, such as `v20.1.0`, will do.
fn is_new_enough(version: &str) -> bool {
    let major = version.strip_prefix('v').and_then(|version| version.split('.').next()?.parse().ok());
    major.is_some_and(|major: u32| major >= NODE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_is_new_enough_from_20_on() {
        for (version, is_enough) in
            [("v20.0.0", true), ("v24.1.0", true), ("v18.20.1", false), ("", false), ("20", false)]
        {
            assert_eq!(is_new_enough(version), is_enough, "{version}");
        }
    }
}
