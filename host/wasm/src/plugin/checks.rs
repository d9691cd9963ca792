//! The holding of arguments and results against the schemas of a tool: a pattern in there, or the size of what is held
//! against it, may take long, and must not take it from whoever asked.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use gateway_core::error::{Failure, FailureKind};
use tokio::sync::Semaphore;

use crate::{
    control::{HERE, thread_time},
    engine::{PluginEngine, Threads},
    run::Pace,
};

/// The checks of one plugin. They begin where its last ones showed that they may.
pub(super) struct Checks {
    engine: Arc<PluginEngine>,
    pace: Arc<Pace>,
    /// The last one took long, or the system gave the processor to somebody else meanwhile: what the next one takes of
    /// the processor is looked at, which takes system calls.
    suspect: AtomicBool,
    /// Those that take long take turns.
    turn: Arc<Semaphore>,
}

impl Checks {
    pub(super) fn new(engine: Arc<PluginEngine>) -> Self {
        Self { engine, pace: Arc::new(Pace::new()), suspect: AtomicBool::new(false), turn: Arc::new(Semaphore::new(1)) }
    }

    pub(super) async fn run<T: Send + 'static>(
        &self,
        check: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        if let Some(threads) = self.pace.begins() {
            return self.run_away(threads, check).await;
        }
        let mark = self.suspect.swap(false, Ordering::Relaxed).then(thread_time);
        let begun = Instant::now();
        let done = check();
        match mark {
            Some(mark) => self.pace.note_exactly(thread_time().saturating_sub(mark)),
            None if begun.elapsed() >= HERE => self.suspect.store(true, Ordering::Relaxed),
            None => {}
        }
        Ok(done)
    }

    async fn run_away<T: Send + 'static>(
        &self,
        threads: Threads,
        check: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let failed = || Failure::new(FailureKind::Unavailable, "the gateway is stopping");
        let runtime = self.engine.runtime(threads)?;
        let turn = self.turn.clone().acquire_owned().await.map_err(|_| failed())?;
        let pace = self.pace.clone();
        let check = move || {
            let begun = thread_time();
            let done = check();
            pace.note_exactly(thread_time().saturating_sub(begun));
            drop(turn);
            done
        };
        runtime.spawn_blocking(check).await.map_err(|_| failed())
    }
}
