//! How builds run tools and wait for each other.

use std::{fs, io, path::PathBuf, process::Stdio};

use tokio::{process::Command, task};

use super::{BuildError, Job};

/// Runs a tool to its end. What it said stands in the error where it failed.
///
/// # Errors
/// It cannot be started, or it failed.
pub(super) async fn run(mut command: Command, tool: &'static str, job: &Job<'_>) -> Result<(), BuildError> {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.map_err(|source| BuildError::Tool { tool, source })?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).trim().to_owned());
    let said = said.into_iter().filter(|said| !said.is_empty()).collect::<Vec<_>>().join("\n");
    Err(BuildError::Said { folder: job.folder.to_owned(), tool, status: output.status, said })
}

/// Waits until nobody else holds the file, and holds it while what is returned lives.
///
/// # Errors
/// What the operating system says.
pub(super) async fn lock(path: PathBuf) -> io::Result<fs::File> {
    let locked = task::spawn_blocking(move || {
        let file = fs::File::options().create(true).truncate(false).write(true).open(path)?;
        file.lock()?;
        Ok(file)
    });
    locked.await.unwrap_or_else(|error| Err(io::Error::other(error)))
}
