//! What was not granted is not there: files, hosts, addresses.

use std::{fs, io::Read as _, net::TcpListener, os::unix::fs::symlink, thread};

use gateway_tests::{Client, Gateway, guests};
use serde_json::{Value, json};

fn configuration(guest: guests::Guest, permissions: Value) -> Value {
    json!({ "plugins": { "guest": { "source": guest.source(), "permissions": permissions } } })
}

#[track_caller]
fn refused(client: &Client, tool: &str, arguments: Value) -> String {
    client.call(&format!("guest__{tool}"), arguments).failure()
}

/// Without a grant there is no file at all; with one, exactly the folder.
#[test]
pub(super) fn files() {
    let permissions = json!({ "files": [
        { "path": "./data", "mount": "/data", "write": false },
        { "path": "./scratch", "mount": "/scratch", "write": true },
    ] });
    let gateway = Gateway::with(&configuration(guests::FILES, permissions));
    gateway.write("data/note.txt", "a note");
    gateway.write("scratch/old.txt", "old");
    let secret = gateway.write("secret.txt", "a secret");
    symlink(&secret, gateway.path("data/link.txt")).unwrap();
    symlink(gateway.path(""), gateway.path("data/out")).unwrap();
    symlink("../secret.txt", gateway.path("scratch/up.txt")).unwrap();
    let client = gateway.client();

    assert_eq!(client.call("guest__read", json!({ "path": "/data/note.txt" })).text(), "a note");
    for path in [
        "/data/../secret.txt",
        "/data/link.txt",
        "/data/out/secret.txt",
        "/scratch/up.txt",
        "/scratch/../../secret.txt",
        "/secret.txt",
        "secret.txt",
        "/etc/passwd",
        "/proc/self/environ",
        secret.to_str().unwrap(),
    ] {
        let failure = refused(&client, "read", json!({ "path": path }));
        assert!(!failure.contains("a secret"), "{path}: {failure}");
    }
    refused(&client, "link", json!({ "from": "/data/link.txt", "to": "/scratch/stolen.txt" }));

    // What may only be read is not written, not by a second name either.
    refused(&client, "write", json!({ "path": "/data/note.txt", "text": "changed" }));
    refused(&client, "write", json!({ "path": "/data/new.txt", "text": "new" }));
    refused(&client, "remove", json!({ "path": "/data/note.txt" }));
    refused(&client, "move", json!({ "from": "/data/note.txt", "to": "/scratch/note.txt" }));
    assert_eq!(fs::read_to_string(gateway.path("data/note.txt")).unwrap(), "a note");

    assert!(!client.call("guest__write", json!({ "path": "/scratch/new.txt", "text": "new" })).is_error());
    assert_eq!(fs::read_to_string(gateway.path("scratch/new.txt")).unwrap(), "new");
    refused(&client, "write", json!({ "path": "/scratch/up.txt", "text": "through a link" }));
    assert_eq!(fs::read_to_string(&secret).unwrap(), "a secret");
}

#[test]
fn without_a_grant_there_are_no_files() {
    let gateway = Gateway::with(&configuration(guests::FILES, json!({})));
    gateway.write("note.txt", "a note");
    let client = gateway.client();
    for path in ["/", ".", "note.txt", "/etc/passwd", "/tmp", gateway.path("note.txt").to_str().unwrap()] {
        refused(&client, "read", json!({ "path": path }));
        refused(&client, "list", json!({ "path": path }));
        refused(&client, "write", json!({ "path": format!("{path}/x"), "text": "x" }));
    }
}

/// A host that was not granted is refused by name, and a private address also where its name was granted.
#[test]
pub(super) fn net() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let visitors = thread::spawn(move || listener.accept().map(|(mut stream, _)| stream.read(&mut [0; 16]).ok()));

    let permissions = json!({ "net": [format!("http://*:{port}"), "https://example.com"] });
    let gateway = Gateway::with(&configuration(guests::NET, permissions));
    let client = gateway.client();

    let failure = refused(&client, "get", json!({ "url": "https://example.org/" }));
    assert!(failure.contains("HttpRequestDenied"), "{failure}");
    assert!(failure.contains(r#"plugin "guest": host "example.org:443" is not allowed"#), "{failure}");
    assert!(failure.contains(r#"hint: add "https://example.org" to plugins.guest.permissions.net"#), "{failure}");
    for url in [
        "http://example.com/",
        "https://example.com:8443/",
        "https://sub.example.com/",
        "https://example.com.evil.test/",
    ] {
        let failure = refused(&client, "get", json!({ "url": url }));
        assert!(failure.contains("HttpRequestDenied"), "{url}: {failure}");
    }

    // Every name is granted at this port; that it leads to a private address is not.
    for host in ["localhost", "127.0.0.1", "[::1]", "2130706433", "169.254.169.254"] {
        let failure = refused(&client, "get", json!({ "url": format!("http://{host}:{port}/") }));
        assert!(failure.contains("DestinationIpProhibited"), "{host}: {failure}");
        assert!(failure.contains("has the private address"), "{host}: {failure}");
    }

    refused(&client, "connect", json!({ "address": format!("127.0.0.1:{port}") }));
    refused(&client, "connect", json!({ "address": format!("localhost:{port}") }));
    refused(&client, "resolve", json!({ "name": "localhost" }));

    // Nobody came before: the first visitor is this test.
    let mut visit = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    std::io::Write::write_all(&mut visit, b"x").unwrap();
    assert_eq!(visitors.join().unwrap().unwrap(), Some(1), "a guest reached the server");
}

/// A private address that was granted itself is reached.
#[test]
fn a_granted_address_is_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1024]);
        let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    });
    let permissions = json!({ "net": [format!("http://127.0.0.1:{port}")] });
    let gateway = Gateway::with(&configuration(guests::NET, permissions));
    let client = gateway.client();
    assert_eq!(client.call("guest__get", json!({ "url": format!("http://127.0.0.1:{port}/") })).text(), "200 hello");
}
