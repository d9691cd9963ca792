//! Servers that want a token: a person logs in once, and the gateway keeps and renews what that brought.

use std::{
    collections::HashMap,
    fs,
    io::{BufRead as _, BufReader, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, ChildStdout, Stdio},
    sync::Arc,
};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use gateway_tests::{
    Gateway,
    fake_http::{Asked, Exchange, FakeHttp, behaviour, get},
    wait::Watched,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// What the authorization server knows.
#[derive(Default)]
struct Books {
    /// The challenge of each code.
    codes: HashMap<String, String>,
    /// The token that is taken at the moment, by its number.
    valid: usize,
    /// How many tokens were refreshed.
    refreshed: usize,
    /// The seconds that a token lives, if that is said.
    expires_in: Option<u64>,
    /// No token is renewed any more.
    closed: bool,
    /// Clients have a secret.
    confidential: bool,
    /// Clients are registered by hand.
    by_hand: bool,
    /// The tool wants this beside what was asked for at first.
    more: Option<&'static str>,
    /// What each login asked for.
    scopes: Vec<Option<String>>,
}

/// The secret of the client, where it has one.
const SECRET: &str = "top-5ecret-value";

type Shared = Arc<Watched<Books>>;

/// A server with one tool and the authorization server for it, at one address.
fn protected() -> (FakeHttp, Shared) {
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

fn form(text: &str) -> HashMap<String, String> {
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

fn gateway(server: &FakeHttp) -> Gateway {
    Gateway::with(&json!({ "servers": { "web": { "url": server.url("/mcp") }, "local": { "command": "true" } } }))
}

/// `gateway server login web`, until it has shown where to go.
struct Login {
    child: Child,
    output: BufReader<ChildStdout>,
    address: String,
}

impl Login {
    fn start(gateway: &Gateway) -> Self {
        let mut command = gateway.command(&["server", "login", "web", "--no-browser"]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("Log in at ").unwrap_or_default().to_owned();
        if address.is_empty() {
            let mut said = String::new();
            child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            panic!("no address, but {line:?} and {said}");
        }
        Self { child, output, address }
    }

    /// Where the browser is sent back to.
    fn callback(&self) -> String {
        let (status, headers, _) = get(&self.address);
        assert_eq!(status, 302);
        headers.into_iter().find(|(name, _)| name == "location").unwrap().1
    }

    fn end(mut self) -> (i32, String, String) {
        let (mut said, mut complaint) = (String::new(), String::new());
        self.output.read_to_string(&mut said).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
        (self.child.wait().unwrap().code().unwrap(), said, complaint)
    }
}

fn log_in(gateway: &Gateway) {
    let login = Login::start(gateway);
    let (status, _, page) = get(&login.callback());
    assert_eq!((status, page.contains("You are logged in")), (200, true), "{page}");
    assert_eq!(login.end(), (0, "Logged in to web.\n".to_owned(), String::new()));
}

/// The file of tokens.
fn kept(gateway: &Gateway) -> Option<PathBuf> {
    let configurations = gateway.path("home/state/mcp-gateway/configurations");
    let folder = fs::read_dir(configurations).ok()?.flatten().map(|entry| entry.path().join("oauth")).next()?;
    let files = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    files.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "json"))
}

fn paths(server: &FakeHttp) -> Vec<String> {
    server.all().into_iter().map(|asked| asked.target.split('?').next().unwrap().to_owned()).collect()
}

#[test]
fn nobody_is_logged_in_by_a_call() {
    let (server, _) = protected();
    let gateway = gateway(&server);
    let failure = gateway.client().call("web__t", json!({})).failure();
    assert!(failure.contains("HTTP 401") && failure.contains("gateway server login web"), "{failure}");
    assert!(paths(&server).iter().all(|path| path == "/mcp"), "{:?}", paths(&server));
}

#[test]
fn a_login_is_kept_for_this_user_alone_and_used() {
    let (server, _) = protected();
    let gateway = gateway(&server);
    log_in(&gateway);
    let file = kept(&gateway).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(file.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(gateway.run(&["call", "web__t"]).answer(), "secret\n");
    assert_eq!(gateway.run(&["call", "web__t"]).answer(), "secret\n");
    assert_eq!(gateway.run(&["server", "logout", "web"]).answer(), "Logged out of web.\n");
    assert_eq!(kept(&gateway), None);
    assert_eq!(gateway.run(&["server", "logout", "web"]).answer(), "Nobody was logged in to web.\n");
    assert!(gateway.run(&["call", "web__t"]).complaint(1).contains("gateway server login web"));
}

#[test]
fn a_login_while_the_gateway_runs_is_noticed() {
    let (server, _) = protected();
    let gateway = gateway(&server);
    let client = gateway.client();
    client.call("web__t", json!({})).failure();
    log_in(&gateway);
    assert_eq!(client.call("web__t", json!({})).text(), "secret");
}

#[test]
fn a_token_that_is_refused_is_renewed_once_for_all_who_wait() {
    let (server, books) = protected();
    let gateway = gateway(&server);
    log_in(&gateway);
    let client = gateway.client();
    assert_eq!(client.call("web__t", json!({})).text(), "secret");
    // The server takes none of the old tokens any more, and gives out the next.
    books.change(|books| books.valid = 41);
    let file = kept(&gateway).unwrap();
    let text = fs::read_to_string(&file).unwrap().replace("refresh-1", "refresh-41");
    fs::write(&file, text).unwrap();
    let ids: Vec<_> = (0..5).map(|_| client.send_call("web__t", json!({}))).collect();
    for id in ids {
        assert_eq!(client.answer(id).text(), "secret");
    }
    assert_eq!(books.lock().refreshed, 1);
    let kept: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(kept["token_response"]["access_token"], "token-42");
    assert_eq!(server.count("initialize"), 1);
}

#[test]
fn a_token_that_has_run_out_is_renewed_before_it_is_refused() {
    let (server, books) = protected();
    books.change(|books| books.expires_in = Some(0));
    let gateway = gateway(&server);
    log_in(&gateway);
    let before = server.all().len();
    assert_eq!(gateway.run(&["call", "web__t"]).answer(), "secret\n");
    assert_eq!(books.lock().refreshed, 1);
    let tokens: Vec<_> =
        server.all()[before..].iter().filter_map(|asked| asked.header("authorization").map(str::to_owned)).collect();
    assert!(!tokens.is_empty() && tokens.iter().all(|token| token == "Bearer token-2"), "{tokens:?}");
}

#[test]
fn a_login_that_has_ended_is_asked_for_again() {
    let (server, books) = protected();
    let gateway = gateway(&server);
    log_in(&gateway);
    books.change(|books| (books.valid, books.closed) = (7, true));
    let complaint = gateway.run(&["call", "web__t"]);
    assert!(complaint.complaint(1).contains("gateway server login web"), "{complaint:#?}");
    assert_eq!(kept(&gateway), None);
}

#[test]
fn a_secret_from_the_registration_renews_tokens_later() {
    let (server, books) = protected();
    books.change(|books| (books.confidential, books.expires_in) = (true, Some(0)));
    let gateway = gateway(&server);
    log_in(&gateway);
    assert_eq!(fs::metadata(kept(&gateway).unwrap()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(gateway.run(&["call", "web__t"]).answer(), "secret\n");
    // What was renewed keeps it for the next time.
    books.change(|books| books.valid = 41);
    let file = kept(&gateway).unwrap();
    fs::write(&file, fs::read_to_string(&file).unwrap().replace("refresh-2", "refresh-41")).unwrap();
    assert_eq!(gateway.run(&["call", "web__t"]).answer(), "secret\n");
    assert_eq!(books.lock().refreshed, 2);
}

#[test]
fn a_client_that_was_registered_by_hand_is_used() {
    let (server, books) = protected();
    books.change(|books| (books.confidential, books.by_hand, books.expires_in) = (true, true, Some(0)));
    let complaint = gateway(&server).run(&["server", "login", "web", "--no-browser"]);
    assert!(complaint.complaint(1).contains("registers no clients by itself"), "{complaint:#?}");
    let client = json!({ "client_id": "client-7", "client_secret": SECRET, "scopes": ["read", "list"] });
    let gateway = Gateway::with(&json!({ "servers": { "web": { "url": server.url("/mcp"), "oauth": client } } }));
    log_in(&gateway);
    assert_eq!(books.lock().scopes, [Some("read list".to_owned())]);
    assert_eq!(gateway.run(&["call", "web__t"]).answer(), "secret\n");
    assert_eq!(books.lock().refreshed, 1);
    assert!(!fs::read_to_string(kept(&gateway).unwrap()).unwrap().contains(SECRET));
}

#[test]
fn what_a_token_lacks_is_asked_for_by_the_next_login() {
    let (server, books) = protected();
    let gateway = gateway(&server);
    log_in(&gateway);
    books.change(|books| books.more = Some("write"));
    assert!(gateway.run(&["call", "web__t"]).complaint(1).contains("gateway server login web"));
    log_in(&gateway);
    books.change(|books| books.more = None);
    assert_eq!(gateway.run(&["call", "web__t"]).answer(), "secret\n");
    log_in(&gateway);
    let asked = ["basic", "basic write", "basic"].map(|scopes| Some(scopes.to_owned()));
    assert_eq!(books.lock().scopes, asked);
}

#[test]
fn no_secret_is_logged() {
    let (server, books) = protected();
    books.change(|books| (books.confidential, books.expires_in) = (true, Some(0)));
    let web = json!({ "url": server.url("/mcp") });
    let gateway = Gateway::with(&json!({ "log_level": "trace", "servers": { "web": web } }));
    log_in(&gateway);
    let client = gateway.client();
    assert_eq!(client.call("web__t", json!({})).text(), "secret");
    client.logged("its token was renewed");
    books.change(|books| (books.valid, books.closed) = (7, true));
    client.call("web__t", json!({})).failure();
    client.logged("its token could not be renewed");
    client.finish();
    let basic = BASE64_STANDARD.encode(format!("client-7:{SECRET}"));
    let log = client.log();
    assert!(log.contains("TRACE"), "{log}");
    for secret in ["token-1", "token-2", "refresh-1", "refresh-2", SECRET, &basic] {
        assert_eq!(log.lines().find(|line| line.contains(secret)), None, "{secret}");
    }
}

#[test]
fn only_the_browser_that_was_sent_comes_back() {
    let (server, _) = protected();
    let gateway = gateway(&server);
    let login = Login::start(&gateway);
    let callback = login.callback();
    let (address, _) = callback.split_once("/callback").unwrap();
    assert_eq!(get(&format!("{address}/favicon.ico")).0, 404);
    assert_eq!(get(&format!("{address}/callback?code=stolen&state=guessed")).0, 404);
    let state = form(callback.split_once('?').unwrap().1)["state"].clone();
    let (status, _, page) = get(&format!("{address}/callback?error=access_denied&state={state}"));
    assert_eq!((status, page.contains("failed")), (200, true), "{page}");
    let (code, _, complaint) = login.end();
    assert_eq!(code, 1);
    assert!(complaint.contains("the login was refused: access_denied"), "{complaint}");
    assert_eq!(kept(&gateway), None);
}

#[test]
fn a_login_needs_a_server_that_has_one() {
    let (server, _) = protected();
    let gateway = gateway(&server);
    assert!(gateway.run(&["server", "login", "local"]).complaint(2).contains("is a command"));
    assert!(gateway.run(&["server", "login", "wb"]).complaint(2).contains("did you mean \"web\"?"));
}
