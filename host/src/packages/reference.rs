//! What stands as `source` in `gateway.yaml` and as `REF` on the command line.

use std::{
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
};

use url::{Host, Url};

use super::oci::{Image, NoImage, SCHEME};

/// Where a plugin comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A `.wasm` file or a folder with a built plugin: which of the two is looked at when it is read.
    Local(PathBuf),
    /// An address on the web: `https`, or `http` on this machine.
    Web(Box<Url>),
    /// A registry.
    Oci(Box<Image>),
}

/// Why a text is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// There is nothing.
    #[error("the source of a plugin is empty")]
    Empty,
    /// No address.
    #[error("{address}: this is no address: {cause}")]
    Address {
        /// As it was written, without what may be secret.
        address: String,
        /// What is wrong with it.
        cause: url::ParseError,
    },
    /// `http` to another machine: who stands between could change the plugin.
    #[error("{0}: plugins come over https; http is for this machine alone")]
    Http(String),
    /// No image of a registry.
    #[error(transparent)]
    Image(#[from] NoImage),
    /// Another scheme.
    #[error("{address}: plugins do not come over {scheme}://")]
    Scheme {
        /// As it was written, without what may be secret.
        address: String,
        /// The scheme.
        scheme: String,
    },
}

impl Reference {
    /// Reads `text`; relative paths start at `base`. Nothing is looked at on disk.
    ///
    /// # Errors
    /// See [`ReferenceError`].
    pub fn parse(text: &str, base: &Path) -> Result<Self, ReferenceError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(ReferenceError::Empty);
        }
        let Some((scheme, _)) = text.split_once("://") else {
            // `components` drops the `.` of `./plugins`.
            return Ok(Self::Local(base.join(text).components().collect()));
        };
        if scheme.eq_ignore_ascii_case(SCHEME.trim_end_matches("://")) {
            return Ok(Self::Oci(Box::new(Image::parse(text)?)));
        }
        let address = || text.split(['?', '#']).next().unwrap_or_default().to_owned();
        let url = Url::parse(text).map_err(|cause| ReferenceError::Address { address: address(), cause })?;
        match url.scheme() {
            "https" => Ok(Self::Web(Box::new(url))),
            "http" if is_loopback(&url) => Ok(Self::Web(Box::new(url))),
            "http" => Err(ReferenceError::Http(shown(&url))),
            _ => Err(ReferenceError::Scheme { address: shown(&url), scheme: scheme.to_ascii_lowercase() }),
        }
    }

    /// Whether it comes from another place than this machine's files, so that it could be another one tomorrow.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        !matches!(self, Self::Local(_))
    }

    /// The name that the reference suggests: the last part of it, without `.wasm`; `None` where there is none.
    #[must_use]
    pub fn stem(&self) -> Option<String> {
        let last = match self {
            Self::Local(path) => path.file_name()?.to_str()?,
            Self::Web(url) => url.path_segments()?.rfind(|part| !part.is_empty())?,
            Self::Oci(image) => image.name.rsplit('/').next()?,
        };
        let stem = last.strip_suffix(".wasm").unwrap_or(last);
        (!stem.is_empty()).then(|| stem.to_owned())
    }
}

impl ReferenceError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Http(_) => "write https://",
            Self::Image(_) => "write oci://HOST/NAME:TAG, or oci://HOST/NAME@sha256:DIGEST",
            _ => "a plugin is a folder, a .wasm file, or an https:// or oci:// address",
        }
    }
}

/// For messages: without user, password and query, which may be secret.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => path.display().fmt(f),
            Self::Web(url) => f.write_str(&shown(url)),
            Self::Oci(image) => image.fmt(f),
        }
    }
}

/// `url` without what may be secret.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // These fail only for addresses that cannot have one, and then have none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

/// Whether `url` leads to this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(ip)) => IpAddr::from(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::from(ip).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Reference, ReferenceError> {
        Reference::parse(text, Path::new("/etc/mcp"))
    }

    #[test]
    fn paths_start_at_the_configuration() {
        let local = |text: &str| match parse(text) {
            Ok(Reference::Local(path)) => path,
            other => panic!("{other:?}"),
        };
        assert_eq!(local("./plugins/a"), Path::new("/etc/mcp/plugins/a"));
        assert_eq!(local("a.wasm"), Path::new("/etc/mcp/a.wasm"));
        assert_eq!(local("/srv/a"), Path::new("/srv/a"));
    }

    #[test]
    fn the_web_is_https() {
        assert!(matches!(parse("https://example.com/a.wasm"), Ok(Reference::Web(_))));
        for here in ["http://127.0.0.1:8080/a.wasm", "http://localhost/a", "http://[::1]/a"] {
            assert!(matches!(parse(here), Ok(Reference::Web(_))), "{here}");
        }
        for there in ["http://example.com/a.wasm", "http://127.0.0.1.example.com/a", "http://10.0.0.1/a"] {
            assert!(matches!(parse(there), Err(ReferenceError::Http(_))), "{there}");
        }
        assert!(
            matches!(parse("ftp://example.com/a:1"), Err(ReferenceError::Scheme { scheme, .. }) if scheme == "ftp")
        );
        assert!(matches!(parse("oci://oci.example.com/a:1"), Ok(Reference::Oci(_))));
        assert!(matches!(parse("oci://oci.example.com"), Err(ReferenceError::Image(_))));
        assert!(matches!(parse("https://"), Err(ReferenceError::Address { .. })));
        assert_eq!(parse("  "), Err(ReferenceError::Empty));
    }

    #[test]
    fn messages_hold_no_secrets() {
        let reference = parse("https://me:hunter2@example.com/a.wasm?token=hunter2#x").unwrap();
        assert_eq!(reference.to_string(), "https://example.com/a.wasm");
        let error = parse("http://me:hunter2@example.com/a.wasm?token=hunter2").unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn names_are_suggested() {
        let stem = |text: &str| parse(text).unwrap().stem();
        assert_eq!(stem("./plugins/calculator").as_deref(), Some("calculator"));
        assert_eq!(stem("x/calculator.wasm").as_deref(), Some("calculator"));
        assert_eq!(stem("https://example.com/v1/calculator.wasm?x=1").as_deref(), Some("calculator"));
        assert_eq!(stem("https://example.com/calculator/").as_deref(), Some("calculator"));
        assert_eq!(stem("https://example.com"), None);
        assert_eq!(stem("oci://example.com/plugins/calculator:1.2").as_deref(), Some("calculator"));
    }
}
