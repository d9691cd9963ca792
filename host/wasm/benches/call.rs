//! What a call of a plugin costs: processor time of the whole process for each call of the calculator's `add`, one
//! after the other, sixteen and sixty-four at a time, and what the engine takes at its start.
//!
//! `cargo bench -p gateway-wasm`, after building the plugins. Further arguments, each alone:
//!
//! * `-- FOLDER`: with this folder for what is compiled. The second time, in a process that compiles nothing.
//! * `-- grow`: a million calls, and how much larger the process is afterwards.
//! * `-- load FILE.wasm`: how long a component takes to be loaded that was compiled before.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a program for people to run by hand")]

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use gateway_core::{
    call::{Call, Caller},
    error::CallError,
    name::{Naming, SourceName},
    payload::{Json, Reply, Request},
    role::RoleSet,
    snapshot::Snapshot,
    source::{Abilities, Client, Dispatch, Events, Fut, Source},
};
use gateway_wasm::{EngineOptions, Plugin, PluginEngine, PluginSettings, WasmFile};

/// Calls that are measured; the processor's clock counts in steps of 10 ms.
const CALLS: u32 = 100_000;
const TOGETHER: [u32; 2] = [16, 64];
/// How often a component is loaded.
const LOADS: usize = 200;
/// Calls after which the process is held to be as large as it gets, and those that must not make it larger.
const SETTLED: u32 = 100_000;
const MANY: u32 = 1_000_000;

/// A client and a gateway that nobody speaks to.
struct Nobody;

impl Client for Nobody {
    fn progress(&self, _: &Json, _: &Json) {}

    fn ask(&self, _: Box<str>, _: Option<Json>) -> Fut<'_, Result<Json, Json>> {
        Box::pin(async { Err(Json::empty_object()) })
    }
}

impl Dispatch for Nobody {
    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::new(Snapshot::of(Arc::new(RoleSet::new(vec![], None)), &[], &Abilities::NONE, Arc::default()))
    }

    fn invoke<'a>(&'a self, tool: &'a str, _: Option<Json>, _: Arc<Call>) -> Fut<'a, Result<Reply, CallError>> {
        Box::pin(async move { Err(CallError::UnknownTool(tool.into())) })
    }
}

fn calculator() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/target/wasm32-wasip2/release/calculator.wasm")
}

fn plugin(cache: &Path, file: PathBuf) -> Arc<Plugin> {
    let options = EngineOptions { cache_dir: Some(cache.into()), ..EngineOptions::default() };
    let engine = Arc::new(PluginEngine::new(options));
    let package = Arc::new(WasmFile(file));
    let name = SourceName::new("calculator").expect("it is a name");
    let (naming, (events, _)) = (Naming::canonical(&name), Events::channel());
    Arc::new(Plugin::new(name, naming, package, PluginSettings::default(), engine, events))
}

async fn add(plugin: &Plugin) {
    let caller = Caller { role: RoleSet::new(vec![], None).resolve(None).expect("there is one") };
    let call = Arc::new(Call::root(caller, None, Arc::new(Nobody), Arc::new(Nobody)));
    let arguments = Json::parse(r#"{"a":2,"b":40}"#).expect("it is JSON");
    let reply = plugin.call(Request::new("add".into(), Some(arguments)), call).await.expect("it adds");
    assert!(reply.body.as_str().contains("42"), "{reply:?}");
}

/// Time on processors, of all threads of this process.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("this is Linux");
    let fields = stat.rsplit_once(") ").expect("the name stands in brackets").1.split(' ');
    let ticks: u64 = fields.skip(11).take(2).map(|field| field.parse::<u64>().expect("it is a number")).sum();
    Duration::from_millis(ticks * 10)
}

/// KiB of this process that are in memory.
fn resident() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("every process has one");
    line.trim_start_matches("VmRSS:").trim_end_matches("kB").trim().parse().expect("it is a number")
}

/// So many calls, by `callers` at the same time.
async fn call(plugin: &Arc<Plugin>, calls: u32, callers: u32) {
    let caller = |_| {
        let plugin = plugin.clone();
        tokio::spawn(async move {
            for _ in 0..calls / callers {
                add(&plugin).await;
            }
        })
    };
    for task in (0..callers).map(caller).collect::<Vec<_>>() {
        task.await.expect("it ends");
    }
}

/// Whether the process grows with its calls.
async fn grow(cache: &Path) {
    let plugin = plugin(cache, calculator());
    call(&plugin, SETTLED, TOGETHER[0]).await;
    let before = resident();
    call(&plugin, MANY, TOGETHER[0]).await;
    let after = resident();
    println!("{MANY} calls: resident {before} KiB before, {after} KiB afterwards, {} KiB more", after - before);
}

/// How long it takes to load a component that was compiled before, in an engine that runs already.
async fn load(cache: &Path, file: &Path) {
    let loaded = plugin(cache, file.to_owned());
    loaded.load().await.expect("it can be loaded");
    let mut times = Vec::new();
    for _ in 0..LOADS {
        loaded.stop(Duration::ZERO).await;
        let start = Instant::now();
        loaded.load().await.expect("it can be loaded");
        times.push(start.elapsed());
    }
    times.sort();
    println!("at best {:?}, mostly {:?}, of {LOADS} times", times[0], times[LOADS / 2]);
}

/// Runs `work`, which makes [`CALLS`] calls, and prints what each of them took.
async fn measure(what: &str, work: impl Future<Output = ()>) {
    let (wall, processor) = (Instant::now(), processor_time());
    work.await;
    let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(CALLS);
    let (wall, processor) = (each(wall.elapsed()), each(processor_time() - processor));
    println!("{what:<32} {processor:6.1} us of processor time a call, {wall:6.1} us apart");
}

async fn run(what: &str, cache: &Path) {
    println!("{what}");
    println!("  resident before the engine         {} KiB", resident());
    let plugin = plugin(cache, calculator());
    let start = Instant::now();
    plugin.learn().await.expect("it lists its tools");
    println!("  learnt in                          {:?}, resident {} KiB", start.elapsed(), resident());
    let start = Instant::now();
    add(&plugin).await;
    println!("  first call in                      {:?}, resident {} KiB", start.elapsed(), resident());
    for _ in 0..CALLS / 10 {
        add(&plugin).await;
    }
    measure("  one after the other", async {
        for _ in 0..CALLS {
            add(&plugin).await;
        }
    })
    .await;
    for callers in TOGETHER {
        measure(&format!("  {callers} at a time"), call(&plugin, CALLS, callers)).await;
    }
    println!("  resident afterwards                {} KiB", resident());
}

fn main() {
    let one = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it starts");
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let cache = tempfile::tempdir().expect("there is room");
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["grow"] => return one.block_on(grow(cache.path())),
        ["load", file] => return one.block_on(load(cache.path(), Path::new(file))),
        [folder] => return one.block_on(run("one thread", Path::new(folder))),
        _ => {}
    }
    one.block_on(run("first start, one thread", cache.path()));
    one.block_on(run("second start, one thread", cache.path()));
    let many = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("it starts");
    many.block_on(async { tokio::spawn(async move { run("many threads", cache.path()).await }).await })
        .expect("it ends");
}
