//! The dashboard, by clicking in a browser: `tests/dashboard` has the scripts.

use std::process::Command;

use gateway_tests::{Fake, Gateway, Http, Serving, foreign, gateway::run, guests, place};
use serde_json::{Value, json};

use super::grants::asking;

/// Runs a script of `tests/dashboard` against a gateway.
#[track_caller]
fn browse(serving: &Serving, script: &str, given: &Value) {
    let script = place::repository().join("tests/dashboard").join(script);
    let output = run(Command::new("node").arg(&script).arg(serving.url("/")).arg(given.to_string()));
    let (said, told) = (&output.stderr, serving.said());
    assert_eq!(output.code, 0, "{}\n{said}\nthe gateway said:\n{told}", script.display());
}

/// Has servers be started, so that their tools are known.
#[track_caller]
fn known(http: &Http, servers: &[&str]) {
    for server in servers {
        let answer = http.at(&format!("/api/backends/{server}/reconnect")).post(&json!({}));
        assert_eq!(answer.status, 200, "{server}");
    }
}

/// Whoever may do everything, and a role that sees the plugin alone.
fn roles() -> Value {
    json!({ "admin": null, "guest-only": ["guest__*"] })
}

#[test]
fn servers_are_managed_by_clicking() {
    let everything = foreign::node_server("everything", &[]);
    let gateway = Gateway::with(&json!({
        "allow_commands": [everything.join(" ")],
        "allow_plugins": ["./asking.wasm"],
        "plugins": { "guest": { "source": guests::HOST_USER.source(), "permissions": { "tools": ["mine__*"] } } },
        "roles": roles(), "default_role": "admin",
    }));
    let asks =
        json!({ "name": "made", "description": "Made for a test", "permissions": { "net": ["https://docs.rs"] } });
    asking(&gateway, guests::HOST_USER, &asks);
    let serving = Serving::start(&gateway);
    browse(&serving, "manage.mjs", &json!({ "command": everything }));
}

#[test]
fn nothing_is_shown_before_somebody_signs_in() {
    let (admin, guest) = ("admin-0123456789abcdef", "guest-0123456789abcdef");
    let (fake, other) = (Fake::new(), Fake::new());
    let gateway = Gateway::with(&json!({
        "servers": { "fake": fake.entry(&[]), "other": other.entry(&[]) },
        "roles": { "admin": null, "guest": ["other__*"] },
        "auth": { "tokens": [{ "role": "admin", "token": admin }, { "role": "guest", "token": guest }] },
    }));
    let serving = Serving::start(&gateway);
    let signed_in = Http::new(&serving.address, "/").with("Authorization", &format!("Bearer {admin}"));
    known(&signed_in, &["fake", "other"]);
    browse(&serving, "sign-in.mjs", &json!({ "admin": admin, "guest": guest }));
}

#[test]
fn what_servers_say_is_text() {
    let [title, text, help, answer, description] = ["title", "text", "help", "answer", "description"].map(|place| {
        format!(
            "<img src=x onerror=\"owned.push('{place}')\"><script>owned.push('{place}')</script><b id=injected>{place}"
        )
    });
    let argument = "<svg onload=owned.push(1)>";
    let (fake, gateway) = (Fake::new(), Gateway::new(""));
    let tool = json!({
        "name": "echo", "title": title, "description": text,
        "inputSchema": { "type": "object", "properties": { argument: { "type": "string", "description": help } } },
        "annotations": { "title": title },
    });
    let tools = gateway.write("tools.json", &json!([tool]).to_string());
    let answers =
        gateway.write("answers/echo.json", &json!({ "content": [{ "type": "text", "text": answer }] }).to_string());
    let flags =
        ["--tools", &tools.display().to_string(), "--answers", &answers.parent().unwrap().display().to_string()];
    let mut entry = fake.entry(&flags);
    entry["description"] = json!(description);
    gateway.write("gateway.yaml", &json!({ "servers": { "hostile": entry } }).to_string());
    let serving = Serving::start(&gateway);
    known(&Http::new(&serving.address, "/"), &["hostile"]);
    let given = json!({
        "title": title, "text": text, "help": help, "answer": answer, "description": description, "argument": argument,
    });
    browse(&serving, "hostile.mjs", &given);
}

#[test]
fn it_fits_everywhere_and_is_in_nobodys_way() {
    let fake = Fake::new();
    let gateway = Gateway::with(&json!({
        "servers": {
            "fake": fake.entry(&[]),
            "broken": { "command": "/nothing/there", "description": "It cannot be started" },
            "off": { "url": "https://off.example.com/mcp", "enabled": false },
        },
        "plugins": { "guest": { "source": guests::HOST_USER.source(), "permissions": { "tools": ["fake__*"] } } },
        "roles": roles(), "default_role": "admin",
    }));
    let serving = Serving::start(&gateway);
    let http = Http::new(&serving.address, "/");
    known(&http, &["fake", "broken"]);
    let call = json!({ "arguments": { "tool": "fake__echo", "arguments": { "text": "x" } } });
    assert_eq!(http.at("/api/tools/guest__call/call").post(&call).status, 200);
    // A folder for screenshots, to be looked at.
    let shots = std::env::var("DASHBOARD_SHOTS").ok();
    for (scheme, width) in [("light", 1280), ("dark", 1280), ("light", 360), ("dark", 360)] {
        browse(&serving, "looks.mjs", &json!({ "colorScheme": scheme, "width": width, "shots": shots }));
    }
    browse(&serving, "hands.mjs", &Value::Null);
}

#[test]
fn the_page_is_open_and_its_headers_are_strict() {
    let gateway = Gateway::with(&json!({
        "roles": { "admin": null },
        "auth": { "tokens": [{ "role": "admin", "token": "admin-0123456789abcdef" }] },
    }));
    let serving = Serving::start(&gateway);
    let http = Http::new(&serving.address, "/");
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/dashboard/main.js", "text/javascript; charset=utf-8"),
        ("/dashboard/nothing", ""),
    ] {
        let answer = http.at(path).get();
        assert_eq!(answer.status, if kind.is_empty() { 404 } else { 200 }, "{path}");
        assert_eq!(answer.header("content-type").unwrap_or_default(), kind, "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        if let Some(tag) = answer.header("etag").map(str::to_owned) {
            assert_eq!(http.at(path).with("If-None-Match", &tag).get().status, 304, "{path}");
            assert_eq!(http.at(path).with("If-None-Match", "\"another\"").get().status, 200, "{path}");
        }
    }
    assert_eq!(http.at("/api/health").get().status, 401);
    assert_eq!(http.post(&json!({})).status, 405);
}
