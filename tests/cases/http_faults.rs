//! HTTP clients that vanish, flood, and come in crowds; and the end of the gateway.

use std::{
    fs,
    io::{BufReader, Read as _, Write as _},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use gateway_tests::{
    HttpSession, Serving,
    http::{Answer, hello},
    wait::PATIENCE,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::http::served;

fn wait(key: &str, id: Value) -> Value {
    let params = json!({ "name": "fake__wait", "arguments": { "key": key } });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
}

#[test]
fn a_client_that_vanishes_finds_its_answer_when_it_comes_back() {
    let served = served(json!({}));
    let session = HttpSession::open(&served.http);
    let mut answer = session.http.post(&wait("a", json!("x")));
    let primed = answer.event().unwrap().id.unwrap();
    let child = served.child();
    child.waits("a");
    answer.vanish();
    // The call goes on, and its answer waits.
    let mut again = session.resume(&primed);
    assert!(again.is_stream());
    child.release("a");
    let (event, message) = again.next_message();
    assert_eq!(message.text(), "released a");
    assert_eq!(again.event(), None);
    assert_eq!(session.resume(&primed).next_message().0, event, "as often as it likes");
    assert_eq!(session.resume(event.id.as_deref().unwrap()).event(), None);
    assert_eq!(child.count("cancelled"), 0);
    // Of another stream there is nothing, and what is no id of an event is refused.
    assert_eq!(session.resume("12345-1").event(), None);
    session.resume("nonsense").refused(400);
}

#[test]
fn a_client_of_the_old_transport_that_vanishes_cancels() {
    let served = served(json!({}));
    let mut stream = served.http.at("/sse").get();
    let messages = served.http.at(&stream.event().unwrap().data);
    assert_eq!(messages.post(&wait("a", json!(1))).status, 202);
    served.child().waits("a");
    stream.vanish();
    assert_eq!(served.child().event("cancelled")["key"], "a");
    // The session went with it; the end of the stream and the next message meet somewhere on the way.
    while messages.post(&json!({ "jsonrpc": "2.0", "id": 2, "method": "ping" })).status != 404 {
        thread::yield_now();
    }
}

#[test]
fn ending_a_session_cancels_what_runs_in_it() {
    let served = served(json!({}));
    let session = HttpSession::open(&served.http);
    let mut listening = session.listen();
    let mut call = session.http.post(&wait("a", json!(1)));
    served.child().waits("a");
    assert_eq!(session.end(), 204);
    assert_eq!(served.child().event("cancelled")["key"], "a");
    while call.event().is_some() {}
    while listening.event().is_some() {}
}

#[test]
fn a_second_request_of_the_same_id_is_refused() {
    let served = served(json!({}));
    let session = HttpSession::open(&served.http);
    let mut first = session.http.post(&wait("a", json!(7)));
    served.child().waits("a");
    let mut second = session.http.post(&wait("b", json!(7)));
    assert_eq!(second.message().error()["code"], -32600);
    served.child().release("a");
    assert_eq!(first.result().text(), "released a");
}

#[test]
fn a_message_may_not_be_endless() {
    let served = served(json!({}));
    let stream = TcpStream::connect(&served.serving.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head =
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 999999999\r\n\r\n";
    (&stream).write_all(head.as_bytes()).unwrap();
    let chunk = vec![b' '; 1 << 20];
    while (&stream).write_all(&chunk).is_ok() {
        // Until the gateway has had enough.
    }
    // What it said may be lost with the connection; what counts is that it goes on, and did not keep it all.
    let mut rest = Vec::new();
    let _ = (&stream).read_to_end(&mut rest);
    let text = String::from_utf8_lossy(&rest);
    assert!(text.is_empty() || text.starts_with("HTTP/1.1 413"), "{text}");
    HttpSession::open(&served.http).call("fake__echo", json!({})).result().text();
}

#[test]
fn ten_thousand_requests_at_once_are_answered() {
    const CONNECTIONS: usize = 200;
    const EACH: usize = 50;
    let served = served(json!({}));
    let session = HttpSession::open(&served.http);
    session.call("fake__echo", json!({})).result().text();
    let request = |id: usize| {
        let params = json!({ "name": "fake__echo", "arguments": { "text": id.to_string() } });
        let body = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }).to_string();
        format!(
            "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nMcp-Session-Id: {}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            session.id,
            body.len()
        )
    };
    thread::scope(|scope| {
        for connection in 0..CONNECTIONS {
            let (request, address) = (&request, &served.serving.address);
            scope.spawn(move || {
                let stream = TcpStream::connect(address).unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                let ids = connection * EACH..(connection + 1) * EACH;
                let all: String = ids.clone().map(request).collect();
                (&stream).write_all(all.as_bytes()).unwrap();
                let mut answers = BufReader::new(stream);
                for id in ids {
                    let (status, text) = Answer::read_next(&mut answers, &id.to_string());
                    let answer: Value = serde_json::from_str(&text).unwrap();
                    assert_eq!((status, &answer["id"]), (200, &json!(id)), "{text}");
                    assert_eq!(answer["result"]["content"][0]["text"], id.to_string());
                }
            });
        }
    });
    // What the server tells the test comes by another way, and may come later.
    let child = served.child();
    until(|| child.count("call") > CONNECTIONS * EACH);
    assert_eq!(child.count("call"), CONNECTIONS * EACH + 1);
}

#[test]
fn more_than_may_run_at_once_wait() {
    let served = served(json!({}));
    let session = HttpSession::open(&served.http);
    let calls: Vec<_> = (0..1500).map(|id| session.http.begin("POST", wait("all", json!(id)).to_string())).collect();
    let child = served.child();
    for _ in 0..1024 {
        child.waits("all");
    }
    // Whoever waits is not in the way of what is no request.
    session.notify("notifications/cancelled", json!({ "requestId": "none" }));
    child.release("all");
    for _ in 1024..1500 {
        child.waits("all");
    }
    child.release("all");
    for call in calls {
        assert_eq!(Answer::read(call, "wait".to_owned()).result().text(), "released all");
    }
}

#[test]
fn a_client_that_does_not_read_costs_little() {
    let served = served(json!({}));
    let session = HttpSession::open(&served.http);
    session.call("fake__echo", json!({})).result().text();
    let stalled = session.listen();
    let before = resident_kib(&served.serving);
    let text = "x".repeat(1 << 20);
    for _ in 0..100 {
        session.call("fake__log", json!({ "text": text })).result().text();
    }
    let grown = resident_kib(&served.serving).saturating_sub(before);
    assert!(grown < 40 << 10, "100 MiB were sent to a client that does not read: {grown} KiB more are resident");
    drop(stalled);
}

#[test]
fn five_hundred_sessions_leave_nothing_behind() {
    let served = served(json!({}));
    let round = || {
        let sessions: Vec<_> = (0..500).map(|_| HttpSession::open(&served.http)).collect();
        let streams: Vec<_> = sessions.iter().take(100).map(HttpSession::listen).collect();
        sessions.iter().for_each(|session| {
            session.call("fake__echo", json!({ "text": "x" })).result().text();
        });
        sessions.iter().for_each(|session| assert_eq!(session.end(), 204));
        for mut stream in streams {
            while stream.event().is_some() {}
        }
    };
    // The first rounds fill caches and pools.
    (0..2).for_each(|_| round());
    let (descriptors, resident) = (descriptors(&served.serving), resident_kib(&served.serving));
    (0..4).for_each(|_| round());
    until(|| self::descriptors(&served.serving) <= descriptors);
    let grown = resident_kib(&served.serving).saturating_sub(resident);
    assert!(grown < 4 << 10, "2000 sessions later {grown} KiB more are resident");
}

#[test]
fn a_session_ends_when_it_was_not_used_for_long() {
    let served = served(json!({ "session_timeout": 1, "log_level": "debug" }));
    let (idle, calling, listening) =
        (HttpSession::open(&served.http), HttpSession::open(&served.http), HttpSession::open(&served.http));
    let _stream = listening.listen();
    let mut call = calling.http.post(&wait("a", json!(1)));
    served.child().waits("a");
    until(|| served.serving.said().contains("ended after a long time without use"));
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    idle.http.post(&ping).refused(404);
    // What is in use lives on, however silent it is.
    assert_eq!(listening.http.post(&ping).message().result(), &json!({}));
    served.child().release("a");
    assert_eq!(call.result().text(), "released a");
}

#[test]
fn a_signal_lets_what_runs_be_answered() {
    for signal in [Signal::TERM, Signal::INT] {
        let served = served(json!({}));
        let session = HttpSession::open(&served.http);
        let mut listening = session.listen();
        let mut call = session.http.post(&wait("a", json!(1)));
        served.child().waits("a");
        kill_process(served.serving.pid(), signal).unwrap();
        until(|| served.http.at("/readyz").get().status == 503);
        assert_eq!(served.http.at("/livez").get().status, 200);
        // No more is taken, but what belongs to what runs.
        session.http.post(&wait("b", json!(2))).refused(503);
        served.http.post(&hello("2025-11-25", &json!({}))).refused(503);
        session.notify("notifications/cancelled", json!({ "requestId": "none" }));
        served.child().release("a");
        assert_eq!(call.result().text(), "released a");
        while listening.event().is_some() {}
        served.child().gone();
        // That it ends well is asserted when it is dropped.
    }
}

#[test]
fn a_second_signal_does_not_wait() {
    let served = served(json!({}));
    let session = HttpSession::open(&served.http);
    let call = session.http.post(&wait("a", json!(1)));
    served.child().waits("a");
    let pid = served.serving.pid();
    kill_process(pid, Signal::TERM).unwrap();
    until(|| served.http.at("/readyz").get().status == 503);
    kill_process(pid, Signal::TERM).unwrap();
    served.child().gone();
    drop(call);
}

/// Waits until `holds`.
#[track_caller]
fn until(holds: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "it does not come about");
        thread::park_timeout(Duration::from_millis(5));
    }
}

fn descriptors(serving: &Serving) -> usize {
    fs::read_dir(format!("/proc/{}/fd", number(serving.pid()))).unwrap().count()
}

fn resident_kib(serving: &Serving) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/status", number(serving.pid()))).unwrap();
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn number(pid: Pid) -> i32 {
    pid.as_raw_nonzero().get()
}
