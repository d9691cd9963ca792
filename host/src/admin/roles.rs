//! `GET /api/roles`: who sees what, and why.

use serde::Serialize;
use utoipa::ToSchema;

/// Roles, and tools held against them.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Roles {
    /// The roles that the asking role may know of: its own; all, where it may register and remove.
    pub roles: Vec<RoleView>,
    /// The tools that the asking role may use, each with what the roles decide on it.
    pub matrix: Vec<MatrixRow>,
}

/// A role.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoleView {
    /// Its name.
    pub name: String,
    /// Globs of what it may use; missing: everything.
    pub allow: Option<Vec<String>>,
    /// Globs of what it may not use all the same.
    pub deny: Vec<String>,
    /// Whether it is the one that holds where none is named.
    pub default: bool,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// A tool, held against the roles.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MatrixRow {
    /// The public name of the tool.
    pub tool: String,
    /// The server, plugin or pipeline that offers it.
    pub source: String,
    /// What each of `roles` decides, in their order.
    pub decisions: Vec<Decision>,
}

/// What a role decides on a tool.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// The role.
    pub role: String,
    /// Whether it may use the tool.
    pub visible: bool,
    /// By which rule.
    pub by: DecidedBy,
    /// The glob that decides, where one does.
    pub glob: Option<String>,
}

/// The rule that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DecidedBy {
    /// The role allows everything.
    Everything,
    /// A glob of `allow` matches.
    Allow,
    /// A glob of `deny` matches.
    Deny,
    /// No glob of `allow` matches.
    Nothing,
}
