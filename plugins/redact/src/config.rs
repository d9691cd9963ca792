//! What is redacted, and how.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The plugin's `config`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// What is looked for.
    pub(crate) kinds: Vec<Kind>,
    /// What else: regular expressions by name.
    pub(crate) patterns: BTreeMap<String, String>,
    /// What stands in its place; `{kind}` is the kind or the name of the pattern.
    pub(crate) replacement: String,
}

/// What this plugin knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Github,
    Aws,
    Slack,
    Jwt,
    PrivateKey,
    Password,
    Email,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] =
        [Self::Github, Self::Aws, Self::Slack, Self::Jwt, Self::PrivateKey, Self::Password, Self::Email];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Aws => "aws",
            Self::Slack => "slack",
            Self::Jwt => "jwt",
            Self::PrivateKey => "private_key",
            Self::Password => "password",
            Self::Email => "email",
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self { kinds: Kind::ALL.to_vec(), patterns: BTreeMap::new(), replacement: "[redacted {kind}]".to_owned() }
    }
}
