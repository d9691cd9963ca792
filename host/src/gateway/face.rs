//! The gateway as one kind of client sees it: what can be asked of a client decides what servers offer to it.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use arc_swap::ArcSwapOption;
use gateway_core::{
    call::Call,
    error::CallError,
    name::SourceName,
    payload::{Json, Op, Reply, Request},
    role::{RoleId, RoleSet},
    snapshot::{Snapshot, Target},
    source::{Abilities, Client, Kind, Offer, Source},
};
use serde_json::json;
use tokio::sync::watch;
use tracing::{Instrument as _, Level, debug, debug_span, enabled, field::display};

use super::{Gateway, filters::Watched, lock, world::During};
use crate::results;

mod dispatch;
mod elsewhere;

/// The gateway as clients of the same abilities see it; all of it, or one source alone. Clones share it.
#[derive(Clone)]
pub struct Face {
    gateway: Arc<Gateway>,
    picture: Arc<Picture>,
}

/// What such clients see at the moment.
pub(super) struct Picture {
    abilities: Abilities,
    scope: Option<SourceName>,
    /// Held while a new one is made, so that an older one never comes after a newer.
    making: Mutex<()>,
    /// Made when it is first asked for, so that nothing is read on the way to `initialize`.
    current: ArcSwapOption<Snapshot>,
    published: watch::Sender<u64>,
}

/// What comes with a name in `tools/call` and its like.
#[derive(Debug, Default)]
pub struct Params {
    /// The arguments, untouched.
    pub arguments: Option<Json>,
    /// `_meta` without what belongs to this hop alone.
    pub meta: Option<Json>,
    /// Further members.
    pub rest: Vec<(Box<str>, Json)>,
}

// === impl Picture ===

impl Picture {
    pub(super) fn new(abilities: Abilities, scope: Option<SourceName>) -> Self {
        let (current, published) = (ArcSwapOption::empty(), watch::Sender::new(0));
        Self { abilities, scope, making: Mutex::default(), current, published }
    }

    /// Publishes a new catalogue if something has changed, and gives the current one.
    fn refresh(&self, gateway: &Gateway) -> Arc<Snapshot> {
        let _making = lock(&self.making);
        let now = gateway.current.load_full();
        let is_current = |made: &Arc<Snapshot>| now.is_in(made, self.scope.as_ref()) && made.is_current();
        if let Some(current) = self.current.load_full().filter(is_current) {
            return current;
        }
        let (world, roles) = (&now.world, now.world.roles.clone());
        let snapshot = Arc::new(match &self.scope {
            None => Snapshot::of(roles, &world.sources, &self.abilities, world.surface.clone()),
            Some(name) => Snapshot::of_one(roles, world.source(name.as_str()), &self.abilities),
        });
        // The first one is no change: nobody has seen another.
        if self.current.swap(Some(snapshot.clone())).is_some() {
            self.published.send_modify(|version| *version += 1);
        }
        snapshot
    }

    /// Something has changed somewhere.
    pub(super) fn news(&self, gateway: &Gateway) {
        // Before the first list there is nobody to tell.
        if self.current.load().is_some() {
            self.refresh(gateway);
        }
    }
}

// === impl Face ===

impl Face {
    pub(super) fn new(gateway: Arc<Gateway>, picture: Arc<Picture>) -> Self {
        Self { gateway, picture }
    }

    /// The gateway.
    #[must_use]
    pub fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    /// Whether one source alone is seen, which may be there no more.
    #[must_use]
    pub fn is_scoped(&self) -> bool {
        self.picture.scope.is_some()
    }

    /// The one source that is seen; `None`: all are, or it is there no more.
    #[must_use]
    pub fn scope(&self) -> Option<Arc<dyn Source>> {
        self.gateway.source(self.picture.scope.as_ref()?.as_str())
    }

    /// The roles.
    #[must_use]
    pub fn roles(&self) -> Arc<RoleSet> {
        self.gateway.roles()
    }

    /// The catalogue as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        match self.picture.current.load_full() {
            Some(snapshot) => snapshot,
            None => self.refresh(),
        }
    }

    /// Tells of every new catalogue.
    #[must_use]
    pub fn published(&self) -> watch::Receiver<u64> {
        self.picture.published.subscribe()
    }

    /// The catalogue as it is now, also where nothing has told of a change yet.
    #[must_use]
    pub fn refresh(&self) -> Arc<Snapshot> {
        self.picture.refresh(&self.gateway)
    }

    /// The catalogue for a list. A single source that is not known yet is asked; of all, those that learn without being
    /// started.
    ///
    /// # Errors
    /// Why the single source cannot be asked.
    pub async fn list(&self, client: &Arc<dyn Client>) -> Result<Arc<Snapshot>, CallError> {
        match self.is_scoped() {
            true => drop(self.introduced(client).await?),
            false => self.gateway.learn_at_once(client).await,
        }
        Ok(self.refresh())
    }

    /// What the single source offers and how it introduced itself, asked where it is not known yet.
    ///
    /// # Errors
    /// Why it cannot be asked.
    pub async fn introduced(&self, client: &Arc<dyn Client>) -> Result<Arc<Offer>, CallError> {
        let Some(source) = self.scope() else { return Ok(Arc::default()) };
        let known = source.offer(&self.picture.abilities);
        if known.tools.is_some() {
            return Ok(known);
        }
        self.gateway.learn(&source, client).await?;
        Ok(source.offer(&self.picture.abilities))
    }

    /// Whether the role could see something of a server of somebody else's. Reads nothing.
    #[must_use]
    pub fn has_servers(&self, role: RoleId) -> bool {
        let now = self.gateway.current.load();
        let role = now.world.roles.get(role);
        let mut servers = now.world.sources.iter().filter(|source| elsewhere::is_server(source));
        servers.any(|source| role.decide_placeholder(source.name(), source.naming()).visible())
    }

    /// Whether plugins could have something of the kind that the role sees. Those that nobody asked yet could. Reads
    /// nothing.
    #[must_use]
    pub fn plugins_may_offer(&self, role: RoleId, kind: Kind) -> bool {
        let now = self.gateway.current.load();
        let role = now.world.roles.get(role);
        let mut plugins = now.world.sources.iter().filter(|source| source.learns_at_once());
        plugins.any(|source| {
            let offer = source.offer(&self.picture.abilities);
            let could = offer.tools.is_none() || !offer.items(kind).is_empty();
            could && role.decide_placeholder(source.name(), source.naming()).visible()
        })
    }

    /// Runs a request by its public name or URI.
    ///
    /// # Errors
    /// [`CallError::UnknownTool`] and its like for what does not exist and for what the caller's role may not see; else
    /// what the source says.
    pub async fn run(&self, op: Op, target: &str, params: Params, call: Arc<Call>) -> Result<Reply, CallError> {
        // Nothing is spent on a line that nobody reads.
        match enabled!(Level::DEBUG) {
            false => self.guarded(op, target, params, call).await,
            true => Box::pin(self.traced(op, target, params, call)).await,
        }
    }

    /// Runs it in a span, so that what is logged meanwhile says for which call, and says at the end how it went: a call
    /// that a tool made before the call of that tool.
    async fn traced(&self, op: Op, target: &str, params: Params, call: Arc<Call>) -> Result<Reply, CallError> {
        let (started, trace, method) = (Instant::now(), call.trace(), Box::<str>::from(op.method()));
        let span = debug_span!("call", id = %trace.id);
        let result = self.guarded(op, target, params, call).instrument(span.clone()).await;
        let (parent, depth) = (trace.parent.map(display), trace.depth);
        let ms = started.elapsed().as_secs_f64() * 1000.0;
        span.in_scope(|| match &result {
            Ok(reply) => debug!(parent, depth, method, target, ms, error = reply.is_error(), "call"),
            Err(error) => debug!(parent, depth, method, target, ms, %error, "call"),
        });
        result
    }

    async fn guarded(&self, op: Op, target: &str, params: Params, call: Arc<Call>) -> Result<Reply, CallError> {
        match op {
            Op::CallTool => self.named(op, Kind::Tool, target, params, call).await,
            // What is not a call of a tool goes in boxes, or every call would have to be as large.
            Op::GetPrompt | Op::CompletePrompt => Box::pin(self.named(op, Kind::Prompt, target, params, call)).await,
            Op::CompleteResource => {
                let snapshot = self.snapshot();
                match snapshot.find(call.caller.role, Kind::Template, target) {
                    Some(_) => Box::pin(self.named(op, Kind::Template, target, params, call)).await,
                    None => Box::pin(self.located(op, target, params, call)).await,
                }
            }
            Op::ReadResource | Op::Subscribe | Op::Unsubscribe => {
                Box::pin(self.located(op, target, params, call)).await
            }
            other if !target.is_empty() => Box::pin(self.errand(other, target, params, call)).await,
            other => Box::pin(self.unknown_method(other, params, call)).await,
        }
    }

    /// What goes by a name.
    async fn named(&self, op: Op, kind: Kind, name: &str, params: Params, call: Arc<Call>) -> Result<Reply, CallError> {
        let role = call.caller.role;
        // What the role may not see does not exist: one lookup answers both, so that the two cannot differ.
        let mut snapshot = self.snapshot();
        if snapshot.find(role, kind, name).is_none() {
            snapshot = Box::pin(self.learn_of(name, role, call.client())).await?;
        }
        let unknown = || match kind {
            Kind::Tool => CallError::UnknownTool(name.into()),
            Kind::Prompt => CallError::UnknownPrompt(name.into()),
            Kind::Resource | Kind::Template => CallError::UnknownResource(name.into()),
        };
        let entered = self.entered(snapshot, role, kind, name, call.client());
        let (snapshot, during) = entered.ok_or_else(unknown).inspect_err(|error| self.gateway.note_unknown(error))?;
        let (entry, source) = snapshot.find(role, kind, name).ok_or_else(unknown)?;
        match &entry.target {
            Target::Local(local) => {
                let request = request(op, local.clone(), params);
                let watched = match kind {
                    Kind::Tool => self.gateway.filters_of(&**source, &request, snapshot.roles().get(role)),
                    _ => None,
                };
                let recording = self.gateway.begin(source, &entry.public, &request, &call);
                let result = match watched {
                    None => self.ask(source, request, call, during).await,
                    Some(watched) => Box::pin(self.watched(source, request, call, during, watched)).await,
                };
                // What its source has no longer is unknown by the name that the client has for it.
                let is_gone = |gone: &str| gone == &**local && *source.name() != SourceName::gateway();
                let result = result.map_err(|error| match error {
                    CallError::UnknownTool(gone) if is_gone(&gone) => unknown(),
                    error => error,
                });
                self.gateway.end(recording, &result);
                Ok(self.public(&snapshot, role, source, result?))
            }
            Target::Placeholder => Box::pin(self.connect(source, role, call.client())).await,
        }
    }

    /// Comes in at the source that has the thing. Where that one has just been replaced, at the one that has it now.
    fn entered(
        &self,
        mut snapshot: Arc<Snapshot>,
        role: RoleId,
        kind: Kind,
        name: &str,
        client: &Arc<dyn Client>,
    ) -> Option<(Arc<Snapshot>, During)> {
        loop {
            let (_, source) = snapshot.find(role, kind, name)?;
            if let Some(during) = self.gateway.enter(source, client) {
                return Some((snapshot, during));
            }
            snapshot = self.refresh();
        }
    }

    /// Asks the source under the eyes of filters.
    async fn watched(
        &self,
        source: &Arc<dyn Source>,
        mut request: Request,
        call: Arc<Call>,
        during: During,
        mut watched: Watched,
    ) -> Result<Reply, CallError> {
        watched.before(&mut request, &call).await?;
        let reply = self.ask(source, request, call.clone(), during).await?;
        watched.after(reply, &call).await
    }

    /// Asks the source at which the call has come in. What it logs meanwhile is for the client.
    async fn ask(
        &self,
        source: &Arc<dyn Source>,
        request: Request,
        call: Arc<Call>,
        _during: During,
    ) -> Result<Reply, CallError> {
        let role = call.caller.role;
        let wants_task = request.rest.iter().any(|(name, _)| **name == *"task");
        let may_make_task = request.op == Op::CallTool && (wants_task || call.client().abilities().has("extensions"));
        // The gateway's own tools hand calls on: the task is whose it was handed on to.
        let may_make_task = may_make_task && *source.name() != SourceName::gateway();
        let reply = source.call(request, call).await?;
        if may_make_task {
            self.gateway.errands.learn(role, source, wants_task, &reply);
        }
        Ok(reply)
    }

    /// A client may know a tool that the gateway does not know yet, from an earlier session or from its user. Where the
    /// name begins as a source's do and the role could see it, that source is asked.
    async fn learn_of(&self, name: &str, role: RoleId, client: &Arc<dyn Client>) -> Result<Arc<Snapshot>, CallError> {
        let now = self.gateway.current.load_full();
        let role = now.world.roles.get(role);
        let abilities = &self.picture.abilities;
        if self.is_scoped() {
            let Some(source) = self.scope() else { return Ok(self.refresh()) };
            let (known, visible) =
                (source.offer(abilities), role.decide(source.name(), source.naming(), name).visible());
            if known.tools.is_none() && visible {
                self.gateway.learn(&source, client).await?;
            }
            return Ok(self.refresh());
        }
        let local = |source: &Arc<dyn Source>| {
            let stem = source.naming().stem()?;
            let local = name.strip_prefix(&stem)?;
            role.decide(source.name(), source.naming(), local).visible().then_some(stem.len())
        };
        let unknown = now.world.sources.iter().filter(|source| source.offer(abilities).tools.is_none());
        // The longest stem is the nearest: `a__b__c` is asked of `a__b` before `a`.
        let nearest = unknown.filter_map(|source| Some((local(source)?, source))).max_by_key(|(length, _)| *length);
        if let Some((_, source)) = nearest {
            self.gateway.learn(source, client).await?;
        }
        Ok(self.refresh())
    }

    /// What `_<server>_connect` does: finds out the server's tools, and says which of them the caller may use.
    async fn connect(
        &self,
        source: &Arc<dyn Source>,
        role: RoleId,
        client: &Arc<dyn Client>,
    ) -> Result<Reply, CallError> {
        self.gateway.learn(source, client).await?;
        let snapshot = self.refresh();
        let of_source = snapshot.visible(role, Kind::Tool).filter(|(_, of)| Arc::ptr_eq(of, source));
        let mut names: Vec<_> = of_source.map(|(entry, _)| entry.public.to_string()).collect();
        names.sort_unstable();
        let told = json!({
            "connected": true,
            "tools_discovered": names.len(),
            "tool_names": names,
            "hint": "Tools are now available. Call them directly by name.",
        });
        Ok(Reply { body: results::structured(&told) })
    }
}

fn request(op: Op, target: Arc<str>, params: Params) -> Request {
    let Params { arguments, meta, rest } = params;
    Request { op, target, arguments, meta, rest }
}

impl std::fmt::Debug for Face {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Picture { abilities, scope, .. } = &*self.picture;
        f.debug_struct("Face").field("abilities", abilities).field("scope", scope).finish()
    }
}
