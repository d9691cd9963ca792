//! What is kept on disk, and what is not believed of it.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use gateway_core::name::SourceName;
use gateway_wasm::{EngineOptions, Observer, PluginEngine};
use serde_json::{Value, json};

use crate::support::{Stage, example, guest, settings};

#[derive(Default)]
struct Compiles(AtomicU32);

impl Observer for Compiles {
    fn compiling(&self, _: &SourceName, bytes: usize) {
        assert!(bytes > 0);
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn compiled(&self, _: &SourceName, _: Duration) {}
}

/// A gateway that was just started on this folder, and how much it compiles.
fn start(folder: &Path) -> (Arc<PluginEngine>, Arc<Compiles>) {
    let compiles = Arc::new(Compiles::default());
    let options = EngineOptions {
        cache_dir: Some(folder.join("cache")),
        observer: Some(compiles.clone()),
        ..EngineOptions::default()
    };
    (Arc::new(PluginEngine::new(options)), compiles)
}

fn calculator(engine: &Arc<PluginEngine>, config: Value) -> Stage {
    Stage::new(example("calculator"), "calculator", settings(json!({}), json!({}), config), engine.clone())
}

async fn add(stage: &Stage) {
    assert_eq!(stage.text("add", json!({ "a": 2, "b": 40 })).await, "42");
}

#[tokio::test]
async fn the_second_start_compiles_nothing_and_learns_without_an_engine() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, compiles) = start(folder.path());
    assert_eq!(engine.allocation(), None);
    assert!(!folder.path().join("cache").exists());
    add(&calculator(&engine, json!(1))).await;
    assert_eq!(compiles.0.load(Ordering::Relaxed), 1);

    let (engine, compiles) = start(folder.path());
    let stage = calculator(&engine, json!(1));
    stage.plugin.learn().await.unwrap();
    assert_eq!(stage.plugin.offer().tools.as_ref().unwrap().len(), 7);
    assert_eq!(engine.allocation(), None);
    add(&stage).await;
    assert!(engine.allocation().is_some());
    assert_eq!(compiles.0.load(Ordering::Relaxed), 0);

    // The list may depend on the configuration; the code does not.
    let (engine, compiles) = start(folder.path());
    calculator(&engine, json!(2)).plugin.learn().await.unwrap();
    assert!(engine.allocation().is_some());
    assert_eq!(compiles.0.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn many_first_calls_share_one_compilation() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, compiles) = start(folder.path());
    let stage = Arc::new(calculator(&engine, json!(1)));
    // A second plugin from the same component, as two entries of `gateway.yaml`.
    let other = Arc::new(calculator(&engine, json!(1)));
    let calls: Vec<_> = [stage.clone(), stage.clone(), other.clone(), other, stage]
        .into_iter()
        .map(|stage| tokio::spawn(async move { add(&stage).await }))
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(compiles.0.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_damaged_or_forged_file_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    add(&calculator(&start(folder.path()).0, json!(1))).await;
    let files = std::fs::read_dir(folder.path().join("cache")).unwrap();
    let code = files.map(|file| file.unwrap().path()).find(|path| path.extension().is_some_and(|end| end == "cwasm"));
    let code = code.unwrap();
    let whole = std::fs::read(&code).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0xff;
    for damage in [&whole[..whole.len() / 2], &flipped, b"", b"\x7fELF forged"] {
        std::fs::write(&code, damage).unwrap();
        let (engine, compiles) = start(folder.path());
        add(&calculator(&engine, json!(1))).await;
        assert_eq!(compiles.0.load(Ordering::Relaxed), 1);
        assert_eq!(std::fs::read(&code).unwrap().len(), whole.len());
    }
}

#[tokio::test]
async fn without_a_folder_it_works_as_well() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cache"), "in the way").unwrap();
    for options in [
        EngineOptions::default(),
        EngineOptions { cache_dir: Some(folder.path().join("cache")), ..EngineOptions::default() },
    ] {
        add(&calculator(&Arc::new(PluginEngine::new(options)), json!(1))).await;
    }
}

#[tokio::test]
async fn a_broken_component_is_compiled_once() {
    let (engine, compiles) = start(tempfile::tempdir().unwrap().path());
    let stage = Stage::new(guest("bad-list"), "bad-list", settings(json!({}), json!({}), json!(1)), engine);
    for _ in 0..3 {
        stage.plugin.learn().await.unwrap_err();
    }
    assert_eq!(compiles.0.load(Ordering::Relaxed), 1);
}
