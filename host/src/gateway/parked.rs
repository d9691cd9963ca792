//! Calls that wait until their client comes back with answers (revision 2026-07-28).
//!
//! Such a client is never asked while a request runs: what a backend asks is the answer to the request
//! (`input_required`), and the client sends the request again with what it was asked for. Between the two the call is
//! parked here, still running at its backend. [`Rounds`] is the client of such a call; [`Parked`] holds it meanwhile.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use gateway_core::{
    error::CallError,
    name::SourceName,
    payload::{Json, Reply},
    role::RoleId,
    source::Fut,
    tasks::Tasks,
};
use serde_json::{Value, value::RawValue};
use tokio::{task::AbortHandle, time::sleep};

pub use self::rounds::Rounds;

mod rounds;
#[cfg(test)]
mod tests;

/// How long a client may take to come back: as long as a backend waits for an answer of a person.
const LIMIT: Duration = Duration::from_secs(600);

/// How many calls of one principal may be parked. One more, and the oldest is given up: its client has the least
/// reason to come back.
const MOST: usize = 64;

/// Questions that come so soon after the first are asked with it.
const TOGETHER: Duration = Duration::from_millis(20);

/// What begins every state of this program.
const PREFIX: &str = "mcp-gateway.";

/// The work on a call, wherever it is.
pub type Work = Fut<'static, Result<Reply, CallError>>;

/// Whose call it is: nobody else gets on with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The role.
    pub role: RoleId,
    /// The one source that it sees.
    pub scope: Option<SourceName>,
}

/// What was asked for: a state is good for the same request alone.
#[derive(Debug, Clone)]
pub struct Purpose {
    /// The method.
    pub method: Box<str>,
    /// The name or URI.
    pub target: Box<str>,
    /// The arguments.
    pub arguments: Option<Json>,
}

impl PartialEq for Purpose {
    fn eq(&self, other: &Self) -> bool {
        // Written anew, the same arguments may look different.
        let value = |json: &Option<Json>| json.as_ref().and_then(|json| json.to::<Value>().ok());
        let same_text = self.arguments == other.arguments;
        (&self.method, &self.target) == (&other.method, &other.target)
            && (same_text || value(&self.arguments) == value(&other.arguments))
    }
}

/// Everything that is parked.
pub struct Parked {
    /// Tells states of this process from those of another gateway behind this one.
    instance: OnceLock<u128>,
    table: Arc<Mutex<Table>>,
    /// How long a client may take to come back.
    limit: Duration,
    tasks: Tasks,
}

#[derive(Default)]
struct Table {
    waiting: HashMap<u128, Waiting>,
    /// How many were parked so far.
    count: u64,
}

/// A call that is parked.
struct Waiting {
    owner: Owner,
    purpose: Purpose,
    rounds: Arc<Rounds>,
    work: Work,
    order: u64,
    limit: AbortHandle,
}

// === impl Parked ===

impl Parked {
    /// None; what is parked for too long is given up by one of `tasks`.
    #[must_use]
    pub fn new(tasks: Tasks) -> Self {
        Self { instance: OnceLock::new(), table: Arc::default(), limit: LIMIT, tasks }
    }

    /// Works until the call is done, or its client has to be asked: then the answer says so, and the call is parked.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn drive(
        &self,
        owner: Owner,
        purpose: Purpose,
        rounds: Arc<Rounds>,
        mut work: Work,
    ) -> Result<Reply, CallError> {
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = rounds.asks() => {}
            }
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = sleep(TOGETHER) => {}
            }
            // A question may be withdrawn as soon as it is asked.
            if let Some(questions) = rounds.leave() {
                let state = self.park(owner, purpose, rounds, work)?;
                return Ok(Reply { body: input_required(&questions, &state) });
            }
        }
    }

    /// The call that is parked under `state`. `None`: the state is somebody else's, such as a backend's.
    ///
    /// # Errors
    /// Where it is ours, and good for nothing: used, given up, another's, or given for another request.
    pub fn resume(
        &self,
        state: &str,
        owner: &Owner,
        purpose: &Purpose,
    ) -> Result<Option<(Arc<Rounds>, Work)>, CallError> {
        let ours = self.instance.get().and_then(|instance| {
            let handle = state.strip_prefix(PREFIX)?.strip_prefix(&format!("{instance:032x}."))?;
            Some(u128::from_str_radix(handle, 16).ok())
        });
        let Some(handle) = ours else { return Ok(None) };
        let waiting = {
            let mut table = lock(&self.table);
            let fits = |waiting: &Waiting| waiting.owner == *owner && waiting.purpose == *purpose;
            let handle = handle.filter(|handle| table.waiting.get(handle).is_some_and(fits));
            handle.and_then(|handle| table.waiting.remove(&handle))
        };
        let invalid = || {
            // One text for all reasons: it says nothing about the calls of others.
            CallError::InvalidParams(
                "`requestState` has expired, was used already, or belongs to another request".into(),
            )
        };
        let Waiting { rounds, work, limit, .. } = waiting.ok_or_else(invalid)?;
        limit.abort();
        Ok(Some((rounds, work)))
    }

    /// How many are parked.
    #[must_use]
    pub fn count(&self) -> usize {
        lock(&self.table).waiting.len()
    }

    /// Gives up all.
    pub fn clear(&self) {
        let waiting = std::mem::take(&mut lock(&self.table).waiting);
        waiting.into_values().for_each(Waiting::give_up);
    }

    fn park(&self, owner: Owner, purpose: Purpose, rounds: Arc<Rounds>, work: Work) -> Result<String, CallError> {
        let (instance, handle) = self.instance().zip(random()).ok_or_else(|| {
            CallError::InvalidParams("the client cannot be asked: there are no random numbers".into())
        })?;
        let (table, limit) = (self.table.clone(), self.limit);
        let limit = self.tasks.spawn(async move {
            sleep(limit).await;
            let late = lock(&table).waiting.remove(&handle);
            // Its own end must not be what cuts this short.
            drop(late);
        });
        let surplus = {
            let mut table = lock(&self.table);
            let surplus = table.surplus(&owner);
            table.count += 1;
            let order = table.count;
            table.waiting.insert(handle, Waiting { owner, purpose, rounds, work, order, limit });
            surplus
        };
        surplus.into_iter().for_each(Waiting::give_up);
        Ok(format!("{PREFIX}{instance:032x}.{handle:032x}"))
    }

    fn instance(&self) -> Option<u128> {
        if self.instance.get().is_none() {
            // Whoever comes second keeps the first one's.
            let _ = self.instance.set(random()?);
        }
        self.instance.get().copied()
    }
}

impl Table {
    /// Takes out the oldest of this owner, where there is no room for another.
    fn surplus(&mut self, owner: &Owner) -> Option<Waiting> {
        let of_owner = || self.waiting.iter().filter(|(_, waiting)| waiting.owner == *owner);
        if of_owner().count() < MOST {
            return None;
        }
        let oldest = of_owner().min_by_key(|(_, waiting)| waiting.order).map(|(handle, _)| *handle)?;
        self.waiting.remove(&oldest)
    }
}

impl Waiting {
    /// Dropping its work cancels it at the backend.
    fn give_up(self) {
        self.limit.abort();
    }
}

impl fmt::Debug for Parked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parked").field("waiting", &self.count()).finish_non_exhaustive()
    }
}

/// The answer that asks (MCP 2026-07-28, "Multi Round-Trip Requests").
fn input_required(questions: &Json, state: &str) -> Json {
    #[derive(serde::Serialize)]
    #[serde(rename_all = "camelCase")]
    struct InputRequired<'a> {
        result_type: &'a str,
        input_requests: Option<&'a RawValue>,
        request_state: &'a str,
    }
    let input_requests = serde_json::from_slice(questions.as_bytes()).ok();
    Json::from_value(&InputRequired { result_type: "input_required", input_requests, request_state: state })
}

/// Nobody can guess it.
fn random() -> Option<u128> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(u128::from_ne_bytes(bytes))
}

/// What is behind these locks is never left half-changed, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
