//! Tokens of an identity provider over HTTP: PyJWT makes them, and they say who comes in.

use std::{
    collections::BTreeMap,
    io::Write as _,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use gateway_tests::{Fake, Gateway, Http, HttpSession, Serving, foreign, http::hello, web::Web};
use serde_json::{Value, json};

const FIXED: &str = "fixed-0123456789abcdef";
const METADATA: &str = "/.well-known/openid-configuration";

/// A provider on loopback.
struct Provider {
    web: Web,
    /// What it publishes, by path.
    published: Arc<Mutex<BTreeMap<String, Value>>>,
}

/// What was made: public keys by their name, and the tokens that were asked for.
struct Made {
    keys: Value,
    tokens: Vec<String>,
}

impl Provider {
    fn start() -> Self {
        let published = Arc::<Mutex<BTreeMap<String, Value>>>::default();
        let served = published.clone();
        let web = Web::start(move |path| match served.lock().unwrap().get(path) {
            Some(value) => (200, "content-type: application/json\r\n".to_owned(), value.to_string().into_bytes()),
            None => (404, String::new(), Vec::new()),
        });
        Self { web, published }
    }

    fn issuer(&self) -> String {
        self.web.url("")
    }

    fn publish(&self, path: &str, value: Value) {
        self.published.lock().unwrap().insert(path.to_owned(), value);
    }

    fn publish_keys(&self, made: &Made, names: &[&str]) {
        let keys: Vec<&Value> = names.iter().map(|name| &made.keys[*name]).collect();
        self.publish("/keys", json!({ "keys": keys }));
    }

    /// A token for Ann, a developer, but for `change`; `null` leaves a claim out.
    fn claims(&self, change: Value) -> Value {
        let mut claims =
            json!({ "iss": self.issuer(), "sub": "ann", "aud": "gateway", "exp": now() + 300, "role": "developer" });
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        claims
    }

    fn token(&self, key: &str, change: Value) -> Value {
        json!({ "key": key, "kid": key, "claims": self.claims(change) })
    }

    fn jwt(&self) -> Value {
        json!({ "issuer": self.issuer(), "audience": "gateway" })
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn make(keys: Value, tokens: &[Value]) -> Made {
    let mut command = Command::new(foreign::python());
    command.arg(foreign::folder().join("jwt_issuer.py")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut maker = command.spawn().unwrap();
    let asked = json!({ "keys": keys, "tokens": tokens }).to_string();
    maker.stdin.take().unwrap().write_all(asked.as_bytes()).unwrap();
    let output = maker.wait_with_output().unwrap();
    assert!(output.status.success(), "the script says why above");
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    let tokens = made["tokens"].as_array().unwrap().iter().map(|token| token.as_str().unwrap().to_owned());
    Made { keys: made["keys"].clone(), tokens: tokens.collect() }
}

fn serving(auth: Value) -> (Serving, Http) {
    let gateway = Gateway::with(&json!({
        "servers": { "fake": Fake::new().entry(&[]), "other": Fake::new().entry(&[]) },
        "roles": { "developer": ["fake_*"], "guest": ["other_*"] },
        "auth": auth,
    }));
    let serving = Serving::start(&gateway);
    let http = Http::new(&serving.address, "/mcp");
    (serving, http)
}

fn bearer(http: &Http, token: &str) -> Http {
    http.with("Authorization", &format!("Bearer {token}"))
}

#[track_caller]
fn tools(http: &Http, token: &str) -> Vec<String> {
    HttpSession::open(&bearer(http, token)).request("tools/list", json!({})).tool_names()
}

#[track_caller]
fn refused(http: &Http, token: &str) {
    let answer = bearer(http, token).post(&hello("2025-11-25", &json!({})));
    let challenge = answer.header("www-authenticate").unwrap_or_default().to_owned();
    answer.refused(401);
    assert!(challenge.contains(r#"error="invalid_token""#), "{challenge}");
}

#[test]
fn a_token_says_who_comes_in() {
    let provider = Provider::start();
    let token = |key: &str, change: Value| provider.token(key, change);
    let mut good = vec![
        token("rsa", json!({})),
        token("ec", json!({})),
        token("ed", json!({})),
        token("ec", json!({ "aud": ["other", "gateway"], "nbf": now() - 10 })),
        // A minute of leeway.
        token("ec", json!({ "exp": now() - 10 })),
    ];
    good.push(json!({ "key": "ec", "kid": null, "claims": provider.claims(json!({})) }));
    let with = |change: Value, further: Value| {
        let mut token = token("rsa", change);
        token.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
        token
    };
    let bad = [
        token("rsa", json!({ "exp": now() - 120 })),
        token("rsa", json!({ "exp": null })),
        token("rsa", json!({ "nbf": now() + 120 })),
        token("rsa", json!({ "aud": "another" })),
        token("rsa", json!({ "aud": null })),
        token("rsa", json!({ "iss": "https://idp.example.com" })),
        token("rsa", json!({ "sub": null })),
        token("rsa", json!({ "role": "admin" })),
        token("rsa", json!({ "role": "Developer" })),
        token("rsa", json!({ "role": [] })),
        token("rsa", json!({ "role": null })),
        with(json!({}), json!({ "alg": "none" })),
        with(json!({}), json!({ "alg": "HS256" })),
        // Another key under the name of one that is known.
        json!({ "key": "thief", "kid": "rsa", "claims": provider.claims(json!({})) }),
        json!({ "key": "thief-ec", "kid": "rsa", "claims": provider.claims(json!({})) }),
    ];
    let listed = token("ed", json!({ "role": ["admin", "guest", "developer"] }));
    let keys = json!({ "rsa": "RS256", "ec": "ES256", "ed": "EdDSA", "thief": "RS256", "thief-ec": "ES256" });
    let all: Vec<Value> = good.iter().chain(&bad).chain([&listed]).cloned().collect();
    let made = make(keys, &all);
    provider.publish(METADATA, json!({ "issuer": provider.issuer(), "jwks_uri": provider.web.url("/keys") }));
    provider.publish_keys(&made, &["rsa", "ec", "ed"]);
    let fixed = json!([{ "role": "guest", "token": FIXED }]);
    let (serving, http) = serving(json!({ "tokens": fixed, "jwt": provider.jwt() }));
    assert_eq!(tools(&http, FIXED), ["_other_connect"]);
    assert_eq!(provider.web.paths(), Vec::<String>::new(), "keys are fetched when they are needed");
    for (token, of) in made.tokens.iter().zip(&good) {
        assert_eq!(tools(&http, token), ["_fake_connect"], "{of}");
    }
    assert_eq!(tools(&http, made.tokens.last().unwrap()), ["_other_connect"]);
    for token in &made.tokens[good.len()..good.len() + bad.len()] {
        refused(&http, token);
    }
    let parts: Vec<&str> = made.tokens[0].split('.').collect();
    let other: Vec<&str> = made.tokens[1].split('.').collect();
    for token in [
        [parts[0], parts[1], other[2]].join("."),
        [parts[0], parts[1], ""].join("."),
        [other[0], parts[1], parts[2]].join("."),
        "a.b.c".to_owned(),
        "..".to_owned(),
    ] {
        refused(&http, &token);
    }
    // Not once more for any of those.
    assert_eq!(provider.web.paths(), [METADATA, "/keys"]);
    let said = serving.said();
    assert!(made.tokens.iter().all(|token| !said.contains(token.as_str())), "{said}");
}

#[test]
fn keys_are_fetched_anew_where_one_is_unknown() {
    let provider = Provider::start();
    let tokens = ["old", "new", "unknown"].map(|key| provider.token(key, json!({})));
    let made = make(json!({ "old": "ES256", "new": "ES256", "unknown": "EdDSA" }), &tokens);
    let [old, new, unknown] = made.tokens.as_slice() else { panic!("three were asked for") };
    provider.publish_keys(&made, &["old"]);
    let mut jwt = provider.jwt();
    jwt["jwks_url"] = json!(provider.web.url("/keys"));
    let (_serving, http) = serving(json!({ "jwt": jwt }));
    assert_eq!(tools(&http, old), ["_fake_connect"]);
    provider.publish_keys(&made, &["new"]);
    assert_eq!(tools(&http, old), ["_fake_connect"], "what is known is not asked for again at once");
    assert_eq!(provider.web.paths(), ["/keys"]);
    assert_eq!(tools(&http, new), ["_fake_connect"]);
    // What the provider took back counts no more, and it is left alone for a while.
    refused(&http, old);
    refused(&http, unknown);
    assert_eq!(provider.web.paths(), ["/keys", "/keys"]);
    provider.published.lock().unwrap().clear();
    assert_eq!(tools(&http, new), ["_fake_connect"], "known keys do without the provider");
}

#[test]
fn metadata_of_another_issuer_is_not_believed() {
    let provider = Provider::start();
    let made = make(json!({ "a": "ES256" }), &[provider.token("a", json!({}))]);
    provider.publish_keys(&made, &["a"]);
    provider.publish(METADATA, json!({ "issuer": "https://idp.example.com", "jwks_uri": provider.web.url("/keys") }));
    let (serving, http) = serving(json!({ "jwt": provider.jwt() }));
    refused(&http, &made.tokens[0]);
    serving.says("it is the metadata of another issuer");
    assert!(!provider.web.paths().contains(&"/keys".to_owned()), "{:?}", provider.web.paths());
}

#[test]
fn a_session_stays_with_its_subject() {
    let provider = Provider::start();
    let tokens = [
        provider.token("a", json!({})),
        provider.token("a", json!({ "exp": now() + 900, "jti": "refreshed" })),
        provider.token("a", json!({ "sub": "bob" })),
        provider.token("a", json!({ "role": "guest" })),
    ];
    let made = make(json!({ "a": "EdDSA" }), &tokens);
    let [ann, refreshed, bob, guest] = made.tokens.as_slice() else { panic!("four were asked for") };
    provider.publish_keys(&made, &["a"]);
    provider.publish(METADATA, json!({ "issuer": provider.issuer(), "jwks_uri": provider.web.url("/keys") }));
    let (_serving, http) = serving(json!({ "jwt": provider.jwt() }));
    let session = HttpSession::open(&bearer(&http, ann));
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    for other in [bob, guest] {
        let thief = bearer(&session.http, other);
        thief.post(&ping).refused(404);
        thief.get().refused(404);
        thief.send("DELETE", "").refused(404);
    }
    assert_eq!(bearer(&session.http, refreshed).post(&ping).message().result(), &json!({}));
}

#[test]
fn mistakes_are_found_before_it_starts() {
    let issuer = "https://idp.example.com";
    for (roles, jwt, said) in [
        (json!({ "a": null }), json!({ "issuer": "http://idp.example.com" }), "is no https:// address"),
        (json!({ "a": null }), json!({ "issuer": issuer, "jwks_url": "keys" }), "is no https:// address"),
        (json!({ "a": null }), json!({ "issuer": issuer, "audience": "" }), "no token would do"),
        (json!({ "a": null }), json!({ "issuer": "${NO_SUCH_ISSUER}" }), "NO_SUCH_ISSUER is not set"),
        (json!({ "a": null }), json!({ "audience": "gateway" }), "issuer"),
        (json!({}), json!({ "issuer": issuer }), "no role is configured"),
    ] {
        let gateway = Gateway::with(&json!({ "roles": roles, "auth": { "jwt": jwt } }));
        let output = gateway.run(&["check"]);
        let text = format!("{}{}", output.stdout, output.stderr);
        assert!(output.code == 2 && text.contains(said), "{jwt}: {} {text}", output.code);
        gateway.run(&["serve", "--port", "0"]).complaint(2);
    }
    let fine = Gateway::with(&json!({ "roles": { "a": null }, "auth": { "jwt": { "issuer": issuer } } }));
    assert_eq!(fine.run(&["check"]).code, 0);
}
