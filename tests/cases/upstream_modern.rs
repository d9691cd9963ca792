//! Servers of 2026-07-28 over HTTP: no sessions, and headers that say what the body says (SEP-2243).

use gateway_tests::{
    Gateway,
    fake_http::{Asked, Exchange, FakeHttp},
    wait::Watched,
};
use serde_json::{Value, json};

/// A server whose tools have these input schemas, and whose calls are answered by `call`.
fn modern(tools: Value, call: impl Fn(&Asked, &mut Exchange) + Send + Sync + 'static) -> FakeHttp {
    FakeHttp::new(move |asked, exchange| match asked.method() {
        "server/discover" => exchange.json(&asked.result(&json!({
            "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": { "tools": {} },
            "serverInfo": { "name": "modern", "version": "1" }, "ttlMs": 0, "cacheScope": "public",
        }))),
        "tools/list" => {
            let list = tools.as_object().unwrap().iter();
            let list: Vec<_> = list.map(|(name, of)| json!({ "name": name, "inputSchema": of })).collect();
            exchange.json(&asked.result(&json!({ "resultType": "complete", "tools": list })));
        }
        "tools/call" => call(asked, exchange),
        _ => exchange.status("404 Not Found"),
    })
}

fn gateway(server: &FakeHttp) -> Gateway {
    Gateway::with(&json!({ "servers": { "web": { "url": server.url("/mcp") } } }))
}

fn done(asked: &Asked) -> Value {
    asked.result(&json!({ "resultType": "complete", "content": [{ "type": "text", "text": "done" }] }))
}

#[test]
fn headers_say_what_the_body_says() {
    let properties = json!({
        "region": { "type": "string", "x-mcp-header": "Region" },
        "place": { "type": "object", "properties": { "floor": { "type": "integer", "x-mcp-header": "Floor" } } },
        "plain": { "type": "string" },
    });
    let schema = json!({ "type": "object", "properties": properties });
    let server =
        modern(json!({ "t": schema, "großes": { "type": "object" } }), |asked, exchange| exchange.json(&done(asked)));
    let gateway = gateway(&server);
    let client = gateway.client();
    let arguments = json!({ "region": "Zürich ", "place": { "floor": 3 }, "plain": "x" });
    assert_eq!(client.call("web__t", arguments).text(), "done");
    // The only client of `gateway stdio` is older, and so is what the server hears first.
    for asked in server.all().iter().filter(|asked| asked.method() != "initialize") {
        assert_eq!(asked.method, "POST", "{asked:#?}");
        assert_eq!(asked.header("mcp-method"), Some(asked.method()), "{asked:#?}");
        assert_eq!(asked.header("mcp-protocol-version"), Some("2026-07-28"), "{asked:#?}");
        assert_eq!(asked.header("mcp-session-id"), None, "{asked:#?}");
        let meta = &asked.json["params"]["_meta"];
        assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28", "{asked:#?}");
    }
    let call = server.asked("to call", |asked| asked.tool().is_some());
    assert_eq!(call.header("mcp-name"), Some("t"));
    assert_eq!(call.header("mcp-param-region"), Some("=?base64?WsO8cmljaCA=?="));
    assert_eq!(call.header("mcp-param-floor"), Some("3"));
    assert_eq!(call.header("mcp-param-plain"), None);
}

#[test]
fn a_tool_whose_headers_mislead_is_left_out() {
    let two = json!({ "type": "object", "properties": {
        "a": { "type": "string", "x-mcp-header": "Same" }, "b": { "type": "string", "x-mcp-header": "same" },
    } });
    let server =
        modern(json!({ "good": { "type": "object" }, "bad": two }), |asked, exchange| exchange.json(&done(asked)));
    let gateway = gateway(&server);
    let client = gateway.client();
    assert_eq!(client.call("web__good", json!({})).text(), "done");
    assert_eq!(client.call("web__bad", json!({})).error()["message"], "Unknown tool: web__bad");
    client.logged("its tool \"bad\" is left out");
}

#[test]
fn the_end_of_its_stream_cancels_a_call() {
    let gone = std::sync::Arc::new(Watched::new(false));
    let seen = gone.clone();
    let server = modern(json!({ "t": { "type": "object" } }), move |_, exchange| {
        exchange.stream();
        exchange.write(": working\n\n");
        exchange.until_gone();
        seen.change(|gone| *gone = true);
    });
    let gateway = gateway(&server);
    let client = gateway.client();
    let id = client.send_call("web__t", json!({}));
    server.asked("to work", |asked| asked.tool().is_some());
    client.notify("notifications/cancelled", Some(json!({ "requestId": id })));
    assert!(gone.until(|gone| gone.then_some(())).is_some(), "the stream stayed open");
    assert_eq!(server.count("notifications/cancelled"), 0, "{:#?}", server.all());
}

#[test]
fn one_that_is_listened_to_is_checked_all_the_same() {
    let server = FakeHttp::new(|asked, exchange| match asked.method() {
        "server/discover" => exchange.json(&asked.result(&json!({
            "resultType": "complete", "supportedVersions": ["2026-07-28"],
            "capabilities": { "tools": { "listChanged": true } }, "ttlMs": 0, "cacheScope": "public",
        }))),
        "tools/list" => exchange.json(&asked.result(&json!({ "resultType": "complete", "tools": [] }))),
        "subscriptions/listen" => {
            exchange.stream();
            exchange.until_gone();
        }
        _ => exchange.status("404 Not Found"),
    });
    let gateway = Gateway::with(&json!({ "servers": { "web": { "url": server.url("/mcp"), "heartbeat": 1 } } }));
    let client = gateway.client();
    client.call("_web_connect", json!({}));
    let listening = server.asked("to tell", |asked| asked.method() == "subscriptions/listen");
    let is_later = |asked: &Asked| asked.json["id"].as_u64() > listening.json["id"].as_u64();
    server.asked("whether it is there", |asked| asked.method() == "server/discover" && is_later(asked));
}
