//! A server that wants a token, and the authorization server that gives them out.

use std::{collections::HashMap, sync::Arc};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use gateway_tests::{
    fake_http::{Asked, Exchange, FakeHttp, behaviour},
    wait::Watched,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// What the authorization server knows.
#[derive(Default)]
pub(super) struct Books {
    /// The challenge of each code.
    pub(super) codes: HashMap<String, String>,
    /// The token that is taken at the moment, by its number.
    pub(super) valid: usize,
    /// How many tokens were refreshed.
    pub(super) refreshed: usize,
    /// The seconds that a token lives, if that is said.
    pub(super) expires_in: Option<u64>,
    /// No token is renewed any more.
    pub(super) closed: bool,
    /// Clients have a secret.
    pub(super) confidential: bool,
    /// Clients are registered by hand.
    pub(super) by_hand: bool,
    /// The tool wants this beside what was asked for at first.
    pub(super) more: Option<&'static str>,
    /// What each login asked for.
    pub(super) scopes: Vec<Option<String>>,
}

/// The secret of the client, where it has one.
pub(super) const SECRET: &str = "top-5ecret-value";

pub(super) type Shared = Arc<Watched<Books>>;

/// A server with one tool and the authorization server for it, at one address.
pub(super) fn protected() -> (FakeHttp, Shared) {
    let books = Shared::default();
    let (known, mcp) = (books.clone(), behaviour(|asked, exchange| exchange.json(&asked.says("secret"))));
    let server = FakeHttp::new(move |asked, exchange| {
        let path = asked.target.split('?').next().unwrap();
        let me = format!("http://{}", asked.header("host").unwrap());
        match (asked.method.as_str(), path) {
            (_, "/mcp") => {
                let wanted = format!("Bearer token-{}", known.lock().valid);
                if known.lock().valid > 0 && asked.header("authorization") == Some(wanted.as_str()) {
                    let more = known.lock().more.filter(|_| asked.method() == "tools/call");
                    let Some(more) = more else { return mcp(asked, exchange) };
                    let lacks = format!("Bearer error=\"insufficient_scope\", scope=\"{more}\"");
                    return exchange.answer("403 Forbidden", &[("WWW-Authenticate", &lacks)], "");
                }
                // Only who asks as MCP asks is told.
                if asked.method != "POST" {
                    return exchange.status("405 Method Not Allowed");
                }
                let where_to = format!("Bearer scope=\"basic\", resource_metadata=\"{me}/elsewhere\"");
                exchange.answer("401 Unauthorized", &[("WWW-Authenticate", &where_to)], "");
            }
            ("GET", "/elsewhere") => {
                exchange.json(&json!({ "resource": format!("{me}/mcp"), "authorization_servers": [me] }));
            }
            ("GET", "/.well-known/oauth-authorization-server") => {
                let by_hand = known.lock().by_hand;
                let confidential = known.lock().confidential;
                let mut about = json!({
                    "issuer": me, "authorization_endpoint": format!("{me}/authorize"),
                    "token_endpoint": format!("{me}/token"),
                    "response_types_supported": ["code"], "code_challenge_methods_supported": ["S256"],
                    "token_endpoint_auth_methods_supported": [if confidential { "client_secret_basic" } else { "none" }],
                });
                if !by_hand {
                    about["registration_endpoint"] = json!(format!("{me}/register"));
                }
                exchange.json(&about);
            }
            ("POST", "/register") => {
                let mut answer = json!({ "client_id": "client-7", "redirect_uris": asked.json["redirect_uris"] });
                if known.lock().confidential {
                    answer["client_secret"] = json!(SECRET);
                }
                exchange.answer("201 Created", &[("Content-Type", "application/json")], &answer.to_string());
            }
            ("GET", "/authorize") => authorize(asked, exchange, &known),
            ("POST", "/token") => token(asked, exchange, &known),
            _ => exchange.status("404 Not Found"),
        }
    });
    (server, books)
}

/// The person says yes at once.
fn authorize(asked: &Asked, exchange: &mut Exchange, books: &Shared) {
    let query = form(asked.target.split_once('?').unwrap().1);
    assert_eq!((query["client_id"].as_str(), query["code_challenge_method"].as_str()), ("client-7", "S256"));
    assert!(query["resource"].ends_with("/mcp"), "{query:?}");
    let code = books.change(|books| {
        let code = format!("code-{}", books.codes.len());
        books.codes.insert(code.clone(), query["code_challenge"].clone());
        books.scopes.push(query.get("scope").cloned());
        code
    });
    let back = format!("{}?code={code}&state={}", query["redirect_uri"], query["state"]);
    exchange.answer("302 Found", &[("Location", &back)], "");
}

fn token(asked: &Asked, exchange: &mut Exchange, books: &Shared) {
    let form = form(&asked.body);
    if books.lock().confidential {
        let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("client-7:{SECRET}")));
        if asked.header("authorization") != Some(basic.as_str()) {
            return exchange.status("401 Unauthorized");
        }
    }
    let granted = books.change(|books| {
        match form["grant_type"].as_str() {
            "authorization_code" => {
                let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
                assert_eq!(books.codes.remove(&form["code"]), Some(challenge));
            }
            "refresh_token" if books.closed => return None,
            "refresh_token" => {
                assert_eq!(form["refresh_token"], format!("refresh-{}", books.valid.max(1)));
                books.refreshed += 1;
            }
            other => panic!("{other}"),
        }
        books.valid += 1;
        let number = books.valid;
        let mut answer = json!({ "token_type": "Bearer" });
        answer["access_token"] = json!(format!("token-{number}"));
        answer["refresh_token"] = json!(format!("refresh-{number}"));
        if let Some(lives) = books.expires_in.take() {
            answer["expires_in"] = json!(lives);
        }
        Some(answer)
    });
    match granted {
        Some(answer) => exchange.json(&answer),
        None => exchange.answer(
            "400 Bad Request",
            &[("Content-Type", "application/json")],
            &json!({ "error": "invalid_grant" }).to_string(),
        ),
    }
}

pub(super) fn form(text: &str) -> HashMap<String, String> {
    let decode = |text: &str| {
        let (mut out, mut rest) = (Vec::new(), text.bytes());
        while let Some(byte) = rest.next() {
            out.push(match byte {
                b'+' => b' ',
                b'%' => {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                byte => byte,
            });
        }
        String::from_utf8(out).unwrap()
    };
    text.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (decode(k), decode(v))).collect()
}
