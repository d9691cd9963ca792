//! What goes into the catalogue, and under which name.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{Entry, Target};
use crate::{
    name::{Naming, placeholder},
    payload::Json,
    source::{Item, Kind, Offer, Source},
    wire::json::{Members, replace},
};

/// Under which names things are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// Under public ones, which tell the sources apart.
    Public,
    /// Under the source's own.
    Own,
}

/// The entries of all sources. A name that two would have is given to neither: they are told apart by their source, so
/// that it does not matter which came first.
pub(super) fn of(kind: Kind, sources: &[Arc<dyn Source>], offers: &[Arc<Offer>], names: Names) -> Vec<Entry> {
    let made = entries(kind, sources, offers, names, &HashSet::new());
    let clashes = clashes(&made);
    if clashes.is_empty() { made } else { entries(kind, sources, offers, names, &clashes) }
}

fn entries(
    kind: Kind,
    sources: &[Arc<dyn Source>],
    offers: &[Arc<Offer>],
    names: Names,
    clashes: &HashSet<Arc<str>>,
) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (at, (source, offer)) in sources.iter().zip(offers).enumerate() {
        if offer.tools.is_none() {
            // What learns without being started needs no tool that starts it.
            if kind == Kind::Tool && names == Names::Public && !source.learns_at_once() {
                entries.push(connect_entry(at, source));
            }
            continue;
        }
        for item in offer.items(kind) {
            let mut public = public(kind, source, &item.name, names);
            if clashes.contains(&public) {
                public = distinct(kind, source, &item.name);
            }
            // A definition without a name never becomes an `Item`.
            let Some(definition) = definition(kind, item, &public) else { continue };
            let title = match kind {
                Kind::Tool | Kind::Prompt => None,
                Kind::Resource | Kind::Template => title(item),
            };
            entries.push(Entry { public, target: Target::Local(item.name.clone()), source: at, definition, title });
        }
    }
    entries
}

fn public(kind: Kind, source: &Arc<dyn Source>, local: &Arc<str>, names: Names) -> Arc<str> {
    match (names, kind) {
        // A URI says by itself where it belongs.
        (Names::Own, _) | (_, Kind::Resource | Kind::Template) => local.clone(),
        (Names::Public, Kind::Tool | Kind::Prompt) => source.naming().public(local),
    }
}

fn distinct(kind: Kind, source: &Arc<dyn Source>, local: &str) -> Arc<str> {
    match kind {
        Kind::Tool | Kind::Prompt => source.naming().distinct(source.name(), local),
        Kind::Resource | Kind::Template => Naming::distinct_uri(source.name(), local),
    }
}

fn definition(kind: Kind, item: &Item, public: &Arc<str>) -> Option<Json> {
    match *public == item.name {
        true => Some(item.definition.clone()),
        false => replace(&item.definition, kind.key(), Json::from_value(&**public).as_bytes()),
    }
}

fn title(item: &Item) -> Option<Box<str>> {
    Some(Members::read(item.definition.as_bytes()).ok()?.text("name")?.into())
}

/// The names that entries of different sources, or different entries of one source, would share.
fn clashes(entries: &[Entry]) -> HashSet<Arc<str>> {
    let mut first: HashMap<&Arc<str>, &Entry> = HashMap::with_capacity(entries.len());
    let mut clashes = HashSet::new();
    for entry in entries {
        let other = first.entry(&entry.public).or_insert(entry);
        let same = match (&entry.target, &other.target) {
            (Target::Local(a), Target::Local(b)) => a == b && entry.source == other.source,
            _ => std::ptr::eq(entry, *other),
        };
        if !same {
            clashes.insert(entry.public.clone());
        }
    }
    clashes
}

/// Lets tools be found by their further names, unless another tool has that name.
pub(super) fn add_aliases(index: &mut HashMap<Arc<str>, usize>, entries: &[Entry], offers: &[Arc<Offer>]) {
    for (source, offer) in offers.iter().enumerate() {
        for (alias, local) in &offer.aliases {
            let stands_for =
                |entry: &Entry| entry.source == source && matches!(&entry.target, Target::Local(name) if name == local);
            if let Some(at) = entries.iter().position(stands_for) {
                index.entry(alias.clone()).or_insert(at);
            }
        }
    }
}

fn connect_entry(at: usize, source: &Arc<dyn Source>) -> Entry {
    #[derive(serde::Serialize)]
    struct Definition<'a> {
        name: &'a str,
        description: String,
        #[serde(rename = "inputSchema")]
        input_schema: serde_json::Value,
    }
    let (name, public) = (source.name(), placeholder(source.name()));
    let purpose =
        source.description().map(|purpose| format!("{}. ", purpose.trim_end_matches('.'))).unwrap_or_default();
    let description =
        format!("[{name}] {purpose}Connect and discover tools. Call this to activate {name} and see its real tools.");
    let input_schema = serde_json::json!({ "type": "object", "properties": {} });
    let definition = Json::from_value(&Definition { name: &public, description, input_schema });
    Entry { public, target: Target::Placeholder, source: at, definition, title: None }
}
