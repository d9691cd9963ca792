//! How the gateway behaves towards a server that says something by itself.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use gateway_core::{
    call::Call,
    name::SourceName,
    payload::Json,
    source::{Abilities, Client, Fut},
    wire::{
        json::Members,
        message::{INTERNAL_ERROR, METHOD_NOT_FOUND, error_object},
        peer::{Inbound, Skipped},
    },
};
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};
use tracing::{debug, warn};

/// How long a person may think about a question of a server.
const QUESTION_LIMIT: Duration = Duration::from_secs(600);

/// How many lines that are no messages are reported as warnings; the rest is for debugging.
const WARNINGS: u64 = 5;

/// What a server is told of the client, and the client.
#[derive(Clone, Default)]
pub(super) struct Mirror {
    pub(super) abilities: Abilities,
    pub(super) client: Option<Weak<dyn Client>>,
}

impl Mirror {
    /// Whether the server is told that it can ask for this.
    pub(super) fn offers(&self, ability: &str) -> bool {
        Members::read(self.abilities.capabilities().as_bytes()).is_ok_and(|members| members.get(ability).is_some())
    }
}

/// How the gateway behaves towards one server.
pub(super) struct Manners {
    name: SourceName,
    mirror: Mirror,
    asking: Arc<Asking>,
    relist: Arc<Notify>,
    garbage: AtomicU64,
}

impl Manners {
    /// Towards the server `name`, which is told what `mirror` says. Open questions are counted in `asking`; `relist` is
    /// notified when its tools have changed.
    pub(super) fn new(name: SourceName, mirror: Mirror, asking: Arc<Asking>, relist: Arc<Notify>) -> Self {
        Self { name, mirror, asking, relist, garbage: AtomicU64::new(0) }
    }
}

impl Inbound for Manners {
    fn question(
        &self,
        method: Box<str>,
        params: Option<Json>,
        during: Option<Arc<Call>>,
    ) -> Fut<'static, Result<Json, Json>> {
        let ability = match &*method {
            "sampling/createMessage" => "sampling",
            "elicitation/create" => "elicitation",
            "roots/list" => "roots",
            _ => return refuse(METHOD_NOT_FOUND, format!("unknown method: {method}")),
        };
        if !self.mirror.offers(ability) {
            // A server that asks what it was told it cannot ask has not read our `initialize`.
            warn!(target: "server", server = %self.name, "asked for {method}, which its client does not offer");
            return refuse(METHOD_NOT_FOUND, format!("the client does not offer {ability}"));
        }
        // Whoever made the call is asked; a server whose questions come beside calls has one client.
        let of_call = during.map(|call| call.client().clone());
        let Some(client) = of_call.or_else(|| self.mirror.client.as_ref().and_then(Weak::upgrade)) else {
            return refuse(INTERNAL_ERROR, "the client is gone".to_owned());
        };
        let open = Question::open(&self.asking);
        Box::pin(async move {
            let answer = timeout(QUESTION_LIMIT, client.ask(method, params)).await;
            drop(open);
            answer.unwrap_or_else(|_| Err(error_object(INTERNAL_ERROR, "nobody answered in time")))
        })
    }

    fn told(&self, method: &str, params: Option<&Json>, _during: Option<&Arc<Call>>) {
        match method {
            "notifications/tools/list_changed" => self.relist.notify_one(),
            _ => debug!(target: "server", server = %self.name, method, params = ?params),
        }
    }

    fn skipped(&self, what: &Skipped<'_>) {
        let text = match what {
            Skipped::NoMessage(line, error) => {
                let line: String = String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned();
                format!("wrote {line:?} on standard output, where MCP belongs: {error}")
            }
            Skipped::TooLong(limit) => format!("wrote a message of over {limit} bytes"),
            // The usual end of a call that was cancelled.
            Skipped::Answer(id) => return debug!(target: "server", server = %self.name, %id, "answer nobody waits for"),
            other => format!("{other:?}"),
        };
        match self.garbage.fetch_add(1, Ordering::Relaxed) {
            0..WARNINGS => warn!(target: "server", server = %self.name, "{text}"),
            count => debug!(target: "server", server = %self.name, count, "{text}"),
        }
    }
}

fn refuse(code: i32, message: String) -> Fut<'static, Result<Json, Json>> {
    Box::pin(async move { Err(error_object(code, &message)) })
}

/// For how long questions are open: a call does not run out of time while a person thinks.
#[derive(Default)]
pub(super) struct Asking(Mutex<Clock>);

#[derive(Default)]
struct Clock {
    open: usize,
    since: Option<Instant>,
    before: Duration,
}

impl Clock {
    fn start(&mut self, now: Instant) {
        self.open += 1;
        self.since.get_or_insert(now);
    }

    fn stop(&mut self, now: Instant) {
        self.open -= 1;
        if self.open == 0 {
            self.before = self.so_far(now);
            self.since = None;
        }
    }

    fn so_far(&self, now: Instant) -> Duration {
        self.before + self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }
}

impl Asking {
    /// So far.
    pub(super) fn so_far(&self) -> Duration {
        self.clock().so_far(Instant::now())
    }

    fn clock(&self) -> MutexGuard<'_, Clock> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question that is open.
struct Question(Arc<Asking>);

impl Question {
    fn open(asking: &Arc<Asking>) -> Self {
        asking.clock().start(Instant::now());
        Self(asking.clone())
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.0.clock().stop(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_that_overlap_count_once() {
        let (begin, mut clock) = (Instant::now(), Clock::default());
        let at = |seconds| begin + Duration::from_secs(seconds);
        clock.start(at(0));
        clock.start(at(1));
        clock.stop(at(2));
        assert_eq!(clock.so_far(at(3)), Duration::from_secs(3));
        clock.stop(at(4));
        assert_eq!(clock.so_far(at(9)), Duration::from_secs(4));
        clock.start(at(10));
        assert_eq!(clock.so_far(at(11)), Duration::from_secs(5));
    }
}
