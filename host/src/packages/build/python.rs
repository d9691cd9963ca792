//! Plugins in Python, with componentize-py: told by `pyproject.toml`.
//!
//! The module that is built is `module` below `[tool.gateway]`, else the one that is called like the project; modules lie
//! in `src`, else beside `pyproject.toml`. What `[project]` names as `dependencies` comes along, where it is pure Python.
//! `gateway_sdk` and the WIT come out of this binary. `.gateway` in the plugin's folder keeps the package for editors and
//! tests (`.gateway/python`) and the dependencies (`.gateway/packages`); it may be deleted at any time.

mod tools;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use tokio::process::Command;

use self::tools::Tools;
use super::{Artifact, BuildError, Job, run::run};
use crate::packages::embedded;

/// The module that componentize-py begins with; `gateway_sdk._build` writes it.
const MAIN: &str = "gateway_plugin_main";
/// The world that `gateway_sdk._build` writes.
const WORLD: &str = "gateway:python-plugin/component";
/// What Python packages are asked to be for; the one that componentize-py brings.
const VERSION: &str = "3.14";

/// What a build takes from `pyproject.toml`.
#[derive(Debug, Default, Deserialize)]
struct PyProject {
    #[serde(default)]
    project: Project,
    #[serde(default)]
    tool: Tool,
}

#[derive(Debug, Default, Deserialize)]
struct Project {
    name: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Tool {
    #[serde(default)]
    gateway: Gateway,
}

/// `[tool.gateway]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Gateway {
    module: Option<String>,
}

/// Builds the plugin in a folder that goes with what is returned.
///
/// # Errors
/// See [`BuildError`].
pub(super) async fn build(job: &Job<'_>) -> Result<Artifact, BuildError> {
    let write = |path: &Path| {
        let path = path.to_owned();
        move |source| BuildError::Write { path, source }
    };
    // Tools run elsewhere are told the whole path.
    let folder =
        fs::canonicalize(job.folder).map_err(|source| BuildError::Read { path: job.folder.to_owned(), source })?;
    let project = PyProject::read(&folder)?;
    let sources = sources(&folder);
    let module = project.module(&folder, &sources)?;
    let kept = folder.join(".gateway");
    let sdk = kept.join("python");
    embedded::write(embedded::python::SDK, &sdk.join("gateway_sdk")).map_err(write(&sdk))?;
    let work = tempfile::tempdir().map_err(write(Path::new("a temporary folder")))?;
    let wit = work.path().join("plugin");
    embedded::write(embedded::WIT, &wit).map_err(write(&wit))?;

    let tools = Tools::find(job).await?;
    let packages = project.install(job, &tools, &kept.join("packages")).await?;
    (job.say)("building");
    let mut look = Command::new(&tools.python);
    look.args(["-B", "-m", "gateway_sdk._build", &module]).arg(&sources).arg(work.path()).env("PYTHONPATH", &sdk);
    run(look, "python3", job).await?;
    let file = work.path().join("plugin.wasm");
    let mut componentize = Command::new(&tools.componentize_py);
    componentize.arg("--quiet").arg("--wit-path").arg(&wit).arg("--wit-path").arg(work.path().join("wit"));
    componentize.args(["--world", WORLD, "componentize", "--output"]).arg(&file);
    for path in [Some(work.path()), Some(&sources), Some(&sdk), packages.as_deref()].into_iter().flatten() {
        componentize.arg("--python-path").arg(path);
    }
    // Otherwise it would take up what happens to be installed for the Python that it runs on.
    let nothing = work.path().join("nothing");
    fs::create_dir_all(nothing.join("lib/site-packages")).map_err(write(&nothing))?;
    // A mistake in the plugin is told by Python's own traceback.
    componentize.arg(MAIN).env("VIRTUAL_ENV", &nothing).env("RUST_BACKTRACE", "0");
    run(componentize, "componentize-py", job).await?;
    Ok(Artifact { file, _work: Some(work) })
}

/// Where the modules of the plugin in `folder` lie.
fn sources(folder: &Path) -> PathBuf {
    let sources = folder.join("src");
    if sources.is_dir() { sources } else { folder.to_owned() }
}

// === impl PyProject ===

impl PyProject {
    fn read(folder: &Path) -> Result<Self, BuildError> {
        let path = folder.join("pyproject.toml");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => return Err(BuildError::Read { path, source }),
        };
        toml::from_str(&text).map_err(|error| BuildError::Manifest { path, why: error.to_string().trim().to_owned() })
    }

    /// The plugin's module, which has to be there.
    fn module(&self, folder: &Path, sources: &Path) -> Result<String, BuildError> {
        let of_project = || self.project.name.as_ref().map(|name| name.replace(['-', '.'], "_").to_lowercase());
        let module = self.tool.gateway.module.clone().or_else(of_project).unwrap_or_else(|| "plugin".to_owned());
        // It becomes a line of a program.
        let is_name = module.split('.').all(|part| {
            !part.is_empty()
                && !part.starts_with(|first: char| first.is_ascii_digit())
                && part.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
        });
        let path = sources.join(module.replace('.', "/"));
        match is_name && (path.with_extension("py").is_file() || path.join("__init__.py").is_file()) {
            true => Ok(module),
            false => Err(BuildError::Module { folder: folder.to_owned(), module }),
        }
    }

    /// What `dependencies` names, apart from the SDK, which comes from here.
    fn packages(&self) -> Vec<&str> {
        let is_sdk = |package: &str| {
            let end = package.find(|letter: char| !letter.is_ascii_alphanumeric() && !"-_.".contains(letter));
            package[..end.unwrap_or(package.len())].replace(['_', '.'], "-").eq_ignore_ascii_case("gateway-sdk")
        };
        self.project.dependencies.iter().map(|package| package.trim()).filter(|package| !is_sdk(package)).collect()
    }

    /// Puts the dependencies into `folder`, where they are not there already, and gives it; none where there are none.
    async fn install(&self, job: &Job<'_>, tools: &Tools, folder: &Path) -> Result<Option<PathBuf>, BuildError> {
        let packages = self.packages();
        let marker = folder.join(".installed");
        let wanted = format!("{VERSION}\n{}\n", packages.join("\n"));
        if packages.is_empty() {
            return Ok(None);
        }
        if fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
            return Ok(Some(folder.to_owned()));
        }
        (job.say)("installing the plugin's dependencies");
        let _ = fs::remove_dir_all(folder);
        let mut pip = Command::new(&tools.python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--target"]);
        // What is compiled for this machine does not run in a component, so only what runs everywhere is taken.
        pip.arg(folder).args(["--only-binary=:all:", "--platform=any", "--abi=none", "--implementation=py"]);
        pip.arg(format!("--python-version={VERSION}")).arg("--").args(&packages);
        run(pip, "pip", job).await?;
        fs::write(&marker, wanted).map_err(|source| BuildError::Write { path: marker, source })?;
        Ok(Some(folder.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(text: &str) -> (tempfile::TempDir, Result<String, BuildError>) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("src")).unwrap();
        fs::write(folder.path().join("src/word_count.py"), "").unwrap();
        fs::write(folder.path().join("pyproject.toml"), text).unwrap();
        let sources = sources(folder.path());
        let module = PyProject::read(folder.path()).and_then(|project| project.module(folder.path(), &sources));
        (folder, module)
    }

    #[test]
    fn the_module_is_named_or_called_like_the_project() {
        assert_eq!(project("[tool.gateway]\nmodule = \"word_count\"").1.unwrap(), "word_count");
        assert_eq!(project("[project]\nname = \"Word-Count\"").1.unwrap(), "word_count");
        for other in ["", "[tool.gateway]\nmodule = \"other\"", "[tool.gateway]\nmodule = \"x\\nimport os\""] {
            assert!(matches!(project(other).1, Err(BuildError::Module { .. })), "{other}");
        }
    }

    #[test]
    fn a_mistake_in_the_file_is_told() {
        let error = project("[tool.gateway]\nmodul = \"a\"").1.unwrap_err().to_string();
        assert!(error.contains("pyproject.toml") && error.contains("modul"), "{error}");
        assert!(matches!(project("[tool").1, Err(BuildError::Manifest { .. })));
    }

    #[test]
    fn the_sdk_is_no_dependency() {
        let text =
            "[project]\ndependencies = [\"gateway-sdk>=0.1\", \"tzdata==2025.2\", \"Gateway_SDK\", \"gateway-sdks\"]";
        let project: PyProject = toml::from_str(text).unwrap();
        assert_eq!(project.packages(), ["tzdata==2025.2", "gateway-sdks"]);
    }
}
