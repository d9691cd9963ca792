//! Finding tools by what they do.
//!
//! * [`index`]: ranks documents for a query; knows nothing of tools.
//! * [`words`]: what counts as a word, and as the same word.
//!
//! Nothing is started for it: what is known is searched, and of the rest it is said that it is not known.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use gateway_core::{
    call::Call,
    error::CallError,
    name::SourceName,
    payload::Json,
    role::RoleId,
    snapshot::{Entry, Snapshot, Target},
    source::{Kind, Source},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, value::RawValue};

use self::index::{Document, Field, Index};
use super::{
    catalogue::{is_known, server_of},
    params::Params,
};
use crate::results;

pub mod index;
pub mod words;

/// How many tools an answer has where nothing else is asked for.
pub const LIMIT: usize = 10;
/// How many it has at most.
pub const MOST: usize = 100;
/// Characters of a description in an answer without schemas.
const GIST: usize = 200;
/// For how many catalogues an index is kept: one for each kind of client that is there.
const KEPT: usize = 16;

/// The indexes of the catalogues that somebody looks at.
#[derive(Default)]
pub(super) struct Searches(Mutex<Vec<(Weak<Snapshot>, Arc<ToolIndex>)>>);

/// The tools of one catalogue, whoever may see them.
pub struct ToolIndex(Index);

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// In words.
    pub query: String,
    /// The most that is wanted.
    pub limit: usize,
    /// With the schemas and the whole descriptions.
    pub schemas: bool,
    /// Only tools of the server of that name.
    pub server: Option<String>,
}

/// What was found.
#[derive(Debug, Serialize)]
pub struct Found {
    /// What was looked for.
    pub query: String,
    /// The best, best first.
    pub matches: Vec<Match>,
    /// How many there were.
    pub total: usize,
    /// Servers whose tools are not known yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown_servers: Vec<String>,
    /// What to do about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<&'static str>,
}

/// A tool that was found.
#[derive(Debug, Serialize)]
pub struct Match {
    /// Whose it is.
    pub server: String,
    /// What that one calls it.
    pub tool: String,
    /// What the gateway calls it.
    pub public_name: Arc<str>,
    /// What it does.
    pub description: String,
    /// How well it fits; only of use beside others of the same answer.
    pub score: f64,
    /// Its arguments.
    #[serde(rename = "inputSchema", skip_serializing_if = "Option::is_none")]
    pub input_schema: Option<Box<RawValue>>,
}

/// What of a definition is searched and shown.
#[derive(Deserialize, Default)]
struct Head {
    title: Option<String>,
    #[serde(default)]
    description: String,
    annotations: Option<Annotations>,
}

#[derive(Deserialize)]
struct Annotations {
    title: Option<String>,
}

#[derive(Deserialize, Default)]
struct Inputs {
    #[serde(rename = "inputSchema", default)]
    schema: InputSchema,
}

#[derive(Deserialize, Default)]
struct InputSchema {
    #[serde(default)]
    properties: Map<String, serde_json::Value>,
}

// === impl Searches ===

impl Searches {
    /// Answers `gateway_search_tools`.
    pub(super) async fn answer(&self, params: &Params<'_>, call: &Call) -> Result<Json, CallError> {
        let wanted = Wanted {
            query: params.needed("query")?,
            limit: params.count("limit")?.unwrap_or(LIMIT).min(MOST),
            schemas: params.flag("schemas")?.unwrap_or(false),
            server: params.text("server")?,
        };
        let (snapshot, role) = (call.snapshot(), call.caller.role);
        if let Some(server) = &wanted.server {
            server_of(&snapshot, role, server)?;
        }
        let index = self.index(&snapshot).await;
        Ok(results::shown(&index.search(&snapshot, role, &wanted)))
    }

    /// The index of that catalogue, made when it is first asked for.
    async fn index(&self, snapshot: &Arc<Snapshot>) -> Arc<ToolIndex> {
        if let Some(index) = self.kept(snapshot) {
            return index;
        }
        let of = snapshot.clone();
        // Of thousands of tools it takes a while, in which others are answered.
        let made = tokio::task::spawn_blocking(move || ToolIndex::new(&of)).await;
        let index = Arc::new(made.unwrap_or_else(|_| ToolIndex::new(snapshot)));
        let mut kept = self.lock();
        kept.retain(|(of, _)| of.strong_count() > 0);
        kept.truncate(KEPT - 1);
        kept.insert(0, (Arc::downgrade(snapshot), index.clone()));
        index
    }

    fn kept(&self, snapshot: &Arc<Snapshot>) -> Option<Arc<ToolIndex>> {
        let kept = self.lock();
        // A place in memory that a catalogue had is no other's as long as somebody points to it.
        kept.iter().find(|(of, _)| std::ptr::eq(of.as_ptr(), Arc::as_ptr(snapshot))).map(|(_, index)| index.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Weak<Snapshot>, Arc<ToolIndex>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl ToolIndex ===

impl ToolIndex {
    /// The tools of that catalogue but the gateway's own.
    #[must_use]
    pub fn new(snapshot: &Snapshot) -> Self {
        let gateway = SourceName::gateway();
        let documents = snapshot.entries(Kind::Tool).map(|(entry, source)| match &entry.target {
            Target::Local(local) if *source.name() != gateway => document(entry, source, local),
            _ => Document::default(),
        });
        Self(Index::new(documents))
    }

    /// What the role is found in `snapshot`, of which this is the index.
    #[must_use]
    pub fn search(&self, snapshot: &Snapshot, role: RoleId, wanted: &Wanted) -> Found {
        let entries: Vec<_> = snapshot.entries(Kind::Tool).collect();
        let mut sight = snapshot.sight(role, Kind::Tool).clone();
        if let Some(server) = &wanted.server {
            let others =
                entries.iter().enumerate().filter(|(_, (_, source))| source.name().as_str() != server.as_str());
            others.for_each(|(at, _)| sight.set(at, false));
        }
        let hits = self.0.search(&wanted.query, &sight);
        let matches = hits.iter().take(wanted.limit).filter_map(|hit| {
            let (entry, source) = entries.get(hit.document)?;
            Match::of(entry, source, hit.score, wanted.schemas)
        });
        let matches: Vec<_> = matches.collect();
        let unknown = snapshot.sources().iter().filter(|source| {
            let asked = wanted.server.as_ref().is_none_or(|server| *server == source.name().as_str());
            asked && !is_known(snapshot, source) && snapshot.sees_source(role, source)
        });
        let unknown_servers: Vec<_> = unknown.map(|source| source.name().to_string()).collect();
        let hint = (!unknown_servers.is_empty())
            .then_some("the tools of unknown_servers are not known yet: gateway_list_tools starts one and shows them");
        Found { query: wanted.query.clone(), total: hits.len(), matches, unknown_servers, hint }
    }
}

impl Match {
    fn of(entry: &Entry, source: &Arc<dyn Source>, score: f32, schemas: bool) -> Option<Self> {
        #[derive(Deserialize)]
        struct Schema {
            #[serde(rename = "inputSchema")]
            schema: Box<RawValue>,
        }
        let Target::Local(local) = &entry.target else { return None };
        let description = entry.definition().to::<Head>().unwrap_or_default().description;
        Some(Self {
            server: source.name().to_string(),
            tool: local.to_string(),
            public_name: entry.public.clone(),
            description: if schemas { description } else { gist(description) },
            score: (f64::from(score) * 100.0).round() / 100.0,
            input_schema: schemas.then(|| entry.definition().to::<Schema>().ok()).flatten().map(|of| of.schema),
        })
    }
}

fn gist(mut description: String) -> String {
    if let Some((end, _)) = description.char_indices().nth(GIST) {
        description.truncate(end);
        description.truncate(description.trim_end().len());
        description.push('…');
    }
    description
}

fn document(entry: &Entry, source: &Arc<dyn Source>, local: &str) -> Document {
    let head: Head = entry.definition().to().unwrap_or_default();
    let inputs: Inputs = entry.definition().to().unwrap_or_default();
    let title = head.title.or_else(|| head.annotations.and_then(|annotations| annotations.title));
    let parameters: Vec<_> = inputs.schema.properties.into_iter().map(|(name, _)| name).collect();
    Document {
        names: vec![local.to_owned(), entry.public.to_string()],
        fields: vec![
            (Field::Name, local.to_owned()),
            (Field::Title, title.unwrap_or_default()),
            (Field::Description, head.description),
            (Field::Source, source.name().to_string()),
            (Field::About, source.description().unwrap_or_default().to_owned()),
            (Field::Parameter, parameters.join(" ")),
        ],
    }
}
