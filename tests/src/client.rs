//! An MCP client that writes lines to a child and keeps every line that comes back.

use std::{
    collections::HashMap,
    io::{BufReader, Write as _},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    thread,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::{Message, place, wait::Watched};

mod modern;

pub use modern::MODERN;

/// The newest revision with a handshake.
pub const LATEST: &str = "2025-11-25";

/// A client of one child process.
#[derive(Debug)]
pub struct Client {
    shared: Arc<Shared>,
    next: AtomicI64,
    pid: Pid,
    /// Whether it has to end when its standard input does.
    polite: bool,
}

#[derive(Debug)]
struct Shared {
    seen: Watched<Seen>,
    stdin: Mutex<Option<ChildStdin>>,
}

#[derive(Debug, Default)]
struct Seen {
    messages: Vec<Message>,
    /// Which messages a test has asked for already.
    taken: Vec<bool>,
    /// Lines on standard output that are no JSON.
    noise: Vec<String>,
    stdout_closed: bool,
    stderr: String,
    exit: Option<ExitStatus>,
    /// What to answer a server's requests with, by method.
    answers: HashMap<String, Value>,
}

impl Client {
    /// Starts a gateway, which has to end when the test is done with it, and to write nothing but messages.
    ///
    /// # Panics
    /// Where it cannot be started.
    #[must_use]
    pub fn spawn(command: &mut Command) -> Self {
        Self::start(command, true)
    }

    /// Starts a server that is no gateway, and may not know when to end.
    ///
    /// # Panics
    /// Where it cannot be started.
    #[must_use]
    pub fn spawn_other(command: &mut Command) -> Self {
        Self::start(command, false)
    }

    fn start(command: &mut Command, polite: bool) -> Self {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let pid = Pid::from_child(&child);
        let stdin = Mutex::new(child.stdin.take());
        let shared = Arc::new(Shared { seen: Watched::default(), stdin });
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let reader = Arc::clone(&shared);
        thread::spawn(move || reader.read_lines(BufReader::new(stdout)));
        let logger = Arc::clone(&shared);
        thread::spawn(move || logger.read_log(stderr));
        let waiter = Arc::clone(&shared);
        thread::spawn(move || waiter.wait(child));
        Self { shared, next: AtomicI64::new(1), pid, polite }
    }

    /// Asks for the newest revision, able to do nothing.
    #[track_caller]
    pub fn initialize(&self) -> Message {
        self.initialize_as(LATEST, json!({}))
    }

    /// Asks for a revision, with abilities.
    #[track_caller]
    pub fn initialize_as(&self, version: &str, capabilities: impl Into<Value>) -> Message {
        let client = json!({ "name": "gateway-tests", "version": "1" });
        let params = json!({ "protocolVersion": version, "capabilities": capabilities.into(), "clientInfo": client });
        let answer = self.request("initialize", params);
        self.notify("notifications/initialized", None);
        answer
    }

    /// Writes a line as it is.
    #[track_caller]
    pub fn line(&self, line: &str) {
        if let Err(error) = self.shared.write(line) {
            self.fail(&format!("cannot write {line}: {error}"));
        }
    }

    /// Sends a request, and gives its id.
    #[track_caller]
    pub fn send(&self, method: &str, params: impl Into<Value>) -> i64 {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.line(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params.into() }).to_string());
        id
    }

    /// Sends a call of a tool, and gives its id.
    #[track_caller]
    pub fn send_call(&self, tool: &str, arguments: impl Into<Value>) -> i64 {
        self.send("tools/call", json!({ "name": tool, "arguments": arguments.into() }))
    }

    /// Sends a notification.
    #[track_caller]
    pub fn notify(&self, method: &str, params: Option<Value>) {
        let mut message = json!({ "jsonrpc": "2.0", "method": method });
        if let Some(params) = params {
            message["params"] = params;
        }
        self.line(&message.to_string());
    }

    /// Awaits the answer to a request.
    #[track_caller]
    pub fn answer(&self, id: impl Into<Value>) -> Message {
        let id = id.into();
        self.await_message(&format!("the answer to {id}"), |message| message.method().is_none() && *message.id() == id)
    }

    /// Sends a request and awaits its answer.
    #[track_caller]
    pub fn request(&self, method: &str, params: impl Into<Value>) -> Message {
        let id = self.send(method, params);
        self.answer(id)
    }

    /// Calls a tool and awaits the answer.
    #[track_caller]
    pub fn call(&self, tool: &str, arguments: impl Into<Value>) -> Message {
        let id = self.send_call(tool, arguments);
        self.answer(id)
    }

    /// Lists the tools.
    #[track_caller]
    pub fn tools(&self) -> Message {
        self.request("tools/list", json!({}))
    }

    /// Awaits the answers to a batch, in the order of `ids`, whether they come as a batch or one by one.
    #[track_caller]
    pub fn answers_in_batch(&self, ids: &[&str]) -> Vec<Value> {
        let found = self.shared.seen.until(|seen| {
            let values = seen.messages.iter().map(|message| &message.value);
            let all: Vec<&Value> =
                values.flat_map(|value| value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)).collect();
            ids.iter().map(|id| all.iter().find(|value| value["id"] == *id).map(|&value| value.clone())).collect()
        });
        found.unwrap_or_else(|| self.fail(&format!("the answers to {ids:?} did not come")))
    }

    /// Awaits a notification or request of this method that the test has not had yet.
    #[track_caller]
    pub fn incoming(&self, method: &str) -> Message {
        self.await_message(&format!("`{method}`"), |message| message.method() == Some(method))
    }

    /// Answers requests of this method with this result from now on, as they come.
    pub fn answer_with(&self, method: &str, result: Value) {
        self.shared.seen.lock().answers.insert(method.to_owned(), result);
    }

    /// Answers a server's request.
    #[track_caller]
    pub fn respond(&self, request: &Message, result: &Value) {
        self.line(&json!({ "jsonrpc": "2.0", "id": request.id(), "result": result }).to_string());
    }

    /// All that came so far.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.shared.seen.lock().messages.clone()
    }

    /// Awaits text in the log.
    #[track_caller]
    pub fn logged(&self, text: &str) -> String {
        let found = self.shared.seen.until(|seen| seen.stderr.contains(text).then(|| seen.stderr.clone()));
        found.unwrap_or_else(|| self.fail(&format!("{text:?} was not logged")))
    }

    /// What was logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.shared.seen.lock().stderr.clone()
    }

    /// Sends a signal.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).unwrap_or_else(|error| self.fail(&format!("cannot send {signal:?}: {error}")));
    }

    /// The process id of the server.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Closes standard input, which tells a server to end.
    pub fn close_stdin(&self) {
        self.shared.close_stdin();
    }

    /// Awaits the end.
    #[track_caller]
    pub fn ended(&self) -> ExitStatus {
        let exit = self.shared.seen.until(|seen| seen.exit);
        let exit = exit.unwrap_or_else(|| self.fail("it did not end"));
        self.check_noise();
        exit
    }

    /// Closes standard input and awaits the end.
    ///
    /// # Panics
    /// Where the exit code is not 0.
    #[track_caller]
    pub fn finish(&self) {
        self.close_stdin();
        let exit = self.ended();
        if !exit.success() {
            self.fail(&format!("it ended with {exit}"));
        }
    }

    #[track_caller]
    fn await_message(&self, what: &str, wanted: impl Fn(&Message) -> bool) -> Message {
        let found = self.shared.seen.until(|seen| {
            let next = (0..seen.messages.len()).find(|&at| !seen.taken[at] && wanted(&seen.messages[at]));
            match next {
                Some(at) => {
                    seen.taken[at] = true;
                    Some(Ok(seen.messages[at].clone()))
                }
                None if seen.stdout_closed => Some(Err("standard output was closed before")),
                None => None,
            }
        });
        match found {
            Some(Ok(message)) => message,
            Some(Err(reason)) => self.fail(&format!("{reason} {what} came")),
            None => self.fail(&format!("{what} did not come")),
        }
    }

    fn kill(&self) {
        // A process that has ended already may have given its number to another.
        if self.shared.seen.lock().exit.is_none() {
            let _ = kill_process(self.pid, Signal::KILL);
        }
    }

    #[track_caller]
    fn check_noise(&self) {
        let noise = self.shared.seen.lock().noise.first().cloned();
        if let Some(noise) = noise {
            self.fail(&format!("standard output carried what is no JSON: {noise:?}"));
        }
    }

    #[track_caller]
    fn fail(&self, reason: &str) -> ! {
        panic!("{reason}\n{}", self.report())
    }

    /// What a person needs to see why a test failed.
    fn report(&self) -> String {
        let seen = self.shared.seen.lock();
        let last = seen.messages.iter().rev().take(8).rev();
        let last: Vec<String> = last.map(|message| shorten(&message.raw)).collect();
        let stale = place::staleness().unwrap_or_default();
        format!(
            "--- last messages\n{}\n--- beside them on standard output: {:?}\n--- stderr, exit {:?}\n{}\n{stale}",
            last.join("\n"),
            seen.noise,
            seen.exit,
            tail(&seen.stderr)
        )
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.close_stdin();
        if thread::panicking() {
            eprintln!("{}", self.report());
            self.kill();
        } else if !self.polite {
            self.kill();
        } else if self.shared.seen.until(|seen| seen.exit).is_none() {
            self.kill();
            self.fail("it did not end after standard input was closed");
        } else {
            self.check_noise();
        }
    }
}

// === impl Shared ===

impl Shared {
    fn write(&self, line: &str) -> std::io::Result<()> {
        let mut stdin = self.stdin.lock().unwrap_or_else(PoisonError::into_inner);
        match stdin.as_mut() {
            Some(stdin) => stdin.write_all(format!("{line}\n").as_bytes()),
            None => Err(std::io::Error::other("standard input was closed by the test")),
        }
    }

    fn close_stdin(&self) {
        *self.stdin.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn read_lines(&self, mut stdout: impl std::io::BufRead) {
        let mut line = Vec::new();
        while stdout.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            let raw = String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned();
            line.clear();
            let answer = self.seen.change(|seen| seen.keep(raw));
            if let Some(answer) = answer {
                // The server may have gone meanwhile.
                let _ = self.write(&answer);
            }
        }
        self.seen.change(|seen| seen.stdout_closed = true);
    }

    fn read_log(&self, mut stderr: impl std::io::Read) {
        let mut chunk = [0; 4096];
        while let Ok(length @ 1..) = stderr.read(&mut chunk) {
            self.seen.change(|seen| seen.stderr.push_str(&String::from_utf8_lossy(&chunk[..length])));
        }
    }

    fn wait(&self, mut child: Child) {
        let exit = child.wait().expect("a child can be waited for");
        // Where `exit` is seen, so is everything that was written before.
        self.seen.until(|seen| seen.stdout_closed.then_some(()));
        self.seen.change(|seen| seen.exit = Some(exit));
    }
}

// === impl Seen ===

impl Seen {
    /// Keeps a line, and gives the answer that the test prepared for it.
    fn keep(&mut self, raw: String) -> Option<String> {
        let Ok(value) = serde_json::from_str::<Value>(&raw) else {
            self.noise.push(shorten(&raw));
            return None;
        };
        let method = value["method"].as_str().unwrap_or_default();
        let result = self.answers.get(method).filter(|_| value.get("id").is_some());
        let answer = result.map(|result| json!({ "jsonrpc": "2.0", "id": value["id"], "result": result }).to_string());
        self.taken.push(answer.is_some());
        self.messages.push(Message { raw, value, at: self.messages.len() });
        answer
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(2000) {
        Some((at, _)) => format!("{}... ({} bytes)", &text[..at], text.len()),
        None => text.to_owned(),
    }
}

fn tail(text: &str) -> &str {
    let start = text.len().saturating_sub(8000);
    text.get(start..).unwrap_or(text)
}
