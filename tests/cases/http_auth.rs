//! Who may come in over HTTP, and as whom.

use gateway_tests::{Fake, Gateway, Http, HttpSession, Serving, http::hello};
use serde_json::{Value, json};

const DEVELOPER: &str = "developer-0123456789abcdef";
const GUEST: &str = "guest-0123456789abcdef";
/// The SHA-256 of [`GUEST`].
const GUEST_SHA256: &str = "c4a6a634ee1bb1629d4f6dc1917e4f5ff3a3dc404601fc6d77e692e965411e0e";

fn config(fake: &Fake) -> Value {
    json!({
        "servers": { "fake": fake.entry(&[]), "other": Fake::new().entry(&[]) },
        "roles": { "developer": ["fake_*"], "guest": ["other_*"] },
        "auth": { "tokens": [
            { "role": "developer", "token": "${DEV_TOKEN:-developer-0123456789abcdef}" },
            { "role": "guest", "sha256": GUEST_SHA256 },
            { "role": "developer", "token": "${NO_SUCH_TOKEN}" },
        ] },
    })
}

fn bearer(http: &Http, token: &str) -> Http {
    http.with("Authorization", &format!("Bearer {token}"))
}

#[test]
fn a_token_gives_a_role() {
    let fake = Fake::new();
    let gateway = Gateway::with(&config(&fake));
    let serving = Serving::start(&gateway);
    let http = Http::new(&serving.address, "/mcp");
    let hello = hello("2025-11-25", &json!({}));
    for (refused, error) in [
        (http.clone(), None),
        (http.with("Authorization", "Basic ZGV2OmRldg=="), Some("invalid_request")),
        (bearer(&http, "developer-0123456789abcdeF"), Some("invalid_token")),
        (bearer(&http, "${NO_SUCH_TOKEN}"), Some("invalid_token")),
    ] {
        for path in ["/mcp", "/mcp/fake", "/sse", "/health", "/messages?sessionId=0", "/nothing"] {
            let answer = refused.at(path).post(&hello);
            let challenge = answer.header("www-authenticate").unwrap_or_default().to_owned();
            assert!(challenge.starts_with("Bearer "), "{path}: {challenge}");
            assert_eq!(challenge.contains("error="), error.is_some(), "{path}: {challenge}");
            assert!(challenge.contains(error.unwrap_or("realm")), "{path}: {challenge}");
            answer.refused(401);
        }
        for path in ["/livez", "/readyz"] {
            assert_eq!(refused.at(path).get().status, 200);
        }
    }
    let (developer, guest) = (bearer(&http, DEVELOPER), bearer(&http, GUEST));
    let of = |http: &Http| HttpSession::open(http).request("tools/list", json!({})).tool_names();
    assert_eq!(of(&developer), ["_fake_connect"]);
    assert_eq!(of(&guest), ["_other_connect"]);
    // What the role does not see is not there, and looks like nothing.
    assert_eq!(HttpSession::open(&developer.at("/mcp/fake")).call("echo", json!({ "text": "x" })).result().text(), "x");
    let hidden = guest.at("/mcp/fake").post(&hello).refused(404);
    let nothing = guest.at("/mcp/nope").post(&hello).refused(404);
    assert_eq!(hidden["message"].as_str().unwrap().replace("fake", "nope"), nothing["message"].as_str().unwrap());
    let mut health = guest.at("/health").get();
    let health: Value = serde_json::from_str(&health.text()).unwrap();
    assert_eq!(health["backends"].as_object().unwrap().keys().collect::<Vec<_>>(), ["other"]);
    for secret in [DEVELOPER, GUEST, "ZGV2OmRldg", "abcdeF"] {
        assert!(!serving.said().contains(secret), "{}", serving.said());
    }
}

#[test]
fn a_session_is_its_principals() {
    let fake = Fake::new();
    let gateway = Gateway::with(&config(&fake));
    let serving = Serving::start(&gateway);
    let http = Http::new(&serving.address, "/mcp");
    let session = HttpSession::open(&bearer(&http, DEVELOPER));
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    let thief = bearer(&session.http, GUEST);
    thief.post(&ping).refused(404);
    thief.get().refused(404);
    thief.send("DELETE", "").refused(404);
    bearer(&session.http, "nobody's").post(&ping).refused(401);
    let mut stream = bearer(&http.at("/sse"), DEVELOPER).get();
    let messages = stream.event().unwrap().data;
    bearer(&http.at(&messages), GUEST).post(&ping).refused(404);
    assert_eq!(session.http.post(&ping).message().result(), &json!({}));
}

#[test]
fn without_auth_it_is_for_this_machine() {
    let gateway = Gateway::with(&json!({}));
    for host in ["0.0.0.0", "::", "[::]"] {
        let output = gateway.run(&["serve", "--host", host, "--port", "0"]);
        let said = output.complaint(2);
        assert!(said.contains("auth") && said.contains("hint: "), "{said}");
    }
    let configured = Gateway::with(&json!({ "host": "0.0.0.0", "port": 0 }));
    configured.run(&["serve"]).complaint(2);
    let unusable = Gateway::with(&json!({
        "roles": { "a": null },
        "auth": { "tokens": [{ "role": "a", "token": "${NO_SUCH_TOKEN}" }] },
    }));
    let output = unusable.run(&["serve", "--port", "0"]);
    assert!(output.complaint(2).contains("nobody could come in"), "{output:#?}");
}

#[test]
fn without_auth_the_role_is_the_usual_one() {
    let fake = Fake::new();
    let roles = json!({ "some": ["fake_*"], "none": ["other_*"] });
    let config = json!({ "servers": { "fake": fake.entry(&[]) }, "roles": roles, "default_role": "some" });
    let gateway = Gateway::with(&config);
    let tools = |arguments: &[&str]| {
        let serving = Serving::start_with(&gateway, arguments);
        HttpSession::open(&Http::new(&serving.address, "/mcp")).request("tools/list", json!({})).tool_names()
    };
    assert_eq!(tools(&[]), ["_fake_connect"]);
    assert_eq!(tools(&["--role", "none"]), Vec::<String>::new());
    gateway.run(&["serve", "--port", "0", "--role", "nobody"]).complaint(2);
}

#[test]
fn mistakes_are_found_before_it_starts() {
    let check = |tokens: Value| {
        let gateway = Gateway::with(&json!({ "roles": { "admin": null }, "auth": { "tokens": tokens } }));
        let output = gateway.run(&["check"]);
        (output.code, format!("{}{}", output.stdout, output.stderr))
    };
    let long = "0123456789abcdef-0123456789abcdef";
    for (tokens, said) in [
        (json!([{ "role": "admni", "token": long }]), "did you mean `admin`?"),
        (json!([{ "role": "admin" }]), "needs `token` or `sha256`"),
        (json!([{ "role": "admin", "token": long, "sha256": GUEST_SHA256 }]), "both `token` and `sha256`"),
        (json!([{ "role": "admin", "sha256": "abc" }]), "64 hexadecimal digits"),
        (json!([{ "role": "admin", "token": "" }]), "the token is empty"),
        (json!([{ "role": "admin", "token": long }, { "role": "admin", "token": long }]), "there twice"),
        (json!([{ "role": "admin", "token": "${NO_SUCH_TOKEN}" }]), "NO_SUCH_TOKEN is not set"),
        (json!([]), "it names no token"),
    ] {
        let (code, text) = check(tokens.clone());
        assert!(code == 2 && text.contains(said), "{tokens}: {code} {text}");
        assert!(!text.contains(long), "{text}");
    }
    assert_eq!(check(json!([{ "role": "admin", "token": long }])).0, 0);
}
