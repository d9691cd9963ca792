use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, ReadHalf, WriteHalf, split};

use super::*;
use crate::{
    call::Caller,
    error::CallError,
    payload::Reply,
    role::RoleSet,
    snapshot::Snapshot,
    source::{Client, Dispatch},
    wire::message::INTERNAL_ERROR,
};

/// What happens on this side, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }
    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Inbound for Log {
    fn question(
        &self,
        method: Box<str>,
        params: Option<Json>,
        during: Option<Arc<Call>>,
    ) -> Fut<'static, Result<Json, Json>> {
        let log = self.clone();
        Box::pin(async move {
            if let Some(token) = during.and_then(|call| call.progress_token.clone()) {
                log.add(format!("{method} during {token}"));
            }
            if &*method == "endless" {
                let _gone = Gone(log);
                std::future::pending::<()>().await;
            }
            Ok(params.unwrap_or(Json::empty_object()))
        })
    }
    fn told(&self, method: &str, _: Option<&Json>, during: Option<&Arc<Call>>) {
        let during = during.and_then(|call| call.progress_token.clone());
        self.add(format!("told {method}{}", during.map_or_else(String::new, |token| format!(" during {token}"))));
    }
    fn skipped(&self, what: &Skipped<'_>) {
        self.add(match what {
            Skipped::NoMessage(line, _) => format!("no message {}", String::from_utf8_lossy(line)),
            Skipped::TooLong(limit) => format!("too long {limit}"),
            Skipped::Answer(id) => format!("answer {id}"),
            Skipped::Broken(error) => format!("broken {error}"),
        });
    }
}

struct Gone(Log);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.add("question dropped".to_owned());
    }
}

impl Client for Log {
    fn progress(&self, token: &Json, params: &Json) {
        self.add(format!("progress {token} {params}"));
    }
    fn ask(&self, _: Box<str>, _: Option<Json>) -> Fut<'_, Result<Json, Json>> {
        unreachable!("nobody asks the client here")
    }
}

struct Nowhere;

impl Dispatch for Nowhere {
    fn snapshot(&self) -> Arc<Snapshot> {
        unreachable!("no source is called here")
    }
    fn invoke<'a>(&'a self, _: &'a str, _: Option<Json>, _: Arc<Call>) -> Fut<'a, Result<Reply, CallError>> {
        unreachable!("no source is called here")
    }
}

/// The other side, by hand.
struct Server {
    read: BufReader<ReadHalf<DuplexStream>>,
    write: WriteHalf<DuplexStream>,
}

impl Server {
    async fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.read.read_line(&mut line).await.unwrap();
        (!line.is_empty()).then(|| serde_json::from_str(&line).unwrap())
    }
    async fn say(&mut self, text: &str) {
        self.write.write_all(text.as_bytes()).await.unwrap();
        self.write.write_all(b"\n").await.unwrap();
    }
    async fn answer(&mut self, id: &Value, result: Value) {
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string()).await;
    }
}

fn connect(limit: usize) -> (Peer, Server, Log, Tasks) {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let ((read, write), (their_read, their_write)) = (split(ours), split(theirs));
    let (log, tasks) = (Log::default(), Tasks::new());
    let peer = Peer::start(&tasks, read, write, limit, Arc::new(log.clone()));
    (peer, Server { read: BufReader::new(their_read), write: their_write }, log, tasks)
}

/// Asks in the background.
fn ask(
    peer: &Peer,
    tasks: &Tasks,
    method: &'static str,
) -> (oneshot::Receiver<Result<Json, RequestError>>, AbortHandle) {
    let ((sender, answer), peer) = (oneshot::channel(), peer.clone());
    let task = tasks.spawn(async move {
        let _ = sender.send(peer.request(method, |_| None, None).await);
    });
    (answer, task)
}

#[tokio::test]
async fn answers_find_their_askers_whatever_their_order() {
    let (peer, mut server, log, tasks) = connect(1000);
    let (first, _) = ask(&peer, &tasks, "a");
    let (second, _) = ask(&peer, &tasks, "b");
    let (one, two) = (server.next().await.unwrap(), server.next().await.unwrap());
    server.say("garbage").await;
    server.answer(&json!(77), json!({})).await;
    server.answer(&json!(two["id"].to_string()), json!({ "of": two["method"] })).await;
    server.say(&format!(r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":-1,"message":"no"}}}}"#, one["id"])).await;
    assert_eq!(second.await.unwrap().unwrap().as_str(), r#"{"of":"b"}"#);
    let Err(RequestError::Answer(error)) = first.await.unwrap() else { panic!() };
    assert_eq!(error.as_str(), r#"{"code":-1,"message":"no"}"#);
    assert_eq!(log.lines(), ["no message garbage", "answer 77"]);
}

#[tokio::test]
async fn what_is_no_answer_fails_its_call() {
    let (peer, mut server, _log, tasks) = connect(200);
    for answer in [
        "{\"id\":ID,\"result\":{}}".to_owned(),
        format!("{{\"jsonrpc\":\"2.0\", \"id\": ID, \"result\":\"{}\"}}", "x".repeat(20_000)),
        format!("{{\"result\":{{\"id\":99,\"x\":\"{}\"}},\"jsonrpc\":\"2.0\",\"id\":ID}}", "x".repeat(20_000)),
        format!("{{\"result\":{{\"id\":99,\"x\":\"{}\"}},\"id\":ID,\"jsonrpc\":\"2.0\"}}\r", "x".repeat(20_000)),
    ] {
        let (outcome, _) = ask(&peer, &tasks, "a");
        let id = server.next().await.unwrap()["id"].to_string();
        server.say(&answer.replace("ID", &id)).await;
        assert!(matches!(outcome.await.unwrap(), Err(RequestError::Broken(_))), "{}", &answer[..40]);
    }
}

/// A call whose progress token is `mine`.
fn a_call(log: &Log) -> Arc<Call> {
    let caller = Caller { role: RoleSet::new(vec![], None).resolve(None).unwrap() };
    let token = Json::parse("\"mine\"").unwrap();
    Arc::new(Call::root(caller, Some(token), Arc::new(log.clone()), Arc::new(Nowhere)))
}

#[tokio::test]
async fn progress_comes_in_order_and_before_the_answer() {
    let (peer, mut server, log, tasks) = connect(1000);
    let call = a_call(&log);
    let (sender, done) = oneshot::channel();
    let (asker, log2) = (peer.clone(), log.clone());
    tasks.spawn(async move {
        asker.request("a", |id| Some(Json::from_value(&json!({ "token": id }))), Some(&call)).await.unwrap();
        log2.add("answered".to_owned());
        let _ = sender.send(());
    });
    let id = server.next().await.unwrap()["params"]["token"].clone();
    for at in 1..=2 {
        let params = json!({ "progressToken": id, "progress": at, "x": [1] });
        server
            .say(&json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params }).to_string())
            .await;
    }
    server.answer(&id, json!({})).await;
    done.await.unwrap();
    let expected =
        [r#"progress "mine" {"progress":1,"x":[1]}"#, r#"progress "mine" {"progress":2,"x":[1]}"#, "answered"];
    assert_eq!(log.lines(), expected);
}

#[tokio::test]
async fn a_dropped_request_is_withdrawn_but_not_initialize() {
    let (peer, mut server, log, tasks) = connect(1000);
    let (_, first) = ask(&peer, &tasks, "initialize");
    server.next().await.unwrap();
    first.abort();
    let (_, second) = ask(&peer, &tasks, "a");
    let id = server.next().await.unwrap()["id"].clone();
    second.abort();
    let told = server.next().await.unwrap();
    assert_eq!(told, json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } }));
    server.answer(&id, json!({})).await;
    let (third, _) = ask(&peer, &tasks, "b");
    let next = server.next().await.unwrap();
    server.answer(&next["id"], json!({})).await;
    third.await.unwrap().unwrap();
    assert_eq!(log.lines(), [format!("answer {id}")]);
}

#[tokio::test]
async fn questions_are_answered_and_can_be_withdrawn() {
    let (peer, mut server, log, _tasks) = connect(1000);
    server.say(r#"[{"jsonrpc":"2.0","id":"p","method":"ping"},{"jsonrpc":"2.0","method":"x"}]"#).await;
    assert_eq!(server.next().await.unwrap(), json!({ "jsonrpc": "2.0", "id": "p", "result": {} }));
    server.say(r#"{"jsonrpc":"2.0","id":1,"method":"endless"}"#).await;
    server.say(r#"{"jsonrpc":"2.0","id":1,"method":"echo"}"#).await;
    assert_eq!(server.next().await.unwrap()["error"]["code"], INTERNAL_ERROR);
    server.say(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#).await;
    server.say(r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":1}}"#).await;
    assert_eq!(server.next().await.unwrap(), json!({ "jsonrpc": "2.0", "id": 1, "result": { "a": 1 } }));
    peer.end();
    assert_eq!(log.lines()[0], "told x");
}

#[tokio::test]
async fn the_end_reaches_all_who_wait() {
    let (peer, mut server, log, tasks) = connect(1000);
    let (outcome, _) = ask(&peer, &tasks, "a");
    server.next().await.unwrap();
    server.write.write_all(b"{\"half").await.unwrap();
    drop(server);
    assert!(matches!(outcome.await.unwrap(), Err(RequestError::Ended)));
    peer.ended().await;
    assert!(matches!(peer.request("b", |_| None, None).await, Err(RequestError::NotSent)));
    assert_eq!(log.lines(), ["no message {\"half"]);
    tasks.drain(Duration::from_secs(60)).await;
}

#[tokio::test]
async fn hanging_up_still_takes_answers() {
    let (peer, mut server, _log, tasks) = connect(1000);
    let (outcome, _) = ask(&peer, &tasks, "a");
    let id = server.next().await.unwrap()["id"].clone();
    peer.hang_up();
    assert!(matches!(peer.request("b", |_| None, None).await, Err(RequestError::NotSent)));
    server.answer(&id, json!({})).await;
    outcome.await.unwrap().unwrap();
}

/// Takes everything into a buffer of so many bytes, and says that it is broken when that is full.
struct Narrow(usize);

impl AsyncWrite for Narrow {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let room = self.0.min(bytes.len());
        self.0 -= room;
        Poll::Ready(if room == 0 { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(room) })
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn what_was_not_written_can_be_sent_again() {
    const REQUEST: usize = r#"{"jsonrpc":"2.0","id":1,"method":"a"}"#.len();
    for (room, first_is_sent) in [(0, false), (REQUEST - 1, false), (REQUEST, true), (REQUEST + 2, true)] {
        let (log, tasks) = (Log::default(), Tasks::new());
        let (held_open, reads) = tokio::io::duplex(64);
        let peer = Peer::start(&tasks, reads, Narrow(room), 1000, Arc::new(log));
        let ((first, _), (second, _)) = (ask(&peer, &tasks, "a"), ask(&peer, &tasks, "b"));
        assert!(matches!(second.await.unwrap(), Err(RequestError::NotSent)), "{room}");
        drop(held_open);
        let first = first.await.unwrap();
        assert!(matches!(first, Err(RequestError::Ended)) == first_is_sent, "{room}: {first:?}");
        assert!(matches!(first, Err(RequestError::NotSent)) != first_is_sent, "{room}: {first:?}");
    }
}

#[tokio::test]
async fn nobody_waits_for_a_pipe_that_is_full() {
    let (log, tasks) = (Log::default(), Tasks::new());
    let (full, _never_read) = tokio::io::duplex(16);
    let (held_open, reads) = tokio::io::duplex(16);
    let peer = Peer::start(&tasks, reads, full, 1000, Arc::new(log));
    let (first, _) = ask(&peer, &tasks, "a");
    let (second, _) = ask(&peer, &tasks, "b");
    drop(held_open);
    peer.ended().await;
    assert!(matches!(first.await.unwrap(), Err(RequestError::NotSent)));
    assert!(matches!(second.await.unwrap(), Err(RequestError::NotSent)));
}

#[tokio::test]
async fn what_comes_on_the_stream_of_a_request_belongs_to_its_call() {
    let (log, tasks) = (Log::default(), Tasks::new());
    let (peer, intake, mut messages) = Peer::new(&tasks, Arc::new(log.clone()));
    let call = a_call(&log);
    let (asker, (sender, outcome)) = (peer.clone(), oneshot::channel());
    tasks.spawn(async move {
        let _ = sender.send(asker.request("a", |_| None, Some(&call)).await);
    });
    let Some(Outgoing::Request { id, .. }) = messages.recv().await else { panic!() };
    let frame = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    intake.take_during(&frame(r#"{"jsonrpc":"2.0","method":"x"}"#), id);
    intake.take(&frame(r#"{"jsonrpc":"2.0","method":"y"}"#));
    intake.take_during(&frame(r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":{}}"#), id);
    assert!(matches!(messages.recv().await, Some(Outgoing::Result { .. })));
    let expected = ["told x during \"mine\"", "told y", "echo during \"mine\""];
    assert_eq!(log.lines(), expected);
    assert!(intake.awaits(id));
    let refused = RequestError::Status { status: 500, said: "".into() };
    assert!(intake.fail(id, refused));
    assert!(matches!(outcome.await.unwrap(), Err(RequestError::Status { status: 500, .. })));
    drop(intake);
    assert!(peer.is_ended() && peer.is_hung_up() && messages.recv().await.is_none());
}
