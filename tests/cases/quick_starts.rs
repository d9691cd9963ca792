//! The quick starts of the four gateways that this one replaces, as their own pages tell them: their configuration,
//! imported, and the result that they promise. The servers behind are real ones from npm and PyPI.

use std::fs;

use gateway_tests::{
    Client, Gateway, Http, HttpSession, Listening, Serving, foreign,
    matrix::{Backend, Server, Transport},
    place,
};
use serde_json::{Value, json};

/// A gateway without a configuration, beside the other one's.
pub(crate) fn newcomer(name: &str, text: &str) -> Gateway {
    let gateway = Gateway::new("");
    fs::remove_file(gateway.path("gateway.yaml")).unwrap();
    gateway.write(name, text);
    gateway
}

fn url(backend: &Backend) -> String {
    backend.target()[1].clone()
}

/// What a meta-tool answers as text, which is JSON.
#[track_caller]
fn answer(session: &HttpSession, tool: &str, arguments: Value) -> Value {
    let text = session.call(tool, arguments).result().text();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{tool}: {error}: {text}"))
}

#[track_caller]
fn get(http: &Http, path: &str) -> Value {
    let mut answer = http.at(path).get();
    let text = answer.text();
    assert_eq!(answer.status, 200, "{path}: {text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"))
}

fn sqlite() -> String {
    let program = place::repository().join("tests/servers/.venv/bin/mcp-server-sqlite");
    assert!(program.exists(), "{} is missing: run `./tests/run --setup`", program.display());
    program.display().to_string()
}

// === MCP Multi-Server Gateway: five management tools, registration, pipelines ===

#[test]
fn mcp_multi_server_gateway_by_registering() {
    let (program, python) = (sqlite(), foreign::python().display().to_string());
    // What its model could start without being asked, a person allows here.
    let gateway = Gateway::with(&json!({
        "management": true,
        "allow_commands": [format!("{program} *"), format!("{python} -m mcp_server_time *")],
    }));
    let client = gateway.client();
    let database = gateway.path("sample.db").display().to_string();
    for (name, command, args, description) in [
        ("weather", &python, "-m mcp_server_time --local-timezone UTC".to_owned(), "Weather alerts"),
        ("sqlite", &program, format!("--db-path {database}"), "Database queries"),
    ] {
        let server = json!({ "name": name, "command": command, "args": args, "description": description });
        client.call("register_server", server).text();
    }
    let listed = client.call("list_servers", json!({})).text();
    assert!(listed.contains("weather") && listed.contains("Database queries"), "{listed}");

    // `params` is a JSON string.
    let call = |tool: &str, params: Value| {
        client.call("call_backend", json!({ "server": "sqlite", "tool": tool, "params": params.to_string() }))
    };
    call("create_table", json!({ "query": "CREATE TABLE customers (name TEXT)" })).text();
    call("write_query", json!({ "query": "INSERT INTO customers VALUES ('Ada')" })).text();
    assert!(call("list_tables", json!({})).text().contains("customers"));
    assert!(call("read_query", json!({ "query": "SELECT * FROM customers" })).text().contains("Ada"));
    // `custom`, for which there were no steps.
    let steps = json!([
        { "id": "tables", "tool": "sqlite__list_tables" },
        { "id": "top", "tool": "sqlite__read_query", "arguments": { "query": "SELECT name FROM customers LIMIT 10" } },
    ]);
    assert!(client.call("route_pipeline", json!({ "scenario": "custom", "steps": steps })).text().contains("Ada"));

    client.call("remove_server", json!({ "name": "weather" })).text();
    assert!(!client.call("list_servers", json!({})).text().contains("weather"));
    client.finish();
    // Registered once is registered.
    let client = gateway.client();
    assert!(client.call("list_servers", json!({})).text().contains("sqlite"));
    assert!(call_sqlite(&client).contains("Ada"));
}

fn call_sqlite(client: &Client) -> String {
    client.call("sqlite__read_query", json!({ "query": "SELECT * FROM customers" })).text()
}

#[test]
fn mcp_multi_server_gateway_by_its_file() {
    let servers = |database: &str| {
        json!({ "servers": [
            { "name": "sqlite", "command": sqlite(), "args": format!("--db-path '{database}'"), "description": "Database queries" },
            { "name": "clock", "command": foreign::python(), "args": ["-m", "mcp_server_time"], "description": "The time" },
        ] })
    };
    let gateway = newcomer("gateway-config.json", "");
    let database = gateway.path("a sample.db").display().to_string();
    gateway.write("gateway-config.json", &servers(&database).to_string());
    // As it is, and imported.
    let beside = ["stdio", "--auto-register", "gateway-config.json"];
    for arguments in [&beside[..], &["stdio"]] {
        if arguments.len() == 1 {
            gateway.run(&["import", "gateway-config.json"]).answer();
        }
        let client = Client::spawn(&mut gateway.command(arguments));
        client.initialize();
        let listed = client.call("list_servers", json!({})).text();
        assert!(listed.contains("sqlite") && listed.contains("clock"), "{listed}");
        let tables = json!({ "server": "sqlite", "tool": "list_tables", "params": "{}" });
        client.call("call_backend", tables).text();
        // Where the model had to guess, it sees the tools themselves; the second time from the beginning.
        if arguments.len() > 1 {
            client.incoming("notifications/tools/list_changed");
        }
        assert!(client.tools().tool_names().contains(&"sqlite__read_query".to_owned()));
        client.finish();
    }
    assert!(gateway.path("a sample.db").exists(), "an argument with a space in it is one");
}

// === MCP Gateway for Python: four meta-tools, one port ===

#[test]
fn mcp_gateway_with_four_meta_tools() {
    let (http, sse) = (Server::Everything.start(Transport::Http), Server::Everything.start(Transport::Sse));
    let tavily = foreign::node_server("everything", &["stdio"]).join(" ");
    let gateway = newcomer(
        "servers.yaml",
        &format!(
            "port: 39400\nenable_meta_mcp: true\n\nbackends:\n  tavily:\n    command: \"{tavily}\"\n    description: \"Web search\"\n    \
             env:\n      TAVILY_API_KEY: \"${{TAVILY_API_KEY}}\"\n\n  context7:\n    http_url: \"{}\"\n    description: \"Documentation lookup\"\n\n  \
             pieces:\n    http_url: \"{}\"\n    description: \"Long-term memory\"\n",
            url(&http),
            url(&sse)
        ),
    );
    gateway.run(&["import", "servers.yaml"]).answer();
    let start = |more: &[&str]| {
        let mut command = gateway.command(&["serve", "--port", "0"]);
        Listening::start(command.args(more).env("TAVILY_API_KEY", "tvly-secret"))
    };
    let serving = start(&[]);
    let at = Http::new(&serving.address, "/mcp");
    let session = HttpSession::open(&at);
    let listed = session.request("tools/list", json!({})).tool_names();
    for tool in ["gateway_list_servers", "gateway_list_tools", "gateway_search_tools", "gateway_invoke"] {
        assert!(listed.contains(&tool.to_owned()), "{listed:?}");
    }
    assert!(listed.iter().all(|tool| tool.starts_with("gateway_")) && listed.len() < 8, "{listed:?}");

    let servers = answer(&session, "gateway_list_servers", json!({}))["servers"].take();
    let about: Vec<_> =
        servers.as_array().unwrap().iter().map(|of| (&of["name"], &of["transport"], &of["description"])).collect();
    assert_eq!(
        json!(about),
        json!([
            ["tavily", "stdio", "Web search"],
            ["context7", "http", "Documentation lookup"],
            ["pieces", "sse", "Long-term memory"]
        ])
    );
    for server in ["tavily", "context7", "pieces"] {
        let tools = answer(&session, "gateway_list_tools", json!({ "server": server }));
        assert!(tools["tools"].as_array().unwrap().iter().any(|tool| tool["name"] == "echo"), "{tools}");
        let invoke = json!({ "server": server, "tool": "echo", "arguments": { "message": "hello" } });
        assert!(session.call("gateway_invoke", invoke).result().text().contains("hello"), "{server}");
        // Direct access, by the server's own names.
        let direct = HttpSession::open(&at.at(&format!("/mcp/{server}")));
        assert!(direct.request("tools/list", json!({})).tool_names().contains(&"echo".to_owned()), "{server}");
    }
    let found = answer(&session, "gateway_search_tools", json!({ "query": "echo", "limit": 10 }));
    assert!(
        found["matches"].as_array().unwrap().iter().any(|of| of["server"] == "tavily" && of["tool"] == "echo"),
        "{found}"
    );

    let health = get(&at, "/health");
    assert_eq!(health["status"], "healthy", "{health:#}");
    let backend = &health["backends"]["tavily"];
    assert_eq!((&backend["running"], &backend["restart_count"]), (&json!(true), &json!(1)), "{health:#}");
    assert!(backend["tools_cached"].as_u64().unwrap() > 3, "{health:#}");
    assert!(!health.to_string().contains("tvly"), "{health:#}");

    let all = start(&["--no-meta-mcp"]);
    let session = HttpSession::open(&Http::new(&all.address, "/mcp"));
    let listed = session.request("tools/list", json!({})).tool_names();
    assert!(
        listed.contains(&"tavily__echo".to_owned()) && !listed.contains(&"gateway_invoke".to_owned()),
        "{listed:?}"
    );
}

// === mcp-unify: connecting on demand, roles ===

#[test]
fn mcp_unify() {
    let files = tempfile::tempdir().unwrap();
    fs::write(files.path().join("here.txt"), "found").unwrap();
    let [node, server, folder] = &foreign::node_server("filesystem", &[files.path().to_str().unwrap()])[..] else {
        panic!("a program, a script and a folder")
    };
    let gateway = newcomer(
        "old/gateway.yaml",
        &format!(
            "servers:\n  filesystem:\n    command: {node}\n    args: [{server:?}, {folder:?}]\n\n  github:\n    command: npx\n    \
             args: [\"-y\", \"@modelcontextprotocol/server-github\"]\n    env:\n      GITHUB_TOKEN: \"${{GITHUB_TOKEN}}\"\n    enabled: false\n\n\
             idle_timeout: 300\n\nroles:\n  admin: null        # all tools\n  readonly: [\"filesystem_*\", \"gateway_status\"]\n  \
             developer: [\"github_*\", \"filesystem_*\", \"gateway_*\"]\n"
        ),
    );
    gateway.run(&["import", "old/gateway.yaml"]).answer();
    let listed = gateway.run(&["list", "--role", "admin"]);
    for part in ["Servers (2):\n", "  filesystem: node", "  github: ", "disabled", "Plugins (0):\n"] {
        assert!(listed.answer().contains(part), "{part:?}: {listed:#?}");
    }

    // Documented: a placeholder, the real tools once it was called, and a role that sees those of one server.
    for role in ["admin", "readonly"] {
        let fresh = newcomer("gateway.yaml", &fs::read_to_string(gateway.path("gateway.yaml")).unwrap());
        let client = fresh.client_as(role);
        let before = client.tools().tool_names();
        assert!(
            before.contains(&"_filesystem_connect".to_owned()) && before.contains(&"gateway_status".to_owned()),
            "{before:?}"
        );
        assert!(!before.iter().any(|tool| tool.contains("github")), "{before:?}");
        let connected = client.call("_filesystem_connect", json!({}));
        assert!(connected.text().contains("list_directory"), "{}", connected.raw);
        client.incoming("notifications/tools/list_changed");
        let after = client.tools().tool_names();
        assert!(
            after.contains(&"list_directory".to_owned()) && !after.contains(&"_filesystem_connect".to_owned()),
            "{after:?}"
        );
        let found = client.call("list_directory", json!({ "path": folder }));
        assert!(found.text().contains("here.txt"), "{}", found.raw);
        client.finish();
    }
    // Where a role did not exist, everything was seen.
    let misspelt = gateway.run(&["stdio", "--role", "readnoly"]);
    assert!(misspelt.complaint(2).contains("readonly"), "{misspelt:#?}");
    assert!(gateway.run(&["stdio"]).complaint(2).contains("default_role"));

    let mut command = gateway.command(&["serve", "--port", "0"]);
    let serving = Listening::start(command.env("MCP_GATEWAY_ROLE", "developer"));
    let at = Http::new(&serving.address, "/sse");
    let mut stream = at.get();
    assert_eq!((stream.status, stream.is_stream()), (200, true));
    assert_eq!(stream.event().unwrap().kind.as_deref(), Some("endpoint"));
    let health = get(&at, "/health");
    assert_eq!((&health["servers_configured"], &health["idle_timeout"]), (&json!(1), &json!(300)), "{health:#}");
    for key in ["uptime_s", "plugins", "servers_connected", "tools_total"] {
        assert!(!health[key].is_null(), "{key}: {health:#}");
    }
}

// === mcp-gw: remote backends, `backend__tool`, REST ===

#[test]
fn mcp_gw() {
    let (first, second) = (Server::Everything.start(Transport::Http), Server::Everything.start(Transport::Sse));
    let header = json!({ "X-Key": "hunter2" });
    let backends = json!({ "backends": [
        { "name": "memory", "url": url(&first), "transport": "http", "enabled": true, "headers": header },
    ] });
    let gateway = newcomer("config/backends.json", &backends.to_string());
    gateway.run(&["import", "config/backends.json"]).answer();
    // What its network could be told to reach, a person allows here.
    let allowed = url(&second).trim_end_matches("/sse").to_owned();
    let imported = fs::read_to_string(gateway.path("gateway.yaml")).unwrap();
    gateway.write("gateway.yaml", &format!("{imported}allow_urls: [{allowed:?}]\n"));
    let new = json!({ "name": "my-mcp", "url": url(&second), "transport": "sse", "enabled": true });
    {
        let serving = Serving::start(&gateway);
        let http = Http::new(&serving.address, "/mcp");
        let session = HttpSession::open(&http);
        let echoed = session.call("memory__echo", json!({ "message": "hello" })).result();
        assert!(echoed.text().contains("hello"), "{}", echoed.raw);

        let mut added = http.at("/api/backends").post(&new);
        let text = added.text();
        assert_eq!(added.status, 200, "{text}");
        let added: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&added["ok"], &added["backend"]["name"]), (&json!(true), &json!("my-mcp")), "{added:#}");
        assert_eq!(added["backend"]["status"], "connected", "{added:#}");
        // What was added is listed and can be called at once.
        let echoed = session.call("my-mcp__echo", json!({ "message": "hello" })).result();
        assert!(echoed.text().contains("hello"), "{}", echoed.raw);
        let tools = session.request("tools/list", json!({})).tool_names();
        assert!(tools.contains(&"memory__echo".to_owned()) && tools.contains(&"my-mcp__echo".to_owned()), "{tools:?}");

        let health = get(&http, "/api/health");
        assert_eq!(
            (&health["status"], &health["backendCount"], &health["connectedBackends"]),
            (&json!("ok"), &json!(2), &json!(2))
        );
        assert!(
            health["version"].is_string() && health["uptimeMs"].is_u64() && health["toolCount"].is_u64(),
            "{health:#}"
        );
        let listed = get(&http, "/api/backends");
        let names: Vec<_> = listed.as_array().unwrap().iter().map(|of| of["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["memory", "my-mcp"], "{listed:#}");
        assert!(!listed.to_string().contains("hunter2"), "{listed:#}");
        for key in ["url", "transport", "enabled", "tools", "status", "latencyMs", "lastPingAt", "error"] {
            assert!(listed[0].get(key).is_some(), "{key}: {listed:#}");
        }
        let logs = get(&http, "/api/logs")["entries"].take();
        let lines = logs.as_array().unwrap();
        assert!(lines.len() <= 200, "{logs:#}");
        let result = lines.iter().find(|line| line["type"] == "tool_result").unwrap_or_else(|| panic!("{logs:#}"));
        assert_eq!(
            (&result["status"], &result["backend"], &result["tool"]),
            (&json!("ok"), &json!("memory"), &json!("echo")),
            "{result:#}"
        );
        let again = http.at("/api/backends/memory/reconnect").post(&json!({}));
        assert_eq!(again.status, 200);
        let page = http.at("/").with("Accept", "text/html").get();
        assert_eq!((page.status, page.header("content-type").map(|of| of.starts_with("text/html"))), (200, Some(true)));
    }
    // "Saved, and reconnects automatically on gateway restart."
    let serving = Serving::start(&gateway);
    let http = Http::new(&serving.address, "/mcp");
    let session = HttpSession::open(&http);
    assert!(session.call("my-mcp__echo", json!({ "message": "again" })).result().text().contains("again"));
    let removed = http.at("/api/backends/my-mcp").send("DELETE", "");
    assert_eq!(removed.status, 200);
    assert_eq!(get(&http, "/api/backends").as_array().unwrap().len(), 1);
}
