//! Components that know nothing of the gateway: their functions are tools.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    thread,
};

use gateway_tests::{Client, Gateway, gateway::run, guests, place};
use serde_json::{Value, json};

fn configuration(guest: guests::Guest, permissions: Value) -> Value {
    json!({ "plugins": { "guest": { "source": guest.source(), "permissions": permissions } } })
}

/// The definition of a tool, by the guest's own name for it.
#[track_caller]
fn definition(client: &Client, tool: &str) -> Value {
    let tools = client.tools().result()["tools"].clone();
    let tools = tools.as_array().unwrap();
    tools.iter().find(|found| found["name"] == format!("guest__{tool}")).unwrap().clone()
}

/// The names of the guest's tools.
fn names(client: &Client) -> Vec<String> {
    client.tools().tool_names().into_iter().filter(|name| name.starts_with("guest__")).collect()
}

/// A server that answers one request after the other with `hello from PATH`; its port.
fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut line = String::new();
            stream.read_line(&mut line).unwrap();
            let mut header = line.clone();
            while header != "\r\n" && !header.is_empty() {
                header.clear();
                stream.read_line(&mut header).unwrap();
            }
            let body = format!("hello from {}", line.split(' ').nth(1).unwrap_or_default());
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.get_mut().write_all(format!("{head}{body}").as_bytes());
        }
    });
    port
}

#[test]
pub(super) fn plain() {
    let gateway = Gateway::with(&configuration(guests::PLAIN, json!({})));
    let client = gateway.client();
    assert_eq!(names(&client), ["guest__add", "guest__greet", "guest__total", "guest__divide"]);
    let add = definition(&client, "add");
    assert_eq!(add["inputSchema"]["required"], json!(["a", "b"]));
    assert_eq!(add["inputSchema"]["properties"]["a"]["type"], "integer");
    assert_eq!(definition(&client, "greet")["inputSchema"].get("required"), None);

    let sum = client.call("guest__add", json!({ "a": 40, "b": 2 }));
    assert_eq!((sum.text().as_str(), &sum.result()["structuredContent"]), ("42", &json!({ "result": 42 })));
    assert_eq!(client.call("guest__greet", json!({})).text(), "hello, whoever you are");
    assert_eq!(client.call("guest__greet", json!({ "name": null })).text(), "hello, whoever you are");
    assert_eq!(client.call("guest__greet", json!({ "name": "you" })).text(), "hello, you");
    let points = json!({ "points": [{ "x": 1, "y": 2 }, { "x": 3, "y": 4 }], "unit": "foot" });
    let total = client.call("guest__total", points);
    assert_eq!(total.result()["structuredContent"], json!({ "x": 12, "y": 18 }));
    assert_eq!(client.call("guest__divide", json!({ "a": 1, "b": 4 })).text(), "0.25");
    let error = client.call("guest__divide", json!({ "a": 1, "b": 0 }));
    assert!(error.is_error());
    assert_eq!(error.failure(), "division by zero");

    for (tool, arguments, mistake) in [
        ("add", json!({ "a": 1 }), "argument \"b\" is missing"),
        ("add", json!({ "a": 1, "b": 2.5 }), "argument \"b\""),
        ("add", json!({ "a": 1, "b": 2_147_483_648_u32 }), "argument \"b\""),
        ("greet", json!({ "nmae": "you" }), "argument \"nmae\" is unknown"),
        ("total", json!({ "points": [], "unit": "mile" }), "argument \"unit\""),
    ] {
        let failure = client.call(&format!("guest__{tool}"), arguments).failure();
        assert!(failure.contains(mistake), "{failure}");
    }
}

#[test]
pub(super) fn plain_time() {
    let gateway = Gateway::with(&configuration(guests::PLAIN_TIME, json!({})));
    let client = gateway.client();
    let time = client.call("guest__get-current-time", json!({}));
    assert!(!time.is_error());
    assert_eq!(time.text().len(), "2026-01-31T12:00:00Z".len(), "{}", time.text());
    assert!(time.text().starts_with("20"), "{}", time.text());
    assert_eq!(time.result().get("structuredContent"), None);
    assert_eq!(definition(&client, "get-current-time").get("outputSchema"), None);
}

#[test]
pub(super) fn plain_fetch() {
    let port = server();
    let url = format!("http://127.0.0.1:{port}/page");
    let gateway =
        Gateway::with(&configuration(guests::PLAIN_FETCH, json!({ "net": [format!("http://127.0.0.1:{port}")] })));
    let client = gateway.client();
    assert_eq!(client.call("guest__fetch", json!({ "url": url })).text(), "hello from /page");
    let failure = client.call("guest__fetch", json!({ "url": "http://example.org/" })).failure();
    assert!(failure.contains("host \"example.org:80\" is not allowed"), "{failure}");
    assert!(failure.contains("hint: add \"http://example.org\" to plugins.guest.permissions.net"), "{failure}");

    let gateway = Gateway::with(&configuration(guests::PLAIN_FETCH, json!({})));
    let failure = gateway.client().call("guest__fetch", json!({ "url": url })).failure();
    assert!(failure.contains("is not allowed"), "{failure}");
}

#[test]
pub(super) fn plain_weather() {
    let port = server();
    let url = format!("http://127.0.0.1:{port}");
    let permissions = json!({ "net": [url], "env": { "WEATHER_URL": format!("{url}/weather") } });
    let gateway = Gateway::with(&configuration(guests::PLAIN_WEATHER, permissions));
    let weather = gateway.client().call("guest__get-weather", json!({ "city": "Graz" }));
    assert_eq!(weather.text(), "hello from /weather?city=Graz");

    let gateway = Gateway::with(&configuration(guests::PLAIN_WEATHER, json!({ "net": [url] })));
    let failure = gateway.client().call("guest__get-weather", json!({ "city": "Graz" })).failure();
    assert!(failure.contains("WEATHER_URL is not set"), "{failure}");
}

#[test]
pub(super) fn plain_files() {
    let permissions = json!({ "files": [{ "path": "./data", "mount": "/data", "write": false }] });
    let gateway = Gateway::with(&configuration(guests::PLAIN_FILES, permissions));
    gateway.write("data/b.txt", "one\ntwo\nthree two\n");
    gateway.write("data/a.txt", "");
    gateway.write("secret.txt", "a secret");
    let client = gateway.client();
    let result = |tool: &str, arguments: Value| {
        client.call(&format!("guest__{tool}"), arguments).result()["structuredContent"].clone()
    };
    assert_eq!(result("list-directory", json!({ "path": "/data" })), json!({ "result": ["a.txt", "b.txt"] }));
    assert_eq!(client.call("guest__read-file", json!({ "path": "/data/b.txt" })).text(), "one\ntwo\nthree two\n");
    let search = json!({ "path": "/data/b.txt", "pattern": "two" });
    assert_eq!(result("search-file", search), json!({ "result": ["two", "three two"] }));
    let search = json!({ "path": "/data/b.txt", "pattern": "two", "limit": 1 });
    assert_eq!(result("search-file", search), json!({ "result": ["two"] }));
    let info = result("get-file-info", json!({ "path": "/data/b.txt" }));
    assert_eq!((&info["name"], &info["kind"], &info["size"]), (&json!("b.txt"), &json!("file"), &json!(18)));
    assert!(info["modified"].is_u64(), "{info}");

    let missing = client.call("guest__get-file-info", json!({ "path": "/data/c.txt" }));
    assert!(missing.is_error());
    assert_eq!(missing.result()["structuredContent"], json!({ "error": { "not-found": "/data/c.txt" } }));
    for path in ["/data/../secret.txt", "/secret.txt", gateway.path("secret.txt").to_str().unwrap()] {
        let failure = client.call("guest__read-file", json!({ "path": path })).failure();
        assert!(!failure.contains("a secret"), "{path}: {failure}");
    }
}

#[test]
pub(super) fn shapes() {
    let gateway = Gateway::with(&configuration(guests::SHAPES, json!({})));
    let client = gateway.client();
    let value = json!([{ "circle": [{ "x": 1, "y": 2, "name": null }, 0.5] }, "nothing"]);
    let echoed = client.call("guest__variants", json!({ "value": value }));
    assert_eq!(echoed.result()["structuredContent"], json!({ "result": value }));
    let digits = client.call("guest__a-u64", json!({ "value": u64::MAX - 1 }));
    assert_eq!(digits.text(), "18446744073709551614");
    let failure = client.call("guest__breaks", json!({ "message": "not today" })).failure();
    assert!(failure.contains("panicked: not today"), "{failure}");
    let names = names(&client);
    assert!(names.iter().any(|name| name == "guest__echo_a-bool"), "{names:?}");
    assert!(!names.iter().any(|name| name.contains("a-thing")), "{names:?}");
}

#[test]
pub(super) fn both() {
    let gateway = Gateway::with(&configuration(guests::BOTH, json!({})));
    let client = gateway.client();
    assert_eq!(names(&client), ["guest__hello"]);
    assert_eq!(client.call("guest__hello", json!({})).text(), "hello");
}

#[test]
fn plain_components_are_added_and_inspected_like_others() {
    let gateway = Gateway::new("plugins: {}\n");
    let source = guests::PLAIN_FETCH.source();
    let inspected = gateway.run(&["plugin", "inspect", &source]);
    assert!(inspected.answer().contains("plain functions"), "{}", inspected.stdout);
    assert!(inspected.answer().contains("fetch"), "{}", inspected.stdout);
    gateway.run(&["plugin", "add", &source, "--name", "web", "--yes"]).answer();
    assert!(gateway.run(&["plugin", "list"]).answer().contains("web"));
    assert!(gateway.run(&["list"]).answer().contains("web__fetch"));
    let refused = gateway.run(&["plugin", "add", &guests::HANDLES.source(), "--name", "handles", "--yes"]);
    assert_ne!(refused.code, 0);
    assert!(refused.stderr.contains("it takes or returns a resource"), "{}", refused.stderr);
}

#[test]
fn a_project_of_plain_functions_is_built_with_its_documentation() {
    let gateway = Gateway::new("plugins: {}\n");
    let folder = place::repository().join("tests/guests/plain");
    let folder = folder.to_str().unwrap();
    let mut build = gateway.command(&["plugin", "build", folder]);
    // Cargo looks for its tools and its packages there.
    build.env("HOME", std::env::home_dir().unwrap());
    assert!(run(&mut build).answer().contains("interface  plain functions"));
    gateway.run(&["plugin", "add", &format!("{folder}/plain.wasm"), "--name", "sums", "--yes"]).answer();
    let client = gateway.client();
    let tools = client.tools().result()["tools"].clone();
    let tool = tools.as_array().unwrap().iter().find(|tool| tool["name"] == "sums__add").unwrap();
    assert_eq!(tool["description"], "Add two numbers.");
    assert_eq!(client.call("sums__add", json!({ "a": 1, "b": 2 })).text(), "3");
}
