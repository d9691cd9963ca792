//! Where signatures are: beside a file, beside an address, in a registry; and with a download that is kept.

use std::{fs, io, path::Path};

use url::Url;

use super::{
    Digest, Downloads, PackageError, Reference, file, https,
    oci::{self, Image},
    signature::{Date, Signatures, Signer},
};

/// Who of `signers` signed the component that `reference` led to. `manifest`: the digest of the image's manifest, where
/// it is known, since a tag may have moved on.
///
/// # Errors
/// Why it does not count as signed, or where that cannot be found out.
pub(super) async fn check<'s>(
    reference: &Reference,
    manifest: Option<Digest>,
    component: &[u8],
    signers: &[&'s Signer],
    downloads: &Downloads,
) -> Result<&'s Signer, PackageError> {
    let (today, digest) = (Date::today(), Digest::of(component));
    if reference.is_remote() {
        let kept: Option<Signatures> = downloads.signatures(digest).and_then(|text| serde_json::from_slice(&text).ok());
        // Another signature may be there by now, so that only a good one settles it.
        if let Some(Ok(signer)) = kept.map(|kept| kept.verify(component, signers, today)) {
            return Ok(signer);
        }
    }
    let found = find(reference, manifest, signers, downloads).await?;
    let signer = found.verify(component, signers, today)?;
    if reference.is_remote()
        && let Ok(text) = serde_json::to_vec(&found)
    {
        downloads.keep_signatures(digest, &text);
    }
    Ok(signer)
}

async fn find(
    reference: &Reference,
    manifest: Option<Digest>,
    signers: &[&Signer],
    downloads: &Downloads,
) -> Result<Signatures, PackageError> {
    let (minisign, cosign) =
        (signers.iter().any(|signer| signer.uses_minisign()), signers.iter().any(|signer| !signer.uses_minisign()));
    let mut found = Signatures::default();
    match reference {
        Reference::Local(path) => {
            let path = file::component(path)?;
            found.minisign.extend(beside(&path, "minisig")?);
            found.blob.extend(beside(&path, "sig")?);
        }
        Reference::Web(url) => {
            if minisign {
                found.minisign.extend(https::text(&with_end(url, ".minisig")).await?);
            }
            if cosign {
                found.blob.extend(https::text(&with_end(url, ".sig")).await?);
            }
        }
        Reference::Oci(image) => {
            let image: Image = manifest.map_or_else(|| (**image).clone(), |manifest| image.at(manifest));
            found = oci::signatures(&image, downloads).await?;
        }
    }
    Ok(found)
}

/// The file that is called like `path` and ends so; `None` where there is none.
fn beside(path: &Path, end: &str) -> Result<Option<String>, file::FileError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(end);
    let path = Path::new(&name).to_owned();
    match fs::read(&path) {
        // What is no text is no signature, and not the same as none.
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(file::FileError::Read { path, source }),
    }
}

fn with_end(url: &Url, end: &str) -> Url {
    let mut url = url.clone();
    let path = format!("{}{end}", url.path());
    url.set_path(&path);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_stands_beside_what_it_signs() {
        let url = Url::parse("https://example.com/a.wasm?token=x").unwrap();
        assert_eq!(with_end(&url, ".minisig").as_str(), "https://example.com/a.wasm.minisig?token=x");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wasm");
        assert_eq!(beside(&path, "sig").unwrap(), None);
        fs::write(folder.path().join("a.wasm.sig"), [0xff]).unwrap();
        assert!(beside(&path, "sig").unwrap().is_some());
    }
}
