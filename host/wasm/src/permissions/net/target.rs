//! Where a request goes, and what it wants there.

use std::net::IpAddr;

use http::Method;
use url::Host;

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

/// A request, as far as it is decided on.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// Where it goes.
    pub target: &'a Target,
    /// What it does there.
    pub method: &'a Method,
    /// To what, without the query.
    pub path: &'a str,
}

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
        match ip {
            IpAddr::V4(ip) => format!("{}://{ip}:{}", self.scheme(), self.port),
            IpAddr::V6(ip) => format!("{}://[{ip}]:{}", self.scheme(), self.port),
        }
    }

    /// The entry that would allow this target: `https://host`, with the port where it is another than the scheme's.
    #[must_use]
    pub fn origin(&self) -> String {
        match self.port == default_port(self.https) {
            true => format!("{}://{}", self.scheme(), self.host),
            false => format!("{}://{}:{}", self.scheme(), self.host, self.port),
        }
    }

    /// Whether it is this machine, by its name or by its address.
    pub(crate) fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(ip) => ip.is_loopback(),
            Host::Ipv6(ip) => ip.is_loopback(),
        }
    }

    fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }
}

/// Reads a host as browsers do, so that `0x7f.1` is the address it stands for, and a trailing dot changes nothing.
pub(super) fn parse_host(text: &str) -> Option<Host> {
    Host::parse(text.strip_suffix('.').unwrap_or(text)).ok()
}

pub(super) fn default_port(https: bool) -> u16 {
    if https { 443 } else { 80 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_that_are_none() {
        for uri in ["ftp://example.com/", "https://user@example.com/", "/path"] {
            assert_eq!(Target::of(&uri.parse().unwrap()), None, "{uri}");
        }
    }

    #[test]
    fn targets_as_entries() {
        let target = |uri: &str| Target::of(&uri.parse().unwrap()).unwrap();
        assert_eq!(target("http://10.0.0.1:81/").at("::1".parse().unwrap()), "http://[::1]:81");
        for (uri, origin) in [
            ("https://EXAMPLE.com:443/x", "https://example.com"),
            ("http://example.com:443/x", "http://example.com:443"),
            ("http://[::1]/", "http://[::1]"),
        ] {
            assert_eq!(target(uri).origin(), origin);
        }
        assert!(target("http://127.1/").is_loopback() && target("http://localhost:1/").is_loopback());
        assert!(!target("http://localhost.example/").is_loopback());
    }
}
