//! Whatever is handed to the gateway as a plugin, or lies in its cache, gives an answer or an error: never a crash, within
//! the limits of time and memory.
//!
//! The cases are made from a seed, the same every time; `GATEWAY_FUZZ_SECONDS` says how long (4), `GATEWAY_FUZZ_SEED`
//! from where. Each case is written down before it is tried, so that one that ends the process can be tried again.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a failed expectation fails the test, which says how to repeat it"
)]

mod mutate;
mod random;
#[path = "../all/support.rs"]
#[allow(dead_code, reason = "this test needs a part of it")]
mod support;
mod types;

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use gateway_core::name::SourceName;
use gateway_wasm::{EngineOptions, PluginEngine, PluginSettings, inspect};
use serde_json::{Value, json};

use crate::{
    mutate::damaged,
    random::Random,
    support::{LONG, Stage, example, guest, settings},
};

/// Components that are small, so that many cases are tried.
const SMALL: [&str; 7] = ["plain", "shapes", "handles", "plain-time", "no-tool", "counter", "host-user"];

/// More than this process ever needs for them.
const MEMORY: u64 = 3 * 1024 * 1024 * 1024;

/// The first panic, wherever it was.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

struct Fuzz {
    corpus: Vec<Vec<u8>>,
    engine: Arc<PluginEngine>,
    shapes: Stage,
    tools: Vec<String>,
    /// A cache as it was left, and where copies of it are damaged.
    cache: Vec<(PathBuf, Vec<u8>)>,
    folder: tempfile::TempDir,
}

fn limited() -> PluginSettings {
    let limits = json!({ "memory": "16MiB", "time": "1s", "output": "256KiB" });
    settings(json!({}), limits, json!(null))
}

fn engine(cache: Option<PathBuf>) -> Arc<PluginEngine> {
    Arc::new(PluginEngine::new(EngineOptions { cache_dir: cache, ..EngineOptions::default() }))
}

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).ok().map_or(default, |value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_damaged_is_more_than_an_error() {
    let (seconds, seed) = (number("GATEWAY_FUZZ_SECONDS", 4), number("GATEWAY_FUZZ_SEED", 1));
    std::panic::set_hook(Box::new(|panic| {
        PANIC.lock().unwrap().get_or_insert_with(|| panic.to_string());
        eprintln!("{panic}");
    }));
    let case = support::scratch().join("fuzz-case");
    eprintln!("seed {seed}; the case at hand is always in {}", case.display());
    let fuzz = Fuzz::new().await;
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut tried = 0_u64;
    while Instant::now() < end || tried < 16 {
        let seed = seed.wrapping_add(tried);
        let tried_in_time = tokio::time::timeout(LONG, fuzz.try_one(&mut Random::new(seed), &case)).await;
        assert!(tried_in_time.is_ok(), "GATEWAY_FUZZ_SEED={seed}: not ended after {LONG:?}");
        if let Some(panic) = PANIC.lock().unwrap().take() {
            panic!("GATEWAY_FUZZ_SEED={seed}, in {}: {panic}", case.display());
        }
        tried += 1;
    }
    eprintln!("{tried} cases in {seconds} s");
    if let Ok(status) = fs::read_to_string("/proc/self/status") {
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(peak * 1024 < MEMORY, "{peak} KiB were needed");
    }
}

impl Fuzz {
    async fn new() -> Self {
        let corpus: Vec<Vec<u8>> =
            SMALL.iter().map(|name| guest(name).to_vec()).chain([example("calculator").to_vec()]).collect();
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("kept");
        let plain = Stage::new(guest("plain"), "plain", limited(), engine(Some(kept.clone())));
        plain.call("greet", json!({})).await;
        let files = fs::read_dir(&kept).unwrap().map(|file| file.unwrap().path());
        let cache = files.map(|file| (file.clone(), fs::read(file).unwrap())).collect();
        let engine = engine(None);
        let shapes = Stage::new(guest("shapes"), "shapes", limited(), engine.clone());
        shapes.plugin.learn().await.unwrap();
        let offer = shapes.plugin.offer();
        let tools = offer.tools.iter().flatten().map(|tool| tool.name.to_string()).collect();
        Self { corpus, engine, shapes, tools, cache, folder }
    }

    async fn try_one(&self, random: &mut Random, case: &Path) {
        match random.below(16) {
            0..10 => {
                let file = random.of(&self.corpus);
                let bytes = damaged(file, &self.corpus, random);
                self.try_component(bytes, case).await;
            }
            10 | 11 => self.try_component(types::component(random), case).await,
            12 | 13 => self.try_cache(random, case).await,
            _ => {
                let tool = random.of(&self.tools);
                let arguments = json!({ "value": json(random, 6), "count": random.below(10_000) });
                fs::write(case, format!("shapes {tool} {arguments}")).unwrap();
                let _ = self.shapes.try_call(tool, arguments).await;
                let arguments = json!({ "value": json(random, 6) });
                let _ = self.shapes.try_call(tool, arguments).await;
            }
        }
    }

    /// Looks at a component from all sides, and calls what it lists.
    async fn try_component(&self, bytes: Vec<u8>, case: &Path) {
        fs::write(case, &bytes).unwrap();
        let name = SourceName::new("odd").unwrap();
        if let Err(problem) = inspect::component(&bytes) {
            assert!(!problem.to_string().is_empty() && !problem.hint().is_empty());
        }
        let bytes = bytes::Bytes::from(bytes);
        let Ok(seen) = gateway_wasm::inspect(&self.engine, &name, bytes.clone(), limited()).await else { return };
        let stage = Stage::new(bytes, "odd", limited(), self.engine.clone());
        for tool in seen.tools.iter().take(3) {
            let definition: Value = tool.to().unwrap();
            let tool = definition["name"].as_str().unwrap();
            for arguments in [json!({}), json!({ "a": [] }), json!({ "a": 1, "b": 2 }), json!({ "a": [null, {}, []] })]
            {
                let _ = stage.try_call(tool, arguments).await;
            }
        }
    }

    /// Damages what is kept: the plugin works all the same, as it was or made anew. What is remembered of its tools may be
    /// changed so that it still can be read; then it is not known by its old name.
    async fn try_cache(&self, random: &mut Random, case: &Path) {
        let folder = self.folder.path().join("damaged");
        let _ = fs::remove_dir_all(&folder);
        let others: Vec<Vec<u8>> = self.cache.iter().map(|(_, bytes)| bytes.clone()).collect();
        let chosen = random.below(self.cache.len());
        let forged = random.below(4) == 0;
        make_private(&folder);
        let mut is_code = false;
        for (at, (path, bytes)) in self.cache.iter().enumerate() {
            let bytes = match at == chosen {
                false => bytes.clone(),
                true if forged => forgery(random),
                true => damaged(bytes, &others, random),
            };
            if at == chosen {
                is_code = path.extension().is_some_and(|end| end == "cwasm");
                fs::write(case, &bytes).unwrap();
            }
            write_private(&folder.join(path.file_name().unwrap()), &bytes);
        }
        let stage = Stage::new(guest("plain"), "plain", limited(), engine(Some(folder)));
        let called = stage.try_call("greet", json!({})).await;
        assert!(!is_code || called.is_ok(), "{called:?}");
    }
}

/// Bytes with the right checksum, which nobody compiled.
fn forgery(random: &mut Random) -> Vec<u8> {
    use sha2::Digest as _;
    let count = random.below(4096);
    let bytes = [b"\x7fELF".to_vec(), random.bytes(count)].concat();
    [bytes.clone(), sha2::Sha256::digest(&bytes).to_vec()].concat()
}

fn make_private(folder: &Path) {
    fs::create_dir(folder).unwrap();
    #[cfg(unix)]
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
}

fn write_private(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

/// Any JSON, of what arguments are made of.
fn json(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 7 } else { 10 }) {
        0 => json!(null),
        1 => json!(random.below(2) == 0),
        2 => json!(random.next()),
        3 => json!(random.next() as i64 >> random.below(64)),
        4 => json!(f64::from_bits(random.next())),
        5 => json!(random.of(&["", "a", "red", "read", "nothing", "AAEC", "é\u{0}", "NaN"])),
        6 => json!(random.below(200)),
        7 => (0..random.below(5)).map(|_| json(random, depth - 1)).collect(),
        _ => {
            let keys = ["x", "y", "name", "ok", "error", "some", "dot", "circle"];
            (0..random.below(4)).map(|_| (random.of(&keys).to_string(), json(random, depth - 1))).collect()
        }
    }
}
