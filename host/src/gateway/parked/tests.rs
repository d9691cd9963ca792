use std::sync::atomic::{AtomicBool, Ordering};

use gateway_core::{
    role::{Role, RoleSet},
    source::{Abilities, Client},
};

use super::*;

/// A request of a client that can be asked everything but URLs.
struct Present(Abilities, Mutex<Vec<String>>);

impl Client for Present {
    fn abilities(&self) -> &Abilities {
        &self.0
    }
    fn progress(&self, token: &Json, params: &Json) {
        self.1.lock().unwrap().push(format!("{token} {params}"));
    }
    fn tell(&self, method: &str, params: Option<&Json>) {
        self.1.lock().unwrap().push(format!("{method} {}", params.unwrap()));
    }
    fn ask(&self, _: Box<str>, _: Option<Json>) -> Fut<'_, Result<Json, Json>> {
        unreachable!("it is asked by answers")
    }
}

fn json(text: &str) -> Json {
    Json::parse(text.to_owned()).unwrap()
}

fn present() -> Arc<Present> {
    let can = json(r#"{"elicitation":{},"sampling":{}}"#);
    Arc::new(Present(Abilities::of(Some(&can)), Mutex::default()))
}

fn owner(scope: Option<&str>) -> Owner {
    let roles = RoleSet::new(vec![Role::unfiltered("r")], Some("r"));
    Owner { role: roles.resolve(None).unwrap(), scope: scope.map(|name| SourceName::new(name).unwrap()) }
}

fn purpose(arguments: &str) -> Purpose {
    Purpose { method: "tools/call".into(), target: "ask".into(), arguments: Some(json(arguments)) }
}

fn rounds() -> Arc<Rounds> {
    Rounds::new(present(), None)
}

/// A call that asks `count` questions at once and answers with what it was answered.
fn asking(rounds: &Arc<Rounds>, count: usize) -> Work {
    let rounds = rounds.clone();
    Box::pin(async move {
        let ask = |at: usize| {
            rounds.ask("elicitation/create".into(), Some(json(&format!(r#"{{"message":"{at}","n":1.50}}"#))))
        };
        let answers = futures_util::future::join_all((0..count).map(ask)).await;
        let answers: Vec<_> =
            answers.into_iter().map(|answer| answer.unwrap_or_else(|error| error).to_string()).collect();
        Ok(Reply { body: json(&format!("[{}]", answers.join(","))) })
    })
}

fn state(reply: &Reply) -> String {
    let body: Value = reply.body.to().unwrap();
    assert_eq!(body["resultType"], "input_required");
    body["requestState"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn questions_at_once_are_one_round_and_missing_answers_another() {
    let parked = Parked::new(Tasks::new());
    let rounds = rounds();
    let work = asking(&rounds, 2);
    let asked = parked.drive(owner(None), purpose("{}"), rounds, work).await.unwrap();
    assert!(
        asked
            .body
            .as_str()
            .contains(r#""question-1":{"method":"elicitation/create","params":{"message":"0","n":1.50}}"#)
    );
    assert!(asked.body.as_str().contains("question-2"));
    let (rounds, work) = parked.resume(&state(&asked), &owner(None), &purpose("{ }")).unwrap().unwrap();
    rounds.go_on(present(), None, Some(&json(r#"{"question-2":{"z":1e400},"other":1}"#)));
    let again = parked.drive(owner(None), purpose("{}"), rounds, work).await.unwrap();
    assert!(again.body.as_str().contains("question-1") && !again.body.as_str().contains("question-2"));
    let (rounds, work) = parked.resume(&state(&again), &owner(None), &purpose("{}")).unwrap().unwrap();
    rounds.go_on(present(), None, Some(&json(r#"{"question-1":{"a": 0}}"#)));
    let done = parked.drive(owner(None), purpose("{}"), rounds, work).await.unwrap();
    assert_eq!(done.body.as_str(), r#"[{"a": 0},{"z":1e400}]"#);
    assert_eq!(parked.count(), 0);
}

#[tokio::test]
async fn a_state_is_good_once_for_one_request_of_one_principal() {
    let parked = Parked::new(Tasks::new());
    let rounds = rounds();
    let work = asking(&rounds, 1);
    let asked = parked.drive(owner(None), purpose(r#"{"a":1}"#), rounds, work).await.unwrap();
    let state = state(&asked);
    assert!(parked.resume(&state, &owner(Some("files")), &purpose(r#"{"a":1}"#)).is_err());
    assert!(parked.resume(&state, &owner(None), &purpose(r#"{"a":2}"#)).is_err());
    let mut forged = state.clone();
    forged.pop();
    assert!(parked.resume(&forged, &owner(None), &purpose(r#"{"a":1}"#)).is_err());
    for of_others in ["", "sealed by a server", "mcp-gateway.0.0"] {
        assert!(parked.resume(of_others, &owner(None), &purpose(r#"{"a":1}"#)).unwrap().is_none());
    }
    assert!(parked.resume(&state, &owner(None), &purpose(r#"{"a":1}"#)).unwrap().is_some());
    assert!(parked.resume(&state, &owner(None), &purpose(r#"{"a":1}"#)).is_err());
}

/// Says when it is dropped.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

async fn park(parked: &Parked, owner: Owner) -> (Reply, Arc<AtomicBool>) {
    let (rounds, dropped) = (rounds(), Arc::new(AtomicBool::new(false)));
    let (asking, guard) = (asking(&rounds, 1), Dropped(dropped.clone()));
    let work = Box::pin(async move {
        let _guard = guard;
        asking.await
    });
    (parked.drive(owner, purpose("{}"), rounds, work).await.unwrap(), dropped)
}

#[tokio::test]
async fn who_does_not_come_back_loses_the_call() {
    let mut parked = Parked::new(Tasks::new());
    parked.limit = Duration::from_millis(1);
    let (asked, dropped) = park(&parked, owner(None)).await;
    while !dropped.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    assert_eq!(parked.count(), 0);
    assert!(parked.resume(&state(&asked), &owner(None), &purpose("{}")).is_err());
}

#[tokio::test]
async fn one_principal_has_so_much_room_and_takes_none_of_others() {
    let parked = Parked::new(Tasks::new());
    let (_, of_another) = park(&parked, owner(Some("files"))).await;
    let (_, first) = park(&parked, owner(None)).await;
    for _ in 1..MOST {
        park(&parked, owner(None)).await;
    }
    assert!(!first.load(Ordering::SeqCst));
    park(&parked, owner(None)).await;
    assert!(first.load(Ordering::SeqCst) && !of_another.load(Ordering::SeqCst));
    assert_eq!(parked.count(), MOST + 1);
    parked.clear();
    assert!(of_another.load(Ordering::SeqCst));
}

#[tokio::test]
async fn what_the_client_cannot_be_asked_is_refused_at_once() {
    let rounds = rounds();
    for (method, params) in [
        ("roots/list", "{}"),
        ("vendor/question", "{}"),
        ("elicitation/create", r#"{"mode":"url","url":"https://example.org"}"#),
    ] {
        let refused = rounds.ask(method.into(), Some(json(params))).await.unwrap_err();
        assert!(refused.as_str().contains("-32601"), "{method}: {refused}");
    }
}

#[tokio::test]
async fn progress_goes_to_the_request_that_waits_under_its_token_or_is_kept_for_it() {
    let parked = Parked::new(Tasks::new());
    let (first, second) = (present(), present());
    let rounds = Rounds::new(first.clone(), Some(json("\"one\"")));
    let work = asking(&rounds, 1);
    rounds.progress(&json("0"), &json("1"));
    let asked = parked.drive(owner(None), purpose("{}"), rounds.clone(), work).await.unwrap();
    rounds.progress(&json("0"), &json("2"));
    let (rounds, _work) = parked.resume(&state(&asked), &owner(None), &purpose("{}")).unwrap().unwrap();
    rounds.go_on(second.clone(), Some(json("\"two\"")), None);
    rounds.progress(&json("0"), &json("3"));
    assert_eq!(*first.1.lock().unwrap(), ["\"one\" 1"]);
    assert_eq!(*second.1.lock().unwrap(), ["\"two\" 2", "\"two\" 3"]);
}

#[tokio::test]
async fn of_what_is_told_meanwhile_the_newest_is_kept() {
    let parked = Parked::new(Tasks::new());
    let (rounds, second) = (rounds(), present());
    let asked = parked.drive(owner(None), purpose("{}"), rounds.clone(), asking(&rounds, 1)).await.unwrap();
    (1..=300).for_each(|step| rounds.progress(&json("0"), &json(&step.to_string())));
    rounds.tell("notifications/message", Some(&json("\"kept\"")));
    let (rounds, _work) = parked.resume(&state(&asked), &owner(None), &purpose("{}")).unwrap().unwrap();
    rounds.go_on(second.clone(), Some(json("0")), None);
    let heard = second.1.lock().unwrap().clone();
    assert_eq!((heard.len(), &*heard[0], &*heard[254]), (256, "0 46", "0 300"));
    assert_eq!(heard[255], "notifications/message \"kept\"");

    let asked = parked.drive(owner(None), purpose("{}"), rounds.clone(), asking(&rounds, 1)).await.unwrap();
    rounds.progress(&json("0"), &json(&format!("\"{}\"", "x".repeat(64 << 10))));
    rounds.progress(&json("0"), &json("1"));
    let third = present();
    let (rounds, _work) = parked.resume(&state(&asked), &owner(None), &purpose("{}")).unwrap().unwrap();
    rounds.go_on(third.clone(), Some(json("0")), None);
    assert_eq!(*third.1.lock().unwrap(), ["0 1"]);
}
