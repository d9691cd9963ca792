//! From a package to what calls need: the component's code and the definitions of its tools, each found out once.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use gateway_core::{
    error::{Failure, FailureKind},
    source::{Events, Offer, State},
};

use super::about::About;
use super::{failed::Failed, runner::Runner};
use crate::{
    cache::{Digest, Facts},
    definitions::Definitions,
    engine::PluginEngine,
    exports::list::List,
    guest::Context,
    inspect,
    load::{self, Code},
    package::{Listed, Package},
};

/// What is known of one plugin.
pub(super) struct Loader {
    context: Arc<Context>,
    pub(super) package: Arc<dyn Package>,
    engine: Arc<PluginEngine>,
    events: Events,
    /// What people were told of the component of that digest.
    pub(super) told: ArcSwapOption<(Digest, Arc<About>)>,
    /// Its tools, known since they were listed or remembered, and the digest of the component that listed them.
    pub(super) known: ArcSwapOption<(Digest, Arc<Definitions>)>,
    ready: ArcSwapOption<Ready>,
    /// Held by who loads it; the others wait and find it loaded.
    loading: tokio::sync::Mutex<()>,
    is_loading: AtomicBool,
    /// The component that could not be used last.
    failed: Mutex<Option<Failed>>,
    error: Mutex<Option<String>>,
    loads: AtomicU64,
}

/// Code and the definitions that belong to it.
pub(super) struct Ready {
    pub(super) code: Arc<Code>,
    pub(super) definitions: Arc<Definitions>,
}

/// What came of looking for another component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refreshed {
    /// There is none.
    Same,
    /// There was one, and it has taken its place.
    Swapped,
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
            told: ArcSwapOption::empty(),
            known: ArcSwapOption::empty(),
            ready: ArcSwapOption::empty(),
            loading: tokio::sync::Mutex::new(()),
            is_loading: AtomicBool::new(false),
            failed: Mutex::new(None),
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
            if let Some(facts) = self.facts() {
                self.not_failed(facts.digest)?;
                if let Some(definitions) = self.remembered(facts.digest) {
                    self.accept(&definitions)?;
                    self.publish(facts.digest, definitions);
                    return Ok(());
                }
            }
            let (bytes, digest) = self.fetch().await?;
            match self.remembered(digest) {
                Some(definitions) => {
                    self.accept(&definitions)?;
                    self.publish(digest, definitions);
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
            if let Some(ready) = self.kept().await? {
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

    /// Looks whether the package gives another component now. Where that is one that can be used, it takes the place of
    /// the one that runs, all at once; otherwise everything stays as it is, and the state says why. What nobody has
    /// asked for yet is not looked at.
    pub(super) async fn refresh(&self, runner: &Runner) -> Result<Refreshed, Failure> {
        let _turn = self.loading.lock().await;
        let failed = self.error.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if self.known.load().is_none() && !failed {
            return Ok(Refreshed::Same);
        }
        let done = match self.ready.load_full() {
            Some(running) => self.replace(&running, runner).await,
            None => self.relist(runner).await,
        };
        let error = done.as_ref().err().map(ToString::to_string);
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = error;
        done
    }

    /// Has what the package gives run in place of `running`, after it has shown that it can.
    async fn replace(&self, running: &Ready, runner: &Runner) -> Result<Refreshed, Failure> {
        let (bytes, digest) = self.fetch().await?;
        if digest == running.code.digest {
            // What was agreed to may be another thing now.
            self.accept(&running.definitions)?;
            return Ok(Refreshed::Same);
        }
        // Its probe, also where its tools are remembered: one that cannot be started must not be swapped in.
        let begun = Instant::now();
        let probed = async {
            let code = self.compile(bytes, digest).await?;
            let definitions = self.ask(&code, runner).await?;
            self.accept(&definitions)?;
            Ok((code, definitions))
        };
        let (code, definitions) =
            probed.await.inspect_err(|failure| self.note_failed(digest, failure, begun.elapsed()))?;
        self.put(code, definitions);
        running.code.retire();
        runner.drop_kept();
        Ok(Refreshed::Swapped)
    }

    /// Finds out anew what it offers, where nothing of it runs.
    async fn relist(&self, runner: &Runner) -> Result<Refreshed, Failure> {
        let (bytes, digest) = self.fetch().await?;
        match (self.known.load_full().filter(|known| known.0 == digest), self.remembered(digest)) {
            (Some(known), _) => {
                self.accept(&known.1)?;
                return Ok(Refreshed::Same);
            }
            (None, Some(definitions)) => {
                self.accept(&definitions)?;
                self.publish(digest, self.known_or(definitions));
            }
            (None, None) => drop(self.load(bytes, digest, runner).await?),
        }
        Ok(Refreshed::Swapped)
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
        let is_ready = self.ready.load().is_some();
        let state = match (is_ready, self.is_loading.load(Ordering::Relaxed), &error) {
            // The error is then that of a newer one, which has not taken its place.
            (true, _, _) => State::Running,
            (false, true, _) => State::Starting,
            (false, false, Some(_)) => State::Failed,
            (false, false, None) => State::Idle,
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

    /// What is known of the package's file, where it is still the one that was read once.
    fn facts(&self) -> Option<Facts> {
        self.engine.cache()?.facts(&self.package.stamp()?)
    }

    /// Loads it without reading the component, where everything is known of it.
    async fn kept(&self) -> Result<Option<Arc<Ready>>, Failure> {
        let Some(facts) = self.facts() else { return Ok(None) };
        self.not_failed(facts.digest)?;
        let Some(definitions) = self.known_of(facts.digest) else { return Ok(None) };
        let (engine, context) = (self.engine.clone(), self.context.clone());
        let code = blocking(move || load::kept(&engine, &context, &facts)).await?;
        let Some(code) = code else { return Ok(None) };
        self.accept(&definitions)?;
        Ok(Some(self.put(code, definitions)))
    }

    /// The component and its digest.
    async fn fetch(&self) -> Result<(Bytes, Digest), Failure> {
        let stamp = self.package.stamp();
        let bytes = self.package.load().await?;
        let (hashed, engine) = (bytes.clone(), self.engine.clone());
        // Where it changed while it was read, what was read belongs to neither.
        let stamp = stamp.filter(|stamp| self.package.stamp().as_ref() == Some(stamp));
        let look = move || {
            let digest = Digest::of(&hashed);
            if let (Some(stamp), Some(cache), Ok(manifest)) = (stamp, engine.cache(), inspect::manifest(&hashed)) {
                cache.keep_facts(&stamp, &Facts { digest, manifest });
            }
            digest
        };
        let digest = blocking(look).await?;
        self.not_failed(digest)?;
        Ok((bytes, digest))
    }

    /// Whether that component may be tried.
    fn not_failed(&self, digest: Digest) -> Result<(), Failure> {
        match &*self.failed.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(failed) if failed.digest == digest && failed.counts() => Err(failed.failure.clone()),
            _ => Ok(()),
        }
    }

    async fn load(&self, bytes: Bytes, digest: Digest, runner: &Runner) -> Result<Arc<Ready>, Failure> {
        let begun = Instant::now();
        let loaded = self.try_load(bytes, digest, runner).await;
        let (code, definitions) = loaded.inspect_err(|failure| self.note_failed(digest, failure, begun.elapsed()))?;
        Ok(self.put(code, definitions))
    }

    /// Runs calls on this code from now on.
    fn put(&self, code: Arc<Code>, definitions: Arc<Definitions>) -> Arc<Ready> {
        let (digest, definitions) = (code.digest, self.known_or(definitions));
        let ready = Arc::new(Ready { code, definitions: definitions.clone() });
        // Before the list is told of: whoever sees the new one calls the new code. Calls that have begun keep the old
        // code, and its definitions with it.
        self.ready.store(Some(ready.clone()));
        self.loads.fetch_add(1, Ordering::Relaxed);
        self.publish(digest, definitions);
        ready
    }

    async fn try_load(
        &self,
        bytes: Bytes,
        digest: Digest,
        runner: &Runner,
    ) -> Result<(Arc<Code>, Arc<Definitions>), Failure> {
        let code = self.compile(bytes, digest).await?;
        let definitions = match self.known_of(digest) {
            Some(definitions) => definitions,
            None => self.ask(&code, runner).await?,
        };
        self.accept(&definitions)?;
        Ok((code, definitions))
    }

    async fn compile(&self, bytes: Bytes, digest: Digest) -> Result<Arc<Code>, Failure> {
        let (engine, context) = (self.engine.clone(), self.context.clone());
        blocking(move || load::code(&engine, &context, &bytes, digest)).await?
    }

    /// Takes note of a component that could not be used, after having been tried for so long.
    fn note_failed(&self, digest: Digest, failure: &Failure, took: Duration) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let last = failed.as_ref().filter(|last| last.digest == digest).and_then(|last| last.again);
        *failed = Failed::new(digest, failure, took, last.map(|(_, wait)| wait));
    }

    /// What the component of this digest offers, as far as that was ever found out.
    fn known_of(&self, digest: Digest) -> Option<Arc<Definitions>> {
        let known = self.known.load_full().filter(|known| known.0 == digest);
        known.map(|known| known.1.clone()).or_else(|| self.remembered(digest))
    }

    fn remembered(&self, digest: Digest) -> Option<Arc<Definitions>> {
        let json = self.engine.cache()?.definitions(digest, &self.context.config)?;
        Definitions::remembered(&json).map(Arc::new)
    }

    /// Has the plugin list what it offers, and remembers what it said.
    async fn ask(&self, code: &Arc<Code>, runner: &Runner) -> Result<Arc<Definitions>, Failure> {
        let listing = runner.list(code, List).await?;
        // A list may be long, and each schema in it is looked through.
        let name = self.context.name.clone();
        let definitions = Arc::new(blocking(move || Definitions::listed(&name, &listing)).await??);
        if let Some(cache) = self.engine.cache() {
            cache.keep_definitions(code.digest, &self.context.config, &definitions.json());
        }
        Ok(definitions)
    }

    /// Whether these are the tools that were agreed to; other ones are not even listed.
    fn accept(&self, definitions: &Definitions) -> Result<(), Failure> {
        self.package.accept(&Listed { tools: &definitions.jsons() })
    }

    /// Those that are offered already where these are the same, so that whoever compares sees that nothing has changed.
    fn known_or(&self, definitions: Arc<Definitions>) -> Arc<Definitions> {
        let is_same = |known: &Arc<Definitions>| Arc::ptr_eq(known, &definitions) || known.json() == definitions.json();
        let known = self.known.load_full().filter(|known| is_same(&known.1));
        known.map_or(definitions, |known| known.1.clone())
    }

    /// Offers these from now on.
    fn publish(&self, digest: Digest, definitions: Arc<Definitions>) {
        let published = Arc::new((digest, definitions));
        let known = self.known.swap(Some(published.clone()));
        if known.is_none_or(|known| !Arc::ptr_eq(&known.1, &published.1)) {
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
