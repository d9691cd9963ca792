//! `servers` in `gateway.yaml`: external MCP servers.

use std::{fmt, path::PathBuf};

use gateway_core::{
    name::{Naming, SourceName},
    role::Pattern,
    settings::{Values, texts},
    units::Seconds,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};
use url::Url;

use super::{CommandLine, Endpoint, Remote};

/// An external MCP server: a program that is started when it is needed (`command`), or a remote one (`url`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// The program to start. Without `args` this may be a whole command line, which is split as a shell would split
    /// it. A relative path with a `/` in it starts at the folder of the configuration file.
    pub command: Option<String>,
    /// The arguments of `command`, each as it is.
    #[serde(deserialize_with = "texts")]
    #[schemars(with = "Option<Vec<Argument>>")]
    pub args: Option<Vec<String>>,
    /// Environment variables of the program, beside those of the gateway.
    pub env: Values,
    /// The folder that the program runs in. A relative one starts at the folder of the configuration file. Default: the
    /// folder that the gateway was started in.
    pub cwd: Option<PathBuf>,
    /// What the server is for, in one sentence: shown in listings and to models.
    pub description: Option<String>,
    /// Whether the server is there at all. Default: true.
    pub enabled: bool,
    /// How long an unused server keeps running; 0: until the gateway ends. Default: the gateway's `idle_timeout`.
    pub idle_timeout: Option<Seconds>,
    /// How long one request may take. Default: the gateway's `request_timeout`.
    pub request_timeout: Option<Seconds>,
    /// How long the server may take to start and to answer its first request. Default: 30 seconds.
    pub start_timeout: Seconds,
    /// Servers by `url`: the time between two checks that the server is still there. Default: 30 seconds.
    pub heartbeat: Seconds,
    /// Whether every client session gets a process of its own: `true`, `false`, or `auto`: where the server needs it.
    /// Default: auto.
    pub per_session: PerSession,
    /// What stands before the names of the server's tools; `none` keeps their own names. Default: the server's name.
    pub prefix: Option<Prefix>,
    /// Which of the server's tools are there at all, for every role.
    pub tools: ToolFilter,
    /// The address of a remote server; `http_url` is another name of it.
    #[serde(alias = "http_url")]
    pub url: Option<String>,
    /// HTTP headers of every request to `url`.
    pub headers: Values,
    /// How to speak to `url`. Default: http, or sse where the address ends in `/sse`.
    pub transport: Option<Transport>,
    /// Servers by `url`: who the gateway is where `gateway server login` logs in.
    pub oauth: OAuthConfig,
}

/// Who the gateway is to the authorization server of a remote server. Printed without the values.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OAuthConfig {
    /// The id of a client that was registered by hand, with `http://127.0.0.1/callback` at any port as the place to come
    /// back to. Default: the gateway registers itself.
    pub client_id: Option<String>,
    /// The secret that belongs to `client_id`, if there is one.
    pub client_secret: Option<String>,
    /// What a login asks for. Default: what the server says that it needs.
    pub scopes: Vec<String>,
}

impl fmt::Debug for OAuthConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthConfig").finish_non_exhaustive()
    }
}

/// How a remote server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Streamable HTTP.
    Http,
    /// The older HTTP with server-sent events.
    Sse,
}

impl Transport {
    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "http" => Some(Self::Http),
            "sse" => Some(Self::Sse),
            _ => None,
        }
    }

    /// What is spoken at an address that says nothing else: the older way where its path ends in `/sse`.
    #[must_use]
    pub fn of(url: &Url) -> Self {
        if url.path().trim_end_matches('/').ends_with("/sse") { Self::Sse } else { Self::Http }
    }
}

/// Whether every client session gets a process of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PerSession {
    /// Only where the server needs it.
    #[default]
    Auto,
    /// Always.
    Yes,
    /// Never.
    No,
}

/// What stands before the names of a server's tools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prefix {
    /// Nothing: the tools keep their own names.
    None,
    /// This.
    Name(SourceName),
}

/// An argument, as the schema shows it.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its schema is used")]
enum Argument {
    Text(String),
    Number(i64),
}

/// Which of a server's tools are there: those that `allow` has, less those that `deny` has. Globs of the server's own
/// names, without its prefix.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ToolFilter {
    /// Only these. Default: all.
    pub allow: Option<Vec<Pattern>>,
    /// Not these.
    pub deny: Vec<Pattern>,
}

/// Why it cannot be said where a server is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Its command.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// Its address.
    #[error("`url` is no address: {0}")]
    Url(#[from] url::ParseError),
}

/// Why a server's command cannot be started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// There is none.
    #[error("there is no `command`")]
    Missing,
    /// There is nothing in it.
    #[error("`command` is empty")]
    Empty,
    /// A quote that is opened and not closed.
    #[error("`command` has a quote that is not closed")]
    Quote,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            command: None,
            args: None,
            env: Values::default(),
            cwd: None,
            description: None,
            enabled: true,
            idle_timeout: None,
            request_timeout: None,
            start_timeout: Seconds::new(30),
            heartbeat: Seconds::new(30),
            per_session: PerSession::default(),
            prefix: None,
            tools: ToolFilter::default(),
            url: None,
            headers: Values::default(),
            transport: None,
            oauth: OAuthConfig::default(),
        }
    }
}

impl ServerConfig {
    /// Where the server is.
    ///
    /// # Errors
    /// See [`EndpointError`].
    pub fn endpoint(&self) -> Result<Endpoint, EndpointError> {
        let pairs = |values: &Values| values.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let Some(url) = &self.url else {
            let (program, args) = self.command_line()?;
            return Ok(Endpoint::Command(CommandLine { program, args, env: pairs(&self.env), cwd: self.cwd.clone() }));
        };
        let mut remote = Remote::new(Url::parse(url)?);
        remote.transport = self.transport.unwrap_or(remote.transport);
        remote.headers = pairs(&self.headers);
        remote.oauth = self.oauth.clone();
        remote.heartbeat = self.heartbeat.duration();
        Ok(Endpoint::Remote(remote))
    }

    /// The program and its arguments.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub fn command_line(&self) -> Result<(String, Vec<String>), CommandError> {
        let command = self.command.as_deref().ok_or(CommandError::Missing)?;
        let (program, args) = match &self.args {
            Some(args) => (command.to_owned(), args.clone()),
            None => {
                let mut words = shell_words::split(command).map_err(|_| CommandError::Quote)?.into_iter();
                (words.next().ok_or(CommandError::Empty)?, words.collect())
            }
        };
        if program.trim().is_empty() { Err(CommandError::Empty) } else { Ok((program, args)) }
    }

    /// How the tools of the server called `name` are named in public.
    #[must_use]
    pub fn naming(&self, name: &SourceName, separator: &str) -> Naming {
        let prefix = match &self.prefix {
            None => Some(name.as_str().into()),
            Some(Prefix::Name(prefix)) => Some(prefix.as_str().into()),
            Some(Prefix::None) => None,
        };
        Naming { prefix, separator: separator.into() }
    }
}

impl ToolFilter {
    /// Whether the tool that the server calls `local` is there.
    #[must_use]
    pub fn admits(&self, local: &str) -> bool {
        let any = |globs: &[Pattern]| globs.iter().any(|glob| glob.matches(local));
        self.allow.as_deref().is_none_or(any) && !any(&self.deny)
    }
}

impl<'de> Deserialize<'de> for PerSession {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = PerSession;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`auto`, `true` or `false`")
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<PerSession, E> {
                Ok(if value { PerSession::Yes } else { PerSession::No })
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<PerSession, E> {
                match value {
                    "auto" => Ok(PerSession::Auto),
                    other => Err(E::invalid_value(serde::de::Unexpected::Str(other), &self)),
                }
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl JsonSchema for PerSession {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PerSession".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": ["auto", true, false] })
    }
}

impl<'de> Deserialize<'de> for Prefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "none" => Ok(Self::None),
            prefix => SourceName::new(prefix).map(Self::Name).map_err(D::Error::custom),
        }
    }
}

impl JsonSchema for Prefix {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Prefix".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        SourceName::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command_line(command: &str, args: Option<&[&str]>) -> Result<(String, Vec<String>), CommandError> {
        let args = args.map(|args| args.iter().map(|arg| (*arg).to_owned()).collect());
        ServerConfig { command: Some(command.to_owned()), args, ..ServerConfig::default() }.command_line()
    }

    #[test]
    fn a_command_without_args_is_split_as_a_shell_would() {
        let (program, args) = command_line("npx -y 'a b' \"c d\" e\\ f", None).unwrap();
        assert_eq!(program, "npx");
        assert_eq!(args, ["-y", "a b", "c d", "e f"]);
        assert_eq!(command_line("npx 'a", None), Err(CommandError::Quote));
        assert_eq!(command_line("  ", None), Err(CommandError::Empty));
    }

    #[test]
    fn with_args_it_is_taken_as_it_is() {
        let (program, args) = command_line("/opt/my tools/server", Some(&["--root", "a b"])).unwrap();
        assert_eq!(program, "/opt/my tools/server");
        assert_eq!(args, ["--root", "a b"]);
        assert_eq!(command_line("", Some(&[])), Err(CommandError::Empty));
    }

    #[test]
    fn tools_are_those_allowed_less_those_denied() {
        let filter: ToolFilter = serde_json::from_str(r#"{"allow": ["read_*"], "deny": ["*_secret"]}"#).unwrap();
        assert!(filter.admits("read_file"));
        assert!(!filter.admits("read_secret"));
        assert!(!filter.admits("write_file"));
        assert!(ToolFilter::default().admits("anything"));
    }

    #[test]
    fn prefixes() {
        let name = SourceName::new("files").unwrap();
        let stem = |json: &str| serde_json::from_str::<ServerConfig>(json).unwrap().naming(&name, "__").stem();
        assert_eq!(stem("{}").as_deref(), Some("files__"));
        assert_eq!(stem(r#"{"prefix": "fs"}"#).as_deref(), Some("fs__"));
        assert_eq!(stem(r#"{"prefix": "none"}"#), None);
    }
}
