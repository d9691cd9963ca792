//! An HTTP server that does what a test tells it, and tells the test what it sees.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use serde_json::{Value, json};

use crate::wait::Watched;

/// The server. It stops with this value.
pub struct FakeHttp {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

/// A request that it got.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The method of HTTP.
    pub method: String,
    /// The path, and the query.
    pub target: String,
    /// The headers, their names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// The body as JSON, where it is some.
    pub json: Value,
}

/// The way to answer a request.
pub struct Exchange {
    stream: TcpStream,
    answered: bool,
}

type Behaviour = dyn Fn(&Asked, &mut Exchange) + Send + Sync;

struct Shared {
    behaviour: Box<Behaviour>,
    asked: Watched<Vec<Asked>>,
    open: Watched<Vec<TcpStream>>,
    stopped: AtomicBool,
}

impl FakeHttp {
    /// Answers as `behaviour` does; a request that it leaves alone loses its connection.
    ///
    /// # Panics
    /// Where it cannot listen.
    pub fn new(behaviour: impl Fn(&Asked, &mut Exchange) + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), behaviour)
    }

    /// The same at an address.
    ///
    /// # Panics
    /// Where it cannot listen there.
    pub fn at(address: SocketAddr, behaviour: impl Fn(&Asked, &mut Exchange) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            behaviour: Box::new(behaviour),
            asked: Watched::default(),
            open: Watched::default(),
            stopped: AtomicBool::new(false),
        });
        let server = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if server.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let server = server.clone();
                server.open.change(|open| open.push(stream.try_clone().unwrap()));
                thread::spawn(move || server.serve(stream));
            }
        });
        Self { address, shared }
    }

    /// Where a path is.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The first request that `is` wanted, once it has come.
    ///
    /// # Panics
    /// Where it does not come.
    #[track_caller]
    pub fn asked(&self, what: &str, is: impl Fn(&Asked) -> bool) -> Asked {
        let found = self.shared.asked.until(|asked| asked.iter().find(|asked| is(asked)).cloned());
        found.unwrap_or_else(|| panic!("was not asked {what}: {:#?}", self.all()))
    }

    /// All requests until now.
    #[must_use]
    pub fn all(&self) -> Vec<Asked> {
        self.shared.asked.lock().clone()
    }

    /// How many requests had this method of MCP.
    #[must_use]
    pub fn count(&self, method: &str) -> usize {
        self.all().iter().filter(|asked| asked.method() == method).count()
    }

    /// Stops listening, and cuts all connections.
    pub fn stop(&self) {
        if !self.shared.stopped.swap(true, Ordering::SeqCst) {
            // Wakes it up, so that it sees that it is to stop.
            let _ = TcpStream::connect(self.address);
            self.cut();
        }
    }

    /// Cuts all connections.
    pub fn cut(&self) {
        for stream in self.shared.open.lock().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for FakeHttp {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        stream.set_nodelay(true).unwrap();
        let mut exchange = Exchange { stream, answered: true };
        while exchange.answered {
            let Some(asked) = read(&mut reader) else { break };
            self.asked.change(|all| all.push(asked.clone()));
            exchange.answered = false;
            (self.behaviour)(&asked, &mut exchange);
        }
        let _ = exchange.stream.shutdown(Shutdown::Both);
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, n)| n.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let json = serde_json::from_slice(&body).unwrap_or_default();
    Some(Asked { method, target, headers, body: String::from_utf8_lossy(&body).into_owned(), json })
}

impl Asked {
    /// A header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The method of MCP, where it is a message.
    #[must_use]
    pub fn method(&self) -> &str {
        self.json["method"].as_str().unwrap_or_default()
    }

    /// The tool that is called.
    #[must_use]
    pub fn tool(&self) -> Option<&str> {
        (self.method() == "tools/call").then(|| self.json["params"]["name"].as_str())?
    }

    /// An answer with this result.
    #[must_use]
    pub fn result(&self, result: &Value) -> Value {
        json!({ "jsonrpc": "2.0", "id": self.json["id"], "result": result })
    }

    /// An answer whose result is a text.
    #[must_use]
    pub fn says(&self, text: &str) -> Value {
        self.result(&json!({ "content": [{ "type": "text", "text": text }] }))
    }
}

impl Exchange {
    /// Answers with a body.
    pub fn answer(&mut self, status: &str, headers: &[(&str, &str)], body: &str) {
        let mut head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        // Whoever went away meanwhile is not served.
        let _ = self.stream.write_all(format!("{head}\r\n{body}").as_bytes());
        self.answered = true;
    }

    /// Answers with JSON.
    pub fn json(&mut self, json: &Value) {
        self.answer("200 OK", &[("Content-Type", "application/json")], &json.to_string());
    }

    /// Answers with a status alone.
    pub fn status(&mut self, status: &str) {
        self.answer(status, &[], "");
    }

    /// Begins a stream of events.
    pub fn stream(&mut self) {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        let _ = self.stream.write_all(head.as_bytes());
    }

    /// Adds to the stream as it is.
    pub fn write(&mut self, text: &str) {
        let _ = self.stream.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes());
    }

    /// Adds a message to the stream.
    pub fn event(&mut self, json: &Value) {
        self.write(&format!("event: message\ndata: {json}\n\n"));
    }

    /// Ends the stream in order.
    pub fn end(&mut self) {
        let _ = self.stream.write_all(b"0\r\n\r\n");
        self.answered = true;
    }

    /// Waits until the other side has gone.
    pub fn until_gone(&mut self) {
        let mut one = [0; 1];
        while self.stream.read(&mut one).is_ok_and(|read| read > 0) {}
    }
}

/// What a server with one tool, `t`, does, calls excepted: `tools/call` is answered by `call`. Sessions are numbered.
pub fn server(call: impl Fn(&Asked, &mut Exchange) + Send + Sync + 'static) -> FakeHttp {
    FakeHttp::new(behaviour(call))
}

/// The same, to be put into something else.
pub fn behaviour(
    call: impl Fn(&Asked, &mut Exchange) + Send + Sync + 'static,
) -> impl Fn(&Asked, &mut Exchange) + Send + Sync {
    let sessions = std::sync::atomic::AtomicUsize::new(0);
    move |asked, exchange| match (asked.method.as_str(), asked.method()) {
        ("POST", "initialize") => {
            let session = format!("session-{}", sessions.fetch_add(1, Ordering::SeqCst) + 1);
            let hello = json!({
                "protocolVersion": asked.json["params"]["protocolVersion"],
                "capabilities": { "tools": {} },
                "serverInfo": { "name": "fake", "version": "1" },
            });
            let headers = [("Content-Type", "application/json"), ("Mcp-Session-Id", session.as_str())];
            exchange.answer("200 OK", &headers, &asked.result(&hello).to_string());
        }
        ("POST", "tools/list") => {
            exchange.json(&asked.result(&json!({ "tools": [{ "name": "t", "inputSchema": { "type": "object" } }] })));
        }
        ("POST", "tools/call") => call(asked, exchange),
        ("POST", "ping") => exchange.json(&asked.result(&json!({}))),
        ("POST", "server/discover") => exchange.json(&json!({
            "jsonrpc": "2.0", "id": asked.json["id"], "error": { "code": -32601, "message": "Method not found" }
        })),
        ("POST", _) => exchange.status("202 Accepted"),
        ("GET", _) => exchange.status("405 Method Not Allowed"),
        _ => exchange.status("200 OK"),
    }
}

/// What an address answers to a GET, as a browser without a memory would see it: the status, the headers, the body.
///
/// # Panics
/// Where there is no answer.
#[must_use]
pub fn get(url: &str) -> (u16, Vec<(String, String)>, String) {
    let (host, path) = url.strip_prefix("http://").and_then(|rest| rest.split_once('/')).expect("an http address");
    let mut stream = TcpStream::connect(host).unwrap();
    stream.write_all(format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    // A server that keeps the connection is not waited for.
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let status =
        line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{url}: {line}"));
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, n)| n.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (status, headers, String::from_utf8_lossy(&body).into_owned())
}
