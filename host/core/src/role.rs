//! Who may see what: roles are lists of globs over the names of tools.

pub use self::pattern::{Pattern, PatternError};

mod pattern;

use fixedbitset::FixedBitSet;

use crate::name::{Naming, SEPARATOR, SourceName, placeholder};

/// A role's place in its [`RoleSet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RoleId(usize);

impl RoleId {
    /// The place as a number, for tables with a line for each role.
    #[must_use]
    pub fn index(self) -> usize {
        self.0
    }
}

/// A role: what it allows, less what it denies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name in `gateway.yaml`.
    pub name: Box<str>,
    /// Globs of what it may see; `None`: everything.
    pub allow: Option<Box<[Pattern]>>,
    /// Globs of what it may not see all the same.
    pub deny: Box<[Pattern]>,
}

/// How a role decided on a tool.
#[derive(Debug, Clone, Copy)]
pub enum Verdict<'a> {
    /// Visible: the role allows everything.
    Unfiltered,
    /// Visible by this glob.
    Allowed(&'a Pattern),
    /// Hidden by this glob.
    Denied(&'a Pattern),
    /// Hidden, since no glob allows it.
    Unmatched,
}

impl Verdict<'_> {
    /// Whether the role sees the tool.
    #[must_use]
    pub fn visible(self) -> bool {
        matches!(self, Verdict::Unfiltered | Verdict::Allowed(_))
    }
}

impl Role {
    /// A role that sees everything: what holds where no roles are configured.
    #[must_use]
    pub fn unfiltered(name: &str) -> Self {
        Self { name: name.into(), allow: None, deny: Box::new([]) }
    }

    /// A role that sees nothing.
    #[must_use]
    pub fn blind(name: &str) -> Self {
        Self { name: name.into(), allow: Some(Box::new([])), deny: Box::new([]) }
    }

    /// Whether it sees everything, whatever there will be.
    #[must_use]
    pub fn sees_all(&self) -> bool {
        let all = |globs: &[Pattern]| globs.iter().any(|glob| glob.as_str() == "*");
        self.deny.is_empty() && self.allow.as_deref().is_none_or(all)
    }

    /// Decides on what `source` calls `local`: a tool, a prompt, a resource by its URI. A glob is held against the
    /// canonical name (`server__tool`) and against `server_tool`, with the source's name and with its prefix.
    #[must_use]
    pub fn decide(&self, source: &SourceName, naming: &Naming, local: &str) -> Verdict<'_> {
        self.decide_any(source, naming, &[local])
    }

    /// Decides on what goes by several names, as a resource does by its URI and its name: one glob that denies any of
    /// them hides it, and one that allows any of them shows it.
    #[must_use]
    pub fn decide_any(&self, source: &SourceName, naming: &Naming, locals: &[&str]) -> Verdict<'_> {
        let stems = stems(source, naming);
        let forms: Vec<String> =
            stems.iter().flat_map(|stem| locals.iter().map(move |local| format!("{stem}{local}"))).collect();
        let find = |globs: &'_ [Pattern]| globs.iter().position(|glob| forms.iter().any(|form| glob.matches(form)));
        if let Some(at) = find(&self.deny) {
            return Verdict::Denied(&self.deny[at]);
        }
        match &self.allow {
            None => Verdict::Unfiltered,
            Some(globs) => find(globs).map_or(Verdict::Unmatched, |at| Verdict::Allowed(&globs[at])),
        }
    }

    /// Decides on the placeholder of a server whose tools are not known yet: visible where the role could see one of
    /// them.
    #[must_use]
    pub fn decide_placeholder(&self, source: &SourceName, naming: &Naming) -> Verdict<'_> {
        // A tool with this name exists nowhere: a glob that denies it denies every tool of the server.
        const ANY: &str = "\u{1}any";
        let stems = stems(source, naming);
        let own = placeholder(source);
        let denies =
            |glob: &&Pattern| glob.matches(&own) || stems.iter().any(|stem| glob.matches(&format!("{stem}{ANY}")));
        if let Some(glob) = self.deny.iter().find(denies) {
            return Verdict::Denied(glob);
        }
        let allows = |glob: &&Pattern| glob.matches(&own) || stems.iter().any(|stem| glob.could_match(stem));
        match &self.allow {
            None => Verdict::Unfiltered,
            Some(globs) => globs.iter().find(allows).map_or(Verdict::Unmatched, Verdict::Allowed),
        }
    }
}

/// What the names that globs are held against begin with.
fn stems(source: &SourceName, naming: &Naming) -> Vec<String> {
    let mut stems = vec![format!("{source}{SEPARATOR}"), format!("{source}_")];
    if let Some(prefix) = naming.prefix.as_deref().filter(|prefix| *prefix != source.as_str()) {
        stems.push(format!("{prefix}{SEPARATOR}"));
        stems.push(format!("{prefix}_"));
    }
    stems
}

/// The one role that there is where none is configured.
const UNFILTERED: &str = "all";

/// All roles of a configuration.
#[derive(Debug, Clone)]
pub struct RoleSet {
    /// Those that are configured, and in their old places those that once were, which see nothing.
    roles: Box<[Role]>,
    gone: FixedBitSet,
    default: Option<RoleId>,
    /// In the place of one that this set does not know.
    nobody: Box<Role>,
}

/// No role to go by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoleError {
    /// A role was named that is not configured.
    #[error("role {name:?} is not configured")]
    Unknown {
        /// The name.
        name: String,
        /// The configured ones.
        known: Vec<String>,
    },
    /// Roles are configured, none was named, and there is no `default_role`.
    #[error("no role was named, and `default_role` is not set")]
    Missing {
        /// The configured ones.
        known: Vec<String>,
    },
}

impl Default for RoleSet {
    fn default() -> Self {
        Self::new(Vec::new(), None)
    }
}

impl RoleSet {
    /// The configured roles. Without any there is one that sees everything, and no other can be named.
    #[must_use]
    pub fn new(roles: Vec<Role>, default: Option<&str>) -> Self {
        let none: Self =
            Self { roles: Box::new([]), gone: FixedBitSet::new(), default: None, nobody: Box::new(Role::blind("")) };
        none.renewed(roles, default)
    }

    /// The set after a change of the configuration. A role keeps its [`RoleId`] for as long as there is one of its name;
    /// one that is gone sees nothing from then on, so that whoever has it still fails closed.
    #[must_use]
    pub fn renewed(&self, roles: Vec<Role>, default: Option<&str>) -> Self {
        let (roles, default) = match roles.is_empty() {
            true => (vec![Role::unfiltered(UNFILTERED)], Some(UNFILTERED)),
            false => (roles, default),
        };
        let mut places: Vec<Role> = self.roles.iter().map(|role| Role::blind(&role.name)).collect();
        let mut gone = FixedBitSet::with_capacity(places.len());
        gone.insert_range(..);
        for role in roles {
            match places.iter().position(|place| place.name == role.name) {
                Some(at) => {
                    gone.set(at, false);
                    places[at] = role;
                }
                None => places.push(role),
            }
        }
        gone.grow(places.len());
        let mut renewed = Self { roles: places.into(), gone, default: None, nobody: self.nobody.clone() };
        renewed.default = default.and_then(|name| renewed.position(name));
        renewed
    }

    fn position(&self, name: &str) -> Option<RoleId> {
        self.iter().find(|(_, role)| &*role.name == name).map(|(id, _)| id)
    }

    /// The role of that name, or the default where none is named. Fails closed.
    ///
    /// # Errors
    /// See [`RoleError`].
    pub fn resolve(&self, name: Option<&str>) -> Result<RoleId, RoleError> {
        let known = || self.iter().map(|(_, role)| role.name.to_string()).collect();
        match name {
            None => self.default.ok_or_else(|| RoleError::Missing { known: known() }),
            Some(name) => {
                self.position(name).ok_or_else(|| RoleError::Unknown { name: name.to_owned(), known: known() })
            }
        }
    }

    /// The role. One that is not there, or no more, sees nothing.
    #[must_use]
    pub fn get(&self, id: RoleId) -> &Role {
        self.roles.get(id.0).unwrap_or(&self.nobody)
    }

    /// Those that are configured.
    pub fn iter(&self) -> impl Iterator<Item = (RoleId, &Role)> {
        let all = self.roles.iter().enumerate().filter(|(at, _)| !self.gone.contains(*at));
        all.map(|(at, role)| (RoleId(at), role))
    }

    /// How many places there are: more than any [`RoleId`] of this set.
    #[must_use]
    pub fn places(&self) -> usize {
        self.roles.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(allow: &[&str], deny: &[&str]) -> Role {
        let globs = |list: &[&str]| list.iter().map(|glob| Pattern::new(glob).unwrap()).collect();
        Role { name: "r".into(), allow: Some(globs(allow)), deny: globs(deny) }
    }

    fn sees(role: &Role, source: &str, tool: &str) -> bool {
        let source = SourceName::new(source).unwrap();
        role.decide(&source, &Naming::canonical(&source), tool).visible()
    }

    fn sees_placeholder(role: &Role, source: &str) -> bool {
        let source = SourceName::new(source).unwrap();
        role.decide_placeholder(&source, &Naming::canonical(&source)).visible()
    }

    #[test]
    fn both_forms_of_a_name_match() {
        assert!(sees(&role(&["filesystem_*"], &[]), "filesystem", "read_file"));
        assert!(sees(&role(&["filesystem__read_*"], &[]), "filesystem", "read_file"));
        assert!(!sees(&role(&["filesystem_*"], &[]), "memory", "read_graph"));
        assert!(!sees(&role(&["read_file"], &[]), "filesystem", "read_file"));
        assert!(!sees(&role(&["FileSystem_*"], &[]), "filesystem", "read_file"));
    }

    #[test]
    fn deny_wins() {
        let both = role(&["*"], &["*__delete_*"]);
        assert!(sees(&both, "github", "read"));
        assert!(!sees(&both, "github", "delete_repository"));
        assert!(!sees(&role(&["*"], &["github_delete*"]), "github", "delete_repository"));
    }

    #[test]
    fn gateway_tools_have_their_usual_names() {
        let gateway = SourceName::gateway();
        let naming = Naming { prefix: Some("gateway".into()), separator: "_".into() };
        assert!(role(&["gateway_status"], &[]).decide(&gateway, &naming, "status").visible());
        assert!(!role(&["filesystem_*"], &[]).decide(&gateway, &naming, "status").visible());
    }

    #[test]
    fn a_placeholder_is_seen_where_a_tool_could_be() {
        assert!(sees_placeholder(&role(&["filesystem_*"], &[]), "filesystem"));
        assert!(sees_placeholder(&role(&["filesystem__read_*"], &[]), "filesystem"));
        assert!(sees_placeholder(&role(&["*__read_*"], &[]), "filesystem"));
        assert!(sees_placeholder(&role(&["{memory,files*}__x?"], &[]), "filesystem"));
        assert!(sees_placeholder(&role(&["_filesystem_connect"], &[]), "filesystem"));
        assert!(!sees_placeholder(&role(&["memory_*", "gateway_status"], &[]), "filesystem"));
        assert!(!sees_placeholder(&role(&["file"], &[]), "filesystem"));
        assert!(!sees_placeholder(&role(&["*"], &["filesystem_*"]), "filesystem"));
        assert!(sees_placeholder(&role(&["*"], &["filesystem__write_*"]), "filesystem"));
    }

    #[test]
    fn roles_fail_closed() {
        let set = RoleSet::new(vec![role(&["*"], &[])], None);
        assert!(set.resolve(Some("r")).is_ok());
        assert!(matches!(set.resolve(Some("typo")), Err(RoleError::Unknown { .. })));
        assert!(matches!(set.resolve(None), Err(RoleError::Missing { .. })));
        let open = RoleSet::new(vec![], None);
        assert!(open.resolve(None).is_ok());
        assert!(open.resolve(Some("admin")).is_err());
    }

    #[test]
    fn roles_keep_their_places() {
        let named = |name: &str| Role::unfiltered(name);
        let before = RoleSet::new(vec![named("a"), named("b")], Some("a"));
        let (a, b) = (before.resolve(Some("a")).unwrap(), before.resolve(Some("b")).unwrap());
        let after = before.renewed(vec![named("c"), named("b")], Some("c"));
        let c = after.resolve(None).unwrap();
        assert_eq!(after.resolve(Some("b")).unwrap(), b);
        assert_eq!(&*after.get(c).name, "c");
        assert!(after.resolve(Some("a")).is_err());
        assert!(!sees(after.get(a), "filesystem", "read_file"));
        assert!(sees(after.get(b), "filesystem", "read_file"));
        // A picture of before is asked for a role of after.
        assert!(!sees(before.get(c), "filesystem", "read_file"));
        assert_eq!(after.renewed(vec![named("a")], None).resolve(Some("a")).unwrap(), a);
    }

    #[test]
    fn bad_globs_are_errors() {
        assert!(Pattern::new("a[").is_err());
        assert!(Pattern::new("{a").is_err());
        assert!(Pattern::new("").is_err());
    }
}
