//! Names that this gateway answers to. A page in a browser can reach a gateway on loopback: directly, which `Origin`
//! tells, or under a name of its own that resolves to 127.0.0.1 (DNS rebinding), which `Host` tells.

use std::net::{IpAddr, SocketAddr};

use axum::http::{
    HeaderMap, Uri,
    header::{HOST, ORIGIN},
    uri::Authority,
};

/// The names that are answered to, in `Host` and in `Origin`.
#[derive(Debug, Clone)]
pub struct Hosts {
    names: Box<[Name]>,
    /// Listens on all addresses, so that any address may be its own. An address is nothing to rebind.
    any_address: bool,
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Foreign {
    /// `Host` is missing, there twice, or none.
    #[error("there has to be one `Host` header, and it has to be a host")]
    NoHost,
    /// The gateway is asked under a name that is not its own.
    #[error("the `Host` {0:?} is not allowed")]
    Host(String),
    /// The request comes from a web page that is not its own.
    #[error("the `Origin` {0:?} is not allowed")]
    Origin(String),
}

/// What to do about it.
pub const HINT: &str = "add the name to `allowed_hosts` of gateway.yaml";

#[derive(Debug, Clone)]
struct Name {
    /// In lower case and without brackets; `*`: any; `*.` at its beginning: any below.
    host: Box<str>,
    /// `None`: any.
    port: Option<u16>,
}

impl Hosts {
    /// Those of a gateway that was told to listen on `host`, and does on `bound`.
    #[must_use]
    pub fn new(host: &str, bound: SocketAddr, allowed: &[String]) -> Self {
        let own = [host.to_owned(), bound.ip().to_string()];
        let own = own.iter().map(|host| Name { host: plain(host), port: None });
        let own = own.filter(|name| !is_unspecified(&name.host));
        let names = own.chain(allowed.iter().map(|entry| Name::read(entry))).collect();
        Self { names, any_address: bound.ip().is_unspecified() }
    }

    /// Whether a request with these headers is meant for this gateway, and by whom it should be.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Foreign> {
        let host = host(uri, headers).ok_or(Foreign::NoHost)?;
        if !self.knows(host.host(), host.port_u16()) {
            return Err(Foreign::Host(host.to_string()));
        }
        // `Origin` can be there once alone; whoever sends it twice sends it to deceive.
        for origin in headers.get_all(ORIGIN) {
            if !self.is_own_origin(origin.as_bytes()) {
                return Err(Foreign::Origin(String::from_utf8_lossy(origin.as_bytes()).into_owned()));
            }
        }
        Ok(())
    }

    /// Whether pages of this origin may ask. `null`, that of pages without one, may not.
    #[must_use]
    pub fn is_own_origin(&self, origin: &[u8]) -> bool {
        let Some(uri) = std::str::from_utf8(origin).ok().and_then(|origin| origin.parse::<Uri>().ok()) else {
            return false;
        };
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.authority()) else { return false };
        let default = if scheme == "https" { 443 } else { 80 };
        self.knows(host.host(), Some(host.port_u16().unwrap_or(default)))
    }

    fn knows(&self, host: &str, port: Option<u16>) -> bool {
        let host = plain(host);
        let address = host.parse::<IpAddr>();
        *host == *"localhost"
            || host.ends_with(".localhost")
            || address.is_ok_and(|address| address.is_loopback() || self.any_address)
            || self.names.iter().any(|name| name.is(&host, port))
    }
}

impl Name {
    /// An entry of `allowed_hosts`: a name, a name and a port, or an origin.
    fn read(entry: &str) -> Self {
        let entry = entry.trim();
        let entry = entry.split_once("://").map_or(entry, |(_, host)| host).trim_end_matches('/');
        match entry.parse::<Authority>() {
            Ok(authority) => Self { host: plain(authority.host()), port: authority.port_u16() },
            Err(_) => Self { host: plain(entry), port: None },
        }
    }

    fn is(&self, host: &str, port: Option<u16>) -> bool {
        let same = match self.host.strip_prefix('*') {
            Some("") => true,
            Some(below) if below.starts_with('.') => host.ends_with(below),
            _ => *self.host == *host,
        };
        same && (self.port.is_none() || self.port == port)
    }
}

/// Where the request says that it goes: one `Host`, or the authority of the request's target.
fn host(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok()?.parse().ok(),
        (None, _) => uri.authority().cloned(),
        _ => None,
    }
}

fn plain(host: &str) -> Box<str> {
    host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase().into()
}

fn is_unspecified(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bound: &str, allowed: &[&str], host: &str, origin: Option<&str>) -> Result<(), Foreign> {
        let allowed: Vec<String> = allowed.iter().map(|&name| name.to_owned()).collect();
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        let bound: SocketAddr = bound.parse().unwrap();
        Hosts::new("gateway.internal", bound, &allowed).check(&"/mcp".parse().unwrap(), &headers)
    }

    #[test]
    fn names_of_its_own_are_answered_to() {
        for host in
            ["localhost", "localhost:39400", "LOCALHOST.", "127.0.0.1:1", "127.8.8.8", "[::1]:80", "x.localhost:1"]
        {
            assert_eq!(check("127.0.0.1:39400", &[], host, None), Ok(()), "{host}");
        }
        for host in
            ["evil.example", "evil.example:39400", "localhost.evil.example", "10.0.0.7", "127.0.0.1.evil.example"]
        {
            assert_eq!(check("127.0.0.1:39400", &[], host, None), Err(Foreign::Host(host.to_owned())), "{host}");
        }
        assert_eq!(check("10.0.0.7:39400", &[], "10.0.0.7:39400", None), Ok(()));
        assert_eq!(check("10.0.0.7:39400", &[], "gateway.internal:1", None), Ok(()));
        assert!(check("10.0.0.7:39400", &[], "10.0.0.8", None).is_err());
        assert_eq!(check("0.0.0.0:39400", &[], "10.0.0.8", None), Ok(()));
        assert!(check("0.0.0.0:39400", &[], "evil.example", None).is_err());
        assert_eq!(check("127.0.0.1:1", &[], "a b", None), Err(Foreign::NoHost));
    }

    #[test]
    fn further_names_can_be_allowed() {
        for (allowed, host, fits) in [
            ("gw.example.com", "gw.example.com:8443", true),
            ("GW.example.com", "gw.example.com", true),
            ("gw.example.com:8443", "gw.example.com:8443", true),
            ("gw.example.com:8443", "gw.example.com", false),
            ("https://gw.example.com", "gw.example.com", true),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "evil-example.com", false),
            ("*", "anything", true),
        ] {
            assert_eq!(check("127.0.0.1:1", &[allowed], host, None).is_ok(), fits, "{allowed} {host}");
        }
    }

    #[test]
    fn origins_are_held_against_the_same_names() {
        let of = |allowed: &[&str], origin| check("127.0.0.1:1", allowed, "localhost", Some(origin));
        for origin in ["http://localhost:6274", "https://127.0.0.1", "http://[::1]:9"] {
            assert_eq!(of(&[], origin), Ok(()), "{origin}");
        }
        for origin in ["https://evil.example", "null", "", "http://localhost.evil.example:6274", "localhost"] {
            assert_eq!(of(&[], origin), Err(Foreign::Origin(origin.to_owned())), "{origin}");
        }
        assert_eq!(of(&["https://app.example.com:443"], "https://app.example.com"), Ok(()));
        assert!(of(&["app.example.com:444"], "https://app.example.com").is_err());
    }

    #[test]
    fn there_is_one_host() {
        let hosts = Hosts::new("localhost", "127.0.0.1:1".parse().unwrap(), &[]);
        let mut headers = HeaderMap::new();
        let uri: Uri = "/mcp".parse().unwrap();
        assert_eq!(hosts.check(&uri, &headers), Err(Foreign::NoHost));
        assert_eq!(hosts.check(&"http://localhost/mcp".parse().unwrap(), &headers), Ok(()));
        headers.append(HOST, "localhost".parse().unwrap());
        headers.append(HOST, "localhost".parse().unwrap());
        assert_eq!(hosts.check(&uri, &headers), Err(Foreign::NoHost));
    }
}
