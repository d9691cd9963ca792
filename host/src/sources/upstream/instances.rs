//! Which instance of a server a request uses.
//!
//! A server that was told that it may ask belongs to one session: its questions reach that session's client, whatever
//! it was that made it ask. A shared one was told that nobody can be asked. A server without sessions (2026-07-28) is
//! told with each request who asks, so that one instance does for all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use futures_util::future::join_all;
use gateway_core::{
    error::{Failure, FailureKind},
    payload::Op,
    source::{Abilities, Client, Offer, SessionId, State as Doing},
};

use super::{
    common::Common, config::PerSession, lifecycle::Lifecycle, remembered::Known, running::Running, whose::Whose,
};

/// How many instances may run for single sessions.
const MAX_OWN: usize = 256;

/// All instances of one server.
pub(super) struct Instances {
    pub(super) common: Arc<Common>,
    shared: Arc<Lifecycle>,
    own: Mutex<Own>,
}

/// Those that do not run for all.
#[derive(Default)]
struct Own {
    of_sessions: HashMap<SessionId, Arc<Lifecycle>>,
    /// Those for clients without a session that nobody uses at the moment, the one that was used last at the end.
    free: HashMap<Abilities, Vec<Arc<Lifecycle>>>,
    /// Those that somebody uses.
    held: Vec<Weak<Lifecycle>>,
}

/// An instance for one request.
pub(super) struct Held {
    lifecycle: Arc<Lifecycle>,
    /// Where it goes back to when the request is over.
    exclusive: Option<Arc<Instances>>,
}

/// Which instance to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    /// The one that runs for all.
    Shared,
    /// The one of this session.
    Own(SessionId),
    /// One that nobody else uses at the same time.
    Exclusive,
}

// === impl Which ===

impl Which {
    /// Decides for a client.
    fn of(modern: bool, per_session: PerSession, client: &dyn Client, op: &Op) -> Self {
        let own = match per_session {
            PerSession::Yes => true,
            PerSession::No => false,
            PerSession::Auto => client.abilities().can_be_asked(),
        };
        match client.session() {
            _ if modern || !own => Self::Shared,
            // What is told later is told to nobody who is there for one request.
            _ if matches!(op, Op::Subscribe | Op::Unsubscribe) && client.lasting().is_none() => Self::Shared,
            Some(session) => Self::Own(session),
            None => Self::Exclusive,
        }
    }
}

// === impl Instances ===

impl Instances {
    pub(super) fn new(common: Common) -> Arc<Self> {
        let common = Arc::new(common);
        let shared = Lifecycle::new(common.clone(), Whose::everybodys());
        common.share(&shared);
        Arc::new(Self { common, shared, own: Mutex::default() })
    }

    /// What is offered to clients of these abilities, as far as that is known.
    pub(super) fn offer(&self, abilities: &Abilities) -> Arc<Offer> {
        self.common.offer(&self.known(abilities))
    }

    /// Whether the tool `local` may be called by clients of these abilities, as far as was agreed to what is known.
    pub(super) fn lets(&self, local: &str, abilities: &Abilities) -> bool {
        self.common.settings.pins.is_none() || self.common.lets(&self.known(abilities), local)
    }

    fn known(&self, abilities: &Abilities) -> Arc<Known> {
        let own = match self.common.settings.per_session {
            PerSession::Yes => true,
            PerSession::No => false,
            PerSession::Auto => abilities.can_be_asked(),
        };
        let told = if own && !self.common.is_modern(abilities) { abilities } else { &Abilities::NONE };
        let known = self.common.known(told);
        // What it offered to all in the newer era is the best guess of what it offers in the older one.
        match known.offer().tools.is_none() && self.common.may_be_modern() {
            true => self.common.known(&Abilities::NONE),
            false => known,
        }
    }

    /// The instance for a request of `client`.
    ///
    /// # Errors
    /// [`FailureKind::Limit`] where too many run already.
    pub(super) fn pick(self: &Arc<Self>, client: &Arc<dyn Client>, op: &Op) -> Result<Held, Failure> {
        self.common.meet(&**client);
        let modern = self.common.is_modern(client.abilities());
        let which = Which::of(modern, self.common.settings.per_session, &**client, op);
        let (lifecycle, exclusive) = match which {
            Which::Shared => (self.shared.clone(), None),
            Which::Own(session) => (self.of_session(session, client)?, None),
            Which::Exclusive => (self.exclusive(client)?, Some(self.clone())),
        };
        Ok(Held { lifecycle, exclusive })
    }

    fn of_session(&self, session: SessionId, client: &Arc<dyn Client>) -> Result<Arc<Lifecycle>, Failure> {
        let mut own = self.own();
        let known = own.of_sessions.get(&session);
        if let Some(known) = known.filter(|known| known.whose.abilities == *client.abilities()) {
            return Ok(known.clone());
        }
        // A client that introduces itself anew may be able to do something else now.
        let before = own.of_sessions.remove(&session);
        let made = self.limit(&own).map(|()| {
            let whose = Whose::of_session(session, client.abilities().clone());
            whose.belongs_to(client.lasting());
            let made = Lifecycle::new(self.common.clone(), whose);
            own.of_sessions.insert(session, made.clone());
            made
        });
        drop(own);
        if let Some(before) = before {
            before.retire();
        }
        made
    }

    fn exclusive(&self, client: &Arc<dyn Client>) -> Result<Arc<Lifecycle>, Failure> {
        let mut own = self.own();
        let free = own.free.get_mut(client.abilities()).and_then(Vec::pop);
        let lifecycle = match free {
            Some(free) => free,
            None => {
                self.limit(&own)?;
                Lifecycle::new(self.common.clone(), Whose::by_turns(client.abilities().clone()))
            }
        };
        lifecycle.whose.belongs_to(Some(Arc::downgrade(client)));
        own.held.retain(|held| held.strong_count() > 0);
        own.held.push(Arc::downgrade(&lifecycle));
        Ok(lifecycle)
    }

    fn limit(&self, own: &Own) -> Result<(), Failure> {
        let up = |lifecycles: &mut dyn Iterator<Item = Arc<Lifecycle>>| lifecycles.filter(|one| one.is_up()).count();
        let free = own.free.values().flatten().cloned();
        let held = own.held.iter().filter_map(Weak::upgrade);
        if up(&mut own.of_sessions.values().cloned().chain(free).chain(held)) < MAX_OWN {
            return Ok(());
        }
        let name = &self.common.settings.name;
        let message = format!("server {name:?} runs for {MAX_OWN} sessions already, each with an instance of its own");
        let hint =
            format!("set servers.{name}.per_session to false, so that all share one, or let fewer sessions use it");
        Err(Failure::new(FailureKind::Limit, message).hint(hint))
    }

    fn give_back(&self, lifecycle: &Arc<Lifecycle>) {
        lifecycle.whose.belongs_to(None);
        let mut own = self.own();
        own.held.retain(|held| held.strong_count() > 0 && !std::ptr::eq(held.as_ptr(), Arc::as_ptr(lifecycle)));
        let free = own.free.entry(lifecycle.whose.abilities.clone()).or_default();
        // Of those that do not run, one is enough: it knows how often it has failed.
        free.retain(|free| free.is_up());
        let at = if lifecycle.is_up() { free.len() } else { 0 };
        free.insert(at, lifecycle.clone());
    }

    /// The session's own instance, if there is one.
    pub(super) fn own_of(&self, session: SessionId) -> Option<Arc<Lifecycle>> {
        self.own().of_sessions.get(&session).cloned()
    }

    /// What runs for one client without a session after the other.
    pub(super) fn by_turns(&self) -> Vec<Arc<Running>> {
        let own = self.own();
        let held = own.held.iter().filter_map(Weak::upgrade);
        own.free.values().flatten().cloned().chain(held).filter_map(|lifecycle| lifecycle.running()).collect()
    }

    /// The one that runs for all.
    pub(super) fn shared(&self) -> &Arc<Lifecycle> {
        &self.shared
    }

    /// A session has ended.
    pub(super) fn forget(&self, session: SessionId) {
        self.common.set_level(session, None);
        let own = self.own().of_sessions.remove(&session);
        if let Some(own) = own {
            own.retire();
        }
        self.shared.forget(session);
        if !self.common.passing.forget(session).is_empty() {
            self.hold_aside();
        }
    }

    /// What they do, all in all, and what went wrong last.
    pub(super) fn doing(&self) -> (Doing, Option<String>) {
        let doing: Vec<_> = self.all().iter().map(|lifecycle| lifecycle.doing()).collect();
        let any = |state| doing.iter().any(|(doing, _)| *doing == state);
        let order = [Doing::Running, Doing::Starting, Doing::Failed];
        let state = order.into_iter().find(|state| any(*state)).unwrap_or(Doing::Idle);
        (state, doing.into_iter().find_map(|(_, error)| error))
    }

    /// The processes that run for them on this machine.
    pub(super) fn processes(&self) -> Vec<u32> {
        self.all().iter().filter_map(|lifecycle| lifecycle.running()?.link.process).collect()
    }

    /// Ends all of them, politely for as long as `grace`, then by force.
    pub(super) async fn stop(&self, grace: Duration) {
        let all = self.all();
        join_all(all.iter().map(|lifecycle| lifecycle.stop(grace))).await;
        // Also what was ending already, and what the server itself had started.
        self.common.all_gone().await;
    }

    fn all(&self) -> Vec<Arc<Lifecycle>> {
        let own = self.own();
        let sessions = own.of_sessions.values().cloned();
        let others = own.free.values().flatten().cloned().chain(own.held.iter().filter_map(Weak::upgrade));
        std::iter::once(self.shared.clone()).chain(sessions).chain(others).collect()
    }

    /// What is behind the lock is never left half-changed, so a panic elsewhere does not spoil it.
    fn own(&self) -> MutexGuard<'_, Own> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Held ===

impl Held {
    pub(super) fn lifecycle(&self) -> &Arc<Lifecycle> {
        &self.lifecycle
    }

    /// Whether nobody else uses it meanwhile, and somebody else did before.
    pub(super) fn is_exclusive(&self) -> bool {
        self.exclusive.is_some()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(instances) = &self.exclusive {
            instances.give_back(&self.lifecycle);
        }
    }
}

#[cfg(test)]
mod tests {
    use gateway_core::{payload::Json, source::Fut};

    use super::*;

    struct Somebody(Abilities, Option<SessionId>);

    impl Client for Somebody {
        fn abilities(&self) -> &Abilities {
            &self.0
        }
        fn session(&self) -> Option<SessionId> {
            self.1
        }
        fn progress(&self, _: &Json, _: &Json) {}
        fn ask(&self, _: Box<str>, _: Option<Json>) -> Fut<'_, Result<Json, Json>> {
            unreachable!("nothing is asked")
        }
    }

    #[test]
    fn who_can_be_asked_has_an_instance_of_its_own() {
        use PerSession::{Auto, No, Yes};
        let can = Abilities::of(Some(&Json::parse(r#"{"elicitation":{}}"#).unwrap()));
        let cannot = Abilities::of(Some(&Json::parse(r#"{"extensions":{"x":{}}}"#).unwrap()));
        let id = SessionId::new();
        let own = Which::Own(id);
        for (modern, setting, abilities, session, which) in [
            (false, Auto, &can, Some(id), own),
            (false, Auto, &cannot, Some(id), Which::Shared),
            (false, Yes, &cannot, Some(id), own),
            (false, No, &can, Some(id), Which::Shared),
            (false, Auto, &can, None, Which::Exclusive),
            (false, Yes, &cannot, None, Which::Exclusive),
            (false, Auto, &cannot, None, Which::Shared),
            (false, No, &can, None, Which::Shared),
            (true, Auto, &can, Some(id), Which::Shared),
            (true, Yes, &can, None, Which::Shared),
        ] {
            let client = Somebody(abilities.clone(), session);
            assert_eq!(Which::of(modern, setting, &client, &Op::CallTool), which, "{modern} {setting:?} {abilities:?}");
        }
        assert_eq!(Which::of(false, Auto, &Somebody(can, None), &Op::Subscribe), Which::Shared);
    }
}
