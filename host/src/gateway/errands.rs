//! Tasks that servers have made (MCP "Tasks"): whose they are, and who runs them.
//!
//! A task outlives the request that made it, and is asked for by its id alone. Ids are the server's own; what is kept
//! here is learnt from the answers that made them.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use gateway_core::{
    payload::{Reply, ReplyKind},
    role::RoleId,
    source::Source,
};

/// How many are remembered. One more, and the oldest is forgotten.
const MOST: usize = 4096;

/// The tasks of all principals.
#[derive(Default)]
pub struct Errands(Mutex<Table>);

/// A task: who made it, and its id.
type Key = (RoleId, Box<str>);

/// Who runs it: two servers may give out the same id.
pub type Runners = Vec<Arc<dyn Source>>;

#[derive(Default)]
struct Table {
    made: HashMap<Key, Runners>,
    order: VecDeque<Key>,
}

impl Errands {
    /// Learns of the task, where `reply` says that one was made.
    pub(super) fn learn(&self, role: RoleId, source: &Arc<dyn Source>, wanted: bool, reply: &Reply) {
        #[derive(serde::Deserialize)]
        struct Task {
            #[serde(rename = "taskId")]
            id: Box<str>,
        }
        #[derive(serde::Deserialize)]
        struct Made {
            task: Task,
        }
        let id = match (reply.kind(), wanted) {
            // The extension of 2026-07-28.
            (ReplyKind::Other, _) => reply.body.to::<Task>().map(|task| task.id),
            // Revision 2025-11-25, where the client asks for it.
            (_, true) => reply.body.to::<Made>().map(|made| made.task.id),
            _ => return,
        };
        if let Ok(id) = id {
            self.keep((role, id), source);
        }
    }

    fn keep(&self, key: Key, source: &Arc<dyn Source>) {
        let mut table = self.lock();
        if table.order.len() >= MOST
            && let Some(oldest) = table.order.pop_front()
        {
            table.made.remove(&oldest);
        }
        let sources = table.made.entry(key.clone()).or_default();
        let first = sources.is_empty();
        if !sources.iter().any(|known| Arc::ptr_eq(known, source)) {
            sources.push(source.clone());
        }
        if first {
            table.order.push_back(key);
        }
    }

    /// Who runs the task of that id which this role made; several where servers gave out the same id.
    #[must_use]
    pub fn runners(&self, role: RoleId, id: &str) -> Runners {
        self.lock().made.get(&(role, id.into())).cloned().unwrap_or_default()
    }

    /// Whether the source runs the task of that id which this role made.
    #[must_use]
    pub fn runs(&self, role: RoleId, source: &Arc<dyn Source>, id: &str) -> bool {
        self.runners(role, id).iter().any(|runner| Arc::ptr_eq(runner, source))
    }

    /// Who runs tasks of this role.
    #[must_use]
    pub fn all_runners(&self, role: RoleId) -> Runners {
        let mut runners: Runners = Vec::new();
        let table = self.lock();
        for source in table.made.iter().filter(|((of, _), _)| *of == role).flat_map(|(_, sources)| sources) {
            if !runners.iter().any(|known| Arc::ptr_eq(known, source)) {
                runners.push(source.clone());
            }
        }
        runners.sort_by(|a, b| a.name().cmp(b.name()));
        runners
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Errands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Errands").field("made", &self.lock().made.len()).finish()
    }
}
