//! What hostile plugins do to honest calls: `cargo bench -p gateway-tests --bench hostile -- --seconds 600`.
//!
//! One gateway with every guest of `tests/guests` that has a bad habit, each called again and again, all at the same time;
//! beside them honest calls of another session, whose times stand beside the same calls without the others, taken in the
//! same run. So do those of a line that goes to `cat` and back meanwhile: what the machine itself makes everybody wait; and,
//! before all that, honest calls among as many others that are as honest, and as eager: what belongs to a load as such.
//! With `-- --pace 20` each of the others waits so many milliseconds between two calls: without it there are as many calls
//! as the processors have time for, and an honest one has its turn among them. With `-- --each 5` each of them is there
//! alone for so many seconds, one after the other; `-- --only spin` takes the habits of one guest.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "what goes wrong has to stop it, and its answer is printed"
)]

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use gateway_tests::{
    guests::{self, Guest},
    place,
};
use serde_json::{Value, json};

#[path = "hostile/gateway.rs"]
mod gateway;

use self::gateway::{Client, Serving};

/// Between two honest calls.
const PAUSE: Duration = Duration::from_millis(2);
/// How long the honest calls are measured alone.
const ALONE: Duration = Duration::from_secs(10);
/// How long a single call may take before it counts as lost.
const LOST: Duration = Duration::from_secs(60);
/// When a call that never ends by itself is cancelled.
const CANCEL: Duration = Duration::from_millis(100);

/// A bad habit: a guest, a tool of it, and whether the call is cancelled.
struct Habit {
    guest: Guest,
    tool: &'static str,
    arguments: Value,
    cancel: bool,
}

fn habits(port: u16) -> Vec<Habit> {
    let habit = |guest, tool, arguments| Habit { guest, tool, arguments, cancel: false };
    let url = format!("http://127.0.0.1:{port}/");
    vec![
        habit(guests::SPIN, "spin", json!({})),
        habit(guests::HOARD, "hoard", json!({})),
        habit(guests::RECURSE, "recurse", json!({})),
        habit(guests::PANICS, "panic", json!({})),
        habit(guests::TRAPS, "outside", json!({})),
        habit(guests::FLOOD, "flood", json!({ "mib": 8 })),
        habit(guests::HUGE, "pieces", json!({ "count": 2_000_000 })),
        habit(guests::HUGE, "nest", json!({ "depth": 100_000 })),
        habit(guests::FILES, "open", json!({ "path": "/data/file", "times": 10_000 })),
        habit(guests::FILES, "fill", json!({ "path": "/data/full", "mib": 100 })),
        habit(guests::FILES, "read", json!({ "path": "/data/../../../../etc/passwd" })),
        habit(guests::NET, "get", json!({ "url": "http://169.254.169.254/" })),
        habit(guests::NET, "connect", json!({ "address": format!("127.0.0.1:{port}") })),
        habit(guests::ENV, "environment", json!({})),
        habit(guests::SLEEPY, "sleep", json!({ "milliseconds": 3_600_000 })),
        habit(guests::EXITS, "exit", json!({})),
        habit(guests::LIES, "break-json", json!({})),
        habit(guests::STORM, "fork", json!({ "tool": "storm__fork" })),
        habit(guests::STORM, "storm", json!({ "tool": "calculator__add" })),
        habit(guests::CHATTER, "chatter", json!({ "steps": 2000 })),
        habit(guests::DICE, "all", json!({})),
        habit(guests::DICE, "often", json!({})),
        habit(guests::CLOCK, "watch", json!({})),
        Habit { cancel: true, ..habit(guests::DEAF, "go_on", json!({ "by": "waiting" })) },
        Habit { cancel: true, ..habit(guests::DEAF, "go_on", json!({ "by": "working" })) },
        habit(guests::MOJIBAKE, "answer", json!({})),
        habit(guests::GROW, "grow", json!({})),
        habit(guests::GHOST, "haunt", json!({ "place": "heap" })),
        habit(guests::GHOST, "haunt", json!({ "place": "leak" })),
        habit(guests::FORGE, "forge", json!({})),
        habit(guests::NAN, "run", json!({})),
        habit(guests::POUR, "drink", json!({ "url": url })),
        habit(guests::POUR, "pour", json!({ "url": url })),
        habit(guests::PACKRAT, "hoard", json!({})),
        habit(guests::PACKRAT, "buckets", json!({})),
        habit(guests::NAG, "user", json!({})),
        habit(guests::SCHEMA_BOMB, "run", json!({ "text": "a".repeat(50_000) })),
        habit(guests::START_SPIN, "run", json!({})),
        habit(guests::MANY_TOOLS, "tool-1", json!({})),
        habit(guests::BAD_LIST, "run", json!({})),
        habit(guests::BAD_SCHEMA, "run", json!({})),
        habit(guests::SLOW_LIST, "run", json!({})),
    ]
}

/// The configuration, below which everything is small.
fn configuration(habits: &[Habit], port: u16) -> Value {
    let limits = json!({ "memory": "32MiB", "time": "2s", "output": "1MiB", "storage": "4MiB", "files": "4MiB", "network": "4MiB" });
    let permissions = |guest: &Guest| match guest.name {
        "files" => json!({ "files": [{ "path": "./data", "mount": "/data", "write": true }] }),
        "pour" => json!({ "net": [format!("http://127.0.0.1:{port}")] }),
        "storm" => json!({ "tools": ["*"] }),
        "nag" => json!({ "client": ["elicitation", "sampling", "roots"] }),
        _ => json!({}),
    };
    let mut plugins = serde_json::Map::new();
    for habit in habits {
        let entry =
            json!({ "source": habit.guest.source(), "limits": limits, "permissions": permissions(&habit.guest) });
        plugins.insert(habit.guest.name.to_owned(), entry);
    }
    plugins.insert("calculator".to_owned(), guests::CALCULATOR.source().into());
    plugins.insert("text".to_owned(), guests::TEXT.source().into());
    json!({ "plugins": plugins, "watch": false })
}

/// How honest calls went.
#[derive(Default)]
struct Honest {
    times: Vec<Duration>,
    wrong: usize,
}

impl Honest {
    /// Sends lines to `cat` until `over`.
    fn echo(over: impl Fn() -> bool) -> Self {
        let mut honest = Self::default();
        let cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut cat = cat.expect("there is a `cat`");
        let (mut input, output) = cat.stdin.take().zip(cat.stdout.take()).expect("it has both");
        let mut lines = BufReader::new(output).lines();
        while !over() {
            let start = Instant::now();
            let echoed = writeln!(input, "there and back").map(|()| lines.next());
            honest.times.push(start.elapsed());
            honest.wrong += usize::from(!matches!(echoed, Ok(Some(Ok(_)))));
            thread::sleep(PAUSE);
        }
        drop(input);
        let _ = cat.wait();
        honest.times.sort_unstable();
        honest
    }

    /// Calls honest tools in turn until `over`, with this pause between two calls.
    fn run(client: &Client, pause: Duration, over: impl Fn() -> bool) -> Self {
        let mut honest = Self::default();
        for n in 0_u64.. {
            if over() {
                break;
            }
            let (tool, arguments, expected) = match n % 2 {
                0 => ("calculator__add", json!({ "a": n, "b": 0.5 }), format!("{n}.5")),
                _ => ("calculator__evaluate", json!({ "expression": "2*3+1" }), "7".to_owned()),
            };
            let start = Instant::now();
            let answer = client.request("tools/call", &json!({ "name": tool, "arguments": arguments }));
            honest.times.push(start.elapsed());
            honest.wrong += usize::from(answer["result"]["content"][0]["text"] != expected);
            thread::sleep(pause);
        }
        honest.times.sort_unstable();
        honest
    }

    fn show(&self, name: &str) {
        let at = |part: f64| self.times[((self.times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
        println!(
            "{name:24} {:>8} calls, {} wrong; p50 {:.3} ms, p99 {:.3} ms, p99.9 {:.3} ms, longest {:.3} ms",
            self.times.len(),
            self.wrong,
            at(0.5),
            at(0.99),
            at(0.999),
            at(1.0),
        );
    }
}

/// One habit, again and again: what it gave, in words, and how often.
fn misbehave(client: &Arc<Client>, habit: &Habit, pace: Duration, over: &AtomicBool) -> BTreeMap<String, usize> {
    let mut outcomes = BTreeMap::new();
    let name = format!("{}__{}", habit.guest.name, habit.tool);
    while !over.load(Ordering::Relaxed) {
        thread::sleep(pace);
        let (id, receiver) = client.send("tools/call", json!({ "name": name, "arguments": habit.arguments }));
        if habit.cancel {
            thread::sleep(CANCEL);
            client.notify("notifications/cancelled", &json!({ "requestId": id }));
            *outcomes.entry("cancelled".to_owned()).or_default() += 1;
            continue;
        }
        let outcome = match receiver.recv_timeout(LOST) {
            Err(_) | Ok(None) => "LOST".to_owned(),
            Ok(Some(answer)) if answer["error"].is_object() => answer["error"]["message"].to_string(),
            Ok(Some(answer)) => {
                let text = answer["result"]["content"][0]["text"].as_str().unwrap_or_default();
                let first: String = text.lines().next().unwrap_or_default().chars().take(90).collect();
                format!("{}{first}", if answer["result"]["isError"] == true { "error: " } else { "" })
            }
        };
        *outcomes.entry(outcome).or_default() += 1;
    }
    outcomes
}

/// Honest calls beside one habit at a time.
fn one_by_one(habits: &[Habit], hostile: &Arc<Client>, client: &Client, pace: Duration, each: Duration) {
    for habit in habits {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| misbehave(hostile, habit, pace, &over));
            let begun = Instant::now();
            let is_over = move || begun.elapsed() > each;
            let echo = scope.spawn(move || Honest::echo(is_over));
            Honest::run(client, PAUSE, is_over).show(&format!("{} {}", habit.guest.name, habit.tool));
            echo.join().expect("it ends").show("`cat` meanwhile");
            over.store(true, Ordering::Relaxed);
        });
    }
}

/// A server that answers everybody with a body that never ends, and takes whatever it is sent.
fn endless() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let port = listener.local_addr().expect("it has one").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let (mut input, mut output) = (stream.try_clone().expect("it is a socket"), stream);
                let mut buffer = [0; 65536];
                let begun = input.read(&mut buffer).unwrap_or_default();
                if buffer[..begun].starts_with(b"POST") {
                    while input.read(&mut buffer).is_ok_and(|read| read > 0) {}
                    return;
                }
                let _ = output.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n");
                while output.write_all(&buffer).is_ok() {}
            });
        }
    });
    port
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |name: &str| -> Option<u64> {
        let at = arguments.iter().position(|argument| argument == name)?;
        Some(arguments[at + 1].parse().expect("a number"))
    };
    let (seconds, pace) =
        (number("--seconds").unwrap_or(60), number("--pace").map_or(Duration::ZERO, Duration::from_millis));
    let port = endless();
    let only = arguments.iter().position(|argument| argument == "--only").map(|at| arguments[at + 1].clone());
    let mut habits = habits(port);
    habits.retain(|habit| only.as_ref().is_none_or(|only| habit.guest.name == only));
    let folder = tempfile::tempdir().expect("there is room");
    fs::create_dir(folder.path().join("data")).expect("there is room");
    fs::write(folder.path().join("data/file"), "a file").expect("there is room");
    fs::write(folder.path().join("gateway.yaml"), configuration(&habits, port).to_string()).expect("there is room");
    let mut command = Command::new(place::gateway());
    command.current_dir(folder.path());
    command.env("XDG_CACHE_HOME", folder.path().join("cache")).env("XDG_STATE_HOME", folder.path().join("state"));
    let mut serving = Serving::start(command);
    let [hostile, client] = [(); 2].map(|()| Client::start(serving.port));

    // What is compiled once is not what is measured: until nothing more is listed.
    let mut listed = Value::Null;
    loop {
        let list = client.request("tools/list", &json!({}));
        if std::mem::replace(&mut listed, list["result"]["tools"].clone()) == listed {
            break;
        }
    }
    client.request("tools/call", &json!({ "name": "calculator__add", "arguments": { "a": 1, "b": 2 } }));
    let begun = Instant::now();
    let alone = Honest::run(&client, PAUSE, || begun.elapsed() > ALONE);
    alone.show("alone");
    if let Some(seconds) = number("--each") {
        one_by_one(&habits, &hostile, &client, pace, Duration::from_secs(seconds));
        serving.end();
        return;
    }
    let honest = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in &habits {
            scope.spawn(|| Honest::run(&hostile, pace, || honest.load(Ordering::Relaxed)));
        }
        let begun = Instant::now();
        Honest::run(&client, PAUSE, || begun.elapsed() > ALONE).show("among as many honest");
        honest.store(true, Ordering::Relaxed);
    });
    let (before, files) = (serving.status("VmRSS:"), serving.files());

    let (over, peak) = (AtomicBool::new(false), AtomicU64::new(0));
    let outcomes = thread::scope(|scope| {
        let threads: Vec<_> =
            habits.iter().map(|habit| scope.spawn(|| misbehave(&hostile, habit, pace, &over))).collect();
        let end = Instant::now() + Duration::from_secs(seconds);
        let is_over = move || Instant::now() > end;
        let echo = scope.spawn(move || Honest::echo(is_over));
        let among = Honest::run(&client, PAUSE, || {
            peak.fetch_max(serving.status("VmRSS:"), Ordering::Relaxed);
            is_over()
        });
        among.show("among hostile plugins");
        echo.join().expect("it ends").show("`cat` meanwhile");
        over.store(true, Ordering::Relaxed);
        threads.into_iter().map(|thread| thread.join().expect("it ends")).collect::<Vec<_>>()
    });
    // The last guests have ended; what they held is given back.
    let begun = Instant::now();
    Honest::run(&client, PAUSE, || begun.elapsed() > ALONE).show("alone again");
    println!(
        "memory: {before} KiB before, {} KiB at most, {} KiB after; files: {files} before, {} after; threads: {}",
        peak.load(Ordering::Relaxed),
        serving.status("VmRSS:"),
        serving.files(),
        serving.status("Threads:"),
    );
    for (habit, outcomes) in habits.iter().zip(outcomes) {
        println!("{} {}", habit.guest.name, habit.tool);
        for (outcome, count) in outcomes {
            println!("    {count:>7} x {outcome}");
        }
    }
    serving.end();
}
