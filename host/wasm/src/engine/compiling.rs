//! Compiling.
//!
//! It keeps every processor busy for seconds while others have calls to make, and an engine holds on to the memory that it
//! took for as long as it is there: more than a hundred MiB for the interpreter of a language. So each component has an
//! engine to be compiled with, and threads, which give way as guests do that take a while; both end with it. What comes of it
//! goes into the cache, and from there to the engine that runs it; what cannot be kept is compiled by that one.

use rayon::ThreadPoolBuilder;
use wasmtime::Engine;

use super::{Machine, Threads, allocation, step_back};

impl Machine {
    /// Does `work` with an engine that is gone afterwards, and whose code this one runs. Blocks.
    pub(crate) fn precompile<T: Send>(
        &self,
        work: impl FnOnce(&Engine) -> wasmtime::Result<T> + Send,
    ) -> wasmtime::Result<T> {
        let compiler = allocation::compiler(self.allocation, self.counts_fuel)?;
        aside(|| work(&compiler))
    }

    /// Does `work` with the engine that runs what comes of it. Blocks.
    pub(crate) fn compile<T: Send>(
        &self,
        work: impl FnOnce(&Engine) -> wasmtime::Result<T> + Send,
    ) -> wasmtime::Result<T> {
        aside(|| work(&self.engine))
    }
}

/// Does `work`, and whatever it does in parallel, on threads that give way.
fn aside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let threads = ThreadPoolBuilder::new()
        .thread_name(|_| "plugin-compiler".to_owned())
        .start_handler(|_| step_back(Threads::Brisk))
        .build();
    match threads {
        Ok(threads) => threads.install(work),
        Err(error) => {
            tracing::debug!("there are no threads to compile with but those of everybody: {error}");
            work()
        }
    }
}
