//! `oci://HOST[:PORT]/NAME[:TAG][@sha256:DIGEST]`: a plugin in a registry.

use std::{fmt, net::IpAddr};

use crate::packages::Digest;

/// The scheme in front of an image.
pub const SCHEME: &str = "oci://";

/// The tag that is meant where none is written, as everywhere with registries.
const LATEST: &str = "latest";

/// Characters of a tag, and of a name with its host (distribution specification 1.1, "Pulling manifests").
const TAG: usize = 128;
const NAME: usize = 255;

/// A plugin in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The registry, with its port where one is written.
    pub host: String,
    /// The repository in it.
    pub name: String,
    /// The tag.
    pub tag: Option<String>,
    /// The digest of the manifest; where it is there, the tag is for readers.
    pub digest: Option<Digest>,
}

/// Why a text names no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{address}: {cause}")]
pub struct NoImage {
    /// As it was written, without what may be secret.
    address: String,
    cause: &'static str,
}

impl Image {
    /// Reads `text`, with its scheme.
    ///
    /// # Errors
    /// See [`NoImage`].
    pub fn parse(text: &str) -> Result<Self, NoImage> {
        let rest = text.get(SCHEME.len()..).unwrap_or_default();
        let wrong = |cause| {
            let (before, after) = rest.split_once('/').unwrap_or((rest, ""));
            // What stands before an @ in there would be a password.
            let host = before.rsplit('@').next().unwrap_or_default();
            NoImage { address: format!("{SCHEME}{host}/{}", after.split('?').next().unwrap_or_default()), cause }
        };
        let (host, path) = rest.split_once('/').ok_or_else(|| wrong("there is no repository after the host"))?;
        if host.contains('@') {
            return Err(wrong("user and password do not stand in the address: `docker login` keeps them"));
        }
        if !is_host(host) {
            return Err(wrong("this is no host"));
        }
        let (path, digest) = match path.split_once('@') {
            None => (path, None),
            Some((path, digest)) if digest.starts_with("sha256:") => match digest.parse() {
                Ok(digest) => (path, Some(digest)),
                Err(_) => return Err(wrong("the digest has to be sha256: and 64 hexadecimal digits")),
            },
            Some(_) => return Err(wrong("the digest has to be sha256: and 64 hexadecimal digits")),
        };
        let (name, tag) = match path.split_once(':') {
            None => (path, None),
            Some((name, tag)) => (name, Some(tag)),
        };
        if !is_name(name) || name.len() + host.len() >= NAME {
            return Err(wrong("a repository has small letters and digits, with . _ - / between them"));
        }
        if !tag.is_none_or(is_tag) {
            return Err(wrong("a tag has letters, digits, and . _ - within"));
        }
        Ok(Self { host: host.to_owned(), name: name.to_owned(), tag: tag.map(str::to_owned), digest })
    }

    /// The same image, as the manifest of this digest.
    #[must_use]
    pub fn at(&self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self.clone() }
    }

    /// Another tag of the same repository.
    #[must_use]
    pub fn tagged(&self, tag: String) -> Self {
        Self { tag: Some(tag), digest: None, ..self.clone() }
    }

    /// What the registry is asked for.
    #[must_use]
    pub fn reference(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => format!("sha256:{digest}"),
            (None, Some(tag)) => tag.clone(),
            (None, None) => LATEST.to_owned(),
        }
    }

    /// The address of the registry's API: `https`, and `http` on this machine alone.
    #[must_use]
    pub fn api(&self) -> String {
        match self.host.as_str() {
            "docker.io" | "index.docker.io" => "https://registry-1.docker.io".to_owned(),
            host if self.is_loopback() => format!("http://{host}"),
            host => format!("https://{host}"),
        }
    }

    /// Whether the registry is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let name = match self.host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => self.host.split(':').next().unwrap_or_default(),
        };
        name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.host, self.name)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match self.digest {
            Some(digest) => write!(f, "@sha256:{digest}"),
            None => Ok(()),
        }
    }
}

fn is_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let is_ip6 = |name: &str| {
        let inner = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        inner.is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok())
    };
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    let name_fits = (name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(legal)) || is_ip6(name);
    name_fits && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

fn is_name(name: &str) -> bool {
    let word = |part: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        part.chars().all(inner) && edge(part.chars().next()) && edge(part.chars().last()) && !part.contains("..")
    };
    name.split('/').all(word)
}

fn is_tag(tag: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    (1..=TAG).contains(&tag.len()) && tag.chars().all(legal) && !tag.starts_with(['.', '-'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn images_are_read_and_written() {
        for (text, reference) in [
            ("oci://ghcr.io/example/fetch:1.2", "1.2"),
            ("oci://ghcr.io/example/fetch", "latest"),
            ("oci://127.0.0.1:5000/fetch:a", "a"),
            ("oci://[::1]:5000/a/b/c", "latest"),
        ] {
            let image = Image::parse(text).unwrap();
            assert_eq!((image.to_string().as_str(), image.reference().as_str()), (text, reference));
        }
        let both = Image::parse(&format!("oci://ghcr.io/a:1@sha256:{DIGEST}")).unwrap();
        assert_eq!(both.reference(), format!("sha256:{DIGEST}"));
        assert_eq!((both.host.as_str(), both.name.as_str(), both.tag.as_deref()), ("ghcr.io", "a", Some("1")));
    }

    #[test]
    fn what_is_none_says_why() {
        let error = |text: &str| Image::parse(text).unwrap_err().to_string();
        assert!(error("oci://ghcr.io").ends_with("there is no repository after the host"));
        let secret = error("oci://me:hunter2@ghcr.io/a");
        assert!(secret.contains("docker login") && !secret.contains("hunter2"), "{secret}");
        for bad in ["oci://ghcr.io/A", "oci://ghcr.io/../a", "oci://ghcr.io/a//b", "oci://ghcr.io/a?x=1", "oci://g/"] {
            assert!(error(bad).contains("a repository has"), "{bad}");
        }
        for bad in ["oci://ghcr.io/a:", "oci://ghcr.io/a:-x", "oci://ghcr.io/a:b:c"] {
            assert!(error(bad).contains("a tag has"), "{bad}");
        }
        for bad in ["oci://ghcr.io/a@sha512:00", "oci://ghcr.io/a@sha256:00", "oci://ghcr.io/a@x"] {
            assert!(error(bad).contains("the digest has to be"), "{bad}");
        }
        assert!(error("oci://g h/a").contains("no host") && error("oci://ghcr.io:99999/a").contains("no host"));
    }

    #[test]
    fn http_is_for_this_machine() {
        let api = |text: &str| Image::parse(text).unwrap().api();
        assert_eq!(api("oci://127.0.0.1:5000/a"), "http://127.0.0.1:5000");
        assert_eq!(api("oci://localhost/a"), "http://localhost");
        assert_eq!(api("oci://[::1]:5000/a"), "http://[::1]:5000");
        assert_eq!(api("oci://127.0.0.1.example.com/a"), "https://127.0.0.1.example.com");
        assert_eq!(api("oci://docker.io/library/a"), "https://registry-1.docker.io");
    }
}
