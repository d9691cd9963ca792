//! What a client hears that belongs to no request of it.

use std::{
    collections::HashSet,
    sync::{Arc, Weak},
};

use gateway_core::{
    name::SourceName,
    payload::Json,
    source::{Kind, Told},
    wire::{
        json::{Members, replace},
        message::Outgoing,
    },
};
use tokio::sync::watch;

use super::{
    super::{
        exchange::{LOG_MESSAGE, View},
        serve::Listen,
    },
    Session, lock,
};
use crate::gateway::{SETTLE, hub::Listener};

/// What is subscribed to: whose it is, and what its source calls it.
pub(in super::super) type Subscriptions = HashSet<(SourceName, Arc<str>)>;

/// The notification that a resource has changed.
pub(in super::super) const UPDATED: &str = "notifications/resources/updated";

/// The notifications that a task has got on, since 2025-11-25 and since 2026-07-28.
const TASK_STATUS: [&str; 2] = ["notifications/tasks/status", "notifications/tasks"];

impl Session {
    /// The client wants to know of updates of what `source` calls `local`, or no longer.
    pub(in super::super) fn subscribe(&self, source: &SourceName, local: Arc<str>, wants: bool) {
        let mut subscribed = lock(&self.subscribed);
        match wants {
            true => subscribed.insert((source.clone(), local)),
            false => subscribed.remove(&(source.clone(), local)),
        };
    }

    /// Whether anything of this client is subscribed to it.
    pub(in super::super) fn is_subscribed(&self, source: &SourceName, local: &Arc<str>) -> bool {
        let key = (source.clone(), local.clone());
        lock(&self.subscribed).contains(&key) || lock(&self.listens).iter().any(|listen| listen.wants(&key))
    }

    /// A request stays open to hear of changes.
    pub(in super::super) fn opened(self: &Arc<Self>, listen: &Arc<Listen>) {
        if !self.is_lasting() {
            self.hears();
        }
        lock(&self.listens).push(listen.clone());
    }

    /// It is open no longer.
    pub(in super::super) fn closed(&self, listen: &Arc<Listen>) {
        lock(&self.listens).retain(|open| !Arc::ptr_eq(open, listen));
    }

    /// Tells the client of what has changed of what its role sees.
    fn news(&self) {
        let snapshot = self.view().face.snapshot();
        let mut news: Vec<&str> = Vec::new();
        for kind in Kind::ALL {
            let list = snapshot.list(self.access.role, kind);
            // Of a kind that was never listed, nothing is known here that could have changed but that it is there now.
            let before = lock(&self.listed).insert(kind, list.clone());
            let changed = before
                .map_or_else(|| snapshot.visible(self.access.role, kind).next().is_some(), |before| before != list);
            if changed && !news.contains(&kind.changed()) {
                news.push(kind.changed());
            }
        }
        for method in news {
            self.send(Outgoing::Notification { method: method.into(), params: None });
        }
    }

    /// What the client hears of it outside of requests that stay open.
    fn heard(&self, told: &Told, view: &View) -> Option<Option<Json>> {
        let source = self.gateway.source(told.source.as_str())?;
        let params = match &*told.method {
            UPDATED => Some(update(told, view, self, &lock(&self.subscribed))?),
            method if TASK_STATUS.contains(&method) => {
                let params = told.params.as_ref()?;
                let id = Members::read(params.as_bytes()).ok()?.text("taskId")?;
                // Whoever is alone with the server made what it tells of.
                let own = told.session.is_some() || self.gateway.errands().runs(self.access.role, &source, &id);
                own.then(|| Some(params.clone()))?
            }
            // What belongs to no call of anybody is for those who said that they want to hear of such things.
            LOG_MESSAGE if told.session.is_none() && self.wanted_level().is_none() => return None,
            _ => told.params.clone(),
        };
        let sees = view.face.snapshot().sees_source(self.access.role, &source);
        (sees && self.wants(&told.method, params.as_ref())).then_some(params)
    }
}

/// The params of [`UPDATED`] under the URI that the client knows, where it has subscribed.
pub(in super::super) fn update(told: &Told, view: &View, session: &Session, to: &Subscriptions) -> Option<Json> {
    let params = told.params.as_ref()?;
    let uri = Members::read(params.as_bytes()).ok()?.text("uri")?;
    // An update may be of a part of what was subscribed to (MCP, "Resources", subscriptions).
    let of = |(source, local): &(SourceName, Arc<str>)| {
        let rest = uri.strip_prefix(&**local).filter(|_| *source == told.source);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if !to.iter().any(of) {
        return None;
    }
    let source = session.gateway.source(told.source.as_str())?;
    let public = view.face.snapshot().public_uri(session.access.role, &source, &uri)?;
    match *public == *uri {
        true => Some(params.clone()),
        false => replace(params, "uri", Json::from_value(&*public).as_bytes()),
    }
}

impl Listener for Session {
    fn hear(&self, told: &Told) {
        let listens = lock(&self.listens).clone();
        listens.iter().for_each(|listen| listen.hear(told, self));
        if !self.is_introduced() {
            return;
        }
        let view = self.view();
        if view.face.scope().is_some_and(|source| *source.name() != told.source) {
            return;
        }
        if let Some(params) = self.heard(told, &view) {
            self.send(Outgoing::Notification { method: told.method.clone(), params });
        }
    }
}

/// Tells the client whenever what its role sees has changed, for as long as both are there.
pub(super) async fn follow(session: Weak<Session>, mut published: watch::Receiver<u64>) {
    while published.changed().await.is_ok() {
        // What changes together is told together.
        tokio::time::sleep(SETTLE).await;
        published.mark_unchanged();
        let Some(session) = session.upgrade() else { return };
        session.news();
    }
}
