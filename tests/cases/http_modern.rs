//! Revision 2026-07-28 over HTTP: requests without a session, and what their headers have to say.

use std::thread;

use gateway_tests::Http;
use serde_json::{Value, json};

use crate::http::served;

const VERSION: &str = "2026-07-28";

fn request(method: &str, mut params: Value) -> Value {
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!(VERSION);
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })
}

fn call(tool: &str, arguments: Value) -> Value {
    request("tools/call", json!({ "name": tool, "arguments": arguments, "_meta": { "progressToken": "mine" } }))
}

fn headers(http: &Http, method: &str, name: Option<&str>) -> Http {
    let http = http.with("MCP-Protocol-Version", VERSION).with("Mcp-Method", method);
    name.map_or(http.clone(), |name| http.with("Mcp-Name", name))
}

#[test]
fn an_answer_alone_is_json_and_what_comes_before_it_makes_it_a_stream() {
    let served = served(json!({}));
    let echo = headers(&served.http, "tools/call", Some("fake__echo"));
    let mut answer = echo.post(&call("fake__echo", json!({ "text": "x" })));
    assert_eq!((answer.status, answer.is_stream(), answer.header("mcp-session-id")), (200, false, None));
    assert_eq!(answer.message().text(), "x");
    let steps = headers(&served.http, "tools/call", Some("fake__progress"));
    let mut answer = steps.post(&call("fake__progress", json!({ "steps": 2 })));
    for step in 1..=2 {
        let (event, message) = answer.next_message();
        assert_eq!((event.id, &message.params()["progress"]), (None, &json!(step)), "there is no coming back");
    }
    assert_eq!(answer.next_message().1.text(), "2 steps");
    assert_eq!(answer.event(), None);
    // Who names events first gets them.
    let mut answer =
        echo.with("Accept", "text/event-stream, application/json").post(&call("fake__echo", json!({ "text": "x" })));
    assert!(answer.is_stream());
    assert_eq!(answer.result().text(), "x");
    let mut discovered = headers(&served.http, "server/discover", None).post(&request("server/discover", json!({})));
    assert!(discovered.message().result()["supportedVersions"].as_array().unwrap().contains(&json!(VERSION)));
}

#[test]
fn going_away_cancels() {
    let served = served(json!({}));
    let http = headers(&served.http, "tools/call", Some("fake__wait"));
    // Before the answer begins, and after.
    let early = http.begin("POST", call("fake__wait", json!({ "key": "early" })).to_string());
    served.child().waits("early");
    drop(early);
    assert_eq!(served.child().event("cancelled")["key"], "early");
    let late = thread::scope(|scope| scope.spawn(|| http.post(&call("fake__wait", json!({ "key": "late" })))).join());
    served.child().waits("late");
    late.unwrap().vanish();
    assert_eq!(served.child().event("cancelled")["key"], "late");
}

#[test]
fn headers_have_to_say_what_the_message_says() {
    let served = served(json!({}));
    let message = call("fake__echo", json!({ "text": "x" }));
    let right = headers(&served.http, "tools/call", Some("fake__echo"));
    for wrong in [
        right.without("Mcp-Method"),
        right.with("Mcp-Method", "tools/list"),
        right.without("Mcp-Name"),
        right.with("Mcp-Name", "fake__wait"),
        right.with("Mcp-Name", "=?base64?!?="),
        right.with("MCP-Protocol-Version", "2026-07-29"),
        right.without("MCP-Protocol-Version"),
        right.with("MCP-Protocol-Version", "2025-11-25"),
    ] {
        let error = wrong.post(&message).refused(400);
        assert_eq!(error["code"], -32020, "{wrong:?}: {error}");
    }
    assert_eq!(right.with("Mcp-Name", "=?base64?ZmFrZV9fZWNobw==?=").post(&message).message().text(), "x");
    served.child().called("echo");
    assert_eq!(served.child().count("call"), 1);
}

#[test]
fn the_status_says_what_is_wrong_with_the_request() {
    let served = served(json!({}));
    let of = |method: &str, message: &Value| headers(&served.http, method, None).post(message);
    assert_eq!(of("no/such", &request("no/such", json!({}))).refused(404)["code"], -32601);
    let mut unsaid = request("tools/list", json!({}));
    unsaid["params"]["_meta"].as_object_mut().unwrap().remove("io.modelcontextprotocol/clientCapabilities");
    assert_eq!(of("tools/list", &unsaid).refused(400)["code"], -32602);
    let bare = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    assert_eq!(of("tools/list", &bare).refused(400)["code"], -32602);
    let mut unknown = request("tools/list", json!({}));
    unknown["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2031-01-01");
    let future = headers(&served.http, "tools/list", None).with("MCP-Protocol-Version", "2031-01-01");
    assert_eq!(future.post(&unknown).refused(400)["code"], -32022);
    let unseen = headers(&served.http, "tools/call", Some("nope")).post(&call("nope", json!({}))).message();
    assert_eq!(unseen.error()["code"], -32602);
    // There are no sessions, and so nothing to listen to or to end.
    let sessions = headers(&served.http, "", None).with("Mcp-Session-Id", "x");
    for method in ["GET", "DELETE"] {
        let answer = sessions.send(method, "");
        assert_eq!(answer.header("allow"), Some("POST"));
        answer.refused(405);
    }
    let note = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } });
    assert_eq!(of("notifications/cancelled", &note).status, 202);
    of("ping", &json!({ "jsonrpc": "2.0", "id": 1, "result": {} })).refused(400);
    of("ping", &json!([bare])).refused(400);
}
