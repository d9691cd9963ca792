//! What the gateway costs on stdio: `cargo bench -p gateway-tests --bench stdio`.
//!
//! Every figure stands beside the same calls without a gateway, taken in the same run. CPU per call is the steady one:
//! wall-clock time depends on where the kernel puts two processes.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "what goes wrong has to stop it, and its answer is printed"
)]

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

/// Calls of one measurement.
const CALLS: usize = 20_000;
/// Rounds; the median is printed.
const ROUNDS: usize = 5;

struct Client {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    line: String,
    id: usize,
}

impl Client {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
        let input = child.stdin.take().expect("it has a standard input");
        let output = BufReader::new(child.stdout.take().expect("it has a standard output"));
        let mut client = Self { child, input, output, line: String::new(), id: 0 };
        client.request(
            r#""method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}"#,
        );
        client.write("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n");
        client
    }

    fn write(&mut self, text: &str) {
        self.input.write_all(text.as_bytes()).expect("it reads");
    }

    fn send(&mut self, request: &str) {
        self.id += 1;
        let text = format!("{{\"jsonrpc\":\"2.0\",\"id\":{},{request}}}\n", self.id);
        self.write(&text);
    }

    /// The next answer; notifications are passed over.
    fn answer(&mut self) -> &str {
        loop {
            self.line.clear();
            assert!(self.output.read_line(&mut self.line).expect("it writes") > 0, "the program has ended");
            if self.line.contains("\"id\":") {
                assert!(!self.line.contains("\"error\""), "{}", self.line);
                assert!(!self.line.contains("\"isError\":true"), "{}", self.line);
                return &self.line;
            }
        }
    }

    fn request(&mut self, request: &str) -> &str {
        self.send(request);
        self.answer()
    }

    /// CPU time of the process itself, children not counted.
    fn cpu(&self) -> Duration {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("the process runs");
        let of_thread = |path: PathBuf| -> Option<u64> {
            std::fs::read_to_string(path.join("schedstat")).ok()?.split(' ').next()?.parse().ok()
        };
        Duration::from_nanos(threads.flatten().filter_map(|thread| of_thread(thread.path())).sum())
    }

    fn resident_kib(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("the process runs");
        let line = text.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or_default()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Clone, Copy)]
struct Figures {
    p50: Duration,
    cpu: Duration,
    per_second: f64,
}

/// One at a time for the time of a call, sixteen at a time for throughput.
fn measure(client: &mut Client, call: &str) -> Figures {
    for _ in 0..500 {
        client.request(call);
    }
    let cpu = client.cpu();
    let mut times: Vec<Duration> = (0..CALLS)
        .map(|_| {
            let start = Instant::now();
            client.request(call);
            start.elapsed()
        })
        .collect();
    let cpu = (client.cpu() - cpu) / CALLS as u32;
    times.sort_unstable();
    let start = Instant::now();
    for _ in 0..16 {
        client.send(call);
    }
    for _ in 0..CALLS {
        client.answer();
        client.send(call);
    }
    let per_second = CALLS as f64 / start.elapsed().as_secs_f64();
    for _ in 0..16 {
        client.answer();
    }
    Figures { p50: times[CALLS / 2], cpu, per_second }
}

fn median<T: Copy>(mut values: Vec<T>, by: impl Fn(&T) -> f64) -> T {
    values.sort_by(|a, b| by(a).total_cmp(&by(b)));
    values[values.len() / 2]
}

fn show(name: &str, figures: &[Figures], direct: Option<&[Figures]>) {
    let p50 = |f: &Figures| f.p50.as_secs_f64() * 1e6;
    let cpu = |f: &Figures| f.cpu.as_secs_f64() * 1e6;
    let all = || figures.to_vec();
    let ratio = direct.map(|direct| {
        let ratios = figures.iter().zip(direct).map(|(a, b)| p50(a) / p50(b)).collect();
        format!("  p50 is {:.2} x direct", median(ratios, |x| *x))
    });
    println!(
        "{name:<28} p50 {:>6.1} us  cpu of the process {:>6.1} us a call  {:>8.0} calls/s{}",
        p50(&median(all(), p50)),
        cpu(&median(all(), cpu)),
        median(all(), |f| f.per_second).per_second,
        ratio.unwrap_or_default()
    );
}

fn gateway(folder: &Path) -> Command {
    let mut command = Command::new(program("gateway"));
    command.args(["--quiet", "stdio", "--config"]).arg(folder.join("gateway.yaml"));
    command.env("XDG_CACHE_HOME", folder.join("cache")).env("XDG_STATE_HOME", folder.join("state"));
    command
}

/// A program of this workspace, built with the same profile as this one.
fn program(name: &str) -> PathBuf {
    let here = std::env::current_exe().expect("this program has a path");
    let folder = here.ancestors().nth(2).expect("it lies in `deps` of the profile's folder");
    let path = folder.join(name);
    assert!(path.exists(), "{} is missing: run `cargo build --release -p gateway-host` first", path.display());
    path
}

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests lies in the repository");
    let echo = env!("CARGO_BIN_EXE_echo-server");
    let calculator = root.join("plugins/calculator/calculator.wasm");
    assert!(calculator.exists(), "the calculator is not built: run `gateway plugin build plugins/calculator` first");
    let copies: String = (0..10).map(|n| format!("  p{n}: {}\n", calculator.display())).collect();
    let yaml = format!("servers:\n  echo: {{ command: {echo} }}\nplugins:\n{copies}");
    std::fs::write(folder.path().join("gateway.yaml"), yaml).expect("the folder can be written");

    let direct_call = r#""method":"tools/call","params":{"name":"echo","arguments":{"message":"hello"}}"#;
    let proxied_call = r#""method":"tools/call","params":{"name":"echo__echo","arguments":{"message":"hello"}}"#;
    let plugin_call = r#""method":"tools/call","params":{"name":"p0__add","arguments":{"a":1,"b":2}}"#;
    let (mut direct, mut proxied, mut plugin) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        direct.push(measure(&mut Client::start(Command::new(echo)), direct_call));
        let mut client = Client::start(gateway(folder.path()));
        proxied.push(measure(&mut client, proxied_call));
        plugin.push(measure(&mut client, plugin_call));
    }
    show("direct", &direct, None);
    show("through the gateway", &proxied, Some(&direct));
    show("plugin, fresh instance", &plugin, Some(&direct));

    let mut times = Vec::new();
    let mut resident = 0;
    for _ in 0..20 {
        let start = Instant::now();
        let client = Client::start(gateway(folder.path()));
        times.push(start.elapsed());
        resident = client.resident_kib();
    }
    times.sort_unstable();
    println!(
        "start to answered initialize, ten cached plugins: {:.1} ms; resident then: {:.1} MiB",
        times[times.len() / 2].as_secs_f64() * 1e3,
        resident as f64 / 1024.0
    );
}
