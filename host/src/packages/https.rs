//! Plugins from the web: downloaded once, and kept by their digest.

use std::{
    error::Error,
    fs,
    io::{self, Write as _},
    path::PathBuf,
    sync::Once,
    time::Duration,
};

use reqwest::{Client, Response, StatusCode, redirect};
use url::Url;

use super::{
    Digest, MAX_SIZE, Watch,
    reference::{is_loopback, shown},
};
use crate::folders;

/// How long a server may take to let itself be reached.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a download may stand still.
const SILENCE: Duration = Duration::from_secs(30);

/// How long a download may take in all.
const WHOLE: Duration = Duration::from_secs(15 * 60);

/// Bytes of a signature.
const MAX_TEXT: u64 = 64 << 10;

/// How many times a download may be sent elsewhere.
const REDIRECTS: usize = 10;

/// Why a component could not be downloaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// The server cannot be reached or does not speak HTTP.
    #[error("{address} cannot be downloaded: {cause}")]
    Failed {
        /// Where it comes from.
        address: String,
        /// The innermost cause: the layers above it say the same in more words.
        cause: String,
    },
    /// The server has another answer.
    #[error("{address} cannot be downloaded: the server answers {status}")]
    Status {
        /// Where it comes from.
        address: String,
        /// The answer.
        status: StatusCode,
    },
    /// It ended too early.
    #[error("{address} cannot be downloaded: it broke off after {received} bytes{}", of(*expected))]
    Truncated {
        /// Where it comes from.
        address: String,
        /// How many bytes came.
        received: u64,
        /// How many were announced.
        expected: Option<u64>,
    },
    /// More than it may have: a plugin [`MAX_SIZE`].
    #[error("{address}: {}", too_large(*most))]
    TooLarge {
        /// Where it comes from.
        address: String,
        /// Bytes that there may be.
        most: u64,
    },
}

/// A redirect that is not followed.
#[derive(Debug, thiserror::Error)]
enum RedirectError {
    #[error("it redirects to {0}, and only https is followed")]
    Insecure(String),
    #[error("it redirects more than {REDIRECTS} times")]
    Endless,
}

/// The downloads that are kept: a folder of this user alone, with a file for each digest.
#[derive(Debug, Clone)]
pub struct Downloads {
    folder: PathBuf,
}

/// Downloads `url`.
///
/// # Errors
/// See [`DownloadError`].
pub async fn download(url: &Url, watch: Watch<'_>) -> Result<Vec<u8>, DownloadError> {
    let address = shown(url);
    let failed = |error: &reqwest::Error| DownloadError::Failed { address: address.clone(), cause: cause(error) };
    let client = client(url).map_err(|error| failed(&error))?;
    let response = client.get(url.clone()).send().await.map_err(|error| failed(&error))?;
    if !response.status().is_success() {
        return Err(DownloadError::Status { address, status: response.status() });
    }
    read(response, address, MAX_SIZE, watch).await
}

/// The text at `url`; `None` where there is none.
///
/// # Errors
/// See [`DownloadError`].
pub async fn text(url: &Url) -> Result<Option<String>, DownloadError> {
    let address = shown(url);
    let failed = |error: &reqwest::Error| DownloadError::Failed { address: address.clone(), cause: cause(error) };
    let client = client(url).map_err(|error| failed(&error))?;
    let response = client.get(url.clone()).send().await.map_err(|error| failed(&error))?;
    match response.status() {
        // What a server says of what it does not have: some of those that keep files for others say the second.
        StatusCode::NOT_FOUND | StatusCode::FORBIDDEN | StatusCode::GONE => Ok(None),
        status if !status.is_success() => Err(DownloadError::Status { address, status }),
        _ => {
            let bytes = read(response, address, MAX_TEXT, &|_, _| ()).await?;
            Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
        }
    }
}

/// The whole of an answer of at most so many bytes.
///
/// # Errors
/// Where there are more, or it breaks off.
pub(super) async fn read(
    mut response: Response,
    address: String,
    most: u64,
    watch: Watch<'_>,
) -> Result<Vec<u8>, DownloadError> {
    let expected = response.content_length();
    if expected.is_some_and(|expected| expected > most) {
        return Err(DownloadError::TooLarge { address, most });
    }
    let mut bytes = Vec::new();
    watch(0, expected);
    loop {
        match response.chunk().await {
            Ok(None) => return Ok(bytes),
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Err(error) if error.is_timeout() => return Err(DownloadError::Failed { address, cause: cause(&error) }),
            Err(_) => return Err(DownloadError::Truncated { address, received: bytes.len() as u64, expected }),
        }
        let received = bytes.len() as u64;
        // What was announced is what the server says; this is what it does.
        if received > most {
            return Err(DownloadError::TooLarge { address, most });
        }
        watch(received, expected);
    }
}

/// A client for `url` and what that leads to over https.
///
/// # Errors
/// Where TLS cannot be used.
pub fn client(url: &Url) -> reqwest::Result<Client> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Fails where the embedding program has chosen one, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let builder = Client::builder()
        .user_agent(concat!("mcp-gateway/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .timeout(WHOLE)
        .redirect(redirect::Policy::custom(follow));
    match is_loopback(url) {
        // A proxy is another machine, which would see what is meant for this one.
        true => builder.no_proxy().build(),
        false => builder.build(),
    }
}

fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    if attempt.previous().len() > REDIRECTS {
        return attempt.error(RedirectError::Endless);
    }
    match attempt.url().scheme() {
        "https" => attempt.follow(),
        _ => {
            let address = shown(attempt.url());
            attempt.error(RedirectError::Insecure(address))
        }
    }
}

/// What is at the bottom of `error`; its own text holds the whole address, in which secrets may stand.
pub(super) fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it takes too long".to_owned();
    }
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    match cause.downcast_ref::<reqwest::Error>() {
        Some(_) => "the request failed".to_owned(),
        None => cause.to_string(),
    }
}

fn too_large(most: u64) -> String {
    match most {
        MAX_SIZE => format!("a plugin may have at most {} MiB", MAX_SIZE >> 20),
        most => format!("there is more than the {most} bytes that it may have"),
    }
}

fn of(expected: Option<u64>) -> String {
    expected.map(|expected| format!(" of {expected}")).unwrap_or_default()
}

// === impl Downloads ===

impl Downloads {
    /// Downloads that are kept in `folder`, which is made when there is one to keep.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The component of this digest, where it was downloaded before and is still the same.
    #[must_use]
    pub fn get(&self, digest: Digest) -> Option<Vec<u8>> {
        let path = self.path(digest);
        let bytes = fs::read(&path).ok()?;
        if Digest::of(&bytes) != digest {
            tracing::warn!("{} is damaged, and the plugin is downloaded again", path.display());
            return None;
        }
        Some(bytes)
    }

    /// Keeps a component. That this fails is no reason to stop: it is downloaded again next time.
    pub fn keep(&self, digest: Digest, bytes: &[u8]) {
        if let Err(error) = self.write(&format!("{digest}.wasm"), bytes) {
            tracing::warn!("the plugin will be downloaded again: {}: {error}", self.path(digest).display());
        }
    }

    /// The manifest of this digest, where it is kept.
    #[must_use]
    pub fn document(&self, digest: Digest) -> Option<String> {
        let text = fs::read_to_string(self.folder.join(format!("{digest}.json"))).ok()?;
        (Digest::of(text.as_bytes()) == digest).then_some(text)
    }

    /// Keeps a manifest.
    pub fn keep_document(&self, digest: Digest, text: &str) {
        self.keep_as(&format!("{digest}.json"), text.as_bytes());
    }

    /// What is known of who signed the component of this digest, as it was kept.
    #[must_use]
    pub fn signatures(&self, digest: Digest) -> Option<Vec<u8>> {
        fs::read(self.folder.join(format!("{digest}.signatures.json"))).ok()
    }

    /// Keeps what is known of who signed a component. Whoever reads it again checks it again.
    pub fn keep_signatures(&self, digest: Digest, bytes: &[u8]) {
        self.keep_as(&format!("{digest}.signatures.json"), bytes);
    }

    fn keep_as(&self, name: &str, bytes: &[u8]) {
        if let Err(error) = self.write(name, bytes) {
            tracing::warn!("what belongs to a plugin will be downloaded again: {name}: {error}");
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        folders::private(&self.folder)?;
        // Another gateway may be reading it: written beside it and renamed, it is always whole.
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(bytes)?;
        file.persist(self.folder.join(name))?;
        Ok(())
    }

    /// Where the component of this digest is kept.
    pub(super) fn path(&self, digest: Digest) -> PathBuf {
        self.folder.join(format!("{digest}.wasm"))
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    /// Downloads from a server that answers `answer` once.
    async fn fetch(answer: impl Into<Vec<u8>>) -> Result<Vec<u8>, String> {
        let answer = answer.into();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/a.wasm?token=hunter2", listener.local_addr().unwrap())).unwrap();
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            // A client that has heard enough hangs up.
            let _ = stream.write_all(&answer).await;
        };
        let (result, ()) = tokio::join!(download(&url, &|_, _| ()), server);
        result.map_err(|error| error.to_string())
    }

    fn answer(status: &str, headers: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len())
    }

    #[tokio::test]
    async fn a_whole_answer_is_taken() {
        assert_eq!(fetch(answer("200 OK", "", "component")).await.unwrap(), b"component");
    }

    #[tokio::test]
    async fn other_answers_are_named() {
        let error = fetch(answer("404 Not Found", "", "no")).await.unwrap_err();
        assert!(error.ends_with("the server answers 404 Not Found"), "{error}");
        let error = fetch("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").await.unwrap_err();
        assert!(error.ends_with("it broke off after 4 bytes of 100"), "{error}");
        let error = fetch("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n").await.unwrap_err();
        assert!(error.ends_with("it broke off after 4 bytes"), "{error}");
        let large = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", MAX_SIZE + 1);
        let error = fetch(large).await.unwrap_err();
        assert!(error.ends_with("a plugin may have at most 128 MiB"), "{error}");
        let error = fetch("SSH-2.0-x\r\n").await.unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[tokio::test]
    async fn a_redirect_leads_to_https_alone() {
        let elsewhere = "Location: http://127.0.0.1:1/a.wasm?token=hunter2\r\n";
        let error = fetch(answer("302 Found", elsewhere, "")).await.unwrap_err();
        assert!(error.ends_with("it redirects to http://127.0.0.1:1/a.wasm, and only https is followed"), "{error}");
    }

    #[tokio::test]
    async fn a_server_that_is_not_there() {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let url = Url::parse(&format!("http://127.0.0.1:{port}/a.wasm")).unwrap();
        let error = download(&url, &|_, _| ()).await.unwrap_err().to_string();
        assert!(error.contains("cannot be downloaded: Connection refused"), "{error}");
    }

    #[test]
    fn downloads_are_kept_while_they_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let downloads = Downloads::new(folder.path().join("packages"));
        let digest = Digest::of(b"component");
        assert_eq!(downloads.get(digest), None);
        downloads.keep(digest, b"component");
        assert_eq!(downloads.get(digest).unwrap(), b"component");
        fs::write(downloads.path(digest), "another").unwrap();
        assert_eq!(downloads.get(digest), None);
        downloads.keep(digest, b"component");
        assert_eq!(downloads.get(digest).unwrap(), b"component");
    }
}
