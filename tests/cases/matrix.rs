//! Every client sees through the gateway what it sees directly: whatever it speaks, over whichever transports.
//!
//! The fronts: `gateway stdio` and `/sse` are the endpoint of all servers, here of one without a prefix; `/mcp/{server}` is
//! that server's own.

use std::{collections::HashMap, fmt::Write as _};

use gateway_tests::{
    Gateway, Serving, foreign,
    gateway::run,
    matrix::{Backend, Driver, Server, Transport, as_at_home, differences, each_object, gaps, stdio},
    place,
};
use serde_json::{Value, json};

/// The server's name in `gateway.yaml`.
const NAME: &str = "server";
const ABSENT: &str = "absent from this revision";

/// Something that may differ.
struct Allowed {
    /// Where; `*` is any one member.
    path: &'static str,
    fronts: &'static [Transport],
    /// How it is then.
    holds: fn(Option<&Value>) -> bool,
    #[expect(dead_code, reason = "for the reader")]
    why: &'static str,
}

const ALL_SERVERS: &[Transport] = &[Transport::Stdio, Transport::Sse];
const EVERY: &[Transport] = &Transport::ALL;

const ALLOWED: [Allowed; 10] = [
    Allowed {
        path: "/server",
        fronts: ALL_SERVERS,
        holds: |_| true,
        why: "the endpoint of all servers is the gateway itself",
    },
    Allowed {
        path: "/capabilities",
        fronts: ALL_SERVERS,
        holds: |_| true,
        why: "it can do what any of its servers can, and tells of every change",
    },
    Allowed {
        path: "/instructions",
        fronts: ALL_SERVERS,
        holds: |_| true,
        why: "its instructions are about all of its servers",
    },
    Allowed {
        path: "/capabilities/*/listChanged",
        fronts: EVERY,
        holds: |proxied| proxied == Some(&json!(true)),
        why: "the gateway tells of changes also where a server that changes has not promised to",
    },
    Allowed {
        path: "/strays",
        fronts: EVERY,
        holds: |proxied| proxied == Some(&json!([])),
        why: "the answer to a call that was cancelled is of no use to anybody",
    },
    Allowed {
        path: "/read/*/ttlMs",
        fronts: EVERY,
        holds: |proxied| proxied.is_none(),
        why: "a hint of 2026-07-28, which some servers give to everybody: clients of older revisions do without",
    },
    Allowed { path: "/read/*/cacheScope", fronts: EVERY, holds: |proxied| proxied.is_none(), why: "likewise" },
    Allowed {
        path: "/unknown tool",
        fronts: EVERY,
        holds: |proxied| is_error(proxied, -32602),
        why: "one answer for a tool that does not exist and one that a role does not see",
    },
    Allowed { path: "/unknown prompt", fronts: EVERY, holds: |proxied| is_error(proxied, -32602), why: "likewise" },
    Allowed {
        path: "/unknown resource",
        fronts: EVERY,
        holds: |proxied| is_error(proxied, -32602) || is_error(proxied, -32002),
        why: "likewise; the code is that of the revision",
    },
];

/// What a server says differently in its two eras, whatever the gateway does: it may speak the other one with the server.
const ERAS: [(Server, &str); 3] = [
    // It hides the errors of its prompts from those who speak 2026-07-28.
    (Server::FastMcp, "/prompt/without its argument/error"),
    // It renders a schema once for each era, one of them without titles.
    (Server::FastMcp, "/asks/*/questions/*/params/requestedSchema/title"),
    (Server::FastMcp, "/asks/*/questions/*/params/requestedSchema/description"),
];

/// Steps that are about the way to the server rather than about the server.
const OF_THE_WAY: [&str; 2] = ["ended", "placeholder"];

fn is_error(value: Option<&Value>, code: i64) -> bool {
    // A whole answer, its error, or one member of that.
    value.is_none_or(|value| [&value["error"]["code"], &value["code"], value].iter().any(|found| **found == code))
        || value.is_some_and(Value::is_string)
}

fn configured(backend: &Backend) -> Gateway {
    Gateway::with(&json!({ "servers": { NAME: backend.entry() } }))
}

fn command(gateway: &Gateway) -> Vec<String> {
    let config = gateway.path("gateway.yaml").display().to_string();
    [place::gateway().display().to_string(), "stdio".to_owned(), "--config".to_owned(), config].into()
}

fn through_the_gateway(driver: Driver, server: Server) {
    let mut report = String::new();
    for transport in Transport::ALL {
        let backend = server.start(transport);
        let gateway = configured(&backend);
        let direct =
            driver.see(server, &backend.target(), &gateway).unwrap_or_else(|error| panic!("directly: {error}"));
        assert_eq!(gaps(&direct), [""; 0], "directly over {transport:?}: {direct:#}");
        is_what_it_claims(&direct);

        let serving = Serving::start(&gateway);
        let fronts = [
            (Transport::Stdio, stdio(&command(&gateway))),
            (Transport::Http, vec!["http".to_owned(), serving.url(&format!("/mcp/{NAME}"))]),
            (Transport::Sse, vec!["sse".to_owned(), serving.url("/sse")]),
        ];
        for (front, target) in fronts {
            let found = match driver.see(server, &target, &gateway) {
                Ok(proxied) => unexpected(driver, server, front, &direct, &proxied),
                Err(error) => vec![error],
            };
            if !found.is_empty() {
                let _ = writeln!(report, "front {front:?}, backend {transport:?}:\n    {}", found.join("\n    "));
            }
        }
    }
    assert!(report.is_empty(), "{driver:?} sees {server:?} otherwise through the gateway\n{report}");
}

/// What has to be so in any document, lest two that are wrong in the same way be equal.
fn is_what_it_claims(document: &Value) {
    let steps = document["progress"]["steps"].as_array().unwrap();
    let steps: Vec<_> = steps.iter().map(|step| step["progress"].as_f64().unwrap()).collect();
    assert_eq!(steps, (1..=20).map(f64::from).collect::<Vec<_>>());
    assert_eq!(document["cancel"]["ended"], "cancelled");
    for method in ["sampling/createMessage", "elicitation/create"] {
        assert!(document["asks"].to_string().contains(method), "nothing asked {method}: {document:#}");
    }
    assert_eq!(document["rooted"]["method"], "roots/list");
    assert_eq!(document["subscription"]["updates"].as_array().map(Vec::len), Some(2), "{document:#}");
    assert!(
        document["logging"] == ABSENT || document["logging"]["logs"].as_array().is_some_and(|logs| !logs.is_empty())
    );
}

fn unexpected(driver: Driver, server: Server, front: Transport, direct: &Value, proxied: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let placeholder = &proxied["placeholder"];
    if placeholder["isError"] == true || placeholder.get("error").is_some() {
        // Nothing else can be right then.
        return vec![format!("the server does not start: {placeholder}")];
    }
    let (mut direct, mut proxied) = (direct.clone(), proxied.clone());
    let bridged = direct["protocol"] != proxied["protocol"];
    if bridged && driver != Driver::PythonAuto {
        found.push(format!("/protocol: directly {}, proxied {}", direct["protocol"], proxied["protocol"]));
    }
    if bridged {
        // What one of the revisions does not have cannot be compared.
        let absent = |document: &Value| -> Vec<String> {
            let steps = document.as_object().unwrap();
            steps.iter().filter(|(_, seen)| **seen == ABSENT).map(|(step, _)| step.clone()).collect()
        };
        for step in absent(&direct).iter().chain(&absent(&proxied)).map(String::as_str).chain(["protocol"]) {
            direct.as_object_mut().unwrap().remove(step);
            proxied.as_object_mut().unwrap().remove(step);
        }
        for document in [&mut direct, &mut proxied] {
            // The tasks of 2025-11-25 are not those of 2026-07-28.
            document["capabilities"].as_object_mut().map(|capabilities| capabilities.remove("tasks"));
        }
    }
    for document in [&mut direct, &mut proxied] {
        OF_THE_WAY.iter().for_each(|step| drop(document.as_object_mut().unwrap().remove(*step)));
        each_object(document, &|object| {
            let stamp = object.get_mut("_meta").and_then(Value::as_object_mut);
            if stamp.is_some_and(|meta| meta.remove("io.modelcontextprotocol/serverInfo").is_some() && meta.is_empty())
            {
                object.remove("_meta");
            }
            if bridged {
                ["resultType", "ttlMs", "cacheScope"].iter().for_each(|member| drop(object.remove(*member)));
            }
        });
        for list in ["tools", "prompts", "resources", "resourceTemplates"] {
            // The catalogue has an order of its own.
            if let Some(items) = document[list].as_array_mut() {
                items.retain(|item| !item["name"].as_str().is_some_and(|name| name.starts_with("gateway_")));
                items.sort_by_key(|item| item["name"].to_string());
            }
        }
    }
    let allowed = |path: &str, value: Option<&Value>| {
        ALLOWED
            .iter()
            .any(|allowed| allowed.fronts.contains(&front) && is_at(path, allowed.path) && (allowed.holds)(value))
            || ERAS.iter().any(|(of, at)| *of == server && is_at(path, at))
    };
    let differing = differences(&direct, &proxied);
    let differing = differing.iter().filter(|difference| !allowed(difference.path(), difference.proxied()));
    found.extend(differing.map(ToString::to_string));
    found
}

/// Whether a path is this one or below it.
fn is_at(path: &str, pattern: &str) -> bool {
    let mut parts = path.split('/');
    pattern.split('/').all(|wanted| parts.next().is_some_and(|part| wanted == "*" || wanted == part))
}

macro_rules! matrix {
    ($($name:ident: $driver:ident, $server:ident;)*) => {
        $(#[test] fn $name() { through_the_gateway(Driver::$driver, Server::$server); })*
    };
}

matrix! {
    typescript_everything: TypeScript, Everything;
    typescript_fastmcp: TypeScript, FastMcp;
    typescript_fixture: TypeScript, Fixture;
    python_legacy_everything: PythonLegacy, Everything;
    python_legacy_fastmcp: PythonLegacy, FastMcp;
    python_legacy_fixture: PythonLegacy, Fixture;
    python_auto_everything: PythonAuto, Everything;
    python_auto_fastmcp: PythonAuto, FastMcp;
    python_auto_fixture: PythonAuto, Fixture;
}

// === the Inspector, whose command line does one thing at a time ===

type Tries = [(&'static str, &'static [&'static str]); 4];

const EVERYTHING: Tries = [
    ("tools/list", &[]),
    ("tools/call", &["--tool-name", "get-sum", "--tool-arg", "a=40", "--tool-arg", "b=2"]),
    ("prompts/get", &["--prompt-name", "args-prompt", "--prompt-args", "city=Gdańsk"]),
    ("resources/read", &["--uri", "demo://resource/static/document/startup.md"]),
];
const FASTMCP: Tries = [
    ("tools/list", &[]),
    ("tools/call", &["--tool-name", "weather", "--tool-arg", "city=Gdańsk"]),
    ("prompts/get", &["--prompt-name", "review", "--prompt-args", "language=rust"]),
    ("resources/read", &["--uri", "note://people/ada"]),
];
const FIXTURE: Tries = [
    ("tools/list", &[]),
    ("tools/call", &["--tool-name", "echo", "--tool-arg", "text=hello"]),
    ("prompts/get", &["--prompt-name", "test_prompt_with_arguments", "--prompt-args", "arg1=a", "arg2=b"]),
    ("resources/read", &["--uri", "test://template/12/data"]),
];

/// What the Inspector prints of a method.
fn inspected(home: &Gateway, target: &[String], method: &str, arguments: &[&str]) -> Value {
    let mut command = foreign::inspector();
    command.args(["--format", "json", "-q", "--method", method]).args(arguments);
    match target {
        [kind, command_line @ ..] if kind == "stdio" => command.args(command_line),
        [kind, url] => command.args(["--transport", kind, url]),
        _ => unreachable!("targets are command lines and URLs"),
    };
    let output = run(as_at_home(&mut command, home));
    let mut seen = match serde_json::from_str(&output.stdout) {
        Ok(Value::Object(seen)) if output.code == 0 => Value::Object(seen),
        _ => return json!({ "failed": format!("{output:?}") }),
    };
    each_object(&mut seen, &|object| {
        // Hints of 2026-07-28, which it knows nothing of: as in `ALLOWED`.
        ["ttlMs", "cacheScope"].iter().for_each(|member| drop(object.remove(*member)));
    });
    if let Some(tools) = seen.pointer_mut("/result/tools").and_then(Value::as_array_mut) {
        tools.retain(|tool| !tool["name"].as_str().is_some_and(|name| name.starts_with("gateway_")));
        tools.sort_by_key(|tool| tool["name"].to_string());
    }
    seen
}

fn inspector(server: Server, tries: Tries) {
    let mut report = String::new();
    for transport in Transport::ALL {
        let backend = server.start(transport);
        let gateway = configured(&backend);
        let see = |target: &[String]| -> HashMap<&str, Value> {
            let seen =
                |(method, arguments): (&'static str, &[&str])| (method, inspected(&gateway, target, method, arguments));
            tries.into_iter().map(seen).collect()
        };
        let direct = see(&backend.target());
        let failed: Vec<_> = direct.values().filter(|seen| seen["failed"].is_string()).collect();
        assert!(failed.is_empty(), "directly over {transport:?}: {failed:#?}");

        let serving = Serving::start(&gateway);
        let through = stdio(&command(&gateway));
        // It calls only what is listed.
        let placeholder = format!("_{NAME}_connect");
        inspected(&gateway, &through, "tools/call", &["--tool-name", &placeholder]);
        let fronts = [
            (Transport::Stdio, through),
            (Transport::Http, vec!["http".to_owned(), serving.url(&format!("/mcp/{NAME}"))]),
            (Transport::Sse, vec!["sse".to_owned(), serving.url("/sse")]),
        ];
        for (front, target) in fronts {
            let proxied = see(&target);
            for (method, _) in tries {
                for difference in differences(&direct[method], &proxied[method]) {
                    let _ = writeln!(report, "front {front:?}, backend {transport:?}, {method}: {difference}");
                }
            }
        }
    }
    assert!(report.is_empty(), "the Inspector sees {server:?} otherwise through the gateway\n{report}");
}

#[test]
fn inspector_everything() {
    inspector(Server::Everything, EVERYTHING);
}

#[test]
fn inspector_fastmcp() {
    inspector(Server::FastMcp, FASTMCP);
}

#[test]
fn inspector_fixture() {
    inspector(Server::Fixture, FIXTURE);
}
