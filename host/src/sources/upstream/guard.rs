//! No child outlives the gateway, however it ends.
//!
//! A process that is killed cannot clean up after itself, so another one does: `gateway __reap`, started with the first
//! child and in a process group of its own, so that neither Ctrl-C nor a signal to the gateway's group reaches it. It
//! reads from a socket which process groups there are, and when the socket closes, because the gateway has ended in
//! whatever way, it ends those that are left. `PDEATHSIG` was no way: it fires when the *thread* that spawned ends, and
//! knows nothing of grandchildren.

use std::{
    collections::{BTreeMap, hash_map::RandomState},
    fmt,
    hash::BuildHasher as _,
    io::{self, BufRead as _, Write as _},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::{
    net::{SendFlags, send},
    process::{Pid, Signal, getpid, kill_process_group, test_kill_process_group},
};
use tokio::process::{Child, Command};
use tracing::warn;

/// The hidden subcommand whose body is [`reap_main`].
pub const SUBCOMMAND: &str = "__reap";

/// Set for every child, with a value that no other gateway gives: by it those are found that left their group.
const MARK: &str = "MCP_GATEWAY_INSTANCE";

/// A program calls [`reap`] where it begins.
static OFFERED: AtomicBool = AtomicBool::new(false);

/// How long what is left may take to end after `SIGTERM`.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often it is looked whether all have gone.
const LOOK: Duration = Duration::from_millis(20);

/// Never `SIGPIPE`: in a child that is about to be started it would kill.
#[cfg(target_os = "linux")]
const QUIETLY: SendFlags = SendFlags::NOSIGNAL.union(SendFlags::DONTWAIT);
#[cfg(not(target_os = "linux"))]
const QUIETLY: SendFlags = SendFlags::DONTWAIT;

/// Sees to it that no child outlives this process. One for each gateway.
pub struct Guard {
    program: Option<PathBuf>,
    mark: String,
    next: AtomicU64,
    running: Mutex<Running>,
}

#[derive(Default)]
struct Running {
    reaper: Option<Reaper>,
    /// The groups that it has to know of, for a reaper that takes the place of one that was killed.
    groups: BTreeMap<u64, u32>,
}

struct Reaper {
    process: Child,
    socket: Arc<UnixStream>,
}

/// A process group that the guard knows of, until this is dropped.
pub(super) struct Registration {
    guard: Arc<Guard>,
    number: u64,
}

/// Does what a guard's process does, and says so, where this program was started as one. A program that begins with it
/// leaves no server behind, even if it is killed.
#[must_use]
pub fn reap() -> bool {
    OFFERED.store(true, Ordering::Relaxed);
    let is_guard = std::env::args_os().nth(1).is_some_and(|argument| argument == SUBCOMMAND);
    if is_guard {
        reap_main();
    }
    is_guard
}

// === impl Guard ===

impl Guard {
    /// A guard whose process is `program __reap`, started with the first child. `program` has to call [`reap_main`]
    /// then; for the binary `gateway` it is `/proc/self/exe`, which stays right when the file is replaced.
    #[must_use]
    pub fn new(program: PathBuf) -> Self {
        Self::of(Some(program))
    }

    /// A guard whose process is this program, where that begins with [`reap`].
    #[must_use]
    pub fn of_this_program() -> Self {
        // On Linux by the way that stays right when the file is replaced by a newer one.
        let lasting = cfg!(target_os = "linux").then(|| PathBuf::from("/proc/self/exe"));
        let program = || lasting.or_else(|| std::env::current_exe().ok());
        Self::of(OFFERED.load(Ordering::Relaxed).then(program).flatten())
    }

    /// No guard: children end when the gateway ends in an orderly way.
    #[must_use]
    pub fn absent() -> Self {
        Self::of(None)
    }

    fn of(program: Option<PathBuf>) -> Self {
        let random = RandomState::new().hash_one(std::process::id());
        let mark = format!("{}-{random:016x}", std::process::id());
        Self { program, mark, next: AtomicU64::new(1), running: Mutex::default() }
    }

    /// Makes `command` report its process group, which it has to lead, before it runs anything: the guard knows of it
    /// even if this process is killed at that very moment.
    pub(super) fn register(self: &Arc<Self>, command: &mut Command) -> Registration {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if let Some(socket) = self.reaper() {
            command.env(MARK, &self.mark);
            report_before_exec(command, socket, number);
        }
        Registration { guard: self.clone(), number }
    }

    /// The socket of the guard's process, which is started where it does not run.
    fn reaper(&self) -> Option<Arc<UnixStream>> {
        let program = self.program.as_ref()?;
        let mut running = self.lock();
        if let Some(reaper) = &mut running.reaper
            && matches!(reaper.process.try_wait(), Ok(None))
        {
            return Some(reaper.socket.clone());
        }
        match start_reaper(program, &self.mark, &running.groups) {
            Ok(reaper) => Some(running.reaper.insert(reaper).socket.clone()),
            Err(error) => {
                warn!(
                    "servers may be left behind if the gateway is killed: {} {SUBCOMMAND}: {error}",
                    program.display()
                );
                None
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("program", &self.program).finish_non_exhaustive()
    }
}

impl Registration {
    /// The child runs: its group has this id.
    pub(super) fn started(&self, group: u32) {
        self.guard.lock().groups.insert(self.number, group);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut running = self.guard.lock();
        running.groups.remove(&self.number);
        if let Some(reaper) = &running.reaper {
            // A reaper that is gone has nothing to forget.
            let _ = send(&reaper.socket, format!("-{}\n", self.number).as_bytes(), QUIETLY);
        }
    }
}

fn start_reaper(program: &PathBuf, mark: &str, groups: &BTreeMap<u64, u32>) -> io::Result<Reaper> {
    // Closed on exec, as everything that Rust opens: a child that held it would keep the reaper waiting.
    let (ours, theirs) = UnixStream::pair()?;
    let process = Command::new(program)
        .arg(SUBCOMMAND)
        // Without the mark of a gateway that runs this one: it would end the reaper before its work was done.
        .env_clear()
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let mut known = format!("={mark}\n");
    groups.iter().for_each(|(number, group)| known.push_str(&format!("+{number} {group}\n")));
    (&ours).write_all(known.as_bytes())?;
    Ok(Reaper { process, socket: Arc::new(ours) })
}

#[allow(unsafe_code, reason = "only the child itself can tell its group before it runs anything")]
fn report_before_exec(command: &mut Command, socket: Arc<UnixStream>, number: u64) {
    let report = move || {
        let mut line = [0_u8; 48];
        let mut rest = &mut line[..];
        // Writes into the array: nothing is allocated.
        let written = writeln!(rest, "+{number} {}", getpid().as_raw_nonzero());
        let length = 48 - rest.len();
        if written.is_ok() {
            // Where the reaper is gone, the child runs unguarded.
            let _ = send(&socket, &line[..length], QUIETLY);
        }
        Ok(())
    };
    // SAFETY: between fork and exec only what is async-signal-safe may run. `report` makes two system calls, getpid
    // and send, formats numbers into an array on the stack, takes no lock and allocates nothing. The socket stays
    // open for as long as the command holds the closure.
    unsafe { command.pre_exec(report) };
}

// === the process ===

/// The body of `gateway __reap`: reads from standard input which process groups there are, and ends what is left of
/// them when it closes. To be called before anything else is started in the process.
pub fn reap_main() {
    // Those who end the gateway by its name (`killall gateway`) do not mean this process.
    let _ = std::fs::write("/proc/self/comm", "mcp-reap");
    let mut known = Known::default();
    for line in io::stdin().lock().lines() {
        // Standard input that cannot be read says no more than one that is closed.
        let Ok(line) = line else { break };
        known.take(&line);
    }
    known.end_all();
}

/// What the process was told.
#[derive(Debug, Default, PartialEq, Eq)]
struct Known {
    mark: Option<String>,
    groups: BTreeMap<u64, Pid>,
}

impl Known {
    fn take(&mut self, line: &str) {
        let Some((kind, rest)) = line.split_at_checked(1) else { return };
        match (kind, rest.split_once(' ')) {
            ("=", None) => self.mark = Some(rest.to_owned()),
            ("+", Some((number, group))) => {
                // Group 1 would be the system's first process, and -1 everything.
                let group = group.parse().ok().filter(|id| *id > 1).and_then(Pid::from_raw);
                if let Some((number, group)) = number.parse().ok().zip(group) {
                    self.groups.insert(number, group);
                }
            }
            ("-", None) => {
                rest.parse().ok().and_then(|number: u64| self.groups.remove(&number));
            }
            _ => {}
        }
    }

    fn end_all(&self) {
        let signal = |signal| {
            for group in self.groups.values() {
                // Most have gone already.
                let _ = kill_process_group(*group, signal);
            }
        };
        let strays = |signal| self.mark.as_deref().map_or(0, |mark| strays::signal(mark, signal));
        signal(Signal::TERM);
        let mut left = strays(Signal::TERM);
        let until = Instant::now() + PATIENCE;
        let any = |left| left > 0 || self.groups.values().any(|group| test_kill_process_group(*group).is_ok());
        while any(left) && Instant::now() < until {
            std::thread::sleep(LOOK);
            left = self.mark.as_deref().map_or(0, strays::count);
        }
        signal(Signal::KILL);
        // What was started meanwhile is found in the next round; what is started faster than it is found is let go.
        for _ in 0..10 {
            if strays(Signal::KILL) == 0 {
                return;
            }
            std::thread::sleep(LOOK);
        }
    }
}

/// Descendants that left their group (`setsid`), found by the mark in their environment.
#[cfg(target_os = "linux")]
mod strays {
    use std::os::fd::OwnedFd;

    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

    use super::MARK;

    /// Signals all of them; how many there were.
    pub(super) fn signal(mark: &str, signal: Signal) -> usize {
        let found = find(mark);
        for process in &found {
            // It may have gone since.
            let _ = pidfd_send_signal(process, signal);
        }
        found.len()
    }

    pub(super) fn count(mark: &str) -> usize {
        find(mark).len()
    }

    fn find(mark: &str) -> Vec<OwnedFd> {
        let wanted = format!("{MARK}={mark}");
        let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
        let marked = entries.filter_map(|entry| {
            let name = entry.ok()?.file_name();
            let pid = Pid::from_raw(name.to_str()?.parse().ok()?)?;
            // Opened before it is looked at: whatever has this id later is not the process that was found.
            let process = pidfd_open(pid, PidfdFlags::empty()).ok()?;
            let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
            environment.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes()).then_some(process)
        });
        marked.collect()
    }
}

/// Elsewhere the environment of another process cannot be read.
#[cfg(not(target_os = "linux"))]
mod strays {
    use rustix::process::Signal;

    pub(super) fn signal(_: &str, _: Signal) -> usize {
        0
    }

    pub(super) fn count(_: &str) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_come_and_go() {
        let mut known = Known::default();
        for line in ["=mark", "+1 100", "+2 200", "-1", "+3 1", "+4 0", "+5 -1", "+6", "-x", "", "ü", "+7 x"] {
            known.take(line);
        }
        let groups = BTreeMap::from([(2, Pid::from_raw(200).unwrap())]);
        assert_eq!(known, Known { mark: Some("mark".to_owned()), groups });
    }
}
