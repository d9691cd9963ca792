//! Globs of roles that match nothing, held against what there really is.

use std::sync::Arc;

use gateway_core::{
    role::{Pattern, Role},
    source::{Abilities, Client as _, Kind, Nobody, Source},
};
use serde::Serialize;

use crate::config::{Config, Report, nearest, problem::KeyPath};

/// A glob that matches nothing.
#[derive(Debug, Serialize)]
pub(super) struct Unmatched {
    pub(super) path: String,
    pub(super) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hint: Option<String>,
}

/// The globs of roles and of `pin` that match nothing, those aside that `report` tells of already.
pub(super) fn unmatched(config: &Config, sources: &[Arc<dyn Source>], report: &Report) -> Vec<Unmatched> {
    let abilities = Nobody.abilities().clone();
    let mut all: Vec<(KeyPath, &Pattern)> = config.pin.iter().map(|glob| (KeyPath::of(["pin"]), glob)).collect();
    for (name, role) in config.roles.iter() {
        let globs = role.allow.iter().flatten().chain(&role.deny);
        all.extend(globs.map(|glob| (KeyPath::of(["roles", name]), glob)));
    }
    let told = |path: &KeyPath, glob: &Pattern| {
        let quoted = format!("`{}`", glob.as_str());
        report.problems.iter().any(|problem| problem.path.is_within(path) && problem.message.contains(&quoted))
    };
    let names = names(sources, &abilities);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let unmatched = all.into_iter().filter(|(path, glob)| !matches(glob, sources, &abilities) && !told(path, glob));
    unmatched.map(|(path, glob)| Unmatched::of(&path, glob, &names)).collect()
}

impl Unmatched {
    fn of(path: &KeyPath, glob: &Pattern, names: &[&str]) -> Self {
        let near = nearest(glob.as_str(), names).map(|near| format!("did you mean `{near}`?"));
        let list = "`gateway list` shows the names of all tools".to_owned();
        Self {
            path: path.to_string(),
            message: format!("the glob `{}` matches nothing that there is", glob.as_str()),
            hint: near.or(Some(list)),
        }
    }
}

/// Whether the glob matches something that a source offers, or could offer where that is not known.
fn matches(glob: &Pattern, sources: &[Arc<dyn Source>], abilities: &Abilities) -> bool {
    let role = Role { allow: Some(Box::new([glob.clone()])), ..Role::blind("glob") };
    sources.iter().any(|source| {
        let offer = source.offer(abilities);
        let seen = |local: &str| role.decide(source.name(), source.naming(), local).visible();
        let unknown = offer.tools.is_none() && role.decide_placeholder(source.name(), source.naming()).visible();
        unknown || Kind::ALL.iter().any(|kind| offer.items(*kind).iter().any(|item| seen(&item.name)))
    })
}

/// What tools are called towards roles.
fn names(sources: &[Arc<dyn Source>], abilities: &Abilities) -> Vec<String> {
    let of = |source: &Arc<dyn Source>| {
        let offer = source.offer(abilities);
        let stem = source.naming().stem().unwrap_or_default();
        offer.items(Kind::Tool).iter().map(|item| format!("{stem}{}", item.name)).collect::<Vec<_>>()
    };
    sources.iter().flat_map(of).collect()
}
