//! The catalogue: an immutable picture of all that is offered, made anew whenever an offer changes.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, OnceLock},
};

use fixedbitset::FixedBitSet;

use crate::{
    name::placeholder,
    payload::Json,
    role::{RoleId, RoleSet},
    source::{Offer, Source},
    wire::json::{Object, replace},
};

/// All that is offered at one moment, and who sees what of it.
pub struct Snapshot {
    roles: Arc<RoleSet>,
    sources: Box<[Arc<dyn Source>]>,
    offers: Box<[Arc<Offer>]>,
    entries: Box<[Entry]>,
    index: HashMap<Arc<str>, usize>,
    views: Box<[OnceLock<View>]>,
}

/// One tool of the catalogue.
#[derive(Debug)]
pub struct Entry {
    /// The name that clients use.
    pub public: Arc<str>,
    /// What it stands for.
    pub target: Target,
    /// The place of its source in the snapshot.
    source: usize,
    /// The definition, under the public name.
    definition: Json,
}

impl Entry {
    /// The definition as `tools/list` shows it.
    #[must_use]
    pub fn definition(&self) -> &Json {
        &self.definition
    }
}

/// What an entry stands for.
#[derive(Debug, Clone)]
pub enum Target {
    /// A tool, by the name that its source gave it.
    Tool(Arc<str>),
    /// A source whose tools are not known yet: calling it finds them out.
    Placeholder,
}

/// What one role sees. Worked out when the role first asks.
struct View {
    visible: FixedBitSet,
    list: OnceLock<Json>,
}

impl Snapshot {
    /// A picture of what `sources` offer now.
    #[must_use]
    pub fn of(roles: Arc<RoleSet>, sources: &[Arc<dyn Source>]) -> Self {
        let offers: Box<[_]> = sources.iter().map(|source| source.offer()).collect();
        let mut entries = entries(sources, &offers, &HashSet::new());
        let clashes = clashes(&entries);
        if !clashes.is_empty() {
            entries = self::entries(sources, &offers, &clashes);
        }
        let mut index = HashMap::with_capacity(entries.len());
        for (at, entry) in entries.iter().enumerate() {
            // The first of two tools that one source offers under the same name, as the source itself would run.
            index.entry(entry.public.clone()).or_insert(at);
        }
        let views = std::iter::repeat_with(OnceLock::new).take(roles.count()).collect();
        Self { roles, sources: sources.into(), offers, entries: entries.into(), index, views }
    }

    /// Whether a new picture would be the same.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.sources.iter().zip(&self.offers).all(|(source, offer)| Arc::ptr_eq(&source.offer(), offer))
    }

    /// The roles.
    #[must_use]
    pub fn roles(&self) -> &Arc<RoleSet> {
        &self.roles
    }

    /// The sources, in the configuration's order.
    #[must_use]
    pub fn sources(&self) -> &[Arc<dyn Source>] {
        &self.sources
    }

    /// What the role sees under that name. A hidden tool and one that does not exist are both `None`.
    #[must_use]
    pub fn find(&self, role: RoleId, public: &str) -> Option<(&Entry, &Arc<dyn Source>)> {
        let at = *self.index.get(public)?;
        let entry = self.view(role).visible.contains(at).then(|| &self.entries[at])?;
        Some((entry, &self.sources[entry.source]))
    }

    /// What the role sees, in order, each with the source that offers it.
    pub fn visible(&self, role: RoleId) -> impl Iterator<Item = (&Entry, &Arc<dyn Source>)> {
        self.view(role).visible.ones().map(|at| (&self.entries[at], &self.sources[self.entries[at].source]))
    }

    /// Whether the role sees something of the source, or could once its tools are known: where that fails for ever, its
    /// status is the place to learn why.
    #[must_use]
    pub fn sees_source(&self, role: RoleId, source: &Arc<dyn Source>) -> bool {
        let could = || self.roles.get(role).decide_placeholder(source.name(), source.naming()).visible();
        self.visible(role).any(|(_, of)| Arc::ptr_eq(of, source)) || (source.offer().tools.is_none() && could())
    }

    /// The result of `tools/list` for the role.
    #[must_use]
    pub fn list(&self, role: RoleId) -> Json {
        let view = self.view(role);
        let join = || {
            let definitions = || view.visible.ones().map(|at| self.entries[at].definition.as_bytes());
            let mut tools = Vec::with_capacity(definitions().map(|text| text.len() + 1).sum::<usize>() + 1);
            for definition in definitions() {
                tools.push(if tools.is_empty() { b'[' } else { b',' });
                tools.extend_from_slice(definition);
            }
            if tools.is_empty() {
                tools.push(b'[');
            }
            tools.push(b']');
            let mut object = Object::with_capacity(tools.len() + 16);
            object.raw("tools", &tools);
            object.finish()
        };
        view.list.get_or_init(join).clone()
    }

    fn view(&self, role: RoleId) -> &View {
        self.views[role.index()].get_or_init(|| {
            let role = self.roles.get(role);
            let mut visible = FixedBitSet::with_capacity(self.entries.len());
            for (at, entry) in self.entries.iter().enumerate() {
                let source = &self.sources[entry.source];
                let verdict = match &entry.target {
                    Target::Tool(local) => role.decide(source.name(), source.naming(), local),
                    Target::Placeholder => role.decide_placeholder(source.name(), source.naming()),
                };
                let shadowed = self.index[&entry.public] != at;
                visible.set(at, verdict.visible() && !shadowed);
            }
            View { visible, list: OnceLock::new() }
        })
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

/// The entries of all sources. A name in `clashes` is given to nobody: those who would have it are told apart by
/// their source.
fn entries(sources: &[Arc<dyn Source>], offers: &[Arc<Offer>], clashes: &HashSet<Arc<str>>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (at, (source, offer)) in sources.iter().zip(offers).enumerate() {
        let Some(tools) = &offer.tools else {
            // What learns without being started needs no tool that starts it.
            if !source.learns_at_once() {
                entries.push(connect_entry(at, source));
            }
            continue;
        };
        for tool in tools {
            let mut public = source.naming().public(&tool.name);
            if clashes.contains(&public) {
                public = source.naming().distinct(source.name(), &tool.name);
            }
            let definition = match public == tool.name {
                true => Some(tool.definition.clone()),
                false => replace(&tool.definition, "name", Json::from_value(&*public).as_bytes()),
            };
            // A definition without a name never becomes a `Tool`.
            let Some(definition) = definition else { continue };
            entries.push(Entry { public, target: Target::Tool(tool.name.clone()), source: at, definition });
        }
    }
    entries
}

/// The names that tools of different sources, or different tools of one source, would share.
fn clashes(entries: &[Entry]) -> HashSet<Arc<str>> {
    let mut first: HashMap<&Arc<str>, &Entry> = HashMap::with_capacity(entries.len());
    let mut clashes = HashSet::new();
    for entry in entries {
        let other = first.entry(&entry.public).or_insert(entry);
        let same_tool = match (&entry.target, &other.target) {
            (Target::Tool(a), Target::Tool(b)) => a == b && entry.source == other.source,
            _ => std::ptr::eq(entry, *other),
        };
        if !same_tool {
            clashes.insert(entry.public.clone());
        }
    }
    clashes
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
    Entry { public, target: Target::Placeholder, source: at, definition }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        call::Call,
        error::CallError,
        name::{Naming, SourceName},
        payload::{Reply, Request},
        role::{Pattern, Role},
        source::{Fut, SourceStatus, Tool},
    };

    struct Fixed(SourceName, Naming, Arc<Offer>);

    impl Source for Fixed {
        fn name(&self) -> &SourceName {
            &self.0
        }
        fn naming(&self) -> &Naming {
            &self.1
        }
        fn offer(&self) -> Arc<Offer> {
            self.2.clone()
        }
        fn learn(&self) -> Fut<'_, Result<(), CallError>> {
            unreachable!("nothing is called here")
        }
        fn call(&self, _: Request, _: Arc<Call>) -> Fut<'_, Result<Reply, CallError>> {
            unreachable!("nothing is called here")
        }
        fn status(&self) -> SourceStatus {
            unreachable!("nothing is called here")
        }
        fn stop(&self, _: Duration) -> Fut<'_, ()> {
            unreachable!("nothing is called here")
        }
    }

    fn source(name: &str, tools: Option<&[&str]>) -> Arc<dyn Source> {
        let name = SourceName::new(name).unwrap();
        let tool = |name: &&str| Tool {
            name: (*name).into(),
            definition: Json::parse(format!(r#"{{"x":1, "name": "{name}", "inputSchema":{{}}}}"#)).unwrap(),
        };
        let offer = Offer { tools: tools.map(|names| names.iter().map(tool).collect()) };
        Arc::new(Fixed(name.clone(), Naming::canonical(&name), Arc::new(offer)))
    }

    fn roles(globs: &[&str]) -> Arc<RoleSet> {
        let allow = globs.iter().map(|glob| Pattern::new(glob).unwrap()).collect();
        Arc::new(RoleSet::new(vec![Role { name: "r".into(), allow: Some(allow), deny: Box::new([]) }], Some("r")))
    }

    fn names(snapshot: &Snapshot) -> Vec<String> {
        let role = snapshot.roles().resolve(None).unwrap();
        snapshot.visible(role).map(|(entry, _)| entry.public.to_string()).collect()
    }

    #[test]
    fn lists_and_finds_what_the_role_sees() {
        let sources = [source("files", Some(&["read", "write"])), source("memory", None), source("web", None)];
        let snapshot = Snapshot::of(roles(&["files_r*", "memory_*"]), &sources);
        assert_eq!(names(&snapshot), ["files__read", "_memory_connect"]);
        let role = snapshot.roles().resolve(None).unwrap();
        assert!(snapshot.find(role, "files__read").is_some());
        assert!(snapshot.find(role, "files__write").is_none());
        assert!(snapshot.find(role, "_web_connect").is_none());
        let list = snapshot.list(role);
        assert!(list.as_str().starts_with(r#"{"tools":[{"x":1, "name": "files__read", "inputSchema":{}},"#), "{list}");
    }

    #[test]
    fn an_empty_list_is_a_list() {
        let snapshot = Snapshot::of(roles(&["none"]), &[source("files", Some(&["read"]))]);
        assert_eq!(snapshot.list(snapshot.roles().resolve(None).unwrap()).as_str(), r#"{"tools":[]}"#);
    }

    #[test]
    fn clashes_do_not_depend_on_the_order() {
        let (a, b) = (source("a", Some(&["b__c"])), source("a__b", Some(&["c", "d"])));
        let open = Arc::new(RoleSet::new(vec![], None));
        let one = names(&Snapshot::of(open.clone(), &[a.clone(), b.clone()]));
        let mut other = names(&Snapshot::of(open, &[b, a]));
        other.rotate_right(1);
        assert_eq!(one, other);
        assert!(one.iter().all(|name| name.starts_with("a__b__c_") || name == "a__b__d"), "{one:?}");
        assert_ne!(one[0], one[1]);
    }
}
