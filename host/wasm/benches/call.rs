//! What a call of a plugin costs: processor time of the whole process for each call of the calculator's `add`, one
//! after the other and sixteen at a time, and what the engine takes at its start.
//!
//! `cargo bench -p gateway-wasm`, after building the plugins.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a program for people to run by hand")]

use std::{
    path::Path,
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
const TOGETHER: u32 = 16;

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
        Arc::new(Snapshot::of(Arc::new(RoleSet::new(vec![], None)), &[], &Abilities::NONE))
    }

    fn invoke<'a>(&'a self, tool: &'a str, _: Option<Json>, _: Arc<Call>) -> Fut<'a, Result<Reply, CallError>> {
        Box::pin(async move { Err(CallError::UnknownTool(tool.into())) })
    }
}

fn plugin(cache: &Path) -> Arc<Plugin> {
    let options = EngineOptions { cache_dir: Some(cache.into()), ..EngineOptions::default() };
    let engine = Arc::new(PluginEngine::new(options));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let package = Arc::new(WasmFile(root.join("plugins/target/wasm32-wasip2/release/calculator.wasm")));
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

fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("every process has one");
    line.trim_start_matches("VmRSS:").trim().to_owned()
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
    println!("  resident before the engine         {}", resident());
    let plugin = plugin(cache);
    let start = Instant::now();
    plugin.learn().await.expect("it lists its tools");
    println!("  learnt in                          {:?}, resident {}", start.elapsed(), resident());
    let start = Instant::now();
    add(&plugin).await;
    println!("  first call in                      {:?}, resident {}", start.elapsed(), resident());
    for _ in 0..CALLS / 10 {
        add(&plugin).await;
    }
    measure("  one after the other", async {
        for _ in 0..CALLS {
            add(&plugin).await;
        }
    })
    .await;
    measure("  sixteen at a time", async {
        let together = (0..TOGETHER).map(|_| {
            let plugin = plugin.clone();
            tokio::spawn(async move {
                for _ in 0..CALLS / TOGETHER {
                    add(&plugin).await;
                }
            })
        });
        for task in together.collect::<Vec<_>>() {
            task.await.expect("it ends");
        }
    })
    .await;
    println!("  resident afterwards                {}", resident());
}

fn main() {
    let one = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it starts");
    // In a process that compiled nothing: `cargo bench -p gateway-wasm -- FOLDER`, twice.
    if let Some(folder) = std::env::args().skip(1).find(|argument| !argument.starts_with("--")) {
        return one.block_on(run("one thread", Path::new(&folder)));
    }
    let cache = tempfile::tempdir().expect("there is room");
    one.block_on(run("first start, one thread", cache.path()));
    one.block_on(run("second start, one thread", cache.path()));
    let many = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("it starts");
    many.block_on(async { tokio::spawn(async move { run("many threads", cache.path()).await }).await })
        .expect("it ends");
}
