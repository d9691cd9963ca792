//! Where the configuration is, and the one place that reads the environment.

use std::path::{Path, PathBuf, absolute};

use etcetera::base_strategy::{BaseStrategy as _, Xdg};

/// There is no configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no configuration: looked at {}", list(looked_at))]
pub struct NotFound {
    /// The files that could have been it.
    pub looked_at: Vec<PathBuf>,
}

/// The names that a configuration has in the working folder, the first one first.
const LOCAL: [&str; 2] = ["gateway.yaml", "mcp-gateway.yaml"];

/// The configuration to use: the one that was named (by `--config` or `MCP_GATEWAY_CONFIG`), else the first that there
/// is of `gateway.yaml` and `mcp-gateway.yaml` in the working folder and the user's own.
///
/// # Errors
/// Where none of them is there. A file that was named is not looked for, so that loading it can say what is wrong.
pub fn find(named: Option<&Path>) -> Result<PathBuf, NotFound> {
    if let Some(file) = named {
        return Ok(file.to_owned());
    }
    let looked_at: Vec<PathBuf> = LOCAL.iter().map(PathBuf::from).chain(user_file()).collect();
    let found = looked_at.iter().find(|file| file.is_file()).cloned();
    found.ok_or(NotFound { looked_at })
}

/// `mcp-gateway/gateway.yaml` in the user's configuration folder: below `XDG_CONFIG_HOME`, or `~/.config`, on every
/// system.
#[must_use]
pub fn user_file() -> Option<PathBuf> {
    let folders = Xdg::new().ok()?;
    Some(folders.config_dir().join("mcp-gateway").join(LOCAL[0]))
}

/// The folder that relative paths in `file` start at.
pub(super) fn folder_of(file: &Path) -> PathBuf {
    let absolute = absolute(file).unwrap_or_else(|_| file.to_owned());
    absolute.parent().map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// The variable of this process's environment; one that is no valid text counts as not set.
pub(super) fn variable(name: &str) -> Option<String> {
    #[allow(clippy::disallowed_methods, reason = "this is the place that reads the environment")]
    std::env::var(name).ok()
}

/// `path` with the user's folder for `~`, seen from `base`.
pub(super) fn resolve(path: &Path, base: &Path) -> PathBuf {
    match path.strip_prefix("~").ok().zip(etcetera::home_dir().ok()) {
        Some((rest, home)) => home.join(rest),
        // `components` drops the `.` of `./data`.
        None => base.join(path).components().collect(),
    }
}

fn list(files: &[PathBuf]) -> String {
    let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    files.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_start_at_the_file() {
        let base = folder_of(Path::new("/etc/mcp/gateway.yaml"));
        assert_eq!(resolve(Path::new("./data"), &base), Path::new("/etc/mcp/data"));
        assert_eq!(resolve(Path::new("."), &base), Path::new("/etc/mcp"));
        assert_eq!(resolve(Path::new("/srv"), &base), Path::new("/srv"));
        assert!(!resolve(Path::new("~/data"), &base).starts_with("/etc"));
    }

    #[test]
    fn a_named_file_is_taken_as_it_is() {
        assert_eq!(find(Some(Path::new("nowhere.yaml"))), Ok(PathBuf::from("nowhere.yaml")));
    }
}
