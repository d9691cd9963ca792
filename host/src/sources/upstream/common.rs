//! What all instances of one server share.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use gateway_core::{
    payload::Json,
    source::{Abilities, Client, Item, Kind, LogLevel, Offer, SessionId},
    tasks::Tasks,
    wire::{
        json::Members,
        revision::{REVISIONS, Revision},
    },
};
use tokio::sync::watch;
use tracing::{info, warn};

use super::{
    Settings, Stage,
    hello::Hello,
    http::headers::problem,
    lifecycle::Lifecycle,
    link::Alive,
    pins::Held,
    remembered::{Knowledge, Known},
    subscriptions::Subscriptions,
    whose::Whose,
};
use crate::telemetry::events::TARGET;

/// What all instances of one server share.
pub(super) struct Common {
    pub(super) settings: Settings,
    pub(super) tasks: Tasks,
    knowledge: Knowledge,
    /// What was logged last of tools that are not what was agreed to.
    noticed: Mutex<Option<Arc<str>>>,
    /// What the server speaks, as far as that is known.
    era: Mutex<Option<Revision>>,
    /// It could not be greeted the last time.
    doubtful: AtomicBool,
    /// Whether the only client is of the newer era, where there is one only that was seen already.
    client: OnceLock<bool>,
    /// It was greeted by `initialize` alone, though it may know more.
    blindly: AtomicBool,
    starts: AtomicU64,
    alive: watch::Sender<usize>,
    /// Which log messages the sessions want.
    levels: Mutex<HashMap<SessionId, LogLevel>>,
    /// What clients without a lasting session want to know of. Which of the instances for such will have the news,
    /// nobody can tell.
    pub(super) passing: Subscriptions,
    /// The instance that runs for all.
    shared: OnceLock<Weak<Lifecycle>>,
}

impl Common {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            tasks: Tasks::new(),
            knowledge: Knowledge::default(),
            noticed: Mutex::default(),
            era: Mutex::default(),
            doubtful: AtomicBool::new(false),
            client: OnceLock::new(),
            blindly: AtomicBool::new(false),
            starts: AtomicU64::new(0),
            alive: watch::Sender::new(0),
            levels: Mutex::default(),
            passing: Subscriptions::default(),
            shared: OnceLock::new(),
        }
    }

    /// The instance that runs for all is this one.
    pub(super) fn share(&self, shared: &Arc<Lifecycle>) {
        let _ = self.shared.set(Arc::downgrade(shared));
    }

    pub(super) fn shared(&self) -> Option<Arc<Lifecycle>> {
        self.shared.get().and_then(Weak::upgrade)
    }

    /// What is known of what the server offers to those to whom it was told of these abilities.
    pub(super) fn known(&self, abilities: &Abilities) -> Arc<Known> {
        self.knowledge.of(&self.settings, abilities)
    }

    /// How many tools are known; `None`: it is not known yet whether there are any.
    pub(super) fn tools(&self) -> Option<usize> {
        let count = |known: &Arc<Known>| self.offer(known).tools.as_ref().map(|tools| tools.len());
        count(&self.known(&Abilities::NONE)).or_else(|| self.knowledge.all().iter().find_map(count))
    }

    /// What is offered of what is known: what was agreed to, where that is asked for.
    pub(super) fn offer(&self, known: &Known) -> Arc<Offer> {
        self.held(known, true).map_or_else(|| known.offer(), |held| held.offer)
    }

    /// Whether the tool `local` may be called, as far as was agreed to what is known.
    pub(super) fn lets(&self, known: &Known, local: &str) -> bool {
        self.held(known, false).is_none_or(|held| held.lets(local))
    }

    /// Which tools are not offered, since they are not what was agreed to.
    pub(super) fn refused(&self) -> Option<String> {
        let refused = |known: &Arc<Known>| self.held(known, true)?.error.map(|error| error.to_string());
        refused(&self.known(&Abilities::NONE)).or_else(|| self.knowledge.all().iter().find_map(refused))
    }

    fn held(&self, known: &Known, now: bool) -> Option<Held> {
        let (held, is_new) = known.held(&**self.settings.pins.as_ref()?, now);
        if is_new && let Some(notice) = &held.notice {
            let before = lock(&self.noticed).replace(notice.clone());
            if before.as_ref() != Some(notice) {
                warn!(server = %self.settings.name, "{notice}");
            }
        }
        Some(held)
    }

    /// What the server speaks, as far as that is known from this run, or from an earlier one with these abilities.
    pub(super) fn era(&self, abilities: &Abilities) -> Option<Revision> {
        let mut era = lock(&self.era);
        if era.is_some() {
            return *era;
        }
        let shared = self.known(&Abilities::NONE);
        let mut remembered = shared.revision();
        if remembered.is_none() && *abilities != Abilities::NONE {
            remembered = self.known(abilities).revision();
        }
        // One that speaks both eras speaks the client's.
        let other = |revision: &Revision| {
            self.serves_old()
                && !revision.has_initialize()
                && !shared.offer().greeting.as_ref().is_some_and(is_new_only)
        };
        remembered = remembered.filter(|revision| !other(revision));
        if !self.settings.one_client || self.client.get().is_some() {
            *era = remembered;
        }
        remembered
    }

    /// Whether the server spoke the newer era with another client.
    pub(super) fn may_be_modern(&self) -> bool {
        self.serves_old() && self.known(&Abilities::NONE).revision().is_some_and(|revision| !revision.has_initialize())
    }

    /// Takes note of the only client.
    pub(super) fn meet(&self, client: &dyn Client) {
        if self.settings.one_client {
            self.client.get_or_init(|| client.takes_rounds());
        }
    }

    /// Whether there is one client only, and of the older era.
    pub(super) fn serves_old(&self) -> bool {
        self.client.get() == Some(&false)
    }

    /// Whether the server is greeted by `initialize` alone, though it may know more: what it speaks with others is not
    /// known then.
    pub(super) fn greets_blindly(&self, blindly: bool) {
        self.blindly.store(blindly, Ordering::Relaxed);
    }

    /// Whether the server is known to keep no sessions.
    pub(super) fn is_modern(&self, abilities: &Abilities) -> bool {
        self.era(abilities).is_some_and(|revision| !revision.has_sessions())
    }

    /// The server was greeted.
    pub(super) fn set_era(&self, revision: Revision) {
        *lock(&self.era) = Some(revision);
        self.doubt(false);
    }

    /// What the server is thought to speak when it is greeted. One that could not be the last time may be another now.
    pub(super) fn thought(&self, abilities: &Abilities) -> Option<Revision> {
        self.era(abilities).filter(|_| !self.is_doubtful())
    }

    /// Whether it could not be greeted the last time.
    pub(super) fn is_doubtful(&self) -> bool {
        self.doubtful.load(Ordering::Relaxed)
    }

    /// Whether it is doubtful what the server speaks.
    pub(super) fn doubt(&self, doubtful: bool) {
        self.doubtful.store(doubtful, Ordering::Relaxed);
    }

    /// Remembers what an instance for `whose` offers, and says so where that is news.
    pub(super) async fn learn(&self, whose: &Whose, hello: &Hello, mut lists: Vec<(Kind, Vec<Item>)>) {
        let promotes = self.settings.endpoint.is_http() && !hello.revision.has_sessions();
        for (_, tools) in lists.iter_mut().filter(|(kind, _)| *kind == Kind::Tool) {
            tools.retain(|tool| self.settings.offers(&tool.name));
            tools.retain(|tool| match promotes.then(|| problem(&tool.definition)).flatten() {
                None => true,
                Some(problem) => {
                    warn!(server = %self.settings.name, "its tool {:?} is left out: {problem}", tool.name);
                    false
                }
            });
        }
        let abilities = if hello.revision.has_sessions() { &whose.abilities } else { &Abilities::NONE };
        let known = self.known(abilities);
        // Another version of an old server may be a new one.
        let before = known.offer().greeting.as_ref().and_then(Hello::server_info);
        let is_another = before.is_some() && before != Hello::server_info(&hello.greeting);
        let revision = match hello.revision.has_initialize() {
            true if self.blindly.load(Ordering::Relaxed) => known.revision(),
            true if is_another => None,
            _ => Some(hello.revision),
        };
        if known.learn(hello, revision, lists).await {
            self.settings.events.changed();
        }
    }

    /// Which log messages a session wants; `None`: it is gone.
    pub(super) fn set_level(&self, session: SessionId, level: Option<LogLevel>) {
        let mut levels = lock(&self.levels);
        match level {
            Some(level) => levels.insert(session, level),
            None => levels.remove(&session),
        };
    }

    /// Which log messages are wanted of an instance for `whose`: what is everybody's is asked for all that any session
    /// wants.
    pub(super) fn level(&self, whose: &Whose) -> Option<LogLevel> {
        let levels = lock(&self.levels);
        if whose.is_everybodys() {
            return levels.values().min().copied();
        }
        let said = whose.session.and_then(|session| levels.get(&session).copied());
        drop(levels);
        said.or_else(|| whose.client()?.log_level())
    }

    /// A start; what it brings to life is counted by what this gives.
    pub(super) fn count_start(&self) -> Alive {
        self.starts.fetch_add(1, Ordering::Relaxed);
        Alive::one_more(&self.alive)
    }

    pub(super) fn starts(&self) -> u64 {
        self.starts.load(Ordering::Relaxed)
    }

    /// Waits until nothing is left of what was started, nor of what that had started.
    pub(super) async fn all_gone(&self) {
        let _ = self.alive.subscribe().wait_for(|alive| *alive == 0).await;
    }

    /// Tells whoever watches the gateway what becomes of the server.
    pub(super) fn tell(&self, what: &str) {
        info!(target: TARGET, server = %self.settings.name, "{what}");
    }

    pub(super) fn observe(&self, stage: Stage) {
        if let Some(observer) = &self.settings.observer {
            observer(&self.settings.name, stage);
        }
    }
}

/// Whether the server that introduced itself so has no older revision.
fn is_new_only(greeting: &Json) -> bool {
    let members = Members::read(greeting.as_bytes()).unwrap_or_default();
    let supported =
        members.get("supportedVersions").and_then(|raw| serde_json::from_str::<Vec<String>>(raw.get()).ok());
    let is_old = |name: &String| REVISIONS.iter().any(|known| known.has_initialize() && known.as_str() == name);
    supported.is_some_and(|supported| !supported.iter().any(is_old))
}

/// What is behind these locks is never left half-changed, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
