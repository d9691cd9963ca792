//! Plugins in JavaScript or TypeScript, with QuickJS inside: told by `package.json`.
//!
//! The module that a plugin begins with is `main`, else `src/plugin.js` or one of a few names like that. What the file
//! names as `dependencies` is installed beside it by npm and comes along. `gateway-sdk`, the program that builds and
//! the WIT come out of this binary; what that program runs on is installed once and kept, at the versions that are written
//! down in it. `node_modules/gateway-sdk` in the plugin's folder is for editors, tests and the build alike.

mod tools;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use tokio::process::Command;

use super::{Artifact, BuildError, Job, run::run};
use crate::packages::{Digest, embedded};

/// What a build takes from `package.json`; the rest is for the program that builds.
#[derive(Debug, Deserialize)]
struct Package {
    #[serde(default)]
    dependencies: BTreeMap<String, String>,
}

/// Builds the plugin in a folder that goes with what is returned.
///
/// # Errors
/// See [`BuildError`].
pub(super) async fn build(job: &Job<'_>) -> Result<Artifact, BuildError> {
    // Tools that run elsewhere are told the whole path.
    let folder =
        fs::canonicalize(job.folder).map_err(|source| BuildError::Read { path: job.folder.to_owned(), source })?;
    let package = Package::read(&folder)?;
    let tools = tools::find(job).await?;
    package.install(job, &folder).await?;
    give_sdk(&folder.join("node_modules/gateway-sdk"))?;
    (job.say)("building");
    let write = |source| BuildError::Write { path: tools.clone(), source };
    // Below the tools, since that is where a module finds other packages.
    let work = tempfile::Builder::new().prefix("build-").tempdir_in(&tools).map_err(write)?;
    let (program, wit, file) = (work.path().join("program"), work.path().join("wit"), work.path().join("plugin.wasm"));
    embedded::write(embedded::js::BUILD, &program).map_err(write)?;
    embedded::write(embedded::WIT, &wit).map_err(write)?;
    let mut node = Command::new("node");
    node.arg(program.join("build/build.js")).arg(&folder).arg(&wit).arg(&file);
    run(node, "node", job).await?;
    Ok(Artifact { file, _work: Some(work) })
}

/// Puts the SDK there. A link leads to somebody's own, and is left alone.
fn give_sdk(place: &Path) -> Result<(), BuildError> {
    if fs::symlink_metadata(place).is_ok_and(|found| found.is_symlink()) {
        return Ok(());
    }
    let write = |source| BuildError::Write { path: place.to_owned(), source };
    embedded::write(embedded::js::SDK, place).map_err(write)
}

// === impl Package ===

impl Package {
    fn read(folder: &Path) -> Result<Self, BuildError> {
        let path = folder.join("package.json");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => return Err(BuildError::Read { path, source }),
        };
        let package: Self = match serde_json::from_str(&text) {
            Ok(package) => package,
            Err(error) => return Err(BuildError::Manifest { path, why: error.to_string() }),
        };
        // Whoever has that name in a registry is not meant.
        match package.dependencies.contains_key("gateway-sdk") {
            true => {
                Err(BuildError::Manifest { path, why: "gateway-sdk comes with the gateway; take it out".to_owned() })
            }
            false => Ok(package),
        }
    }

    /// Installs the dependencies into the plugin's folder, where they are not there already.
    async fn install(&self, job: &Job<'_>, folder: &Path) -> Result<(), BuildError> {
        if self.dependencies.is_empty() {
            return Ok(());
        }
        let marker = folder.join("node_modules/.gateway-installed");
        if fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted(folder)) {
            return Ok(());
        }
        (job.say)("installing the plugin's dependencies");
        let mut npm = Command::new("npm");
        npm.arg(if locks(folder).any(|lock| lock.is_file()) { "ci" } else { "install" });
        // Nothing of a package has to run on this machine for being a part of a component.
        npm.args(["--ignore-scripts", "--no-audit", "--no-fund", "--no-progress", "--loglevel=error"]);
        npm.current_dir(folder);
        run(npm, "npm", job).await?;
        fs::write(&marker, wanted(folder)).map_err(|source| BuildError::Write { path: marker, source })
    }
}

/// What npm takes the versions from.
fn locks(folder: &Path) -> impl Iterator<Item = PathBuf> {
    ["package-lock.json", "npm-shrinkwrap.json"].map(|name| folder.join(name)).into_iter()
}

/// What the dependencies are known by.
fn wanted(folder: &Path) -> String {
    let files = [folder.join("package.json")].into_iter().chain(locks(folder));
    let digests = files.map(|file| fs::read(file).map(|bytes| Digest::of(&bytes).to_string()).unwrap_or_default());
    digests.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_in_the_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let read = |text: &str| {
            fs::write(folder.path().join("package.json"), text).unwrap();
            Package::read(folder.path()).map(|package| package.dependencies.len()).map_err(|error| error.to_string())
        };
        assert_eq!(read("{}"), Ok(0));
        assert_eq!(read(r#"{"main": "a.js", "dependencies": {"yaml": "2"}}"#), Ok(1));
        assert!(read("{").unwrap_err().contains("package.json: EOF"));
        assert!(read(r#"{"dependencies": {"gateway-sdk": "1"}}"#).unwrap_err().contains("comes with the gateway"));
    }

    #[test]
    fn dependencies_are_known_by_both_files() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("package.json"), "{}").unwrap();
        let before = wanted(folder.path());
        fs::write(folder.path().join("package-lock.json"), "{}").unwrap();
        assert_ne!(wanted(folder.path()), before);
    }

    #[test]
    fn a_linked_sdk_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (own, place) = (folder.path().join("own"), folder.path().join("node_modules/gateway-sdk"));
        give_sdk(&place).unwrap();
        assert!(place.join("src/index.js").is_file());
        fs::remove_dir_all(&place).unwrap();
        fs::create_dir(&own).unwrap();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&own, &place).unwrap();
            give_sdk(&place).unwrap();
            assert_eq!(fs::read_dir(&own).unwrap().count(), 0);
        }
    }
}
