//! Servers are registered and removed while the gateway runs: at once for everybody, lastingly, and nothing that the
//! operator has not allowed.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use gateway_tests::{Client, Fake, Gateway, Http, HttpSession, Listening, Serving, fake_http, place, wait::PATIENCE};
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

/// Sessions at the same time, and how many servers each of them registers and removes again.
const SESSIONS: usize = 16;
const EACH: usize = 63;

/// How often the process is killed, and how many register meanwhile.
const KILLS: usize = 8;
const WRITERS: usize = 4;

/// A gateway in front of one server, in which `fake-server` may be registered.
pub(crate) struct Managed {
    pub(crate) fake: Fake,
    pub(crate) gateway: Gateway,
}

pub(crate) fn managed(more: Value) -> Managed {
    let fake = Fake::new();
    let gateway = Gateway::with(&config(&fake, more));
    Managed { fake, gateway }
}

pub(crate) fn config(fake: &Fake, more: Value) -> Value {
    let mut config = json!({
        "management": true,
        "allow_commands": [place::fake_server()],
        "servers": { "fake": fake.entry(&[]) },
    });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config
}

/// The overlay's file, of the one configuration that there is.
pub(crate) fn overlay(gateway: &Gateway) -> PathBuf {
    let all = gateway.path("home/state/mcp-gateway/configurations");
    let folders: Vec<_> = fs::read_dir(&all).unwrap().map(|folder| folder.unwrap().path()).collect();
    assert_eq!(folders.len(), 1, "{folders:?}");
    folders[0].join("overlay.json")
}

pub(crate) fn kept(gateway: &Gateway) -> Value {
    serde_json::from_str(&fs::read_to_string(overlay(gateway)).unwrap()).unwrap()
}

fn servers(overlay: &Value) -> BTreeSet<String> {
    overlay["servers"].as_object().into_iter().flat_map(|servers| servers.keys().cloned()).collect()
}

pub(crate) fn registration(fake: &Fake, name: &str) -> Value {
    json!({ "name": name, "command": place::fake_server(), "args": fake.arguments(&[]) })
}

pub(crate) fn register(client: &Client, server: Value) -> gateway_tests::Message {
    client.call("gateway_register_server", server)
}

/// Awaits the message that there are other tools.
pub(crate) fn changed(client: &Client) {
    let _ = client.incoming("notifications/tools/list_changed");
}

/// Looks again and again, for something that is told of more than once.
#[track_caller]
pub(crate) fn until(mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "it did not come to be");
        thread::yield_now();
    }
}

/// The servers that are not known yet, by their placeholders.
fn placeholders(names: &[String]) -> BTreeSet<String> {
    let placeholder = |name: &String| Some(name.strip_prefix('_')?.strip_suffix("_connect")?.to_owned());
    names.iter().filter_map(placeholder).collect()
}

#[test]
fn a_server_is_there_at_once_and_stays() {
    let Managed { fake, gateway } = managed(json!({}));
    let (client, other) = (gateway.client(), Serving::start(&gateway));
    let session = HttpSession::open(&Http::new(&other.address, "/mcp"));
    let mut told = session.listen();
    let before = client.tools().tool_names();
    assert!(!session.request("tools/list", json!({})).tool_names().contains(&"_new_connect".to_owned()));
    let answer = register(&client, registration(&fake, "new"));
    assert!(!answer.is_error(), "{answer:?}");
    changed(&client);
    // Another process on the same configuration, and a session of its own there.
    assert_eq!(told.next_message().1.method(), Some("notifications/tools/list_changed"));
    for names in [client.tools().tool_names(), session.request("tools/list", json!({})).tool_names()] {
        assert!(names.contains(&"_new_connect".to_owned()), "{names:?}");
    }
    assert_eq!(client.call("new__echo", json!({ "text": "hi" })).text(), "hi");
    assert_eq!(session.call("new__echo", json!({ "text": "hi" })).result().text(), "hi");
    client.finish();
    // After a restart, it is still there; and removed, it is gone everywhere.
    let client = gateway.client();
    assert_eq!(client.call("new__echo", json!({ "text": "again" })).text(), "again");
    let answer = client.call("gateway_remove_server", json!({ "name": "new" }));
    assert!(!answer.is_error(), "{answer:?}");
    assert_eq!(client.call("new__echo", json!({ "text": "x" })).error()["code"], -32602);
    assert_eq!(client.tools().tool_names().len(), before.len());
    assert_eq!(servers(&kept(&gateway)), BTreeSet::new());
    client.finish();
}

#[test]
fn what_is_not_allowed_is_not_registered() {
    let fake = Fake::new();
    let gateway = Gateway::with(&config(&fake, json!({ "allow_commands": ["npx -y @scope/*"] })));
    let client = gateway.client();
    let proof = gateway.path("proof");
    let touch = format!("touch {}", proof.display());
    let script = gateway.write("npx", &format!("#!/bin/sh\n{touch}\n"));
    let _ = client.tools();
    for (mut server, message, hint) in [
        (json!({ "command": "sh", "args": ["-c", touch] }), "allow_commands", "allow_commands: ["),
        (json!({ "command": format!("sh -c '{touch}'") }), "allow_commands", "allow_commands: ["),
        (json!({ "command": "npx", "args": ["-y", "@scope/x@npm:evil"] }), "allow_commands", "allow_commands: ["),
        (json!({ "command": "npx", "args": format!("-y @scope/x; {touch}") }), "allow_commands", "allow_commands: ["),
        (json!({ "command": "./npx", "args": ["-y", "@scope/x"] }), "folder", "PATH"),
        (json!({ "command": script, "args": ["-y", "@scope/x"] }), "allow_commands", "allow_commands: ["),
        (
            json!({ "command": "npx", "args": ["-y", "@scope/x"], "env": { "PATH": gateway.path("") } }),
            "\"PATH\"",
            "gateway.yaml",
        ),
        (
            json!({ "command": "npx", "args": ["-y", "@scope/x"], "env": { "npm_config_registry": "http://a" } }),
            "npm_config",
            "gateway.yaml",
        ),
        (
            json!({ "command": "npx", "args": ["-y", "@scope/x"], "env": { "LD_PRELOAD": "/x" } }),
            "LD_PRELOAD",
            "gateway.yaml",
        ),
        (json!({ "url": "http://127.0.0.1:1/mcp" }), "allow_urls", "allow_urls: [\"http://127.0.0.1:1\"]"),
        (json!({ "url": "http://localhost:1/mcp" }), "allow_urls", "allow_urls: ["),
        (json!({ "url": "http://[::ffff:10.0.0.1]/mcp" }), "allow_urls", "allow_urls: ["),
        (json!({ "url": "http://169.254.169.254/latest" }), "allow_urls", "allow_urls: ["),
        (json!({ "url": "http://2130706433/mcp" }), "allow_urls", "allow_urls: ["),
        (json!({ "url": "https://me:secret@example.com/mcp" }), "user or a password", "header"),
    ] {
        server["name"] = "evil".into();
        let failure = register(&client, server.clone()).failure();
        assert!(failure.contains(message) && failure.contains(hint), "{server}: {failure}");
    }
    let folders = fs::read_dir(gateway.path("home/state/mcp-gateway/configurations")).into_iter().flatten().flatten();
    let written = folders.filter(|folder| folder.path().join("overlay.json").exists()).count();
    assert!(!proof.exists() && written == 0);
    assert_eq!(client.tools().tool_names().iter().filter(|name| name.contains("evil")).count(), 0);
    client.finish();
}

#[test]
fn names_of_others_are_theirs() {
    let fake = Fake::new();
    let servers = json!({
        "fake": fake.entry(&[]),
        "off": { "command": "/bin/false", "enabled": false },
        "my-own": fake.entry(&[]),
    });
    let more = json!({ "allow_commands": ["npx -y @scope/*"], "servers": servers });
    let gateway = Gateway::with(&config(&fake, more));
    let client = gateway.client();
    // In use, switched off, removed, or one by which its tools would be called.
    let allowed = |name: &str| json!({ "name": name, "command": "npx", "args": ["-y", "@scope/x"] });
    for name in ["fake", "off", "my_own"] {
        let failure = register(&client, allowed(name)).failure();
        assert!(failure.contains("gateway.yaml"), "{name}: {failure}");
    }
    assert!(!client.call("gateway_remove_server", json!({ "name": "fake" })).is_error());
    let failure = register(&client, allowed("fake")).failure();
    assert!(failure.contains("gateway.yaml"), "{failure}");
    for name in ["gateway", "pipeline", "a b", "-a"] {
        assert!(register(&client, allowed(name)).is_error(), "{name:?}");
    }
    assert_eq!(kept(&gateway)["servers"], Value::Null);
    client.finish();
}

#[test]
fn nothing_is_filled_in_and_no_value_is_shown() {
    let fake = Fake::new();
    let gateway = Gateway::with(&config(&fake, json!({})));
    let mut command = gateway.command(&["stdio"]);
    let client = Client::spawn(command.env("HIDDEN", "the-operators-secret"));
    client.initialize();
    let mut server = registration(&fake, "new");
    server["env"] = json!({ "TAKEN": "${HIDDEN}", "TOKEN": "a-registered-secret" });
    assert!(!register(&client, server).is_error());
    assert!(!client.call("new__echo", json!({ "text": "x" })).is_error());
    let environment = fs::read(format!("/proc/{}/environ", fake.process(1).pid())).unwrap();
    let environment = String::from_utf8_lossy(&environment).into_owned();
    assert!(environment.contains("TAKEN=${HIDDEN}"), "{environment}");
    let status = client.call("gateway_status", json!({})).text();
    let listed = client.call("gateway_list_servers", json!({})).text();
    assert!(!format!("{status}{listed}{}", client.log()).contains("a-registered-secret"));
    client.finish();
}

#[test]
fn a_server_by_address_leads_where_it_may_and_nowhere_else() {
    let inner = fake_http::server(|asked, exchange| {
        let says = asked.says("from inside");
        exchange.json(&says);
    });
    let port = inner.url("").rsplit(':').next().unwrap().to_owned();
    let fake = Fake::new();
    let allowed = format!("http://127.0.0.1:{port}");
    let gateway = Gateway::with(&config(&fake, json!({ "allow_urls": [allowed] })));
    let client = gateway.client();
    assert!(!register(&client, json!({ "name": "inner", "url": inner.url("/mcp") })).is_error());
    assert_eq!(client.call("inner__t", json!({ "text": "x" })).text(), "from inside");
    // The operator changes their mind: what was registered leads there no more.
    gateway.write("gateway.yaml", &config(&fake, json!({})).to_string());
    client.logged("allow_urls");
    assert_eq!(client.call("inner__t", json!({ "text": "x" })).error()["code"], -32602);
    client.finish();
}

#[test]
fn what_is_unknown_cannot_be_removed() {
    let Managed { gateway, .. } = managed(json!({}));
    let client = gateway.client();
    for name in ["nothing", "gateway", "../x"] {
        let answer = client.call("gateway_remove_server", json!({ "name": name }));
        assert!(answer.is_error(), "{name}: {answer:?}");
    }
    assert!(!client.call("gateway_remove_server", json!({ "name": "fake" })).is_error());
    assert!(client.call("gateway_remove_server", json!({ "name": "fake" })).is_error());
    client.finish();
}

#[test]
fn a_thousand_under_load() {
    let Managed { fake, gateway } = managed(json!({}));
    let serving = Serving::start(&gateway);
    let http = Http::new(&serving.address, "/mcp");
    let stays = |session: usize, turn: usize| turn == EACH - 1 || (session + turn).is_multiple_of(21);
    let called = AtomicUsize::new(0);
    thread::scope(|scope| {
        for number in 0..SESSIONS {
            let (http, fake, called) = (&http, &fake, &called);
            scope.spawn(move || {
                let session = HttpSession::open(http);
                let echo = |tool: &str| {
                    let text = format!("{number} {tool}");
                    assert_eq!(session.call(tool, json!({ "text": text })).result().text(), text);
                    called.fetch_add(1, Ordering::Relaxed);
                };
                for turn in 0..EACH {
                    let name = format!("s{number}-{turn}");
                    let answer = session.call("gateway_register_server", registration(fake, &name)).result();
                    assert!(!answer.is_error(), "{name}: {answer:?}");
                    echo("fake__echo");
                    if (number + turn) % 32 == 0 {
                        // It is there for whoever asks next, and what was asked is answered though it goes meanwhile.
                        echo(&format!("{name}__echo"));
                    }
                    if !stays(number, turn) {
                        let answer = session.call("gateway_remove_server", json!({ "name": name })).result();
                        assert!(!answer.is_error(), "{name}: {answer:?}");
                    }
                }
                assert_eq!(session.end(), 204);
            });
        }
    });
    let every = (0..SESSIONS).flat_map(|session| (0..EACH).map(move |turn| (session, turn)));
    let expected: BTreeSet<String> = every
        .filter(|(session, turn)| stays(*session, *turn))
        .map(|(session, turn)| format!("s{session}-{turn}"))
        .collect();
    assert!(called.into_inner() >= SESSIONS * EACH);
    assert_eq!(servers(&kept(&gateway)), expected);
    let listed = |http: &Http| {
        let answer = HttpSession::open(http).call("gateway_list_servers", json!({})).result();
        let servers = answer.result()["structuredContent"]["servers"].clone();
        let names = servers.as_array().unwrap().iter().map(|server| server["name"].as_str().unwrap().to_owned());
        names.filter(|name| name != "fake").collect::<BTreeSet<String>>()
    };
    assert_eq!(listed(&http), expected);
    drop(serving);
    let serving = Serving::start(&gateway);
    assert_eq!(listed(&Http::new(&serving.address, "/mcp")), expected);
}

/// Calls a tool with a message of its own, as a client does that may lose its gateway at any time.
fn ask(address: &str, session: &str, tool: &str, arguments: Value) -> Option<bool> {
    let params = json!({ "name": tool, "arguments": arguments });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
    let mut stream = TcpStream::connect(address).ok()?;
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Accept: application/json, text/event-stream\r\nMcp-Session-Id: {session}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    // An answer alone, or the end of a stream.
    let ended = answer.trim_end().ends_with('}') || answer.ends_with("\r\n0\r\n\r\n");
    let complete = answer.starts_with("HTTP/1.1 200") && answer.contains("\"result\"") && ended;
    complete.then(|| !answer.contains("\"isError\":true"))
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let Managed { fake, gateway } = managed(json!({}));
    // What has to be there, and what may or may not: it was asked for, and nobody heard whether it was done.
    let (there, unsure) = (Mutex::new(BTreeSet::<String>::new()), Mutex::new(BTreeSet::<String>::new()));
    for round in 0..KILLS {
        let listening = Listening::start(&mut gateway.command(&["serve", "--host", "127.0.0.1", "--port", "0"]));
        let address = listening.address.clone();
        let id = HttpSession::open(&Http::new(&address, "/mcp")).id;
        let done = AtomicUsize::new(0);
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (address, id, fake, done, there, unsure) = (&address, &id, &fake, &done, &there, &unsure);
                scope.spawn(move || {
                    for turn in 0.. {
                        let name = format!("k{round}-{writer}-{turn}");
                        unsure.lock().unwrap().insert(name.clone());
                        let Some(true) = ask(address, id, "gateway_register_server", registration(fake, &name)) else {
                            return;
                        };
                        if turn % 3 == 0 {
                            let Some(true) = ask(address, id, "gateway_remove_server", json!({ "name": name })) else {
                                return;
                            };
                        } else {
                            there.lock().unwrap().insert(name.clone());
                        }
                        unsure.lock().unwrap().remove(&name);
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            // At another point each time, in the midst of what the others do.
            while done.load(Ordering::Relaxed) < 3 + 5 * round {
                thread::yield_now();
            }
            for _ in 0..round * 997 {
                std::hint::spin_loop();
            }
            kill_process(listening.pid(), Signal::KILL).unwrap();
        });
        let kept = servers(&kept(&gateway));
        let (there, unsure) = (there.lock().unwrap(), unsure.lock().unwrap());
        assert!(there.is_subset(&kept), "lost: {:?}", there.difference(&kept));
        let more: BTreeSet<_> = kept.difference(&there).cloned().collect();
        assert!(more.is_subset(&unsure), "not asked for, or removed: {:?}", more.difference(&unsure));
    }
    let client = gateway.client();
    let shown = placeholders(&client.tools().tool_names());
    let expected = servers(&kept(&gateway));
    assert_eq!(shown.into_iter().filter(|name| name != "fake").collect::<BTreeSet<_>>(), expected);
    client.finish();
}
