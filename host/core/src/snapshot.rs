//! The catalogue: an immutable picture of all that is offered, made anew whenever an offer changes.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, OnceLock},
};

use fixedbitset::FixedBitSet;

use self::entries::Names;
use crate::{
    name::Naming,
    payload::Json,
    role::{RoleId, RoleSet},
    source::{Abilities, Kind, Offer, Shown, Source},
    wire::json::Object,
};

pub use self::surface::Surface;

mod entries;
mod surface;
mod template;

/// All that is offered at one moment to clients of the same abilities, and who sees what of it.
pub struct Snapshot {
    roles: Arc<RoleSet>,
    surface: Arc<Surface>,
    abilities: Abilities,
    sources: Box<[Arc<dyn Source>]>,
    offers: Box<[Arc<Offer>]>,
    tables: [Table; Kind::ALL.len()],
    /// The sources some of whose URIs another has too.
    renaming: FixedBitSet,
}

/// What is offered of one kind.
struct Table {
    entries: Box<[Entry]>,
    index: HashMap<Arc<str>, usize>,
    views: Box<[OnceLock<View>]>,
    /// Of a role that came later.
    blind: View,
}

/// One tool, prompt, resource or template of the catalogue.
#[derive(Debug)]
pub struct Entry {
    /// The name, URI or template that clients use.
    pub public: Arc<str>,
    /// What it stands for.
    pub target: Target,
    /// The place of its source in the snapshot.
    source: usize,
    /// The definition, under the public name.
    definition: Json,
    /// The name of a resource or template, by which roles know it beside its URI.
    title: Option<Box<str>>,
}

impl Entry {
    /// The definition as the list shows it.
    #[must_use]
    pub fn definition(&self) -> &Json {
        &self.definition
    }
}

/// What an entry stands for.
#[derive(Debug, Clone)]
pub enum Target {
    /// Something of a source, by the name, URI or template that the source gave it.
    Local(Arc<str>),
    /// A source whose tools are not known yet: calling it finds them out.
    Placeholder,
}

/// A resource that a role may read.
#[derive(Clone)]
pub struct Readable<'a> {
    /// Whose it is.
    pub source: &'a Arc<dyn Source>,
    /// The source's own URI of it.
    pub local: Arc<str>,
    /// The source lists it.
    pub listed: bool,
}

/// What one role sees. Worked out when the role first asks.
#[derive(Default)]
struct View {
    visible: FixedBitSet,
    /// Those of them that the list shows.
    listed: FixedBitSet,
    list: OnceLock<Json>,
}

impl Snapshot {
    /// A picture of what `sources` offer now to clients of these abilities, under public names.
    #[must_use]
    pub fn of(roles: Arc<RoleSet>, sources: &[Arc<dyn Source>], abilities: &Abilities, surface: Arc<Surface>) -> Self {
        Self::named(roles, sources, abilities, surface, Names::Public)
    }

    /// The same of a single source, under its own names; of none where it is there no more.
    #[must_use]
    pub fn of_one(roles: Arc<RoleSet>, source: Option<&Arc<dyn Source>>, abilities: &Abilities) -> Self {
        Self::named(roles, source.map(std::slice::from_ref).unwrap_or_default(), abilities, Arc::default(), Names::Own)
    }

    fn named(
        roles: Arc<RoleSet>,
        sources: &[Arc<dyn Source>],
        abilities: &Abilities,
        surface: Arc<Surface>,
        names: Names,
    ) -> Self {
        let offers: Box<[_]> = sources.iter().map(|source| source.offer(abilities)).collect();
        let tables = Kind::ALL.map(|kind| {
            let entries = entries::of(kind, sources, &offers, names);
            let mut index = HashMap::with_capacity(entries.len());
            for (at, entry) in entries.iter().enumerate() {
                // The first of two tools that one source offers under the same name, as the source itself would run.
                index.entry(entry.public.clone()).or_insert(at);
            }
            if kind == Kind::Tool && names == Names::Public {
                entries::add_aliases(&mut index, &entries, &offers);
            }
            let views = std::iter::repeat_with(OnceLock::new).take(roles.places()).collect();
            Table { entries: entries.into(), index, views, blind: View::default() }
        });
        let mut renaming = FixedBitSet::with_capacity(sources.len());
        for entry in [Kind::Resource, Kind::Template].iter().flat_map(|kind| &tables[*kind as usize].entries) {
            if matches!(&entry.target, Target::Local(local) if *local != entry.public) {
                renaming.insert(entry.source);
            }
        }
        Self { roles, surface, abilities: abilities.clone(), sources: sources.into(), offers, tables, renaming }
    }

    /// Whether a new picture would be the same.
    #[must_use]
    pub fn is_current(&self) -> bool {
        let mut pairs = self.sources.iter().zip(&self.offers);
        pairs.all(|(source, offer)| Arc::ptr_eq(&source.offer(&self.abilities), offer))
    }

    /// The roles.
    #[must_use]
    pub fn roles(&self) -> &Arc<RoleSet> {
        &self.roles
    }

    /// How much of it lists of tools show.
    #[must_use]
    pub fn surface(&self) -> &Arc<Surface> {
        &self.surface
    }

    /// What the source of that place offered when the picture was made.
    #[must_use]
    pub fn offer_of(&self, source: &Arc<dyn Source>) -> Option<&Arc<Offer>> {
        let at = self.sources.iter().position(|of| Arc::ptr_eq(of, source))?;
        self.offers.get(at)
    }

    /// What the clients that it is for can be asked.
    #[must_use]
    pub fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    /// The sources, in the configuration's order.
    #[must_use]
    pub fn sources(&self) -> &[Arc<dyn Source>] {
        &self.sources
    }

    /// What the role sees under that name. What is hidden and what does not exist are both `None`.
    #[must_use]
    pub fn find(&self, role: RoleId, kind: Kind, public: &str) -> Option<(&Entry, &Arc<dyn Source>)> {
        let table = &self.tables[kind as usize];
        let at = *table.index.get(public)?;
        let entry = self.view(role, kind).visible.contains(at).then(|| &table.entries[at])?;
        Some((entry, &self.sources[entry.source]))
    }

    /// What the role sees, in order, each with the source that offers it.
    pub fn visible(&self, role: RoleId, kind: Kind) -> impl Iterator<Item = (&Entry, &Arc<dyn Source>)> {
        let entries = &self.tables[kind as usize].entries;
        self.view(role, kind).visible.ones().map(|at| (&entries[at], &self.sources[entries[at].source]))
    }

    /// All that is offered of a kind, whoever may see it, in order.
    pub fn entries(&self, kind: Kind) -> impl ExactSizeIterator<Item = (&Entry, &Arc<dyn Source>)> {
        self.tables[kind as usize].entries.iter().map(|entry| (entry, &self.sources[entry.source]))
    }

    /// Which of [`Snapshot::entries`] the role sees, by their places.
    #[must_use]
    pub fn sight(&self, role: RoleId, kind: Kind) -> &FixedBitSet {
        &self.view(role, kind).visible
    }

    /// Where the role may read `uri`, the likeliest source first: the one that lists it; else those of whose templates
    /// it could be made; else all that have resources, since a server may have more than it lists.
    #[must_use]
    pub fn readable(&self, role: RoleId, uri: &str) -> Vec<Readable<'_>> {
        if let Some((entry, source)) = self.find(role, Kind::Resource, uri)
            && let Target::Local(local) = &entry.target
        {
            return vec![Readable { source, local: local.clone(), listed: true }];
        }
        let mut found: Vec<Readable<'_>> = Vec::new();
        for (entry, source) in self.visible(role, Kind::Template) {
            let Target::Local(template) = &entry.target else { continue };
            let local = template::local(&entry.public, template, uri);
            let Some(local) = local.filter(|local| self.may_read(role, source, local, template)) else { continue };
            if !found.iter().any(|other| Arc::ptr_eq(other.source, source)) {
                found.push(Readable { source, local: local.into(), listed: false });
            }
        }
        if !found.is_empty() {
            return found;
        }
        let have =
            self.sources.iter().zip(&self.offers).filter(|(_, offer)| offer.declares(Kind::Resource.capability()));
        let open = have.map(|(source, _)| source).filter(|source| {
            let listed_elsewhere =
                self.tables[Kind::Resource as usize].entries.iter().any(|entry| *entry.public == *uri);
            // A URI that some source lists and the role may not see is nobody's.
            !listed_elsewhere && self.may_read(role, source, uri, uri)
        });
        open.map(|source| Readable { source, local: uri.into(), listed: false }).collect()
    }

    fn may_read(&self, role: RoleId, source: &Arc<dyn Source>, uri: &str, by: &str) -> bool {
        self.roles.get(role).decide_any(source.name(), source.naming(), &[uri, by]).visible()
    }

    /// What clients call the resource that the source calls `local`, as far as the role may know of it.
    #[must_use]
    pub fn public_uri(&self, role: RoleId, source: &Arc<dyn Source>, local: &str) -> Option<Arc<str>> {
        let own = |(entry, of): &(&Entry, &Arc<dyn Source>)| {
            Arc::ptr_eq(of, source) && matches!(&entry.target, Target::Local(name) if **name == *local)
        };
        if let Some((entry, _)) = self.visible(role, Kind::Resource).find(own) {
            return Some(entry.public.clone());
        }
        let public = |(entry, of): (&Entry, &Arc<dyn Source>)| {
            let Target::Local(template) = &entry.target else { return None };
            let matches = Arc::ptr_eq(of, source) && template::matches(template, local);
            matches.then(|| template::public(&entry.public, template, local))
        };
        let made = self.visible(role, Kind::Template).find_map(public);
        made.or_else(|| self.may_read(role, source, local, local).then(|| local.into()))
    }

    /// Whether clients call some resource of the source otherwise than the source does.
    #[must_use]
    pub fn renames(&self, source: &Arc<dyn Source>) -> bool {
        if self.renaming.is_clear() {
            return false;
        }
        let at = self.sources.iter().position(|of| Arc::ptr_eq(of, source));
        at.is_some_and(|at| self.renaming.contains(at))
    }

    /// Whether the role sees something of the source, or could once its tools are known: where that fails for ever, its
    /// status is the place to learn why.
    #[must_use]
    pub fn sees_source(&self, role: RoleId, source: &Arc<dyn Source>) -> bool {
        let could = || self.roles.get(role).decide_placeholder(source.name(), source.naming()).visible();
        // As it was when the picture was made: what has become known since is in the next one.
        let unknown = || {
            let at = self.sources.iter().position(|of| Arc::ptr_eq(of, source));
            at.is_some_and(|at| self.offers[at].tools.is_none())
        };
        // An empty one, too, where the role sees everything.
        self.roles.get(role).sees_all()
            || Kind::ALL.iter().any(|kind| self.visible(role, *kind).any(|(_, of)| Arc::ptr_eq(of, source)))
            || (unknown() && could())
    }

    /// What the list shows to the role, in order.
    pub fn listed(&self, role: RoleId, kind: Kind) -> impl Iterator<Item = &Entry> {
        let entries = &self.tables[kind as usize].entries;
        self.view(role, kind).listed.ones().map(|at| &entries[at])
    }

    /// The member of a list result that holds what the role is shown of the kind, with its value: `"tools":[…]` as an
    /// object.
    #[must_use]
    pub fn list(&self, role: RoleId, kind: Kind) -> Json {
        let (view, entries) = (self.view(role, kind), &self.tables[kind as usize].entries);
        let join = || {
            let definitions = || view.listed.ones().map(|at| entries[at].definition.as_bytes());
            let mut list = Vec::with_capacity(definitions().map(|text| text.len() + 1).sum::<usize>() + 1);
            for definition in definitions() {
                list.push(if list.is_empty() { b'[' } else { b',' });
                list.extend_from_slice(definition);
            }
            if list.is_empty() {
                list.push(b'[');
            }
            list.push(b']');
            let mut object = Object::with_capacity(list.len() + 32);
            object.raw(kind.member(), &list);
            object.finish()
        };
        view.list.get_or_init(join).clone()
    }

    fn view(&self, role: RoleId, kind: Kind) -> &View {
        let table = &self.tables[kind as usize];
        // A role that came later looks at an older picture for a moment.
        let Some(view) = table.views.get(role.index()) else { return &table.blind };
        view.get_or_init(|| {
            let role = self.roles.get(role);
            let mut visible = FixedBitSet::with_capacity(table.entries.len());
            let mut listed = FixedBitSet::with_capacity(table.entries.len());
            for (at, entry) in table.entries.iter().enumerate() {
                let (name, naming) = self.known_as(entry);
                let verdict = match (&entry.target, &entry.title) {
                    (Target::Local(local), None) => role.decide(name, naming, local),
                    (Target::Local(local), Some(title)) => role.decide_any(name, naming, &[local, title]),
                    (Target::Placeholder, _) => role.decide_placeholder(name, naming),
                };
                let shadowed = table.index[&entry.public] != at;
                visible.set(at, verdict.visible() && !shadowed);
                listed.set(at, visible.contains(at) && (kind != Kind::Tool || self.shows(entry)));
            }
            View { visible, listed, list: OnceLock::new() }
        })
    }

    /// Whether a list of tools shows it to those who may use it.
    fn shows(&self, entry: &Entry) -> bool {
        let (source, surface) = (&self.sources[entry.source], &self.surface);
        let shown = match &entry.target {
            Target::Local(local) => source.shown(local),
            Target::Placeholder => Shown::Directly,
        };
        match shown {
            Shown::Always => true,
            Shown::AsMetaTool => surface.has_meta_tools(),
            Shown::Directly => !surface.has_meta_tools() || self.is_pinned(entry),
        }
    }

    fn is_pinned(&self, entry: &Entry) -> bool {
        let (name, naming) = self.known_as(entry);
        match &entry.target {
            Target::Local(local) => self.surface.pinned().decide(name, naming, local).visible(),
            Target::Placeholder => self.surface.pinned().decide_placeholder(name, naming).visible(),
        }
    }

    fn known_as(&self, entry: &Entry) -> (&crate::name::SourceName, &Naming) {
        let source = &self.sources[entry.source];
        (source.name(), source.naming())
    }
}

impl fmt::Debug for Readable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readable").field("source", self.source.name()).field("local", &self.local).finish()
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = Kind::ALL.map(|kind| (kind, self.tables[kind as usize].entries.len()));
        f.debug_struct("Snapshot").field("entries", &counts).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
