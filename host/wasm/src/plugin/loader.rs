//! From a package to what calls need: the component's code and the definitions of its tools, each found out once.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use gateway_core::{
    error::{Failure, FailureKind},
    source::{Events, Offer, State},
};

use super::runner::Runner;
use crate::{
    cache::Digest,
    definitions::Definitions,
    engine::PluginEngine,
    exports::tool::ListTools,
    guest::Context,
    load::{self, Code},
    package::{Listed, Package},
};

/// What is known of one plugin.
pub(super) struct Loader {
    context: Arc<Context>,
    package: Arc<dyn Package>,
    engine: Arc<PluginEngine>,
    events: Events,
    /// Its tools, known since they were listed or remembered, and the digest of the component that listed them.
    known: ArcSwapOption<(Digest, Arc<Definitions>)>,
    ready: ArcSwapOption<Ready>,
    /// Held by who loads it; the others wait and find it loaded.
    loading: tokio::sync::Mutex<()>,
    is_loading: AtomicBool,
    /// A component that is broken stays so: it is not compiled again for every call.
    broken: Mutex<Option<(Digest, Failure)>>,
    error: Mutex<Option<String>>,
    loads: AtomicU64,
}

/// Code and the definitions that belong to it.
pub(super) struct Ready {
    pub(super) code: Arc<Code>,
    pub(super) definitions: Arc<Definitions>,
}

impl Loader {
    pub(super) fn new(
        context: Arc<Context>,
        package: Arc<dyn Package>,
        engine: Arc<PluginEngine>,
        events: Events,
    ) -> Self {
        Self {
            context,
            package,
            engine,
            events,
            known: ArcSwapOption::empty(),
            ready: ArcSwapOption::empty(),
            loading: tokio::sync::Mutex::new(()),
            is_loading: AtomicBool::new(false),
            broken: Mutex::new(None),
            error: Mutex::new(None),
            loads: AtomicU64::new(0),
        }
    }

    /// Finds out its tools: as they are remembered, which needs no engine, or by loading it.
    pub(super) async fn list(&self, runner: &Runner) -> Result<(), Failure> {
        if self.known.load().is_some() {
            return Ok(());
        }
        self.alone(async {
            if self.known.load().is_some() {
                return Ok(());
            }
            let (bytes, digest) = self.fetch().await?;
            match self.remembered(digest) {
                Some(definitions) => {
                    self.accept(&definitions)?;
                    self.publish(digest, &definitions);
                }
                None => drop(self.load(bytes, digest, runner).await?),
            }
            Ok(())
        })
        .await
    }

    /// What its calls need, if it is loaded.
    pub(super) fn if_ready(&self) -> Option<Arc<Ready>> {
        self.ready.load_full()
    }

    /// Loads it, unless it is; within the time of the call that needs it.
    pub(super) async fn ready(&self, runner: &Runner, deadline: Option<Instant>) -> Result<Arc<Ready>, Failure> {
        let loaded = self.alone(async {
            if let Some(ready) = self.ready.load_full() {
                return Ok(ready);
            }
            let (bytes, digest) = self.fetch().await?;
            self.load(bytes, digest, runner).await
        });
        let Some(deadline) = deadline else { return loaded.await };
        let late = |_| {
            let message = format!("plugin {:?}: the call's time was over before it was loaded", runner.context.name);
            Failure::new(FailureKind::Timeout, message).hint("try again: what was done so far is kept")
        };
        tokio::time::timeout_at(deadline.into(), loaded).await.map_err(late)?
    }

    /// Loads it anew when it is next needed.
    pub(super) fn unload(&self) {
        self.ready.store(None);
    }

    /// What it offers, as far as that is known.
    pub(super) fn offer(&self) -> Option<Arc<Offer>> {
        self.known.load().as_ref().map(|known| known.1.offer().clone())
    }

    /// What it does at the moment, and what went wrong last.
    pub(super) fn state(&self) -> (State, Option<String>) {
        let error = self.error.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let state = match (self.is_loading.load(Ordering::Relaxed), &error, &*self.ready.load()) {
            (true, _, _) => State::Starting,
            (_, Some(_), _) => State::Failed,
            (_, None, Some(_)) => State::Running,
            (_, None, None) => State::Idle,
        };
        (state, error)
    }

    /// How often it was loaded.
    pub(super) fn loads(&self) -> u64 {
        self.loads.load(Ordering::Relaxed)
    }

    /// Does `work` while nobody else does, and remembers how it went.
    async fn alone<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let _turn = self.loading.lock().await;
        let _mark = Mark::set(&self.is_loading);
        let done = work.await;
        let error = done.as_ref().err().map(ToString::to_string);
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = error;
        done
    }

    /// The component and its digest.
    async fn fetch(&self) -> Result<(Bytes, Digest), Failure> {
        let bytes = self.package.load().await?;
        let hashed = bytes.clone();
        let digest = blocking(move || Digest::of(&hashed)).await?;
        match &*self.broken.lock().unwrap_or_else(PoisonError::into_inner) {
            Some((broken, failure)) if *broken == digest => Err(failure.clone()),
            _ => Ok((bytes, digest)),
        }
    }

    async fn load(&self, bytes: Bytes, digest: Digest, runner: &Runner) -> Result<Arc<Ready>, Failure> {
        let loaded = self.try_load(bytes, digest, runner).await;
        if let Err(failure) = &loaded
            && failure.kind == FailureKind::Broken
        {
            *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = Some((digest, failure.clone()));
        }
        let ready = loaded?;
        self.ready.store(Some(ready.clone()));
        self.loads.fetch_add(1, Ordering::Relaxed);
        Ok(ready)
    }

    async fn try_load(&self, bytes: Bytes, digest: Digest, runner: &Runner) -> Result<Arc<Ready>, Failure> {
        let (engine, context) = (self.engine.clone(), self.context.clone());
        let load = move || load::code(&engine, &context.name, context.counts_fuel, &bytes, digest);
        let code = blocking(load).await??;
        let known = self.known.load_full().filter(|known| known.0 == digest).map(|known| known.1.clone());
        let definitions = match known.or_else(|| self.remembered(digest)) {
            Some(definitions) => definitions,
            None => self.ask(&code, runner).await?,
        };
        self.accept(&definitions)?;
        self.publish(digest, &definitions);
        Ok(Arc::new(Ready { code, definitions }))
    }

    fn remembered(&self, digest: Digest) -> Option<Arc<Definitions>> {
        let jsons = self.engine.cache()?.definitions(digest, &self.context.config)?;
        Definitions::remembered(jsons).map(Arc::new)
    }

    /// Has the plugin list its tools, and remembers what it said.
    async fn ask(&self, code: &Arc<Code>, runner: &Runner) -> Result<Arc<Definitions>, Failure> {
        let tools = match &code.exports.tool {
            Some(_) => runner.list(code, ListTools).await?,
            None => Vec::new(),
        };
        let definitions = Arc::new(Definitions::listed(&self.context.name, &tools)?);
        if let Some(cache) = self.engine.cache() {
            cache.keep_definitions(code.digest, &self.context.config, &definitions.jsons());
        }
        Ok(definitions)
    }

    /// Whether these are the tools that were agreed to; other ones are not even listed.
    fn accept(&self, definitions: &Definitions) -> Result<(), Failure> {
        self.package.accept(&Listed { tools: &definitions.jsons() })
    }

    fn publish(&self, digest: Digest, definitions: &Arc<Definitions>) {
        let known = self.known.swap(Some(Arc::new((digest, definitions.clone()))));
        if known.is_none_or(|known| known.1.jsons() != definitions.jsons()) {
            self.events.changed();
        }
    }
}

/// A mark that is set as long as it lives.
struct Mark<'a>(&'a AtomicBool);

impl<'a> Mark<'a> {
    fn set(mark: &'a AtomicBool) -> Self {
        mark.store(true, Ordering::Relaxed);
        Self(mark)
    }
}

impl Drop for Mark<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Does `work` where blocking harms nobody. It is finished even where nobody waits for it any more.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Failure::new(FailureKind::Unavailable, format!("the plugin could not be loaded: {error}")))
}
