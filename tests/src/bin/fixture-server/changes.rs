//! What changes, and who is told.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use rmcp::{Peer, RoleServer, model::ResourceUpdatedNotificationParam, service::SubscriptionSink};

/// Something that has changed.
#[derive(Clone)]
pub(crate) enum Change {
    Tools,
    Prompts,
    Resources,
    Resource(String),
}

/// What has changed so far, and everybody who wants to know.
#[derive(Default)]
pub(crate) struct Changes {
    pub(crate) one_tool_more: AtomicBool,
    pub(crate) one_prompt_more: AtomicBool,
    pub(crate) one_resource_more: AtomicBool,
    touched: Mutex<BTreeMap<String, u64>>,
    members: Arc<Mutex<Members>>,
    next: AtomicU64,
}

#[derive(Default)]
struct Members {
    sessions: BTreeMap<u64, Session>,
    listening: BTreeMap<u64, SubscriptionSink>,
}

#[derive(Default, Clone)]
struct Session {
    peer: Option<Peer<RoleServer>>,
    uris: BTreeSet<String>,
}

/// A session, or a `subscriptions/listen`, that is told of changes for as long as this lives.
pub(crate) struct Membership {
    number: u64,
    members: Arc<Mutex<Members>>,
}

impl Changes {
    /// A session that has still to say that it is ready.
    pub(crate) fn join(&self) -> Membership {
        let number = self.next.fetch_add(1, Relaxed);
        self.members.lock().unwrap().sessions.insert(number, Session::default());
        Membership { number, members: Arc::clone(&self.members) }
    }

    /// A `subscriptions/listen`.
    pub(crate) fn listen(&self, sink: SubscriptionSink) -> Membership {
        let number = self.next.fetch_add(1, Relaxed);
        self.members.lock().unwrap().listening.insert(number, sink);
        Membership { number, members: Arc::clone(&self.members) }
    }

    /// How often a resource was touched.
    pub(crate) fn touches(&self, uri: &str) -> u64 {
        self.touched.lock().unwrap().get(uri).copied().unwrap_or_default()
    }

    /// Changes something, and tells all who want to know.
    pub(crate) async fn make(&self, change: Change) {
        match &change {
            Change::Tools => self.one_tool_more.fetch_not(Relaxed),
            Change::Prompts => self.one_prompt_more.fetch_not(Relaxed),
            Change::Resources => self.one_resource_more.fetch_not(Relaxed),
            Change::Resource(uri) => {
                *self.touched.lock().unwrap().entry(uri.clone()).or_default() += 1;
                true
            }
        };
        let (sessions, listening) = {
            let members = self.members.lock().unwrap();
            let sessions: Vec<_> = members.sessions.values().cloned().collect();
            let listening: Vec<_> = members.listening.values().cloned().collect();
            (sessions, listening)
        };
        for session in sessions {
            session.tell(&change).await;
        }
        for sink in listening {
            // Who did not ask for this, or has gone, is not told.
            let _ = match &change {
                Change::Tools => sink.notify_tool_list_changed().await,
                Change::Prompts => sink.notify_prompt_list_changed().await,
                Change::Resources => sink.notify_resource_list_changed().await,
                Change::Resource(uri) => sink.notify_resource_updated(uri).await,
            };
        }
    }
}

impl Session {
    async fn tell(&self, change: &Change) {
        let Some(peer) = &self.peer else { return };
        let _ = match change {
            Change::Tools => peer.notify_tool_list_changed().await,
            Change::Prompts => peer.notify_prompt_list_changed().await,
            Change::Resources => peer.notify_resource_list_changed().await,
            Change::Resource(uri) if self.uris.contains(uri) => {
                peer.notify_resource_updated(ResourceUpdatedNotificationParam::new(uri)).await
            }
            Change::Resource(_) => return,
        };
    }
}

impl Membership {
    /// The session can be told from now on.
    pub(crate) fn can_be_told(&self, peer: &Peer<RoleServer>) {
        self.session(|session| session.peer = Some(peer.clone()));
    }

    pub(crate) fn subscribe(&self, uri: String) {
        self.session(|session| session.uris.insert(uri));
    }

    pub(crate) fn unsubscribe(&self, uri: &str) {
        self.session(|session| session.uris.remove(uri));
    }

    fn session<R>(&self, change: impl FnOnce(&mut Session) -> R) {
        if let Some(session) = self.members.lock().unwrap().sessions.get_mut(&self.number) {
            change(session);
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let mut members = self.members.lock().unwrap();
        members.sessions.remove(&self.number);
        members.listening.remove(&self.number);
    }
}
