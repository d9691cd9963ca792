//! Changing what a running gateway offers: by a tool, over HTTP, or by a program that embeds it.

use std::{collections::BTreeMap, fmt};

use crate::{
    name::SourceName,
    source::{Fut, SourceStatus},
};

/// Who asks for a change. Whoever started the gateway may let it run any command; a model or a web page may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A tool's call, or a request over HTTP: only what `allow_commands` and `allow_urls` name.
    Request,
    /// The program that embeds the gateway.
    Owner,
}

/// An external server to be registered.
#[derive(Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewServer {
    /// The command that runs it; this or `url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The command's arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Variables of its environment.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Where it answers over HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `http` or `sse`; missing: as the URL says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport: Option<String>,
    /// Headers of each request to it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it is used; missing: yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// Why a change was not made. Nothing has changed then.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// What kind of mistake it is.
    pub kind: RefusedKind,
    /// The thing and the cause.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// What kind of mistake a refused change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusedKind {
    /// What was asked makes no sense.
    Invalid,
    /// The operator does not allow it.
    Denied,
    /// There is nothing of that name.
    Unknown,
    /// The name is taken.
    Taken,
    /// It could not be kept.
    Storage,
}

/// The one way to change what a running gateway offers. What is done survives a restart, and counts for every session
/// at once.
pub trait Manage: Send + Sync {
    /// Registers an external server, or replaces the one that was registered under that name before. Starts nothing.
    ///
    /// # Errors
    /// See [`RefusedKind`].
    fn register(&self, name: SourceName, server: NewServer, by: By) -> Fut<'_, Result<SourceStatus, Refused>>;

    /// Registers a plugin, described as in `plugins` of the configuration, or replaces the one that was registered under
    /// that name before.
    ///
    /// # Errors
    /// See [`RefusedKind`].
    fn register_plugin(
        &self,
        name: SourceName,
        plugin: serde_json::Value,
        by: By,
    ) -> Fut<'_, Result<SourceStatus, Refused>>;

    /// Removes the server or plugin of that name. Calls in flight are finished. What stands in the configuration comes
    /// back by [`Manage::enable`].
    ///
    /// # Errors
    /// See [`RefusedKind`].
    ///
    /// # Errors
    /// See [`RefusedKind`].
    fn remove<'a>(&'a self, name: &'a str) -> Fut<'a, Result<(), Refused>>;

    /// Has the server or plugin of that name be used, or not. What the configuration itself switches off stays off.
    ///
    /// # Errors
    /// See [`RefusedKind`].
    fn enable<'a>(&'a self, name: &'a str, enabled: bool) -> Fut<'a, Result<(), Refused>>;

    /// What does not count as it was written, each with its reason. For whoever may see everything.
    fn problems(&self) -> Vec<String>;
}

impl Refused {
    /// Refused for that reason.
    #[must_use]
    pub fn new(kind: RefusedKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl fmt::Debug for NewServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without values that may be secrets.
        f.debug_struct("NewServer").field("command", &self.command).field("url", &self.url).finish_non_exhaustive()
    }
}
