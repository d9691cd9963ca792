//! How sources and tools are named: the one place that knows the separator and the limit of 64.
//!
//! A public name is composed here and looked up in the catalogue; nothing ever takes one apart.

use std::{borrow::Borrow, fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The longest tool name that every client takes (`^[a-zA-Z0-9_-]{1,64}$`, the rule of the model APIs; MCP itself
/// sets none).
pub const MAX_TOOL_NAME: usize = 64;

/// What stands between a source's name and a tool's in the canonical name, and by default in the public one.
pub const SEPARATOR: &str = "__";

/// The longest name of a source: it leaves room for a tool's own name within [`MAX_TOOL_NAME`].
pub const MAX_SOURCE_NAME: usize = 40;

/// Names that the gateway keeps for itself: its own tools, and pipelines.
pub const RESERVED: [&str; 2] = ["gateway", "pipeline"];

/// Hexadecimal digits of a hash that stands for what was cut or replaced: 40 bits, so that a thousand shortened names
/// clash about once in two million catalogues.
const HASH_DIGITS: usize = 10;

/// The name of a server, a plugin or a pipeline: unique in one gateway.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SourceName(Arc<str>);

/// Why a text is no name of a source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// There is nothing.
    #[error("the name is empty")]
    Empty,
    /// Over [`MAX_SOURCE_NAME`].
    #[error("the name has {0} characters, at most {MAX_SOURCE_NAME} fit beside a tool's name")]
    TooLong(usize),
    /// A character that some client refuses in a tool's name, or a `-` or `_` at the beginning.
    #[error(
        "the character {0:?} may not stand there in a name: use letters, digits, `-` and `_`, a letter or digit first"
    )]
    Character(char),
    /// One of [`RESERVED`].
    #[error("the name {0:?} is kept for the gateway itself")]
    Reserved(String),
}

impl SourceName {
    /// Checks a name from outside.
    ///
    /// # Errors
    /// See [`NameError`].
    pub fn new(name: &str) -> Result<Self, NameError> {
        if RESERVED.contains(&name) {
            return Err(NameError::Reserved(name.to_owned()));
        }
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        if let Some(bad) = name.chars().find(|c| !is_legal(*c)) {
            return Err(NameError::Character(bad));
        }
        if let Some(first) = name.chars().next().filter(|c| !c.is_ascii_alphanumeric()) {
            return Err(NameError::Character(first));
        }
        if name.len() > MAX_SOURCE_NAME {
            return Err(NameError::TooLong(name.len()));
        }
        Ok(Self(name.into()))
    }

    /// The source of the gateway's own tools, `gateway_status` and its like.
    #[must_use]
    pub fn gateway() -> Self {
        Self("gateway".into())
    }

    /// The source of pipelines.
    #[must_use]
    pub fn pipelines() -> Self {
        Self("pipeline".into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SourceName {
    type Error = NameError;
    fn try_from(name: String) -> Result<Self, NameError> {
        Self::new(&name)
    }
}

impl From<SourceName> for String {
    fn from(name: SourceName) -> Self {
        name.as_str().to_owned()
    }
}

impl Borrow<str> for SourceName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// How the tools of one source are named in public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naming {
    /// What stands before the separator; `None`: the tools keep their own names (`prefix: none`).
    pub prefix: Option<Arc<str>>,
    /// What stands between prefix and tool.
    pub separator: Arc<str>,
}

impl Naming {
    /// The default: `source__tool`.
    #[must_use]
    pub fn canonical(source: &SourceName) -> Self {
        Self { prefix: Some(source.0.clone()), separator: SEPARATOR.into() }
    }

    /// The public name of the tool that the source calls `local`: legal for every client and the same on every run.
    #[must_use]
    pub fn public(&self, local: &str) -> Arc<str> {
        let wanted = self.join(local);
        match wanted.len() <= MAX_TOOL_NAME && !wanted.is_empty() && wanted.chars().all(is_legal) {
            true => wanted.into(),
            false => hashed(&wanted, &wanted),
        }
    }

    /// The public name where [`Naming::public`] gives the same to two tools: made from the source as well, so that
    /// it does not depend on which of them came first.
    #[must_use]
    pub fn distinct(&self, source: &SourceName, local: &str) -> Arc<str> {
        hashed(&self.join(local), &format!("{source}\0{local}"))
    }

    /// The public URI of a resource where two sources have the same: the source's name stands before the scheme, as in
    /// `files+file:///a`.
    #[must_use]
    pub fn distinct_uri(source: &SourceName, uri: &str) -> Arc<str> {
        // A scheme has no `_` (RFC 3986, section 3.1), and a source's name no `.`: no two names become one.
        format!("{}+{uri}", source.as_str().replace('_', ".")).into()
    }

    /// What every public name of the source begins with, unless it was shortened; `None` for `prefix: none`.
    #[must_use]
    pub fn stem(&self) -> Option<String> {
        self.prefix.as_deref().map(|prefix| format!("{prefix}{}", self.separator))
    }

    fn join(&self, local: &str) -> String {
        match &self.prefix {
            Some(prefix) => format!("{prefix}{}{local}", self.separator),
            None => local.to_owned(),
        }
    }
}

/// The name of the tool that stands for a server whose tools are not known yet.
#[must_use]
pub fn placeholder(server: &SourceName) -> Arc<str> {
    format!("_{server}_connect").into()
}

fn is_legal(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// `wanted` made legal and short, with a hash of `identity` in place of what it lost.
fn hashed(wanted: &str, identity: &str) -> Arc<str> {
    let digest = Sha256::digest(identity.as_bytes());
    let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let kept: String =
        wanted.chars().map(|c| if is_legal(c) { c } else { '_' }).take(MAX_TOOL_NAME - HASH_DIGITS - 1).collect();
    format!("{kept}_{}", &hash[..HASH_DIGITS]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str) -> SourceName {
        SourceName::new(name).unwrap()
    }

    #[test]
    fn names_of_sources() {
        for good in ["a", "filesystem", "my-server_2", &"x".repeat(MAX_SOURCE_NAME)] {
            assert!(SourceName::new(good).is_ok(), "{good}");
        }
        assert_eq!(SourceName::new(""), Err(NameError::Empty));
        assert_eq!(SourceName::new("a.b"), Err(NameError::Character('.')));
        assert_eq!(SourceName::new("_a"), Err(NameError::Character('_')));
        assert_eq!(SourceName::new("gateway"), Err(NameError::Reserved("gateway".into())));
        assert_eq!(SourceName::new(&"x".repeat(41)), Err(NameError::TooLong(41)));
    }

    #[test]
    fn public_names_are_legal_and_stable() {
        let naming = Naming::canonical(&source("files"));
        assert_eq!(&*naming.public("read"), "files__read");
        let long = naming.public(&"x".repeat(80));
        assert_eq!(long.len(), MAX_TOOL_NAME);
        assert_eq!(long, naming.public(&"x".repeat(80)));
        assert_ne!(long, naming.public(&"x".repeat(81)));
        let odd = naming.public("läuft/schnell");
        assert!(odd.chars().all(is_legal), "{odd}");
        assert_ne!(odd, naming.public("lauft.schnell"));
    }

    #[test]
    fn distinct_names_depend_on_the_source() {
        let none = Naming { prefix: None, separator: SEPARATOR.into() };
        assert_eq!(&*none.public("read"), "read");
        assert_ne!(none.distinct(&source("a"), "read"), none.distinct(&source("b"), "read"));
    }
}
