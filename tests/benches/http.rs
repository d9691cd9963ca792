//! What the gateway costs over HTTP: `cargo bench -p gateway-tests --bench http`.
//!
//! Every figure stands beside the same calls without a gateway, taken in the same run. Direct is the least HTTP server
//! there is, which answers each request with its own message; behind the gateway stands `echo-server` on a pipe, so that
//! the difference is all of the gateway's work.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "what goes wrong has to stop it, and its answer is printed"
)]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use axum::{Router, body::Bytes, http::header::CONTENT_TYPE, routing::post, serve::ListenerExt as _};

/// Calls of one measurement.
const CALLS: usize = 10_000;
/// Rounds; the median is printed.
const ROUNDS: usize = 5;
/// Connections at once, for throughput.
const CROWD: usize = 16;

/// A server on a port.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let (out, err) = (child.stdout.take().expect("it is piped"), child.stderr.take().expect("it is piped"));
        let mut lines = BufReader::new(err).lines();
        let mut said = BufReader::new(out).lines();
        let line = match command.get_args().any(|argument| argument == "serve") {
            true => lines.next(),
            false => said.next(),
        };
        let line = line.expect("it says where it listens").expect("it writes text");
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        Self { child, address: address.expect("it says where it listens").to_owned() }
    }

    /// CPU time of the process itself, children not counted.
    fn cpu(&self) -> Duration {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("the process runs");
        let of_thread = |path: PathBuf| -> Option<u64> {
            std::fs::read_to_string(path.join("schedstat")).ok()?.split(' ').next()?.parse().ok()
        };
        Duration::from_nanos(threads.flatten().filter_map(|thread| of_thread(thread.path())).sum())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One connection, kept alive.
struct Client {
    stream: BufReader<TcpStream>,
    head: String,
    line: String,
    body: Vec<u8>,
}

impl Client {
    fn new(address: &str, more: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_nodelay(true).expect("it is TCP");
        let head = format!(
            "POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\n{more}Content-Length: "
        );
        Self { stream: BufReader::new(stream), head, line: String::new(), body: Vec::new() }
    }

    /// The session's id, where the answer brings one.
    fn request(&mut self, message: &str) -> Option<String> {
        let text = format!("{}{}\r\n\r\n{message}", self.head, message.len());
        self.stream.get_mut().write_all(text.as_bytes()).expect("it reads");
        let (mut length, mut session) = (0, None);
        loop {
            self.line.clear();
            assert!(self.stream.read_line(&mut self.line).expect("it answers") > 0, "the server has closed");
            let line = self.line.trim_end();
            if line.is_empty() {
                break;
            }
            assert!(!line.starts_with("HTTP/1.1") || line.contains(" 20"), "{line}");
            match line.split_once(": ") {
                Some(("content-length", value)) => length = value.parse().expect("a length"),
                Some(("mcp-session-id", value)) => session = Some(value.to_owned()),
                _ => {}
            }
        }
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body).expect("it answers");
        session
    }
}

#[derive(Clone, Copy)]
struct Figures {
    p50: Duration,
    cpu: Duration,
    per_second: f64,
}

/// One at a time for the time of a call, sixteen at a time for throughput.
fn measure(server: &Server, more: &str, call: &str) -> Figures {
    let mut client = Client::new(&server.address, more);
    for _ in 0..500 {
        client.request(call);
    }
    let cpu = server.cpu();
    let mut times: Vec<Duration> = (0..CALLS)
        .map(|_| {
            let start = Instant::now();
            client.request(call);
            start.elapsed()
        })
        .collect();
    let cpu = (server.cpu() - cpu) / CALLS as u32;
    times.sort_unstable();
    let start = Instant::now();
    thread::scope(|scope| {
        for at in 0..CROWD {
            // An id is running once in a session.
            let call = call.replacen("\"id\":7", &format!("\"id\":{}", 100 + at), 1);
            scope.spawn(move || {
                let mut client = Client::new(&server.address, more);
                (0..CALLS / CROWD).for_each(|_| drop(client.request(&call)));
            });
        }
    });
    let per_second = CALLS as f64 / start.elapsed().as_secs_f64();
    Figures { p50: times[CALLS / 2], cpu, per_second }
}

fn median<T: Copy>(mut values: Vec<T>, by: impl Fn(&T) -> f64) -> T {
    values.sort_by(|a, b| by(a).total_cmp(&by(b)));
    values[values.len() / 2]
}

fn show(name: &str, figures: &[Figures], direct: Option<&[Figures]>) {
    let p50 = |f: &Figures| f.p50.as_secs_f64() * 1e6;
    let cpu = |f: &Figures| f.cpu.as_secs_f64() * 1e6;
    let ratio = direct.map(|direct| {
        let ratios = figures.iter().zip(direct).map(|(a, b)| p50(a) / p50(b)).collect();
        format!("  p50 is {:.2} x direct", median(ratios, |x| *x))
    });
    println!(
        "{name:<28} p50 {:>6.1} us  cpu of the process {:>6.1} us a call  {:>8.0} calls/s{}",
        p50(&median(figures.to_vec(), p50)),
        cpu(&median(figures.to_vec(), cpu)),
        median(figures.to_vec(), |f| f.per_second).per_second,
        ratio.unwrap_or_default()
    );
}

/// The least HTTP server: `http ECHO`.
fn echo() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("there are threads");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        println!("http://{}/mcp", listener.local_addr().expect("it has an address"));
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let answer = |body: Bytes| async { ([(CONTENT_TYPE, "application/json")], body) };
        axum::serve(listener, Router::new().route("/mcp", post(answer))).await.expect("it serves");
    });
}

/// A program of this workspace, built with the same profile as this one.
fn program(name: &str) -> PathBuf {
    let here = std::env::current_exe().expect("this program has a path");
    let folder = here.ancestors().nth(2).expect("it lies in `deps` of the profile's folder");
    let path = folder.join(name);
    assert!(path.exists(), "{} is missing: run `cargo build --release -p gateway-host` first", path.display());
    path
}

fn gateway(folder: &Path) -> Server {
    let mut command = Command::new(program("gateway"));
    command.args(["serve", "--port", "0", "--config"]).arg(folder.join("gateway.yaml"));
    command.args(["--log-level", "warn"]);
    command.env("XDG_CACHE_HOME", folder.join("cache")).env("XDG_STATE_HOME", folder.join("state"));
    Server::start(command)
}

fn main() {
    const ECHO: &str = "echo";
    if std::env::args().nth(1).as_deref() == Some(ECHO) {
        return echo();
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let yaml = format!("servers:\n  echo: {{ command: {} }}\n", env!("CARGO_BIN_EXE_echo-server"));
    std::fs::write(folder.path().join("gateway.yaml"), yaml).expect("the folder can be written");
    let hello = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#;
    let call = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo__echo","arguments":{"message":"hello"}}}"#;
    let alone = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo__echo","arguments":{"message":"hello"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
    let headers = "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: echo__echo\r\n";
    let (mut direct, mut session, mut stateless) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
        command.arg(ECHO);
        direct.push(measure(&Server::start(command), "", call));
        let server = gateway(folder.path());
        let id = Client::new(&server.address, "").request(hello).expect("a session has an id");
        session.push(measure(&server, &format!("Mcp-Session-Id: {id}\r\n"), call));
        stateless.push(measure(&server, headers, alone));
    }
    show("an HTTP server that echoes", &direct, None);
    show("the gateway, in a session", &session, Some(&direct));
    show("the gateway, 2026-07-28", &stateless, Some(&direct));
}
