//! Which process serves whom, and what becomes of what it says.

use gateway_core::{
    payload::{Json, Op, Request},
    source::{Abilities, Client, Kind, LogLevel, Source as _},
};
use gateway_host::sources::upstream::config::PerSession;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

use crate::harness::{LONG, Recorder, failure, fixture, gone};

fn pid(value: &Value) -> i32 {
    i32::try_from(value.as_i64().unwrap()).unwrap()
}

#[tokio::test]
async fn who_can_be_asked_has_a_server_of_its_own() {
    let fake = fixture("full", |_| {});
    let asks = r#"{"roots":{},"sampling":{}}"#;
    let (one, two, nobody) = (Recorder::new(asks), Recorder::new(asks), Recorder::new("{}"));
    let (a, b) = tokio::join!(fake.call_as(&one, "pid"), fake.call_as(&two, "pid"));
    let (a, b) = (a.unwrap(), b.unwrap());
    let shared = fake.call("pid").await.unwrap();
    assert_eq!(fake.call_as(&nobody, "pid").await.unwrap(), shared);
    assert!(a != b && a != shared && b != shared);
    assert_eq!(fake.started().len(), 3);
    // Each asks the client that it runs for.
    for client in [&one, &two] {
        let asked = fake.call_as(client, "ask").await.unwrap();
        assert_eq!(asked["result"]["who"], format!("{:?}", client.id()));
    }
    fake.upstream.forget(one.id());
    gone(pid(&a)).await;
    assert_eq!(fake.call_as(&two, "pid").await.unwrap(), b);
    fake.upstream.stop(LONG).await;
    gone(pid(&b)).await;
    gone(pid(&shared)).await;
}

#[tokio::test]
async fn the_configuration_has_the_last_word() {
    let (one, two) = (Recorder::new(r#"{"roots":{}}"#), Recorder::new("{}"));
    let all = fixture("plain", |settings| settings.per_session = PerSession::No);
    let pids = [all.call_as(&one, "pid").await.unwrap(), all.call_as(&two, "pid").await.unwrap()];
    assert_eq!(pids[0], pids[1]);
    let asked = all.call_as(&one, "ask").await.unwrap();
    assert_eq!(asked["error"]["code"], -32601, "a shared one asks nobody");
    let each = fixture("plain", |settings| settings.per_session = PerSession::Yes);
    let pids = [each.call_as(&one, "pid").await.unwrap(), each.call_as(&two, "pid").await.unwrap()];
    assert_ne!(pids[0], pids[1]);
}

#[tokio::test]
async fn without_a_session_one_is_had_for_one_call() {
    let fake = fixture("plain", |_| {});
    let (one, two) = (Recorder::stateless(r#"{"roots":{}}"#), Recorder::stateless(r#"{"roots":{}}"#));
    let first = fake.call_as(&one, "pid").await.unwrap();
    assert_eq!(fake.call_as(&two, "pid").await.unwrap(), first, "it was free again");
    let (upstream, held) = (fake.upstream.clone(), Arc::new(crate::harness::call_of(&one, None)));
    let holding = tokio::spawn(async move { upstream.call(Request::new("hold".into(), None), held).await });
    while fake.upstream.status().calls == 0 {
        tokio::task::yield_now().await;
    }
    let second = fake.call_as(&two, "pid").await.unwrap();
    assert_ne!(second, first, "the other one is in use");
    assert_eq!(fake.started().len(), 2);
    holding.abort();
    assert!(holding.await.unwrap_err().is_cancelled());
    // The one that was used last is used first.
    assert_eq!(fake.call_as(&two, "pid").await.unwrap(), first);
    assert_eq!(fake.call_as(&one, "pid").await.unwrap(), first);
}

#[tokio::test]
async fn an_instance_that_nobody_holds_ends_when_it_is_idle() {
    let fake = fixture("plain", |settings| settings.idle_timeout = Duration::from_millis(100));
    let client = Recorder::stateless(r#"{"roots":{}}"#);
    let first = fake.call_as(&client, "pid").await.unwrap();
    gone(pid(&first)).await;
    assert_ne!(fake.call_as(&client, "pid").await.unwrap(), first);
}

#[tokio::test]
async fn everything_is_learnt_and_read_anew() {
    let mut fake = fixture("full", |_| {});
    fake.learn().await.unwrap();
    let offer = fake.upstream.offer(&Abilities::NONE);
    assert_eq!(Kind::ALL.map(|kind| offer.items(kind).len())[1..], [1, 1, 1]);
    assert_eq!(&*offer.items(Kind::Template)[0].name, "x:{n}");
    assert!(offer.declares("completions") && !offer.declares("tasks"));
    fake.changed().await;
    fake.call("grow_prompts").await.unwrap();
    fake.changed().await;
    assert_eq!(fake.upstream.offer(&Abilities::NONE).items(Kind::Prompt).len(), 2);
    let other = Abilities::of(Some(&Json::from_value(&json!({ "roots": {} }))));
    assert!(fake.upstream.offer(&other).tools.is_none(), "to others something else may be offered");
}

#[tokio::test]
async fn requests_of_all_kinds_get_there() {
    let fake = fixture("full", |_| {});
    let client = Recorder::new("{}");
    for (op, target, params) in [
        (Op::GetPrompt, "greet", json!({ "name": "greet" })),
        (Op::ReadResource, "x:1", json!({ "uri": "x:1" })),
        (Op::CompletePrompt, "greet", json!({ "ref": { "type": "ref/prompt", "name": "greet" } })),
        (Op::CompleteResource, "x:{n}", json!({ "ref": { "type": "ref/resource", "uri": "x:{n}" } })),
        (Op::Other("vendor/ask".into()), "", json!({})),
    ] {
        let method = op.method().to_owned();
        assert_eq!(fake.ask_as(&client, op, target).await.unwrap(), json!({ "method": method, "params": params }));
    }
}

#[tokio::test]
async fn what_a_server_says_by_itself_is_told_to_those_it_runs_for() {
    let mut fake = fixture("full", |_| {});
    let client = Recorder::new(r#"{"roots":{}}"#);
    fake.call("say").await.unwrap();
    // What it said when it was greeted comes first.
    assert_eq!(&*fake.told().await.method, "notifications/message");
    let told = fake.told().await;
    assert_eq!((&*told.method, told.session, told.params.unwrap().as_str()), ("vendor/news", None, r#"{"x": 1}"#));
    fake.call_as(&client, "say").await.unwrap();
    fake.told().await;
    let told = fake.told().await;
    assert_eq!((&*told.method, told.session), ("vendor/news", Some(client.id())));
    let one = Recorder::stateless(r#"{"roots":{}}"#);
    fake.call_as(&one, "say").await.unwrap();
    assert_eq!(*one.told.lock().unwrap(), ["notifications/message", "vendor/news"]);
}

async fn levels(fake: &crate::harness::Fixture, client: &Arc<Recorder>) -> Vec<Value> {
    let seen = fake.call_as(client, "seen").await.unwrap();
    let all = seen.as_array().unwrap().iter().filter(|seen| seen["method"] == "logging/setLevel");
    all.map(|seen| seen["params"]["level"].clone()).collect()
}

#[tokio::test]
async fn each_session_has_the_log_messages_that_it_wants() {
    let fake = fixture("full", |_| {});
    let (own, one, two) = (Recorder::new(r#"{"roots":{}}"#), Recorder::new("{}"), Recorder::new("{}"));
    let wants = async |client: &Arc<Recorder>, level| {
        let client: Arc<dyn Client> = client.clone();
        fake.upstream.log_level(&client, level).await;
    };
    wants(&own, LogLevel::Error).await;
    // Started after it was said.
    assert_eq!(levels(&fake, &own).await, ["error"]);
    wants(&own, LogLevel::Debug).await;
    wants(&one, LogLevel::Warning).await;
    wants(&two, LogLevel::Info).await;
    // Whoever hears that it was taken can rely on it.
    assert_eq!(levels(&fake, &own).await, ["error", "debug"]);
    // The shared one is asked for all that anybody wants.
    fake.upstream.forget(own.id());
    assert_eq!(levels(&fake, &one).await, ["info"]);
}

#[tokio::test]
async fn a_server_hears_of_a_subscription_once() {
    let mut fake = fixture("full", |settings| settings.idle_timeout = Duration::from_millis(100));
    let (one, two) = (Recorder::new("{}"), Recorder::new("{}"));
    for client in [&one, &two] {
        assert_eq!(fake.ask_as(client, Op::Subscribe, "x:1").await.unwrap(), json!({}));
    }
    fake.call("touch").await.unwrap();
    while &*fake.told().await.method != "notifications/resources/updated" {}
    let about = async |fake: &crate::harness::Fixture| -> Vec<String> {
        let seen = fake.call("seen").await.unwrap();
        let methods = seen.as_array().unwrap().iter().filter_map(|seen| seen["method"].as_str());
        methods.filter(|method| method.starts_with("resources/")).map(str::to_owned).collect()
    };
    fake.ask_as(&one, Op::Unsubscribe, "x:1").await.unwrap();
    assert_eq!(about(&fake).await, ["resources/subscribe"]);
    // It is not idle as long as somebody waits for news of it: many times the idle timeout.
    let only = fake.started()[0];
    assert!(tokio::time::timeout(Duration::from_millis(600), gone(only)).await.is_err());
    fake.upstream.forget(two.id());
    gone(only).await;
}

#[tokio::test]
async fn a_server_that_somebody_waits_for_comes_back_by_itself() {
    let mut fake = fixture("full", |_| {});
    let client = Recorder::new("{}");
    fake.ask_as(&client, Op::Subscribe, "x:1").await.unwrap();
    failure(fake.call("crash").await);
    while fake.started().len() < 2 {
        tokio::task::yield_now().await;
    }
    fake.call("touch").await.unwrap();
    while &*fake.told().await.method != "notifications/resources/updated" {}
    assert_eq!(fake.started().len(), 2);
}

#[tokio::test]
async fn only_what_is_harmless_is_sent_again() {
    let fake = fixture("plain", |_| {});
    fake.learn().await.unwrap();
    assert_eq!(fake.call("harmless").await.unwrap(), "again");
    let failed = failure(fake.call("once").await);
    assert!(failed.hint.unwrap().contains("was not sent again"));
    assert_eq!(fake.call("once").await.unwrap(), "again");
}

#[tokio::test]
async fn a_request_that_wants_log_messages_makes_an_old_server_send_them() {
    let mut fake = fixture("full", |_| {});
    let wants = |level, session: bool| {
        let session = session.then(gateway_core::source::SessionId::new);
        Recorder::with("{}", session, move |client| (client.level, client.takes_rounds) = (Some(level), true))
    };
    fake.call("pid").await.unwrap();
    let (loud, quiet) = (wants(LogLevel::Debug, true), wants(LogLevel::Error, false));
    fake.call_as(&loud, "log").await.unwrap();
    let own = Recorder::with(r#"{"roots":{}}"#, Some(gateway_core::source::SessionId::new()), |client| {
        (client.level, client.takes_rounds) = (Some(LogLevel::Debug), true);
    });
    fake.call_as(&own, "log").await.unwrap();
    // Only for as long as it is needed: in the end nobody wants more than what is usual.
    while levels(&fake, &fake.client).await != ["debug", "info"] {
        tokio::task::yield_now().await;
    }
    let standing: Arc<dyn Client> = fake.client.clone();
    fake.upstream.log_level(&standing, LogLevel::Warning).await;
    while levels(&fake, &fake.client).await != ["debug", "info", "warning"] {
        tokio::task::yield_now().await;
    }
    fake.call_as(&quiet, "pid").await.unwrap();
    assert_eq!(levels(&fake, &fake.client).await.len(), 3, "a session wants more than that");
    // Another request in flight does not change what this one wants.
    let held = tokio::spawn({
        let (upstream, call) = (fake.upstream.clone(), Arc::new(crate::harness::call_of(&loud, None)));
        async move { upstream.call(Request::new("hold".into(), None), call).await }
    });
    while levels(&fake, &fake.client).await.last() != Some(&json!("debug")) {
        tokio::task::yield_now().await;
    }
    fake.call_as(&quiet, "log").await.unwrap();
    fake.call("release").await.unwrap();
    held.await.unwrap().unwrap();
    // Who hears of it is decided where all calls are known: what two servers said when they were greeted, and in three
    // calls.
    assert!(loud.told.lock().unwrap().is_empty() && quiet.told.lock().unwrap().is_empty());
    let mut told = Vec::new();
    while told.len() < 5 {
        told.push(fake.told().await.session);
    }
    assert_eq!(told.iter().filter(|session| **session == Some(own.id())).count(), 2);
}

#[tokio::test]
async fn what_passing_clients_subscribe_to_holds_wherever_they_call() {
    let mut fake = fixture("full", |_| {});
    let asks = r#"{"roots":{}}"#;
    let passing = || Recorder::stateless(asks);
    // One runs already, one is started later.
    let before = fake.call_as(&passing(), "pid").await.unwrap();
    let listener = Recorder::stateless("{}");
    for _ in 0..2 {
        fake.ask_as(&listener, Op::Subscribe, "x:1").await.unwrap();
    }
    let updated = async |fake: &mut crate::harness::Fixture| loop {
        let told = fake.told().await;
        if &*told.method == "notifications/resources/updated" {
            return told.session;
        }
    };
    fake.call_as(&passing(), "touch").await.unwrap();
    assert_eq!(updated(&mut fake).await, None);
    let (upstream, call) = (fake.upstream.clone(), Arc::new(crate::harness::call_of(&passing(), None)));
    let holding = tokio::spawn(async move { upstream.call(Request::new("hold".into(), None), call).await });
    while fake.upstream.status().calls == 0 {
        tokio::task::yield_now().await;
    }
    let one = passing();
    let late = fake.call_as(&one, "pid").await.unwrap();
    assert_ne!(late, before);
    holding.abort();
    fake.call_as(&one, "touch").await.unwrap();
    assert_eq!(updated(&mut fake).await, None);
    assert!(!one.told.lock().unwrap().contains(&"notifications/resources/updated".to_owned()), "it is told once");
    let about = async |fake: &crate::harness::Fixture| -> Vec<String> {
        let seen = fake.call_as(&passing(), "seen").await.unwrap();
        let methods = seen.as_array().unwrap().iter().filter_map(|seen| seen["method"].as_str());
        methods.filter(|method| method.starts_with("resources/")).map(str::to_owned).collect()
    };
    fake.ask_as(&listener, Op::Unsubscribe, "x:1").await.unwrap();
    assert_eq!(about(&fake).await, ["resources/subscribe"], "another listens");
    fake.ask_as(&listener, Op::Unsubscribe, "x:1").await.unwrap();
    assert_eq!(about(&fake).await, ["resources/subscribe", "resources/unsubscribe"]);
}
