//! When a server starts and how it ends.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use gateway_core::{
    error::FailureKind,
    payload::Request,
    source::{Event, Source as _, State},
};
use gateway_host::sources::upstream::Stage;
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::timeout;

use crate::harness::{LONG, command, failure, fixture, gone, is_alive};

#[tokio::test]
async fn nothing_starts_before_it_is_used() {
    let fake = fixture("plain", |_| {});
    assert!(fake.offered().is_none());
    assert_eq!(fake.upstream.status().state, State::Idle);
    assert!(fake.started().is_empty());
}

#[tokio::test]
async fn first_calls_share_one_start() {
    let seen: Arc<Mutex<Vec<Stage>>> = Arc::default();
    let observed = seen.clone();
    let fake = fixture("plain", move |settings| {
        settings.observer = Some(Arc::new(move |_, stage| observed.lock().unwrap().push(stage)));
    });
    // This one goes away, and takes nothing with it.
    assert!(timeout(Duration::ZERO, fake.call("pid")).await.is_err());
    let (one, two, learnt) = tokio::join!(fake.call("pid"), fake.call("pid"), fake.learn());
    assert_eq!(one.unwrap(), two.unwrap());
    learnt.unwrap();
    assert_eq!(fake.started().len(), 1);
    assert_eq!(*seen.lock().unwrap(), [Stage::Starting, Stage::Running]);
    let status = fake.upstream.status();
    assert_eq!((status.state, status.starts, status.calls), (State::Running, 1, 0));
}

#[tokio::test]
async fn a_crash_fails_what_is_in_flight_and_the_next_call_starts_anew() {
    let fake = fixture("plain", |_| {});
    let held = fake.call_in_background("hold").await;
    let crashed = failure(fake.call("crash").await);
    assert_eq!(crashed.kind, FailureKind::Unavailable);
    let start = "server \"fake\" ended while the call was running (exit status 3)";
    assert!(crashed.message.starts_with(start), "{crashed}");
    assert!(crashed.message.contains("the disk is on fire"), "{crashed}");
    assert!(failure(held.await.unwrap()).message.starts_with(start));
    fake.call("pid").await.unwrap();
    assert_eq!(fake.started().len(), 2);
}

#[tokio::test]
async fn a_killed_server_is_replaced_at_the_next_call() {
    let fake = fixture("plain", |_| {});
    for killed in 1..=3 {
        let pid = fake.call("pid").await.unwrap().as_i64().unwrap();
        kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL).unwrap();
        gone(i32::try_from(pid).unwrap()).await;
        // Whether the gateway has noticed yet or not, this call is not lost; at worst it is told to be.
        if fake.call("pid").await.is_err() {
            fake.call("pid").await.unwrap();
        }
        assert!(fake.started().len() > killed);
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_and_told_so() {
    let fake = fixture("plain", |settings| settings.request_timeout = Duration::from_millis(300));
    fake.learn().await.unwrap();
    let failed = failure(fake.call("mute").await);
    assert_eq!(failed.kind, FailureKind::Timeout);
    assert_eq!(&*failed.message, "server \"fake\" did not answer within 0.3 s");
    assert_eq!(failed.hint.as_deref(), Some("raise servers.fake.request_timeout"));
    let seen = fake.call("seen").await.unwrap();
    assert_eq!(seen.as_array().unwrap().last().unwrap()["method"], "notifications/cancelled");
    assert_eq!(fake.started().len(), 1);
}

#[tokio::test]
async fn the_callers_deadline_counts_too() {
    let fake = fixture("plain", |_| {});
    fake.learn().await.unwrap();
    let mut call = fake.new_call(None);
    call.deadline = Some(Instant::now() + Duration::from_millis(300));
    let failed = failure(fake.upstream.call(Request::new("mute".into(), None), Arc::new(call)).await);
    assert_eq!(failed.kind, FailureKind::Timeout);
}

#[tokio::test]
async fn a_dropped_call_is_cancelled_at_the_server() {
    let fake = fixture("plain", |_| {});
    let held = fake.call_in_background("hold").await;
    held.abort();
    assert!(held.await.unwrap_err().is_cancelled());
    let seen = fake.call("seen").await.unwrap();
    assert_eq!(seen.as_array().unwrap().last().unwrap()["method"], "notifications/cancelled");
}

#[tokio::test]
async fn an_idle_server_is_stopped_but_never_under_a_call() {
    let fake = fixture("plain", |settings| settings.idle_timeout = Duration::from_millis(100));
    let held = fake.call_in_background("hold").await;
    let pid = fake.started()[0];
    // Many times the idle timeout.
    assert!(timeout(Duration::from_millis(600), gone(pid)).await.is_err());
    fake.call("release").await.unwrap();
    held.await.unwrap().unwrap();
    gone(pid).await;
    assert_eq!(fake.upstream.status().state, State::Idle);
    assert!(fake.offered().is_some());
    fake.call("pid").await.unwrap();
    assert_eq!(fake.started().len(), 2);
}

#[tokio::test]
async fn tools_are_remembered_over_runs() {
    let first = fixture("plain", |_| {});
    first.learn().await.unwrap();
    first.upstream.stop(LONG).await;
    let [file] = &first.remembered()[..] else { panic!() };
    let folder = first.folder.path().to_owned();
    let again = |change: fn(&mut gateway_host::sources::upstream::Settings)| {
        fixture("plain", |settings| {
            settings.state_folder = Some(folder.clone());
            change(settings);
        })
    };
    let mut second = again(|_| {});
    assert_eq!(second.offered(), first.offered());
    assert!(second.started().is_empty());
    second.learn().await.unwrap();
    while let Ok(event) = second.events.try_recv() {
        assert!(matches!(event, Event::Told(_)), "the same tools are no news");
    }
    assert!(again(|settings| command(settings, |line| line.args.push("other".to_owned()))).offered().is_none());
    std::fs::write(file, "{\"to").unwrap();
    let third = again(|_| {});
    assert!(third.offered().is_none());
    third.learn().await.unwrap();
    third.upstream.stop(LONG).await;
    assert_eq!(again(|_| {}).offered(), first.offered());
}

#[tokio::test]
async fn a_start_that_fails_says_why() {
    let missing = fixture("plain", |settings| command(settings, |line| line.program = "no-such-command".to_owned()));
    let failed = failure(missing.call("pid").await);
    assert_eq!(&*failed.message, "server \"fake\" cannot be started: command \"no-such-command\" was not found");
    assert!(failed.hint.unwrap().contains("servers.fake.command"));
    let nowhere = fixture("plain", |settings| command(settings, |line| line.cwd = Some("/no/such/folder".into())));
    assert!(failure(nowhere.call("pid").await).hint.unwrap().contains("servers.fake.cwd"));
    let broken = fixture("broken", |_| {});
    let failed = failure(broken.call("pid").await);
    let start =
        "server \"fake\" ended during its start (exit status 1): ModuleNotFoundError: No module named 'missing'";
    assert!(failed.message.starts_with(start), "{failed}");
    assert!(failed.message.contains("the key is ${API_KEY}"), "{failed}");
    let status = broken.upstream.status();
    assert_eq!(status.state, State::Failed);
    assert_eq!(status.error.unwrap(), &*failed.message);
}

#[tokio::test]
async fn a_start_that_hangs_is_given_up() {
    let fake = fixture("mute", |settings| settings.start_timeout = Duration::from_millis(500));
    let failed = failure(fake.call("pid").await);
    assert_eq!(failed.kind, FailureKind::Timeout);
    assert_eq!(failed.hint.as_deref(), Some("raise servers.fake.start_timeout"));
    fake.upstream.stop(LONG).await;
}

#[tokio::test]
async fn stopping_leaves_nothing_behind() {
    let fake = fixture("stubborn", |_| {});
    let family = fake.call("family").await.unwrap();
    let in_group = i32::try_from(family[0].as_i64().unwrap()).unwrap();
    let elsewhere = Pid::from_raw(i32::try_from(family[1].as_i64().unwrap()).unwrap()).unwrap();
    let held = fake.call_in_background("hold").await;
    fake.upstream.stop(Duration::from_millis(400)).await;
    assert_eq!(failure(held.await.unwrap()).kind, FailureKind::Cancelled);
    gone(fake.started()[0]).await;
    gone(in_group).await;
    // What left the group on purpose is the guard's, when the gateway ends.
    kill_process(elsewhere, Signal::KILL).unwrap();
    fake.call("pid").await.unwrap();
    assert_eq!(fake.started().len(), 2);
}

#[tokio::test]
async fn a_start_can_be_stopped() {
    let fake = fixture("mute", |_| {});
    let (learnt, ()) = tokio::join!(fake.learn(), async {
        while fake.started().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        fake.upstream.stop(LONG).await;
    });
    assert_eq!(failure(learnt).kind, FailureKind::Cancelled);
    assert!(!is_alive(fake.started()[0]));
}

#[tokio::test]
async fn a_source_that_is_dropped_takes_its_server_with_it() {
    let fake = fixture("plain", |_| {});
    fake.call("pid").await.unwrap();
    let pid = fake.started()[0];
    drop(fake.upstream);
    gone(pid).await;
}
