//! Which web servers a plugin may reach, and what it may do there.

mod path;
mod target;
#[cfg(test)]
mod tests;

pub use self::target::{Outgoing, Target};

use std::{borrow::Cow, cmp::Ordering, fmt, net::IpAddr, str::FromStr};

use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use url::Host;

use self::{
    path::Prefix,
    target::{default_port, parse_host},
};
use super::{Denial, Permissions, is_public};

/// An entry of `permissions.net`: `[METHODS ][scheme://]host[:port][/path]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetPattern {
    text: Box<str>,
    /// Empty: any.
    methods: Box<[Method]>,
    /// `None`: http and https.
    https: Option<bool>,
    host: HostPattern,
    port: PortPattern,
    path: Prefix,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

// === the decision ===

impl Permissions {
    /// Whether a request may be sent as far as its words tell; the address that its host has is asked for after. Every
    /// request is decided on anew, also where a server has sent the plugin there.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn check_request(&self, plugin: &str, request: &Outgoing<'_>) -> Result<(), Denial> {
        if !self.net.iter().any(|entry| entry.allows(request)) {
            let is_host_listed = self.net.iter().any(|entry| entry.allows_target(request.target));
            return Err(not_granted(plugin, request, is_host_listed));
        }
        match &self.asked {
            Some(asked) if !asked.net.iter().any(|entry| entry.asks_for(request)) => Err(Denial::not_asked(
                plugin,
                &format!("host {:?}", request.target.shown()),
                &format!("{:?} to permissions.net", request.target.origin()),
            )),
            _ => Ok(()),
        }
    }

    /// Whether `target` may be reached under the address `ip`: any public one, and a private one that is granted as
    /// such. A name that is listed can point anywhere, so that it alone opens no way into a private network; and what
    /// is in that network, whoever grants knows and not whoever wrote the plugin.
    #[must_use]
    pub fn allows_address(&self, target: &Target, ip: IpAddr) -> bool {
        is_public(ip) || self.net.iter().any(|entry| entry.lists_address(target, ip))
    }
}

fn not_granted(plugin: &str, request: &Outgoing<'_>, is_host_listed: bool) -> Denial {
    let (target, origin) = (request.target, request.target.origin());
    if !is_host_listed {
        let message = format!("plugin {plugin:?}: host \"{}\" is not allowed", target.shown());
        return Denial { message, hint: format!("add {origin:?} to plugins.{plugin}.permissions.net") };
    }
    let what = format!("{} {origin}{}", request.method, request.path);
    if !path::is_plain(request.path) {
        let message = format!("plugin {plugin:?}: {what} is not allowed, since its path can be read in two ways");
        let hint = "the plugin has to write it without `.` and `..`, and without doubled or escaped slashes";
        return Denial { message, hint: hint.to_owned() };
    }
    let message = format!("plugin {plugin:?}: {what} is not allowed, and other requests to this host are");
    Denial { message, hint: format!("add {what:?} to plugins.{plugin}.permissions.net") }
}

impl Denial {
    /// `target` is on the list, and leads to the private address `ip`.
    pub(crate) fn address(plugin: &str, target: &Target, ip: IpAddr) -> Self {
        Self {
            message: format!(
                "plugin {plugin:?}: host \"{}\" has the private address {ip}, which is not allowed",
                target.shown()
            ),
            hint: format!("add \"{}\" to plugins.{plugin}.permissions.net", target.at(ip)),
        }
    }
}

impl NetPattern {
    /// Whether this entry allows the request.
    #[must_use]
    pub fn allows(&self, request: &Outgoing<'_>) -> bool {
        self.allows_target(request.target) && self.allows_action(request)
    }

    /// Whether this entry, as something that a plugin asks for, covers the request. There, any host means one with any
    /// port: which ones there are, whoever grants says.
    pub(crate) fn asks_for(&self, request: &Outgoing<'_>) -> bool {
        let port = match (&self.host, self.port) {
            (HostPattern::Any, PortPattern::Default) => PortPattern::Any,
            (_, port) => port,
        };
        self.allows_host(request.target) && self.fits(port, request.target) && self.allows_action(request)
    }

    /// Whether there may be requests that `granted` allows and that this entry asks for.
    pub(crate) fn asks_for_some_of(&self, granted: &Self) -> bool {
        let below = |suffix: &str, host: &Host| matches!(host, Host::Domain(name) if is_below(name, suffix));
        let host = match (&self.host, &granted.host) {
            (HostPattern::Any, _) | (_, HostPattern::Any) => true,
            (HostPattern::Is(one), HostPattern::Is(other)) => one == other,
            (HostPattern::Below(suffix), HostPattern::Is(host))
            | (HostPattern::Is(host), HostPattern::Below(suffix)) => below(suffix, host),
            (HostPattern::Below(one), HostPattern::Below(other)) => one.ends_with(other) || other.ends_with(one),
        };
        let scheme = self.https.is_none() || granted.https.is_none() || self.https == granted.https;
        let port = match (&self.host, self.port, granted.port) {
            (HostPattern::Any, PortPattern::Default, _) | (_, PortPattern::Any, _) | (_, _, PortPattern::Any) => true,
            (_, PortPattern::Is(one), PortPattern::Is(other)) => one == other,
            (_, PortPattern::Default, PortPattern::Default) => true,
            (_, PortPattern::Is(port), PortPattern::Default) | (_, PortPattern::Default, PortPattern::Is(port)) => {
                let https = self.https.or(granted.https);
                https.map_or(port == 80 || port == 443, |https| default_port(https) == port)
            }
        };
        let methods = self.methods.is_empty()
            || granted.methods.is_empty()
            || self.methods.iter().any(|method| granted.methods.contains(method));
        host && scheme && port && methods && self.path.meets(&granted.path)
    }

    /// Whether some requests to `target` are allowed.
    #[must_use]
    pub fn allows_target(&self, target: &Target) -> bool {
        self.allows_host(target) && self.fits(self.port, target)
    }

    /// Whether this entry lists `ip` itself for requests like `target`: as an address, or as `localhost`.
    #[must_use]
    pub fn lists_address(&self, target: &Target, ip: IpAddr) -> bool {
        let listed = match &self.host {
            HostPattern::Is(Host::Ipv4(listed)) => IpAddr::V4(*listed) == ip.to_canonical(),
            HostPattern::Is(Host::Ipv6(listed)) => IpAddr::V6(*listed).to_canonical() == ip.to_canonical(),
            HostPattern::Is(Host::Domain(listed)) => {
                let is_same = matches!(&target.host, Host::Domain(name) if name == listed);
                listed == "localhost" && is_same && ip.to_canonical().is_loopback()
            }
            _ => false,
        };
        listed && self.fits(self.port, target)
    }

    /// The one server that it means, where it does.
    pub(crate) fn one_target(&self) -> Option<Target> {
        let (HostPattern::Is(host), Some(https)) = (&self.host, self.https) else { return None };
        let port = match self.port {
            PortPattern::Is(port) => port,
            PortPattern::Default => default_port(https),
            PortPattern::Any => return None,
        };
        Some(Target { https, host: host.clone(), port })
    }

    /// The entry as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn allows_host(&self, target: &Target) -> bool {
        match (&self.host, &target.host) {
            (HostPattern::Any, _) => true,
            (HostPattern::Is(listed), host) => listed == host,
            (HostPattern::Below(suffix), Host::Domain(name)) => is_below(name, suffix),
            (HostPattern::Below(_), _) => false,
        }
    }

    /// Whether scheme and port fit.
    fn fits(&self, port: PortPattern, target: &Target) -> bool {
        let port = match port {
            PortPattern::Any => true,
            PortPattern::Is(port) => port == target.port,
            PortPattern::Default => default_port(target.https) == target.port,
        };
        port && self.https.is_none_or(|https| https == target.https)
    }

    /// Whether method and path fit.
    fn allows_action(&self, request: &Outgoing<'_>) -> bool {
        let method = self.methods.is_empty() || self.methods.contains(request.method);
        method && self.path.allows(request.path)
    }
}

fn is_below(name: &str, suffix: &str) -> bool {
    name.len() > suffix.len() && name.ends_with(suffix)
}

// === reading and writing ===

impl FromStr for NetPattern {
    type Err = NetPatternError;
    fn from_str(text: &str) -> Result<Self, NetPatternError> {
        let error = |problem| NetPatternError { text: text.to_owned(), problem };
        let (methods, rest) = match text.split_once(' ') {
            Some((methods, rest)) => (read_methods(methods).map_err(error)?, rest.trim_start()),
            None => (Box::default(), text),
        };
        let (https, rest) = match rest.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (Some(true), rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (Some(false), rest),
            Some(_) => return Err(error("the scheme is neither http nor https")),
            None => (None, rest),
        };
        let (server, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        if rest.contains(['?', '#']) || server.contains('@') {
            return Err(error("write scheme, host, port and path alone, such as `https://api.example.com:443/v1/`"));
        }
        let path = Prefix::new(path)
            .ok_or_else(|| error("the path has `.` or `..`, a doubled or escaped slash, or a broken escape in it"))?;
        let (host, port) = split_port(server);
        let port = match port {
            None => PortPattern::Default,
            Some("*") => PortPattern::Any,
            Some(port) => PortPattern::Is(port.parse().map_err(|_| error("the port is no number from 0 to 65535"))?),
        };
        Ok(Self { text: text.into(), methods, https, host: read_host(host).map_err(error)?, port, path })
    }
}

/// `GET,HEAD`. Methods are told apart by case, and all that are of any use are in capitals.
fn read_methods(text: &str) -> Result<Box<[Method]>, &'static str> {
    const HINT: &str = "what stands before the space are no methods: write them like `GET,HEAD https://example.com`";
    let method = |name: &str| match name.is_empty() || name.contains("://") {
        true => Err(HINT),
        false => Method::from_bytes(name.to_ascii_uppercase().as_bytes()).map_err(|_| HINT),
    };
    text.split(',').map(method).collect()
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
            "examples": [
                "https://api.github.com",
                "GET,HEAD https://api.github.com/repos/",
                "*.example.com:443",
                "http://127.0.0.1:8080",
            ],
        })
    }
}
