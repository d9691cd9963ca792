//! Secrets of plugins: they are in the request that leaves the gateway, and nowhere else.

use gateway_tests::{Client, Gateway, gateway::run, guests, web::Web};
use serde_json::{Value, json};

const SECRET: &str = "s3cret-of-the-operator";

/// A gateway with the courier, which may reach `servers` and has the secret for `secret`.
fn gateway(servers: &[&Web], secret: &str) -> Gateway {
    let net: Vec<String> = servers.iter().map(|server| server.url("")).collect();
    Gateway::with(&json!({ "plugins": { "guest": {
        "source": guests::COURIER.source(),
        "permissions": { "net": net },
        "secrets": { secret: { "X-Key": "Bearer ${KEY}" } },
    } } }))
}

fn client(gateway: &Gateway) -> Client {
    let client = Client::spawn(gateway.command(&["--log-level", "trace", "stdio"]).env("KEY", SECRET));
    client.initialize();
    client
}

fn plain(path: &str) -> (u16, String, Vec<u8>) {
    match path.strip_prefix("/to/") {
        Some(port) => (302, format!("location: http://127.0.0.1:{port}/there\r\n"), Vec::new()),
        None => (200, String::new(), b"fine".to_vec()),
    }
}

fn keys(server: &Web) -> Vec<Option<String>> {
    let key =
        |head: &String| head.lines().find_map(|line| line.strip_prefix("x-key:")).map(|key| key.trim().to_owned());
    server.heads().iter().map(key).collect()
}

#[test]
fn a_secret_goes_to_its_server_and_is_shown_to_nobody() {
    let (server, other) = (Web::start(plain), Web::start(plain));
    let gateway = gateway(&[&server, &other], &server.url(""));
    let client = client(&gateway);
    let bearer = Some(format!("Bearer {SECRET}"));
    let mut shown = Vec::new();

    let sent = client.call("guest__send", json!({ "url": server.url("/x"), "header": "x-key: mine" }));
    shown.push(sent.raw.clone());
    assert!(sent.text().starts_with("200 4 fine"), "{}", sent.raw);
    // The plugin sees its own header, which the server does not.
    assert!(sent.text().contains("mine"), "{}", sent.raw);
    assert_eq!(keys(&server), std::slice::from_ref(&bearer));

    // Not to another server, and not where a server sends the plugin on to.
    shown.push(client.call("guest__send", json!({ "url": other.url("/x") })).raw);
    shown.push(client.call("guest__follow", json!({ "url": server.url(&format!("/to/{}", other.port)) })).raw);
    assert_eq!(keys(&server), [bearer.clone(), bearer]);
    assert_eq!(keys(&other), [None, None]);

    // Not in errors: a host that is refused, a method that would send it back.
    shown.push(client.call("guest__send", json!({ "url": "http://127.0.0.1:1/" })).failure());
    shown.push(client.call("guest__send", json!({ "url": server.url("/"), "method": "TRACE" })).failure());
    assert_eq!(server.heads().len(), 2);
    client.finish();
    shown.push(client.log());
    for arguments in [
        vec!["plugin", "inspect", "guest"],
        vec!["plugin", "inspect", "guest", "--json"],
        vec!["plugin", "list", "--json"],
        vec!["list", "--json"],
        vec!["check"],
    ] {
        let said = run(gateway.command(&arguments).env("KEY", SECRET));
        shown.extend([said.stdout, said.stderr]);
    }
    for text in shown {
        assert!(!text.contains(SECRET), "{text}");
    }
}

#[test]
fn a_secret_may_be_for_a_part_of_a_server() {
    let server = Web::start(plain);
    let gateway = gateway(&[&server], &server.url("/v1/"));
    let client = client(&gateway);
    for path in ["/v1/x", "/v2/x", "/v1/../v2", "/v1/%2e%2e/v2"] {
        assert!(!client.call("guest__send", json!({ "url": server.url(path) })).is_error());
    }
    let sent: Vec<bool> = keys(&server).iter().map(Option::is_some).collect();
    assert_eq!(sent, [true, false, false, false]);
}

#[test]
fn secrets_that_cannot_be_used_leave_their_plugin_out() {
    let check = |secrets: Value, key: Option<&str>| {
        let gateway = Gateway::with(&json!({ "plugins": { "guest": {
            "source": guests::COURIER.source(),
            "permissions": { "net": ["https://api.example"] },
            "secrets": secrets,
        } } }));
        let mut command = gateway.command(&["check"]);
        command.env_remove("KEY");
        let said = run(match key {
            Some(key) => command.env("KEY", key),
            None => &mut command,
        });
        format!("{}{}", said.stdout, said.stderr)
    };
    for (secrets, key, words) in [
        (json!({ "https://api.example": { "X-Key": "${KEY}" } }), None, "the environment variable KEY is not set"),
        (json!({ "http://api.example": { "X-Key": "${KEY}" } }), Some(SECRET), "a secret needs `https`"),
        (json!({ "https://*.example": { "X-Key": "${KEY}" } }), Some(SECRET), "a secret is for one server"),
        (json!({ "https://api.example": { "X Key": "${KEY}" } }), Some(SECRET), "this is no name of a header"),
        (json!({ "https://api.example": { "Host": "${KEY}" } }), Some(SECRET), "belongs to the connection"),
        (
            json!({ "https://api.example": { "X-Key": "${KEY}" } }),
            Some("s3cret\nof"),
            "characters that no header may have",
        ),
        (
            json!({ "https://other.example": { "X-Key": "${KEY}" } }),
            Some(SECRET),
            "the plugin may not reach this server",
        ),
    ] {
        let said = check(secrets, key);
        assert!(said.contains(words), "{words}: {said}");
        assert!(!said.contains("s3cret"), "{said}");
    }
    let fine = check(json!({ "https://api.example": { "X-Key": "${KEY}" } }), Some(SECRET));
    assert!(!fine.contains("secret"), "{fine}");
}
