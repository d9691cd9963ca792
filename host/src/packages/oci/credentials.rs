//! Who asks a registry: what `docker login` keeps, in `config.json` or with a helper program.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use tokio::{io::AsyncWriteExt as _, process::Command};

use crate::folders;

/// How long a helper may take: it may ask a person.
const PATIENCE: Duration = Duration::from_secs(60);

/// The key that Docker Hub has in docker's files.
const HUB: &str = "https://index.docker.io/v1/";

/// Who asks.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Credentials {
    /// User and password.
    Basic { user: String, password: String },
    /// A token that others are given for.
    Refresh(String),
}

/// Why what docker keeps cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// The file.
    #[error("{}: docker's credentials cannot be read: {cause}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        cause: String,
    },
    /// The helper.
    #[error("{program} gives no credentials for {host}: {cause}")]
    Helper {
        /// Its name.
        program: String,
        /// The registry.
        host: String,
        /// Why.
        cause: String,
    },
}

/// The part of docker's `config.json` that is of use here.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DockerConfig {
    auths: BTreeMap<String, Auth>,
    creds_store: Option<String>,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Auth {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
}

/// What a helper answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Helped {
    username: String,
    secret: String,
}

impl CredentialsError {
    pub(super) fn hint(&self) -> String {
        match self {
            Self::File { .. } => "mend the file, or name another folder with DOCKER_CONFIG".to_owned(),
            Self::Helper { host, .. } => format!("docker login {host}"),
        }
    }
}

/// Those for `host`, as a registry is named in an image; `None`: nobody in particular.
///
/// # Errors
/// Where there is a file that cannot be read, or a helper that fails.
pub(super) async fn find(host: &str) -> Result<Option<Credentials>, CredentialsError> {
    let Some(file) = folders::docker().map(|folder| folder.join("config.json")) else { return Ok(None) };
    let config = read(&file)?;
    let helper = config.cred_helpers.iter().find(|(key, _)| is_for(key, host)).map(|(_, helper)| helper);
    if let Some(helper) = helper {
        return ask(helper, host).await;
    }
    // A store may leave an empty entry in the file as a mark that it has something.
    if let Some(found) = config.auths.iter().filter(|(key, _)| is_for(key, host)).find_map(|(_, auth)| auth.usable()) {
        return found.map(Some).map_err(|cause| CredentialsError::File { file, cause });
    }
    match &config.creds_store {
        Some(store) => ask(store, host).await,
        None => Ok(None),
    }
}

fn read(file: &Path) -> Result<DockerConfig, CredentialsError> {
    let failed = |cause: String| CredentialsError::File { file: file.to_owned(), cause };
    match fs::read(file) {
        // The place of a mistake, and not what stands there.
        Ok(text) => serde_json::from_slice(&text)
            .map_err(|error| failed(format!("no JSON as docker writes it, at line {}", error.line()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(DockerConfig::default()),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Whether docker's `key` is for `host`: it may have a scheme and a path.
fn is_for(key: &str, host: &str) -> bool {
    if matches!(host, "docker.io" | "index.docker.io" | "registry-1.docker.io") {
        return [HUB, "docker.io", "index.docker.io"].contains(&key);
    }
    let bare = key.split_once("://").map_or(key, |(_, rest)| rest);
    bare.split('/').next() == Some(host)
}

/// Asks `docker-credential-<helper>`, as docker does.
async fn ask(helper: &str, host: &str) -> Result<Option<Credentials>, CredentialsError> {
    let program = format!("docker-credential-{helper}");
    let failed = |cause: String| CredentialsError::Helper { program: program.clone(), host: host.to_owned(), cause };
    // A name and never a path.
    if helper.is_empty() || !helper.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
        return Err(failed("this is no name of a helper".to_owned()));
    }
    let mut command = Command::new(&program);
    command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    if let Some(mut input) = child.stdin.take() {
        let server = if is_for(HUB, host) { HUB } else { host };
        // A helper that ended early says below how.
        let _ = input.write_all(server.as_bytes()).await;
    }
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
    let output = output.map_err(|_| failed("it does not answer".to_owned()))?.map_err(|e| failed(e.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout);
        return match said.contains("credentials not found") {
            true => Ok(None),
            false => Err(failed(format!("it ended with {}", output.status))),
        };
    }
    let helped: Helped =
        serde_json::from_slice(&output.stdout).map_err(|_| failed("its answer is not understood".to_owned()))?;
    Ok(Some(match helped.username.as_str() {
        "<token>" => Credentials::Refresh(helped.secret),
        _ => Credentials::Basic { user: helped.username, password: helped.secret },
    }))
}

impl Auth {
    /// What it holds; `None` where that is nothing.
    fn usable(&self) -> Option<Result<Credentials, String>> {
        let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if let Some(token) = text(&self.identitytoken) {
            return Some(Ok(Credentials::Refresh(token)));
        }
        if let Some(user) = text(&self.username) {
            let password = text(&self.password).unwrap_or_default();
            return Some(Ok(Credentials::Basic { user, password }));
        }
        let decoded =
            BASE64_STANDARD.decode(text(&self.auth)?.trim()).ok().and_then(|auth| String::from_utf8(auth).ok());
        let pair = decoded.as_deref().and_then(|auth| auth.split_once(':'));
        Some(match pair {
            Some((user, password)) => {
                Ok(Credentials::Basic { user: user.to_owned(), password: password.trim_end_matches('\0').to_owned() })
            }
            None => Err("an `auth` is no user and password in base64".to_owned()),
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(credentials)")
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(credentials)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_docker() {
        for key in ["ghcr.io", "https://ghcr.io", "https://ghcr.io/v1/", "ghcr.io/v2/"] {
            assert!(is_for(key, "ghcr.io"), "{key}");
        }
        for key in ["https://ghcr.io.example.com", "example.com/ghcr.io", "", "ghcr.io:443"] {
            assert!(!is_for(key, "ghcr.io"), "{key}");
        }
        assert!(is_for(HUB, "docker.io") && is_for("127.0.0.1:5000", "127.0.0.1:5000"));
    }

    #[test]
    fn entries_are_read() {
        let usable = |json: &str| serde_json::from_str::<Auth>(json).unwrap().usable();
        let basic = |user: &str, password: &str| {
            Some(Ok(Credentials::Basic { user: user.to_owned(), password: password.to_owned() }))
        };
        assert_eq!(usable(r#"{"auth":"bWU6YTpi"}"#), basic("me", "a:b"));
        assert_eq!(usable(r#"{"username":"me","password":"x"}"#), basic("me", "x"));
        assert_eq!(usable(r#"{"auth":"bWU6","identitytoken":"t"}"#), Some(Ok(Credentials::Refresh("t".to_owned()))));
        assert_eq!(usable("{}"), None);
        assert!(usable(r#"{"auth":"%"}"#).unwrap().is_err() && usable(r#"{"auth":"bWU="}"#).unwrap().is_err());
    }

    #[test]
    fn a_file_that_is_none_keeps_its_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        assert!(read(&file).unwrap().auths.is_empty());
        fs::write(&file, r#"{"auths": {"a": {"auth": hunter2}}}"#).unwrap();
        let error = read(&file).unwrap_err().to_string();
        assert!(error.contains("line 1") && !error.contains("hunter2"), "{error}");
    }

    #[tokio::test]
    async fn a_helper_is_a_name() {
        let error = ask("../x", "ghcr.io").await.unwrap_err().to_string();
        assert!(error.contains("no name of a helper"), "{error}");
    }
}
