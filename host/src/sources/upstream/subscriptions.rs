//! Who wants to know of updates of which resources: a server hears of each resource once, however many want it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use gateway_core::source::SessionId;
use tokio::sync::watch;

/// Who wants to know of what.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    wanted: Mutex<BTreeMap<Arc<str>, Wanting>>,
    changed: watch::Sender<u64>,
    /// Held while the server is told of a change, so that it hears of changes in their order.
    pub(super) turn: tokio::sync::Mutex<()>,
}

/// Sessions want something or do not; of those without a session it is counted how many want it.
type Wanting = HashMap<Option<SessionId>, usize>;

impl Subscriptions {
    /// Somebody wants to know of this. Whether it is the first one.
    pub(super) fn add(&self, uri: &Arc<str>, who: Option<SessionId>) -> bool {
        let mut wanted = self.lock();
        let first = !wanted.contains_key(uri);
        let count = wanted.entry(uri.clone()).or_default().entry(who).or_default();
        *count = if who.is_some() { 1 } else { *count + 1 };
        drop(wanted);
        self.tell(first);
        first
    }

    /// Somebody no longer wants to know. Whether it was the last one.
    pub(super) fn remove(&self, uri: &str, who: Option<SessionId>) -> bool {
        let mut wanted = self.lock();
        let Some(wanting) = wanted.get_mut(uri) else { return false };
        if let Some(count) = wanting.get_mut(&who) {
            *count -= 1;
            if *count == 0 {
                wanting.remove(&who);
            }
        }
        let last = wanting.is_empty();
        if last {
            wanted.remove(uri);
        }
        drop(wanted);
        self.tell(last);
        last
    }

    /// A session has ended. What nobody wants any more.
    pub(super) fn forget(&self, session: SessionId) -> Vec<Arc<str>> {
        let uris: Vec<_> = {
            let wanted = self.lock();
            let of = wanted.iter().filter(|(_, wanting)| wanting.contains_key(&Some(session)));
            of.map(|(uri, _)| uri.clone()).collect()
        };
        uris.into_iter().filter(|uri| self.remove(uri, Some(session))).collect()
    }

    /// All that is wanted.
    pub(super) fn uris(&self) -> BTreeSet<Arc<str>> {
        self.lock().keys().cloned().collect()
    }

    /// Whether somebody wants to know of this.
    pub(super) fn has(&self, uri: &str) -> bool {
        self.lock().contains_key(uri)
    }

    /// Whether nobody wants anything.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Tells whenever something else is wanted than before.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn tell(&self, differs: bool) {
        if differs {
            self.changed.send_modify(|version| *version += 1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Wanting>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_one_count() {
        let (subscriptions, a, b) = (Subscriptions::default(), Some(SessionId::new()), Some(SessionId::new()));
        let changes = subscriptions.changes();
        let uri: Arc<str> = "x:1".into();
        assert!(subscriptions.add(&uri, a));
        assert!(!subscriptions.add(&uri, a), "twice is once");
        assert!(!subscriptions.add(&uri, b));
        assert!(!subscriptions.remove(&uri, a));
        assert!(!subscriptions.remove(&uri, a), "it does not count for another");
        assert!(subscriptions.has(&uri));
        assert!(subscriptions.remove(&uri, b));
        assert!(subscriptions.is_empty() && !subscriptions.remove(&uri, b));
        assert_eq!(*changes.borrow(), 2);
    }

    #[test]
    fn those_without_a_session_are_counted() {
        let (subscriptions, uri): (_, Arc<str>) = (Subscriptions::default(), "x:1".into());
        assert!(subscriptions.add(&uri, None));
        assert!(!subscriptions.add(&uri, None));
        assert!(!subscriptions.remove(&uri, None));
        assert!(subscriptions.remove(&uri, None));
    }

    #[test]
    fn a_session_that_ends_wants_nothing() {
        let (subscriptions, a, b) = (Subscriptions::default(), SessionId::new(), SessionId::new());
        let uris: [Arc<str>; 2] = ["x:1".into(), "x:2".into()];
        uris.iter().for_each(|uri| assert!(subscriptions.add(uri, Some(a))));
        assert!(!subscriptions.add(&uris[0], Some(b)));
        assert_eq!(subscriptions.forget(a), [uris[1].clone()]);
        assert_eq!(subscriptions.uris().len(), 1);
    }
}
