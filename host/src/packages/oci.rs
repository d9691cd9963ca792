//! Plugins from registries, by the OCI distribution specification 1.1, in the layout that the CNCF gives to WebAssembly:
//! a manifest with one layer that is the component.
//!
//! * [`Image`]: which plugin in which registry.
//! * `manifest`: what the registry says of it.
//! * `registry`: requests, and how it is shown who asks (`challenge`); `credentials` are those that docker keeps.
//!
//! Everything is known by its SHA-256: what a registry sends for a digest is held against it.

mod challenge;
mod credentials;
mod error;
mod image;
mod manifest;
mod registry;

pub use self::{
    error::OciError,
    image::{Image, NoImage, SCHEME},
};
use self::{
    manifest::{Descriptor, Document},
    registry::Registry,
};
use super::{
    Digest, Watch,
    https::Downloads,
    signature::{ImageSignature, Signatures},
};

/// The kind of a layer that cosign signs.
const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// The annotation in which cosign has its signature.
const COSIGN: &str = "dev.cosignproject.cosign/signature";

/// A component from a registry.
#[derive(Debug)]
pub struct Pulled {
    /// The component.
    pub component: Vec<u8>,
    /// The digest of the manifest, or of the list that it stands in.
    pub manifest: Digest,
}

/// The component of `image`. Where the image is named by its digest and was pulled before, the registry is not asked.
///
/// # Errors
/// See [`OciError`].
pub async fn pull(image: &Image, downloads: &Downloads, watch: Watch<'_>) -> Result<Pulled, OciError> {
    let registry = Registry::new(image)?;
    let found = find(&registry, image, downloads).await?;
    let digest = found.layer.digest(image)?;
    let component = match downloads.get(digest) {
        Some(kept) => kept,
        None => registry.blob(digest, found.layer.size, watch).await?,
    };
    Ok(Pulled { component, manifest: found.manifest })
}

/// The signatures of `image` that the registry has, of whomever.
///
/// # Errors
/// See [`OciError`]; that there are none is no error.
pub async fn signatures(image: &Image, downloads: &Downloads) -> Result<Signatures, OciError> {
    let registry = Registry::new(image)?;
    let found = find(&registry, image, downloads).await?;
    let mut signed = Signatures::default();
    for layer in found.document.files(".minisig") {
        signed.minisign.push(registry.text(layer).await?);
    }
    for layer in found.document.files(".sig") {
        signed.blob.push(registry.text(layer).await?);
    }
    for text in &found.chain {
        let tag = format!("sha256-{}.sig", Digest::of(text.as_bytes()));
        let Some((_, text)) = registry.manifest_if_there(&image.tagged(tag)).await? else { continue };
        let document = Document::parse(text.as_bytes(), image)?;
        for layer in document.layers.iter().flatten().filter(|layer| layer.media_type == SIMPLE_SIGNING) {
            if let Some(signature) = layer.annotation(COSIGN) {
                let signature = signature.to_owned();
                signed.image.push(ImageSignature { payload: registry.text(layer).await?, signature });
            }
        }
    }
    signed.chain = found.chain;
    Ok(signed)
}

/// Whether `chain` leads from the document of digest `from` to the component of digest `to`, each by the digest that
/// the one before it names.
#[must_use]
pub fn leads(chain: &[String], from: Digest, to: Digest) -> bool {
    let Some(start) = chain.iter().position(|text| Digest::of(text.as_bytes()) == from) else { return false };
    // For messages alone, and none is shown.
    let Ok(image) = Image::parse("oci://localhost/chain") else { return false };
    let mut expected = from;
    for text in &chain[start..] {
        let Ok(document) = Document::parse(text.as_bytes(), &image) else { return false };
        if Digest::of(text.as_bytes()) != expected {
            return false;
        }
        let next = match document.chosen(&image) {
            Ok(Some(entry)) => entry.digest(&image),
            Ok(None) => document.component(&image).and_then(|layer| layer.digest(&image)),
            Err(_) => return false,
        };
        let Ok(next) = next else { return false };
        expected = next;
    }
    expected == to
}

/// An image's manifest.
struct Found {
    document: Document,
    layer: Descriptor,
    /// The digest of the first of the chain.
    manifest: Digest,
    chain: Vec<String>,
}

/// Follows `image` to its component's layer.
async fn find(registry: &Registry, image: &Image, downloads: &Downloads) -> Result<Found, OciError> {
    let (manifest, text) = document(registry, image, downloads).await?;
    let mut leaf = Document::parse(text.as_bytes(), image)?;
    let mut chain = vec![text];
    if let Some(entry) = leaf.chosen(image)? {
        let (_, text) = document(registry, &image.at(entry.digest(image)?), downloads).await?;
        leaf = Document::parse(text.as_bytes(), image)?;
        chain.push(text);
    }
    let layer = leaf.component(image)?;
    Ok(Found { document: leaf, layer, manifest, chain })
}

/// A manifest or a list: a kept one where it is named by its digest.
async fn document(registry: &Registry, image: &Image, downloads: &Downloads) -> Result<(Digest, String), OciError> {
    if let Some(digest) = image.digest
        && let Some(kept) = downloads.document(digest)
    {
        return Ok((digest, kept));
    }
    let (digest, text) = registry.manifest(image).await?;
    downloads.keep_document(digest, &text);
    Ok((digest, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_leads_to_one_component() {
        let component = Digest::of(b"component");
        let manifest = format!(r#"{{"layers":[{{"mediaType":"application/wasm","digest":"sha256:{component}"}}]}}"#);
        let list = format!(r#"{{"manifests":[{{"digest":"sha256:{}"}}]}}"#, Digest::of(manifest.as_bytes()));
        let (first, second) = (Digest::of(list.as_bytes()), Digest::of(manifest.as_bytes()));
        let chain = [list, manifest];
        assert!(leads(&chain, first, component) && leads(&chain, second, component));
        assert!(leads(&chain[1..], second, component));
        assert!(!leads(&chain, first, Digest::of(b"other")));
        assert!(!leads(&chain[..1], first, component));
        assert!(!leads(&chain[1..], first, component));
        let torn = [chain[0].clone(), chain[1].replace("wasm", "tar")];
        assert!(!leads(&torn, first, component));
        assert!(!leads(&[], first, component));
    }
}
