//! Where the gateway keeps what it learns: folders of this user alone.
//!
//! Beside `config` the only place that reads the environment: `XDG_CACHE_HOME` and `XDG_STATE_HOME`, on every system,
//! since that is where the documentation sends people.

use std::{
    fs::{self, DirBuilder},
    io,
    path::{Path, PathBuf, absolute},
};

use etcetera::base_strategy::{BaseStrategy as _, Xdg};
use sha2::{Digest as _, Sha256};

/// The folder's name below the user's cache and state.
const NAME: &str = "mcp-gateway";

/// Hexadecimal digits of a configuration's path in the name of its folder: 64 bits.
const HASH_DIGITS: usize = 16;

/// Where the gateway keeps what it learns. Nothing is made on disk before [`private`] is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// Compiled plugins and their tool lists, by digest: shared by all configurations.
    pub compiled: PathBuf,
    /// Downloaded plugins, by digest: shared by all configurations.
    pub packages: PathBuf,
    /// What plugins are built with where the machine lacks it, by tool and version: shared by all configurations.
    pub tools: PathBuf,
    cache: PathBuf,
    state: PathBuf,
}

/// The folders of this user cannot be told.
#[derive(Debug, thiserror::Error)]
#[error("the folders of this user are not known: neither `HOME` nor the account names one")]
pub struct NoHome;

impl Folders {
    /// The folders of this user: below `$XDG_CACHE_HOME` and `$XDG_STATE_HOME`, or where these are not set, `~/.cache`
    /// and `~/.local/state`.
    ///
    /// # Errors
    /// Where there is no such user.
    pub fn discover() -> Result<Self, NoHome> {
        let xdg = Xdg::new().map_err(|_| NoHome)?;
        let state = xdg.state_dir().unwrap_or_else(|| xdg.home_dir().join(".local").join("state"));
        Ok(Self::below(&xdg.cache_dir(), &state))
    }

    /// The folders below a cache and a state of one's own: for tests and embedding programs.
    #[must_use]
    pub fn below(cache: &Path, state: &Path) -> Self {
        let cache = cache.join(NAME);
        Self {
            compiled: cache.join("compiled"),
            packages: cache.join("packages"),
            tools: cache.join("tools"),
            cache,
            state: state.join(NAME),
        }
    }

    /// What is learnt with the configuration `file` and could be learnt again: the tool lists of servers.
    #[must_use]
    pub fn learnt(&self, file: &Path) -> PathBuf {
        self.cache.join("configurations").join(key(file))
    }

    /// What the plugins of the configuration `file` keep from call to call.
    #[must_use]
    pub fn storage(&self, file: &Path) -> PathBuf {
        self.state(file).join("storage")
    }

    /// What was changed while running on the configuration `file`, and is lost where this is: the overlay.
    #[must_use]
    pub fn state(&self, file: &Path) -> PathBuf {
        self.state.join("configurations").join(key(file))
    }
}

/// This user's own folder, and the one for configurations: `$XDG_CONFIG_HOME`, else `~/.config`.
///
/// # Errors
/// Where there is no such user.
pub fn user() -> Result<(PathBuf, PathBuf), NoHome> {
    let xdg = Xdg::new().map_err(|_| NoHome)?;
    Ok((xdg.home_dir().to_owned(), xdg.config_dir()))
}

/// Where docker keeps who is logged in: `$DOCKER_CONFIG`, else `~/.docker`.
#[must_use]
pub fn docker() -> Option<PathBuf> {
    #[allow(clippy::disallowed_methods, reason = "this is a place that reads the environment")]
    let named = std::env::var_os("DOCKER_CONFIG").filter(|folder| !folder.is_empty());
    named.map(PathBuf::from).or_else(|| Some(etcetera::home_dir().ok()?.join(".docker")))
}

/// Makes `folder` and what is missing above it, with access for this user alone.
///
/// # Errors
/// What the operating system says, with the folder's name.
pub fn private(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("{} cannot be made: {error}", folder.display()));
    builder.create(folder).map_err(named)
}

/// The name of a configuration's own folder: the folder it lies in for a reader, and a hash of the whole path, so that
/// two configurations never share one. Links are followed: the same file is the same configuration.
fn key(file: &Path) -> String {
    let file = fs::canonicalize(file).or_else(|_| absolute(file)).unwrap_or_else(|_| file.to_owned());
    let digest = Sha256::digest(file.as_os_str().as_encoded_bytes());
    let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).take(HASH_DIGITS / 2).collect();
    let folder = file.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let readable: String = folder.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).take(40).collect();
    format!("{readable}-{hash}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_configuration_has_folders_of_its_own() {
        let folders = Folders::below(Path::new("/cache"), Path::new("/state"));
        let (a, b) = (Path::new("/srv/a/gateway.yaml"), Path::new("/srv/b/gateway.yaml"));
        assert_ne!(folders.state(a), folders.state(b));
        assert_ne!(folders.state(a), folders.learnt(a));
        assert_eq!(folders.state(a), folders.state(Path::new("/srv/a/gateway.yaml")));
        assert!(folders.state(a).starts_with("/state/mcp-gateway/configurations"));
        assert!(folders.compiled.starts_with("/cache/mcp-gateway"));
        assert_ne!(folders.compiled, folders.packages);
    }

    #[test]
    fn a_link_leads_to_the_same_configuration() {
        let temp = tempfile::tempdir().unwrap();
        let (file, link) = (temp.path().join("gateway.yaml"), temp.path().join("link.yaml"));
        fs::write(&file, "").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(&file, &link).unwrap();
        #[cfg(not(unix))]
        fs::hard_link(&file, &link).unwrap();
        assert_eq!(key(&file), key(&link));
    }

    #[cfg(unix)]
    #[test]
    fn others_are_kept_out() {
        use std::os::unix::fs::PermissionsExt as _;
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("a/b");
        private(&folder).unwrap();
        private(&folder).unwrap();
        for made in [folder.clone(), temp.path().join("a")] {
            assert_eq!(fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700);
        }
        fs::write(folder.join("file"), "").unwrap();
        let error = private(&folder.join("file")).unwrap_err().to_string();
        assert!(error.contains("file cannot be made"), "{error}");
    }
}
