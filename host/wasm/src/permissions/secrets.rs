//! Headers that are added to a plugin's requests where they leave the gateway. The plugin never sees them: they are not
//! in the request that it holds, and no error, log or listing shows them.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::net::{NetPattern, Outgoing};
use crate::config::Secret;

/// The headers, by the server that they are for. Values are marked as sensitive, so that nothing prints them.
#[derive(Debug, Clone, Default)]
pub struct Secrets(Box<[ForServer]>);

#[derive(Debug, Clone)]
struct ForServer {
    server: NetPattern,
    headers: Box<[(HeaderName, HeaderValue)]>,
}

/// Why a secret cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretProblem {
    /// It could be sent to more than one server.
    #[error("a secret is for one server: its scheme and host have to be written out, without `*`")]
    Server,
    /// Everybody on the way could read it.
    #[error("a secret needs `https`, unless it stays on this machine")]
    Plain,
    /// The name is none.
    #[error("this is no name of a header")]
    Name,
    /// The header says how the message is framed or where it goes.
    #[error("this header belongs to the connection, and cannot be a secret")]
    Reserved,
    /// The value is none. It is not shown.
    #[error("the value has characters that no header may have, such as a line break, or is empty")]
    Value,
}

/// Headers that say how a message is framed, or where it goes.
const RESERVED: [HeaderName; 9] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::EXPECT,
    header::PROXY_AUTHORIZATION,
];

impl Secrets {
    /// Those of `gateway.yaml`. One that cannot be used is left out; [`server_problem`] and [`header_problem`] say why.
    #[must_use]
    pub fn new(config: &BTreeMap<NetPattern, BTreeMap<String, Secret>>) -> Self {
        let usable = config.iter().filter(|(server, _)| server_problem(server).is_none());
        let secrets = usable.map(|(server, headers)| ForServer {
            server: server.clone(),
            headers: headers.iter().filter_map(|(name, value)| read(name, value).ok()).collect(),
        });
        Self(secrets.collect())
    }

    /// Puts those that are for this request into its headers, in place of the plugin's own of the same names.
    pub(crate) fn add(&self, request: &Outgoing<'_>, headers: &mut HeaderMap) {
        for secret in self.0.iter().filter(|secret| secret.server.allows(request)) {
            for (name, value) in &secret.headers {
                headers.insert(name.clone(), value.clone());
            }
        }
    }
}

/// Why secrets cannot be for `server`.
#[must_use]
pub fn server_problem(server: &NetPattern) -> Option<SecretProblem> {
    match server.one_target() {
        None => Some(SecretProblem::Server),
        Some(target) if !target.https && !target.is_loopback() => Some(SecretProblem::Plain),
        Some(_) => None,
    }
}

/// Whether there are requests to `server` that `net` allows.
#[must_use]
pub fn is_reachable(server: &NetPattern, net: &[NetPattern]) -> bool {
    net.iter().any(|entry| entry.asks_for_some_of(server))
}

/// Why this cannot be a header.
#[must_use]
pub fn header_problem(name: &str, value: &Secret) -> Option<SecretProblem> {
    read(name, value).err()
}

fn read(name: &str, value: &Secret) -> Result<(HeaderName, HeaderValue), SecretProblem> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| SecretProblem::Name)?;
    if RESERVED.contains(&name) {
        return Err(SecretProblem::Reserved);
    }
    let mut value = HeaderValue::from_str(value.expose()).map_err(|_| SecretProblem::Value)?;
    if value.is_empty() {
        return Err(SecretProblem::Value);
    }
    value.set_sensitive(true);
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use http::{Method, Uri};
    use serde_json::json;

    use super::*;
    use crate::permissions::Target;

    fn secrets(json: serde_json::Value) -> BTreeMap<NetPattern, BTreeMap<String, Secret>> {
        serde_json::from_value(json).unwrap()
    }

    fn sent(secrets: &Secrets, uri: &str) -> HeaderMap {
        let uri: Uri = uri.parse().unwrap();
        let target = Target::of(&uri).unwrap();
        let mut headers = HeaderMap::new();
        headers.append("authorization", HeaderValue::from_static("mine"));
        headers.append("authorization", HeaderValue::from_static("mine too"));
        secrets.add(&Outgoing { target: &target, method: &Method::GET, path: uri.path() }, &mut headers);
        headers
    }

    #[test]
    fn secrets_go_to_their_server_alone() {
        let secrets = Secrets::new(&secrets(json!({
            "https://api.example": { "Authorization": "Bearer s3cret" },
            "https://paths.example/v1/": { "Authorization": "Bearer s3cret" },
            "http://127.0.0.1:8080": { "Authorization": "Bearer s3cret" },
        })));
        for (uri, is_sent) in [
            ("https://api.example/x", true),
            ("https://API.example:443/", true),
            ("http://api.example/", false),
            ("https://api.example:8443/", false),
            ("https://www.api.example/", false),
            ("https://api.example.evil.test/", false),
            ("https://paths.example/v1/x", true),
            ("https://paths.example/v2/x", false),
            ("https://paths.example/v1/../v2", false),
            ("http://127.0.0.1:8080/", true),
            ("http://127.0.0.1:8081/", false),
        ] {
            let headers = sent(&secrets, uri);
            let values: Vec<_> = headers.get_all("authorization").iter().collect();
            let expected = if is_sent { vec!["Bearer s3cret"] } else { vec!["mine", "mine too"] };
            assert_eq!(values, expected, "{uri}");
        }
    }

    #[test]
    fn what_cannot_be_a_secret() {
        let server = |entry: &str| server_problem(&entry.parse().unwrap());
        for entry in ["https://*", "https://*.example", "api.example", "https://api.example:*"] {
            assert_eq!(server(entry), Some(SecretProblem::Server), "{entry}");
        }
        assert_eq!(server("http://api.example"), Some(SecretProblem::Plain));
        assert_eq!(server("http://localhost:8080"), None);
        assert_eq!(server("https://api.example/v1"), None);
        let header = |name: &str, value: &str| header_problem(name, &serde_json::from_value(json!(value)).unwrap());
        assert_eq!(header("X-Key", "abc"), None);
        assert_eq!(header("X Key", "abc"), Some(SecretProblem::Name));
        assert_eq!(header("Host", "abc"), Some(SecretProblem::Reserved));
        assert_eq!(header("content-length", "0"), Some(SecretProblem::Reserved));
        assert_eq!(header("X-Key", "a\r\nX-Other: b"), Some(SecretProblem::Value));
        assert_eq!(header("X-Key", ""), Some(SecretProblem::Value));
    }

    #[test]
    fn nothing_shows_them() {
        let config = secrets(json!({ "https://api.example": { "X-Key": "s3cret" } }));
        let made = Secrets::new(&config);
        let headers = sent(&made, "https://api.example/");
        assert_eq!(headers["x-key"], "s3cret");
        for shown in [format!("{config:?}"), format!("{made:?}"), format!("{headers:?}"), json!(config).to_string()] {
            assert!(!shown.contains("s3cret"), "{shown}");
        }
    }
}
