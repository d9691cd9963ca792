//! componentize-py: the one on the search path where it has the right version, else one that is kept for the gateway.

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

/// The version of componentize-py that plugins are built with: what it generates is what the SDK is written for.
const COMPONENTIZE_PY: &str = "0.25.1";
/// Says of a virtual environment that all of it is there.
const COMPLETE: &str = ".complete";
/// Ends with 3 where Python is too old, and with 1 where it cannot make virtual environments.
const CHECK: &str = "import sys; sys.exit(3) if sys.version_info < (3, 10) else None; import venv, ensurepip";
#[cfg(not(windows))]
const PYTHON: (&str, &str) = ("python3", "bin");
#[cfg(windows)]
const PYTHON: (&str, &str) = ("python", "Scripts");

/// What a build runs.
pub(super) struct Tools {
    /// A Python with pip.
    pub(super) python: PathBuf,
    /// componentize-py.
    pub(super) componentize_py: PathBuf,
}

impl Tools {
    /// Finds both, and installs componentize-py below the job's folder of tools where that is needed.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub(super) async fn find(job: &Job<'_>) -> Result<Self, BuildError> {
        check().await?;
        let on_path = PathBuf::from("componentize-py");
        if has_version(&on_path).await {
            return Ok(Self { python: PYTHON.0.into(), componentize_py: on_path });
        }
        let name = format!("componentize-py-{COMPONENTIZE_PY}");
        let folder = job.tools.join(&name);
        let kept = Self {
            python: folder.join(PYTHON.1).join("python"),
            componentize_py: folder.join(PYTHON.1).join("componentize-py"),
        };
        let write = |source| BuildError::Write { path: folder.clone(), source };
        crate::folders::private(job.tools).map_err(write)?;
        // Held while this lives: builds that begin together wait for the first.
        let _lock = lock(job.tools.join(format!("{name}.lock"))).await.map_err(write)?;
        // A Python that was updated leaves an environment behind that does not start.
        if !folder.join(COMPLETE).is_file() || !has_version(&kept.componentize_py).await {
            install(job, &folder, &kept.python).await?;
        }
        Ok(kept)
    }
}

/// Makes the environment anew.
async fn install(job: &Job<'_>, folder: &Path, python: &Path) -> Result<(), BuildError> {
    (job.say)(&format!("installing componentize-py {COMPONENTIZE_PY}"));
    let _ = fs::remove_dir_all(folder);
    let mut venv = Command::new(PYTHON.0);
    venv.args(["-m", "venv"]).arg(folder);
    run(venv, "python3 -m venv", job).await?;
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]);
    pip.arg(format!("componentize-py=={COMPONENTIZE_PY}"));
    run(pip, "pip", job).await?;
    let marker = folder.join(COMPLETE);
    fs::write(&marker, "").map_err(|source| BuildError::Write { path: marker, source })
}

/// Whether there is a Python that will do.
async fn check() -> Result<(), BuildError> {
    let mut python = Command::new(PYTHON.0);
    python.args(["-c", CHECK]).stdin(Stdio::null()).kill_on_drop(true);
    let output = python.output().await.map_err(|source| BuildError::Tool { tool: "python3", source })?;
    match output.status.code() {
        Some(0) => Ok(()),
        Some(3) => Err(BuildError::OldPython),
        _ => Err(BuildError::NoVenv),
    }
}

async fn has_version(componentize_py: &Path) -> bool {
    let mut command = Command::new(componentize_py);
    command.arg("--version").stdin(Stdio::null()).kill_on_drop(true);
    let Ok(output) = command.output().await else { return false };
    output.status.success() && String::from_utf8_lossy(&output.stdout).trim().ends_with(&format!(" {COMPONENTIZE_PY}"))
}
