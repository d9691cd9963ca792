//! Servers of every era, and how it is found out which.

use std::{sync::Arc, time::Duration};

use gateway_core::source::{Abilities, Kind, Source as _};
use gateway_host::sources::upstream::Settings;
use serde_json::json;

use crate::harness::{Fixture, Recorder, failure, fixture};

/// A server that starts as `mode` says, with all that was learnt of the one before.
fn again(before: &Fixture, mode: &str) -> Fixture {
    let folder = before.folder.path().to_owned();
    fixture(mode, |settings: &mut Settings| settings.state_folder = Some(folder))
}

#[tokio::test]
async fn old_servers_answer_what_they_do_not_know_in_their_own_ways() {
    for (mode, starts) in [("plain", 1), ("braces", 1), ("ignores", 1), ("dies", 2), ("dies late", 2)] {
        // Half of it is how long silence is waited for.
        let limit = if mode == "dies late" { 8 } else { 4 };
        let first = fixture(mode, |settings| settings.start_timeout = Duration::from_secs(limit));
        first.call("pid").await.unwrap();
        assert_eq!(first.started().len(), starts, "{mode}");
        first.upstream.stop(Duration::from_secs(60)).await;
        // Now it is known how it wants to be greeted.
        let second = again(&first, mode);
        second.call("pid").await.unwrap();
        assert_eq!(second.started().len(), 1, "{mode}");
    }
}

#[tokio::test]
async fn a_new_server_is_told_who_asks_with_each_request() {
    for mode in ["modern", "dual"] {
        let fake = fixture(mode, |_| {});
        let meta = fake.call("meta").await.unwrap();
        assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28", "{mode}");
        assert_eq!(meta["io.modelcontextprotocol/clientInfo"]["name"], "mcp-gateway");
        assert_eq!(meta["io.modelcontextprotocol/clientCapabilities"], json!({}));
        let can = Recorder::new(r#"{"elicitation":{},"extensions":{"x":{}}}"#);
        let meta = fake.call_as(&can, "meta").await.unwrap();
        let told = json!({ "elicitation": {}, "extensions": { "x": {} } });
        assert_eq!(meta["io.modelcontextprotocol/clientCapabilities"], told);
        assert_eq!(fake.started().len(), 1, "one does for all");
        let seen = fake.call("seen").await.unwrap();
        let greeted = seen.as_array().unwrap().iter().any(|message| message["protocolVersion"].is_string());
        assert!(!greeted, "{mode} was initialized: {seen}");
    }
}

#[tokio::test]
async fn a_server_of_both_eras_is_greeted_in_that_of_the_only_client() {
    let asks = r#"{"roots":{}}"#;
    let one_client = |before: Option<&Fixture>, mode: &str| {
        let state = before.map(|before| before.folder.path().to_owned());
        fixture(mode, |settings| {
            settings.one_client = true;
            settings.state_folder = state.or(settings.state_folder.take());
        })
    };
    let greeted = async |fake: &Fixture, client: &Arc<Recorder>| {
        let seen = fake.call_as(client, "seen").await.unwrap();
        let methods = seen.as_array().unwrap().iter();
        methods.map(|seen| seen["greeted"].as_str().map(str::to_owned)).find_map(|greeted| greeted)
    };
    let (old, new) = (Recorder::new(asks), Recorder::with(asks, None, |client| client.takes_rounds = true));
    let first = one_client(None, "dual");
    assert_eq!(greeted(&first, &old).await.as_deref(), Some("initialize"));
    assert_eq!(first.call_as(&old, "ask").await.unwrap()["result"]["asked"], "roots/list", "it asks in the old way");
    first.upstream.stop(Duration::from_secs(60)).await;
    // That it was not asked for more is not taken for a refusal.
    let many = again(&first, "dual");
    assert_eq!(greeted(&many, &old).await.as_deref(), Some("server/discover"));
    many.upstream.stop(Duration::from_secs(60)).await;
    // And what others found out does not count for the one.
    let second = one_client(Some(&many), "dual");
    assert_eq!(greeted(&second, &old).await.as_deref(), Some("initialize"));
    let third = one_client(Some(&first), "dual");
    assert_eq!(greeted(&third, &new).await.as_deref(), Some("server/discover"));
    // One that knows nothing else is spoken to in the newer era, and the next time at once.
    let modern = one_client(None, "modern");
    assert_eq!(greeted(&modern, &old).await.as_deref(), Some("initialize"));
    modern.upstream.stop(Duration::from_secs(60)).await;
    let again = one_client(Some(&modern), "modern");
    assert_eq!(greeted(&again, &old).await.as_deref(), Some("server/discover"));
}

#[tokio::test]
async fn what_was_started_for_a_session_is_everybodys_where_there_are_no_sessions() {
    let fake = fixture("modern", |_| {});
    let (one, two) = (Recorder::new(r#"{"roots":{}}"#), Recorder::new(r#"{"sampling":{}}"#));
    let pid = fake.call_as(&one, "pid").await.unwrap();
    assert_eq!(fake.call_as(&two, "pid").await.unwrap(), pid);
    fake.upstream.forget(one.id());
    assert_eq!(fake.call("pid").await.unwrap(), pid);
    assert_eq!(fake.call_as(&Recorder::stateless(r#"{"roots":{}}"#), "pid").await.unwrap(), pid);
    let offers =
        [Abilities::NONE, Abilities::of(Some(&gateway_core::payload::Json::from_value(&json!({ "roots": {} }))))];
    let [everybodys, ones] = offers.map(|abilities| fake.upstream.offer(&abilities));
    assert!(everybodys.tools.is_some() && Arc::ptr_eq(&everybodys, &ones));
}

#[tokio::test]
async fn a_server_may_be_another_than_it_was() {
    let modern = fixture("modern", |_| {});
    modern.learn().await.unwrap();
    modern.upstream.stop(Duration::from_secs(60)).await;
    let old = again(&modern, "full");
    old.call("pid").await.unwrap();
    assert_eq!(old.started().len(), 1);
    let can = Recorder::new(r#"{"roots":{}}"#);
    assert_ne!(old.call_as(&can, "pid").await.unwrap(), old.call("pid").await.unwrap());
    old.upstream.stop(Duration::from_secs(60)).await;
    let modern = again(&old, "modern");
    assert_eq!(modern.call("meta").await.unwrap()["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    assert_eq!(modern.started().len(), 1);
}

#[tokio::test]
async fn what_a_new_server_wants_to_know_is_asked_of_who_calls() {
    let fake = fixture("modern", |_| {});
    let client = Recorder::new(r#"{"elicitation":{},"roots":{}}"#);
    let answered = fake.call_as(&client, "rounds").await.unwrap();
    assert_eq!(answered["requestState"], "s");
    assert_eq!(answered["inputResponses"]["form"]["asked"], "elicitation/create");
    assert_eq!(answered["inputResponses"]["where"]["asked"], "roots/list");
    let failed = failure(fake.call_as(&client, "endless").await);
    assert!(failed.message.contains("10 times"), "{failed}");
}

#[tokio::test]
async fn who_takes_rounds_is_given_them() {
    let fake = fixture("modern", |_| {});
    let client = Recorder::with(r#"{"elicitation":{}}"#, None, |client| client.takes_rounds = true);
    let request = gateway_core::payload::Request::new("rounds".into(), None);
    let reply = fake.run_as(&client, request.clone()).await.unwrap();
    let asked: serde_json::Value = reply.body.to().unwrap();
    assert_eq!(asked["resultType"], "input_required");
    let along = [("inputResponses", json!({ "form": { "action": "accept" } })), ("requestState", json!("s"))];
    let rest = along.map(|(name, value)| (name.into(), gateway_core::payload::Json::from_value(&value))).to_vec();
    let reply = fake.run_as(&client, gateway_core::payload::Request { rest, ..request }).await.unwrap();
    let answered: serde_json::Value = reply.body.to().unwrap();
    assert_eq!(answered["structuredContent"]["inputResponses"], json!({ "form": { "action": "accept" } }));
}

#[tokio::test]
async fn a_log_message_goes_to_the_call_that_wanted_it() {
    let fake = fixture("modern", |_| {});
    let wants = |level| Recorder::with("{}", None, move |client| client.level = level);
    let (one, other) = (wants(Some(gateway_core::source::LogLevel::Debug)), wants(None));
    fake.call_as(&other, "log").await.unwrap();
    fake.call_as(&one, "log").await.unwrap();
    assert_eq!(*one.told.lock().unwrap(), ["notifications/message"]);
    assert!(other.told.lock().unwrap().is_empty(), "it asked for none");
}

#[tokio::test]
async fn a_new_server_tells_of_changes_and_updates() {
    let mut fake = fixture("modern", |_| {});
    let (one, two) = (Recorder::new("{}"), Recorder::new("{}"));
    fake.learn().await.unwrap();
    fake.changed().await;
    fake.call("grow_prompts").await.unwrap();
    fake.changed().await;
    assert_eq!(fake.upstream.offer(&Abilities::NONE).items(Kind::Prompt).len(), 2);
    use gateway_core::payload::Op;
    for client in [&one, &two] {
        assert_eq!(fake.ask_as(client, Op::Subscribe, "x:1").await.unwrap(), json!({}));
    }
    fake.call("touch").await.unwrap();
    let told = fake.told().await;
    assert_eq!((&*told.method, told.session), ("notifications/resources/updated", None));
    assert_eq!(told.params.unwrap().as_str(), r#"{"uri":"x:1"}"#);
    fake.ask_as(&one, Op::Subscribe, "x:2").await.unwrap();
    fake.ask_as(&one, Op::Unsubscribe, "x:1").await.unwrap();
    fake.upstream.forget(two.id());
    // Whatever comes in between: in the end nobody wants to know of the first.
    let wanted = async || {
        let seen = fake.call("seen").await.unwrap();
        let mut listens = seen.as_array().unwrap().iter().filter(|seen| seen["method"] == "subscriptions/listen");
        listens.next_back().unwrap()["params"]["uris"].clone()
    };
    while wanted().await != json!(["x:2"]) {
        tokio::task::yield_now().await;
    }
}
