//! What holds of what a plugin was granted: what it asks for, method by method, path by path, byte by byte.

use std::{fs, path::PathBuf};

use gateway_tests::{
    Client, Gateway,
    guests::{self, Guest},
    web::Web,
};
use serde_json::{Value, json};

fn gateway(guest: Guest, entry: &Value) -> Gateway {
    let mut plugin = entry.clone();
    plugin["source"] = guest.source().into();
    Gateway::with(&json!({ "plugins": { "guest": plugin } }))
}

/// The guest with a `plugin.yaml` in it, as `gateway plugin build` would put it there.
pub(super) fn asking(gateway: &Gateway, guest: Guest, manifest: &Value) -> PathBuf {
    let mut component = fs::read(guest.path()).unwrap();
    let (name, text) = (b"gateway:plugin", manifest.to_string());
    component.push(0);
    component.extend(number(1 + name.len() + text.len()));
    component.extend(number(name.len()));
    component.extend_from_slice(name);
    component.extend_from_slice(text.as_bytes());
    let path = gateway.path("asking.wasm");
    fs::write(&path, component).unwrap();
    path
}

/// A number as WebAssembly writes it.
fn number(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

fn answers(path: &str) -> (u16, String, Vec<u8>) {
    match path {
        "/away" => (302, "location: https://example.com/\r\n".to_owned(), Vec::new()),
        "/inside" => (302, "location: http://169.254.169.254/latest/\r\n".to_owned(), Vec::new()),
        "/large" => (200, String::new(), vec![b'x'; 100_000]),
        path => match path.strip_prefix("/to/") {
            Some(path) => (302, format!("location: http://127.0.0.1:{path}\r\n"), Vec::new()),
            None => (200, String::new(), b"fine".to_vec()),
        },
    }
}

#[track_caller]
fn denied(client: &Client, tool: &str, arguments: Value, words: &[&str]) {
    let failure = client.call(&format!("guest__{tool}"), arguments).failure();
    for word in words {
        assert!(failure.contains(word), "{word}: {failure}");
    }
}

/// Requests are granted by method and path.
#[test]
pub(super) fn courier() {
    let web = Web::start(answers);
    let net = [format!("GET,head {}", web.url("/repos/")), format!("POST {}", web.url("/inbox"))];
    let gateway = gateway(guests::COURIER, &json!({ "permissions": { "net": net } }));
    let client = gateway.client();
    for (method, path) in [("GET", "/repos/x?q=/../y"), ("HEAD", "/repos"), ("POST", "/inbox/1")] {
        let sent = client.call("guest__send", json!({ "url": web.url(path), "method": method }));
        assert!(sent.text().starts_with("200"), "{}", sent.raw);
    }
    let reached = web.heads().len();
    for (method, path) in [
        ("DELETE", "/repos/x"),
        ("get", "/repos/x"),
        ("GET", "/inbox/1"),
        ("GET", "/reposition"),
        ("POST", "/repos/x"),
        ("GET", "/"),
    ] {
        let what = format!("{method} {} is not allowed, and other requests to this host are", web.url(path));
        let hint = format!("hint: add \"{method} {}\" to plugins.guest.permissions.net", web.url(path));
        let arguments = json!({ "url": web.url(path), "method": method });
        denied(&client, "send", arguments, &["HttpRequestDenied", &what, &hint]);
    }
    for path in ["/repos/../user", "/repos/%2e%2e/user", "/repos//x", "/repos/..%2fuser", "/repos/%252e%252e/x"] {
        let arguments = json!({ "url": web.url(path) });
        denied(&client, "send", arguments, &["HttpRequestDenied", "can be read in two ways"]);
    }
    assert_eq!(web.heads().len(), reached, "{:?}", web.heads());
}

/// The gateway follows no redirect, and what a plugin follows is a request like any other.
#[test]
fn where_a_redirect_leads_is_decided_anew() {
    let (web, other) = (Web::start(answers), Web::start(answers));
    let net = [web.url("/away"), web.url("/inside"), web.url("/to"), web.url("/fine"), "http://169.254.169.254".into()];
    let net = &net[..4];
    let gateway = gateway(guests::COURIER, &json!({ "permissions": { "net": net } }));
    let client = gateway.client();
    let follow = |path: &str| json!({ "url": web.url(path) });
    denied(
        &client,
        "follow",
        follow("/away"),
        &["https://example.com/: ErrorCode::HttpRequestDenied", "host \"example.com:443\""],
    );
    denied(&client, "follow", follow("/inside"), &["HttpRequestDenied", "host \"169.254.169.254:80\" is not allowed"]);
    denied(&client, "follow", follow(&format!("/to/{}/fine", other.port)), &["HttpRequestDenied"]);
    denied(
        &client,
        "follow",
        follow(&format!("/to/{}/other", web.port)),
        &["/other is not allowed, and other requests"],
    );
    let led = client.call("guest__follow", follow(&format!("/to/{}/fine", web.port))).text();
    assert_eq!(led, format!("{}: 200 4 fine", web.url("/fine")));
    assert!(other.heads().is_empty());
    assert!(!web.paths().contains(&"/other".to_owned()));
}

/// A name that leads into the gateway's own network, which its entry does not list.
#[test]
fn a_redirect_to_a_private_address_is_refused() {
    let web = Web::start(answers);
    let net =
        [format!("http://127.0.0.1:{}/to", web.port), "http://localhost.localdomain:*".into(), "http://*:*".into()];
    let gateway = gateway(guests::COURIER, &json!({ "permissions": { "net": net } }));
    let client = gateway.client();
    // What is listed as an address is listed for all names that lead there.
    let arguments = json!({ "url": "http://169.254.169.254/" });
    denied(&client, "send", arguments, &["DestinationIpProhibited", "has the private address 169.254.169.254"]);
    let arguments = json!({ "url": "http://[::ffff:10.0.0.1]/" });
    denied(&client, "follow", arguments, &["DestinationIpProhibited"]);
}

#[test]
fn a_call_has_a_budget_of_bytes() {
    let web = Web::start(answers);
    let entry = json!({ "permissions": { "net": [web.url("")] }, "limits": { "network": "250KiB" } });
    let gateway = gateway(guests::COURIER, &entry);
    let client = gateway.client();
    let send = |path: &str, bytes: usize, times: usize| json!({ "url": web.url(path), "method": "POST", "bytes": bytes, "times": times });
    assert!(!client.call("guest__send", send("/large", 100_000, 2)).is_error());
    let limit = ["network limit of 250 KiB reached", "hint: raise plugins.guest.limits.network"];
    denied(&client, "send", send("/large", 0, 3), &[limit[0], "received in one call", limit[1]]);
    denied(&client, "send", send("/", 100_000, 3), &[limit[0], "sent in one call", limit[1]]);
    // Heads count as well.
    let header = format!("x-large: {}", "x".repeat(60_000));
    let mut heads = send("/", 0, 6);
    heads["header"] = header.into();
    denied(&client, "send", heads, &[limit[0], "sent in one call"]);
    // Each call has its own.
    assert!(!client.call("guest__send", send("/large", 100_000, 2)).is_error());
}

#[test]
fn a_plugin_gets_what_it_is_granted_and_asks_for() {
    let web = Web::start(answers);
    let gateway = Gateway::new("");
    let ask = |manifest: &Value, permissions: &Value| {
        let plugin = asking(&gateway, guests::COURIER, manifest);
        let plugin = json!({ "source": plugin, "permissions": permissions });
        gateway.write("gateway.yaml", &json!({ "plugins": { "guest": plugin } }).to_string());
        gateway.client()
    };
    let get = |path: &str| json!({ "url": web.url(path) });
    let granted = json!({ "net": [web.url("")], "env": { "LANG": "C" } });

    let client = ask(&json!({ "permissions": { "net": [web.url("/fine/")] } }), &granted);
    assert!(client.call("guest__send", get("/fine/x")).text().starts_with("200"));
    let words =
        ["HttpRequestDenied", "is granted, and the plugin does not ask for it", "permissions.net in its plugin.yaml"];
    denied(&client, "send", get("/other"), &words);
    client.logged("granted without effect, since the plugin does not ask for it: env LANG");
    let inspected = gateway.run(&["plugin", "inspect", "guest", "--json"]).json();
    assert_eq!(inspected["unasked"], json!(["env LANG"]), "{inspected}");

    // Any host that it asks for is one that somebody grants.
    let client = ask(&json!({ "permissions": { "net": ["*"] } }), &granted);
    assert!(client.call("guest__send", get("/other")).text().starts_with("200"));
    denied(
        &client,
        "send",
        json!({ "url": "https://example.com/" }),
        &["is not allowed", "plugins.guest.permissions.net"],
    );

    let client = ask(&json!({ "name": "courier" }), &granted);
    denied(&client, "send", get("/fine/x"), &words);
    // What it asks for is not known: then it gets nothing.
    let client = ask(&json!({ "permissions": { "everything": true } }), &granted);
    let failure = client.call("guest__send", get("/fine/x"));
    assert!(failure.raw.contains("the plugin.yaml in it cannot be read"), "{}", failure.raw);
}

#[test]
fn folders_and_stores_are_asked_for_too() {
    let gateway = Gateway::new("");
    fs::create_dir_all(gateway.path("data")).unwrap();
    let open = |guest: Guest, manifest: &Value, entry: &Value| {
        let mut plugin = entry.clone();
        plugin["source"] = asking(&gateway, guest, manifest).display().to_string().into();
        gateway.write("gateway.yaml", &json!({ "plugins": { "guest": plugin } }).to_string());
        gateway.client()
    };
    let entry = json!({ "permissions": { "files": [{ "path": "./data", "mount": "/data", "write": true }] } });
    let write = json!({ "path": "/data/x", "how": "at", "bytes": 1 });
    let asks = |write: bool| json!({ "permissions": { "files": [{ "path": ".", "mount": "/data", "write": write }] } });
    let client = open(guests::SCRIBE, &asks(true), &entry);
    assert_eq!(client.call("guest__write", write.clone()).text(), "1 bytes");
    let client = open(guests::SCRIBE, &asks(false), &entry);
    assert!(client.call("guest__write", write.clone()).is_error());
    client.logged("writing to files /data");
    let client = open(guests::SCRIBE, &json!({}), &entry);
    assert!(client.call("guest__write", write).is_error());

    let entry = json!({ "limits": { "storage": "1MiB" } });
    let client = open(guests::KEEPER, &json!({}), &entry);
    denied(&client, "keys", json!({}), &["access denied", "add storage to limits in its plugin.yaml"]);
    let client = open(guests::KEEPER, &json!({ "limits": { "storage": "1KiB" } }), &entry);
    assert_eq!(client.call("guest__keys", json!({})).text(), r#"{"result":[]}"#);
}

/// However a plugin writes, it is counted.
#[test]
pub(super) fn scribe() {
    let files = json!([{ "path": "./data", "mount": "/data", "write": true }]);
    let entry = json!({ "permissions": { "files": files }, "limits": { "files": "50KiB" } });
    let gateway = gateway(guests::SCRIBE, &entry);
    fs::create_dir_all(gateway.path("data")).unwrap();
    let client = gateway.client();
    for how in ["append", "at", "grow", "folders", "files", "links"] {
        let write = |bytes: usize| json!({ "path": format!("/data/{how}"), "how": how, "bytes": bytes });
        let words = ["files limit of 50 KiB reached", "hint: raise plugins.guest.limits.files"];
        denied(&client, "write", write(1_000_000), &words);
        assert!(
            !client.call("guest__write", json!({ "path": "/data/other", "how": "at", "bytes": 10_000 })).is_error()
        );
    }
    let written: u64 =
        ["append", "at", "grow"].iter().map(|how| gateway.path(format!("data/{how}")).metadata().unwrap().len()).sum();
    assert!(written <= 110_000, "{written}");
}

/// Nothing that is no file is opened: that would wait, or lead out of the folder.
#[test]
fn special_files_and_links_lead_nowhere() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let files = json!([
        { "path": "./data", "mount": "/data", "write": true },
        { "path": "./other", "mount": "/other", "write": false },
    ]);
    let gateway = gateway(guests::FILES, &json!({ "permissions": { "files": files } }));
    for folder in ["data", "other"] {
        fs::create_dir_all(gateway.path(folder)).unwrap();
    }
    gateway.write("other/file", "text");
    gateway.write("secret", "a secret");
    mknodat(CWD, gateway.path("data/pipe"), FileType::Fifo, Mode::RWXU, 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(gateway.path("data/socket")).unwrap();
    std::os::unix::fs::symlink("pipe", gateway.path("data/to-pipe")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", gateway.path("data/zero")).unwrap();
    let client = gateway.client();
    for path in ["/data/pipe", "/data/socket", "/data/to-pipe", "/data/zero"] {
        for (tool, arguments) in [("read", json!({ "path": path })), ("write", json!({ "path": path, "text": "x" }))] {
            let failure = client.call(&format!("guest__{tool}"), arguments).failure();
            assert!(failure.contains("permitted") || failure.contains("denied"), "{path}: {failure}");
        }
    }
    // What may be read is not moved to where it may be written, by no name.
    denied(&client, "link", json!({ "from": "/other/file", "to": "/data/file" }), &[]);
    denied(&client, "move", json!({ "from": "/other/file", "to": "/data/file" }), &[]);
    denied(&client, "link", json!({ "from": "/data/../secret", "to": "/data/file" }), &[]);
    assert!(gateway.path("other/file").exists() && !gateway.path("data/file").exists());
}

/// A link that a plugin makes itself leads nowhere either.
#[test]
fn links_of_a_plugin_stay_in_their_folder() {
    let files = json!([{ "path": "./data", "mount": "/data", "write": true }]);
    let gateway = gateway(guests::SCRIBE, &json!({ "permissions": { "files": files } }));
    fs::create_dir_all(gateway.path("data")).unwrap();
    gateway.write("secret", "a secret");
    let client = gateway.client();
    for (name, to) in
        [("up", "../secret"), ("absolute", gateway.path("secret").to_str().unwrap()), ("dots", "../../../../etc")]
    {
        let path = format!("/data/{name}");
        // One that is not even made is no way either.
        if !client.call("guest__point", json!({ "path": path, "to": to })).is_error() {
            denied(&client, "write", json!({ "path": path, "how": "append", "bytes": 1 }), &[]);
        }
    }
    assert_eq!(fs::read_to_string(gateway.path("secret")).unwrap(), "a secret");
}

/// No tool of the gateway's own changes what anybody was granted.
#[test]
fn nothing_can_be_granted_by_a_model() {
    let gateway = gateway(guests::COURIER, &json!({}));
    let before = fs::read(gateway.path("gateway.yaml")).unwrap();
    let client = gateway.client();
    for name in client.tools().tool_names() {
        assert!(
            matches!(name.as_str(), "guest__send" | "guest__follow" | "gateway_status"),
            "{name}: if this can change what plugins may use, it must not be a tool"
        );
    }
    // What a plugin calls is such a tool too, and so is what it writes in its answers: nothing of it is a grant.
    let refused = json!({ "url": "https://example.com/", "permissions": { "net": ["*"] }, "_meta": { "permissions": { "net": ["*"] } } });
    assert!(client.call("guest__send", refused).raw.contains("permissions"));
    denied(&client, "send", json!({ "url": "https://example.com/" }), &["HttpRequestDenied"]);
    client.finish();
    assert_eq!(fs::read(gateway.path("gateway.yaml")).unwrap(), before);
}
