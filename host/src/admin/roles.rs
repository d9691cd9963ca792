//! `GET /api/roles`: who sees what, and why.

use std::sync::Arc;

use axum::Json;
use gateway_core::{
    role::{Role, RoleId, Verdict},
    snapshot::{Entry, Target},
    source::{Kind, Source},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{access::Asker, failures::Reading};

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

impl RoleView {
    fn new(id: RoleId, role: &Role, asker: &Asker) -> Self {
        let texts = |globs: &[gateway_core::role::Pattern]| globs.iter().map(|glob| glob.as_str().to_owned()).collect();
        Self {
            name: role.name.to_string(),
            allow: role.allow.as_deref().map(texts),
            deny: texts(&role.deny),
            default: asker.snapshot.roles().resolve(None).is_ok_and(|default| default == id),
            current: asker.role == id,
        }
    }
}

impl Decision {
    fn new(role: &Role, entry: &Entry, source: &Arc<dyn Source>) -> Self {
        let verdict = match &entry.target {
            Target::Local(local) => role.decide(source.name(), source.naming(), local),
            Target::Placeholder => role.decide_placeholder(source.name(), source.naming()),
        };
        let (by, glob) = match verdict {
            Verdict::Unfiltered => (DecidedBy::Everything, None),
            Verdict::Allowed(glob) => (DecidedBy::Allow, Some(glob)),
            Verdict::Denied(glob) => (DecidedBy::Deny, Some(glob)),
            Verdict::Unmatched => (DecidedBy::Nothing, None),
        };
        let glob = glob.map(|glob| glob.as_str().to_owned());
        Self { role: role.name.to_string(), visible: verdict.visible(), by, glob }
    }
}

/// Who sees what, and why
#[utoipa::path(get, path = "/api/roles", tag = "roles", responses((status = OK, body = Roles), Reading))]
pub(super) async fn roles(asker: Asker) -> Json<Roles> {
    let asker = asker.learned().await;
    let all = asker.rights().act_as;
    let known: Vec<_> = asker.snapshot.roles().iter().filter(|(id, _)| all || *id == asker.role).collect();
    let row = |(entry, source): (&Entry, &Arc<dyn Source>)| MatrixRow {
        tool: entry.public.to_string(),
        source: source.name().to_string(),
        decisions: known.iter().map(|(_, role)| Decision::new(role, entry, source)).collect(),
    };
    let matrix = asker.snapshot.visible(asker.role, Kind::Tool).map(row).collect();
    let roles = known.iter().map(|(id, role)| RoleView::new(*id, role, &asker)).collect();
    Json(Roles { roles, matrix })
}
