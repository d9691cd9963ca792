//! What all plugins share: the wasmtime engine, its ticker, the room for instances, the runtime for guests that take
//! long, what they are compiled with, the folder of compiled components.
//!
//! Nothing of it exists before it is first used, so that a gateway whose plugins are not called pays nothing for them.

mod allocation;
mod compiling;
mod lanes;
mod ticker;

pub use self::allocation::Allocation;
pub(crate) use self::{
    allocation::{WASM_STACK, weight},
    lanes::{Lanes, Refused},
    ticker::Ticker,
};

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use gateway_core::error::{Failure, FailureKind};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::Semaphore,
};
use wasmtime::{Engine, component::Linker};

use crate::{bindings, cache::Cache, guest::Guest, http::Tls, observe::Observer};

/// Which part of the memories is for instances that are kept from call to call: one in so many.
const KEPT_SHARE: u32 = 4;

/// Threads of the plugins' own: guests that are no part of what the gateway's own threads do run there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threads {
    /// For guests that take longer than the way there.
    Brisk,
    /// For those that hold up guests who are sooner done.
    Slow,
}

/// How the engine is set up.
#[derive(Default)]
pub struct EngineOptions {
    /// Where compiled components and remembered tool lists are kept; made with access for this user alone where it is
    /// missing. `None`: nothing is kept.
    pub cache_dir: Option<PathBuf>,
    /// Threads for guests that take a while, and again for those that take long; 0: as many as there are processors, at
    /// most 4.
    pub workers: usize,
    /// How instances get their memory; `None`: the best that this machine allows.
    pub allocation: Option<Allocation>,
    /// Is told of slow steps, so that a terminal can show them.
    pub observer: Option<Arc<dyn Observer>>,
}

/// What all plugins share. Cheap to make.
pub struct PluginEngine {
    options: EngineOptions,
    cache: Option<Cache>,
    machine: OnceLock<Result<Arc<Machine>, Failure>>,
    /// The one that counts operations, which slows what it runs.
    counting: OnceLock<Result<Arc<Machine>, Failure>>,
    brisk: OnceLock<Result<Runtime, Failure>>,
    slow: OnceLock<Result<Runtime, Failure>>,
    tls: Tls,
}

/// The wasmtime engine and what belongs to it.
pub(crate) struct Machine {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<Guest>,
    pub(crate) ticker: Ticker,
    /// Room for instances, in memories.
    pub(crate) room: Lanes,
    /// Room for instances that are kept from call to call: a part of its own, so that those that rest are in nobody's
    /// way.
    pub(crate) kept: Arc<Semaphore>,
    pub(crate) counts_fuel: bool,
    allocation: Allocation,
}

impl PluginEngine {
    /// An engine that comes to life when the first plugin needs it.
    #[must_use]
    pub fn new(options: EngineOptions) -> Self {
        let cache = options.cache_dir.clone().map(Cache::new);
        let (machine, counting, brisk, slow) = Default::default();
        Self { options, cache, machine, counting, brisk, slow, tls: Tls::default() }
    }

    /// Makes what all plugins share now, and not when the first of them needs it.
    ///
    /// # Errors
    /// Why this machine cannot run plugins.
    pub fn start(&self) -> Result<(), Failure> {
        self.machine(false).map(drop)
    }

    /// How instances get their memory; `None` while the engine has not been needed.
    #[must_use]
    pub fn allocation(&self) -> Option<Allocation> {
        self.machine.get()?.as_ref().ok().map(|machine| machine.allocation)
    }

    /// The wasmtime engine, made at the first call, which takes milliseconds: the one for everybody, or the one that
    /// counts operations.
    pub(crate) fn machine(&self, counts_fuel: bool) -> Result<&Arc<Machine>, Failure> {
        let machine = if counts_fuel { &self.counting } else { &self.machine };
        let make = || Machine::new(self.options.allocation, counts_fuel).map(Arc::new);
        machine.get_or_init(make).as_ref().map_err(Clone::clone)
    }

    /// The runtime of those threads. With workers of its own, a guest that never waits slows other guests at worst, and
    /// never the gateway; with two such, only guests that take as long as it does.
    pub(crate) fn runtime(&self, threads: Threads) -> Result<&Handle, Failure> {
        let make = || {
            let processors = std::thread::available_parallelism().map_or(1, usize::from);
            let workers = if self.options.workers == 0 { processors.min(4) } else { self.options.workers };
            Builder::new_multi_thread()
                .worker_threads(workers)
                .thread_name(threads.name())
                .on_thread_start(move || step_back(threads))
                .enable_all()
                .build()
                .map_err(|error| unavailable("the threads for plugins cannot be started", &error))
        };
        let runtime = match threads {
            Threads::Brisk => &self.brisk,
            Threads::Slow => &self.slow,
        };
        runtime.get_or_init(make).as_ref().map(Runtime::handle).map_err(Clone::clone)
    }

    pub(crate) fn cache(&self) -> Option<&Cache> {
        self.cache.as_ref()
    }

    pub(crate) fn tls(&self) -> &Tls {
        &self.tls
    }

    pub(crate) fn observer(&self) -> Option<&dyn Observer> {
        self.options.observer.as_deref()
    }
}

impl Drop for PluginEngine {
    fn drop(&mut self) {
        // Waiting for guests is what `Source::stop` does; a runtime must not wait in a destructor, which may run on
        // another runtime's worker.
        for runtime in [self.brisk.take(), self.slow.take()].into_iter().flatten().flatten() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for PluginEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginEngine").field("allocation", &self.allocation()).finish_non_exhaustive()
    }
}

impl Machine {
    fn new(wanted: Option<Allocation>, counts_fuel: bool) -> Result<Self, Failure> {
        let (engine, allocation) = allocation::engine(wanted, counts_fuel)
            .map_err(|error| unavailable("the WebAssembly engine cannot be started", &error))?;
        let linker = bindings::linker(&engine)
            .map_err(|error| unavailable("the WebAssembly engine cannot be set up", &error))?;
        let ticker = Ticker::new(&engine)
            .map_err(|error| unavailable("the clock of the WebAssembly engine cannot be started", &error))?;
        tracing::debug!(%allocation, counts_fuel, "the WebAssembly engine is ready");
        let kept = allocation.memories() / KEPT_SHARE;
        let room = Lanes::room(allocation.memories() - kept);
        let kept = Arc::new(Semaphore::new(kept as usize));
        Ok(Self { engine, linker, ticker, room, kept, counts_fuel, allocation })
    }
}

impl Threads {
    fn name(self) -> &'static str {
        match self {
            Self::Brisk => "plugin",
            Self::Slow => "plugin-slow",
        }
    }

    /// How much they give way, in the steps of `nice`: of a processor that it shares with one of the gateway's threads, a
    /// brisk one gets a third, and a slow one a tenth.
    #[cfg(target_os = "linux")]
    fn nice(self) -> i32 {
        match self {
            Self::Brisk => 3,
            Self::Slow => 10,
        }
    }
}

/// Lets the gateway's own threads go first where there are more guests than processors: who spins must not hold up who
/// only passes messages on.
fn step_back(threads: Threads) {
    // For this thread alone, on Linux. Where it is refused, guests compete like everybody else.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, threads.nice());
    #[cfg(not(target_os = "linux"))]
    let _ = threads;
}

fn unavailable(what: &str, error: &dyn fmt::Display) -> Failure {
    Failure::new(FailureKind::Unavailable, format!("{what}: {error:#}"))
}
