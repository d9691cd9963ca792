//! The clock by which guests are interrupted: a thread that raises the engine's epoch, asleep while no guest runs.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, Thread},
    time::Duration,
};

use wasmtime::{Engine, EngineWeak};

/// How often a running guest is interrupted: twice that is how long it keeps a worker to itself.
const TICK: Duration = Duration::from_millis(2);

/// Ticks without a guest after which the thread goes to sleep. Waking it is a system call, which quick calls that
/// follow one another should not pay each time.
const LINGER: u32 = 50;

/// The clock of one engine.
#[derive(Debug)]
pub(crate) struct Ticker {
    state: Arc<State>,
    thread: Thread,
}

#[derive(Debug, Default)]
struct State {
    /// Guests that hold a worker at the moment.
    running: AtomicUsize,
    parked: AtomicBool,
    stop: AtomicBool,
}

/// Says that a guest runs, until it is dropped.
#[derive(Debug)]
pub(crate) struct Running<'a>(&'a State);

impl Ticker {
    pub(crate) fn new(engine: &Engine) -> io::Result<Self> {
        let state = Arc::new(State::default());
        let (engine, of_thread) = (engine.weak(), state.clone());
        let handle = thread::Builder::new()
            .name("plugin-ticker".to_owned())
            .stack_size(64 * 1024)
            .spawn(move || tick(&engine, &of_thread))?;
        Ok(Self { state, thread: handle.thread().clone() })
    }

    /// A guest is about to run.
    pub(crate) fn enter(&self) -> Running<'_> {
        // Sequentially consistent, as is the thread's part: of "a guest runs" and "I go to sleep" the later sees the
        // earlier, so that no guest runs with the clock asleep.
        self.state.running.fetch_add(1, Ordering::SeqCst);
        if self.state.parked.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
        Running(&self.state)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

fn tick(engine: &EngineWeak, state: &State) {
    let mut idle = 0;
    while !state.stop.load(Ordering::SeqCst) {
        if state.running.load(Ordering::SeqCst) > 0 {
            idle = 0;
        } else if idle < LINGER {
            idle += 1;
        } else {
            state.parked.store(true, Ordering::SeqCst);
            // Again, now that `enter` can see that the thread sleeps.
            if state.running.load(Ordering::SeqCst) == 0 && !state.stop.load(Ordering::SeqCst) {
                thread::park();
            }
            state.parked.store(false, Ordering::SeqCst);
            idle = 0;
        }
        thread::sleep(TICK);
        match engine.upgrade() {
            Some(engine) => engine.increment_epoch(),
            None => return,
        }
    }
}
