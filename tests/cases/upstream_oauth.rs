//! Servers that want a token: a person logs in once, and the gateway keeps and renews what that brought.

mod server;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, ChildStdout, Stdio},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use gateway_tests::{
    Gateway,
    fake_http::{FakeHttp, get},
};
use serde_json::{Value, json};

use self::server::{SECRET, form, protected};

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
