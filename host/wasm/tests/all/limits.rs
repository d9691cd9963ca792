//! Guests that want too much, and what their callers are told.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::poll_once;
use gateway_core::{
    error::{CallError, Failure, FailureKind},
    payload::{Json, Request},
    source::Source,
};
use gateway_wasm::{Allocation, EngineOptions, PluginEngine, PluginSettings};
use serde_json::{Value, json};

use crate::support::{LONG, Stage, engine, example, guest, settings};

/// A future that is polled in the test itself.
mod futures {
    use std::{
        pin::Pin,
        task::{Context, Poll, Waker},
    };

    pub(super) fn poll_once<T>(future: Pin<&mut (impl Future<Output = T> + ?Sized)>) -> Poll<T> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }
}

fn limited(name: &str, limits: Value) -> Stage {
    Stage::granted(name, json!({}), limits)
}

#[track_caller]
fn expect(failure: &Failure, kind: FailureKind, message: &str, hint: Option<&str>) {
    assert_eq!((failure.kind, &*failure.message, failure.hint.as_deref()), (kind, message, hint));
}

#[tokio::test]
async fn time() {
    let stage = limited("spin", json!({ "time": "200ms" }));
    for _ in 0..2 {
        let failure = stage.failure("spin", json!({})).await;
        let message = "plugin \"spin\": time limit of 200 ms reached";
        expect(&failure, FailureKind::Timeout, message, Some("raise plugins.spin.limits.time"));
    }
}

#[tokio::test]
async fn time_within_a_host_call() {
    let stage = limited("sleepy", json!({ "time": "100ms" }));
    let failure = stage.failure("sleep", json!({ "milliseconds": 3_600_000 })).await;
    expect(
        &failure,
        FailureKind::Timeout,
        "plugin \"sleepy\": time limit of 100 ms reached",
        Some("raise plugins.sleepy.limits.time"),
    );
}

#[tokio::test]
async fn the_callers_time() {
    let stage = limited("spin", json!({ "time": "1h" }));
    stage.plugin.learn().await.unwrap();
    let call = stage.root(Some(Instant::now() + Duration::from_millis(100)));
    let ended = stage.plugin.call(Request::new("spin".into(), None), call).await;
    let Err(CallError::Failed(failure)) = ended else { panic!("{ended:?}") };
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert!(failure.message.starts_with("plugin \"spin\": the caller's time limit of "), "{failure}");
}

/// One worker, guests that never give it back, and a calculator beside them: it is answered while they spin.
#[tokio::test]
async fn guests_that_spin_keep_nobody_waiting() {
    let spinner = Arc::new(limited("spin", json!({ "time": "1h" })));
    let calculator = Stage::with(example("calculator"), "calculator", json!({}), json!({ "time": "1h" }));
    calculator.plugin.learn().await.unwrap();
    spinner.plugin.learn().await.unwrap();
    let spinning: Vec<_> = (0..4)
        .map(|_| {
            let spinner = spinner.clone();
            tokio::spawn(async move { spinner.failure("spin", json!({})).await })
        })
        .collect();
    while spinner.plugin.status().calls < 4 {
        tokio::task::yield_now().await;
    }
    for sum in 0..50 {
        let text = calculator.text("add", json!({ "a": sum, "b": 1 })).await;
        assert_eq!(text, (sum + 1).to_string());
    }
    assert_eq!(spinner.plugin.status().calls, 4);
    spinner.plugin.stop(std::time::Duration::ZERO).await;
    for ended in spinning {
        assert_eq!(ended.await.unwrap().message.as_ref(), "plugin \"spin\": the plugin was stopped during the call");
    }
}

#[tokio::test]
async fn memory() {
    let stage = Stage::guest("hoard");
    let failure = stage.failure("hoard", json!({})).await;
    expect(
        &failure,
        FailureKind::Limit,
        "plugin \"hoard\": memory limit of 64 MiB reached",
        Some("raise plugins.hoard.limits.memory"),
    );
    let refused = stage.error("ask", json!({ "mib": 100 })).await;
    assert!(refused.starts_with("refused after 6"), "{refused}");
    let more = limited("hoard", json!({ "memory": "128MiB" }));
    assert_eq!(more.text("ask", json!({ "mib": 100 })).await, "100 MiB");
    let none = limited("hoard", json!({ "memory": "64KiB" }));
    let failure = none.failure("ask", json!({ "mib": 1 })).await;
    assert_eq!(failure.to_string(), "plugin \"hoard\": memory limit of 64 KiB reached");
}

#[tokio::test]
async fn stack() {
    let failure = Stage::guest("recurse").failure("recurse", json!({})).await;
    expect(&failure, FailureKind::Limit, "plugin \"recurse\": stack limit of 512 KiB reached", None);
}

#[tokio::test]
async fn output() {
    let stage = limited("huge", json!({ "memory": "1GiB", "time": "60s" }));
    for (tool, arguments) in [
        ("text", json!({ "mib": 5 })),
        ("text", json!({ "mib": 30 })),
        ("image", json!({ "mib": 30 })),
        ("pieces", json!({ "count": 2_000_000 })),
    ] {
        let failure = stage.failure(tool, arguments).await;
        expect(
            &failure,
            FailureKind::Limit,
            "plugin \"huge\": output limit of 4 MiB reached",
            Some("raise plugins.huge.limits.output"),
        );
    }
    assert_eq!(stage.text("text", json!({ "mib": 3 })).await.len(), 3 << 20);
    assert_eq!(stage.call("nest", json!({ "depth": 20 })).await["content"][0]["text"], "nested");
}

#[tokio::test]
async fn open_files() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "text").unwrap();
    let permissions = json!({ "files": [{ "path": folder.path(), "mount": "/data" }] });
    let stage = Stage::granted("files", permissions, json!({}));
    assert_eq!(stage.text("open", json!({ "path": "/data/file", "times": 50 })).await, "50 times");
    let failure = stage.failure("open", json!({ "path": "/data/file", "times": 10_000 })).await;
    let message = "plugin \"files\": limit of 256 open files, streams and requests reached";
    expect(&failure, FailureKind::Limit, message, None);
}

#[tokio::test]
async fn traps_have_names() {
    let stage = Stage::guest("traps");
    let failure = stage.failure("unreachable", json!({})).await;
    let message = "plugin \"traps\": trapped: wasm `unreachable` instruction executed";
    expect(&failure, FailureKind::Broken, message, None);
    let failure = stage.failure("outside", json!({})).await;
    expect(&failure, FailureKind::Broken, "plugin \"traps\": trapped: out of bounds memory access", None);
}

#[tokio::test]
async fn panics_say_why() {
    let stage = Stage::guest("panics");
    let failure = stage.failure("panic", json!({ "message": "no\nway" })).await;
    expect(&failure, FailureKind::Broken, "plugin \"panics\": panicked: no way", None);
    assert_eq!(stage.error("fail", json!({ "message": "no" })).await, "no");
}

#[tokio::test]
async fn an_exit_is_no_answer() {
    let failure = Stage::guest("exits").failure("exit", json!({ "code": 3 })).await;
    expect(&failure, FailureKind::Broken, "plugin \"exits\": the plugin exited with code 1", None);
}

#[tokio::test]
async fn calls_at_the_same_time() {
    let stage = limited("sleepy", json!({ "time": "1h", "concurrency": 1 }));
    stage.plugin.learn().await.unwrap();
    stage.call("sleep", json!({ "milliseconds": 0 })).await;
    let request = |milliseconds: u64| {
        let arguments = Json::from_value(&json!({ "milliseconds": milliseconds }));
        Request::new("sleep".into(), Some(arguments))
    };
    let mut first = stage.plugin.call(request(3_600_000), stage.root(None));
    // Its arguments may be looked at elsewhere before it counts.
    while stage.plugin.status().calls == 0 {
        assert!(poll_once(first.as_mut()).is_pending());
        tokio::task::yield_now().await;
    }
    let soon = Instant::now() + Duration::from_millis(50);
    let second = stage.plugin.call(request(0), stage.root(Some(soon))).await;
    let Err(CallError::Failed(failure)) = second else { panic!("{second:?}") };
    expect(
        &failure,
        FailureKind::Limit,
        "plugin \"sleepy\": concurrency limit of 1 reached, and no call ended within the time of this one",
        Some("raise plugins.sleepy.limits.concurrency"),
    );
    let (mut third, waits) = (stage.plugin.call(request(0), stage.root(None)), LONG);
    assert!(poll_once(third.as_mut()).is_pending());
    drop(first);
    tokio::time::timeout(waits, third).await.unwrap().unwrap();
}

#[tokio::test]
async fn calls_that_wait() {
    let stage = limited("sleepy", json!({ "time": "1h", "concurrency": 1, "queue": 1 }));
    stage.plugin.learn().await.unwrap();
    stage.call("sleep", json!({ "milliseconds": 0 })).await;
    let begin = |milliseconds: u64, deadline: Option<Instant>| {
        let arguments = Json::from_value(&json!({ "milliseconds": milliseconds }));
        let request = Request::new("sleep".into(), Some(arguments));
        let (plugin, call) = (stage.plugin.clone(), stage.root(deadline));
        tokio::spawn(async move { plugin.call(request, call).await })
    };
    let soon = || Some(Instant::now() + Duration::from_millis(50));
    let first = begin(3_600_000, None);
    // Its arguments may be looked at elsewhere before it counts.
    while stage.plugin.status().calls == 0 {
        tokio::task::yield_now().await;
    }
    // One of the two waits, and the other is refused, whichever comes first.
    let (mut second, mut third) = (begin(3_600_000, None), begin(3_600_000, None));
    let (refused, second) = tokio::select! {
        refused = &mut second => (refused, third),
        refused = &mut third => (refused, second),
    };
    let Err(CallError::Failed(failure)) = refused.unwrap() else { panic!("it is not refused") };
    expect(
        &failure,
        FailureKind::Limit,
        "plugin \"sleepy\": concurrency limit of 1 reached, and its queue of 1 is full",
        Some("raise plugins.sleepy.limits.queue"),
    );
    // Who goes away makes room, whether it waited or ran.
    second.abort();
    assert!(second.await.unwrap_err().is_cancelled());
    match begin(0, soon()).await.unwrap() {
        Err(CallError::Failed(failure)) => {
            assert!(failure.message.ends_with("no call ended within the time of this one"), "{failure:?}");
        }
        other => panic!("{other:?}"),
    }
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    tokio::time::timeout(LONG, begin(0, None)).await.unwrap().unwrap().unwrap();
}

/// The same call takes the same fuel; with as much it goes well, and with less it does not.
#[tokio::test]
async fn fuel() {
    let add = || Request::new("add".into(), Some(Json::from_value(&json!({ "a": 2, "b": 40 }))));
    let measured = |limits: Value| async move {
        let settings = PluginSettings { counts_fuel: true, ..settings(json!({}), limits, Value::Null) };
        let stage = Stage::new(example("calculator"), "calculator", settings, engine());
        stage.plugin.load().await.unwrap();
        let (reply, measured) = stage.plugin.measure(add(), stage.root(None)).await;
        (reply.map(|reply| reply.body.as_str().contains("42")), measured)
    };
    let (reply, first) = measured(json!({})).await;
    assert!(reply.unwrap());
    let fuel = first.fuel.unwrap();
    assert!(fuel > 100 && first.memory > 64 * 1024 && !first.time.is_zero(), "{first:?}");
    for _ in 0..3 {
        let (reply, again) = measured(json!({ "fuel": fuel * 2 })).await;
        assert!(reply.unwrap());
        assert_eq!((again.fuel, again.memory), (Some(fuel), first.memory));
    }
    let stage = Stage::with(example("calculator"), "calculator", json!({}), json!({ "fuel": fuel / 2 }));
    let failure = match stage.plugin.call(add(), stage.root(None)).await {
        Err(CallError::Failed(failure)) => failure,
        other => panic!("{other:?}"),
    };
    let message = format!("plugin \"calculator\": fuel limit of {} operations reached", fuel / 2);
    expect(&failure, FailureKind::Limit, &message, Some("raise plugins.calculator.limits.fuel"));
    // One that works for ever ends at once.
    let failure = limited("spin", json!({ "fuel": 1_000_000, "time": "1h" })).failure("spin", json!({})).await;
    assert_eq!(failure.to_string(), "plugin \"spin\": fuel limit of 1000000 operations reached");
}

#[tokio::test]
async fn nested_calls_have_places_of_their_own() {
    let permissions = json!({ "tools": ["host-user__*"] });
    let stage = Stage::granted("host-user", permissions, json!({ "concurrency": 1, "time": "60s" }));
    let nest = |depth: usize| {
        let mut arguments = json!({ "tool": "host-user__config" });
        for _ in 0..depth {
            arguments = json!({ "tool": "host-user__call", "arguments": arguments });
        }
        arguments
    };
    assert_eq!(stage.text("call", nest(2)).await, r#"{"key":[1,2]}"#);
    let error = stage.error("call", nest(5)).await;
    assert!(error.contains("limit: tool \"host-user__call\": calls may nest 4 deep"), "{error}");
}

#[tokio::test]
async fn without_a_pool_it_works_as_well() {
    for allocation in [Allocation::OnDemand, Allocation::Pool(16)] {
        let options = EngineOptions { allocation: Some(allocation), ..EngineOptions::default() };
        let engine = Arc::new(PluginEngine::new(options));
        let settings = || settings(json!({}), json!({ "time": "60s" }), Value::Null);
        let hoard = Stage::new(guest("hoard"), "hoard", settings(), engine.clone());
        let failure = hoard.failure("hoard", json!({})).await;
        assert_eq!(failure.to_string(), "plugin \"hoard\": memory limit of 64 MiB reached");
        // More calls than the pool has places wait for each other.
        let sleepy = Arc::new(Stage::new(guest("sleepy"), "sleepy", settings(), engine.clone()));
        let calls: Vec<_> = (0..40)
            .map(|_| {
                let sleepy = sleepy.clone();
                tokio::spawn(async move { sleepy.text("sleep", json!({ "milliseconds": 1 })).await })
            })
            .collect();
        for call in calls {
            assert_eq!(call.await.unwrap(), "slept 1 ms");
        }
        assert_eq!(engine.allocation(), Some(allocation));
    }
}
