//! Holds the sources, publishes the catalogue, runs calls through the guards.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use futures_util::future::join_all;
use gateway_core::{
    call::Call,
    error::CallError,
    payload::{Json, Reply, Request},
    role::{RoleId, RoleSet},
    snapshot::{Snapshot, Target},
    source::{Abilities, Client, Dispatch, Event, Fut, Source},
    tasks::Tasks,
};
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tracing::{debug, warn};

use crate::results;

/// How long the first `tools/list` waits for plugins that are not known yet; `list_changed` brings the rest.
const LEARN_WAIT: Duration = Duration::from_secs(5);

/// Changes are gathered for so long before they are published: a server that adds ten tools causes one message.
pub const SETTLE: Duration = Duration::from_millis(20);

/// The heart of the program: every call, from wherever it comes, goes through [`Gateway::run`].
pub struct Gateway {
    roles: Arc<RoleSet>,
    sources: Box<[Arc<dyn Source>]>,
    /// Made when it is first asked for, so that nothing is read on the way to `initialize`.
    current: ArcSwapOption<Snapshot>,
    published: watch::Sender<u64>,
    learnt: AtomicBool,
    tasks: Tasks,
}

impl Gateway {
    /// A gateway over `sources`, in the order in which they are listed. Starts none of them.
    #[must_use]
    pub fn new(roles: Arc<RoleSet>, sources: Vec<Arc<dyn Source>>) -> Self {
        Self {
            roles,
            sources: sources.into(),
            current: ArcSwapOption::empty(),
            published: watch::Sender::new(0),
            learnt: AtomicBool::new(false),
            tasks: Tasks::new(),
        }
    }

    /// The catalogue as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        match self.current.load_full() {
            Some(snapshot) => snapshot,
            None => self.refresh(),
        }
    }

    /// The roles.
    #[must_use]
    pub fn roles(&self) -> &Arc<RoleSet> {
        &self.roles
    }

    /// Tells of every new catalogue.
    #[must_use]
    pub fn published(&self) -> watch::Receiver<u64> {
        self.published.subscribe()
    }

    /// Publishes a new catalogue if something has changed, and gives the current one.
    fn refresh(&self) -> Arc<Snapshot> {
        if let Some(current) = self.current.load_full().filter(|current| current.is_current()) {
            return current;
        }
        let snapshot = Arc::new(Snapshot::of(self.roles.clone(), &self.sources));
        // The first one is no change: nobody has seen another.
        if self.current.swap(Some(snapshot.clone())).is_some() {
            self.published.send_modify(|version| *version += 1);
        }
        snapshot
    }

    /// Publishes what the sources tell, for as long as there are any.
    pub async fn follow(&self, mut events: mpsc::UnboundedReceiver<Event>) {
        while let Some(Event::Changed) = events.recv().await {
            tokio::time::sleep(SETTLE).await;
            while events.try_recv().is_ok() {}
            // Before the first list there is nobody to tell.
            if self.current.load().is_some() {
                self.refresh();
            }
        }
    }

    /// The one client of this process says what it can be asked.
    pub fn mirror(&self, abilities: &Abilities, client: &Arc<dyn Client>) {
        self.sources.iter().for_each(|source| source.mirror(abilities, client));
    }

    /// The client's list of roots has changed.
    pub fn roots_changed(&self) {
        self.sources.iter().for_each(|source| source.roots_changed());
    }

    /// The catalogue for `tools/list`. The first time, plugins that are not known yet are given a few seconds.
    pub async fn list(&self) -> Arc<Snapshot> {
        if self.learnt.swap(true, Ordering::Relaxed) {
            return self.snapshot();
        }
        let unknown = self.sources.iter().filter(|source| source.learns_at_once() && source.offer().tools.is_none());
        let learning = unknown.map(|source| {
            let (source, done) = (source.clone(), tokio::sync::oneshot::channel::<()>());
            self.tasks.spawn(async move {
                if let Err(error) = source.learn().await {
                    warn!(source = %source.name(), "{error}");
                }
                drop(done.0);
            });
            done.1
        });
        // What takes longer goes on, and tells of itself when it is done.
        let _ = tokio::time::timeout(LEARN_WAIT, join_all(learning)).await;
        self.refresh()
    }

    /// Runs a tool by its public name.
    ///
    /// # Errors
    /// [`CallError::UnknownTool`] for a tool that does not exist and for one that the caller's role may not see; else
    /// what the source says.
    pub async fn run(&self, name: &str, params: Params, call: Arc<Call>) -> Result<Reply, CallError> {
        let started = Instant::now();
        let result = self.guarded(name, params, call).await;
        let ms = started.elapsed().as_secs_f64() * 1000.0;
        match &result {
            Ok(reply) => debug!(tool = name, ms, error = reply.is_error(), "call"),
            Err(error) => debug!(tool = name, ms, %error, "call"),
        }
        result
    }

    async fn guarded(&self, name: &str, params: Params, call: Arc<Call>) -> Result<Reply, CallError> {
        let role = call.caller.role;
        // What the role may not see does not exist: one lookup answers both, so that the two cannot differ.
        let mut snapshot = self.snapshot();
        if snapshot.find(role, name).is_none() {
            snapshot = self.learn_of(name, role).await?;
        }
        let unknown = || CallError::UnknownTool(name.into());
        let (entry, source) = snapshot.find(role, name).ok_or_else(unknown)?;
        match &entry.target {
            Target::Tool(local) => {
                let Params { arguments, meta, rest } = params;
                source.call(Request { tool: local.clone(), arguments, meta, rest }, call).await
            }
            Target::Placeholder => self.connect(source, role).await,
        }
    }

    /// A client may know a tool that the gateway does not know yet, from an earlier session or from its user. Where the
    /// name begins as a source's do and the role could see it, that source is asked.
    async fn learn_of(&self, name: &str, role: RoleId) -> Result<Arc<Snapshot>, CallError> {
        let role = self.roles.get(role);
        let local = |source: &Arc<dyn Source>| {
            let stem = source.naming().stem()?;
            let local = name.strip_prefix(&stem)?;
            role.decide(source.name(), source.naming(), local).visible().then_some(stem.len())
        };
        let unknown = self.sources.iter().filter(|source| source.offer().tools.is_none());
        // The longest stem is the nearest: `a__b__c` is asked of `a__b` before `a`.
        let nearest = unknown.filter_map(|source| Some((local(source)?, source))).max_by_key(|(length, _)| *length);
        if let Some((_, source)) = nearest {
            source.learn().await?;
        }
        Ok(self.refresh())
    }

    /// What `_<server>_connect` does: finds out the server's tools, and says which of them the caller may use.
    async fn connect(&self, source: &Arc<dyn Source>, role: RoleId) -> Result<Reply, CallError> {
        source.learn().await?;
        let snapshot = self.refresh();
        let of_source = snapshot.visible(role).filter(|(_, of)| Arc::ptr_eq(of, source));
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

    /// Ends everything: what still learns, then the sources, all within `grace`.
    pub async fn stop(&self, grace: Duration) {
        self.tasks.drain(Duration::ZERO).await;
        join_all(self.sources.iter().map(|source| source.stop(grace))).await;
    }
}

impl Dispatch for Gateway {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot()
    }

    fn invoke<'a>(
        &'a self,
        tool: &'a str,
        arguments: Option<Json>,
        call: Arc<Call>,
    ) -> Fut<'a, Result<Reply, CallError>> {
        Box::pin(self.run(tool, Params { arguments, ..Params::default() }, call))
    }
}

/// What comes with the name of a tool in `tools/call`.
#[derive(Debug, Default)]
pub struct Params {
    /// The arguments, untouched.
    pub arguments: Option<Json>,
    /// `_meta` without `progressToken`.
    pub meta: Option<Json>,
    /// Further members.
    pub rest: Vec<(Box<str>, Json)>,
}

#[cfg(test)]
mod tests;
