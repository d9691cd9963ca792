//! An MCP server on standard input and output that does what a test tells it, and tells the test what it sees.
//!
//! It connects to the test's socket, writes events there as lines of JSON, and reads commands: `{"start": true}`,
//! `{"release": KEY}`, `{"add": TOOL}`, and `{"say": MESSAGE}`, which it writes as it is.
//!
//! Flags: `--socket PATH`; `--tools FILE` lists the definitions of that file, byte for byte; `--answers FOLDER` answers a call
//! of `x` with `x.json` of that folder, or with the error in `x.error.json`; `--gate` reads nothing before `start`;
//! `--mute` never answers `initialize`; `--refuse` ends at once; `--stubborn` outlives the end of its standard input;
//! `--grandchild` is no server, and only lives; `--prompt NAME`, `--resource URI` and `--template URI` offer one more of them;
//! `--tasks` makes a task of a call that wants one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a server for tests, which has to end where the test is wrong"
)]

use std::{
    collections::HashMap,
    env, fs,
    io::{BufRead as _, BufReader, Write as _, stdin, stdout},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Command, ExitCode, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
};

use serde_json::{Value, json, value::RawValue};

use self::offers::Offers;

#[path = "fake-server/offers.rs"]
mod offers;

const TOOLS: [&str; 13] = [
    "echo",
    "wait",
    "progress",
    "ask",
    "fail",
    "error",
    "garbage",
    "crash",
    "spawn",
    "change",
    "log",
    "arguments",
    "show",
];

#[derive(Default)]
struct Flags {
    socket: PathBuf,
    tools: Option<PathBuf>,
    answers: Option<PathBuf>,
    gate: bool,
    mute: bool,
    refuse: bool,
    stubborn: bool,
    grandchild: bool,
    offers: Offers,
}

struct Server {
    flags: Flags,
    test: UnixStream,
    definitions: Mutex<Vec<String>>,
    /// Calls of `wait` that were not released yet: their key and id.
    waiting: Mutex<Vec<(String, Value)>>,
    /// Calls of `ask` by the id of what they asked.
    asking: Mutex<HashMap<String, Value>>,
    asked: AtomicU64,
}

fn main() -> ExitCode {
    let flags = flags();
    let test = UnixStream::connect(&flags.socket).expect("the test listens");
    let server = Arc::new(Server {
        definitions: Mutex::new(definitions(&flags)),
        flags,
        test,
        waiting: Mutex::default(),
        asking: Mutex::default(),
        asked: AtomicU64::new(0),
    });
    let arguments: Vec<String> = env::args().collect();
    server.tell(&json!({ "event": "hello", "pid": std::process::id(), "arguments": arguments }));
    if server.flags.refuse {
        eprintln!("fake-server: no license for today");
        return ExitCode::from(7);
    }

    let (start, gate) = mpsc::channel();
    let commands = Arc::clone(&server);
    let commanded = thread::spawn(move || commands.obey(&start));
    if server.flags.grandchild {
        let _ = commanded.join();
        return ExitCode::SUCCESS;
    }
    if server.flags.gate {
        gate.recv().expect("the test starts it");
    }

    for line in stdin().lines().map_while(Result::ok) {
        let Ok(message) = serde_json::from_str::<Value>(&line) else {
            server.tell(&json!({ "event": "unreadable", "line": line }));
            continue;
        };
        server.handle(&message, &line);
    }
    server.tell(&json!({ "event": "stdin-closed" }));
    if server.flags.stubborn {
        let _ = commanded.join();
    }
    ExitCode::SUCCESS
}

fn flags() -> Flags {
    let mut flags = Flags::default();
    let mut arguments = env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let mut value = || PathBuf::from(arguments.next().expect("the flag has a value"));
        match flag.as_str() {
            "--socket" => flags.socket = value(),
            "--tools" => flags.tools = Some(value()),
            "--answers" => flags.answers = Some(value()),
            "--gate" => flags.gate = true,
            "--mute" => flags.mute = true,
            "--refuse" => flags.refuse = true,
            "--stubborn" => flags.stubborn = true,
            "--grandchild" => flags.grandchild = true,
            "--tasks" => flags.offers.tasks = true,
            "--prompt" | "--resource" | "--template" => {
                let value = value().display().to_string();
                match flag.as_str() {
                    "--prompt" => flags.offers.prompts.push(value),
                    "--resource" => flags.offers.resources.push(value),
                    _ => flags.offers.templates.push(value),
                }
            }
            // Further words are for the test to see in `hello`.
            _ => {}
        }
    }
    flags
}

fn definitions(flags: &Flags) -> Vec<String> {
    match &flags.tools {
        Some(file) => {
            let text = fs::read_to_string(file).expect("the test wrote the definitions");
            let tools: Vec<&RawValue> = serde_json::from_str(&text).expect("the definitions are a list");
            tools.into_iter().map(|tool| tool.get().to_owned()).collect()
        }
        None => TOOLS.iter().map(|name| definition(name)).collect(),
    }
}

fn definition(name: &str) -> String {
    json!({ "name": name, "description": format!("The fake tool {name}"), "inputSchema": { "type": "object" } })
        .to_string()
}

impl Server {
    fn tell(&self, event: &Value) {
        // One write for a line, so that threads cannot mix theirs. A test that has ended hears nothing.
        let _ = (&self.test).write_all(format!("{event}\n").as_bytes());
    }

    fn say(&self, line: &str) {
        let mut out = stdout().lock();
        let _ = out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush());
    }

    fn obey(&self, start: &mpsc::Sender<()>) {
        for line in BufReader::new(&self.test).lines().map_while(Result::ok) {
            let command: Value = serde_json::from_str(&line).expect("the test commands in JSON");
            if let Some(key) = command["release"].as_str() {
                let released: Vec<Value> = {
                    let mut waiting = self.waiting.lock().unwrap();
                    waiting.extract_if(.., |(waits, _)| waits == key).map(|(_, id)| id).collect()
                };
                for id in released {
                    self.answer_text(&id, &format!("released {key}"));
                }
            } else if let Some(tool) = command["add"].as_str() {
                self.definitions.lock().unwrap().push(definition(tool));
                self.note("notifications/tools/list_changed", &json!({}));
            } else if let Some(message) = command.get("say") {
                self.say(&message.to_string());
            } else if command["start"] == true {
                let _ = start.send(());
            }
        }
    }

    fn handle(&self, message: &Value, line: &str) {
        let (id, params) = (&message["id"], &message["params"]);
        match message["method"].as_str() {
            Some("initialize") => {
                self.tell(&json!({ "event": "initialize", "params": params }));
                if !self.flags.mute {
                    let version = &params["protocolVersion"];
                    let mut abilities = json!({ "tools": { "listChanged": true }, "logging": {} });
                    self.flags.offers.declare(&mut abilities);
                    let info = json!({ "name": "fake-server", "version": "1" });
                    self.answer(
                        id,
                        &json!({ "protocolVersion": version, "capabilities": abilities, "serverInfo": info }),
                    );
                }
            }
            Some("tools/list") => {
                self.tell(&json!({ "event": "tools/list" }));
                let tools = self.definitions.lock().unwrap().join(",");
                self.say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"tools":[{tools}]}}}}"#));
            }
            Some("tools/call") => self.call(id, params, line),
            Some("notifications/cancelled") => self.cancel(params),
            Some("ping") => self.answer(id, &json!({})),
            Some(method) if id.is_null() => self.tell(&json!({ "event": "note", "method": method, "params": params })),
            Some(method) => {
                self.tell(&json!({ "event": "request", "method": method, "params": params }));
                let unknown = || Err(json!({ "code": -32601, "message": format!("no method {method}") }));
                match self.flags.offers.answer(method, params).unwrap_or_else(unknown) {
                    Ok(result) => self.answer(id, &result),
                    Err(error) => self.say(&json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string()),
                }
            }
            None => {
                let call = id.as_str().and_then(|id| self.asking.lock().unwrap().remove(id));
                if let Some(call) = call {
                    let outcome = message.get("result").or_else(|| message.get("error")).unwrap_or(&Value::Null);
                    self.answer_text(&call, &outcome.to_string());
                }
            }
        }
    }

    fn call(&self, id: &Value, params: &Value, line: &str) {
        let (tool, arguments) = (params["name"].as_str().unwrap_or_default(), &params["arguments"]);
        let key = || arguments["key"].as_str().unwrap_or_default().to_owned();
        // Whoever hears of the call may release it at once, so it waits before it is told.
        if tool == "wait" {
            self.waiting.lock().unwrap().push((key(), id.clone()));
        }
        self.tell(
            &json!({ "event": "call", "tool": tool, "arguments": arguments, "params": params, "id": id, "line": line }),
        );
        if let Some(folder) = &self.flags.answers {
            for (file, member) in [(format!("{tool}.json"), "result"), (format!("{tool}.error.json"), "error")] {
                if let Ok(text) = fs::read_to_string(folder.join(file)) {
                    self.say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"{member}":{}}}"#, text.trim_end()));
                    return;
                }
            }
        }
        if self.flags.offers.tasks && params.get("task").is_some() {
            return self.answer(id, &self.flags.offers.make(&key()));
        }
        match tool {
            // What a tool shows of resources.
            "show" => self.answer(id, &json!({ "content": arguments["content"] })),
            "echo" => self.answer_text(id, arguments["text"].as_str().unwrap_or_default()),
            "arguments" => {
                let params: HashMap<String, &RawValue> = serde_json::from_str::<HashMap<String, &RawValue>>(line)
                    .ok()
                    .and_then(|members| serde_json::from_str(members.get("params")?.get()).ok())
                    .unwrap_or_default();
                self.answer_text(id, params.get("arguments").map_or("absent", |arguments| arguments.get()));
            }
            "wait" => {}
            "progress" => {
                let token = &params["_meta"]["progressToken"];
                let steps = arguments["steps"].as_u64().unwrap_or(3);
                for step in 1..=steps {
                    let params = json!({ "progressToken": token, "progress": step, "total": steps, "message": format!("step {step}") });
                    self.note("notifications/progress", &params);
                }
                self.answer_text(id, &format!("{steps} steps"));
            }
            "ask" => {
                let asked = format!("ask-{}", self.asked.fetch_add(1, Ordering::Relaxed));
                self.asking.lock().unwrap().insert(asked.clone(), id.clone());
                let (method, params) = (&arguments["method"], &arguments["params"]);
                self.say(&json!({ "jsonrpc": "2.0", "id": asked, "method": method, "params": params }).to_string());
            }
            "fail" => {
                let content = json!([{ "type": "text", "text": "the fake tool failed" }]);
                self.answer(id, &json!({ "content": content, "isError": true }));
            }
            "error" => {
                let error = json!({ "code": -32602, "message": "the fake tool wants more", "data": { "field": "x" } });
                self.say(&json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string());
            }
            "garbage" => {
                for line in [
                    "Listening on nothing",
                    "",
                    "{",
                    "[]",
                    "{}",
                    "null",
                    r#"{"jsonrpc":"2.0","id":424242,"result":{}}"#,
                ] {
                    self.say(line);
                }
                self.answer_text(id, "after garbage");
            }
            // The habit. Nothing here needs to be cleaned up.
            "crash" => std::process::exit(3),
            "spawn" => self.spawn(id),
            "change" => {
                self.definitions.lock().unwrap().push(definition(&key()));
                self.note("notifications/tools/list_changed", &json!({}));
                self.answer_text(id, "changed");
            }
            "log" => {
                self.note(
                    "notifications/message",
                    &json!({ "level": "warning", "logger": "fake", "data": arguments["text"] }),
                );
                self.answer_text(id, "logged");
            }
            _ if self.definitions.lock().unwrap().iter().any(|definition| *definition == self::definition(tool)) => {
                self.answer_text(id, &format!("called {tool}"));
            }
            _ => {
                let error = json!({ "code": -32602, "message": format!("Tool {tool} not found") });
                self.say(&json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string());
            }
        }
    }

    fn cancel(&self, params: &Value) {
        let id = &params["requestId"];
        let keys: Vec<String> = {
            let mut waiting = self.waiting.lock().unwrap();
            waiting.extract_if(.., |(_, waits)| waits == id).map(|(key, _)| key).collect()
        };
        self.tell(&json!({ "event": "cancelled", "id": id, "key": keys.first(), "params": params }));
    }

    /// Starts a process that nobody waits for, as a server started by `npx` or a shell is.
    fn spawn(&self, id: &Value) {
        let mut command = Command::new(env::current_exe().expect("a program knows its own path"));
        command.arg("--grandchild").arg("--socket").arg(&self.flags.socket);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.answer_text(id, &format!("spawned {}", child.expect("a child can be started").id()));
    }

    fn note(&self, method: &str, params: &Value) {
        self.say(&json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string());
    }

    fn answer(&self, id: &Value, result: &Value) {
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string());
    }

    fn answer_text(&self, id: &Value, text: &str) {
        self.answer(id, &json!({ "content": [{ "type": "text", "text": text }] }));
    }
}
