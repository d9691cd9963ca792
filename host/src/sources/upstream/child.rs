//! One child process: how it is started, what it says on standard error, how it is ended.

use std::{
    collections::VecDeque,
    fmt, io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use gateway_core::{
    error::{Failure, FailureKind},
    name::SourceName,
    wire::lines::{Line, Lines},
};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::{
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    time::{Instant, sleep, timeout},
};
use tracing::info;

use super::guard::{Guard, Registration};

/// The longest line on standard error that is logged.
const MAX_STDERR_LINE: usize = 16 << 10;

/// How many of the last lines on standard error are kept, to be quoted where the server fails.
const KEPT_LINES: usize = 32;

/// How many of them are quoted, and how many characters in all.
const QUOTED_LINES: usize = 4;
const QUOTED_CHARS: usize = 600;

/// How long what is left of a group has after `SIGTERM`, and how often it is looked at.
const REST_PATIENCE: Duration = Duration::from_millis(500);
const REST_LOOK: Duration = Duration::from_millis(10);

/// How long a killed process may take to go: longer only where the kernel does not let it.
const KILL_PATIENCE: Duration = Duration::from_secs(2);

/// The shortest secret that is struck out of what a server says: shorter ones are found in every text.
const MIN_SECRET: usize = 6;

/// What is run as a server.
#[derive(Clone, Default)]
pub struct CommandLine {
    /// The program: a path, or a name that is looked for in `PATH`.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables beside those of the gateway, fully expanded. The values are shown nowhere.
    pub env: Vec<(String, String)>,
    /// The folder to run it in; `None`: the gateway's own.
    pub cwd: Option<PathBuf>,
}

impl CommandLine {
    /// The program `program`, without anything else.
    #[must_use]
    pub fn new(program: impl Into<String>) -> Self {
        Self { program: program.into(), ..Self::default() }
    }
}

impl fmt::Debug for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandLine").field("program", &self.program).finish_non_exhaustive()
    }
}

/// A child that runs, leader of a process group of its own. Dropped, the group is killed.
pub(super) struct Process {
    child: Child,
    group: Group,
}

/// The ends of its streams that are ours.
pub(super) struct Streams {
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
}

/// A process group, and the guard's knowledge of it.
struct Group {
    id: Pid,
    /// Forgotten by the guard when nothing is left.
    _registration: Registration,
}

/// Starts the command of the server `name`.
///
/// # Errors
/// [`FailureKind::Unavailable`] where it cannot be run.
pub(super) fn spawn(name: &SourceName, line: &CommandLine, guard: &Arc<Guard>) -> Result<(Process, Streams), Failure> {
    let mut command = Command::new(&line.program);
    command
        .args(&line.args)
        .envs(line.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // So that one signal reaches all that it starts, and Ctrl-C reaches none of it: the gateway ends it in order.
        .process_group(0)
        .kill_on_drop(true);
    if let Some(cwd) = &line.cwd {
        command.current_dir(cwd);
    }
    let registration = guard.register(&mut command);
    let mut child = command.spawn().map_err(|error| not_started(name, line, &error))?;
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let streams = child.stdin.take().zip(child.stdout.take()).zip(child.stderr.take());
    let (Some(id), Some(((stdin, stdout), stderr))) = (id, streams) else {
        return Err(not_started(name, line, &io::Error::other("it has no streams")));
    };
    registration.started(id.as_raw_nonzero().get().unsigned_abs());
    Ok((Process { child, group: Group { id, _registration: registration } }, Streams { stdin, stdout, stderr }))
}

/// What is said where the command cannot be run, with the key to look at.
fn not_started(name: &SourceName, line: &CommandLine, error: &io::Error) -> Failure {
    let command = &line.program;
    let failure = |message: String| Failure::new(FailureKind::Unavailable, message);
    if let Some(cwd) = line.cwd.as_deref().filter(|cwd| !Path::is_dir(cwd)) {
        let message = format!("server {name:?} cannot be started: there is no folder {}", cwd.display());
        return failure(message).hint(format!("check servers.{name}.cwd"));
    }
    match error.kind() {
        io::ErrorKind::NotFound => {
            failure(format!("server {name:?} cannot be started: command {command:?} was not found"))
                .hint(format!("check servers.{name}.command, or install it where the gateway's PATH finds it"))
        }
        io::ErrorKind::PermissionDenied => {
            failure(format!("server {name:?} cannot be started: {command:?} may not be executed"))
                .hint(format!("check servers.{name}.command and the file's permissions"))
        }
        _ => failure(format!("server {name:?} cannot be started: {error}"))
            .hint(format!("check servers.{name}.command and servers.{name}.args")),
    }
}

// === impl Process ===

impl Process {
    /// Its number, which is that of the group that it leads.
    pub(super) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until it has ended by itself. Cancel safe.
    pub(super) async fn wait(&mut self) -> Option<ExitStatus> {
        self.child.wait().await.ok()
    }

    /// Ends it: whoever calls has closed its standard input. It has `patience` to go by itself and as long again
    /// after `SIGTERM`. Its status, where it could be had.
    pub(super) async fn end(&mut self, patience: Duration) -> Option<ExitStatus> {
        if let Ok(status) = timeout(patience, self.child.wait()).await {
            return status.ok();
        }
        self.group.signal(Signal::TERM);
        if let Ok(status) = timeout(patience, self.child.wait()).await {
            return status.ok();
        }
        self.group.signal(Signal::KILL);
        timeout(KILL_PATIENCE, self.child.wait()).await.ok()?.ok()
    }

    /// After it has gone: ends what it started and left behind in its group.
    pub(super) async fn clean_up(self) {
        let until = Instant::now() + REST_PATIENCE;
        if self.group.exists() {
            self.group.signal(Signal::TERM);
        }
        while self.group.exists() && Instant::now() < until {
            sleep(REST_LOOK).await;
        }
        // What is left now is killed when the group is dropped.
    }
}

impl Group {
    fn exists(&self) -> bool {
        test_kill_process_group(self.id).is_ok()
    }

    fn signal(&self, signal: Signal) {
        // A group that has gone needs no signal.
        let _ = kill_process_group(self.id, signal);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The id is not given to others while one member lives, and the last one was seen a moment ago.
        if self.exists() {
            self.signal(Signal::KILL);
        }
    }
}

/// How a process ended, in words.
pub(super) fn describe(status: Option<ExitStatus>) -> String {
    status.map_or_else(|| "exit status unknown".to_owned(), |status| status.to_string().replacen(": ", " ", 1))
}

/// The last lines that a server wrote on standard error.
#[derive(Clone, Default)]
pub(super) struct LastWords(Arc<Mutex<VecDeque<String>>>);

impl LastWords {
    /// Logs what comes on standard error, line by line, until it is closed; keeps the last lines. The values of the
    /// configured variables are replaced by their names.
    pub(super) async fn listen(&self, name: &SourceName, stderr: ChildStderr, env: &[(String, String)]) {
        let mut lines = Lines::new(stderr, MAX_STDERR_LINE);
        // A stream that cannot be read says no more than one that is closed.
        while let Ok(Some(line)) = lines.next().await {
            let text = match line {
                Line::Whole(line) | Line::Torn(line) => strike_out(String::from_utf8_lossy(&line).trim_end(), env),
                Line::TooLong => format!("(a line of over {MAX_STDERR_LINE} bytes)"),
            };
            info!(target: "server", server = %name, "{text}");
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() == KEPT_LINES {
                kept.pop_front();
            }
            kept.push_back(text);
        }
    }

    /// The lines that say most about a failure, as `: …`; empty where there are none.
    pub(super) fn quote(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let quoted = telling(kept.iter().map(String::as_str).collect());
        if quoted.is_empty() { quoted } else { format!(": {quoted}") }
    }
}

/// From the first line that speaks of an error, else the last lines.
fn telling(lines: Vec<&str>) -> String {
    let tells = |line: &&str| {
        let line = line.to_ascii_lowercase();
        ["error", "cannot", "not found", "fatal", "panicked"].iter().any(|word| line.contains(word))
    };
    let first = lines.iter().position(tells).unwrap_or(lines.len().saturating_sub(QUOTED_LINES));
    let quoted: Vec<_> = lines.into_iter().skip(first).take(QUOTED_LINES).map(str::trim).collect();
    quoted.join(" | ").chars().take(QUOTED_CHARS).collect()
}

fn strike_out(text: &str, env: &[(String, String)]) -> String {
    let mut text = text.to_owned();
    for (name, value) in env.iter().filter(|(_, value)| value.len() >= MIN_SECRET) {
        if text.contains(value) {
            text = text.replace(value, &format!("${{{name}}}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_telling_lines_are_quoted() {
        let node = vec!["node:internal/modules:1", "  throw err;", "Error: Cannot find module 'x'", "a", "b", "c", "d"];
        assert_eq!(telling(node), "Error: Cannot find module 'x' | a | b | c");
        assert_eq!(telling(vec!["1", "2", "3", "4", "5"]), "2 | 3 | 4 | 5");
        assert_eq!(telling(vec![]), "");
    }

    #[test]
    fn values_of_variables_are_struck_out() {
        let env = [("KEY".to_owned(), "s3cret-value".to_owned()), ("N".to_owned(), "1".to_owned())];
        assert_eq!(strike_out("key s3cret-value 1", &env), "key ${KEY} 1");
    }
}
