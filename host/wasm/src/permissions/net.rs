//! Which web servers a plugin may reach.

use std::{borrow::Cow, cmp::Ordering, fmt, net::IpAddr, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use url::Host;

/// An entry of `permissions.net`: `[scheme://]host[:port]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetPattern {
    text: Box<str>,
    /// `None`: http and https.
    https: Option<bool>,
    host: HostPattern,
    port: PortPattern,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum HostPattern {
    /// `*`
    Any,
    /// `*.example.com`, kept as `.example.com`
    Below(String),
    /// One name or address.
    Is(Host),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum PortPattern {
    /// What the scheme says.
    Default,
    /// `:*`
    Any,
    Is(u16),
}

/// A text that is no entry of `permissions.net`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no host: {problem}")]
pub struct NetPatternError {
    text: String,
    problem: &'static str,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Whether over TLS.
    pub https: bool,
    /// The name or the address.
    pub host: Host,
    /// The port.
    pub port: u16,
}

// === impl Target ===

impl Target {
    /// Where `uri` leads; `None` where it is no http or https address, or names a user, which could make a reader take
    /// the one for the other.
    #[must_use]
    pub fn of(uri: &http::Uri) -> Option<Self> {
        let https = match uri.scheme_str()? {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let authority = uri.authority()?;
        if authority.as_str().contains('@') {
            return None;
        }
        let port = match authority.port_u16() {
            Some(port) => port,
            // A port that is no number is no port left out.
            None if authority.port().is_some() => return None,
            None => default_port(https),
        };
        Some(Self { https, host: parse_host(authority.host())?, port })
    }

    /// `host:port`, as messages show it.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The entry that would allow this target under the address `ip`.
    #[must_use]
    pub fn at(&self, ip: IpAddr) -> String {
        let scheme = if self.https { "https" } else { "http" };
        match ip {
            IpAddr::V4(ip) => format!("{scheme}://{ip}:{}", self.port),
            IpAddr::V6(ip) => format!("{scheme}://[{ip}]:{}", self.port),
        }
    }
}

/// Reads a host as browsers do, so that `0x7f.1` is the address it stands for, and a trailing dot changes nothing.
fn parse_host(text: &str) -> Option<Host> {
    Host::parse(text.strip_suffix('.').unwrap_or(text)).ok()
}

fn default_port(https: bool) -> u16 {
    if https { 443 } else { 80 }
}

// === impl NetPattern ===

impl NetPattern {
    /// Whether this entry allows a request to `target`.
    #[must_use]
    pub fn allows(&self, target: &Target) -> bool {
        let host = match (&self.host, &target.host) {
            (HostPattern::Any, _) => true,
            (HostPattern::Is(listed), host) => listed == host,
            (HostPattern::Below(suffix), Host::Domain(name)) => name.len() > suffix.len() && name.ends_with(suffix),
            (HostPattern::Below(_), _) => false,
        };
        host && self.fits(target)
    }

    /// Whether this entry lists `ip` itself for requests like `target`: as an address, or as `localhost`.
    #[must_use]
    pub fn lists_address(&self, target: &Target, ip: IpAddr) -> bool {
        let listed = match &self.host {
            HostPattern::Is(Host::Ipv4(listed)) => IpAddr::V4(*listed) == ip.to_canonical(),
            HostPattern::Is(Host::Ipv6(listed)) => IpAddr::V6(*listed).to_canonical() == ip.to_canonical(),
            HostPattern::Is(Host::Domain(listed)) => {
                listed == "localhost" && target.host == self.domain() && ip.to_canonical().is_loopback()
            }
            _ => false,
        };
        listed && self.fits(target)
    }

    /// The entry as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn domain(&self) -> Host {
        match &self.host {
            HostPattern::Is(host) => host.clone(),
            HostPattern::Below(suffix) => Host::Domain(suffix.clone()),
            HostPattern::Any => Host::Domain(String::new()),
        }
    }

    /// Whether scheme and port fit.
    fn fits(&self, target: &Target) -> bool {
        let port = match self.port {
            PortPattern::Any => true,
            PortPattern::Is(port) => port == target.port,
            PortPattern::Default => default_port(target.https) == target.port,
        };
        port && self.https.is_none_or(|https| https == target.https)
    }
}

impl PartialOrd for NetPattern {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// By how they were written, so that they can be keys.
impl Ord for NetPattern {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl FromStr for NetPattern {
    type Err = NetPatternError;
    fn from_str(text: &str) -> Result<Self, NetPatternError> {
        let error = |problem| NetPatternError { text: text.to_owned(), problem };
        let (https, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (Some(true), rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (Some(false), rest),
            Some(_) => return Err(error("the scheme is neither http nor https")),
            None => (None, text),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#', '@']) {
            return Err(error("write scheme, host and port alone, such as `https://api.example.com:443`"));
        }
        let (host, port) = split_port(rest);
        let port = match port {
            None => PortPattern::Default,
            Some("*") => PortPattern::Any,
            Some(port) => PortPattern::Is(port.parse().map_err(|_| error("the port is no number from 0 to 65535"))?),
        };
        Ok(Self { text: text.into(), https, host: read_host(host).map_err(error)?, port })
    }
}

fn read_host(host: &str) -> Result<HostPattern, &'static str> {
    const STARS: &str = "`*` stands for the beginning of a name, such as `*.example.com`, or for any host";
    if host == "*" {
        return Ok(HostPattern::Any);
    }
    let (below, name) = match host.strip_prefix("*.") {
        Some(name) => (true, name),
        None => (false, host),
    };
    if name.contains('*') {
        return Err(STARS);
    }
    match (below, parse_host(name).ok_or("it is neither a name nor an address")?) {
        (false, host) => Ok(HostPattern::Is(host)),
        (true, Host::Domain(name)) => Ok(HostPattern::Below(format!(".{name}"))),
        (true, _) => Err(STARS),
    }
}

/// Host and port; the colons of a bracketed IPv6 address belong to the host.
fn split_port(text: &str) -> (&str, Option<&str>) {
    let after_host = text.rfind(']').map_or(0, |at| at + 1);
    match text[after_host..].find(':') {
        Some(at) => (&text[..after_host + at], Some(&text[after_host + at + 1..])),
        None => (text, None),
    }
}

impl fmt::Display for NetPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for NetPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl Serialize for NetPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl JsonSchema for NetPattern {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "NetPattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "examples": ["https://api.github.com", "*.example.com:443", "http://127.0.0.1:8080"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permissions::Permissions;

    fn permissions(entries: &[&str]) -> Permissions {
        let net = entries.iter().map(|entry| entry.parse().unwrap()).collect();
        Permissions { net, ..Permissions::default() }
    }

    fn target(uri: &str) -> Target {
        Target::of(&uri.parse().unwrap()).unwrap()
    }

    #[test]
    fn hosts() {
        let table = [
            ("https://api.github.com", "https://api.github.com/x?y", true),
            ("https://api.github.com", "https://API.GitHub.com./", true),
            ("https://api.github.com", "http://api.github.com/", false),
            ("https://api.github.com", "https://api.github.com:8443/", false),
            ("https://api.github.com", "https://api.github.com.evil.org/", false),
            ("https://api.github.com", "https://evil-api.github.com/", false),
            ("api.github.com", "http://api.github.com/", true),
            ("api.github.com", "http://api.github.com:443/", false),
            ("*.example.com:443", "https://a.b.example.com/", true),
            ("*.example.com:443", "https://example.com/", false),
            ("*.example.com:443", "https://badexample.com/", false),
            ("*.example.com:443", "http://a.example.com/", false),
            ("example.com:*", "http://example.com:8080/", true),
            ("https://example.com:*", "http://example.com:8080/", false),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/", true),
            ("http://127.0.0.1:8080", "http://2130706433:8080/", true),
            ("http://127.0.0.1:8080", "http://127.0.0.1/", false),
            ("http://[::1]:8080", "http://[::1]:8080/", true),
            ("*", "https://anything.example/", true),
            ("*", "https://anything.example:8443/", false),
            ("bücher.example", "https://xn--bcher-kva.example/", true),
        ];
        for (entry, uri, allowed) in table {
            assert_eq!(permissions(&[entry]).allows_host(&target(uri)), allowed, "{entry} {uri}");
        }
        assert!(!permissions(&[]).allows_host(&target("https://example.com/")));
    }

    #[test]
    fn private_addresses_have_to_be_listed() {
        let table = [
            ("https://example.com", "https://example.com/", "93.184.216.34", true),
            ("https://example.com", "https://example.com/", "127.0.0.1", false),
            ("https://example.com", "https://example.com/", "::ffff:169.254.169.254", false),
            ("*", "http://10.0.0.5/", "10.0.0.5", false),
            ("http://10.0.0.5", "http://10.0.0.5/", "10.0.0.5", true),
            ("http://10.0.0.5", "http://10.0.0.5/", "::ffff:10.0.0.5", true),
            ("http://10.0.0.5:8080", "http://10.0.0.5/", "10.0.0.5", false),
            ("http://localhost:8080", "http://localhost:8080/", "127.0.0.1", true),
            ("http://localhost:8080", "http://localhost:8080/", "::1", true),
            ("http://localhost:8080", "http://localhost:8080/", "10.0.0.5", false),
            ("http://localhost:8080", "http://localhost:9090/", "127.0.0.1", false),
            ("http://localhost:8080", "http://other.example:8080/", "127.0.0.1", false),
        ];
        for (entry, uri, ip, allowed) in table {
            let decision = permissions(&[entry]).allows_address(&target(uri), ip.parse().unwrap());
            assert_eq!(decision, allowed, "{entry} {uri} {ip}");
        }
        // The name is listed and so is the address that it has inside this network.
        let both = permissions(&["https://intranet.example", "https://10.0.0.5"]);
        assert!(both.allows_address(&target("https://intranet.example/"), "10.0.0.5".parse().unwrap()));
    }

    #[test]
    fn targets_that_are_none() {
        for uri in ["ftp://example.com/", "https://user@example.com/", "/path"] {
            assert_eq!(Target::of(&uri.parse().unwrap()), None, "{uri}");
        }
    }

    #[test]
    fn entries_that_are_none() {
        let error = |text: &str| text.parse::<NetPattern>().unwrap_err().to_string();
        assert_eq!(error("ftp://x"), r#""ftp://x" is no host: the scheme is neither http nor https"#);
        assert!(error("https://x/path").contains("write scheme, host and port alone"));
        assert!(error("https://x:99999").contains("the port is no number"));
        assert!(error("api.*.com").contains("`*` stands for the beginning of a name"));
        assert!(error("*.10.0.0.1").contains("`*` stands for the beginning of a name"));
        assert!(error("").contains("neither a name nor an address"));
        assert!(error("a b").contains("neither a name nor an address"));
        assert_eq!(target("http://10.0.0.1:81/").at("::1".parse().unwrap()), "http://[::1]:81");
    }
}
