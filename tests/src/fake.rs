//! The test's end of `fake-server`: each one that starts connects here, says what happens to it, and does what it is told.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    sync::Arc,
    thread,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{place, wait::Watched};

/// Short, since the path of a socket may not be long.
const SOCKET: &str = "s";

/// A kind of server for a gateway to start, as often as it likes.
#[derive(Debug)]
pub struct Fake {
    folder: TempDir,
    started: Arc<Watched<Started>>,
}

#[derive(Debug, Default)]
struct Started {
    processes: Vec<Arc<Running>>,
    /// How often [`Fake::count`] was asked.
    counted: usize,
}

/// One process.
#[derive(Debug)]
pub struct Running {
    stream: UnixStream,
    seen: Watched<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// What it told, and whether a test has asked for it already.
    events: Vec<(Value, bool)>,
    gone: bool,
}

impl Default for Fake {
    fn default() -> Self {
        Self::new()
    }
}

impl Fake {
    /// Waits for servers.
    ///
    /// # Panics
    /// Where there can be no socket.
    #[must_use]
    pub fn new() -> Self {
        let folder = TempDir::with_prefix("fake").unwrap();
        let listener = UnixListener::bind(folder.path().join(SOCKET)).unwrap();
        let started = Arc::new(Watched::new(Started::default()));
        let accepted = Arc::clone(&started);
        // Ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                Running::accept(stream, &accepted);
            }
        });
        Self { folder, started }
    }

    /// The entry for `servers` of `gateway.yaml`. `fake-server --help` says which flags there are.
    #[must_use]
    pub fn entry(&self, flags: &[&str]) -> Value {
        json!({ "command": place::fake_server(), "args": self.arguments(flags) })
    }

    /// The arguments with which `fake-server` finds this test.
    #[must_use]
    pub fn arguments(&self, flags: &[&str]) -> Vec<String> {
        let socket = self.folder.path().join(SOCKET).display().to_string();
        ["--socket", &socket].iter().chain(flags).map(|flag| (*flag).to_owned()).collect()
    }

    /// How many have started so far; surely counts each that has answered anything.
    ///
    /// # Panics
    /// Where the count does not come.
    #[must_use]
    pub fn count(&self) -> usize {
        // Whoever came before this visitor is let in before it.
        let turn = self.started.lock().counted + 1;
        let mut visitor = UnixStream::connect(self.folder.path().join(SOCKET)).unwrap();
        visitor.write_all(b"{\"event\":\"count\"}\n").unwrap();
        let count = self.started.until(|started| (started.counted >= turn).then_some(started.processes.len()));
        count.expect("the servers are counted")
    }

    /// Awaits the start of the first, second... process.
    ///
    /// # Panics
    /// Where it does not start.
    #[track_caller]
    pub fn process(&self, number: usize) -> Arc<Running> {
        let found = self.started.until(|started| started.processes.get(number - 1).cloned());
        found.unwrap_or_else(|| panic!("fake-server number {number} did not start; {} did", self.count()))
    }
}

// === impl Running ===

impl Running {
    /// Awaits an event of this kind that the test has not had yet.
    ///
    /// # Panics
    /// Where it does not come.
    #[track_caller]
    pub fn event(&self, kind: &str) -> Value {
        self.find(kind, |event| event["event"] == kind)
    }

    /// Awaits a call of this tool that the test has not had yet.
    ///
    /// # Panics
    /// Where it does not come.
    #[track_caller]
    pub fn called(&self, tool: &str) -> Value {
        self.find(tool, |event| event["event"] == "call" && event["tool"] == tool)
    }

    /// Awaits the call of `wait` with this key.
    ///
    /// # Panics
    /// Where it does not come.
    #[track_caller]
    pub fn waits(&self, key: &str) -> Value {
        self.find(key, |event| event["event"] == "call" && event["tool"] == "wait" && event["arguments"]["key"] == key)
    }

    /// Awaits a request of this method that is no call of a tool, and that the test has not had yet.
    ///
    /// # Panics
    /// Where it does not come.
    #[track_caller]
    pub fn asked(&self, method: &str) -> Value {
        self.find(method, |event| event["event"] == "request" && event["method"] == method)["params"].clone()
    }

    /// Lets it say something by itself.
    #[track_caller]
    pub fn say(&self, method: &str, params: &Value) {
        self.tell(&json!({ "say": { "jsonrpc": "2.0", "method": method, "params": params } }));
    }

    /// Tells it to do something.
    ///
    /// # Panics
    /// Where it is gone.
    #[track_caller]
    pub fn tell(&self, command: &Value) {
        (&self.stream).write_all(format!("{command}\n").as_bytes()).expect("the fake server is there");
    }

    /// Lets it answer the call of `wait` with this key.
    #[track_caller]
    pub fn release(&self, key: &str) {
        self.tell(&json!({ "release": key }));
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> i64 {
        self.seen.lock().events[0].0["pid"].as_i64().unwrap_or_default()
    }

    /// All that it told.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.seen.lock().events.iter().map(|(event, _)| event.clone()).collect()
    }

    /// How many events of this kind it told so far.
    #[must_use]
    pub fn count(&self, kind: &str) -> usize {
        self.events().iter().filter(|event| event["event"] == kind).count()
    }

    /// Awaits its end: nothing but the process holds the other end of the socket.
    ///
    /// # Panics
    /// Where it lives on.
    #[track_caller]
    pub fn gone(&self) {
        let gone = self.seen.until(|seen| seen.gone.then_some(()));
        assert!(gone.is_some(), "process {} lives on after {:#?}", self.pid(), self.events());
    }

    /// Whether it is still there.
    #[must_use]
    pub fn alive(&self) -> bool {
        !self.seen.lock().gone
    }

    #[track_caller]
    fn find(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let found = self.seen.until(|seen| {
            let found = seen.events.iter_mut().find(|(event, taken)| !taken && wanted(event));
            match found {
                Some((event, taken)) => {
                    *taken = true;
                    Some(Some(event.clone()))
                }
                None => seen.gone.then_some(None),
            }
        });
        found.flatten().unwrap_or_else(|| {
            let end = if self.alive() { "in time" } else { "before the process ended" };
            panic!("{what:?} did not happen to the fake server {end}; this did: {:#?}", self.events())
        })
    }

    /// Reads what it says first, so that whoever comes next is known to come after it.
    fn accept(stream: UnixStream, started: &Watched<Started>) {
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
        let Some(Ok(first)) = lines.next().map(|line| serde_json::from_str::<Value>(&line)) else { return };
        if first["event"] == "count" {
            return started.change(|started| started.counted += 1);
        }
        let running = Arc::new(Self { stream, seen: Watched::new(Seen { events: vec![(first, true)], gone: false }) });
        started.change(|started| started.processes.push(Arc::clone(&running)));
        thread::spawn(move || {
            for event in lines.filter_map(|line| serde_json::from_str(&line).ok()) {
                running.seen.change(|seen| seen.events.push((event, false)));
            }
            running.seen.change(|seen| seen.gone = true);
        });
    }
}
