//! A registry of container images, as Debian has it (`docker-registry`), and what is pushed there.

use std::{fs, path::Path, process::Command};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::{Http, Listening};

/// The kind of a manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The kind of a list of manifests.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The kind of a layer with a component.
pub const WASM: &str = "application/wasm";

/// A registry that runs, with nothing in it.
#[derive(Debug)]
pub struct Registry {
    server: Listening,
    user: Option<(String, String)>,
    /// Where it keeps everything.
    _folder: TempDir,
}

/// Something in an image.
#[derive(Debug, Clone)]
pub struct Layer {
    /// Its kind.
    pub kind: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its annotations.
    pub annotations: Value,
}

impl Registry {
    /// A registry that anybody may read and write.
    #[must_use]
    pub fn start() -> Self {
        Self::run(None)
    }

    /// A registry for one user, who is known by a password.
    #[must_use]
    pub fn for_user(user: &str, password: &str) -> Self {
        Self::run(Some((user.to_owned(), password.to_owned())))
    }

    fn run(user: Option<(String, String)>) -> Self {
        let folder = TempDir::with_prefix("registry").unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let mut config = json!({
            "version": 0.1,
            "log": { "level": "info" },
            "storage": { "filesystem": { "rootdirectory": path("data") }, "delete": { "enabled": true } },
            "http": { "addr": "127.0.0.1:0" },
        });
        if let Some((user, password)) = &user {
            let line = output(Command::new("htpasswd").args(["-Bbn", user, password]));
            fs::write(path("htpasswd"), line).unwrap();
            config["auth"] = json!({ "htpasswd": { "realm": "tests", "path": path("htpasswd") } });
        }
        fs::write(path("config.yml"), config.to_string()).unwrap();
        let mut command = Command::new("docker-registry");
        command.args(["serve", &path("config.yml")]);
        Self { server: Listening::start(&mut command), user, _folder: folder }
    }

    /// Its host and port.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.server.address
    }

    /// How an image in it is named.
    #[must_use]
    pub fn reference(&self, rest: &str) -> String {
        format!("oci://{}/{rest}", self.server.address)
    }

    /// A folder with docker's credential file, as `docker login` leaves it.
    ///
    /// # Panics
    /// Where it cannot be written.
    #[must_use]
    pub fn login(&self) -> TempDir {
        let folder = TempDir::with_prefix("docker").unwrap();
        let (user, password) = self.user.as_ref().expect("the registry has a user");
        let auth = BASE64_STANDARD.encode(format!("{user}:{password}"));
        let config = json!({ "auths": { (self.server.address.as_str()): { "auth": auth } } });
        fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
        folder
    }

    /// Pushes an image in the layout that the CNCF gives to WebAssembly, and gives the digest of its manifest.
    #[track_caller]
    pub fn push(&self, name: &str, tag: &str, layers: &[Layer]) -> String {
        let manifest = self.manifest(name, layers);
        self.put_manifest(name, tag, MANIFEST, &manifest.to_string())
    }

    /// Pushes the parts of an image, and gives its manifest.
    #[track_caller]
    pub fn manifest(&self, name: &str, layers: &[Layer]) -> Value {
        let config = br#"{"architecture":"wasm","os":"wasip2","layerDigests":[]}"#;
        let entries: Vec<Value> = layers
            .iter()
            .map(|layer| {
                json!({
                    "mediaType": layer.kind,
                    "digest": self.put_blob(name, &layer.bytes),
                    "size": layer.bytes.len(),
                    "annotations": layer.annotations,
                })
            })
            .collect();
        json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {
                "mediaType": "application/vnd.wasm.config.v0+json",
                "digest": self.put_blob(name, config),
                "size": config.len(),
            },
            "layers": entries,
        })
    }

    /// Pushes a manifest, and gives its digest.
    #[track_caller]
    pub fn put_manifest(&self, name: &str, tag: &str, kind: &str, text: &str) -> String {
        let http = self.http(&format!("/v2/{name}/manifests/{tag}")).with("Content-Type", kind);
        let mut answer = http.send("PUT", text);
        let status = answer.status;
        assert_eq!(status, 201, "{}", answer.text());
        digest(text.as_bytes())
    }

    /// Pushes some bytes, and gives their digest.
    #[track_caller]
    pub fn put_blob(&self, name: &str, bytes: &[u8]) -> String {
        let begun = self.http(&format!("/v2/{name}/blobs/uploads/")).send("POST", "");
        assert_eq!(begun.status, 202, "{begun:?}");
        let place = begun.header("location").expect("a place to put it").to_owned();
        let path = place.split_once(&self.server.address).map_or(place.as_str(), |(_, path)| path).to_owned();
        let digest = digest(bytes);
        let put = self.http(&format!("{path}&digest={digest}")).with("Content-Type", "application/octet-stream");
        let mut answer = put.send("PUT", bytes);
        let status = answer.status;
        assert_eq!(status, 201, "{}", answer.text());
        digest
    }

    fn http(&self, path: &str) -> Http {
        let http = Http::new(&self.server.address, path);
        match &self.user {
            Some((user, password)) => {
                let auth = BASE64_STANDARD.encode(format!("{user}:{password}"));
                http.with("Authorization", &format!("Basic {auth}"))
            }
            None => http,
        }
    }
}

impl Layer {
    /// A component.
    #[must_use]
    pub fn component(bytes: &[u8]) -> Self {
        Self::new(WASM, bytes, json!({}))
    }

    /// A file of that name.
    #[must_use]
    pub fn file(name: &str, bytes: &[u8]) -> Self {
        Self::new("application/octet-stream", bytes, json!({ "org.opencontainers.image.title": name }))
    }

    /// Anything.
    #[must_use]
    pub fn new(kind: &str, bytes: &[u8], annotations: Value) -> Self {
        Self { kind: kind.to_owned(), bytes: bytes.to_owned(), annotations }
    }
}

/// The digest of `bytes`, as registries write it.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    let digits: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}

/// What a program of the system says.
///
/// # Panics
/// Where it is not installed, or fails.
#[track_caller]
pub fn output(command: &mut Command) -> Vec<u8> {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}; see tests/setup.sh"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The same component with another description, as another version of it: both are of the same length.
///
/// # Panics
/// Where it is not in there.
#[must_use]
pub fn edited(component: &Path, was: &str, is: &str) -> Vec<u8> {
    assert_eq!(was.len(), is.len());
    let mut bytes = fs::read(component).unwrap();
    let places: Vec<usize> =
        bytes.windows(was.len()).enumerate().filter(|(_, part)| *part == was.as_bytes()).map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "{was:?} is not in {}", component.display());
    for at in places {
        bytes[at..at + was.len()].copy_from_slice(is.as_bytes());
    }
    bytes
}
