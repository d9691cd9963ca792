//! What sources say by themselves, belonging to no call.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use tokio::sync::mpsc;

use super::SessionId;
use crate::{name::SourceName, payload::Json};

/// What a source tells the gateway by itself, belonging to no call.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// [`Source::offer`] gives something new.
    Changed,
    /// A server says something that belongs to no request: a log message, an update of a resource.
    Told(Told),
}

/// A notification that belongs to no request.
#[derive(Debug, Clone)]
pub struct Told {
    /// Who says it.
    pub source: SourceName,
    /// The session for which the server that says it runs; `None`: it runs for all.
    pub session: Option<SessionId>,
    /// The method.
    pub method: Box<str>,
    /// Its parameters.
    pub params: Option<Json>,
}

/// Where a source puts its events. Cheap to clone; never waits; events after the gateway's end go nowhere.
#[derive(Clone)]
pub struct Events {
    sender: mpsc::UnboundedSender<Event>,
    ear: Arc<OnceLock<Ear>>,
}

/// Hears what servers say by themselves. Never waits.
type Ear = Box<dyn Fn(&Told) + Send + Sync>;

impl Events {
    /// The sink and what comes out of it.
    #[must_use]
    pub fn channel() -> (Self, mpsc::UnboundedReceiver<Event>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self { sender, ear: Arc::default() }, receiver)
    }

    /// From now on `ear` hears at once what servers say by themselves, in the order in which they say it: before the
    /// answer that they give next. The first one stays.
    pub fn hear(&self, ear: impl Fn(&Told) + Send + Sync + 'static) {
        let _ = self.ear.set(Box::new(ear));
    }

    /// Says that the offer has changed.
    pub fn changed(&self) {
        // A gateway that is gone needs no news.
        let _ = self.sender.send(Event::Changed);
    }

    /// Passes on what a server says by itself.
    pub fn told(&self, told: Told) {
        match self.ear.get() {
            Some(ear) => ear(&told),
            None => drop(self.sender.send(Event::Told(told))),
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}
