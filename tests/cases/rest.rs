//! The REST API: its shapes, what it changes, and that it is what it says of itself.

use std::process::Command;

use gateway_tests::{Fake, Gateway, Http, Serving, foreign, gateway::run, http::Answer};
use serde_json::{Value, json};

const TOKEN: &str = "admin-0123456789abcdef";

fn api(serving: &Serving) -> Http {
    Http::new(&serving.address, "/api/health").with("Authorization", &format!("Bearer {TOKEN}"))
}

#[track_caller]
fn read(mut answer: Answer, status: u16) -> Value {
    let text = answer.text();
    assert_eq!(answer.status, status, "{text}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn get(api: &Http, path: &str) -> Value {
    read(api.at(path).get(), 200)
}

fn config(servers: Value) -> Value {
    json!({
        "servers": servers,
        "roles": { "admin": null },
        "allow_urls": ["http://127.0.0.1:*/**", "http://127.0.0.1:9/*"],
        "auth": { "tokens": [{ "role": "admin", "token": TOKEN }] },
    })
}

#[test]
fn servers_are_shown_without_secrets() {
    let fake = Fake::new();
    let mut entry = fake.entry(&[]);
    entry["env"] = json!({ "API_KEY": "s3cret-value" });
    let remote = json!({
        "url": "http://127.0.0.1:9/mcp?key=s3cret-query",
        "headers": { "Authorization": "Bearer s3cret-header" },
    });
    let gateway = Gateway::with(&config(json!({ "fake": entry, "remote": remote })));
    let serving = Serving::start(&gateway);
    let api = api(&serving);
    let health = get(&api, "/api/health");
    assert_eq!(health["status"], "ok");
    assert_eq!((&health["backendCount"], &health["connectedBackends"]), (&json!(2), &json!(0)));
    for member in ["version", "uptimeMs", "toolCount"] {
        assert!(!health[member].is_null(), "{health}");
    }
    let changed = read(api.at("/api/backends/fake/reconnect").send("POST", ""), 200);
    assert_eq!((&changed["ok"], &changed["backend"]["status"]), (&json!(true), &json!("connected")));
    assert!(changed["backend"]["memoryBytes"].as_u64().is_some_and(|bytes| bytes > 0), "{changed}");
    let called = read(api.at("/api/tools/fake__echo/call").post(&json!({ "arguments": { "text": "x" } })), 200);
    assert_eq!(called["ok"], true, "{called}");
    let shown = get(&api, "/api/backends");
    assert_eq!(shown[0]["latency"]["count"], 1, "{shown}");
    assert!(shown[0]["tools"].as_array().unwrap().iter().any(|tool| tool["publicName"] == "fake__echo"), "{shown}");
    assert_eq!(shown[1]["url"], "http://127.0.0.1:9/mcp?key=***");
    let failed = read(api.at("/api/backends/remote/reconnect").send("POST", ""), 200);
    assert_eq!(failed["backend"]["status"], "error", "{failed}");
    assert_eq!(get(&api, "/api/health")["status"], "degraded");
    for path in ["/api/backends", "/api/logs", "/api/calls", "/api/plugins", "/api/health", "/api/openapi.json"] {
        let text = get(&api, path).to_string();
        assert!(!text.contains("s3cret"), "{path}: {text}");
    }
    assert!(!serving.said().contains("s3cret-header"), "{}", serving.said());
}

#[test]
fn servers_come_and_go() {
    let gateway = Gateway::with(&config(json!({})));
    let serving = Serving::start(&gateway);
    let api = api(&serving).at("/api/backends");
    let remote =
        json!({ "name": "far", "url": "http://127.0.0.1:9/mcp", "transport": "http", "headers": { "K": "s3cret" } });
    // Registered all the same where connecting fails, and told so.
    let registered = read(api.post(&remote), 200);
    assert_eq!((&registered["ok"], &registered["backend"]["status"]), (&json!(true), &json!("error")));
    assert!(registered["backend"]["registered"] == true && !registered.to_string().contains("s3cret"), "{registered}");
    let mut off = remote.clone();
    off["enabled"] = json!(false);
    let upserted = read(api.post(&off), 200);
    assert_eq!(
        (&upserted["backend"]["enabled"], &upserted["backend"]["status"]),
        (&json!(false), &json!("disconnected"))
    );
    assert_eq!(get(&api, "/api/backends").as_array().unwrap().len(), 1);
    let one = api.at("/api/backends/far");
    read(one.send("PATCH", json!({ "enabled": true }).to_string()), 200);
    assert_eq!(read(one.get(), 200)["enabled"], true);
    assert_eq!(read(one.send("DELETE", ""), 200), json!({ "ok": true }));
    read(one.send("DELETE", ""), 404);
    let reconnect = read(api.at("/api/backends/far/reconnect").send("POST", ""), 404);
    assert_eq!(reconnect, json!({ "error": "Backend not found in config" }));
    let command = read(api.post(&json!({ "name": "sh", "command": "sh", "args": ["-c", "true"] })), 403);
    assert!(command["hint"].as_str().is_some_and(|hint| hint.contains("allow_commands")), "{command}");
    for (body, said) in [
        (json!({ "name": "a" }), "name, url, transport are required"),
        (
            json!({ "name": "A", "url": "http://x", "transport": "http" }),
            "name must be lowercase alphanumeric/dash/underscore",
        ),
        (json!({ "name": "a", "url": "http://x", "transport": "ws" }), "transport must be http or sse"),
    ] {
        assert_eq!(read(api.post(&body), 400)["error"], said);
    }
    let form = api.with("Content-Type", "text/plain").post(&remote);
    assert!(read(form, 415)["error"].is_string());
    let foreign = api.with("Origin", "http://localhost:1").post(&remote);
    assert_eq!(foreign.header("access-control-allow-origin"), None);
    read(foreign, 403);
    let own = api.with("Origin", &format!("http://{}", serving.address)).get();
    read(own, 200);
    read(api.at("/api/nothing").get(), 404);
    read(api.send("PUT", ""), 405);
}

#[test]
fn reconnecting_ends_a_start_and_begins_another() {
    let fake = Fake::new();
    let mut config = config(json!({ "fake": fake.entry(&["--gate"]), "off": fake.entry(&[]) }));
    config["discovery"] = json!("eager");
    config["servers"]["off"]["enabled"] = json!(false);
    let gateway = Gateway::with(&config);
    let serving = Serving::start(&gateway);
    let api = api(&serving);
    // It is started, and does not answer yet.
    let first = fake.process(1);
    let asked = api.at("/api/backends/fake/reconnect").begin("POST", "");
    let second = fake.process(2);
    first.gone();
    second.tell(&json!({ "start": true }));
    let changed = read(Answer::read(asked, "reconnect".to_owned()), 200);
    assert_eq!((&changed["ok"], &changed["backend"]["status"]), (&json!(true), &json!("connected")), "{changed}");
    assert_eq!(fake.count(), 2);
    let disabled = read(api.at("/api/backends/off/reconnect").send("POST", ""), 409);
    assert_eq!(disabled["error"], "server \"off\" is disabled");
    assert!(disabled["hint"].as_str().is_some_and(|hint| hint.contains("enable it")), "{disabled}");
}

#[test]
fn a_server_that_hangs_delays_nothing() {
    let fake = Fake::new();
    // Its connections are taken, and nothing is answered.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mcp", silent.local_addr().unwrap());
    let mut config = config(json!({ "silent": { "url": url }, "fake": fake.entry(&[]) }));
    config["discovery"] = json!("eager");
    let gateway = Gateway::with(&config);
    let serving = Serving::start(&gateway);
    let api = api(&serving);
    let called = read(api.at("/api/tools/fake__echo/call").post(&json!({ "arguments": { "text": "x" } })), 200);
    assert_eq!(called["ok"], true, "{called}");
    let backends = get(&api, "/api/backends");
    assert!(["connecting", "disconnected"].iter().any(|state| backends[0]["status"] == *state), "{backends}");
}

#[test]
fn the_description_is_true() {
    let fake = Fake::new();
    let gateway = Gateway::with(&config(json!({ "fake": fake.entry(&[]) })));
    let serving = Serving::start(&gateway);
    let api = api(&serving);
    let described = get(&api, "/api/openapi.json");
    assert!(
        described["openapi"].as_str().is_some_and(|version| version.starts_with("3.1.")),
        "{}",
        described["openapi"]
    );
    let paths = described["paths"].as_object().unwrap();
    assert!(paths.len() > 12, "{:?}", paths.keys());
    for (path, methods) in paths {
        let there = path.replace("{name}", "fake").replace("{publicName}", "fake__echo");
        for method in ["get", "post", "patch", "delete", "put"] {
            if there == "/api/logs/stream" && method == "get" {
                continue;
            }
            // Without a body nothing is changed but by DELETE, which comes last and meets what the others leave.
            let status = match (methods.get(method), method) {
                (Some(_), "delete") => continue,
                _ => api.at(&there).send(&method.to_uppercase(), "").status,
            };
            assert_eq!(status == 405, methods.get(method).is_none(), "{method} {path}: {status}");
            assert_ne!(status, 404, "{method} {path}");
        }
    }
    let mut command = Command::new(foreign::folder().join(".venv/bin/schemathesis"));
    command
        .args(["run", &serving.url("/api/openapi.json"), "--url", &serving.url("/"), "--checks", "all"])
        .args(["-H", &format!("Authorization: Bearer {TOKEN}"), "--max-examples", "10", "--generation-deterministic"])
        .args(["--exclude-path", "/api/logs/stream", "--continue-on-failure", "--no-color"])
        // As long as a server may take to connect, on a machine that is busy.
        .args(["--max-response-time", "30"])
        .env("SCHEMATHESIS_HOOKS", "rest_formats")
        .env("PYTHONPATH", foreign::folder())
        .current_dir(gateway.path(""));
    let output = run(&mut command);
    assert_eq!(output.code, 0, "{}\n{}", output.stdout, output.stderr);
    assert!(output.stdout.contains("Tested:"), "{}", output.stdout);
}
