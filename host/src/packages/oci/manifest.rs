//! What a registry says of an image: its manifest, or a list of manifests (OCI image specification 1.1).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Image, OciError};
use crate::packages::{Digest, MAX_SIZE};

/// The kinds of documents that are asked for, the older ones of Docker included.
pub(super) const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, \
    application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.docker.distribution.manifest.list.v2+json";

/// A layer that is a component: as the CNCF's layout for WebAssembly has it, and as it was called before.
const WASM: [&str; 3] = [
    "application/wasm",
    "application/vnd.wasm.content.layer.v1+wasm",
    "application/vnd.module.wasm.content.layer.v1+wasm",
];

/// The annotation with a file's name.
const TITLE: &str = "org.opencontainers.image.title";

/// A manifest or an index: which of the two is told by what it has.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    pub layers: Option<Vec<Descriptor>>,
    pub manifests: Option<Vec<Descriptor>>,
}

/// Something in the registry.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    #[serde(default)]
    pub media_type: String,
    pub digest: String,
    #[serde(default)]
    pub size: u64,
    #[serde(default)]
    pub annotations: Option<BTreeMap<String, String>>,
    platform: Option<Platform>,
}

#[derive(Debug, Clone, Deserialize)]
struct Platform {
    #[serde(default)]
    architecture: String,
}

impl Document {
    pub(super) fn parse(bytes: &[u8], image: &Image) -> Result<Self, OciError> {
        let malformed = |cause: String| OciError::Malformed { image: image.to_string(), cause };
        let document: Self = serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))?;
        match (&document.layers, &document.manifests) {
            (Some(_), None) | (None, Some(_)) => Ok(document),
            _ => Err(malformed("it has to have either `layers` or `manifests`".to_owned())),
        }
    }

    /// The manifest that is meant in a list: the one for WebAssembly, or the only one; `None` where this is no list.
    pub(super) fn chosen(&self, image: &Image) -> Result<Option<&Descriptor>, OciError> {
        let Some(manifests) = &self.manifests else { return Ok(None) };
        let architecture = |entry: &Descriptor| entry.platform.as_ref().map(|platform| platform.architecture.clone());
        let wasm: Vec<&Descriptor> =
            manifests.iter().filter(|entry| architecture(entry).as_deref() == Some("wasm")).collect();
        // Statements about the others have a platform that is none.
        let real: Vec<&Descriptor> =
            manifests.iter().filter(|entry| architecture(entry).as_deref() != Some("unknown")).collect();
        match (wasm.as_slice(), real.as_slice()) {
            ([only], _) | ([], [only]) => Ok(Some(only)),
            (wasm, real) => {
                let found = if wasm.is_empty() { real.len() } else { wasm.len() };
                Err(OciError::Index { image: image.to_string(), found })
            }
        }
    }

    /// The component's layer.
    pub(super) fn component(&self, image: &Image) -> Result<Descriptor, OciError> {
        let layers = self.layers.as_deref().unwrap_or_default();
        let mut wasm = layers.iter().filter(|layer| WASM.contains(&layer.media_type.as_str()));
        match (wasm.next(), wasm.next()) {
            (Some(only), None) if only.size > MAX_SIZE => Err(OciError::TooLarge { image: image.to_string() }),
            (Some(only), None) => Ok(only.clone()),
            (None, _) => {
                let found: Vec<String> = layers.iter().map(|layer| layer.media_type.clone()).collect();
                Err(OciError::NoWasm { image: image.to_string(), found: found.join(", ") })
            }
            (Some(_), Some(_)) => {
                let found = 2 + wasm.count();
                Err(OciError::Several { image: image.to_string(), found })
            }
        }
    }

    /// The layers whose files have names that end so.
    pub(super) fn files<'a>(&'a self, end: &'a str) -> impl Iterator<Item = &'a Descriptor> {
        let named = move |layer: &&Descriptor| layer.annotation(TITLE).is_some_and(|title| title.ends_with(end));
        self.layers.iter().flatten().filter(named)
    }
}

impl Descriptor {
    pub(super) fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(key).map(String::as_str)
    }

    pub(super) fn digest(&self, image: &Image) -> Result<Digest, OciError> {
        let parsed = self.digest.strip_prefix("sha256:").and_then(|digits| digits.parse().ok());
        parsed.ok_or_else(|| {
            let cause = format!("{:?} is no SHA-256, which plugins are known by", self.digest);
            OciError::Malformed { image: image.to_string(), cause }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Image {
        Image::parse("oci://ghcr.io/a:1").unwrap()
    }

    fn layer(kind: &str) -> serde_json::Value {
        serde_json::json!({ "mediaType": kind, "digest": format!("sha256:{}", "0".repeat(64)), "size": 1 })
    }

    fn document(json: &serde_json::Value) -> Result<Document, OciError> {
        Document::parse(json.to_string().as_bytes(), &image())
    }

    #[test]
    fn one_layer_is_the_component() {
        let layers = |layers: &[&str]| {
            let layers: Vec<_> = layers.iter().map(|kind| layer(kind)).collect();
            document(&serde_json::json!({ "layers": layers })).unwrap().component(&image())
        };
        for kind in WASM {
            assert_eq!(layers(&["text/plain", kind]).unwrap().media_type, kind);
        }
        assert!(matches!(layers(&[WASM[0], WASM[1], WASM[0]]), Err(OciError::Several { found: 3, .. })));
        let tar = "application/vnd.oci.image.layer.v1.tar+gzip";
        let error = layers(&[tar]).unwrap_err().to_string();
        assert!(error.contains("no WebAssembly") && error.contains(tar), "{error}");
        assert!(matches!(layers(&[]), Err(OciError::NoWasm { .. })));
    }

    #[test]
    fn a_list_has_one_for_webassembly() {
        let list = |platforms: &[Option<&str>]| {
            let manifests: Vec<_> = platforms
                .iter()
                .map(|platform| {
                    let mut entry = layer("application/vnd.oci.image.manifest.v1+json");
                    if let Some(architecture) = platform {
                        entry["platform"] = serde_json::json!({ "architecture": architecture, "os": "wasip2" });
                    }
                    entry
                })
                .collect();
            let document = document(&serde_json::json!({ "manifests": manifests })).unwrap();
            document.chosen(&image()).map(|chosen| chosen.is_some()).map_err(|error| error.to_string())
        };
        assert_eq!(list(&[None]), Ok(true));
        assert_eq!(list(&[Some("amd64"), Some("wasm"), Some("unknown")]), Ok(true));
        assert_eq!(list(&[Some("amd64"), Some("unknown")]), Ok(true));
        assert!(list(&[]).unwrap_err().contains("no manifest"));
        assert!(list(&[Some("wasm"), Some("wasm")]).unwrap_err().contains("2 manifests"));
    }

    #[test]
    fn what_is_no_manifest_is_told() {
        for bad in ["", "[]", "{}", r#"{"layers":[],"manifests":[]}"#, r#"{"layers":[{"size":1}]}"#, "<html>"] {
            assert!(matches!(Document::parse(bad.as_bytes(), &image()), Err(OciError::Malformed { .. })), "{bad}");
        }
        let other: Descriptor = serde_json::from_str(r#"{"digest":"sha512:00"}"#).unwrap();
        assert!(matches!(other.digest(&image()), Err(OciError::Malformed { .. })));
    }
}
