//! Answers of servers behind HTTP that are larger than anybody expects.

use gateway_tests::{Gateway, fake_http::server};
use serde_json::json;

#[test]
fn a_huge_result_comes_through_and_one_past_the_limit_fails_alone() {
    let text = "x".repeat(32 << 20);
    let sent = text.clone();
    let server = server(move |asked, exchange| {
        let arguments = &asked.json["params"]["arguments"];
        let answer = asked.says(&sent.repeat(arguments["times"].as_u64().map_or(1, |times| times as usize)));
        if arguments["stream"] == true {
            exchange.stream();
            exchange.event(&answer);
            exchange.end();
        } else {
            exchange.json(&answer);
        }
    });
    let gateway = Gateway::with(&json!({ "servers": { "web": { "url": server.url("/mcp") } } }));
    let client = gateway.client();
    for stream in [false, true] {
        assert!(client.call("web__t", json!({ "stream": stream })).text() == text, "stream: {stream}");
        let failure = client.call("web__t", json!({ "stream": stream, "times": 3 })).failure();
        assert!(failure.contains("longer than 67108864 bytes"), "stream: {stream}: {failure}");
    }
}
