//! A plugin may have any habit: its caller gets an error that names it, and nobody else notices.

use gateway_tests::{
    Client, Gateway, Message,
    guests::{self, Guest},
};
use serde_json::{Value, json};

/// A session with a guest and an honest plugin beside it.
pub(super) struct Session {
    pub(super) client: Client,
    // After the client, whose gateway runs in its folder.
    _gateway: Gateway,
}

impl Session {
    pub(super) fn new(guest: Guest, limits: Value) -> Self {
        Self::with(guest, json!({ "limits": limits }))
    }

    pub(super) fn with(guest: Guest, mut entry: Value) -> Self {
        entry["source"] = guest.source().into();
        let gateway = Gateway::with(&json!({
            "plugins": { "guest": entry, "calculator": guests::CALCULATOR.source() },
        }));
        let client = gateway.client();
        let session = Self { client, _gateway: gateway };
        session.others_are_served();
        session
    }

    /// Calls the guest, and has others served before it answered, or has not, and afterwards.
    #[track_caller]
    pub(super) fn call(&self, tool: &str, arguments: Value) -> Message {
        let call = self.client.send_call(&format!("guest__{tool}"), arguments);
        self.others_are_served();
        let answer = self.client.answer(call);
        self.others_are_served();
        answer
    }

    #[track_caller]
    pub(super) fn others_are_served(&self) {
        let calls: Vec<_> =
            (0..3).map(|n| (n, self.client.send_call("calculator__add", json!({ "a": n, "b": 0.5 })))).collect();
        for (n, call) in calls {
            assert_eq!(self.client.answer(call).text(), format!("{n}.5"));
        }
    }

    /// Calls the guest, which fails with all of these words, every time.
    #[track_caller]
    pub(super) fn fails(&self, tool: &str, arguments: Value, words: &[&str]) {
        for _ in 0..2 {
            says(&self.call(tool, arguments.clone()).failure(), words);
        }
    }
}

#[track_caller]
pub(super) fn says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is missing in {text:?}");
    }
}

/// A guest that cannot be offered: who calls it and who asks for the status hears why, and everything else works.
#[track_caller]
pub(super) fn is_refused(entry: Value, words: &[&str]) {
    let gateway = Gateway::with(&json!({
        "plugins": { "guest": entry, "calculator": guests::CALCULATOR.source() },
    }));
    let client = gateway.client();
    assert_eq!(client.call("calculator__add", json!({ "a": 1, "b": 1 })).text(), "2");
    let names = client.tools().tool_names();
    assert!(!names.iter().any(|name| name.contains("guest")), "it is offered: {names:?}");
    let failure = client.call("guest__run", json!({})).failure();
    let status = client.call("gateway_status", json!({})).result()["structuredContent"]["plugins"]["guest"].clone();
    assert_eq!(status["state"], "failed", "{status}");
    says(&failure, words);
    says(status["error"].as_str().unwrap(), words);
}

#[test]
fn spin() {
    let session = Session::new(guests::SPIN, json!({ "time": "4s" }));
    let spinning = session.client.send_call("guest__spin", json!({}));
    session.others_are_served();
    let served = session.client.messages().len();
    let answer = session.client.answer(spinning);
    assert!(answer.at >= served, "the others were served only after the guest was stopped");
    says(&answer.failure(), &["plugin \"guest\"", "time limit of 4 s", "plugins.guest.limits.time"]);
}

#[test]
fn hoard() {
    let session = Session::new(guests::HOARD, json!({ "memory": "16MiB" }));
    session.fails("hoard", json!({}), &["plugin \"guest\"", "memory limit of 16 MiB", "plugins.guest.limits.memory"]);
    assert!(session.call("ask", json!({ "mib": 100 })).failure().starts_with("refused after "));
    assert_eq!(session.call("ask", json!({ "mib": 4 })).text(), "4 MiB");
}

#[test]
fn recurse() {
    let session = Session::new(guests::RECURSE, json!({}));
    session.fails("recurse", json!({}), &["plugin \"guest\"", "stack limit"]);
}

#[test]
fn panics() {
    let session = Session::new(guests::PANICS, json!({}));
    session.fails("panic", json!({ "message": "not today" }), &["plugin \"guest\"", "panicked", "not today"]);
    assert_eq!(session.call("fail", json!({ "message": "as I should" })).failure(), "as I should");
}

#[test]
fn traps() {
    let session = Session::new(guests::TRAPS, json!({}));
    session.fails("unreachable", json!({}), &["plugin \"guest\"", "trapped", "unreachable"]);
    session.fails("outside", json!({}), &["plugin \"guest\"", "trapped", "out of bounds"]);
}

#[test]
fn flood() {
    let session = Session::new(guests::FLOOD, json!({ "time": "60s" }));
    // Were a byte of it on the gateway's own standard output, the client would fail.
    assert_eq!(session.call("flood", json!({ "mib": 4 })).text(), "flooded");
    assert_eq!(session.call("say", json!({ "line": "a line for the log" })).text(), "said");
    session.client.logged("a line for the log");
    assert!(session.client.log().len() < 1024 * 1024, "the flood went into the log");
}

#[test]
fn huge() {
    let session = Session::new(guests::HUGE, json!({ "memory": "512MiB", "output": "1MiB", "time": "60s" }));
    let limit = ["plugin \"guest\"", "output limit of 1 MiB", "plugins.guest.limits.output"];
    session.fails("text", json!({ "mib": 100 }), &limit);
    session.fails("pieces", json!({ "count": 2_000_000 }), &limit);
    assert_eq!(session.call("nest", json!({ "depth": 20 })).text(), "nested");
}

#[test]
fn sleepy() {
    let session = Session::new(guests::SLEEPY, json!({ "time": "2s" }));
    session.fails("sleep", json!({ "milliseconds": 3_600_000 }), &["plugin \"guest\"", "time limit of 2 s"]);
    assert!(!session.call("sleep", json!({ "milliseconds": 1 })).is_error());
}

#[test]
fn counter() {
    let session = Session::new(guests::COUNTER, json!({}));
    let calls: Vec<_> = (0..20).map(|_| session.client.send_call("guest__count", json!({}))).collect();
    for call in calls {
        assert_eq!(session.client.answer(call).text(), "1");
    }
}

/// Wherever a call leaves a trace, the next one finds what the first one found.
#[test]
fn ghost() {
    let session = Session::new(guests::GHOST, json!({}));
    let first = session.call("haunt", json!({ "place": "nowhere" })).text();
    assert!(first.starts_with("0 marks, count 0, own 0, "), "{first}");
    for _ in 0..3 {
        for place in ["static", "thread", "heap", "stack", "low", "zero", "end", "grow", "leak", "order"] {
            assert_eq!(session.call("haunt", json!({ "place": place })).text(), first, "before {place}");
        }
    }
    let calls: Vec<_> = (0..40).map(|_| session.client.send_call("guest__haunt", json!({ "place": "heap" }))).collect();
    for call in calls {
        assert_eq!(session.client.answer(call).text(), first);
    }
}

#[test]
fn exits() {
    let session = Session::new(guests::EXITS, json!({}));
    session.fails("exit", json!({ "code": 3 }), &["plugin \"guest\"", "exited with code"]);
}

#[test]
fn lies() {
    let session = Session::new(guests::LIES, json!({}));
    assert_eq!(session.call("keep", json!({})).result()["structuredContent"], json!({ "count": 1 }));
    for lie in ["break-json", "return-a-list", "return-another-type", "return-nothing"] {
        session.fails(lie, json!({}), &["plugin \"guest\""]);
    }
    session.fails("fail", json!({ "kind": "failed" }), &["the guest gave up"]);
    session.fails("fail", json!({ "kind": "invalid-arguments" }), &["there is a better one"]);
}

#[test]
fn bad_schema() {
    is_refused(json!(guests::BAD_SCHEMA.source()), &["guest", "schema"]);
}

#[test]
fn bad_names() {
    is_refused(json!(guests::BAD_NAMES.source()), &["guest", "run"]);
}

#[test]
fn bad_list() {
    is_refused(json!(guests::BAD_LIST.source()), &["guest", "does not like to be listed"]);
}

#[test]
fn slow_list() {
    let entry = json!({
        "source": guests::SLOW_LIST.source(), "limits": { "time": "1s" }, "config": { "milliseconds": 3_600_000 },
    });
    is_refused(entry, &["guest", "time limit of 1 s"]);
}

#[test]
fn no_tool() {
    is_refused(json!(guests::NO_TOOL.source()), &["guest", "gateway:plugin"]);
}

#[test]
fn handles() {
    is_refused(json!(guests::HANDLES.source()), &["guest", "`open`: it takes or returns a resource"]);
}

#[test]
fn env() {
    let session = Session::with(guests::ENV, json!({ "permissions": { "env": { "GREETING": "hello" } } }));
    let environment: Value = serde_json::from_str(&session.call("environment", json!({})).text()).unwrap();
    assert_eq!(environment, json!({ "GREETING": "hello" }), "no more than what was granted");
    assert_eq!(session.call("arguments", json!({})).result()["structuredContent"], json!({ "result": [] }));
    assert_eq!(session.call("input", json!({})).text(), "");
}

// What these may reach is long enough for files of their own.
use super::{
    elicit::asks,
    filters::{bad_filter, usher},
    grants::{courier, scribe},
    hostile::{
        chatter, clock, deaf, dice, forge, grow, impostor, many_tools, mojibake, nag, nan, packrat, pour, schema_bomb,
        start_spin, storm,
    },
    hot_swap::versioned,
    nested::host_user,
    plain_functions::{both, plain, plain_fetch, plain_files, plain_time, plain_weather, shapes},
    plugin_resources::{bad_library, library},
    rust_sdk::notebook,
    sandbox::{files, net},
    storage::keeper,
};

/// A guest without a test here is no test of anything: this does not compile then.
macro_rules! has_a_test {
    ($guest:ident) => {
        const _: fn() = $guest;
    };
}
gateway_tests::each_guest!(has_a_test);
