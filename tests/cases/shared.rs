//! Several clients before one server: each hears what is its own.

use gateway_tests::{Http, HttpSession, Message, client::MODERN};
use serde_json::{Value, json};

use super::http::served;

fn log(text: &str) -> Value {
    json!({ "level": "warning", "data": text })
}

#[test]
fn what_a_server_logs_comes_to_those_who_wait_for_it_or_to_those_who_want_to_hear() {
    let served = served(json!({}));
    let [wants, waits, idle] = [0; 3].map(|_| HttpSession::open(&served.http));
    wants.request("logging/setLevel", json!({ "level": "warning" })).result();
    let (mut hears, mut hears_nothing) = (wants.listen(), idle.listen());
    waits.call("fake__echo", json!({ "text": "x" })).result().text();
    for session in [&mut hears, &mut hears_nothing] {
        // The tools that are there now.
        assert!(session.next_message().1.method().unwrap().ends_with("list_changed"));
    }

    let mut answer = waits.call("fake__log", json!({ "text": "during a call" }));
    assert_eq!(answer.next_message().1.params()["data"], "during a call");
    answer.result().text();
    served.child().say("notifications/message", &log("beside all calls"));
    served.child().say("notifications/message", &json!({ "level": "info", "data": "not severe enough" }));
    served.child().say("notifications/message", &log("the last one"));
    let data: Vec<_> = [0; 2].map(|_| hears.next_message().1.params()["data"].clone()).into();
    assert_eq!(data, ["beside all calls", "the last one"]);
    served.child().tell(&json!({ "add": "more" }));
    assert_eq!(hears_nothing.next_message().1.method(), Some("notifications/tools/list_changed"));
}

/// A request of the revision without sessions.
fn modern(http: &Http, id: i64, tool: &str, capabilities: &Value, mut params: Value) -> Message {
    params["name"] = tool.into();
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    });
    let http = http.with("MCP-Protocol-Version", MODERN).with("Mcp-Method", "tools/call").with("Mcp-Name", tool);
    http.post(&json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })).result()
}

#[test]
fn questions_of_older_servers_are_answers_over_http_too() {
    let served = served(json!({}));
    let (http, can) = (&served.http, json!({ "elicitation": {} }));
    let question = |text: &str| json!({ "method": "elicitation/create", "params": { "message": text } });
    let asked = ["one", "two"].map(|text| modern(http, 1, "fake__ask", &can, json!({ "arguments": question(text) })));
    for (text, asked) in ["one", "two"].into_iter().zip(&asked).rev() {
        let questions = &asked.result()["inputRequests"];
        let (key, asks) = questions.as_object().unwrap().iter().next().unwrap();
        assert_eq!(asks["params"]["message"], text);
        let answers = json!({ key.as_str(): { "action": "accept", "content": { "of": text } } });
        let state = asked.result()["requestState"].clone();
        let again = json!({ "arguments": question(text), "requestState": state, "inputResponses": answers });
        let done = modern(http, 2, "fake__ask", &can, again);
        assert_eq!(serde_json::from_str::<Value>(&done.text()).unwrap()["content"]["of"], text);
    }
}
