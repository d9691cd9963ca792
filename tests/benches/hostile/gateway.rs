//! A gateway that serves over HTTP, and sessions with it.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Instant,
};

use serde_json::{Value, json};

use crate::{LOST, PAUSE};

/// The gateway.
pub(crate) struct Serving {
    pub(crate) child: Child,
    pub(crate) port: u16,
}

impl Serving {
    pub(crate) fn start(mut command: Command) -> Self {
        // Nobody else takes it in between, on a machine where this is run.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port is free").port();
        command.args(["serve", "--port", &port.to_string(), "--log-level", "error"]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let serving = Self { child: child.expect("the gateway starts"), port };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < LOST, "the gateway does not listen");
            thread::sleep(PAUSE);
        }
        serving
    }

    /// Ends it, if it lives.
    pub(crate) fn end(&mut self) {
        assert!(self.child.try_wait().expect("it is a child").is_none(), "the gateway has ended");
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub(crate) fn status(&self, key: &str) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or_default()
    }

    pub(crate) fn files(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).map_or(0, Iterator::count)
    }
}

/// A session.
pub(crate) struct Client {
    port: u16,
    session: String,
    next: AtomicU64,
}

impl Client {
    pub(crate) fn start(port: u16) -> Arc<Self> {
        let mut client = Self { port, session: String::new(), next: AtomicU64::new(1) };
        let initialize = json!({
            "jsonrpc": "2.0", "id": 0, "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25",
                "capabilities": { "elicitation": {} },
                "clientInfo": { "name": "hostile", "version": "1" },
            },
        });
        let lines = client.post(&initialize).expect("the gateway takes a connection").lines().map_while(Result::ok);
        let session = lines.into_iter().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("mcp-session-id").then(|| value.trim().to_owned())
        });
        client.session = session.expect("there is a session");
        client.notify("notifications/initialized", &json!({}));
        Arc::new(client)
    }

    /// What the gateway says to it, up to the end of the connection: HTTP/1.0 has no other.
    fn post(&self, message: &Value) -> std::io::Result<BufReader<TcpStream>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        let (body, session) = (
            message.to_string(),
            match self.session.as_str() {
                "" => String::new(),
                session => format!("Mcp-Session-Id: {session}\r\n"),
            },
        );
        let (port, length) = (self.port, body.len());
        let request = format!(
            "POST /mcp HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\n{session}Content-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes())?;
        Ok(BufReader::new(stream))
    }

    pub(crate) fn notify(&self, method: &str, params: &Value) {
        let sent = self.post(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
        // It may be about a call that is over; all that counts is that it was taken.
        let _ = sent.map(|mut answer| answer.read_to_end(&mut Vec::new()));
    }

    fn call(&self, id: u64, method: &str, params: &Value) -> Option<Value> {
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        for line in self.post(&request).ok()?.lines().map_while(Result::ok) {
            let Ok(message) = serde_json::from_str::<Value>(line.trim_start_matches("data:")) else { continue };
            assert!(message["result"]["forged"].is_null(), "a guest wrote to the client: {line}");
            if message["method"].is_string() && !message["id"].is_null() {
                // A question: nobody is at home.
                let answer = json!({ "jsonrpc": "2.0", "id": message["id"], "result": { "action": "decline" } });
                let _ = self.post(&answer).map(|mut taken| taken.read_to_end(&mut Vec::new()));
            } else if message["id"] == id {
                return Some(message);
            }
        }
        None
    }

    pub(crate) fn request(&self, method: &str, params: &Value) -> Value {
        self.call(self.next.fetch_add(1, Ordering::Relaxed), method, params).expect("it answers")
    }

    pub(crate) fn send(self: &Arc<Self>, method: &'static str, params: Value) -> (u64, mpsc::Receiver<Option<Value>>) {
        let (sender, receiver) = mpsc::channel();
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let client = self.clone();
        // Who waited may have given up.
        thread::spawn(move || drop(sender.send(client.call(id, method, &params))));
        (id, receiver)
    }
}
