//! `allow_urls`: which addresses of this machine and its network may be registered. Public ones need no leave.
//!
//! A glob names scheme, host, port and path; whichever of them is missing may be anything. In a name, a wildcard stands
//! for no dot, and the name's last part is written out, so that `10.0.0.*` is no name of the internet. An address that
//! no glob names may lead to public addresses alone, also where its name leads elsewhere later, which is seen to when a
//! connection is made.

use gateway_core::role::Pattern;
use gateway_wasm::permissions::is_public;
use url::{Host, Url};

/// Where the connections to a server may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Wherever its address leads.
    Anywhere,
    /// To public addresses alone.
    Public,
}

/// Whether one of `globs` names `url`.
pub(super) fn is_allowed(globs: &[Pattern], url: &Url) -> bool {
    globs.iter().any(|glob| names(glob.as_str(), url))
}

/// Whether that name is always one of this machine or its network.
pub(super) fn is_local(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    ["localhost", "local", "internal"]
        .iter()
        .any(|local| name.strip_suffix(local).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

/// Whether a grant of a plugin's `net` names something that is not public.
pub(super) fn is_private_grant(grant: &str) -> bool {
    // Methods stand before it.
    let place = grant.rsplit(' ').next().unwrap_or_default();
    let place = place.split_once("://").map_or(place, |(_, rest)| rest);
    let authority = place.split('/').next().unwrap_or_default();
    let (host, _) = host_and_port(authority);
    match Host::parse(host) {
        Ok(Host::Ipv4(ip)) => !is_public(ip.into()),
        Ok(Host::Ipv6(ip)) => !is_public(ip.into()),
        Ok(Host::Domain(name)) => is_local(&name),
        // A name with a wildcard.
        Err(_) => is_local(host),
    }
}

fn names(glob: &str, url: &Url) -> bool {
    if glob == "*" {
        return true;
    }
    let (scheme, rest) = glob.split_once("://").unwrap_or(("*", glob));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = host_and_port(authority);
    let real = url.port_or_known_default().unwrap_or_default().to_string();
    matches(scheme, url.scheme())
        && is_host(host, url)
        && port.is_none_or(|port| matches(port, &real))
        && (path.is_empty() || path == "/" || matches(path, url.path()))
}

/// Those of `host`, `host:port`, `[::1]`, `[::1]:port`.
fn host_and_port(authority: &str) -> (&str, Option<&str>) {
    let port_from = authority.rfind(']').map_or(0, |at| at + 1);
    match authority[port_from..].find(':') {
        Some(at) => (&authority[..port_from + at], Some(&authority[port_from + at + 1..])),
        None => (authority, None),
    }
}

fn is_host(glob: &str, url: &Url) -> bool {
    let glob = glob.to_ascii_lowercase();
    match url.host() {
        Some(Host::Ipv6(ip)) => glob == "*" || Host::parse(&glob) == Ok(Host::Ipv6(ip)),
        Some(Host::Ipv4(ip)) => matches(&glob, &ip.to_string()),
        Some(Host::Domain(name)) => {
            let parts = |text: &str| text.split('.').count();
            let last = glob.rsplit('.').next().unwrap_or_default();
            let is_open = parts(&glob) > 1 && last.contains(['*', '?', '[', '{']);
            glob == "*" || (matches(&glob, name) && parts(&glob) == parts(name) && !is_open)
        }
        None => false,
    }
}

fn matches(glob: &str, text: &str) -> bool {
    Pattern::new(glob).is_ok_and(|glob| glob.matches(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(glob: &str, url: &str) -> bool {
        is_allowed(&[Pattern::new(glob).unwrap()], &Url::parse(url).unwrap())
    }

    #[test]
    fn addresses_are_those_that_are_named() {
        for (glob, url) in [
            ("*", "http://10.0.0.1/mcp"),
            ("http://127.0.0.1:*", "http://127.0.0.1:8080/mcp"),
            ("http://127.0.0.1:*/*", "http://127.0.0.1:8080/mcp"),
            ("http://127.0.0.1*", "http://127.0.0.1:8080/mcp"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/mcp?x=1"),
            ("http://127.0.0.1:8080/mcp", "http://0x7f.1:8080/mcp?x=1"),
            ("localhost:3000", "http://localhost:3000/"),
            ("http://localhost", "http://LOCALHOST:3000/a"),
            ("http://10.0.*", "http://10.0.3.4/mcp"),
            ("https://*.corp.example", "https://a.corp.example/mcp"),
            ("http://[::1]:8080/*", "http://[::1]:8080/mcp"),
            ("*://localhost:80", "http://localhost/mcp"),
        ] {
            assert!(named(glob, url), "{glob}: {url}");
        }
    }

    #[test]
    fn others_are_not() {
        for (glob, url) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8081/mcp"),
            ("https://127.0.0.1:8080", "http://127.0.0.1:8080/mcp"),
            ("http://127.0.0.1:8080/mcp", "http://127.0.0.1:8080/mcp/other"),
            ("http://127.0.0.1:8080/a/*", "http://127.0.0.1:8080/a/../admin"),
            ("http://10.0.0.*", "http://10.0.0.com/"),
            ("http://10.0.0.*", "http://10.0.0.5.evil.example/"),
            ("http://localhost*", "http://localhost.evil.example/"),
            ("http://127.0.0.1*", "http://127.0.0.1.evil.example/"),
            ("http://127.0.0.1:*", "http://user@10.0.0.1:80/127.0.0.1:1"),
            ("https://*.corp.example", "https://evil.a.corp.example/"),
            ("http://[::1]:8080", "http://[::2]:8080/"),
            ("http://[::1]", "http://1/"),
        ] {
            assert!(!named(glob, url), "{glob}: {url}");
        }
    }

    #[test]
    fn grants_of_private_places() {
        for private in ["http://127.0.0.1:8080", "GET,HEAD http://10.0.0.1/x", "localhost", "[::1]:80", "*.internal"] {
            assert!(is_private_grant(private), "{private}");
        }
        for public in ["https://api.example.com", "*.example.com:443", "GET https://93.184.216.34/x"] {
            assert!(!is_private_grant(public), "{public}");
        }
    }
}
