//! The REST API, as each role sees it.

use gateway_tests::{Fake, Gateway, Http, HttpSession, Serving};
use serde_json::{Value, json};

fn token(role: &str) -> String {
    format!("{role}-0123456789abcdef")
}

fn of(serving: &Serving, role: &str) -> Http {
    Http::new(&serving.address, "/api/health").with("Authorization", &format!("Bearer {}", token(role)))
}

fn body(http: &Http, path: &str) -> String {
    let mut answer = http.at(path).get();
    let text = answer.text();
    assert_eq!(answer.status, 200, "{path}: {text}");
    text
}

fn config(open: &Fake, hidden: &Fake) -> Value {
    let roles = ["admin", "guest", "watcher", "manager"];
    json!({
        "servers": { "open": open.entry(&[]), "hidden": hidden.entry(&[]) },
        "roles": {
            "admin": null,
            "guest": ["open__echo"],
            "watcher": ["open_*", "gateway_status"],
            "manager": ["open_*", "gateway_*"],
        },
        "allow_urls": ["http://127.0.0.1:9/*"],
        "auth": { "tokens": roles.map(|role| json!({ "role": role, "token": token(role) })) },
    })
}

#[test]
fn a_role_sees_what_is_its_own() {
    let (open, hidden) = (Fake::new(), Fake::new());
    let gateway = Gateway::with(&config(&open, &hidden));
    let serving = Serving::start(&gateway);
    let admin = of(&serving, "admin");
    for tool in ["open__echo", "hidden__echo"] {
        let path = format!("/api/tools/{tool}/call");
        assert_eq!(admin.at(&path).post(&json!({ "arguments": { "text": "x" } })).status, 200);
        // What is hidden and what is not there are answered alike.
        let mut refused = of(&serving, "guest").at(&path).post(&json!({}));
        let (status, said) = (refused.status, refused.text());
        assert_eq!(status, if tool == "open__echo" { 200 } else { 404 }, "{said}");
    }
    let guest = of(&serving, "guest");
    for path in ["/api/backends", "/api/tools", "/api/roles", "/api/plugins", "/api/pipelines", "/api/health"] {
        let seen = body(&guest, path);
        assert!(!seen.contains("hidden"), "{path}: {seen}");
    }
    let tools: Value = serde_json::from_str(&body(&guest, "/api/tools")).unwrap();
    let names: Vec<_> = tools["tools"].as_array().unwrap().iter().map(|tool| tool["publicName"].clone()).collect();
    assert_eq!(names, ["open__echo"]);
    let roles: Value = serde_json::from_str(&body(&guest, "/api/roles")).unwrap();
    assert_eq!(roles["roles"].as_array().unwrap().len(), 1, "{roles}");
    assert_eq!(roles["matrix"][0]["decisions"][0]["glob"], "open__echo");
    assert_eq!(guest.at("/api/backends/hidden").get().status, 404);
    // Logs, calls, sessions and numbers are for who may use gateway_status, and tell of the role's own.
    let watcher = of(&serving, "watcher");
    let session = HttpSession::open(&admin.at("/mcp"));
    for path in ["/api/logs", "/api/calls", "/api/sessions", "/metrics", "/api/logs/stream"] {
        assert_eq!(guest.at(path).get().status, 403, "{path}");
    }
    for path in ["/api/logs", "/api/calls", "/metrics"] {
        // The words that explain the numbers are the same for all.
        let seen = body(&watcher, path).replace("is hidden from the role", "");
        assert!(seen.contains("open") && !seen.contains("hidden"), "{path}: {seen}");
        assert!(body(&admin, path).contains("hidden"), "{path}");
    }
    assert_eq!(body(&watcher, "/api/sessions"), "[]");
    let sessions: Value = serde_json::from_str(&body(&admin, "/api/sessions")).unwrap();
    assert_eq!((&sessions[0]["role"], &sessions[0]["transport"]), (&json!("admin"), &json!("http")), "{sessions}");
    session.end();
}

#[test]
fn a_role_changes_what_it_may() {
    let (open, hidden) = (Fake::new(), Fake::new());
    let gateway = Gateway::with(&config(&open, &hidden));
    let serving = Serving::start(&gateway);
    let new = |name: &str| json!({ "name": name, "url": "http://127.0.0.1:9/mcp", "transport": "http" });
    for role in ["guest", "watcher"] {
        let http = of(&serving, role);
        assert_eq!(http.at("/api/backends").post(&new("open-2")).status, 403);
        for (method, path) in [("DELETE", "/api/backends/open"), ("POST", "/api/backends/open/reconnect")] {
            assert_eq!(http.at(path).send(method, "").status, 403, "{role} {path}");
        }
        assert_eq!(http.at("/api/backends/open").send("PATCH", r#"{"enabled":false}"#).status, 403);
        assert_eq!(http.at("/api/plugins/inspect").post(&json!({ "source": "./x" })).status, 403);
        assert_eq!(http.at("/api/tools?role=admin").get().status, 403);
        assert_eq!(http.at("/api/tools/open__echo/call").post(&json!({ "role": "admin" })).status, 403);
    }
    let manager = of(&serving, "manager");
    // Not even its name is taken away from what is hidden.
    assert_eq!(manager.at("/api/backends").post(&new("hidden")).status, 403);
    for (method, path) in [("DELETE", "/api/backends/hidden"), ("POST", "/api/backends/hidden/reconnect")] {
        assert_eq!(manager.at(path).send(method, "").status, 404, "{path}");
    }
    // As another role it sees and calls what it may itself, and no more.
    let as_admin = body(&manager, "/api/tools?role=admin");
    assert!(!as_admin.contains("hidden"), "{as_admin}");
    let call = json!({ "role": "admin", "arguments": { "text": "x" } });
    assert_eq!(manager.at("/api/tools/hidden__echo/call").post(&call).status, 404);
    assert_eq!(manager.at("/api/tools/open__echo/call").post(&call).status, 200);
    assert_eq!(manager.at("/api/tools?role=nobody").get().status, 404);
    assert_eq!(manager.at("/api/backends/open").send("DELETE", "").status, 200);
    assert_eq!(manager.at("/api/backends/open").get().status, 404);
    assert_eq!(of(&serving, "admin").at("/api/backends/hidden").get().status, 200);
}

#[test]
fn without_a_token_nothing_is_told() {
    let (open, hidden) = (Fake::new(), Fake::new());
    let gateway = Gateway::with(&config(&open, &hidden));
    let serving = Serving::start(&gateway);
    for path in ["/api", "/api/health", "/api/openapi.json", "/api/nothing", "/metrics", "/api/logs/stream"] {
        let mut answer = Http::new(&serving.address, path).get();
        let told: Value = serde_json::from_str(&answer.text()).unwrap();
        assert_eq!(answer.status, 401, "{path}");
        assert!(told["error"].is_string() && answer.header("www-authenticate").is_some(), "{path}: {told}");
    }
}
